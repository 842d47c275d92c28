"""Asking how far bots are: what is answered goes the way of webhooks, and what is known already adds nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import orjson
import pytest

from hub.clock import now_ms
from hub.events import RECONCILE, BotDetail, Delivery, Fact, Kind, format_time
from hub.inquiries import translated
from hub.launches.polling import QUICK_SECONDS, Polling, is_polled
from tests.meetingbaas_server import Bot, MeetingBaasServer, Refusal, meetingbaas
from tests.unit.hub.launches.stage import SOURCE, Process, memory, process
from tests.waiting import until


@pytest.fixture
async def provider() -> AsyncIterator[MeetingBaasServer]:
    async with meetingbaas() as server:
        yield server


@pytest.fixture
async def here(provider: MeetingBaasServer) -> AsyncIterator[Process]:
    """A process that has launched a bot."""
    async with process(memory(), provider) as one:
        await one.launch()
        yield one


def come(here: Process) -> None:
    """Let the time come at which bots are asked for again."""
    here.polling._due.clear()
    here.polling._slow_due = 0.0


def told(here: Process) -> Counter[str]:
    """Return how often each kind of thing was told."""
    return Counter(orjson.loads(event.body)["type"] for event, *_ in here.store.kept.events)


async def test_a_bot_is_asked_until_it_is_over(here: Process, provider: MeetingBaasServer) -> None:
    """Every answer is one of the provider's own statuses, and means what it means in a webhook."""
    bot, (topic,) = provider.only, here.bots
    seen = []
    for status in ("joining_call", "in_waiting_room", "completed", "failed"):
        provider.become(bot, status)
        assert 0 < await here.polling.round() <= QUICK_SECONDS
        come(here)
        seen.append(here.bots[topic])
    assert seen == ["joining", "waiting", "completed", "completed"]
    assert provider.calls["GET /v2/bots/{id}/status"] == 3


async def test_what_was_asked_for_is_marked_as_such(here: Process, provider: MeetingBaasServer) -> None:
    """Whoever looks into the log sees what no webhook told."""
    provider.become(provider.only, "joining_call")
    await here.polling.round()
    assert orjson.loads(here.store.kept.events[-1][0].body)["source"] == f"/sources/{RECONCILE}"
    (topic,) = here.bots
    assert topic in here.store.kept.events[-1][0].topics


async def test_an_answer_that_says_nothing_new_adds_nothing(here: Process, provider: MeetingBaasServer) -> None:
    """Every three seconds the same."""
    provider.become(provider.only, "joining_call")
    await here.polling.round()
    head, batches = here.store.kept.head, len(here.store.batches)
    come(here)
    await here.polling.round()
    assert (here.store.kept.head, len(here.store.batches)) == (head, batches)
    async with process(here.store, provider) as other:
        await other.polling.round()
    assert here.store.kept.head == head


async def test_in_the_call_there_is_time(here: Process, provider: MeetingBaasServer) -> None:
    """What happens there is told by its end."""
    provider.become(provider.only, "in_call_recording")
    await here.polling.round()
    come(here)
    await here.polling.round()
    await here.polling.round()
    assert provider.calls["GET /v2/bots/{id}/status"] == 2


async def test_a_bot_that_goes_on_for_longer_than_a_day_is_left_to_those_who_ask_about_silent_ones(
    here: Process, provider: MeetingBaasServer
) -> None:
    """Nobody is asked for twice, and nobody forgotten."""
    provider.become(provider.only, "in_call_recording")
    await here.polling.round()
    (document,) = (one for one in here.store.kept.documents.values() if one.collection == "bots")
    assert [is_polled(document, now_ms() + hours * 3_600_000) for hours in (0, 23, 25)] == [True, True, False]


async def test_bots_that_the_hub_did_not_launch_are_not_asked_for(here: Process, provider: MeetingBaasServer) -> None:
    """They may be another account's."""
    now = now_ms()
    plain = Fact(kind=Kind.BOT_QUEUED, time=now, bot="meetingbaas:theirs", detail=BotDetail())
    by_key = Fact(kind=Kind.BOT_QUEUED, time=now, bot="meetingbaas:other", detail=BotDetail(launch_id="launch-2"))
    webhook = Delivery(source="mb", scope="meetingbaas/", key="k", received_at=now, body=b"{}", facts=(plain, by_key))
    await here.launches.keep(webhook)
    provider.become(provider.only, "queued")
    await here.polling.round()
    assert provider.calls["GET /v2/bots/{id}/status"] == 1


