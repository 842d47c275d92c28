"""How long messages take to their viewers and to their answers, when they are sent at a given pace."""

import asyncio
import time
from collections.abc import Iterable

import aiohttp

from bench.contenders import Contender, Published
from bench.viewers import Viewers

# By viewer, in the order in which they connected.
Delays = list[list[float]]


async def paced(publisher: Contender, session: aiohttp.ClientSession, gaps: Iterable[float]) -> list[Published]:
    """Publish a message after each gap, in seconds, whether or not the one before has been taken."""
    due, publishing = time.perf_counter(), []
    for gap in gaps:
        due += gap
        await asyncio.sleep(due - time.perf_counter())
        publishing.append(asyncio.create_task(publisher.publish(session)))
    return await asyncio.gather(*publishing)


async def delays(
    publisher: Contender, viewers: Viewers, session: aiohttp.ClientSession, messages: int, per_second: float
) -> Delays:
    """Publish at an even pace; return how many seconds each message took to each viewer."""
    begun = await viewers.count()
    await viewers.record(messages * viewers.number)
    published = await paced(publisher, session, [1 / per_second] * messages)
    await viewers.until(begun.messages + messages * viewers.number)
    taken: Delays = [[] for _ in range(viewers.number)]
    for sighting in await viewers.sightings():
        # Should one message have overtaken another, each is given the other's time.
        sent, _ = published[sighting.place]
        taken[sighting.viewer].append(sighting.at - sent)
    if {len(each) for each in taken} != {messages}:
        raise RuntimeError("some viewers did not get each message once")
    return taken


def quantile(seconds: Iterable[float], share: float) -> float:
    """Return what so large a share of them did not exceed."""
    ranked = sorted(seconds)
    return ranked[min(int(len(ranked) * share), len(ranked) - 1)]


def p99(seconds: Iterable[float]) -> float:
    """Return what 99 of 100 of them did not exceed."""
    return quantile(seconds, 0.99)


def said(seconds: Iterable[float]) -> str:
    """Return the quantiles as text."""
    ranked = sorted(seconds)
    middle, most, longest = (quantile(ranked, share) * 1000 for share in (0.5, 0.99, 1))
    return f"median {middle:.1f} ms, p99 {most:.1f} ms, at most {longest:.1f} ms"
