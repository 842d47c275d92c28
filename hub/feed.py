"""Following the log: its in-memory tail, contiguous by construction."""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Iterable, Sequence

import structlog

from hub.errors import StorageUnavailable
from hub.events import Event, Position
from hub.ports import Announcement, Bus, Committed, Store

# Events shall be told within a second also when nobody is told of them, and a look takes a while.
POLL_SECONDS = 0.9
# What another process committed earlier may be told a little later.
HOLD_SECONDS = 0.02
_TAIL_BYTES = 64 * 1024 * 1024
# Of what was told too early: so many events wait for those before them, the others are read when their turn comes.
_EARLY = 1024
_PAGE = 1000
_EVERYTHING = frozenset({"*"})
# An event that takes away what earlier ones said: whoever kept these lets go of them.
_ERASURE = re.compile(rb'"type":"(?:bot|room|schedule)\.erased"')

log = structlog.get_logger()


class Feed:
    """The newest events of the log, as this process has seen them.

    Because the log has no gaps, an event that is not the next one means that others are missing; they are waited for a
    moment and then read from the store. Nobody has to be told of anything for that: the store's head is also looked at
    once a second.

    A log that ends before what was already seen of it has lost something, and what follows would be told in places that
    were taken: it gets a new name, and so does the feed.
    """

    def __init__(
        self,
        store: Store,
        start: Position,
        bus: Bus,
        make_epoch: Callable[[], str],
        *,
        limit: int = 10_000,
        poll: float = POLL_SECONDS,
    ) -> None:
        self.epoch = start.epoch
        self.head = start.sequence
        # Why the store could not be looked at last, empty while it can.
        self.problem = ""
        # Everything up to here was gone from the log when it was last looked at.
        self.floor = 0
        # Called, without arguments, when there are new events, when the log has another name, and when some of what was
        # said before is to be forgotten.
        self.on_growth: Callable[[], None] = lambda: None
        self.on_new_epoch: Callable[[], None] = lambda: None
        self.on_erasure: Callable[[], None] = lambda: None
        self._store = store
        self._bus = bus
        self._make_epoch = make_epoch
        self._limit = limit
        self._poll = poll
        self._tail: list[Event] = []
        self._bytes = 0
        # Told before what comes before it, by sequence.
        self._early: dict[int, Event] = {}
        # The highest sequence that anybody said is in the log.
        self._told = start.sequence
        # Where the log ended when the store was last looked at, and when that was, by the clock of `time.monotonic`.
        self._stored = start.sequence
        self.looked_at = time.monotonic()
        # The log may have lost what was in it; it may have another name.
        self._is_doubtful = self._is_strange = False
        self._gap = asyncio.Event()
        self._looking = asyncio.Lock()
        # How often looking at the store was begun, which of these looks ended last, and what it failed with.
        self._begun = self._ended = 0
        self._failure: StorageUnavailable | None = None
        bus.follow(start.epoch)

    @property
    def position(self) -> Position:
        """Everything up to here has been seen by this process."""
        return Position(epoch=self.epoch, sequence=self.head)

    @property
    def log_head(self) -> int:
        """How far the log goes, as far as this process was told or has seen in the store."""
        return max(self.head, self._told, self._stored)

    def confirm(self, committed: Committed, known: Position) -> None:
        """Publish what this process committed; `known` is what it had seen before.

        A commit in places that were taken before it began means that the log has lost what was there.
        """
        if not committed.events:
            return
        if committed.epoch != self.epoch:
            self._is_strange = True
            self._gap.set()
            return
        if known.epoch == self.epoch and committed.events[0].sequence <= known.sequence:
            self._is_doubtful = True
            self._gap.set()
            return
        self.publish(committed.events)

    def publish(self, events: Sequence[Event]) -> None:
        """Add events that are in the log, and tell the others of them; a gap is filled from the store."""
        if events:
            self._bus.publish(events)
            self._take(events)

    def hear(self, announcement: Announcement) -> None:
        """Take note of what another process committed."""
        if announcement.epoch != self.epoch or announcement.last <= self.head:
            return
        self._told = max(self._told, announcement.last)
        self._take(announcement.events)

    def since(self, after: int, limit: int | None = None) -> list[Event] | None:
        """Return the events after a sequence, at most `limit`; None when the tail does not reach back that far."""
        start = len(self._tail) - max(0, self.head - after)
        if start < 0:
            return None
        return self._tail[start:] if limit is None else self._tail[start : start + limit]

    async def run(self) -> None:
        """Look at the store once a second, and when something is missing, until cancelled."""
        while True:
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with what it waits for.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll):
                    await self._gap.wait()
                    await asyncio.sleep(HOLD_SECONDS)
            if self._gap.is_set() and not self._is_missing():
                # It came after all.
                self._gap.clear()
                continue
            self._gap.clear()
            await self._look()

    async def catch_up(self) -> None:
        """Read what the store has and this process has not seen. Raises StorageUnavailable.

        Whoever asks while others wait for the store as well gets by with their look, if it begins after the question.
        """
        asked = self._begun
        async with self._looking:
            if self._ended <= asked:
                self._begun += 1
                self._failure = None
                try:
                    await self._read_on()
                except StorageUnavailable as failure:
                    self._failure = failure
                self._ended = self._begun
        if self._failure:
            raise StorageUnavailable(str(self._failure)) from self._failure

    async def _read_on(self) -> None:
        while True:
            # What is in the log now will be in it later.
            epoch, known, is_doubtful = self.epoch, max(self.head, self._told), self._is_doubtful
            self._is_strange = False
            page = await self._store.page(_EVERYTHING, self.head, _PAGE)
            if page.epoch != epoch:
                self._begin_anew(Position(epoch=page.epoch, sequence=page.head))
                return
            if page.head < known or is_doubtful:
                log.error("log.lost", epoch=epoch, seen=known, head=page.head)
                await self._store.new_epoch(self._make_epoch(), instead_of=epoch)
                continue
            self.floor, self._stored = page.floor, page.head
            if page.floor > self.head:
                self._skip_to(page.floor)
            self._take(page.events)
            if len(page.events) < _PAGE:
                self.looked_at = time.monotonic()
                return

    async def _look(self) -> None:
        try:
            await self.catch_up()
        except StorageUnavailable as problem:
            if not self.problem:
                log.warning("feed.behind", problem=str(problem))
            self.problem = str(problem)
            # The next look is in a second, however much is missing.
            await asyncio.sleep(self._poll)
        else:
            self.problem = ""

    def _is_missing(self) -> bool:
        return self.head < self._told or self._is_doubtful or self._is_strange

    def _take(self, events: Iterable[Event]) -> None:
        """Append what comes next, keep what comes later, skip what is known."""
        following: list[Event] = []
        for event in events:
            self._told = max(self._told, event.sequence)
            if event.sequence == self.head + len(following) + 1:
                following.append(event)
            elif event.sequence > self.head and len(self._early) < _EARLY:
                self._early[event.sequence] = event
        while (place := self.head + len(following) + 1) in self._early:
            following.append(self._early.pop(place))
        if following:
            self._append(following)
        if self._is_missing():
            self._gap.set()
        if following:
            self.on_growth()

    def _append(self, events: Sequence[Event]) -> None:
        erasures = [place for place, event in enumerate(events) if _ERASURE.search(event.body)]
        self.head = events[-1].sequence
        if erasures:
            # Whoever is behind reads the store, where the events before have lost their content; some of these may have
            # come together with what takes it away.
            self._tail, self._bytes = [], 0
            events = events[erasures[-1] :]
            self.on_erasure()
        self._tail += events
        if self._early:
            self._early = {sequence: event for sequence, event in self._early.items() if sequence > self.head}
        self._bytes += sum(len(event.body) for event in events)
        # Cut seldom and much: a slice of a list costs its length.
        if len(self._tail) > 2 * self._limit or self._bytes > 2 * _TAIL_BYTES:
            self._cut()

    def _begin_anew(self, position: Position) -> None:
        """Follow a log of another name, from its head on."""
        log.warning("log.renamed", before=str(self.position), now=str(position))
        self._tail, self._bytes, self._early = [], 0, {}
        self.epoch, self.head, self._told = position.epoch, position.sequence, position.sequence
        self._stored, self.looked_at = position.sequence, time.monotonic()
        self._is_doubtful, self._is_strange, self.floor = False, False, 0
        self._bus.follow(position.epoch)
        self.on_new_epoch()

    def _skip_to(self, floor: int) -> None:
        """Go on where the log now begins: what was in between is gone, and viewers who need it are told."""
        self._tail, self._bytes, self.head = [], 0, floor
        self._early = {sequence: event for sequence, event in self._early.items() if sequence > floor}
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
