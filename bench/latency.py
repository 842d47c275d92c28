"""From a webhook to its viewers: of the same process against nginx with nchan, of another process, with Redis down."""

import contextlib
from itertools import chain
from statistics import median

import aiohttp

from bench.contenders import ROOMS, Contender, hub, nginx_nchan
from bench.costs import alone
from bench.delays import Delays, delays, p99, quantile, said
from bench.stand import bus, database
from bench.viewers import Viewers

VIEWERS = 500
WEBHOOKS = 400
PER_SECOND = 40.0
ROUNDS = 5
_PLACES = {"first": 0, "middle": VIEWERS // 2, "last": VIEWERS - 1}
_NAME = f"a webhook in, event at {VIEWERS} viewers, {PER_SECOND:.0f}/s, PostgreSQL"

Row = tuple[str, str, str]


async def measure() -> list[Row]:
    """Return the rows: milliseconds from the request to all viewers, against publishing at nchan and among us."""
    with database() as postgres, bus() as redis:
        shared = {"DATABASE_URL": postgres.create(), "REDIS_URL": redis.url}
        with hub(shared) as one, hub(shared) as other, nginx_nchan() as nchan:
            async with aiohttp.ClientSession() as session:
                await alone(one, session, ROOMS)
                same, theirs = await _by_turns(one, nchan, session)
                async with other.viewed_by(VIEWERS) as viewers:
                    through = await delays(one, viewers, session, WEBHOOKS, PER_SECOND)
                    redis.stop()
                    down = await delays(one, viewers, session, WEBHOOKS, PER_SECOND)
    return [
        _against_nchan(same, theirs),
        _against_same("through Redis", through, same),
        _against_same("Redis down", down, same),
    ]


async def _by_turns(ours: Contender, theirs: Contender, session: aiohttp.ClientSession) -> tuple[list[Delays], ...]:
    """Measure both in each round, so that what else the machine does hurts both alike."""
    taken: dict[Contender, list[Delays]] = {ours: [], theirs: []}
    async with contextlib.AsyncExitStack() as stack:
        watched: dict[Contender, Viewers] = {}
        for contender in taken:
            watched[contender] = await stack.enter_async_context(contender.viewed_by(VIEWERS))
        await theirs.match(session, watched[theirs], await ours.message_bytes(session, watched[ours]))
        for _ in range(ROUNDS):
            for contender, viewers in watched.items():
                taken[contender].append(await delays(contender, viewers, session, WEBHOOKS // ROUNDS, PER_SECOND))
    return tuple(taken.values())


def _against_nchan(ours: list[Delays], theirs: list[Delays]) -> Row:
    times = median(p99(chain(*our)) / p99(chain(*their)) for our, their in zip(ours, theirs, strict=True))
    return (
        f"{_NAME}: of the same process",
        _in_all(ours),
        f"{times:.2f} × nginx + nchan from publishing, by the p99 of each round ({_in_all(theirs)})",
    )


def _in_all(rounds: list[Delays]) -> str:
    by_place = (
        f"{name} {p99(chain.from_iterable(taken[place] for taken in rounds)) * 1000:.1f}"
        for name, place in _PLACES.items()
    )
    return f"{said(chain(*chain(*rounds)))}; p99 by order of connection: {', '.join(by_place)}"


def _against_same(how: str, taken: Delays, same: list[Delays]) -> Row:
    times = quantile(chain(*taken), 0.5) / quantile(chain(*chain(*same)), 0.5)
    return f"{_NAME}: of another process, {how}", said(chain(*taken)), f"{times:.2f} × the median"
