"""Launches that are under way: whoever waits for them, and whoever does not."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.clients.meetingbaas import MISSING
from hub.errors import NotConfigured, OrderRefused
from hub.launches.launches import Launches
from hub.launches.words import Asked
from hub.ports.dispatch import Order
from tests.meetingbaas_server import HANG_BEFORE, MeetingBaasServer, Refusal, meetingbaas
from tests.unit.hub.launches.stage import LAUNCH, TOPIC, memory, process


@pytest.fixture
async def provider() -> AsyncIterator[MeetingBaasServer]:
    async with meetingbaas() as server:
        yield server


async def test_a_launch_that_is_under_way_is_not_begun_again(provider: MeetingBaasServer) -> None:
    """Who comes second waits for the same."""
    provider.faults = [HANG_BEFORE]
    async with process(memory(), provider) as here:
        first = here.launch()
        assert here.launch() is first
        assert here.launches.running(LAUNCH) is not None
        await provider.reached.wait()
        provider.go_on.set()
        assert await first == provider.only.id
        await asyncio.sleep(0)
        assert here.launches.running(LAUNCH) is None


async def test_a_hub_that_stops_lets_launches_come_to_their_end(provider: MeetingBaasServer) -> None:
    """For a while: what is cut off has to be found out later."""
    provider.faults = [HANG_BEFORE]
    async with process(memory(), provider) as here:
        launching = here.launch()
        await provider.reached.wait()
        await here.launches.settle(0.01)
        assert not launching.done()
        provider.go_on.set()
        await here.launches.settle(60)
        assert launching.result() == provider.only.id


async def test_which_bot_it_became_is_kept_before_it_is_passed_on(provider: MeetingBaasServer) -> None:
    """Webhooks that are taken for it follow what says so."""
    async with process(memory(), provider) as here:
        told: list[tuple[str, str, dict[str, str]]] = []
        here.launches.on_answered = lambda asked, bot: told.append((asked.launch_id, bot, here.bots))
        bot = await here.launch()
        assert told == [(LAUNCH, bot, {f"bots/meetingbaas:{bot}": "queued"})]


async def test_a_refusal_is_kept_before_it_is_told(provider: MeetingBaasServer) -> None:
    """Whoever was told finds it."""
    provider.faults = [Refusal(400)]
    async with process(memory(), provider) as here:
        with pytest.raises(OrderRefused):
            await here.launch()
        assert here.bots == {TOPIC: "failed"}


async def test_a_launch_that_ends_in_a_way_that_nobody_foresaw_is_one_of_which_nobody_knows(
    provider: MeetingBaasServer,
) -> None:
    """It may have been sent; were it left as under way, whoever asks would be told to wait."""
    async with process(memory(), provider) as here:
        order = Order(launch_id=LAUNCH, meeting_url="https://x", bot_name="B", options={"n": {1, 2}})
        launching = here.launches.begin(Asked(provider="meetingbaas", launch_id=LAUNCH), order, b"{}").task
        with pytest.raises(TypeError):
            await launching
        assert here.bots == {TOPIC: "unknown"}


async def test_without_an_account_nothing_can_be_launched() -> None:
    """The setting is named."""
    launches = Launches(None, None, int, missing=MISSING)  # type: ignore[arg-type]  # it is not asked for anything
    assert not launches.is_configured
    with pytest.raises(NotConfigured, match=r"meetingbaas\.api_key"):
        _ = launches.dispatcher


async def test_of_two_processes_with_one_key_one_launches(provider: MeetingBaasServer) -> None:
    """The store lets one intent through; the other asks what became of it."""
    store = memory()
    async with process(store, provider) as here, process(store, provider) as there:
        bots = await asyncio.gather(here.launch(), there.launch())
        assert sorted(bots) == ["", provider.only.id]
        assert provider.calls["POST /v2/bots"] == 1
