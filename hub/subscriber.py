"""One viewer: a cursor over the log, either catching up or live.

Two rules hold everything together; keep them when you change this file.

1. A viewer goes live only in the same breath (no await) in which its cursor met the feed's head.
   From then on the fan-out writes to it, and nobody else does.
2. A viewer whose connection is full is not live. It has its cursor, and reads on from there, from the
   feed's memory or from the store, when its connection takes something again.

So there is nothing that could overflow, and resuming, being slow and being live are one mechanism.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec

from hub.errors import HubError
from hub.events import Event, Position, format_time
from hub.feed import Feed
from hub.ports import Store
from hub.snapshots import Pages, Snapshots
from hub.wire import Encoder, Form, formed, message

_PAGE_EVENTS = 256
_RETRY_MS = 1000
_RETRY_SPREAD_MS = 4000


class Gone(HubError):
    """The connection took nothing for too long, or is closed."""


class Connection(Protocol):
    """What a transport offers."""

    form: Form

    def write(self, data: bytes, /) -> None:
        """Hand over bytes; never waits."""
        ...

    def is_behind(self) -> bool:
        """Whether more has been written than the peer takes."""
        ...

    async def drain(self) -> None:
        """Wait until the peer has taken what was written; raises Gone when it does not, or has left."""
        ...


class Grant(msgspec.Struct, frozen=True):
    """What a viewer may see, until when (seconds since 1970, None: no end)."""

    topics: frozenset[str]
    expires_at: int | None = None


class Wish(msgspec.Struct, frozen=True):
    """How a viewer wants to begin: where it was, and whether it wants to be shown the state."""

    position: Position | None = None
    # It was somewhere, though it cannot be told where: it must be told that it lost its place.
    lost: bool = False
    snapshot: bool = True


class Desk(msgspec.Struct, frozen=True):
    """What all viewers share."""

    store: Store
    feed: Feed
    encoder: Encoder
    snapshots: Snapshots
    heartbeat: float
    max_lag: int
    # Milliseconds since 1970.
    now: Callable[[], int]
    # A number between 0 and 1.
    chance: Callable[[], float]
    reconnect_token: Callable[[Grant], str]

    def forget(self) -> None:
        """Keep nothing that was encoded: it may say what has been erased."""
        self.encoder.forget()
        self.snapshots.forget(self.feed.position)


class Subscriber:
    """A viewer with its cursor. `serve` ends when the viewer is told to go; its caller handles a viewer that goes."""

    def __init__(self, desk: Desk, connection: Connection, grant: Grant) -> None:
        self.connection = connection
        self.grant = grant
        # Everything that matches up to here has been written.
        self.cursor = 0
        self.ending = ""
        # The name of the log that the cursor is in.
        self._epoch = desk.feed.epoch
        self._desk = desk
        self._wants_snapshots = True
        self._is_greeted = False
        self._unsaid: list[tuple[str, object]] = []
        self._signal: asyncio.Future[None] | None = None

    async def serve(self, wish: Wish, join: Callable[["Subscriber"], None]) -> None:
        """Greet the viewer, then keep it up to date; `join` makes it live.

        Raises Gone when the connection takes nothing any more, and StorageUnavailable.
        """
        if not self.ending:
            await self._greet(wish)
        while not self.ending:
            await self._catch_up()
            if self.ending:
                break
            self._signal = asyncio.get_running_loop().create_future()
            join(self)
            await self._signal
        self.say_goodbye()

    def left_behind(self, cursor: int) -> None:
        """Take note that the fan-out no longer serves this viewer, and how far it got."""
        self.cursor = cursor
        self._wake()

    def end(self, reason: str) -> None:
        """Make the viewer say goodbye as soon as it can: `drain`, `expired` or `overloaded`."""
        self.ending = self.ending or reason
        self._wake()

    def send(self, name: str, value: object) -> None:
        """Write something that is for this viewer alone, after its greeting; it has no id, so the cursor stays."""
        if not self._is_greeted:
            self._unsaid.append((name, value))
        elif not self.ending:
            self._write(message(name, value))

    async def _greet(self, wish: Wish) -> None:
        self._wants_snapshots = wish.snapshot
        reason = await self._resume(wish)
        if self._must_go():
            return
        resumed = wish.position is not None and not reason
        shows = wish.snapshot and not resumed
        if not resumed and not shows:
            self._begin_at_head()
        self._write(self._hello(resumed=resumed, shows=shows))
        self._is_greeted = True
        for name, value in self._unsaid:
            self.send(name, value)
        if reason:
            await self._reset(reason)
        elif shows:
            await self._show()

    async def _resume(self, wish: Wish) -> str:
        """Set the cursor where the viewer was; return why that cannot be, empty when it can."""
        position, feed = wish.position, self._desk.feed
        if position is None:
            return "epoch_changed" if wish.lost else ""
        if position.epoch != feed.epoch:
            # It may come from a process that knows already that the log has another name.
            await feed.catch_up()
        self._epoch = feed.epoch
        if position.epoch != feed.epoch:
            return "epoch_changed"
        self.cursor = position.sequence
        if feed.floor <= position.sequence <= feed.head and feed.since(position.sequence, 0) is not None:
            return ""
        page = await self._desk.store.page(self.grant.topics, position.sequence, 1)
        if position.sequence > max(page.head, feed.head):
            self.cursor = 0
            return "epoch_changed"
        if position.sequence < page.floor and position.sequence != page.head:
            self.cursor = page.floor
            return "history_trimmed"
        return ""

    def _begin_at_head(self) -> None:
        is_same_log = self._epoch == self._desk.feed.epoch
        self._epoch = self._desk.feed.epoch
        self.cursor = max(self.cursor, self._desk.feed.head) if is_same_log else self._desk.feed.head

    def _hello(self, *, resumed: bool, shows: bool) -> bytes:
        greeting = {
            "heartbeat": self._desk.heartbeat,
            "reconnect_token": self._desk.reconnect_token(self.grant),
            "resumed": resumed,
            "expires_at": format_time(None if self.grant.expires_at is None else self.grant.expires_at * 1000),
        }
        return message("hello", greeting, position="" if shows else self._position(), retry_ms=self._retry())

    async def _reset(self, reason: str) -> None:
        """Tell the viewer that it lost its place, and begin anew."""
        if self._wants_snapshots:
            self._write(message("reset", {"reason": reason}))
            await self._show()
            return
        self._begin_at_head()
        self._write(message("reset", {"reason": reason}, position=self._position()))

    async def _show(self) -> None:
        pages = await self._taken()
        for frame in pages.framed(self.connection.form):
            await self.connection.drain()
            if self._must_go():
                return
            self.connection.write(frame)
        self.cursor = pages.sequence

    async def _taken(self) -> Pages:
        """Return a snapshot of the log that the feed follows, and go over to that log."""
        feed = self._desk.feed
        while True:
            seen = self.cursor if self._epoch == feed.epoch else 0
            at_least = Position(epoch=feed.epoch, sequence=seen)
            pages = await self._desk.snapshots.take(self.grant.topics, at_least)
            if pages.epoch == feed.epoch:
                self._epoch = pages.epoch
                return pages
            # The log has another name since one of both was read.
            self._desk.snapshots.forget(feed.position)
            await feed.catch_up()

    async def _catch_up(self) -> None:
        """Write what matches up to the feed's head, no faster than the connection takes it."""
        written = 0
        while await self._may_go_on() and self.cursor < self._desk.feed.head:
            epoch = self._epoch
            events, through = await self._next_events()
            # The read took a while, in which a token may have filled the connection.
            if not await self._may_go_on():
                return
            if self._epoch != epoch:
                continue
            if events is None:
                self.cursor = through
                await self._reset("history_trimmed")
                continue
            if events:
                self.connection.write(self._desk.encoder.joined(events, self.connection.form))
                written += len(events)
            self.cursor = through
            if min(written, self._desk.feed.head - self.cursor) > self._desk.max_lag:
                await self._reset("lagging")
                written = 0

    async def _may_go_on(self) -> bool:
        """Wait until the connection takes something; return whether anything more is for this viewer.

        Whose log has another name by now is told so first.
        """
        await self.connection.drain()
        while not self._must_go() and self._epoch != self._desk.feed.epoch:
            await self._reset("epoch_changed")
            await self.connection.drain()
        return not self._must_go()

    async def _next_events(self) -> tuple[list[Event] | None, int]:
        """Return some events that match and how far they reach; None when what comes next is no longer there."""
        recent = self._desk.feed.since(self.cursor, _PAGE_EVENTS)
        if recent is not None:
            return [event for event in recent if self._matches(event)], recent[-1].sequence
        page = await self._desk.store.page(self.grant.topics, self.cursor, _PAGE_EVENTS)
        if page.epoch != self._epoch:
            # These are events of another log: the feed has to know first.
            await self._desk.feed.catch_up()
            return [], self.cursor
        if self.cursor < page.floor:
            return None, page.floor
        return list(page.events), page.through

    def _must_go(self) -> bool:
        """Whether nothing more is for this viewer, also when its permission has ended and nobody has noticed yet."""
        expires_at = self.grant.expires_at
        if expires_at is not None and self._desk.now() >= expires_at * 1000:
            self.end("expired")
        return bool(self.ending)

    def _matches(self, event: Event) -> bool:
        return "*" in self.grant.topics or not self.grant.topics.isdisjoint(event.topics)

    def say_goodbye(self) -> None:
        """Tell the viewer why it has to go; when to come back is spread, so that not all do at once."""
        goodbye = {"reason": self.ending, "reconnect": self.ending != "expired"}
        self._write(message("bye", goodbye, retry_ms=self._retry()))

    def _retry(self) -> int:
        return _RETRY_MS + int(self._desk.chance() * _RETRY_SPREAD_MS)

    def _position(self) -> str:
        return f"{self._epoch}.{self.cursor}"

    def _write(self, block: bytes) -> None:
        self.connection.write(formed(self.connection.form, block))

    def _wake(self) -> None:
        if self._signal and not self._signal.done():
            self._signal.set_result(None)
