"""From a webhook at one process to a viewer of another: through Redis, and with Redis down."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp
import orjson

from bench.ingest import signed_join
from bench.stand import SECRETS, bus, database, server

WEBHOOKS = 400
PER_SECOND = 40.0
_KEY = {"Authorization": f"Bearer {SECRETS['HUB_API_KEY']}"}


async def measure() -> list[tuple[str, str, str]]:
    """Return the rows: milliseconds from the request to the viewer, of the same process and of another."""
    with database() as postgres, bus() as redis:
        shared = {"DATABASE_URL": postgres.create(), "REDIS_URL": redis.url}
        with (
            server("bench.variants", "durable", **shared) as one,
            server("bench.variants", "durable", **shared) as other,
        ):
            same = await _milliseconds(one.url, one.url, 0)
            through = await _milliseconds(one.url, other.url, 1)
            redis.stop()
            down = await _milliseconds(one.url, other.url, 2)
    name = f"a webhook in, event at a viewer, {PER_SECOND:.0f}/s, PostgreSQL"
    return [
        (f"{name}: of the same process", _said(same), "1.00"),
        (f"{name}: of another, through Redis", _said(through), f"{_middle(through) / _middle(same):.2f} × the median"),
        (f"{name}: of another, Redis down", _said(down), f"{_middle(down) / _middle(same):.0f} × the median"),
    ]


async def _milliseconds(hub: str, viewers_hub: str, run: int) -> list[float]:
    """Return how long each webhook took to the viewer."""
    sent: dict[str, float] = {}
    taken: list[float] = []
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(timeout=timeout) as session, _viewed(session, viewers_hub) as events:
        posting = asyncio.create_task(_post(session, hub, run, sent))
        async for identity, at in events:
            if identity in sent:
                taken.append((at - sent[identity]) * 1000)
            if len(taken) == WEBHOOKS:
                break
        await posting
    return taken


async def _post(session: aiohttp.ClientSession, hub: str, run: int, sent: dict[str, float]) -> None:
    for number in range(WEBHOOKS):
        body, headers = signed_join((run + 10) * 100_000 + number, 50)
        sent[f"PA_bench{(run + 10) * 100_000 + number}"] = time.perf_counter()
        async with session.post(f"{hub}/api/livekit/webhook", data=body, headers=headers) as answer:
            answer.raise_for_status()
        await asyncio.sleep(1 / PER_SECOND)


@contextlib.asynccontextmanager
async def _viewed(session: aiohttp.ClientSession, hub: str) -> AsyncIterator[AsyncIterator[tuple[str, float]]]:
    query = {"topic": "rooms", "snapshot": "0"}
    async with session.get(f"{hub}/api/stream", params=query, headers=_KEY) as answer:
        yield _joined(answer.content)


async def _joined(content: aiohttp.StreamReader) -> AsyncIterator[tuple[str, float]]:
    """Yield who joined, and when that was read."""
    async for line in content:
        if line.startswith(b'data: {"specversion"'):
            said = orjson.loads(line[6:])
            if "participant" in said["data"]:
                yield said["data"]["participant"]["id"].rpartition(":")[2], time.perf_counter()


def _said(taken: list[float]) -> str:
    ranked = sorted(taken)
    return f"median {_middle(taken):.1f} ms, p99 {ranked[int(len(ranked) * 0.99)]:.1f} ms"


def _middle(taken: list[float]) -> float:
    return sorted(taken)[len(taken) // 2]
