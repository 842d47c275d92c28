"""Webhooks, deliveries and redrives over a store in memory, at a time and with secrets that a test sets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec
import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handlers import deliveries, redrives, sources
from handlers.access import Access
from handlers.bindings import Bindings
from handlers.bodies import BodyBudget
from handlers.errors import problems
from handlers.limits import Rates
from handlers.metrics import Metrics
from handlers.overview import Overview
from handlers.parts import (
    ACCESS,
    ARRIVALS,
    BINDINGS,
    BODIES,
    FAILURES,
    FEED,
    INGEST,
    METRICS,
    NOW,
    OVERVIEW,
    QUARANTINE,
    SETTINGS,
    STORE,
)
from handlers.providers.arrival import Sample
from handlers.providers.registry import PROVIDERS
from handlers.quarantine import Quarantine
from handlers.webhooks import webhook_routes
from hub.commands.send import signed
from hub.feed import Feed
from hub.fold import Batch, Rules
from hub.ingest import Ingest
from hub.ports import Refusal
from hub.seals import Seals
from hub.settings import Server, Settings, Source
from hub.stores import make_epoch
from hub.tokens import Claims, Tokens, Use
from storage.local import LocalBus
from tests.memory_store import MemoryStore

NOW_MS = 1_773_151_300_123
SECRET, OTHER = "s" * 40, "o" * 40
LIVEKIT = Source(provider="livekit", name="livekit", path="/api/livekit/webhook", keys={"APIkey": (SECRET,)})
MEETINGBAAS = Source(provider="meetingbaas", name="meetingbaas", path="/mb", callback_secrets=(SECRET,))
SOURCES = (LIVEKIT, MEETINGBAAS)
TOKENS = Tokens(("secret",))
SEALS = Seals(("secret",))
Said = dict[str, object]


@dataclass
class Yard:
    """Where things arrive, and are looked at."""

    client: TestClient
    store: MemoryStore
    quarantine: Quarantine
    now: list[int] = field(default_factory=lambda: [NOW_MS])
    kept: list[tuple[str, Refusal]] = field(default_factory=list)

    async def get(self, path: str, credential: str = "key") -> tuple[int, Said]:
        """Read something."""
        async with self.client.get(path, headers={"Authorization": f"Bearer {credential}"}) as answer:
            if answer.status == 200:
                assert answer.headers["Hub-Position"] == f"epoch1.{self.store.kept.head}"
            return answer.status, orjson.loads(await answer.read())

    async def redrive(self, identity: str, query: str = "", credential: str = "key") -> tuple[int, Said]:
        """Have something read or verified once more."""
        headers = {"Authorization": f"Bearer {credential}"}
        async with self.client.post(f"/api/deliveries/{identity}/redrive{query}", headers=headers) as answer:
            return answer.status, orjson.loads(await answer.read())

    async def post(self, source: Source, body: bytes, **headers: str) -> tuple[int, Said]:
        """Send bytes as they are."""
        async with self.client.post(source.path, data=body, headers=headers) as answer:
            return answer.status, orjson.loads(await answer.read())

    async def sign(self, source: Source, body: bytes, *, secret: str = SECRET, **headers: str) -> tuple[int, Said]:
        """Send bytes with the proof that a provider with this secret gives."""
        dialect = "callback" if source.provider == "meetingbaas" else "webhook"
        sender = with_secret(source, secret)
        proof = signed(sender, Sample(payload={}, dialect=dialect), body, self.now[0])
        return await self.post(source, body, **{**proof, **headers})

    async def refuse(self, source: Source, body: bytes, **headers: str) -> str:
        """Send bytes with another secret's proof; return the id with which they are in quarantine."""
        status, said = await self.sign(source, body, secret=OTHER, **headers)
        assert status == 401, said
        await self.quarantine.flush()
        return self.kept[-1][0]

    async def ids(self, query: str = "") -> list[str]:
        """Return the ids of one page."""
        status, said = await self.get(f"/api/deliveries{query}")
        assert status == 200, said
        return [str(item["id"]) for item in said["items"]]


@contextlib.asynccontextmanager
async def yard(
    configured: tuple[Source, ...] = SOURCES, store: MemoryStore | None = None, off: tuple[Source, ...] = ()
) -> AsyncIterator[Yard]:
    """Serve the webhook paths of the sources, deliveries and redrives."""
    store = store or MemoryStore(lambda batch: Batch(batch, Rules(frozenset())))
    feed = Feed(store, await store.position(), LocalBus(), make_epoch)
    ingest = Ingest(store, feed)
    kept: list[tuple[str, Refusal]] = []
    quarantine = Quarantine(store, kept.extend)
    now = [NOW_MS]
    app = web.Application(middlewares=[problems])
    app[SETTINGS] = Settings(server=Server(max_body=1_000_000), sources=configured, off=off)
    app[ACCESS] = Access(("key", "reader:read", "launcher:launch+read"), TOKENS, lambda: now[0])
    app[BODIES], app[FAILURES], app[ARRIVALS], app[INGEST] = BodyBudget(), Rates(), Rates(), ingest
    app[BINDINGS] = Bindings(store, SEALS)
    app[STORE], app[FEED], app[QUARANTINE] = store, feed, quarantine
    app[OVERVIEW] = Overview(store)
    app[NOW] = lambda: now[0]
    app[METRICS] = Metrics(app[NOW])
    app.add_routes(webhook_routes(configured))
    app.router.add_get("/api/sources", sources.sources)
    app.router.add_get("/api/deliveries", deliveries.deliveries)
    app.router.add_get("/api/deliveries/{id}", deliveries.delivery)
    app.router.add_post("/api/deliveries/{id}/redrive", redrives.redrive)
    writing = asyncio.create_task(ingest.run())
    try:
        async with TestClient(TestServer(app)) as client:
            yield Yard(client, store, quarantine, now, kept)
    finally:
        store.commits.release()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


def with_secret(source: Source, secret: str) -> Source:
    """Return the source with one secret."""
    if source.provider == "livekit":
        return msgspec.structs.replace(source, keys={"APIkey": (secret,)})
    return msgspec.structs.replace(source, callback_secrets=(secret,))


def joined(number: int = 1, room: str = "RM_1") -> bytes:
    """Return somebody's arrival in a room, ten seconds before it is told."""
    at = NOW_MS // 1000 - 10
    sample = PROVIDERS["livekit"].samples(NOW_MS)["participant_joined"]
    payload = {
        **sample.payload,
        "id": f"EV_{number}",
        "createdAt": str(at),
        "room": {"sid": room, "name": "standup"},
        "participant": {"sid": f"PA_{number}", "identity": f"p{number}", "joinedAt": str(at)},
    }
    return orjson.dumps(payload)


def token(*topics: str, scope: tuple[str, ...] = ("admin",)) -> str:
    """Return a token for topics."""
    return TOKENS.mint(Claims(use=Use.ACCESS, topics=topics, scope=scope, exp=NOW_MS // 1000 + 60))
