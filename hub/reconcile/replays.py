"""Webhooks that a provider could not deliver and keeps: it is asked to send them again, each period of time once."""

from collections.abc import Callable, Sequence
from typing import Protocol

import orjson
import structlog

from hub.errors import Unanswered
from hub.events import REPLAYS, Delivery, format_time
from hub.ingest import Ingest
from hub.ports import ArrivalQuery, Store
from hub.reconcile.seen import Looked

# What was sent last may still be tried again by the provider itself.
_SETTLED_MS = 60_000
# What is looked back at least when nobody knows until when was asked for, and at most.
_LEAST_MS = 60 * 60 * 1000
_MOST_MS = 13 * 24 * 60 * 60 * 1000
# How often it is kept that nothing failed: a process that begins asks for as much once more.
_KEPT_EVERY_MS = 60 * 60 * 1000

log = structlog.get_logger()


class Redeliverer(Protocol):
    """A provider that keeps what it could not deliver."""

    async def has_failed(self, since: int, until: int) -> bool:
        """Return whether any delivery failed between two times (ms). Raises Unanswered."""
        ...

    async def replay(self, since: int, until: int) -> None:
        """Have what failed between two times sent again. Raises Unanswered."""
        ...


class Replays:
    """Has sent again what failed since it was last asked for, by whichever process."""

    def __init__(
        self, provider: Redeliverer, sources: Sequence[str], store: Store, ingest: Ingest, now: Callable[[], int]
    ) -> None:
        self._provider = provider
        # By which the provider's webhooks come.
        self._sources = tuple(sources)
        self._store = store
        self._ingest = ingest
        self._now = now
        self._began = now()
        # Until when was asked for, and until when the store says so.
        self._until = self._kept = 0

    async def look(self) -> Looked:
        """Ask for what failed since the last time. Raises StorageUnavailable."""
        now = self._now()
        until = now - _SETTLED_MS
        # Another process may have asked while this one did not.
        asked = max(self._until, await self._asked_until())
        since = max(asked or await self._last_arrival(until), until - _MOST_MS)
        if until <= since:
            return Looked()
        try:
            has_failed = await self._provider.has_failed(since, until)
            if has_failed:
                log.info("reconcile.replay", since=since, until=until)
                await self._provider.replay(since, until)
        except Unanswered as refusal:
            return Looked((f"replay of failed webhooks: {refusal}",))
        # Each period once: what fails again, and again, must not be asked for for ever.
        self._until = until
        if has_failed or until - self._kept >= _KEPT_EVERY_MS:
            await self._ingest.submit(_asked(since, until, now, is_replayed=has_failed))
            self._kept = until
        return Looked()

    async def _asked_until(self) -> int:
        """Return until when a process asked last, as far as the store knows; 0 when none ever did."""
        known = (await self._store.arrivals(ArrivalQuery(source=REPLAYS, limit=1))).items
        self._kept = known[0].received_at - _SETTLED_MS if known else 0
        return self._kept

    async def _last_arrival(self, until: int) -> int:
        """Return when the hub took something last before this process began: then it was there."""
        queries = [
            ArrivalQuery(source=source, verdict="accepted", until=self._began, limit=1) for source in self._sources
        ]
        arrivals = [await self._store.arrivals(query) for query in queries]
        received = [one.received_at for some in arrivals for one in some.items]
        return min(until - _LEAST_MS, max(received, default=until) - _SETTLED_MS)


def _asked(since: int, until: int, now: int, *, is_replayed: bool) -> Delivery:
    """Say until when was asked for, to the processes that come later; when it was received says that."""
    body = orjson.dumps({"since": format_time(since), "until": format_time(until), "replayed": is_replayed})
    return Delivery(
        source=REPLAYS, scope=REPLAYS, key=f"asked:{until}", received_at=now, body=body, provider_type="webhooks.asked"
    )
