"""One viewer: a cursor over the log, either catching up or live.

Two rules hold everything together; keep them when you change this file.

1. A viewer goes live only in the same breath (no await) in which its cursor met the feed's head.
   From then on the fan-out writes to it, and nobody else does.
2. A viewer whose connection is full is not live. It has its cursor, and reads on from there, from the
   feed's memory or from the store, when its connection takes something again.

So there is nothing that could overflow, and resuming, being slow and being live are one mechanism. What a viewer
follows changes only while it is not live either.
"""

import asyncio
from collections.abc import Callable

from hub.counts import REPLAYED, SNAPSHOT
from hub.cursor import Cursor
from hub.desk import Connection, Desk, Grant, Wish, with_state
from hub.events import Position
from hub.snapshots import Pages
from hub.wire import Message, message

_RETRY_MS, _RETRY_SPREAD_MS = 1000, 4000
# A connection that ends because it is old is not one of many that end now.
_SOON_MS, _SOON_SPREAD_MS = 100, 400


class Subscriber:
    """A viewer with its cursor. `serve` ends when the viewer is told to go; its caller handles a viewer that goes."""

    # Ten thousand of them are gone through for one event: what is not looked at should not lie in between.
    __slots__ = (
        "__weakref__",
        "_comes_back_soon",
        "_desk",
        "_is_greeted",
        "_signal",
        "_turns",
        "_unsaid",
        "_wants_snapshots",
        "connection",
        "cursor",
        "ending",
        "grant",
        "was_resumed",
    )

    def __init__(self, desk: Desk, connection: Connection, grant: Grant) -> None:
        self.connection = connection
        self.grant = grant
        self.cursor = Cursor(desk)
        # Why it has to go, empty as long as it may stay.
        self.ending = ""
        # Whether it goes on where it was, and has not been told yet that it is there.
        self.was_resumed = False
        self._desk = desk
        self._wants_snapshots = True
        self._is_greeted = False
        self._comes_back_soon = False
        self._unsaid: list[tuple[str, object]] = []
        # Topics that it is to follow instead, each time with the name of the answer.
        self._turns: list[tuple[frozenset[str], str]] = []
        self._signal: asyncio.Future[None] | None = None

    @property
    def turns(self) -> int:
        """How many turns to other topics it has not ended yet."""
        return len(self._turns)

    @property
    def following(self) -> frozenset[str]:
        """All topics that it follows now, or will follow on the way to where it was told to turn."""
        return self.grant.asked.union(*(asked for asked, _ in self._turns))

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
            if self._turns:
                await self._turn(*self._turns[0])
                del self._turns[0]
                continue
            self._signal = asyncio.get_running_loop().create_future()
            join(self)
            await self._signal
        self.say_goodbye()

    def left_behind(self, sequence: int) -> None:
        """Take note that the fan-out no longer serves this viewer, and how far it got."""
        self.cursor.sequence = sequence
        self._wake()

    def turn_to(self, asked: frozenset[str], answer: str) -> None:
        """Follow these topics instead, from where the cursor then stands; the answer says so.

        The state of those that are new is shown first. Who is live has to be recalled for that.
        """
        self._turns.append((asked, answer))

    def end(self, reason: str, *, soon: bool = False) -> None:
        """Make the viewer say goodbye as soon as it can: `drain`, `expired` or `overloaded`.

        `soon` invites it to come back at once, as it is the only one that has to go.
        """
        if not self.ending:
            self.ending, self._comes_back_soon = reason, soon
            self._desk.counts.drop("viewer", reason)
        self._wake()

    def send(self, name: str, value: object) -> None:
        """Write something that is for this viewer alone, after its greeting; it has no id, so the cursor stays."""
        if not self._is_greeted:
            self._unsaid.append((name, value))
        elif not self.ending:
            self._write(message(name, value))

    def send_token(self) -> None:
        """Write a token that stands for what the viewer may see and follows."""
        self.send("token", {"reconnect_token": self._desk.reconnect_token(self.grant)})

    def say_goodbye(self) -> None:
        """Tell the viewer why it has to go; when to come back is spread, so that not all do at once."""
        goodbye = {"reason": self.ending, "reconnect": self.ending != "expired"}
        self._write(message("bye", goodbye, retry_ms=self._retry()))

    async def _greet(self, wish: Wish) -> None:
        self._wants_snapshots = wish.snapshot
        reason = await self._resume(wish)
        if self._must_go():
            return
        self.was_resumed = resumed = wish.position is not None and not reason
        shows = wish.snapshot and not resumed
        if not resumed and not shows:
            self.cursor.move_to_head()
        self._write(self._hello(resumed=resumed, shows=shows))
        self._is_greeted = True
        for name, value in self._unsaid:
            self.send(name, value)
        if reason:
            await self._reset(reason)
        elif shows:
            await self._show()

    async def _resume(self, wish: Wish) -> str:
        if wish.position is None:
            return "epoch_changed" if wish.lost else ""
        return await self.cursor.resume(wish.position, self.grant.topics)

    def _hello(self, *, resumed: bool, shows: bool) -> Message:
        greeting = {
            "heartbeat": self._desk.heartbeat,
            "reconnect_token": self._desk.reconnect_token(self.grant),
            "resumed": resumed,
            "expires_at": self.grant.expiry,
        }
        return message("hello", greeting, position="" if shows else str(self.cursor), retry_ms=self._retry())

    async def _reset(self, reason: str) -> None:
        """Tell the viewer that it lost its place, and begin anew."""
        self._desk.counts.drop("place", reason)
        self.was_resumed = False
        if self._wants_snapshots:
            self._write(message("reset", {"reason": reason}))
            await self._show()
            return
        self.cursor.move_to_head()
        self._write(message("reset", {"reason": reason}, position=str(self.cursor)))

    async def _show(self) -> None:
        """Show the state of everything that is followed, and go on from there."""
        pages = await self._taken(self.grant.topics)
        if not self.cursor.is_current:
            # There the places are other ones.
            self.cursor.move_to(Position(epoch=pages.epoch, sequence=0))
        await self._show_pages(pages)

    async def _show_pages(self, pages: Pages) -> None:
        for frame in pages.framed(self.connection.form):
            await self.connection.drain()
            if self._must_go():
                return
            self.connection.write(frame)
            self._desk.counts.write(SNAPSHOT)
        self.cursor.move_to(pages.position)

    async def _taken(self, topics: frozenset[str]) -> Pages:
        """Return a snapshot of the log that the feed follows, which is not before the cursor."""
        feed = self._desk.feed
        while True:
            seen = self.cursor.sequence if self.cursor.is_current else 0
            pages = await self._desk.snapshots.take(topics, Position(epoch=feed.epoch, sequence=seen))
            if pages.epoch == feed.epoch:
                return pages
            # The log has another name since one of both was read.
            self._desk.snapshots.forget(feed.position)
            await feed.catch_up()

    async def _turn(self, asked: frozenset[str], answer: str) -> None:
        """Follow other topics from where the cursor stands, or, if some are new, from where their state was taken."""
        added = with_state(asked - self.grant.asked) if self._wants_snapshots else frozenset[str]()
        pages = await self._met(added) if added else None
        if self._must_go():
            return
        self.grant = self.grant.asking(asked)
        said = {"topics": sorted(asked), "added": sorted(added)}
        self._write(message(answer, said, position="" if pages else str(self.cursor)))
        if pages:
            await self._show_pages(pages)
        # Last: who is cut off before that comes back with the token of before, to topics that it has the state of.
        self.send_token()

    async def _met(self, added: frozenset[str]) -> Pages | None:
        """Read on to where the state of topics was taken, and return it; None when the viewer has to go."""
        while not self._must_go():
            pages = await self._taken(added)
            await self._catch_up(pages.position)
            # Who lost its place on the way is further by now, or in another log.
            if self.cursor.is_at(pages.position):
                return pages
        return None

    async def _catch_up(self, until: Position | None = None) -> None:
        """Write what matches up to the feed's head, or to a place, no faster than the connection takes it."""
        written, cursor = 0, self.cursor
        while await self._may_go_on() and cursor.sequence < (goal := cursor.goal(until)):
            epoch = cursor.epoch
            events, through = await cursor.next(self.grant.topics, goal)
            # The read took a while, in which a token may have filled the connection.
            if not await self._may_go_on():
                return
            if cursor.epoch != epoch:
                continue
            if events is None:
                cursor.sequence = through
                await self._reset("history_trimmed")
                continue
            if events:
                self.connection.write(self._desk.encoder.joined(events, self.connection.form))
                written += len(events)
                self._desk.counts.write(REPLAYED, len(events))
            cursor.sequence = through
            if min(written, self._desk.feed.head - cursor.sequence) > self._desk.max_lag:
                await self._reset("lagging")
                written = 0

    async def _may_go_on(self) -> bool:
        """Wait until the connection takes something; return whether anything more is for this viewer.

        Whose log has another name by now is told so first.
        """
        await self.connection.drain()
        while not self._must_go() and not self.cursor.is_current:
            await self._reset("epoch_changed")
            await self.connection.drain()
        return not self._must_go()

    def _must_go(self) -> bool:
        """Whether nothing more is for this viewer, also when its permission has ended and nobody has noticed yet."""
        if self.grant.is_over(self._desk.now()):
            self.end("expired")
        return bool(self.ending)

    def _retry(self) -> int:
        first, spread = (_SOON_MS, _SOON_SPREAD_MS) if self._comes_back_soon else (_RETRY_MS, _RETRY_SPREAD_MS)
        return first + int(self._desk.chance() * spread)

    def _write(self, told: Message) -> None:
        self.connection.write(told.framed(self.connection.form))

    def _wake(self) -> None:
        if self._signal and not self._signal.done():
            self._signal.set_result(None)
