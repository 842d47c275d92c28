"""Bots of which nothing was heard for ten minutes are asked about; silence, and 404, are no death."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
import pytest

from hub.clients.meetingbaas import dispatcher
from hub.errors import Unanswered
from hub.events import format_time
from hub.inquiries import translated
from hub.reconcile.bots import SilentBots
from hub.settings import MeetingBaas, Settings, Source
from tests.meetingbaas_server import API_KEY, Bot, MeetingBaasServer, meetingbaas
from tests.unit.hub.reconcile.asking import BASE, MINUTE, Hub, hub

BAAS = Source(provider="meetingbaas", name="meetingbaas", home="meetingbaas", path="/b")
BOT = "bots/meetingbaas:b1"


@dataclass
class Bots:
    """A hub with a bot, its provider, and what asks the one on behalf of the other."""

    hub: Hub
    baas: MeetingBaasServer
    silent: SilentBots

    async def hear(self, code: str, at: int, bot: str = "b1") -> None:
        """Take a status webhook."""
        status = {"code": code, "created_at": format_time(at)}
        await self.hub.hear_of(BAAS, {"event": "bot.status_change", "data": {"bot_id": bot, "status": status}})

    def say(self, status: str, at: int, bot: str = "b1") -> None:
        """Let the provider say how far a bot is."""
        self.baas.bots[bot] = Bot(bot, {}, status, format_time(at) or "")

    @property
    def asked(self) -> int:
        """How often the provider was asked how far a bot is."""
        return self.baas.calls["GET /v2/bots/{id}/status"]

    async def look(self, *, after: int) -> None:
        """Ask, so many milliseconds later."""
        self.hub.clock.now += after
        await self.silent.look()


@contextlib.asynccontextmanager
async def bots(version: str = "v2", key: str = API_KEY, polled: tuple[str, ...] = ()) -> AsyncIterator[Bots]:
    async with hub() as writer, meetingbaas() as baas:
        account = dispatcher(Settings(meetingbaas=MeetingBaas(api_version=version, api_key=key, base_url=baas.url)))
        assert account is not None
        silent = SilentBots(
            BAAS, account, translated, writer.store, writer.ingest, writer.clock, lambda bot, _: bot.topic in polled
        )
        one = Bots(writer, baas, silent)
        await one.hear("joining_call", BASE)
        yield one


async def test_a_bot_that_was_heard_of_is_not_asked_about() -> None:
    """Providers do not like to be asked what they just told."""
    async with bots() as one:
        await one.look(after=10 * MINUTE)
        assert one.asked == 0


async def test_what_the_provider_says_of_a_silent_bot_is_told() -> None:
    """Its webhooks were lost, and with them how it ended."""
    async with bots() as one:
        one.say("completed", BASE + 5 * MINUTE)
        await one.look(after=11 * MINUTE)
        assert (one.hub.shown(BOT)["status"], one.hub.shown(BOT)["ended_at"]) == ("completed", "2026-03-10T12:05:00Z")
        await one.look(after=11 * MINUTE)
        assert one.asked == 1


async def test_a_bot_that_is_where_the_hub_thinks_is_not_told_of() -> None:
    """Two hours of recording are no news every ten minutes."""
    async with bots() as one:
        await one.hear("in_call_recording", BASE + 1)
        for minutes in (11, 22):
            one.say("in_call_recording", BASE + minutes * MINUTE)
            await one.look(after=11 * MINUTE)
        assert one.hub.told() == []
        assert one.asked == 2


async def test_a_bot_that_is_polled_is_not_asked_about_as_well() -> None:
    """Whoever polls it hears of it sooner."""
    async with bots(polled=(BOT,)) as one:
        await one.look(after=11 * MINUTE)
        assert one.asked == 0


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_provider_that_refuses_has_answered_nothing(version: str) -> None:
    """What to look at is said; no bot is any the worse for it."""
    async with bots(version, key="wrong") as one:
        before = one.hub.shown(BOT)
        with pytest.raises(Unanswered, match="MEETINGBAAS_API_KEY"):
            await one.look(after=11 * MINUTE)
        assert (one.hub.shown(BOT), one.hub.told()) == (before, [])


async def test_a_bot_of_which_the_provider_cannot_speak_keeps_no_other_from_being_asked_about() -> None:
    """It is the same one every time, and the others end meanwhile."""
    async with bots() as one:
        await one.hear("joining_call", BASE, "b2")
        one.say("in_call_recording", BASE)
        one.say("completed", BASE + 5 * MINUTE, "b2")
        one.baas.broken = {"b1"}
        one.hub.clock.now += 11 * MINUTE
        (problem,) = (await one.silent.look()).problems
        assert "may have been done" in problem
        assert one.hub.shown("bots/meetingbaas:b2")["status"] == "completed"
        assert one.hub.shown(BOT)["status"] == "joining"


async def test_a_bot_that_the_provider_does_not_know_stays_as_it_is_with_a_note() -> None:
    """It may be another account's; 404 proves no death. The note is in its timeline, once."""
    async with bots() as one:
        before = one.hub.shown(BOT)
        for _ in range(3):
            await one.look(after=11 * MINUTE)
        assert one.hub.shown(BOT) == before
        notes = [orjson.loads(event.json("e"))["data"].get("note") for event, _ in one.hub.store.kept.events]
        assert [note["meaning"] for note in notes if note] == [
            "the provider does not know this bot (404); what was told of it last stays"
        ]


async def test_a_bot_that_is_over_is_not_asked_about() -> None:
    """Nothing more is to come."""
    async with bots() as one:
        await one.hear("failed", BASE + 1)
        await one.look(after=24 * 60 * MINUTE)
        assert one.asked == 0


async def test_v1_says_only_whether_the_meeting_is_over() -> None:
    """It has no status to ask for: its data has an end, and a file or what went wrong."""
    async with bots("v1") as one:
        one.baas.bots["b1"] = Bot("b1", {}, meeting={"bot_data": {"bot": {"ended_at": None}}, "mp4": ""})
        await one.look(after=11 * MINUTE)
        assert one.hub.told() == []
        ended = {"ended_at": "2026-03-10T12:05:00.123456", "errors": "BotNotAccepted"}
        one.baas.bots["b1"].meeting = {"bot_data": {"bot": ended}, "mp4": ""}
        await one.look(after=11 * MINUTE)
        shown = one.hub.shown(BOT)
        assert (shown["status"], shown["reason"]["group"]) == ("failed", "host")
