"""Fan-out: CPU of the server for each message delivered, against the usual aiohttp-sse loop."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import aiohttp
import msgspec
import orjson

from bench.ingest import signed_join
from bench.stand import SECRETS, Counter, Server, server, settled

VIEWERS = 500
EVENTS = 100
PACE = 0.05


Publish = Callable[[aiohttp.ClientSession, int], Awaitable[None]]


class Cost(msgspec.Struct, frozen=True):
    """CPU of the server, microseconds a delivered message, and the message's bytes."""

    microseconds: float
    message_bytes: float


async def measure() -> list[tuple[str, str, str]]:
    """Return the rows: what, measured, against the baseline."""
    with server("hub.cli", "serve") as hub:
        ours = await _hub(hub)
    with server("bench.naive") as naive:
        usual = await _naive(naive, round(ours.message_bytes))
    ratio = ours.microseconds / usual.microseconds
    said = f"{ours.microseconds:.1f} µs, {ours.message_bytes:.0f} bytes"
    return [
        (
            f"fan-out: CPU per delivered message, {VIEWERS} SSE viewers",
            said,
            f"{ratio:.2f} × a plain aiohttp-sse loop ({usual.microseconds:.1f} µs)",
        )
    ]


async def _hub(hub: Server) -> Cost:
    request = (
        "GET /api/stream?topic=rooms&snapshot=0 HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {SECRETS['HUB_API_KEY']}\r\n\r\n"
    )

    async def publish(session: aiohttp.ClientSession, number: int) -> None:
        body, headers = signed_join(number)
        async with session.post(f"{hub.url}/api/livekit/webhook", data=body, headers=headers) as answer:
            answer.raise_for_status()

    return await _measure(hub, request, publish)


async def _naive(naive: Server, size: int) -> Cost:
    event = orjson.dumps({"filler": "x" * max(0, size - 40)})

    async def publish(session: aiohttp.ClientSession, _: int) -> None:
        async with session.post(f"{naive.url}/publish", data=event) as answer:
            answer.raise_for_status()

    return await _measure(naive, "GET /view HTTP/1.1\r\nHost: x\r\n\r\n", publish)


async def _measure(measured: Server, request: str, publish: Publish) -> Cost:
    loop = asyncio.get_running_loop()
    connected = [
        await loop.create_connection(partial(Counter, request.encode()), "127.0.0.1", measured.port)
        for _ in range(VIEWERS)
    ]
    viewers = [viewer for _, viewer in connected]
    async with aiohttp.ClientSession() as session:
        # The first makes documents and caches; it is not measured.
        await publish(session, 0)
        begun = await settled(viewers)
        cpu = measured.cpu_seconds()
        for number in range(1, EVENTS + 1):
            await publish(session, number)
            await asyncio.sleep(PACE)
        received = await settled(viewers) - begun
        cpu = measured.cpu_seconds() - cpu
    for transport, _ in connected:
        transport.close()
    messages = VIEWERS * EVENTS
    return Cost(cpu / messages * 1e6, received / messages)
