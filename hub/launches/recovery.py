"""Launches whose process died before the answer was kept: found again, or shown as unknown, and never sent twice."""

from collections.abc import Callable

import structlog

from hub.errors import ProviderProblem
from hub.launches import words
from hub.launches.launches import Launches
from hub.launches.words import Asked, asked_of
from hub.ports import Document, Query, Store

# Longer than a launch takes at most: by then nobody is at it any more.
GRACE_MS = 120_000
_ROUND_SECONDS = 15.0
_TRIES = 3

log = structlog.get_logger()


class Recovery:
    """A chore: looks for what became of launches that nobody is at."""

    name = "launches"

    def __init__(self, launches: Launches, store: Store, now: Callable[[], int], grace_ms: int = GRACE_MS) -> None:
        self._launches = launches
        self._store = store
        self._now = now
        self._grace_ms = grace_ms
        self._tried: dict[str, int] = {}

    async def round(self) -> float:
        """Settle what can be settled; return in how many seconds to look again."""
        wanted = Query(collection="bots", status="requested", provider=self._launches.dispatcher.provider, limit=1000)
        abandoned = [one for one in (await self._store.read(wanted)).documents if self._is_abandoned(one)]
        for document in abandoned:
            await self._settle(asked_of(document))
        left = {asked_of(document).launch_id for document in abandoned}
        self._tried = {launch: times for launch, times in self._tried.items() if launch in left}
        return _ROUND_SECONDS

    def _is_abandoned(self, document: Document) -> bool:
        launch_id = document.topic.partition(":")[2]
        return not self._launches.running(launch_id) and self._now() - document.active_at >= self._grace_ms

    async def _settle(self, asked: Asked) -> None:
        try:
            bot = await self._launches.find(asked)
        except ProviderProblem as problem:
            # As long as it does not answer there is nothing to know.
            log.warning("launch.unfound", launch=asked.launch_id, problem=str(problem))
            return
        if bot:
            log.info("launch.found", launch=asked.launch_id, bot=bot)
            await self._launches.keep(words.answered(asked, bot, self._now()))
            return
        tries = self._tried[asked.launch_id] = self._tried.get(asked.launch_id, 0) + 1
        if tries >= _TRIES or not self._launches.dispatcher.finds_launches:
            log.warning("launch.unknown", launch=asked.launch_id)
            await self._launches.keep(words.lost(asked, self._now()))
