"""Asking how far bots are of which nobody tells: quickly until they are in the call, slowly after."""

import asyncio
from collections.abc import Callable

import structlog

from hub.errors import NoSuchBot, ProviderProblem, Throttled
from hub.events import Delivery, Fact
from hub.launches.launches import Launches
from hub.launches.words import beside_of
from hub.ports import Document, Query, Store
from hub.ports.dispatch import Told

# What is found out by asking, not told by a webhook.
RECONCILE = "reconcile"
QUICK_SECONDS, SLOW_SECONDS = 3.0, 60.0
_QUICK = ("queued", "joining", "waiting")
_SLOW = ("in_call", "recording", "paused", "left", "processing")
# A round comes when it comes: who is due a little later is asked in this one.
_EARLY_SECONDS = 0.5
_REMEMBERED = 10_000
# What is not over by then is asked for no more.
_LONGEST_MS = 24 * 3_600_000

# (bot as the provider calls it, its status, since when, now) -> what that states
Observe = Callable[[str, str, str, int], tuple[Fact, ...]]

log = structlog.get_logger()


class Polling:
    """A chore: asks the provider for every launched bot that is not over. What is answered goes the way of webhooks."""

    name = "polling"

    def __init__(self, launches: Launches, store: Store, observe: Observe, now: Callable[[], int]) -> None:
        self._launches = launches
        self._store = store
        self._observe = observe
        self._now = now
        # By bot: what was told last, and when (seconds of the loop's clock) to ask again.
        self._told: dict[str, tuple[str, str]] = {}
        self._due: dict[str, float] = {}
        self._slow_due = 0.0

    async def round(self) -> float:
        """Ask for those that are due; return in how many seconds to look again."""
        now = asyncio.get_running_loop().time()
        await self._ask_all(_QUICK, QUICK_SECONDS)
        if now >= self._slow_due:
            await self._ask_all(_SLOW, SLOW_SECONDS)
            self._slow_due = now + SLOW_SECONDS - _EARLY_SECONDS
        return QUICK_SECONDS

    async def _ask_all(self, statuses: tuple[str, ...], pause: float) -> None:
        clock = asyncio.get_running_loop().time
        for status in statuses:
            for document in await self._launched(status):
                bot = document.topic.partition("/")[2]
                if self._due.get(bot, 0.0) <= clock():
                    is_known = await self._ask(bot)
                    self._due[bot] = clock() + (pause if is_known else SLOW_SECONDS) - _EARLY_SECONDS
                if len(self._due) > _REMEMBERED:
                    # Of those that are over nobody asks any more.
                    self._due.clear()
                    self._told.clear()

    async def _launched(self, status: str) -> list[Document]:
        """Return the bots of a status that the hub launched lately; others with a key of the hub's may be anybody's."""
        wanted = Query(
            collection="bots",
            status=status,
            provider=self._launches.dispatcher.provider,
            since=self._now() - _LONGEST_MS,
            limit=1000,
        )
        found = (await self._store.read(wanted)).documents
        return [document for document in found if document.durable and beside_of(document).order]

    async def _ask(self, bot: str) -> bool:
        """Ask for a bot, and keep what is news; return whether the provider knows it. Raises Throttled."""
        identity = bot.partition(":")[2]
        try:
            told = await self._launches.dispatcher.status(identity)
        except Throttled:
            raise
        except ProviderProblem as problem:
            log.warning("bot.unheard", bot=bot, problem=str(problem))
            return not isinstance(problem, NoSuchBot)
        said = (told.status, told.updated_at)
        if self._told.get(bot) != said:
            await self._launches.keep(self._delivery(bot, identity, told))
            self._told[bot] = said
        return True

    def _delivery(self, bot: str, identity: str, told: Told) -> Delivery:
        now = self._now()
        return Delivery(
            source=RECONCILE,
            scope=f"{RECONCILE}/{bot.partition(':')[0]}",
            key=f"status:{identity}:{told.status}:{told.updated_at}",
            # Without a time of its own, the same status may be told again later, after another.
            window_ms=None if told.updated_at else 60_000,
            received_at=now,
            body=told.body,
            provider_type="status",
            facts=self._observe(identity, told.status, told.updated_at, now),
        )
