"""Asking how far bots are of which nobody tells: quickly until they are in the call, slowly after."""

import asyncio
from collections.abc import Callable, Iterator

import structlog

from hub.errors import AnswerLate, NoSuchBot, ProviderProblem, Throttled
from hub.launches.launches import Launches
from hub.launches.words import beside_of
from hub.ports import Document, Query, Store
from hub.reconcile.seen import Translate, Words
from hub.reconcile.telling import status_told
from hub.settings import Source

QUICK_SECONDS, SLOW_SECONDS = 3.0, 60.0
_QUICK = ("queued", "joining", "waiting")
_SLOW = ("in_call", "recording", "paused", "left", "processing")
# A round comes when it comes: who is due a little later is asked in this one.
_EARLY_SECONDS = 0.5
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
        self, launches: Launches, source: Source, translate: Translate, store: Store, now: Callable[[], int]
    ) -> None:
        self._launches = launches
        self._source = source
        self._translate = translate
        self._store = store
        self._now = now
        # By bot: what was told last, and when (seconds of the loop's clock) to ask again.
        self._told: dict[str, Words] = {}
        self._due: dict[str, float] = {}
        self._slow_due = 0.0

    async def round(self) -> float:
        """Ask for those that are due; return in how many seconds to look again."""
        now = asyncio.get_running_loop().time()
        try:
            await self._ask_all(_QUICK, QUICK_SECONDS)
            if now >= self._slow_due:
                await self._ask_all(_SLOW, SLOW_SECONDS)
                self._slow_due = now + SLOW_SECONDS - _EARLY_SECONDS
        except Throttled as problem:
            log.warning("chore.postponed", chore=self.name, problem=str(problem))
            return max(QUICK_SECONDS, min(problem.retry_after or 0.0, SLOW_SECONDS))
        return QUICK_SECONDS

    async def _ask_all(self, statuses: tuple[str, ...], pause: float) -> None:
        clock = asyncio.get_running_loop().time
        for status in statuses:
            bots = (document.topic.partition("/")[2] for document in await self._launched(status))
            due = iter([bot for bot in bots if self._due.get(bot, 0.0) <= clock()])
            # One that does not answer keeps the others waiting no longer than it must.
            some = (self._ask_some(due, pause) for _ in range(_AT_ONCE))
            for problem in await asyncio.gather(*some, return_exceptions=True):
                if problem:
                    raise problem
            if len(self._due) > _REMEMBERED:
                # Of those that are over nobody asks any more.
                self._due.clear()
                self._told.clear()

    async def _ask_some(self, bots: Iterator[str], pause: float) -> None:
        """Ask for bots that nobody else of this round asks for, as long as there are any. Raises Throttled."""
        clock = asyncio.get_running_loop().time
        for bot in bots:
            answers = await self._ask(bot)
            self._due[bot] = clock() + (pause if answers else SLOW_SECONDS) - _EARLY_SECONDS

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

    async def _ask(self, bot: str) -> bool:
        """Ask for a bot, and keep what is news; return whether the provider speaks of it. Raises Throttled."""
        try:
            words = await self._launches.dispatcher.status(bot.partition(":")[2])
        except Throttled:
            raise
        except ProviderProblem as problem:
            log.warning("bot.unheard", bot=bot, problem=str(problem))
            return not isinstance(problem, NoSuchBot | AnswerLate)
        if self._told.get(bot) != words:
            if delivery := status_told(self._source, bot, words, self._translate, self._now()):
                await self._launches.keep(delivery)
            self._told[bot] = words
        return True
