"""Fan-out: CPU of the server for each message delivered, against nginx with nchan, a C loop and the usual loop."""

import contextlib

import aiohttp

from bench.contenders import ROOMS, Contender, floor, hub, nginx_nchan, plain
from bench.costs import Costs, Watched, alone, by_turns, spent
from bench.viewers import watching

VIEWERS = 1000
ROUNDS = 5
MESSAGES = 40
BURST = 10
BURSTS = 6


async def measure() -> list[tuple[str, str, str]]:
    """Return the rows: what, measured, against the baselines."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        ours, *others = (stack.enter_context(one()) for one in (hub, nginx_nchan, floor, plain))
        await alone(ours, session, ROOMS)
        unwatched = await alone(ours, session, MESSAGES)
        unwatched_in_bursts = await alone(ours, session, BURSTS, BURST)
        watched = {}
        for contender in (ours, *others):
            connecting = watching(contender.server.port, contender.request, VIEWERS, ready=contender.ready)
            watched[contender] = await stack.enter_async_context(connecting)
        message_bytes = (await spent(ours, watched[ours], session, MESSAGES)).message_bytes
        for other in others:
            await other.match(session, watched[other], message_bytes)
        return [
            await _singly(watched, session, unwatched),
            await _in_bursts(watched, session, unwatched_in_bursts),
        ]


async def _singly(watched: Watched, session: aiohttp.ClientSession, unwatched: float) -> tuple[str, str, str]:
    costs = await by_turns(watched, session, ROUNDS, MESSAGES)
    ours, *others = watched
    middle, share = costs.middle(ours), unwatched / VIEWERS
    said = (
        f"{middle.microseconds:.2f} µs, {middle.message_bytes:.0f} bytes; of these {share:.2f} µs are what the webhook "
        f"costs without viewers; the viewers' own CPU {middle.viewers_microseconds:.2f} µs"
    )
    against = "; ".join(_against(costs, ours, other, share) for other in others)
    return f"fan-out: CPU per delivered message, {VIEWERS} SSE viewers", said, against


def _against(costs: Costs, ours: Contender, other: Contender, share: float) -> str:
    middle = costs.middle(other)
    theirs = f"{other.name} ({middle.microseconds:.2f} µs, {middle.message_bytes:.0f} bytes)"
    return f"{costs.ratio(ours, other):.2f} × {theirs}, without the webhook {costs.ratio(ours, other, share):.2f} ×"


async def _in_bursts(watched: Watched, session: aiohttp.ClientSession, unwatched: float) -> tuple[str, str, str]:
    costs = await by_turns(watched, session, ROUNDS, BURSTS, BURST)
    ours, *others = watched
    said = (
        f"{_per_second(costs, ours):,.0f} deliveries per CPU second; {unwatched:.0f} µs a webhook without viewers; "
        f"the viewers' own CPU {costs.middle(ours).viewers_microseconds:.2f} µs a message"
    )
    against = (f"{costs.ratio(other, ours):.2f} × {other.name} ({_per_second(costs, other):,.0f})" for other in others)
    return f"fan-out in bursts of {BURST}, {VIEWERS} SSE viewers", said, "; ".join(against)


def _per_second(costs: Costs, contender: Contender) -> float:
    return 1e6 / costs.middle(contender).microseconds
