"""Following the log: its in-memory tail, contiguous by construction."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import structlog

from hub.errors import StorageUnavailable
from hub.events import Event, Position
from hub.ports import Store

POLL_SECONDS = 1.0
_TAIL_BYTES = 64 * 1024 * 1024
_PAGE = 1000
_EVERYTHING = frozenset({"*"})

log = structlog.get_logger()


class Feed:
    """The newest events of the log, as this process has seen them.

    Because the log has no gaps, an event that is not the next one means that others are missing;
    they are then read from the store. Nobody has to be told for that: the store's head is also looked
    at once a second.
    """

    def __init__(self, store: Store, start: Position, *, limit: int = 10_000, poll: float = POLL_SECONDS) -> None:
        self.epoch = start.epoch
        self.head = start.sequence
        # Called, without arguments, when there are new events.
        self.on_growth: Callable[[], None] = lambda: None
        self._store = store
        self._limit = limit
        self._poll = poll
        self._tail: list[Event] = []
        self._bytes = 0
        self._gap = asyncio.Event()

    @property
    def position(self) -> Position:
        """Everything up to here has been seen by this process."""
        return Position(epoch=self.epoch, sequence=self.head)

    def publish(self, events: Sequence[Event]) -> None:
        """Add events that were committed; what is already known is skipped, a gap is filled from the store."""
        unknown = [event for event in events if event.sequence > self.head]
        following = [event for place, event in enumerate(unknown, self.head + 1) if event.sequence == place]
        if len(following) < len(unknown):
            self._gap.set()
        if following:
            self._append(following)
            self.on_growth()

    def since(self, after: int, limit: int | None = None) -> list[Event] | None:
        """Return the events after a sequence, at most `limit`; None when the tail does not reach back that far."""
        start = len(self._tail) - max(0, self.head - after)
        if start < 0:
            return None
        return self._tail[start:] if limit is None else self._tail[start : start + limit]

    def forget(self) -> None:
        """Keep nothing in memory: whoever is behind reads the store, where events may have lost their content."""
        self._tail, self._bytes = [], 0

    async def run(self) -> None:
        """Look at the store once a second, and at once when something is missing, until cancelled."""
        while True:
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with what it waits for.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll):
                    await self._gap.wait()
            self._gap.clear()
            try:
                await self.catch_up()
            except StorageUnavailable as problem:
                log.warning("feed.behind", problem=str(problem))

    async def catch_up(self) -> None:
        """Read what the store has and this process has not seen."""
        while True:
            page = await self._store.page(_EVERYTHING, self.head, _PAGE)
            if page.floor > self.head:
                self._skip_to(page.floor)
            self.publish(page.events)
            if len(page.events) < _PAGE:
                return

    def _append(self, events: Sequence[Event]) -> None:
        self._tail += events
        self.head = events[-1].sequence
        self._bytes += sum(len(event.body) for event in events)
        # Cut seldom and much: a slice of a list costs its length.
        if len(self._tail) > 2 * self._limit or self._bytes > 2 * _TAIL_BYTES:
            self._cut()

    def _skip_to(self, floor: int) -> None:
        """Go on where the log now begins: what was in between is gone, and viewers who need it are told."""
        self._tail, self._bytes, self.head = [], 0, floor
        self.on_growth()

    def _cut(self) -> None:
        kept: list[Event] = []
        size = 0
        for event in reversed(self._tail[-self._limit :]):
            size += len(event.body)
            if size > _TAIL_BYTES:
                break
            kept.append(event)
        self._tail = kept[::-1]
        self._bytes = sum(len(event.body) for event in self._tail)
