"""Bots of which nothing was heard for long: their provider is asked, and what it answers is told."""

from collections.abc import Callable
from typing import NamedTuple

import orjson

from hub.errors import AccountRefused, NoSuchBot, ProviderProblem, SetupRefused, Throttled, Unanswered, Unreachable
from hub.events import Delivery, parse_time
from hub.ingest import Ingest
from hub.ports import Document, Store
from hub.ports.dispatch import Dispatcher
from hub.reconcile.seen import Looked, Translate
from hub.reconcile.telling import status_told, unknown_told
from hub.settings import Source
from hub.state.bot import status_of

SILENT_MS = 10 * 60 * 1000
# Bots that are asked about in one round; the others have their turn in the next.
_AT_ONCE = 200
# What goes wrong with one bot goes wrong with all; whatever else goes wrong so often in a round does as well.
_OF_ALL = (SetupRefused, AccountRefused, Throttled, Unreachable)
_PROBLEMS = 10

# (a bot's document, now) -> whether somebody else asks about it
IsAskedFor = Callable[[Document, int], bool]


class _Bot(NamedTuple):
    """A bot as far as it matters whether to ask about it: since when it is at a status, and which launch it was."""

    id: str
    status: str
    since: int
    launch_id: str

    @property
    def can_be_asked_about(self) -> bool:
        """Whether the provider gave it an id; one that only the hub knows is called as its launch is."""
        return self.id != self.launch_id


class SilentBots:
    """Asks about bots that are not over, and of which nothing was heard for ten minutes."""

    def __init__(
        self,
        source: Source,
        dispatcher: Dispatcher,
        translate: Translate,
        store: Store,
        ingest: Ingest,
        now: Callable[[], int],
        is_asked_for: IsAskedFor,
    ) -> None:
        self._source = source
        self._dispatcher = dispatcher
        self._translate = translate
        self._store = store
        self._ingest = ingest
        self._now = now
        self._is_asked_for = is_asked_for
        self._asked: dict[str, int] = {}

    async def look(self) -> Looked:
        """Ask about every bot that is silent. Raises Unanswered, and StorageUnavailable."""
        problems: list[str] = []
        for bot in await self._silent():
            delivery = None
            try:
                delivery = await self._told(bot.id)
            except _OF_ALL as problem:
                raise Unanswered(f"{self._source.provider}: {problem}") from problem
            except ProviderProblem as problem:
                problems.append(f"{self._source.provider}: {problem}")
            # Whoever was asked for is not asked for again at once, also if it was in vain, or another one's turn fails.
            self._asked[bot.id] = self._now()
            if delivery and status_of(delivery.facts[0].kind) != bot.status:
                await self._ingest.submit(delivery)
            if len(problems) == _PROBLEMS:
                break
        return Looked(tuple(dict.fromkeys(problems)))

    async def _silent(self) -> list[_Bot]:
        """Return the bots that are silent, who was not asked about for longest first."""
        now = self._now()
        # Nothing ends in the future: what is not over.
        snapshot = await self._store.snapshot(frozenset({"bots"}), now + SILENT_MS)
        bots = [
            _held(row)
            for row in snapshot.documents
            if row.provider == self._source.provider and not row.over and not self._is_asked_for(row, now)
        ]
        known = {bot.id for bot in bots}
        self._asked = {bot_id: asked for bot_id, asked in self._asked.items() if bot_id in known}
        silent = [bot for bot in bots if bot.can_be_asked_about and now - self._heard_or_asked(bot) > SILENT_MS]
        return sorted(silent, key=lambda bot: (self._asked.get(bot.id, 0), bot.id))[:_AT_ONCE]

    def _heard_or_asked(self, bot: _Bot) -> int:
        return max(bot.since, self._asked.get(bot.id, 0))

    async def _told(self, bot: str) -> Delivery | None:
        """Return what is to be told of a bot, if anything is. Raises ProviderProblem."""
        name = f"{self._source.provider}:{bot}"
        try:
            words = await self._dispatcher.status(bot)
        except NoSuchBot:
            return unknown_told(self._source, name, self._now())
        return status_told(self._source, name, words, self._translate, self._now())


def _held(row: Document) -> _Bot:
    shown = orjson.loads(row.body)
    since = parse_time(shown["status_since"] or shown["created_at"] or "") or 0
    return _Bot(shown["id"].partition(":")[2], shown["status"], since, shown["launch_id"] or "")
