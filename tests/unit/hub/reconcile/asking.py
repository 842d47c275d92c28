"""A hub's writer on a store in memory, with a clock that tests move, beside providers that are real servers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson

from handlers.providers.arrival import Arrival
from handlers.providers.livekit_proof import sign
from handlers.providers.registry import PROVIDERS, receive
from hub.clients.livekit import LiveKitServer, pairs_of
from hub.events import HUB, Delivery, Fact, Kind, Position
from hub.feed import Feed
from hub.fold import Batch, Rules
from hub.ingest import Ingest
from hub.inquiries import translated
from hub.present import Clockwork
from hub.reconcile.rooms import ListedRooms
from hub.reconcile.seen import Lister
from hub.settings import Settings, Source
from hub.stores import make_epoch
from storage.local import LocalBus
from tests.memory_store import MemoryStore
from tests.standins import LIVEKIT_KEY, LIVEKIT_SECRET, LiveKitStandIn, Said, serving

BASE = 1_773_144_000_000
MINUTE, HOUR = 60_000, 3_600_000
LIVEKIT = Source(provider="livekit", name="livekit", path="/l", home="livekit", keys={LIVEKIT_KEY: (LIVEKIT_SECRET,)})
ROOM = "rooms/livekit:RM_1"


@dataclass
class Clock:
    """What the time is, in milliseconds."""

    now: int = BASE

    def __call__(self) -> int:
        return self.now


@dataclass
class Hub:
    """What is needed of a hub to ask providers."""

    store: MemoryStore
    ingest: Ingest
    clock: Clock = field(default_factory=Clock)

    def shown(self, topic: str) -> Said:
        """Return what is shown by a topic."""
        return orjson.loads(self.store.kept.documents[topic].body)

    def rooms(self) -> dict[str, str]:
        """Return which rooms are shown, with their status."""
        rows = self.store.kept.documents.values()
        return {row.topic.partition("/")[2]: row.status for row in rows if row.collection == "rooms"}

    def active(self, room: str = ROOM) -> set[str]:
        """Return who is shown in a room."""
        rows = [row for row in self.store.kept.documents.values() if row.parent == room and row.topic != room]
        return {one["id"] for one in (orjson.loads(row.body) for row in rows) if one.get("active")}

    def told(self) -> list[str]:
        """Return the types of what the hub told itself."""
        rows = self.store.kept.deliveries.values()
        return [row.delivery.provider_type for row in rows if row.delivery.source == "reconcile"]

    def deliveries(self) -> list[Delivery]:
        """Return what was kept."""
        return [row.delivery for row in self.store.kept.deliveries.values()]

    async def hear(self, event: str, at: int, room: str = "RM_1", name: str = "daily", **more: object) -> None:
        """Take a LiveKit webhook."""
        told = {"sid": room, "name": name, "creationTimeMs": str(BASE), "creationTime": str(BASE // 1000)}
        payload = {"event": event, "id": f"EV_{event}_{room}_{at}_{more}", "createdAt": str(at // 1000), "room": told}
        body = orjson.dumps({**payload, **more})
        headers = sign(LIVEKIT, body, self.clock())
        arrival = Arrival(
            headers=tuple((key.lower(), value) for key, value in headers.items()), body=body, received_at=self.clock()
        )
        await self.ingest.submit(receive(LIVEKIT, arrival))

    async def hear_of(self, provider: Source, payload: Said) -> None:
        """Take what a payload of another provider states."""
        spoken = PROVIDERS[provider.provider].translate(provider, payload, self.clock())
        await self.ingest.submit(
            Delivery(
                source=provider.name,
                scope=provider.scope,
                key=f"test:{orjson.dumps(payload).decode()}",
                received_at=self.clock(),
                body=b"{}",
                facts=spoken.facts,
            )
        )

    async def erase(self, room: str = "", durable: str = "") -> None:
        """Erase a session, or all of a durable room, as somebody does by the API."""
        fact = Fact(kind=Kind.ROOM_ERASED, time=self.clock(), room=room, durable=durable)
        erasure = Delivery(
            source=HUB,
            scope=HUB,
            key=f"id:{room}{durable}",
            received_at=self.clock(),
            body=b"{}",
            provider_type=fact.kind.value,
            facts=(fact,),
        )
        await self.ingest.submit(erasure)


def person(sid: str, at: int, **more: object) -> Said:
    """Return a participant as LiveKit's webhooks have one."""
    return {"participant": {"sid": sid, "identity": f"id-{sid}", "name": "Ann", "joinedAtMs": str(at), **more}}


@contextlib.asynccontextmanager
async def hub() -> AsyncIterator[Hub]:
    """Run a writer for the length of the block."""
    store = MemoryStore(lambda deliveries: Batch(deliveries, Rules()))
    feed = Feed(store, Position(epoch="epoch1", sequence=0), LocalBus(), make_epoch)
    ingest = Ingest(store, feed)
    running = asyncio.create_task(ingest.run())
    try:
        yield Hub(store, ingest)
    finally:
        running.cancel()
        await asyncio.wait([running])


def asks(hub: Hub, lister: Lister) -> ListedRooms:
    """Return what asks a provider on behalf of a hub."""
    return ListedRooms(lister, hub.store, hub.ingest, hub.clock, Clockwork())


@dataclass
class Asking:
    """A hub, a LiveKit server, and what asks the one on behalf of the other."""

    hub: Hub
    livekit: LiveKitStandIn
    rooms: ListedRooms

    async def look(self, *, after: int = 0) -> tuple[str, ...]:
        """Ask, so many milliseconds later; return what went wrong."""
        self.hub.clock.now += after
        return (await self.rooms.look()).problems


@contextlib.asynccontextmanager
async def asking(*sources: Source, **keys: str) -> AsyncIterator[Asking]:
    """Run a hub beside a LiveKit server."""
    async with hub() as writer, serving(LiveKitStandIn(keys or None)) as livekit:
        server = LiveKitServer(livekit.url, pairs_of(Settings(sources=sources or (LIVEKIT,))), translated, writer.clock)
        yield Asking(writer, livekit, asks(writer, server))
