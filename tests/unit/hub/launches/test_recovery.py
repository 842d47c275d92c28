"""Whenever a process dies, there are never two bots, and somebody finds out what became of the one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.meetingbaas_server import HANG_AFTER, HANG_BEFORE, Bot, MeetingBaasServer, Refusal, meetingbaas
from tests.memory_store import MemoryStore
from tests.unit.hub.launches.stage import TOPIC, memory, process
from tests.waiting import PATIENCE, until


@pytest.fixture
async def provider() -> AsyncIterator[MeetingBaasServer]:
    async with meetingbaas() as server:
        yield server


# Where a process may be when it dies, and how many bots there are then.
STEPS = {"before the call": 0, "in the call": 0, "after the bot was made": 1, "before the answer is kept": 1}


async def _die_at(step: str, store: MemoryStore, provider: MeetingBaasServer, version: str) -> None:
    """Let a process die while it launches."""
    async with process(store, provider, version) as first:
        if step == "before the call":
            # It waits for its turn.
            provider.faults = [Refusal(429, {"retryAfter": 4})]
            first.launch()
            await until(lambda: provider.calls.total() == 1)
        elif step == "before the answer is kept":

            async def hold(_: Bot) -> None:
                store.commits.hold()

            provider.on_created = hold
            first.launch()
            await until(lambda: store.commits.waiting > 0 and bool(provider.bots))
        else:
            provider.faults = [HANG_BEFORE if step == "in the call" else HANG_AFTER]
            first.launch()
            await provider.reached.wait()
    store.commits.release()


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("step", STEPS)
async def test_who_dies_at_any_step_leaves_at_most_one_bot(
    provider: MeetingBaasServer, version: str, step: str
) -> None:
    """The next process sends none by the same key; v1's is found, and what nobody can find waits for somebody."""
    store = memory()
    await _die_at(step, store, provider, version)
    provider.calls.clear()
    async with process(store, provider, version) as second:
        assert await second.launch() == ""
        for _ in range(4):
            await second.recovery.round()
        assert await second.launch() == ""
    assert len(provider.bots) == STEPS[step]
    assert not any(call.startswith("POST") for call in provider.calls)
    if version == "v1" and provider.bots:
        assert second.bots == {f"bots/meetingbaas:{provider.only.id}": "queued"}
        assert second.shown(f"bots/meetingbaas:{provider.only.id}")["name"] == "Notes"
    else:
        assert second.bots == {TOPIC: "unknown"}


async def test_a_launch_that_somebody_may_still_be_at_is_left_alone(provider: MeetingBaasServer) -> None:
    """This process itself, or, for a while, any other."""
    store = memory()
    provider.faults = [HANG_BEFORE]
    async with process(store, provider) as here, process(store, provider, grace_ms=60_000) as there:
        launching = here.launch()
        await provider.reached.wait()
        await here.recovery.round()
        await there.recovery.round()
        assert here.bots == {TOPIC: "requested"}
        provider.go_on.set()
        assert await launching == provider.only.id


async def test_as_long_as_the_provider_does_not_answer_nothing_is_known(provider: MeetingBaasServer) -> None:
    """That it is away says nothing of the bot."""
    store = memory()
    await _die_at("after the bot was made", store, provider, "v1")
    address, provider.url = provider.url, "http://127.0.0.1:9"
    async with process(store, provider, "v1") as second:
        for _ in range(5):
            await second.recovery.round()
        assert second.bots == {TOPIC: "requested"}
    provider.url = address
    async with process(store, provider, "v1") as third:
        await third.recovery.round()
        assert TOPIC not in third.bots


async def test_what_is_known_is_kept_as_soon_as_the_store_takes_it(provider: MeetingBaasServer) -> None:
    """Nobody else knows which bot it is."""
    store = memory()
    async with process(store, provider) as here:
        provider.faults = [HANG_AFTER]
        launching = here.launch()
        await provider.reached.wait()
        store.problem = "away"
        provider.go_on.set()
        # The first try fails.
        await until(lambda: len(store.batches) > 1)
        store.problem = ""
        async with asyncio.timeout(PATIENCE):
            assert await launching == provider.only.id
        assert here.bots == {f"bots/meetingbaas:{provider.only.id}": "queued"}
