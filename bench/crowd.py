"""How the cost of a message grows with the viewers that get it, and that it does not with those that don't."""

import contextlib

import aiohttp

from bench.contenders import ROOMS, Contender, event_stream, floor, hub
from bench.costs import Costs, alone, spent
from bench.viewers import Viewers

# Viewers, and how many messages they are given in a round.
CROWDS = {100: 40, 1000: 20, 10_000: 5}
ROUNDS = 5
STRANGERS = 10_000
_EVENTS = 100


async def measure() -> list[tuple[str, str, str]]:
    """Return the rows: what, measured, against the C loop's own growth and against one viewer."""
    return [await _growing(), await _elsewhere()]


async def _growing() -> tuple[str, str, str]:
    ours_by, theirs_by = [], []
    async with aiohttp.ClientSession() as session:
        with hub() as ours, floor() as theirs, hub() as unwatched:
            for one in (ours, unwatched):
                await alone(one, session, ROOMS)
            for number, messages in CROWDS.items():
                async with contextlib.AsyncExitStack() as stack:
                    watched: dict[Contender, Viewers] = {}
                    for contender in (ours, theirs):
                        watched[contender] = await stack.enter_async_context(contender.viewed_by(number))
                    await theirs.match(
                        session, watched[theirs], await ours.message_bytes(session, watched[ours], messages)
                    )
                    costs = Costs(watched)
                    await costs.measure(unwatched, session, ROUNDS, messages)
                ours_by.append(costs.middle(ours, costs.fanned_out))
                theirs_by.append(costs.middle(theirs, costs.fanned_out))
    growth, theirs_growth = ours_by[-1] / ours_by[0], theirs_by[-1] / theirs_by[0]
    loop = f"a C loop that only sends ({_said(theirs_by)}: {theirs_growth:.2f} ×)"
    return (
        f"fan-out: CPU per delivered message from {next(iter(CROWDS))} to {list(CROWDS)[-1]} SSE viewers, alone",
        f"{_said(ours_by)}: {growth:.2f} ×; a webhook without viewers {costs.webhook:.0f} µs",
        f"{growth / theirs_growth:.2f} × the growth of {loop}",
    )


def _said(costs: list[float]) -> str:
    return ", ".join(f"{cost:.2f} µs" for cost in costs)


async def _elsewhere() -> tuple[str, str, str]:
    """Each viewer follows a room of its own; each event is about one of them."""
    async with aiohttp.ClientSession() as session:
        with hub(rooms=STRANGERS) as ours:
            await alone(ours, session, ROOMS)
            async with ours.viewed_by(1) as one:
                single = await spent(ours, one, session, _EVENTS)
            async with ours.viewed_by(STRANGERS, event_stream(topic="rooms/livekit:RM_bench{n}")) as many:
                begun, cpu = await many.count(), ours.server.cpu_seconds()
                await alone(ours, session, _EVENTS)
                cpu = ours.server.cpu_seconds() - cpu
                events = (await many.settled()).messages - begun.messages
    many_microseconds = cpu / events * 1e6
    return (
        f"{STRANGERS} viewers of a room each: CPU per event that one of them gets",
        f"{many_microseconds:.0f} µs, {events} events",
        f"{many_microseconds / single.microseconds:.2f} × with one viewer in all ({single.microseconds:.0f} µs)",
    )