async def test_a_bot_of_which_nothing_is_answered_does_not_keep_the_others_waiting(
    here: Process, provider: MeetingBaasServer
) -> None:
    """In the minute before people see it, a bot is to be followed as it goes."""
    other = provider.only
    # Who was launched last is asked for first.
    provider.mute = {await here.launch("order-2")}
    for bot in provider.bots.values():
        provider.become(bot, "joining_call")
    asking = asyncio.create_task(here.polling.round())
    await until(lambda: here.bots[f"bots/meetingbaas:{other.id}"] == "joining", 3)
    assert not asking.done()
    provider.mute = set()
    provider.go_on.set()
    await asking
    assert set(here.bots.values()) == {"joining"}


async def test_as_long_as_the_provider_wants_to_be_left_alone_nothing_is_asked(
    here: Process, provider: MeetingBaasServer
) -> None:
    """The next round comes when it may."""
    provider.refusal = Refusal(429, {}, {"Retry-After": "42"})
    pauses = [await here.polling.round() for _ in range(2)]
    assert all(41 < pause <= 42 for pause in pauses)
    assert provider.calls["GET /v2/bots/{id}/status"] == 1


async def test_a_bot_that_the_provider_does_not_know_costs_the_others_nothing(
    here: Process, provider: MeetingBaasServer
) -> None:
    """It may have been deleted there."""
    provider.bots.clear()
    before = here.bots
    await here.polling.round()
    await here.polling.round()
    assert here.bots == before
    assert provider.calls["GET /v2/bots/{id}/status"] == 1


async def test_that_the_provider_does_not_know_a_bot_is_noted_once(here: Process, provider: MeetingBaasServer) -> None:
    """Whoever looks why it does not go on finds it in the bot's timeline; also after a restart."""
    provider.bots.clear()
    for _ in range(2):
        await here.polling.round()
        come(here)
    async with process(here.store, provider) as other:
        await other.polling.round()
    assert told(here)["provider.event"] == 1


@pytest.mark.parametrize("since", ["{now}", "", "2199-01-01T00:00:00Z"])
async def test_a_status_that_is_shown_is_no_news_whatever_time_the_provider_puts_on_it(
    here: Process, provider: MeetingBaasServer, since: str
) -> None:
    """`updated_at` may be that of the answer; every poll, and every restart, would add an event."""
    for moment in range(3):
        provider.only.status = "joining_call"
        provider.only.updated_at = since.format(now=format_time(now_ms() + moment * 1000))
        await here.polling.round()
        come(here)
    async with process(here.store, provider) as other:
        await other.polling.round()
    assert told(here)["bot.joining"] == 1


async def test_what_a_webhook_told_meanwhile_is_not_told_again(here: Process, provider: MeetingBaasServer) -> None:
    """What was looked up a while ago may be known by now."""
    provider.mute = {provider.only.id}
    asking = asyncio.create_task(here.polling.round())
    await provider.reached.wait()
    fact = Fact(kind=Kind.BOT_JOINING, time=now_ms() - 5000, bot=f"meetingbaas:{provider.only.id}")
    await here.launches.keep(
        Delivery(source="mb", scope="meetingbaas/", key="k", received_at=now_ms(), body=b"{}", facts=(fact,))
    )
    provider.become(provider.only, "joining_call")
    provider.go_on.set()
    await asking
    assert told(here)["bot.joining"] == 1


async def test_many_in_calls_do_not_keep_those_waiting_that_are_not(provider: MeetingBaasServer) -> None:
    """It is the join that people wait for; who is in the call has its turns in between."""
    async with process(memory(), provider) as here:
        for number in range(16):
            bot = Bot(f"b{number}", {}, "in_call_recording", format_time(now_ms()) or "")
            provider.bots[bot.id] = bot
            detail = BotDetail(launch_id=f"launch-{number}", order="x:y")
            fact = Fact(kind=Kind.BOT_JOINED, time=now_ms(), bot=f"meetingbaas:{bot.id}", detail=detail)
            delivery = Delivery(source="mb", scope="m/", key=bot.id, received_at=1, body=b"{}", facts=(fact,))
            await here.launches.keep(delivery)
        polling = Polling(here.launches, SOURCE, translated, here.store, now_ms, quick_seconds=0.1)
        await polling.round()
        assert 0 < provider.calls["GET /v2/bots/{id}/status"] < 16
        await polling.round()
        await polling.round()
        assert provider.calls["GET /v2/bots/{id}/status"] == 16
        assert set(here.bots.values()) == {"recording"}
