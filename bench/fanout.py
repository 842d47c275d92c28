"""Fan-out: CPU of the server for each message delivered, against nginx with nchan, a C loop and the usual loop."""

import asyncio
import contextlib
from statistics import median

import aiohttp
import msgspec

from bench.contenders import ROOMS, Contender, floor, hub, nginx_nchan, plain
from bench.viewers import Viewers, watching

VIEWERS = 1000
ROUNDS = 5
MESSAGES = 40
PACE = 0.04


class Cost(msgspec.Struct, frozen=True):
    """What a message at one viewer cost its server and its viewer, in microseconds of CPU, and its bytes."""

    microseconds: float
    viewers_microseconds: float
    message_bytes: float


async def measure() -> list[tuple[str, str, str]]:
    """Return the rows: what, measured, against the baselines."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        ours = stack.enter_context(hub())
        alone = await _alone(ours, session)
        watched = {ours: await _watched(stack, ours)}
        message_bytes = (await spent(ours, watched[ours], session, 1, MESSAGES)).message_bytes
        for other in (nginx_nchan, floor, plain):
            contender = stack.enter_context(other())
            watched[contender] = await _watched(stack, contender)
            await contender.match(session, watched[contender], message_bytes)
        return [await _singly(watched, session, alone)]


async def spent(
    contender: Contender, viewers: Viewers, session: aiohttp.ClientSession, burst: int, bursts: int
) -> Cost:
    """Publish bursts of messages, one after the other; return what each message at each viewer cost."""
    begun, cpu = await viewers.count(), contender.server.cpu_seconds()
    for number in range(1, bursts + 1):
        await asyncio.gather(*(contender.publish(session) for _ in range(burst)))
        await viewers.until(begun.messages + number * burst * viewers.number)
        await asyncio.sleep(PACE)
    ended, cpu = await viewers.count(), contender.server.cpu_seconds() - cpu
    messages = ended.messages - begun.messages
    viewers_cpu = (ended.cpu_nanoseconds - begun.cpu_nanoseconds) / 1e3
    return Cost(cpu / messages * 1e6, viewers_cpu / messages, (ended.received_bytes - begun.received_bytes) / messages)


async def _alone(ours: Contender, session: aiohttp.ClientSession) -> float:
    """Return the microseconds that a webhook costs when nobody watches."""
    for _ in range(ROOMS):
        await ours.publish(session)
    cpu = ours.server.cpu_seconds()
    for _ in range(MESSAGES):
        await ours.publish(session)
        await asyncio.sleep(PACE)
    return (ours.server.cpu_seconds() - cpu) / MESSAGES * 1e6


async def _watched(stack: contextlib.AsyncExitStack, contender: Contender) -> Viewers:
    watching_it = watching(contender.server.port, contender.request, VIEWERS, ready=contender.ready)
    return await stack.enter_async_context(watching_it)


async def _singly(
    watched: dict[Contender, Viewers], session: aiohttp.ClientSession, alone: float
) -> tuple[str, str, str]:
    costs: dict[Contender, list[Cost]] = {contender: [] for contender in watched}
    for _ in range(ROUNDS):
        for contender, viewers in watched.items():
            costs[contender].append(await spent(contender, viewers, session, 1, MESSAGES))
    ours, *others = costs
    middle = _middle(costs[ours])
    said = (
        f"{middle.microseconds:.2f} µs, {middle.message_bytes:.0f} bytes; {alone:.0f} µs a webhook without viewers; "
        f"the viewers themselves {middle.viewers_microseconds:.2f} µs"
    )
    against = (f"{_ratio(costs[ours], costs[other]):.2f} × {other.name} ({_said(costs[other])})" for other in others)
    return f"fan-out: CPU per delivered message, {VIEWERS} SSE viewers", said, "; ".join(against)


def _middle(costs: list[Cost]) -> Cost:
    return sorted(costs, key=lambda cost: cost.microseconds)[len(costs) // 2]


def _ratio(ours: list[Cost], theirs: list[Cost]) -> float:
    """Return the median of the ratios of what was measured one after the other."""
    return median(our.microseconds / their.microseconds for our, their in zip(ours, theirs, strict=True))


def _said(costs: list[Cost]) -> str:
    middle = _middle(costs)
    return f"{middle.microseconds:.2f} µs, {middle.message_bytes:.0f} bytes"
