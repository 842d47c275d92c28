"""Webhooks that a provider could not deliver and keeps: it is asked to send them again, each period of time once."""

from collections.abc import Callable
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

    def __init__(self, provider: Redeliverer, store: Store, now: Callable[[], int]) -> None:
        self._provider = provider
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
        """Return when the hub took something last: before that it was there."""
        arrivals = await self._store.arrivals(ArrivalQuery(verdict="accepted", limit=1))
        received = [one.received_at for one in arrivals.items]
        return min([until - _LEAST_MS, *(time - _SETTLED_MS for time in received)])
