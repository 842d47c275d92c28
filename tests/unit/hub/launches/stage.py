"""Launches on a store in memory, by a real provider's stand-in: processes that die are thrown away and built anew."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson

from hub.clients.meetingbaas import dispatcher
from hub.clock import now_ms
from hub.feed import Feed
from hub.fold import Batch, Rules
from hub.ingest import Ingest
from hub.inquiries import translated
from hub.launches.launches import Launches
from hub.launches.polling import Polling
from hub.launches.recovery import Recovery
from hub.launches.words import Asked, launch_id_of
from hub.ports.dispatch import Order
from hub.settings import MeetingBaas, Server, Settings, Source
from hub.stores import make_epoch
from storage.local import LocalBus
from tests.meetingbaas_server import API_KEY, MeetingBaasServer
from tests.memory_spool import MemorySpool
from tests.memory_store import MemoryStore

SOURCE = Source(provider="meetingbaas", name="mb", path="/mb")
LAUNCH = launch_id_of("order-1")
TOPIC = f"bots/meetingbaas:{LAUNCH}"


def memory() -> MemoryStore:
    """Return a store that outlives the processes of a test."""
    return MemoryStore(lambda deliveries: Batch(deliveries, Rules(frozenset())))


@dataclass
class Process:
    """What a hub process has of launches."""

    launches: Launches
    recovery: Recovery
    polling: Polling
    store: MemoryStore

    def launch(self, key: str = "order-1") -> asyncio.Task[str]:
        """Begin the launch of the test, or another one."""
        launch_id = launch_id_of(key)
        asked = Asked(
            provider="meetingbaas",
            launch_id=launch_id,
            name="Notes",
            requested_at=now_ms(),
            extra='{"a":1}',
            mark="x:y",
        )
        order = Order(launch_id=launch_id, meeting_url="https://x.example/1", bot_name="Notes", extra={"a": 1})
        return self.launches.begin(asked, order, b"{}").task

    def shown(self, topic: str = TOPIC) -> dict[str, object]:
        """Return the document of a topic."""
        return orjson.loads(self.store.kept.documents[topic].body)

    @property
    def bots(self) -> dict[str, str]:
        """The status of every bot."""
        return {one.topic: one.status for one in self.store.kept.documents.values() if one.collection == "bots"}


@contextlib.asynccontextmanager
async def process(
    store: MemoryStore,
    provider: MeetingBaasServer,
    version: str = "v2",
    grace_ms: int = 0,
    spool: MemorySpool | None = None,
) -> AsyncIterator[Process]:
    """Run a process for the length of the block; it is then gone as if it had been killed."""
    account = MeetingBaas(api_version=version, api_key=API_KEY, base_url=provider.url, requests_per_second=20)
    ingest = Ingest(store, Feed(store, await store.position(), LocalBus(), make_epoch), spool)
    writing = asyncio.create_task(ingest.run())
    settings = Settings(server=Server(), meetingbaas=account)
    launches = Launches(dispatcher(settings), ingest, now_ms, pauses=(0.01,))
    recovery = Recovery(launches, store, now_ms, grace_ms)
    try:
        yield Process(launches, recovery, Polling(launches, SOURCE, translated, store, now_ms), store)
    finally:
        await launches.close()
        writing.cancel()
        await asyncio.wait([writing])
