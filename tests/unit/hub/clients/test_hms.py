"""100ms is asked for active sessions, for what became of others, and to send again what failed."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import jwt
import pytest

from hub.clients.hms import HmsAccount, management_token
from hub.errors import Unanswered
from hub.inquiries import translated
from hub.reconcile.rooms import ListedRooms
from hub.settings import Hms, Source
from tests.standins import HMS_KEY, HMS_SECRET, HmsStandIn, Said, serving
from tests.unit.hub.reconcile.asking import BASE, HOUR, MINUTE, Hub, asks, hub

HMS = Source(provider="100ms", name="100ms", home="100ms", path="/h")
ROOM = "rooms/100ms:S1"
START = "2026-03-10T12:00:00.12345678Z"


@dataclass
class Asking:
    """A hub, a 100ms account, and what asks the one on behalf of the other."""

    hub: Hub
    hms: HmsStandIn
    account: HmsAccount
    rooms: ListedRooms

    async def hear(self, event: str, **told: object) -> None:
        """Take a webhook about the session S1."""
        named = {"room_id": "R1", "room_name": "daily", "session_id": "S1", "session_started_at": START}
        await self.hub.hear_of(HMS, {"type": event, "data": {**named, **told}})


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[Asking]:
    async with hub() as writer, serving(HmsStandIn()) as hms:
        settings = Hms(access_key=HMS_KEY, app_secret=HMS_SECRET, base_url=hms.url)
        writer.clock.now += HOUR
        account = HmsAccount(settings, (HMS,), translated, writer.clock, lambda: "id")
        yield Asking(writer, hms, account, asks(writer, account))


def peer(number: int, joined: str = "2026-03-10T12:00:01.5Z", **told: object) -> Said:
    """Return somebody as sessions have them."""
    named = {"id": f"P{number}", "session_id": "S1", "name": "Ann", "role": "host", "user_id": f"u{number}"}
    return {**named, "joined_at": joined, **told}


def test_the_management_token_is_what_100ms_documents() -> None:
    """It refuses any other."""
    claims = jwt.decode(
        management_token("k", "s" * 32, BASE, "id"), "s" * 32, algorithms=["HS256"], options={"verify_exp": False}
    )
    issued = BASE // 1000
    assert claims == {
        "access_key": "k",
        "type": "management",
        "version": 2,
        "jti": "id",
        "iat": issued,
        "nbf": issued,
        "exp": issued + 3600,
    }


async def test_active_sessions_are_listed_page_by_page() -> None:
    """A hundred at most come at once."""
    async with asking() as one:
        for number in range(1, 6):
            one.hms.open(f"S{number}", f"R{number}", START)
        await one.rooms.look()
        assert set(one.hub.rooms()) == {f"100ms:S{number}" for number in range(1, 6)}


async def test_a_session_whose_webhooks_were_lost_is_shown_with_who_is_and_was_there() -> None:
    """The account's sessions hold everybody who ever came, with the times."""
    async with asking() as one:
        one.hms.open("S1", "R1", START, P1=peer(1), P2=peer(2, left_at="2026-03-10T12:10:00Z"))
        await one.rooms.look()
        room = one.hub.shown(ROOM)
        assert (room["status"], room["durable_room"], room["started_at"]) == (
            *("live", "100ms@R1", "2026-03-10T12:00:00.123Z"),
        )
        assert one.hub.active(ROOM) == {"P1"}
        assert one.hub.shown(f"{ROOM}/participants/P2")["left_at"] == "2026-03-10T12:10:00Z"


async def test_somebody_whose_leave_was_lost_leaves_when_the_session_says_so() -> None:
    """Here the provider says itself who left, and when: nothing has to be concluded."""
    async with asking() as one:
        one.hms.open("S1", "R1", START, P1=peer(1))
        await one.rooms.look()
        one.hms.sessions["S1"]["peers"]["P1"]["left_at"] = "2026-03-10T12:20:00Z"
        await one.rooms.look()
        gone = one.hub.shown(f"{ROOM}/participants/P1")
        assert (gone["active"], gone["left_at"]) == (False, "2026-03-10T12:20:00Z")


