"""What monitoring reads: numbers that are right, and names and labels that dashboards can rely on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from handlers.health import metrics
from handlers.metrics import Metrics
from handlers.parts import METRICS
from hub.desk import Grant, Wish
from hub.errors import StorageUnavailable
from hub.events import Position, Verdict
from hub.health import Health
from hub.ingest import Ingest
from tests.contracts.plain import Folding, delivery
from tests.memory_bus import Air
from tests.memory_spool import MemorySpool
from tests.memory_store import MemoryStore
from tests.unit.hub.viewing import Clock, Hub, Link, turns

Label = tuple[tuple[str, str], ...]


@dataclass
class Meter:
    """A process of which everything is counted."""

    client: TestClient
    hub: Hub
    store: MemoryStore
    air: Air
    ingest: Ingest
    counted: Metrics

    async def read(self) -> dict[str, dict[Label, float]]:
        """Return what a Prometheus server understands."""
        async with self.client.get("/metrics") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            text = await answer.text()
        found: dict[str, dict[Label, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
        return found

    async def value(self, name: str, **labels: str) -> float:
        """Return one number."""
        return (await self.read())[name][tuple(sorted(labels.items()))]


@contextlib.asynccontextmanager
async def meter() -> AsyncIterator[Meter]:
    store, air = MemoryStore(Folding()), Air()
    bus = air.bus()
    hub = Hub(store, Position(epoch="epoch1", sequence=0), Clock(), bus=bus)
    ingest = Ingest(store, hub.feed, MemorySpool())
    counted = Metrics(Health(ingest, hub.feed, bus), hub.feed, hub.fanout, ingest)
    ingest.on_settled = counted.count
    app = web.Application()
    app[METRICS] = counted
    app.router.add_get("/metrics", metrics)
    writing = asyncio.create_task(ingest.run())
    try:
        async with hub.running(), TestClient(TestServer(app)) as client:
            yield Meter(client, hub, store, air, ingest, counted)
    finally:
        store.commits.release()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_everything_is_there_before_anything_happened() -> None:
    """An alert on a number that is missing never fires."""
    async with meter() as process:
        found = await process.read()
        assert found["hub_degraded"] == {(("part", part),): 0.0 for part in ("storage", "bus", "spool")}
        for name in ("hub_log_position", "hub_viewers", "hub_waiting_deliveries", "hub_spooled_deliveries"):
            assert found[name] == {(): 0.0}


async def test_deliveries_are_counted_by_source_and_by_what_became_of_them() -> None:
    """A provider that repeats itself, or sends what nobody understands, is seen here first."""
    async with meter() as process:
        for key, verdict in (("a", Verdict.ACCEPTED), ("a", Verdict.ACCEPTED), ("b", Verdict.DEAD)):
            await process.ingest.submit(delivery(key, "rooms", verdict=verdict))
        await process.ingest.submit(delivery("c", source="other"))
        await turns()
        assert (await process.read())["hub_deliveries_total"] == {
            (("source", "plain"), ("status", "accepted")): 1.0,
            (("source", "plain"), ("status", "duplicate")): 1.0,
            (("source", "plain"), ("status", "dead")): 1.0,
            (("source", "other"), ("status", "accepted")): 1.0,
        }


async def test_what_is_spooled_is_counted_when_it_is_in_the_log() -> None:
    """Counted twice, the sum over all processes would be more than was sent."""
    async with meter() as process:
        process.store.problem = "away"
        await process.ingest.submit(delivery("a", "rooms"), may_be_spooled=True)
        await turns()
        found = await process.read()
        assert ("hub_deliveries_total" in found, found["hub_spooled_deliveries"]) == (False, {(): 1.0})
        process.store.problem = ""
        draining = asyncio.create_task(process.ingest.run_spool())
        await turns()
        draining.cancel()
        assert await process.value("hub_deliveries_total", source="plain", status="accepted") == 1
        assert await process.value("hub_spooled_deliveries") == 0


async def test_what_waits_is_counted_while_it_waits() -> None:
    """A store that gets slow shows here before anybody is refused."""
    async with meter() as process:
        process.store.commits.hold()
        sent = []
        for place in range(3):
            sent.append(asyncio.create_task(process.ingest.submit(delivery(str(place)))))
            # The first is with the store already, the others wait for it to be done.
            await turns()
        waiting = await process.value("hub_waiting_deliveries")
        process.store.commits.release()
        await asyncio.gather(*sent)
        assert (waiting, await process.value("hub_waiting_deliveries")) == (2, 0)


async def test_the_log_and_its_viewers_are_those_of_this_process() -> None:
    """Numbers of several processes are compared: one that stays behind is broken."""
    async with meter() as process:
        await process.ingest.submit(delivery("a", "rooms"))
        process.hub.connect(Link(), Grant(frozenset({"rooms"})), Wish())
        await turns()
        assert (await process.value("hub_log_position"), await process.value("hub_viewers")) == (1, 1)


async def test_each_trouble_is_told_apart() -> None:
    """Refused webhooks wake somebody; slower viewers wait until the morning."""
    async with meter() as process:
        process.air.problem = "away"
        assert [await process.value("hub_degraded", part=part) for part in ("storage", "bus", "spool")] == [0, 1, 0]
        process.air.problem, process.store.problem = "", "away"
        with pytest.raises(StorageUnavailable):
            await process.ingest.submit(delivery("a"))
        assert [await process.value("hub_degraded", part=part) for part in ("storage", "bus", "spool")] == [1, 0, 0]


async def test_two_hubs_of_one_process_count_apart() -> None:
    """Nothing is kept in the module: the second one, of a test or of an embedder, would fail to start."""
    async with meter() as first, meter() as second:
        await first.ingest.submit(delivery("a", "rooms"))
        await turns()
        assert "hub_deliveries_total" not in await second.read()
