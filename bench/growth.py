"""What a webhook costs the store when it already holds much: it should stay what it was."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from bench.ingest import SOURCE, signed_join
from bench.stand import database
from handlers.providers.arrival import Arrival
from handlers.providers.registry import PROVIDERS, receive
from hub.errors import StorageUnavailable
from hub.events import Delivery, Fact, Kind, ScheduleDetail
from hub.fold import Batch, Recall, Rules
from hub.ports import Store
from hub.settings import Source
from hub.stores import make_epoch
from storage.postgres import PostgresStore
from storage.postgres.committing import Folder
from storage.sqlite import SqliteStore
from tests.postgres_server import PostgresServer

SIZES = (10, 1_000, 10_000, 100_000)
EVENTS = (10_000, 100_000, 1_000_000)
# How often one and the same room has met: daily for a year.
MEETINGS = (10, 100, 365)
_BATCH = 64
_FIRST_DAY = 1_700_000_000_000
_PULSE = Source(provider="pulse", name="pulse", path="/webhooks/pulse", proof="none")
_MEASURED = 10
_TRIES = 5


async def measure() -> list[tuple[str, str, str]]:
    """Return rows: milliseconds for a batch by what is stored, and for a webhook of a room by how often it met."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        store: Store = await SqliteStore.open(f"sqlite:///{Path(folder)}/hub.db", _folder(), make_epoch)
        rows.append(await _by_rooms("SQLite", store))
        await store.close()
    with database() as postgres:
        store = await PostgresStore.open(postgres.create(), _folder(), make_epoch)
        rows.append(await _by_rooms("PostgreSQL", store))
        await store.close()
        rows.append(await _by_events(postgres))
    return [*rows, await _by_meetings()]


def _folder() -> Folder:
    recall = Recall()
    return lambda deliveries: Batch(deliveries, Rules(), recall)


async def _by_rooms(name: str, store: Store) -> tuple[str, str, str]:
    costs: list[float] = []
    rooms = 0
    for size in SIZES:
        while rooms < size:
            await _kept(store, [_delivery(rooms + place) for place in range(min(256, size - rooms))])
            rooms = min(size, rooms + 256)
        costs.append(await _batch_ms(store, size))
        rooms = size + _BATCH * _MEASURED
    return f"a batch of {_BATCH} by rooms stored, {name}", *_said(costs, SIZES)


async def _kept(store: Store, deliveries: Sequence[Delivery]) -> None:
    """Commit, as a hub does whose provider comes again: a busy machine may take longer than the store waits."""
    for _ in range(_TRIES):
        with contextlib.suppress(StorageUnavailable):
            await store.commit(deliveries)
            return
    await store.commit(deliveries)


async def _by_events(postgres: PostgresServer) -> tuple[str, str, str]:
    """Rooms as they are, and a log that is filled by the database itself."""
    url = postgres.create()
    store = await PostgresStore.open(url, _folder(), make_epoch)
    costs: list[float] = []
    before = 0
    for size in EVENTS:
        await asyncio.to_thread(_fill, postgres, url.rpartition("/")[2], before + 1, size)
        costs.append(await _batch_ms(store, size))
        before = (await store.position()).sequence
    await store.close()
    return f"a batch of {_BATCH} by events logged, PostgreSQL", *_said(costs, EVENTS)


def _fill(postgres: PostgresServer, name: str, first: int, last: int) -> None:
    """Log events as if they had been told: each with its delivery, its key and two topics."""
    room = "{\"id\":\"' || repeat('x', 400) || '\"}"
    body = f'{{"source":"/sources/livekit","type":"participant.joined","data":{{"room":{room}}}}}'
    numbers = f"generate_series({first}, {last}) AS g"
    columns = "id, source, scope, key, received_at, verdict, reason, provider_type, subjects, headers, body"
    postgres.sql(
        f"""INSERT INTO deliveries ({columns})
            SELECT g, 'livekit', 'livekit/', 'id:' || md5(g::text), 1700000000000 + g, 'accepted', '', 'x',
            '["rooms/livekit:RM_' || g % 5000 || '"]', '[]', convert_to(repeat('b', 800), 'UTF8') FROM {numbers}""",
        f"INSERT INTO dedupe SELECT 'livekit/', 'id:' || md5(g::text), g, 1700000000000 + g FROM {numbers}",
        f"INSERT INTO events SELECT g, g, '[\"rooms\"]', convert_to('{body}', 'UTF8') FROM {numbers}",
        f"INSERT INTO event_topics SELECT 'rooms', g FROM {numbers}",
        f"INSERT INTO event_topics SELECT 'rooms/livekit:RM_' || g % 5000, g FROM {numbers}",
        "VACUUM ANALYZE",
        database=name,
    )


def _said(costs: list[float], sizes: Sequence[int]) -> tuple[str, str]:
    said = ", ".join(f"{cost:.1f} ms at {size}" for cost, size in zip(costs, sizes, strict=True))
    return said, f"{costs[-1] / costs[0]:.2f} × from first to last"


async def _by_meetings() -> tuple[str, str, str]:
    """One room that meets every day as planned, in Pulse's dialect, in which half of the webhooks name no session."""
    with tempfile.TemporaryDirectory() as folder:
        store = await SqliteStore.open(f"sqlite:///{Path(folder)}/hub.db", _folder(), make_epoch)
        costs: list[float] = []
        for day in range(MEETINGS[-1]):
            spent = await _meet(store, day)
            if day + 1 in MEETINGS:
                costs.append(spent)
        await store.close()
    said = ", ".join(f"{cost:.2f} ms after {met}" for cost, met in zip(costs, MEETINGS, strict=True))
    return "a webhook of a room that meets daily, planned", said, f"{costs[-1] / costs[0]:.2f} × from first to last"


async def _meet(store: SqliteStore, day: int) -> float:
    """Plan and hold a meeting, webhook by webhook; return the milliseconds that the cheapest third of them took."""
    start = _FIRST_DAY + day * 86_400_000
    plan = ScheduleDetail(id=f"p{day}", provider="pulse", room_id="daily", starts_at=start)
    fact = Fact(kind=Kind.SCHEDULE_CREATED, time=start, durable="pulse@daily", detail=plan)
    await store.commit([Delivery(source="hub", scope="hub", key=plan.id, received_at=start, body=b"", facts=(fact,))])
    costs: list[float] = []
    for time_ms, sample in PROVIDERS["pulse"].meeting(2 * day, start, 60.0, "daily").script:
        arrival = Arrival(headers=(), body=orjson.dumps(sample.payload), received_at=time_ms)
        delivery = receive(_PULSE, arrival)
        begun = time.perf_counter()
        await store.commit([delivery])
        costs.append((time.perf_counter() - begun) * 1000)
    return sorted(costs)[len(costs) // 3]


async def _batch_ms(store: Store, first: int) -> float:
    best = float("inf")
    for number in range(_MEASURED):
        batch = [_delivery(first + number * _BATCH + place) for place in range(_BATCH)]
        begun = time.perf_counter()
        await store.commit(batch)
        best = min(best, time.perf_counter() - begun)
    return best * 1000


def _delivery(number: int) -> Delivery:
    """Return a verified delivery about a room of its own."""
    body, headers = signed_join(number, rooms=10**9)
    pairs = tuple((name.lower(), value) for name, value in headers.items())
    return receive(SOURCE, Arrival(headers=pairs, body=body, received_at=time.time_ns() // 1_000_000))
