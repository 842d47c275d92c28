"""Webhooks that a provider could not deliver and keeps: it is asked to send them again, each period of time once."""

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from hub.errors import Unanswered
from hub.ports import ArrivalQuery, Store
from hub.reconcile.seen import Looked

# What was sent last may still be tried again by the provider itself.
_SETTLED_MS = 60_000
# What is looked back at least when this process begins, and at most.
_LEAST_MS = 60 * 60 * 1000
_MOST_MS = 13 * 24 * 60 * 60 * 1000

log = structlog.get_logger()


class Redeliverer(Protocol):
    """A provider that keeps what it could not deliver."""

    async def failed(self, since: int, until: int) -> int:
        """Return whether deliveries failed between two times. Raises Unanswered."""
        ...

    async def replay(self, since: int, until: int) -> None:
        """Have what failed between two times sent again. Raises Unanswered."""
        ...


class Replays:
    """Has sent again what failed since the hub was last known to take webhooks."""

    def __init__(self, provider: Redeliverer, sources: Sequence[str], store: Store, now: Callable[[], int]) -> None:
        self._provider = provider
        # By which the provider's webhooks come.
        self._sources = tuple(sources)
        self._store = store
        self._now = now
        self._until = 0

    async def look(self) -> Looked:
        """Ask for what failed since the last time. Raises StorageUnavailable."""
        until = self._now() - _SETTLED_MS
        since = max(self._until or await self._last_arrival(until), until - _MOST_MS)
        if until <= since:
            return Looked()
        try:
            failed = await self._provider.failed(since, until)
            if failed:
                log.info("reconcile.replay", since=since, until=until)
                await self._provider.replay(since, until)
        except Unanswered as refusal:
            return Looked((f"replay of failed webhooks: {refusal}",))
        # Each period once: what fails again, and again, must not be asked for for ever.
        self._until = until
        return Looked()

    async def _last_arrival(self, until: int) -> int:
        """Return when the hub took something of the provider last: before that it was there."""
        queries = [ArrivalQuery(source=source, verdict="accepted", limit=1) for source in self._sources]
        arrivals = [await self._store.arrivals(query) for query in queries]
        received = [one.received_at for some in arrivals for one in some.items]
        return min(until - _LEAST_MS, max(received, default=until) - _SETTLED_MS)
