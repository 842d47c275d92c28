"""When providers are asked: at start, after webhooks were refused, and from time to time."""

from collections.abc import Awaitable, Callable

import structlog

from hub.errors import Unanswered
from hub.ingest import Ingest
from hub.reconcile.seen import Looked

# How soon it is noticed that webhooks were refused and are taken again.
_TICK_SECONDS = 5.0
# Rounds are up to so much longer or shorter, by chance, so that many hubs do not ask at once.
_JITTER = 0.2

Look = Callable[[], Awaitable[Looked]]

log = structlog.get_logger()


def one_after_the_other(*looks: Look) -> Look:
    """Return a look that does several, whatever becomes of those before."""

    async def all_of_them() -> Looked:
        looked = [await _guarded(look) for look in looks]
        problems = tuple(problem for one in looked for problem in one.problems)
        return Looked(problems, any(one.is_unsettled for one in looked))

    return all_of_them


class Rounds:
    """The chore of asking one provider."""

    def __init__(
        self,
        name: str,
        look: Look,
        ingest: Ingest,
        chance: Callable[[], float],
        clock: Callable[[], float],
        *,
        period: float,
        again_after: float,
    ) -> None:
        self.name = name
        self._look = look
        self._ingest = ingest
        self._chance = chance
        self._clock = clock
        self._period = period
        # When something is missing, or nobody answered.
        self._again_after = min(period, again_after)
        # At once when this process begins to do the chores.
        self._due = self._asked = clock()
        self._refused = 0
        self._problems: frozenset[str] = frozenset()

    async def round(self) -> float:
        """Ask if it is time to; return in how many seconds to see again whether it is."""
        refused = self._ingest.refused
        is_over = refused != self._refused and not self._ingest.problem
        # However often webhooks are refused, providers are asked no more often than when something is missing.
        due = min(self._due, self._asked + self._again_after) if is_over else self._due
        if self._clock() < due:
            return min(_TICK_SECONDS, due - self._clock())
        self._asked = self._clock()
        looked = await self._looked()
        # What was refused while this was going on is asked for in the next round.
        self._refused = refused
        pause = self._again_after if looked.is_unsettled else self._period
        pause *= 1 + _JITTER * (2 * self._chance() - 1)
        self._due = self._clock() + pause
        return min(_TICK_SECONDS, pause)

    async def _looked(self) -> Looked:
        looked = await _guarded(self._look)
        problems = frozenset(looked.problems)
        # Once for each thing that is wrong, not in every round.
        for problem in sorted(problems - self._problems):
            log.warning("reconcile.unanswered", chore=self.name, problem=problem)
        if self._problems and not problems:
            log.info("reconcile.answered", chore=self.name)
        self._problems = problems
        return looked


async def _guarded(look: Look) -> Looked:
    try:
        return await look()
    except Unanswered as refusal:
        return Looked((str(refusal),), is_unsettled=True)
