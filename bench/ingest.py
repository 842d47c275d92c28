"""Durable webhooks a second, against the same handler on a store that accepts at once, and against batches of one."""

import asyncio
import time

import aiohttp
import msgspec
import orjson

from bench.stand import SECRETS, Server, bus, database, server
from handlers.providers.livekit import sign
from handlers.providers.livekit_samples import samples
from hub.settings import Source

WEBHOOKS = 4000
CONCURRENCY = 64
# What fills batches to their limit.
CROWD = 256
ROOMS = 200
SOURCE = Source(
    provider="livekit",
    name="livekit",
    path="/api/livekit/webhook",
    keys={SECRETS["LIVEKIT_API_KEY"]: (SECRETS["LIVEKIT_API_SECRET"],)},
)


class Rate(msgspec.Struct, frozen=True):
    """Webhooks a second, and the server's CPU for one in microseconds."""

    per_second: float
    microseconds: float


async def measure() -> list[tuple[str, str, str]]:
    """Return the rows: what, measured, against the baselines."""
    rows = [await _row("SQLite", CONCURRENCY)]
    with database() as postgres, bus() as redis:
        for name, concurrency, rooms in (
            ("PostgreSQL", CONCURRENCY, ROOMS),
            ("PostgreSQL", CROWD, ROOMS),
            ("PostgreSQL, a room each", CROWD, WEBHOOKS),
        ):
            environ = {"DATABASE_URL": postgres.create(), "REDIS_URL": redis.url}
            rows += [await _row(name, concurrency, rooms=rooms, **environ)]
    return rows


async def _row(name: str, concurrency: int, *, rooms: int = ROOMS, **environ: str) -> tuple[str, str, str]:
    requests = [signed_join(number, rooms) for number in range(WEBHOOKS)]
    rates = {}
    for variant in ("instant", "single", "durable"):
        count = WEBHOOKS if variant != "single" else WEBHOOKS // 4
        chosen = {} if variant == "instant" else environ
        with server("bench.variants", variant, **chosen) as measured:
            sent = requests[:count] if variant != "single" else [signed_join(-1 - one, rooms) for one in range(count)]
            # More at a time would only wait longer for batches of one, until they are refused.
            rates[variant] = await _rate(measured, sent, concurrency if variant != "single" else CONCURRENCY)
    durable, instant, single = rates["durable"], rates["instant"], rates["single"]
    return (
        f"durable webhooks, {name}, {concurrency} at a time",
        f"{durable.per_second:.0f}/s, {durable.microseconds:.0f} µs of the hub's CPU each",
        f"{durable.per_second / instant.per_second:.2f} × the same handler on a store that accepts at once "
        f"({instant.per_second:.0f}/s); {durable.per_second / single.per_second:.1f} × this writer with batches "
        f"of one ({single.per_second:.0f}/s)",
    )


def signed_join(number: int, rooms: int = ROOMS) -> tuple[bytes, dict[str, str]]:
    """Return a webhook, body and headers, about somebody new in one of many rooms."""
    now = time.time_ns() // 1_000_000
    payload = samples(now)["participant_joined"].payload
    payload = orjson.loads(orjson.dumps(payload))
    payload["id"] = f"EV_bench{number}"
    payload["room"]["sid"] = f"RM_bench{number % rooms}"
    payload["room"]["name"] = f"bench-{number % rooms}"
    payload["participant"]["sid"] = f"PA_bench{number}"
    body = orjson.dumps(payload)
    return body, sign(SOURCE, body, now)


async def _rate(measured: Server, requests: list[tuple[bytes, dict[str, str]]], concurrency: int) -> Rate:
    waiting = iter(requests)

    async def send(session: aiohttp.ClientSession) -> None:
        for body, headers in waiting:
            async with session.post(f"{measured.url}/api/livekit/webhook", data=body, headers=headers) as answer:
                answer.raise_for_status()

    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        cpu, begun = measured.cpu_seconds(), time.perf_counter()
        await asyncio.gather(*(send(session) for _ in range(concurrency)))
        seconds = time.perf_counter() - begun
        return Rate(len(requests) / seconds, (measured.cpu_seconds() - cpu) / len(requests) * 1e6)
