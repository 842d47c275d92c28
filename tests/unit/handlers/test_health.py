"""Balancers are told to send nothing while the hub cannot take it, and people what is broken."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handlers.health import healthz, readyz
from handlers.parts import HEALTH, LIFECYCLE, Lifecycle
from hub.errors import StorageUnavailable
from hub.feed import Feed
from hub.health import Health as HubHealth
from hub.ingest import Ingest
from hub.stores import make_epoch
from storage.local import LocalBus
from tests.contracts.plain import Folding, delivery
from tests.memory_store import MemoryStore


@dataclass
class Health:
    """The health of a hub with a store that can be broken and mended."""

    client: TestClient
    lifecycle: Lifecycle
    store: MemoryStore
    ingest: Ingest

    async def get(self, path: str) -> tuple[int, dict[str, object]]:
        async with self.client.get(path) as answer:
            return answer.status, await answer.json()


@contextlib.asynccontextmanager
async def health() -> AsyncIterator[Health]:
    """Serve the two routes over a store in memory."""
    store = MemoryStore(Folding())
    feed = Feed(store, await store.position(), LocalBus(), make_epoch)
    ingest = Ingest(store, feed)
    app = web.Application()
    app[LIFECYCLE], app[HEALTH] = Lifecycle(ready=True), HubHealth(ingest, feed, LocalBus())
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    writing = asyncio.create_task(ingest.run())
    try:
        async with TestClient(TestServer(app)) as client:
            yield Health(client, app[LIFECYCLE], store, ingest)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_a_hub_that_serves_is_ready() -> None:
    """The usual case has nothing to say but that."""
    async with health() as hub:
        assert await hub.get("/readyz") == (200, {"status": "ready", "degraded": False, "reasons": []})


@pytest.mark.parametrize(
    ("lifecycle", "status"),
    [
        (Lifecycle(ready=False), "starting"),
        (Lifecycle(ready=True, draining=True), "draining"),
        (Lifecycle(ready=False, draining=True), "draining"),
    ],
)
async def test_a_hub_that_starts_or_stops_wants_no_traffic(lifecycle: Lifecycle, status: str) -> None:
    """The balancer must know before connections fail."""
    async with health() as hub:
        hub.lifecycle.ready, hub.lifecycle.draining = lifecycle.ready, lifecycle.draining
        assert await hub.get("/readyz") == (503, {"status": status})
        assert (await hub.get("/healthz"))[0] == 200


async def test_a_broken_store_degrades_a_hub_that_stays_ready() -> None:
    """Viewers are still served: taking the hub out would only make it worse."""
    async with health() as hub:
        hub.store.problem = "the disk is full"
        with pytest.raises(StorageUnavailable):
            await hub.ingest.submit(delivery("first", "rooms"))
        status, said = await hub.get("/readyz")
        assert (status, said["status"], said["degraded"]) == (200, "ready", True)
        assert "the disk is full" in str(said["reasons"])


async def test_the_next_commit_ends_the_trouble() -> None:
    """What was mended must not be shown as broken."""
    async with health() as hub:
        hub.store.problem = "the disk is full"
        with pytest.raises(StorageUnavailable):
            await hub.ingest.submit(delivery("first", "rooms"))
        hub.store.problem = ""
        await hub.ingest.submit(delivery("second", "rooms"))
        assert (await hub.get("/readyz"))[1]["degraded"] is False


async def test_a_living_process_says_so() -> None:
    """A supervisor restarts what does not answer, so the answer depends on nothing."""
    async with health() as hub:
        hub.store.problem = "gone"
        assert await hub.get("/healthz") == (200, {"status": "ok"})
