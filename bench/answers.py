"""How fast webhooks are answered while a crowd is served, against the same when nobody watches."""

import contextlib
import random
from itertools import chain
from statistics import median

import aiohttp

from bench.contenders import ROOMS, Contender, hub
from bench.costs import alone
from bench.delays import p99, paced, said
from bench.stand import database
from tests.postgres_server import PostgresServer

VIEWERS = 10_000
PER_SECOND = 5.0
WEBHOOKS = 40
ROUNDS = 5


async def measure() -> list[tuple[str, str, str]]:
    """Return the row: milliseconds from a webhook's request to its answer, against without viewers."""
    with database() as postgres, _on(postgres) as watched, _on(postgres) as unwatched:
        served, unserved = await _by_turns(watched, unwatched)
    times = median(p99(some) / p99(others) for some, others in zip(served, unserved, strict=True))
    return [
        (
            f"a webhook's answer, {VIEWERS} viewers served at {PER_SECOND:.0f}/s, PostgreSQL",
            said(chain(*served)),
            f"{times:.2f} × without viewers, by the p99 of each round ({said(chain(*unserved))})",
        )
    ]


def _on(postgres: PostgresServer) -> contextlib.AbstractContextManager[Contender]:
    return hub({"DATABASE_URL": postgres.create()})


async def _by_turns(watched: Contender, unwatched: Contender) -> tuple[list[list[float]], ...]:
    """Measure both in each round, so that what else the machine does hurts both alike."""
    taken: dict[Contender, list[list[float]]] = {watched: [], unwatched: []}
    async with aiohttp.ClientSession() as session, watched.viewed_by(VIEWERS) as viewers:
        for contender in taken:
            await alone(contender, session, ROOMS)
        begun = await viewers.settled()
        for number in range(ROUNDS):
            for contender, rounds in taken.items():
                published = await paced(contender, session, _gaps(number))
                rounds.append([answered - sent for sent, answered in published])
        await viewers.until(begun.messages + ROUNDS * WEBHOOKS * VIEWERS)
    return tuple(taken.values())


def _gaps(seed: int) -> list[float]:
    """Return gaps as chance makes them: some webhooks come while the event before is being written."""
    chance = random.Random(seed)
    return [chance.expovariate(PER_SECOND) for _ in range(WEBHOOKS)]
