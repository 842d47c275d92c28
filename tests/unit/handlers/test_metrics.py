"""What monitoring reads: numbers that are right, and names and labels that dashboards can rely on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from handlers.health import metrics
from handlers.metrics import LIMITED, Gauges, Metrics
from handlers.parts import METRICS
from hub.counts import DROPS, WRITTEN
from hub.desk import Grant, Wish
from hub.errors import StorageUnavailable
from hub.events import Event, Fact, Kind, Position, Verdict
from hub.fold.compose import Entry, compose
from hub.health import Health
from hub.ingest import Ingest
from hub.ports import Announcement, Outcome, Status
from hub.wire import Form
from tests.contracts.plain import Folding, delivery
from tests.memory_bus import Air
from tests.memory_spool import MemorySpool
from tests.memory_store import MemoryStore
from tests.unit.hub.viewing import NOON, Clock, Hub, Link, turns

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


def messages(found: dict[str, dict[Label, float]]) -> dict[str, float]:
    """Return how many messages of each kind were written, if any."""
    return {dict(labels)["kind"]: value for labels, value in found["hub_viewer_messages_total"].items() if value}


@contextlib.asynccontextmanager
async def meter(sources: tuple[str, ...] = (), worker: int = 0) -> AsyncIterator[Meter]:
    store, air = MemoryStore(Folding()), Air()
    bus = air.bus()
    hub = Hub(store, Position(epoch="epoch1", sequence=0), Clock(), bus=bus)
    ingest = Ingest(store, hub.feed, MemorySpool())
    gauges = Gauges(Health(ingest, hub.feed, bus), hub.feed, hub.fanout, ingest, hub.desk.counts)
    counted = Metrics(hub.clock, gauges, sources=sources, worker=worker)
    ingest.on_settled, ingest.on_committed, hub.fanout.on_told = counted.count, counted.committed, counted.told
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
        for name in (
            "hub_log_position",
            "hub_log_head",
            "hub_feed_lag_events",
            "hub_viewers",
            "hub_waiting_deliveries",
            "hub_spooled_deliveries",
            "hub_commit_seconds_count",
            "hub_commit_deliveries_count",
        ):
            assert found[name] == {(): 0.0}
        for name, labels in (("hub_dropped_total", DROPS), ("hub_viewer_messages_total", WRITTEN)):
            assert set(found[name].values()) == {0.0}
            assert len(found[name]) == len(labels)


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


async def test_every_source_is_there_before_it_sends_anything() -> None:
    """The increase of a number that begins with the first failure is nothing."""
    async with meter(sources=("livekit",)) as process:
        found = (await process.read())["hub_deliveries_total"]
        assert {dict(labels)["status"] for labels in found} == {
            "accepted", "duplicate", "dead", "refused", "limited", "oversized", "stalled", "unavailable",
        }  # fmt: skip
        assert set(found.values()) == {0.0}


async def test_what_was_turned_away_is_counted_beside_what_was_taken() -> None:
    """Somebody who changes a secret at one end only sees it here."""
    async with meter() as process:
        process.counted.turned_away("livekit", LIMITED)
        assert await process.value("hub_deliveries_total", source="livekit", status="limited") == 1


async def test_commits_are_measured_by_their_size_and_their_time() -> None:
    """Commits that get larger say that the store gets slower, before anybody waits too long."""
    async with meter() as process:
        process.store.commits.hold()
        sent = []
        for place in range(3):
            sent.append(asyncio.create_task(process.ingest.submit(delivery(str(place)))))
            await turns()
        process.store.commits.release()
        await asyncio.gather(*sent)
        found = await process.read()
        sizes = found["hub_commit_deliveries_bucket"]
        assert [sizes[(("le", size),)] for size in ("1.0", "2.0")] == [1, 2]
        assert found["hub_commit_seconds_count"] == {(): 2.0}


async def test_messages_are_counted_by_why_they_were_written() -> None:
    """What a hub does for its viewers, and how much of it twice."""
    async with meter() as process:
        rooms, everything = Grant(frozenset({"rooms"})), Grant(frozenset({"*"}))
        for grant in (rooms, rooms, everything):
            process.hub.connect(Link(), grant, Wish())
        await turns()
        for key in ("a", "b"):
            await process.ingest.submit(delivery(key, "rooms"))
        await turns()
        assert messages(await process.read()) == {"snapshot": 3, "event": 6}
        process.hub.connect(Link(), rooms, Wish(position=Position(epoch="epoch1", sequence=0)))
        await turns()
        assert messages(await process.read()) == {"snapshot": 3, "event": 6, "replayed": 2, "heartbeat": 1}


async def test_viewers_are_counted_by_how_they_are_connected() -> None:
    """A proxy that lets no WebSocket through shows here."""
    async with meter() as process:
        for form in Form:
            process.hub.connect(Link(form), Grant(frozenset({"rooms"})), Wish())
        await turns()
        found = (await process.read())["hub_viewers_by_transport"]
        assert found == {(("transport", "sse"),): 2.0, (("transport", "websocket"),): 1.0}


async def test_why_a_viewer_had_to_go_is_counted() -> None:
    """Many that expire are tokens that are too short, many that are overloaded are processes that are too few."""
    async with meter() as process:
        over = Grant(frozenset({"rooms"}), expires_at=process.hub.clock() // 1000)
        process.hub.connect(Link(), over, Wish())
        process.hub.connect(Link(), Grant(frozenset({"rooms"})), Wish(lost=True))
        await turns()
        found = (await process.read())["hub_dropped_total"]
        assert {labels: value for labels, value in found.items() if value} == {
            (("reason", "expired"), ("what", "viewer")): 1.0,
            (("reason", "epoch_changed"), ("what", "place")): 1.0,
        }


def told(ago: int, source: str = "livekit", *, late: int = 0) -> Event:
    """Return an event of a webhook that arrived so many milliseconds ago, and so many after what it tells of."""
    fact = Fact(kind=Kind.ROOM_STARTED, time=NOON - ago - late)
    entry = Entry(Kind.ROOM_STARTED, "rooms/livekit:a", (), fact, {"room": {}})
    return compose(entry, delivery("a", source=source, received_at=NOON - ago), 1)


async def test_it_is_measured_how_long_ago_it_arrived_what_viewers_were_just_told() -> None:
    """The one number that viewers would complain about, by provider."""
    async with meter() as process:
        process.counted.told([told(150), told(150), told(4000, "pulse"), erased_event()])
        found = await process.read()
        assert found["hub_viewer_latency_seconds_sum"] == {(("source", "livekit"),): 0.3, (("source", "pulse"),): 4.0}
        assert found["hub_viewer_latency_seconds_count"][(("source", "livekit"),)] == 2


async def test_it_is_measured_how_long_ago_it_happened_what_viewers_were_just_told() -> None:
    """Of two histograms, to the hub and from it, no quantile of the whole way follows."""
    async with meter(sources=("pulse",)) as process:
        process.counted.told([told(150, late=850), told(150, late=1850), erased_event()])
        found = await process.read()
        assert found["hub_provider_to_viewer_seconds_sum"] == {
            (("source", "livekit"),): 3.0,
            (("source", "pulse"),): 0.0,
        }
        assert found["hub_provider_to_viewer_seconds_count"][(("source", "livekit"),)] == 2
        assert found["hub_viewer_latency_seconds_sum"][(("source", "livekit"),)] == 0.3


def erased_event() -> Event:
    """Return an event that does not say any more when it arrived."""
    return Event(sequence=1, topics=("rooms",), body=b'{"type":"room.erased"}')


async def test_of_very_many_events_at_once_some_are_measured() -> None:
    """Whoever comes back after an hour reads thousands, and webhooks must not wait for arithmetic."""
    async with meter() as process:
        process.counted.told([told(1)] * 10_000)
        assert 100 <= (await process.value("hub_viewer_latency_seconds_count", source="livekit")) <= 400


async def test_nothing_is_measured_that_nobody_was_told() -> None:
    """What a page does not show does not come late."""
    async with meter() as process:
        heard: list[Event] = []
        process.hub.fanout.on_told = heard.extend
        process.hub.connect(Link(), Grant(frozenset({"bots"})), Wish())
        await turns()
        await process.ingest.submit(delivery("a", "rooms"))
        await turns()
        await process.ingest.submit(delivery("b", "bots"))
        await turns()
        assert [event.topics[0] for event in heard] == ["bots"]


async def test_how_late_a_provider_tells_is_measured_once_for_each_thing_it_tells() -> None:
    """A copy, and what was read once more, came in time the first time."""
    async with meter() as process:
        late = delivery("a", "rooms", received_at=NOON)
        late = msgspec.structs.replace(late, facts=(Fact(kind=Kind.ROOM_STARTED, time=NOON - 7000, room="plain:a"),))
        accepted = Outcome(Status.ACCEPTED, 1)
        process.counted.count([(late, accepted), (late, Outcome(Status.DUPLICATE, 1))])
        process.counted.count([(msgspec.structs.replace(late, redrive=1), accepted)])
        assert (await process.read())["hub_provider_delay_seconds_sum"] == {(("source", "plain"),): 7.0}


async def test_a_process_that_has_not_seen_all_of_the_log_says_how_much_is_missing() -> None:
    """Its viewers see yesterday's news and nothing is broken anywhere else."""
    async with meter() as process:
        process.hub.feed.hear(Announcement(epoch="epoch1", first=5, last=7))
        found = await process.read()
        names = ("hub_log_position", "hub_log_head", "hub_feed_lag_events")
        assert [found[name][()] for name in names] == [0, 7, 7]
        assert 0 <= found["hub_feed_unseen_seconds"][()] < 60


async def test_a_worker_names_itself_in_everything_it_says() -> None:
    """Through one port now this one answers and now that one, and their counters must not be taken for one's."""
    async with meter(worker=2) as process:
        found = await process.read()
        assert {dict(labels)["worker"] for samples in found.values() for labels in samples} == {"2"}
