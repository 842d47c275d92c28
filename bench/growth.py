"""What a webhook costs the store when it already holds much: it should stay what it was."""

import tempfile
import time
from pathlib import Path

from bench.ingest import SOURCE, signed_join
from handlers.providers.arrival import Arrival
from handlers.providers.registry import receive
from hub.app import make_epoch
from hub.events import Delivery
from hub.fold import Batch, Rules
from storage.sqlite import SqliteStore

SIZES = (10, 1_000, 20_000)
_BATCH = 64
_MEASURED = 10


async def measure() -> list[tuple[str, str, str]]:
    """Return a row: milliseconds for a batch with so many rooms stored."""
    with tempfile.TemporaryDirectory() as folder:
        store = await SqliteStore.open(
            f"sqlite:///{Path(folder)}/hub.db", lambda deliveries: Batch(deliveries, Rules()), make_epoch
        )
        costs: list[float] = []
        rooms = 0
        for size in SIZES:
            while rooms < size:
                await store.commit([_delivery(rooms + place) for place in range(min(256, size - rooms))])
                rooms = min(size, rooms + 256)
            costs.append(await _batch_ms(store, size))
            rooms = size + _BATCH * _MEASURED
        await store.close()
    said = ", ".join(f"{cost:.1f} ms at {size}" for cost, size in zip(costs, SIZES, strict=True))
    return [(f"a batch of {_BATCH} by rooms stored", said, f"{costs[-1] / costs[0]:.2f} × from first to last")]


async def _batch_ms(store: SqliteStore, first: int) -> float:
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
