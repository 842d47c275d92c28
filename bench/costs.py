"""What a message at a viewer costs its server, and how two servers compare that were measured by turns."""

import asyncio
from collections.abc import Mapping
from statistics import median

import aiohttp
import msgspec

from bench.contenders import Contender
from bench.viewers import Viewers

Watched = Mapping[Contender, Viewers]
# Seconds from when all have a message to the next: caches are as cold as they usually are.
PACE = 0.04


class Cost(msgspec.Struct, frozen=True):
    """What a message at one viewer cost its server and its viewer, in microseconds of CPU, and its bytes."""

    microseconds: float
    viewers_microseconds: float
    message_bytes: float


class Costs(dict[Contender, list[Cost]]):
    """What was measured by turns: in each place of the lists is what was measured at about the same time."""

    def middle(self, contender: Contender) -> Cost:
        """Return the one in the middle."""
        return sorted(self[contender], key=lambda cost: cost.microseconds)[len(self[contender]) // 2]

    def ratio(self, ours: Contender, theirs: Contender, less: float = 0.0) -> float:
        """Return the median of the ratios, with so many microseconds of ours left out."""
        pairs = zip(self[ours], self[theirs], strict=True)
        return median((our.microseconds - less) / their.microseconds for our, their in pairs)


async def by_turns(watched: Watched, session: aiohttp.ClientSession, rounds: int, bursts: int, burst: int = 1) -> Costs:
    """Measure each in each round, so that what else the machine does hurts all alike."""
    costs = Costs((contender, []) for contender in watched)
    for _ in range(rounds):
        for contender, viewers in watched.items():
            costs[contender].append(await spent(contender, viewers, session, bursts, burst))
    return costs


async def spent(
    contender: Contender, viewers: Viewers, session: aiohttp.ClientSession, bursts: int, burst: int = 1
) -> Cost:
    """Publish bursts of messages, each when all have the one before; return what a message at a viewer cost."""
    begun, cpu = await viewers.count(), contender.server.cpu_seconds()
    for number in range(1, bursts + 1):
        await asyncio.gather(*(contender.publish(session) for _ in range(burst)))
        await viewers.until(begun.messages + number * burst * viewers.number)
        await asyncio.sleep(PACE)
    ended, cpu = await viewers.count(), contender.server.cpu_seconds() - cpu
    messages = ended.messages - begun.messages
    viewers_cpu = (ended.cpu_nanoseconds - begun.cpu_nanoseconds) / 1e3
    return Cost(cpu / messages * 1e6, viewers_cpu / messages, (ended.received_bytes - begun.received_bytes) / messages)


async def alone(hub: Contender, session: aiohttp.ClientSession, bursts: int, burst: int = 1) -> float:
    """Return the microseconds of CPU that a webhook costs when nobody watches."""
    cpu = hub.server.cpu_seconds()
    for _ in range(bursts):
        await asyncio.gather(*(hub.publish(session) for _ in range(burst)))
        await asyncio.sleep(PACE)
    return (hub.server.cpu_seconds() - cpu) / bursts / burst * 1e6
