"""Asking how far bots are of which nobody tells: quickly until they are in the call, slowly after."""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec
import structlog

from hub.errors import AnswerLate, HubError, NoSuchBot, ProviderProblem, Throttled
from hub.events import Delivery, Fact
from hub.launches.launches import Launches
from hub.launches.words import beside_of
from hub.ports import Document, Query, Store
from hub.reconcile.seen import Translate
from hub.reconcile.telling import status_told, unknown_told
from hub.settings import Source
from hub.state.bot import status_of

QUICK_SECONDS, SLOW_SECONDS = 3.0, 60.0
_QUICK = ("queued", "joining", "waiting")
_SLOW = ("in_call", "recording", "paused", "left", "processing")
# A round comes when it comes: who is due a little later is asked in this one.
_EARLY_SECONDS = 0.5
# What those who are asked slowly have of each round, however many are to be asked quickly.
_SLOW_SHARE = 1 / 3
# Bots that are asked for at a time.
_AT_ONCE = 8
_REMEMBERED = 10_000
# What is not over by then is asked for no more.
_LONGEST_MS = 24 * 3_600_000

log = structlog.get_logger()


def is_polled(document: Document, now: int) -> bool:
    """Whether a bot is one to poll: launched by the hub, lately; others with a key of the hub's may be anybody's."""
    is_launched = bool(document.durable and beside_of(document).order)
    return is_launched and document.status in _QUICK + _SLOW and document.began_at >= now - _LONGEST_MS


class Polling:
    """A chore: asks the provider for every launched bot that is not over. What is answered goes the way of webhooks."""

    name = "polling"

    def __init__(
        self,
        launches: Launches,
        source: Source,
        translate: Translate,
        store: Store,
        now: Callable[[], int],
        *,
        quick_seconds: float = QUICK_SECONDS,
    ) -> None:
        self._launches = launches
        self._source = source
        self._translate = translate
        self._store = store
        self._now = now
        self._quick_seconds = quick_seconds
        # By topic: what was shown and said last, whenever that was, and when (by the loop's clock) to ask again.
        self._told: dict[str, tuple[str, tuple[Fact, ...]]] = {}
        self._due: dict[str, float] = {}
        # Those who are asked slowly and have not had their turn yet, and when all of them have it again.
        self._slow: deque[Document] = deque()
        self._slow_due = 0.0

    async def round(self) -> float:
        """Ask for those that are due; return in how many seconds to look again."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            await self._ask_all(deque(await self._awaited(_QUICK)), SLOW_SECONDS, float("inf"))
            if not self._slow and clock() >= self._slow_due:
                self._slow.extend(await self._awaited(_SLOW))
                self._slow_due = clock() + SLOW_SECONDS - _EARLY_SECONDS
            # They have what is left of the round: however many they are, the others are asked again in time.
            until = max(began + self._quick_seconds, clock() + self._quick_seconds * _SLOW_SHARE)
            await self._ask_all(self._slow, 0.0, until)
        except Throttled as problem:
            log.warning("chore.postponed", chore=self.name, problem=str(problem))
            return max(self._quick_seconds, min(problem.retry_after or 0.0, SLOW_SECONDS))
        finally:
            self._forget()
        return max(0.0, began + self._quick_seconds - clock())

    async def _awaited(self, statuses: tuple[str, ...]) -> list[Document]:
        """Return the launched bots of some statuses that are due."""
        found = [document for status in statuses for document in await self._launched(status)]
        clock = asyncio.get_running_loop().time
        return [document for document in found if self._due.get(document.topic, 0.0) <= clock()]

    async def _ask_all(self, bots: deque[Document], rest: float, until: float) -> None:
        """Ask for bots, and leave those that had no turn; who is not answered for has a rest. Raises Throttled."""
        # One that does not answer keeps the others waiting no longer than it must.
        some = (self._ask_some(bots, rest, until) for _ in range(_AT_ONCE))
        for problem in await asyncio.gather(*some, return_exceptions=True):
            if problem:
                raise problem

    async def _ask_some(self, bots: deque[Document], rest: float, until: float) -> None:
        clock = asyncio.get_running_loop().time
        while bots and clock() < until:
            bot = bots.popleft()
            try:
                answers = await self._ask(bot)
            except HubError:
                bots.append(bot)
                raise
            self._due[bot.topic] = clock() + (self._quick_seconds if answers else rest) - _EARLY_SECONDS

    async def _launched(self, status: str) -> list[Document]:
        now = self._now()
        wanted = Query(
            collection="bots",
            status=status,
            provider=self._launches.dispatcher.provider,
            since=now - _LONGEST_MS,
            limit=1000,
        )
        found = (await self._store.read(wanted)).documents
        return [document for document in found if is_polled(document, now)]

    async def _ask(self, bot: Document) -> bool:
        """Ask for a bot, and keep what is news; return whether the provider speaks of it. Raises Throttled."""
        name = bot.topic.partition("/")[2]
        try:
            words = await self._launches.dispatcher.status(name.partition(":")[2])
        except Throttled:
            raise
        except ProviderProblem as problem:
            log.warning("bot.unheard", bot=name, problem=str(problem))
            if isinstance(problem, NoSuchBot):
                await self._tell(bot, unknown_told(self._source, name, self._now()))
            return not isinstance(problem, NoSuchBot | AnswerLate)
        if delivery := status_told(self._source, name, words, self._translate, self._now()):
            await self._tell(bot, delivery)
        return True

    async def _tell(self, bot: Document, delivery: Delivery) -> None:
        """Keep what is said of a bot unless that is shown, or was said last, whatever time the provider puts on it."""
        # Of something else that is shown since, the same may be news again: a bot that joins a second time.
        said = bot.status, tuple(msgspec.structs.replace(fact, time=0, skewed=False) for fact in delivery.facts)
        if said != self._told.get(bot.topic) and not await self._is_shown(bot, status_of(delivery.facts[0].kind)):
            await self._launches.keep(delivery)
        self._told[bot.topic] = said

    async def _is_shown(self, bot: Document, status: str | None) -> bool:
        if status == bot.status:
            return True
        # It may have been told since the bot was looked up.
        return any(one.status == status for one in (await self._store.document(bot.topic)).documents)

    def _forget(self) -> None:
        if len(self._due) > _REMEMBERED:
            # Of those that are over nobody asks any more.
            self._due.clear()
            self._told.clear()
