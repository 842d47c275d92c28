"""A place in the log, and what comes next there: from the feed's memory, or, further back, from the store."""

from hub.desk import Desk
from hub.events import Event, Position

_PAGE_EVENTS = 256


class Cursor:
    """How far somebody has read. All methods that ask the store raise StorageUnavailable."""

    __slots__ = ("_desk", "epoch", "sequence")

    def __init__(self, desk: Desk) -> None:
        # Everything that matches up to here has been read.
        self.sequence = 0
        # The name of the log that this is in.
        self.epoch = desk.feed.epoch
        self._desk = desk

    def __str__(self) -> str:
        return f"{self.epoch}.{self.sequence}"

    @property
    def is_current(self) -> bool:
        """Whether the log still has the name that it had."""
        return self.epoch == self._desk.feed.epoch

    def is_at(self, position: Position) -> bool:
        """Whether this is exactly there."""
        return (self.epoch, self.sequence) == (position.epoch, position.sequence)

    def move_to(self, position: Position) -> None:
        """Go on from another place."""
        self.epoch, self.sequence = position.epoch, position.sequence

    def move_to_head(self) -> None:
        """Go on with what happens from now on; never back in the same log."""
        feed = self._desk.feed
        self.sequence = max(self.sequence, feed.head) if self.is_current else feed.head
        self.epoch = feed.epoch

    def goal(self, until: Position | None) -> int:
        """Return how far there is to read: to the feed's head, or to a place, if it is in this log."""
        if until is None:
            return self._desk.feed.head
        return until.sequence if until.epoch == self.epoch else self.sequence

    async def resume(self, position: Position, topics: frozenset[str]) -> str:
        """Go to where somebody was; return why that cannot be (as `reset` says it), empty when it can."""
        feed = self._desk.feed
        if position.epoch != feed.epoch:
            # It may come from a process that knows already that the log has another name.
            await feed.catch_up()
        self.epoch = feed.epoch
        if position.epoch != feed.epoch:
            return "epoch_changed"
        self.sequence = position.sequence
        if feed.floor <= position.sequence <= feed.head and feed.since(position.sequence, 0) is not None:
            return ""
        page = await self._desk.store.page(topics, position.sequence, 1)
        if position.sequence > max(page.head, feed.head):
            self.sequence = 0
            return "epoch_changed"
        if position.sequence < page.floor and position.sequence != page.head:
            self.sequence = page.floor
            return "history_trimmed"
        return ""

    async def next(self, topics: frozenset[str], goal: int) -> tuple[list[Event] | None, int]:
        """Return some events up to a goal that match, and how far they reach.

        They are None when what comes next is no longer there.
        """
        recent = self._desk.feed.since(self.sequence, _PAGE_EVENTS)
        if recent:
            through = min(recent[-1].sequence, goal)
            return [event for event in recent if event.sequence <= goal and _matches(event, topics)], through
        page = await self._desk.store.page(topics, self.sequence, _PAGE_EVENTS)
        if page.epoch != self.epoch or page.head < goal:
            # These are events of another log, or of one that has lost some: the feed has to know first.
            await self._desk.feed.catch_up()
            return [], self.sequence
        if self.sequence < page.floor:
            return None, page.floor
        return [event for event in page.events if event.sequence <= goal], min(page.through, goal)


def _matches(event: Event, topics: frozenset[str]) -> bool:
    return "*" in topics or not topics.isdisjoint(event.topics)