async def test_a_session_that_is_over_ends_with_the_attendance_that_100ms_kept() -> None:
    """Also of those who came and went while nobody listened."""
    async with asking() as one:
        await one.hear("session.open.success")
        await one.hear("peer.join.success", peer_id="P1", joined_at="2026-03-10T12:00:01.5Z", role="host")
        one.hms.open("S1", "R1", START, P1=peer(1), P2=peer(2, left_at="2026-03-10T12:10:00Z"))
        one.hms.close("S1", "2026-03-10T12:30:00Z")
        await one.rooms.look()
        room = one.hub.shown(ROOM)
        assert (room["status"], room["ended_at"]) == ("ended", "2026-03-10T12:30:00Z")
        left = [one.hub.shown(f"{ROOM}/participants/{who}")["left_at"] for who in ("P1", "P2")]
        assert left == ["2026-03-10T12:30:00Z", "2026-03-10T12:10:00Z"]
        kept = len(one.hub.deliveries())
        await one.rooms.look()
        assert len(one.hub.deliveries()) == kept


async def test_a_close_that_is_replayed_still_says_when_the_session_ended() -> None:
    """The account tells who left when; the webhook tells the end itself."""
    async with asking() as one:
        await one.hear("session.open.success")
        one.hms.open("S1", "R1", START, P1=peer(1))
        one.hms.close("S1", "2026-03-10T12:30:00Z")
        await one.rooms.look()
        await one.hear("session.close.success", session_stopped_at="2026-03-10T12:30:07Z")
        assert one.hub.shown(ROOM)["ended_at"] == "2026-03-10T12:30:07Z"


async def test_a_session_that_100ms_does_not_know_goes_on() -> None:
    """It may be another account's: silence is not taken for death."""
    async with asking() as one:
        await one.hear("session.open.success")
        for _ in range(3):
            one.hub.clock.now += HOUR
            await one.rooms.look()
        assert one.hub.rooms() == {"100ms:S1": "live"}


async def test_what_is_known_is_told_though_the_provider_stops_answering() -> None:
    """The sessions that go on are not kept back because of one that ended."""
    async with asking() as one:
        await one.hear("session.open.success")
        one.hms.open("S2", "R2", START)
        one.hms.broken = "S1"
        with pytest.raises(Unanswered, match="100ms answers 500"):
            await one.rooms.look()
        assert one.hub.rooms() == {"100ms:S1": "live", "100ms:S2": "live"}


async def test_failed_deliveries_are_asked_for_by_their_time() -> None:
    """100ms sends them again, ten a second, to the webhook that is configured."""
    async with asking() as one:
        assert not await one.account.has_failed(BASE, BASE + MINUTE)
        one.hms.failed = 3
        assert await one.account.has_failed(BASE, BASE + MINUTE)
        await one.account.replay(BASE, BASE + MINUTE)
        period = {"start_time": "2026-03-10T12:00:00Z", "end_time": "2026-03-10T12:01:00Z"}
        assert one.hms.replays == [{**period, "status": "failed"}]


async def test_a_refusal_says_which_settings_are_to_be_checked() -> None:
    """Whoever set it up wrongly reads nothing else."""
    async with asking() as one:
        one.hms.status = 401
        with pytest.raises(Unanswered, match=r"100ms refuses .* \(401\): check HMS_ACCESS_KEY and HMS_APP_SECRET"):
            await one.rooms.look()


@pytest.mark.parametrize("page", [b"<html>", b"[]", b"null", b"\xff"])
async def test_what_is_no_json_object_is_no_answer(page: bytes) -> None:
    """A proxy, a wrong address or a login page answers 200 too."""
    async with asking() as one:
        one.hms.page_of_html = page
        with pytest.raises(Unanswered, match="base_url"):
            await one.rooms.look()


@pytest.mark.parametrize("status", [404, 302])
async def test_what_only_a_wrong_address_answers_is_no_answer(status: int) -> None:
    """Asked for one session 404 says that it is not there; asked for a list it does not."""
    async with asking() as one:
        one.hms.status = status
        with pytest.raises(Unanswered, match=f"100ms answers {status}"):
            await one.rooms.look()
