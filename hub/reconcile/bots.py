"""Bots of which nothing was heard for long: their provider is asked, and what it answers is told."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import orjson

from hub.errors import Unusable
from hub.events import Delivery, Fact, Kind, NoteDetail, parse_time
from hub.ingest import Ingest
from hub.ports import Document, Store
from hub.reconcile.seen import Looked, Translate, Words
from hub.reconcile.telling import told
from hub.settings import Source
from hub.state.bot import status_of

SILENT_MS = 10 * 60 * 1000
# Bots that are asked about in one round; the others have their turn in the next.
_AT_ONCE = 200
# Between two requests: providers ask for no more than five to twenty a second.
_PACE_SECONDS = 0.1


class Statuses(Protocol):
    """A provider that can be asked how far a bot is."""

    async def status(self, bot_id: str) -> Words | None:
        """Return what a webhook would say by now, nothing (`{}`) when there is no news, None for an unknown bot.

        Raises Unanswered.
        """
        ...


class SilentBots:
    """Asks about bots that are not over, and of which nothing was heard for ten minutes."""

    def __init__(
        self,
        source: Source,
        statuses: Statuses,
        translate: Translate,
        store: Store,
        ingest: Ingest,
        now: Callable[[], int],
        *,
        pace: float = _PACE_SECONDS,
    ) -> None:
        self._source = source
        self._statuses = statuses
        self._translate = translate
        self._store = store
        self._ingest = ingest
        self._now = now
        self._pace = pace
        self._asked: dict[str, int] = {}

    async def look(self) -> Looked:
        """Ask about every bot that is silent. Raises Unanswered, and StorageUnavailable."""
        for bot, status in await self._silent():
            answer = await self._statuses.status(bot)
            # Whoever was answered for is not asked for again at once, also if another one's turn fails.
            self._asked[bot] = self._now()
            for delivery in self._told(bot, status, answer):
                await self._ingest.submit(delivery)
            await asyncio.sleep(self._pace)
        return Looked()

    async def _silent(self) -> list[tuple[str, str]]:
        """Return ids and statuses of bots that are silent, who was not asked about for longest first."""
        now = self._now()
        # Nothing ends in the future: what is not over.
        snapshot = await self._store.snapshot(frozenset({"bots"}), now + SILENT_MS)
        bots = [_held(row) for row in snapshot.documents if row.provider == self._source.provider and not row.over]
        known = {bot for bot, _, _, _ in bots}
        self._asked = {bot: asked for bot, asked in self._asked.items() if bot in known}
        silent = [
            (self._asked.get(bot, 0), bot, status)
            for bot, status, since, launch in bots
            # One that only the hub knows has no id yet to be asked about by.
            if bot != launch and now - max(since, self._asked.get(bot, 0)) > SILENT_MS
        ]
        return [(bot, status) for _, bot, status in sorted(silent)[:_AT_ONCE]]

    def _told(self, bot: str, status: str, answer: Words | None) -> list[Delivery]:
        now, provider = self._now(), self._source.provider
        if answer is None:
            return [told("bot.unknown", self._source.scope, {"bot_id": bot, "answer": 404}, (self._unknown(bot),), now)]
        try:
            facts = self._translate(self._source, answer, now) if answer else ()
        except Unusable:
            return []
        is_of_it = all(fact.bot == f"{provider}:{bot}" for fact in facts)
        if not facts or not is_of_it or status_of(facts[0].kind) == status:
            return []
        return [told("bot.status", self._source.scope, answer, facts, now)]

    def _unknown(self, bot: str) -> Fact:
        """Say that nobody knows the bot: a note, since that is no proof that it is gone."""
        words = "the provider does not know this bot (404); what was told of it last stays"
        return Fact(
            kind=Kind.PROVIDER_EVENT,
            time=self._now(),
            bot=f"{self._source.provider}:{bot}",
            detail=NoteDetail(said=(("event", "bot.unknown"), ("meaning", words))),
            observed=True,
        )


def _held(row: Document) -> tuple[str, str, int, str]:
    """Return id, status, since when, and the id it was launched with, of a bot."""
    shown = orjson.loads(row.body)
    since = parse_time(shown["status_since"] or shown["created_at"] or "") or 0
    return shown["id"].partition(":")[2], shown["status"], since, shown["launch_id"] or ""
