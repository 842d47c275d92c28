"""Many viewers who come back at once to what they missed, against as many who are new."""

from statistics import median

import aiohttp
import msgspec

from bench.contenders import ROOMS, Contender, event_stream, hub
from bench.costs import alone
from bench.stand import SECRETS
from bench.viewers import View

VIEWERS = 5000
MISSED = 10
ROUNDS = 5
# As many as Linux lets wait in line for a server: those beyond try again after a second, whichever server it is.
AT_ONCE = 4000


class Served(msgspec.Struct, frozen=True):
    """What serving them took, until each had what is due to it."""

    seconds: float
    cpu_seconds: float


async def measure() -> list[tuple[str, str, str]]:
    """Return the rows: what, measured, against those who are new."""
    new, back = [], []
    with hub() as ours:
        async with aiohttp.ClientSession() as session:
            await alone(ours, session, ROOMS)
            position = await _position(ours, session)
            await alone(ours, session, MISSED)
        returning = event_stream(f"Last-Event-ID: {position}", ready='"resumed":true')
        for _ in range(ROUNDS):
            new.append(await _served(ours, event_stream(ready='"resumed":false'), 0))
            back.append(await _served(ours, returning, MISSED))
    name = f"{VIEWERS} viewers who come back at once to {MISSED} missed events each, all resumed"
    return [
        _row(f"{name}: until all are served", "s", [one.seconds for one in back], [one.seconds for one in new]),
        _row(f"{name}: CPU", "s of CPU", [one.cpu_seconds for one in back], [one.cpu_seconds for one in new]),
    ]


async def _position(ours: Contender, session: aiohttp.ClientSession) -> str:
    key = {"Authorization": f"Bearer {SECRETS['HUB_API_KEY']}"}
    async with session.get(f"{ours.server.url}/api/rooms?limit=1", headers=key) as answer:
        return answer.headers["Hub-Position"]


async def _served(ours: Contender, view: View, missed: int) -> Served:
    """Connect them; see to it that each has got what it missed, once, and is still there."""
    cpu = ours.server.cpu_seconds()
    async with ours.viewed_by(VIEWERS, view, at_once=AT_ONCE) as viewers:
        served = await viewers.until(VIEWERS * missed) if missed else viewers.ready
        cpu = ours.server.cpu_seconds() - cpu
        settled = await viewers.settled()
    if (settled.messages, settled.connected) != (VIEWERS * missed, VIEWERS):
        raise RuntimeError(
            f"{settled.messages} messages came, {VIEWERS * missed} were missed: {settled.connected} are there"
        )
    return Served(served.nanoseconds / 1e9, cpu)


def _row(name: str, unit: str, back: list[float], new: list[float]) -> tuple[str, str, str]:
    times = median(ours / theirs for ours, theirs in zip(back, new, strict=True))
    return (
        name,
        f"{median(back):.2f} {unit}",
        f"{times:.2f} × as many who are new, snapshot=0 ({median(new):.2f} {unit})",
    )
