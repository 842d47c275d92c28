"""Documents and the log by REST: pages that miss nothing, and nothing that the caller may not know of."""

import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handlers import attendance, bots, reads
from handlers.access import Access
from handlers.errors import problems
from handlers.parts import ACCESS, CLOCKWORK, FEED, NOW, STORE
from handlers.providers.arrival import Arrival
from handlers.providers.registry import receive
from hub.events import format_time
from hub.feed import Feed
from hub.fold import Batch, Rules
from hub.present import Clockwork
from hub.settings import Source
from hub.stores import make_epoch
from hub.tokens import Claims, Tokens, Use
from storage.local import LocalBus
from tests.memory_store import MemoryStore
from tests.unit.handlers.office import HOUR, Office, office

NOW_MS = 1_773_151_300_000
TOKENS = Tokens(("secret",))
LIVEKIT = Source(provider="livekit", name="livekit", path="/l", proof="none")
MEETINGBAAS = Source(provider="meetingbaas", name="meetingbaas", path="/m", proof="none")
LISTS = ("/api/bots", "/api/rooms", "/api/rooms/livekit:RM_1/participants", "/api/events")
Said = dict[str, object]


@dataclass
class Desk:
    """The reading routes over a store in memory, and what a provider can put there."""

    client: TestClient
    store: MemoryStore

    async def get(self, path: str, credential: str = "key") -> tuple[int, Said]:
        headers = {"Authorization": f"Bearer {credential}"}
        async with self.client.get(path, headers=headers) as answer:
            if answer.status == 200:
                assert answer.headers["Hub-Position"] == f"epoch1.{self.store.kept.head}"
                assert answer.headers["Cache-Control"] == "no-store"
            return answer.status, orjson.loads(await answer.read())

    async def ids(self, path: str, credential: str = "key") -> list[str]:
        """Return the ids of one page."""
        _, said = await self.get(path, credential)
        return [str(item["id"]) for item in said["items"]]

    async def walk(self, path: str) -> list[str]:
        """Return the ids of all pages; of events their places in the log."""
        found: list[str] = []
        following = ""
        while following is not None:
            name = "after" if path.startswith("/api/events") else "cursor"
            status, said = await self.get(f"{path}&{name}={following}")
            assert status == 200
            assert len(found) < 1000
            found += [str(item["id"]) for item in said["items"]]
            following = said["next"]
        return found

    async def tell(self, source: Source, payload: Said) -> None:
        body = orjson.dumps(payload)
        await self.store.commit([receive(source, Arrival(headers=(), body=body, received_at=NOW_MS))])

    async def join(self, room: int, participant: int = 0, name: str = "standup") -> None:
        """Let somebody join a room, each a second after the one before."""
        began = NOW_MS - 100_000 + room * 1000
        await self.tell(
            LIVEKIT,
            {
                "event": "participant_joined",
                "id": f"EV_{room}_{participant}",
                "createdAt": str((began + participant * 1000) // 1000),
                "room": {"sid": f"RM_{room}", "name": name, "creationTimeMs": str(began)},
                "participant": {"sid": f"PA_{room}_{participant}", "joinedAtMs": str(began + participant * 1000)},
            },
        )

    async def launch(self, bot: int, code: str = "queued") -> None:
        """Let a bot get somewhere."""
        status = {"code": code, "created_at": format_time(NOW_MS - 50_000 + bot * 1000)}
        await self.tell(MEETINGBAAS, {"event": "bot.status_change", "data": {"bot_id": f"bot-{bot}", "status": status}})


@contextlib.asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """Serve the reading routes."""
    store = MemoryStore(lambda deliveries: Batch(deliveries, Rules(frozenset({"speaker"}))))
    app = web.Application(middlewares=[problems])
    app[ACCESS] = Access(("key", "launch-only:launch"), TOKENS, lambda: NOW_MS)
    app[STORE], app[FEED], app[CLOCKWORK] = (
        store,
        Feed(store, await store.position(), LocalBus(), make_epoch),
        Clockwork(),
    )
    app[NOW] = lambda: NOW_MS
    app.add_routes(
        [
            web.get("/api/bots", reads.bots),
            web.get("/api/bots/{id}", bots.bot),
            web.get("/api/rooms", reads.rooms),
            web.get("/api/rooms/{id}", reads.room),
            web.get("/api/rooms/{id}/participants", attendance.participants),
            web.get("/api/events", reads.events),
        ]
    )
    async with TestClient(TestServer(app)) as client:
        yield Desk(client, store)


def token(*topics: str, scope: tuple[str, ...] = ("read",)) -> str:
    """Return a token for topics."""
    return TOKENS.mint(Claims(use=Use.ACCESS, topics=topics, scope=scope, exp=NOW_MS // 1000 + 60))


def cursor(value: object) -> str:
    """Return what looks like a cursor."""
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else orjson.dumps(value)).decode()


async def test_rooms_come_newest_first_and_participants_oldest_first() -> None:
    """A dashboard shows what is new, and a room who was there first."""
    async with desk() as hub:
        for room in (2, 1, 3):
            await hub.join(room)
        await hub.join(1, participant=2)
        await hub.join(1, participant=1)
        assert await hub.ids("/api/rooms") == ["livekit:RM_3", "livekit:RM_2", "livekit:RM_1"]
        assert await hub.ids("/api/rooms/livekit:RM_1/participants") == ["PA_1_0", "PA_1_1", "PA_1_2"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
async def test_pages_together_hold_everything_once(limit: int) -> None:
    """However they are cut, also where many began at the same moment."""
    async with desk() as hub:
        for number in range(5):
            await hub.join(1, participant=number)
            await hub.join(2 + number % 2, participant=number)
            await hub.launch(number)
        assert sorted(await hub.walk(f"/api/rooms?limit={limit}")) == [f"livekit:RM_{room}" for room in (1, 2, 3)]
        assert sorted(await hub.walk(f"/api/rooms?sort=last_active&limit={limit}")) == [
            f"livekit:RM_{room}" for room in (1, 2, 3)
        ]
        assert await hub.walk(f"/api/bots?limit={limit}") == [f"meetingbaas:bot-{bot}" for bot in range(4, -1, -1)]
        assert await hub.walk(f"/api/rooms/livekit:RM_1/participants?limit={limit}") == [f"PA_1_{n}" for n in range(5)]
        log = await hub.walk(f"/api/events?limit={limit}")
        assert log == [f"epoch1.{sequence}" for sequence in range(1, hub.store.kept.head + 1)]


async def test_filters_leave_out_what_does_not_match() -> None:
    """All of them together, not one of them."""
    async with desk() as hub:
        await hub.join(1, name="standup")
        await hub.join(2, name="retro")
        await hub.launch(1, "queued")
        await hub.launch(2, "failed")
        assert await hub.ids("/api/rooms?name=retro") == ["livekit:RM_2"]
        assert await hub.ids("/api/rooms?name=retro&status=ended") == []
        assert await hub.ids("/api/rooms?provider=livekit&status=live") == ["livekit:RM_2", "livekit:RM_1"]
        assert await hub.ids("/api/rooms?provider=pulse") == []
        assert await hub.ids("/api/bots?status=failed") == ["meetingbaas:bot-2"]
        assert await hub.ids("/api/bots?provider=meetingbaas&status=queued") == ["meetingbaas:bot-1"]


async def test_one_document_is_what_the_list_shows_of_it() -> None:
    """Numbers that depend on the clock included."""
    async with desk() as hub:
        await hub.join(1)
        _, listed = await hub.get("/api/rooms")
        assert await hub.get("/api/rooms/livekit:RM_1") == (200, listed["items"][0])
        assert {"duration", "trending_score", "stale", "cost"} <= listed["items"][0].keys()


@pytest.mark.parametrize(
    "path",
    [
        "/api/rooms/livekit:RM_9",
        "/api/rooms/livekit:RM_9/participants",
        "/api/bots/b",
        "/api/rooms/%00",
        "/api/bots/a%2Fb",
    ],
)
async def test_what_is_not_there_is_404(path: str) -> None:
    """An empty list would say that the room is there and empty."""
    async with desk() as hub:
        await hub.join(1)
        status, said = await hub.get(path)
        assert status == said["status"] == 404


async def test_a_token_sees_its_own_and_nothing_tells_what_else_there_is() -> None:
    """What it may not see answers exactly as what does not exist."""
    async with desk() as hub:
        await hub.join(1)
        await hub.join(2, name="board-meeting")
        await hub.launch(1)
        one = token("rooms/livekit:RM_1")
        assert await hub.ids("/api/rooms", one) == ["livekit:RM_1"]
        assert await hub.ids("/api/bots", one) == []
        assert await hub.ids("/api/rooms?name=board-meeting", one) == []
        assert await hub.ids("/api/rooms/livekit:RM_1/participants", one) == ["PA_1_0"]
        assert (await hub.get("/api/rooms/livekit:RM_1", one))[0] == 200
        for hidden, missing in (
            ("/api/rooms/livekit:RM_2", "/api/rooms/livekit:RM_9"),
            ("/api/rooms/livekit:RM_2/participants", "/api/rooms/livekit:RM_9/participants"),
            ("/api/bots/meetingbaas:bot-1", "/api/bots/meetingbaas:bot-9"),
        ):
            assert (await hub.get(hidden, one)) == (await hub.get(missing, one))
            assert (await hub.get(hidden, one))[0] == 404
        _, log = await hub.get("/api/events", one)
        assert {event["subject"] for event in log["items"]} == {"rooms/livekit:RM_1"}


async def test_a_token_for_a_durable_room_sees_its_sessions() -> None:
    """It was minted before any session was there."""
    async with desk() as hub:
        await hub.join(1, name="standup")
        await hub.join(2, name="retro")
        durable = token("rooms/livekit@standup")
        assert await hub.ids("/api/rooms", durable) == ["livekit:RM_1"]
        assert (await hub.get("/api/rooms/livekit:RM_1", durable))[0] == 200
        assert (await hub.get("/api/rooms/livekit:RM_1/participants", durable))[0] == 200
        assert (await hub.get("/api/rooms/livekit:RM_2", durable))[0] == 404


@pytest.mark.parametrize("path", [*LISTS, "/api/rooms/livekit:RM_1", "/api/bots/b"])
async def test_who_may_not_read_is_told_so(path: str) -> None:
    """A key that launches bots need not see meetings."""
    async with desk() as hub:
        await hub.join(1)
        assert (await hub.get(path, "launch-only"))[0] == 403
        assert (await hub.get(path, token("*", scope=("launch",))))[0] == 403
        assert (await hub.get(path, "wrong"))[0] == 401


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "limit",
    [
        "0",
        "-1",
        "1001",
        "5000",
        "x",
        "1.5",
        "1e2",
        "",
        "٣",
        "%2B5",
        "+5",
        "0x10",
        "1" * 20,
        "000000001" + "9" * 5,
        "000000001" + "9" * 5000,
    ],
    ids=lambda limit: limit[:20],
)
async def test_a_limit_that_is_none_is_refused_by_name(path: str, limit: str) -> None:
    """Nobody can have more than a thousand at once, however it is written."""
    async with desk() as hub:
        await hub.join(1)
        status, said = await hub.get(f"{path}?limit={limit}")
        assert status == said["status"] == 400
        assert "limit" in said["detail"]


@pytest.mark.parametrize("path", LISTS[:1])
@pytest.mark.parametrize(
    "garbage",
    [
        "x",
        "%21%21",
        "é",
        "A",
        cursor(None),
        cursor([]),
        cursor([1, "a"]),
        cursor(["bots by began", "a", "b"]),
        cursor(["bots by began", 1e300, "x"]),
        cursor(["bots by began", 1, 2]),
        cursor(["bots by active", 1, "b"]),
        cursor({"a": 1, "b": 2, "c": 3}),
        cursor(b'["bots by began",9223372036854775808,"x"]'),
        cursor(b'["bots by began",-9223372036854775808,"x"]'),
        cursor(b"[" * 3000),
        cursor(b"\xff\xfe"),
        cursor(b'["bots by began",1,"\\ud800"]'),
        cursor(5),
        cursor("ab"),
    ],
    ids=map(str, range(19)),
)
async def test_a_cursor_that_is_none_is_refused_by_name(path: str, garbage: str) -> None:
    """It comes back from clients, and so from anybody."""
    async with desk() as hub:
        await hub.join(1)
        status, said = await hub.get(f"{path}?cursor={garbage}")
        assert status == said["status"] == 400
        assert "cursor" in said["detail"]


@pytest.mark.parametrize(
    ("path", "of"), [*zip(LISTS, ("bots by began", "rooms by began", "rooms/livekit:RM_1/participants"), strict=False)]
)
@pytest.mark.parametrize(
    "value", [[0, ""], [1.5, "x"], [2**63 - 1, "~"], [-(2**63) + 1, ""], [1, "'; DROP TABLE documents"]]
)
async def test_a_cursor_that_nobody_got_only_finds_what_comes_after_it(path: str, of: str, value: list[object]) -> None:
    """It carries no permission, so it need not be signed."""
    async with desk() as hub:
        await hub.join(1)
        status, said = await hub.get(f"{path}?cursor={cursor([of, *value])}")
        assert status == 200
        assert len(said["items"]) <= 1


@pytest.mark.parametrize("sort", ["name", "began", "Trending", "%00"])
async def test_an_order_that_is_not_known_is_refused(sort: str) -> None:
    """Another order than the asked one would pass for the asked one."""
    async with desk() as hub:
        status, said = await hub.get(f"/api/rooms?sort={sort}")
        assert status == 400
        assert "sort" in said["detail"]


@pytest.mark.parametrize(
    "after",
    ["x", "1", ".1", "epoch1.", "epoch1.-1", "é.1", "epoch1.1e3", "epoch1." + "9" * 19, "a b.1", "%00.1", "epoch1.٣"],
)
async def test_a_position_that_is_none_is_refused_by_name(after: str) -> None:
    """A stream would begin anew; a question by REST is a mistake."""
    async with desk() as hub:
        await hub.join(1)
        status, said = await hub.get(f"/api/events?after={after}")
        assert status == said["status"] == 400
        assert "after" in said["detail"]


async def test_a_position_that_is_gone_is_410_and_says_why() -> None:
    """Whoever reads on from there must know that something is missing."""
    async with desk() as hub:
        for room in range(1, 5):
            await hub.join(room)
        hub.store.raise_floor(2)
        status, said = await hub.get("/api/events?after=epoch1.1")
        assert (status, "history_trimmed" in said["detail"]) == (410, True)
        status, said = await hub.get("/api/events?after=another.1")
        assert (status, "epoch_changed" in said["detail"]) == (410, True)
        assert await hub.ids("/api/events?after=epoch1.2") == ["epoch1.3", "epoch1.4"]


@pytest.mark.parametrize("sequence", [4, 5, 10**17])
async def test_a_position_at_the_head_or_beyond_has_nothing_after_it(sequence: int) -> None:
    """The head can always be resumed, and a position beyond it must not raise."""
    async with desk() as hub:
        for room in range(1, 5):
            await hub.join(room)
        status, said = await hub.get(f"/api/events?after=epoch1.{sequence}")
        assert (status, said) == (200, {"items": [], "next": None})


async def test_an_event_of_two_topics_asked_for_is_there_once() -> None:
    """A room is in the collection of rooms."""
    async with desk() as hub:
        await hub.join(1)
        await hub.join(2)
        assert await hub.ids("/api/events?topic=rooms&topic=rooms/livekit:RM_1") == ["epoch1.1", "epoch1.2"]
        assert await hub.ids("/api/events?topic=rooms/livekit:RM_1&topic=rooms/livekit@standup") == [
            "epoch1.1",
            "epoch1.2",
        ]
        assert await hub.ids("/api/events?topic=rooms/livekit:RM_2") == ["epoch1.2"]


@pytest.mark.parametrize(
    "topic",
    ["", "room", "rooms/", "/rooms", "rooms/a/b", "rooms/é", "**", "deliveries", "rooms%00", "rooms/" + "a" * 500],
)
async def test_a_topic_that_is_none_is_refused(topic: str) -> None:
    """An empty answer would look as if nothing had happened there."""
    async with desk() as hub:
        status, said = await hub.get(f"/api/events?topic={topic}")
        assert status == 400
        assert "topic" in said["detail"]


async def test_a_topic_that_the_token_does_not_cover_is_refused() -> None:
    """As in streams."""
    async with desk() as hub:
        await hub.join(1)
        one = token("rooms/livekit:RM_1")
        for topic in ("rooms", "*", "rooms/livekit:RM_2", "bots"):
            assert (await hub.get(f"/api/events?topic={topic}", one))[0] == 403


@pytest.mark.parametrize("path", [*LISTS, "/api/rooms/livekit:RM_1", "/api/bots/b"])
async def test_a_store_that_fails_is_503(path: str) -> None:
    """It is our trouble, and an empty list would be a lie."""
    async with desk() as hub:
        await hub.join(1)
        hub.store.problem = "gone"
        async with hub.client.get(path, headers={"Authorization": "Bearer key"}) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "1"


async def walked(hub: Office, path: str) -> list[Said]:
    """Return the items of all pages."""
    found: list[Said] = []
    following: object = ""
    while following is not None:
        said = await hub.get(f"{path}&cursor={following}")
        found += said["items"]
        following = said["next"]
    return found


async def test_trending_rooms_come_in_the_order_of_their_scores(tmp_path: Path) -> None:
    """On a real store, page by page; whoever left or ended keeps what score there is, and empty rooms come last."""
    rooms = [(3, 0, 0), (1, 1, 0), (0, 2, 5), (6, 0, 8), (5, 2, 12), (0, 0, 0), (0, 0, 1), (1, 0, 47), (4, 0, 0)]
    async with office(tmp_path) as hub:
        for number, (listeners, speakers, hours) in enumerate(rooms):
            room, ago = f"RM_{number}", hours * HOUR
            await hub.start(ago, room, f"room{number}")
            for who in range(listeners + speakers):
                told = {"sid": f"PA_{number}_{who}", "permission": {"canPublish": who < speakers}}
                await hub.join(f"p{who}", ago, room=room, room_name=f"room{number}", **told)
        await hub.ask("PATCH", "/api/rooms/livekit@room1", {"featured": True})
        for limit in (1, 4, 100):
            found = await walked(hub, f"/api/rooms?sort=trending&limit={limit}")
            # Of two that are empty, the one that was active last comes first.
            assert [room["name"] for room in found] == [f"room{number}" for number in (1, 8, 2, 0, 4, 3, 7, 5, 6)]
            scores = [room["trending_score"] for room in found]
            assert scores == pytest.approx([9, 4, 3.37, 3, 2.75, 2.38, 0, 0, 0], abs=0.02)
        await hub.end(0, "RM_8", "room8")
        live = await walked(hub, "/api/rooms?sort=trending&status=live&limit=3")
        assert [room["id"] for room in live[:2]] == ["livekit:RM_1", "livekit:RM_2"]
        assert len(live) == len(rooms) - 1


async def speak(hub: Office, identity: str, start: float, text: str) -> None:
    """Let a bot hear something."""
    segment = {"id": identity, "speaker": "Ann", "start": start, "end": start + 1, "text": text}
    await hub.sample("meetingbaas", "guide.transcription.updated", data={"botId": "B1", "segment": segment})


async def test_a_transcript_is_in_the_order_of_speech_page_by_page(tmp_path: Path) -> None:
    """In whatever order it was heard of; of what was corrected the last version."""
    async with office(tmp_path) as hub:
        for identity, start, text in (("c", 4, "third"), ("a", 0, "first"), ("d", 4, "fourth"), ("b", 2.5, "secnd")):
            await speak(hub, identity, start, text)
        await speak(hub, "b", 2.5, "second")
        path = "/api/bots/meetingbaas:B1/transcript"
        for limit in (1, 2, 4, 100):
            found = await walked(hub, f"{path}?limit={limit}")
            assert [segment["text"] for segment in found] == ["first", "second", "third", "fourth"]
        said = await hub.get(path)
        assert (said["bot"], said["status"], said["artifacts"]) == ("meetingbaas:B1", "live", [])
        assert said["items"][0] == {
            "id": "a",
            "bot": "meetingbaas:B1",
            "speaker": "Ann",
            "start": 0,
            "end": 1,
            "text": "first",
            "final": True,
        }


async def test_a_whole_transcript_replaces_what_was_heard_before(tmp_path: Path) -> None:
    """It was made anew, with other ids and speakers; what is heard after it is of the live one."""
    async with office(tmp_path) as hub:
        await speak(hub, "a", 0, "furst")
        whole = [
            {"id": "w2", "speaker": "Bob", "start": 3, "text": "second"},
            {"id": "w1", "start": 0, "text": "first"},
        ]
        await hub.sample("meetingbaas", "guide.transcription.available", data={"botId": "B1", "transcript": whole})
        await speak(hub, "b", 9, "late")
        said = await hub.get("/api/bots/meetingbaas:B1/transcript")
        assert [segment["text"] for segment in said["items"]] == ["first", "second"]
        assert said["status"] == "completed"


async def test_a_bot_without_a_transcript_has_an_empty_one(tmp_path: Path) -> None:
    """It is there, and said nothing yet; a bot that is not there has none."""
    async with office(tmp_path) as hub:
        data = {"bot_id": "B1", "status": {"code": "joining_call", "created_at": hub.when(9)}}
        await hub.sample("meetingbaas", "bot.status_change.joining_call", data=data)
        said = await hub.get("/api/bots/meetingbaas:B1/transcript")
        assert (said["items"], said["next"], said["status"], said["artifacts"]) == ([], None, None, [])
        assert (await hub.ask("GET", "/api/bots/meetingbaas:B2/transcript")).status == 404
        for query in ("limit=0", "cursor=x"):
            assert (await hub.ask("GET", f"/api/bots/meetingbaas:B1/transcript?{query}")).status == 400
