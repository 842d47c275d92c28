"""Who watches: counted over all processes, and told only to who may watch the same."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handlers.access import Access
from handlers.errors import problems
from handlers.parts import ACCESS, BUS, SETTINGS, STORE
from handlers.viewers import viewers
from hub.settings import Settings
from hub.tokens import Claims, Tokens, Use
from tests.contracts.plain import Folding
from tests.memory_bus import Air, MemoryBus
from tests.memory_store import MemoryStore

NOW_MS = 1_773_151_300_123
TOKENS = Tokens(("secret",))
ROOM, OTHER, DURABLE = "rooms/livekit:RM_1", "rooms/livekit:RM_2", "rooms/livekit@daily"


@dataclass
class Theatre:
    """Two processes with viewers, of which one is asked."""

    client: TestClient
    air: Air
    here: MemoryBus
    there: MemoryBus
    store: MemoryStore

    async def ask(self, topic: str, credential: str = "key") -> tuple[int, dict[str, object]]:
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        async with self.client.get(f"/api/topics/{topic}/viewers", headers=headers) as answer:
            if answer.status == 200:
                assert answer.headers["Hub-Position"] == "epoch1.0"
            return answer.status, orjson.loads(await answer.read())


@contextlib.asynccontextmanager
async def theatre() -> AsyncIterator[Theatre]:
    air, store = Air(), MemoryStore(Folding())
    here, there = air.bus(), air.bus()
    app = web.Application(middlewares=[problems])
    app[SETTINGS], app[STORE], app[BUS] = Settings(), store, here
    app[ACCESS] = Access(("key", "launcher:launch"), TOKENS, lambda: NOW_MS)
    app.router.add_get("/api/topics/{topic:.+}/viewers", viewers)
    async with TestClient(TestServer(app)) as client:
        yield Theatre(client, air, here, there, store)


def token(*topics: str, scope: tuple[str, ...] = ("read",)) -> str:
    return TOKENS.mint(Claims(use=Use.ACCESS, topics=topics, scope=scope, exp=NOW_MS // 1000 + 60))


async def test_viewers_of_all_processes_are_counted() -> None:
    """Which process somebody is at is nobody's business."""
    async with theatre() as hub:
        hub.here.count({ROOM: 2, "rooms": 1})
        hub.there.count({ROOM: 3})
        assert await hub.ask(ROOM) == (200, {"topic": ROOM, "viewers": 5})


async def test_nobody_is_a_number() -> None:
    """A room that nobody watches, or that is not there yet: its viewers may come first."""
    async with theatre() as hub:
        hub.here.count({ROOM: 2})
        assert await hub.ask("rooms/nobody") == (200, {"topic": "rooms/nobody", "viewers": 0})


async def test_a_bus_that_is_away_is_no_error() -> None:
    """Nothing is known of others then."""
    async with theatre() as hub:
        hub.here.count({ROOM: 2})
        hub.air.problem = "away"
        assert (await hub.ask(ROOM))[0] == 200


@pytest.mark.parametrize("topic", [OTHER, "rooms", "bots", "rooms/livekit:RM_12", "sources/livekit"])
async def test_a_token_for_one_room_learns_nothing_of_another(topic: str) -> None:
    """Not even whether it is there: both are answered alike."""
    async with theatre() as hub:
        hub.here.count({topic: 7})
        watched = await hub.ask(topic, token(ROOM))
        hub.here.count({})
        assert watched == await hub.ask(topic, token(ROOM))
        assert watched[0] == 404
        assert "7" not in str(watched[1]["title"])


@pytest.mark.parametrize(
    ("topics", "topic"), [((ROOM,), ROOM), ((DURABLE,), DURABLE), (("rooms",), ROOM), (("*",), ROOM)]
)
async def test_a_token_that_covers_it_is_told(topics: tuple[str, ...], topic: str) -> None:
    """Who may watch may know who else does."""
    async with theatre() as hub:
        hub.here.count({topic: 7})
        assert await hub.ask(topic, token(*topics)) == (200, {"topic": topic, "viewers": 7})


@pytest.mark.parametrize(
    ("credential", "status"), [("", 401), ("wrong", 401), ("launcher", 403), (token(ROOM, scope=("launch",)), 403)]
)
async def test_who_may_not_read_is_told_so(credential: str, status: int) -> None:
    """As everywhere."""
    async with theatre() as hub:
        assert (await hub.ask(ROOM, credential))[0] == status


@pytest.mark.parametrize("topic", ["nonsense", "rooms/", "rooms/a/b", "rooms/%20", "%2A%2A"])
async def test_what_is_no_topic_is_a_bad_question(topic: str) -> None:
    """A typing error must not look like an empty room."""
    async with theatre() as hub:
        assert (await hub.ask(topic))[0] == 400


async def test_a_store_that_is_away_is_our_trouble() -> None:
    """Every read says at which position it was read."""
    async with theatre() as hub:
        hub.store.problem = "away"
        assert (await hub.ask(ROOM))[0] == 503
