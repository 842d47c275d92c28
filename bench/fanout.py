"""Fan-out: CPU of the server for each message delivered, against nginx with nchan, a C loop and the usual loop."""

import contextlib

import aiohttp

from bench.contenders import ROOMS, Contender, floor, hub, nginx_nchan, plain, websocket_hub
from bench.costs import Costs, Share, alone
from bench.viewers import Viewers

VIEWERS = 1000
ROUNDS = 5
MESSAGES = 40
BURST = 10
BURSTS = 6

Row = tuple[str, str, str]


async def measure() -> list[Row]:
    """Return the rows by SSE and by WebSocket: what, measured, against the others' server-sent events."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        unwatched, *ours = (stack.enter_context(one()) for one in (hub, hub, websocket_hub))
        others = [stack.enter_context(one()) for one in (nginx_nchan, floor, plain)]
        for one in (unwatched, *ours):
            await alone(one, session, ROOMS)
        watched: dict[Contender, Viewers] = {}
        for one in (*ours, *others):
            watched[one] = await stack.enter_async_context(one.viewed_by(VIEWERS))
        message_bytes = await ours[0].message_bytes(session, watched[ours[0]])
        for other in others:
            await other.match(session, watched[other], message_bytes)
        singly, in_bursts = Costs(watched), Costs(watched)
        await singly.measure(unwatched, session, ROUNDS, MESSAGES)
        await in_bursts.measure(unwatched, session, ROUNDS, BURSTS, BURST)
    transports = list(zip(ours, (f"{VIEWERS} SSE viewers", f"{VIEWERS} WebSocket viewers"), strict=True))
    return [
        *(row for one, viewers in transports for row in _singly(singly, one, others, viewers)),
        *(row for one, viewers in transports for row in _in_bursts(in_bursts, one, others, viewers)),
    ]


def _singly(costs: Costs, ours: Contender, others: list[Contender], viewers: str) -> list[Row]:
    name = f"fan-out: CPU per delivered message, {viewers}"

    def row(share: Share, share_name: str, also: str) -> Row:
        against = (
            f"{costs.ratio(ours, other, share):.2f} × {other.name} ({costs.middle(other, share):.2f} µs)"
            for other in others
        )
        return f"{name}, {share_name}", f"{costs.middle(ours, share):.2f} µs{also}", "; ".join(against)

    sizes = (f"{costs.message_bytes(one):.0f}" for one in (ours, *others))
    return [
        row(costs.whole, "everything included", f"; {', '.join(sizes)} bytes"),
        row(costs.fanned_out, "the fan-out alone", f"; a webhook without viewers {costs.webhook:.0f} µs"),
    ]


def _in_bursts(costs: Costs, ours: Contender, others: list[Contender], viewers: str) -> list[Row]:
    name = f"fan-out in bursts of {BURST}: deliveries per CPU second, {viewers}"

    def row(share: Share, share_name: str, also: str) -> Row:
        against = (
            f"{1 / costs.ratio(ours, other, share):.2f} × {other.name} ({1e6 / costs.middle(other, share):,.0f})"
            for other in others
        )
        return f"{name}, {share_name}", f"{1e6 / costs.middle(ours, share):,.0f}{also}", "; ".join(against)

    return [
        row(
            costs.whole, "everything included", f"; the viewer's own CPU {costs.viewers_middle(ours):.2f} µs a message"
        ),
        row(costs.fanned_out, "the fan-out alone", f"; a webhook without viewers {costs.webhook:.0f} µs"),
    ]
