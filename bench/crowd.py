"""How the cost of a message grows with the viewers that get it, and that it does not with those that don't."""

import contextlib

import aiohttp

from bench.contenders import ROOMS, floor, hub, hub_view
from bench.costs import alone, by_turns, spent
from bench.viewers import watching

# Viewers, and how many messages they are given in a round.
CROWDS = {100: 40, 1000: 20, 10_000: 5}
ROUNDS = 3
STRANGERS = 10_000
_EVENTS = 100


async def measure() -> list[tuple[str, str, str]]:
    """Return the rows: what, measured, against the C loop's own growth and against one viewer."""
    return [await _growing(), await _elsewhere()]


async def _growing() -> tuple[str, str, str]:
    ours_by, theirs_by = [], []
    async with aiohttp.ClientSession() as session:
        with hub() as ours, floor() as theirs:
            await alone(ours, session, ROOMS)
            unwatched = await alone(ours, session, 40)
            for viewers, messages in CROWDS.items():
                async with contextlib.AsyncExitStack() as stack:
                    watched = {}
                    for one in (ours, theirs):
                        connecting = watching(one.server.port, one.request, viewers, ready=one.ready)
                        watched[one] = await stack.enter_async_context(connecting)
                    message_bytes = (await spent(ours, watched[ours], session, 2)).message_bytes
                    await theirs.match(session, watched[theirs], message_bytes)
                    costs = await by_turns(watched, session, ROUNDS, messages)
                ours_by.append(costs.middle(ours).microseconds - unwatched / viewers)
                theirs_by.append(costs.middle(theirs).microseconds)
    growth, theirs_growth = ours_by[-1] / ours_by[0], theirs_by[-1] / theirs_by[0]
    loop = f"a C loop that only sends ({_said(theirs_by)}: {theirs_growth:.2f} ×)"
    return (
        f"CPU per delivered message from {next(iter(CROWDS))} to {list(CROWDS)[-1]} viewers, without the webhook",
        f"{_said(ours_by)}: {growth:.2f} ×; a webhook without viewers {unwatched:.0f} µs",
        f"{growth / theirs_growth:.2f} × the growth of {loop}",
    )


def _said(costs: list[float]) -> str:
    return ", ".join(f"{cost:.2f} µs" for cost in costs)


async def _elsewhere() -> tuple[str, str, str]:
    """Each viewer follows a room of its own; each event is about one of them."""
    async with aiohttp.ClientSession() as session:
        with hub(rooms=STRANGERS) as ours:
            port = ours.server.port
            await alone(ours, session, ROOMS)
            async with watching(port, ours.request, 1, ready=ours.ready) as one:
                single = await spent(ours, one, session, _EVENTS)
            async with watching(port, hub_view("rooms/livekit:RM_bench{n}"), STRANGERS, ready=ours.ready) as many:
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
