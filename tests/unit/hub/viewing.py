"""Viewers without a network: a clock that a test moves, connections that a test stalls, and a hub around them."""

import asyncio
import contextlib
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TypeVar

from hub.desk import Desk, Grant, Wish
from hub.errors import Gone, StorageUnavailable
from hub.events import Position
from hub.fanout import Fanout
from hub.feed import Feed
from hub.ports import Bus, Store
from hub.present import Clockwork
from hub.snapshots import Snapshots
from hub.stores import make_epoch
from hub.subscriber import Subscriber
from hub.wire import Encoder, Form
from storage.local import LocalBus
from tests.unit.hub.browser import Block, read
from tests.waiting import PATIENCE

Answer = TypeVar("Answer")

NOON = 1_773_144_000_000
# Longer than any test lasts.
NEVER = 1_000_000.0


async def turns(number: int = 30) -> None:
    """Let the loop turn so many times."""
    for _ in range(number):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 -- turns of this very loop are what is waited for
            await asyncio.sleep(0)


def in_no_time(scene: Callable[[], Coroutine[None, None, Answer]]) -> Answer:
    """Run a scene in a loop whose clock jumps to whatever is next, so that hours of waiting last milliseconds."""
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        return runner.run(scene())


class _JumpingSelector(selectors.DefaultSelector):
    """Lets time pass instead of waiting."""

    elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.elapsed += timeout or 0.0
        return super().select(0)


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.elapsed


async def stopped(task: asyncio.Task[None]) -> None:
    """Cancel a task until it is over, and raise what it failed with."""
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)
    if not task.cancelled():
        task.result()


class LoopClock:
    """Milliseconds since 1970, as the loop has waited."""

    def __call__(self) -> int:
        """Return the time."""
        return NOON + round(asyncio.get_running_loop().time() * 1000)


class Clock:
    """Milliseconds since 1970, as a test says."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Go on."""
        self.now += round(seconds * 1000)


class Link:
    """A connection: what is written is read at once, or, while the peer is stalled, piles up beyond some room."""

    def __init__(self, form: Form = Form.SSE_PLAIN, *, room: int = 0) -> None:
        self.form = form
        # Every object that was written, and those of them that came when the link was behind already.
        self.pieces: list[bytes] = []
        self.piled: list[bytes] = []
        self.is_closed = False
        # Called at each write, before the bytes are there.
        self.on_write: Callable[[], None] = lambda: None
        self._room = room
        self._unread = 0
        self._is_stalled = False
        self._changed = asyncio.Event()

    def write(self, data: bytes, /) -> bool:
        """Take bytes; a closed connection forgets them."""
        if self.is_closed:
            return self.is_behind()
        self.on_write()
        if self.is_behind():
            self.piled.append(data)
        self.pieces.append(data)
        if self._is_stalled:
            self._unread += len(data)
        return self.is_behind()

    def is_behind(self) -> bool:
        """Whether more is unread than there is room for."""
        return self._unread > self._room

    async def drain(self) -> None:
        """Wait until it was read."""
        while self.is_behind() and not self.is_closed:
            self._changed.clear()
            await self._changed.wait()
        if self.is_closed:
            raise Gone("the connection is closed")

    def stall(self) -> None:
        """Let the peer read nothing any more."""
        self._is_stalled = True

    def take(self, *, again: bool = True) -> None:
        """Let the peer read everything there is, and, if `again`, whatever comes."""
        self._is_stalled = not again
        self._unread = 0
        self._changed.set()

    def close(self) -> int:
        """Break the connection; return how many bytes the peer has read."""
        self.is_closed = True
        self._changed.set()
        return sum(map(len, self.pieces)) - self._unread

    def abort(self) -> None:
        """Be cut off by the hub."""
        self.close()

    @property
    def blocks(self) -> list[Block]:
        """Everything that was written, as a browser reads it."""
        return read(b"".join(self.pieces), self.form).blocks

    @property
    def names(self) -> list[str]:
        """What it was, in words: names of events, and the sequence where there is no name."""
        return [block.name or str(block.id).rpartition(".")[2] for block in self.blocks]


class Hub:
    """A feed, its viewers and what they share, on a store."""

    def __init__(
        self,
        store: Store,
        start: Position,
        clock: Callable[[], int],
        *,
        heartbeat: float = NEVER,
        max_lag: int = 1_000_000,
        max_age: float = NEVER,
        page_size: int = 2,
        tail: int = 1000,
        bus: Bus | None = None,
        troubles: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self.clock = clock
        bus = bus or LocalBus()
        self.feed = Feed(store, start, bus, make_epoch, limit=tail, poll=NEVER)
        self.snapshots = Snapshots(store, bus, Clockwork(), clock, recent=3600, page_size=page_size)
        self.desk = Desk(
            store=store,
            feed=self.feed,
            encoder=Encoder(start.epoch),
            snapshots=self.snapshots,
            heartbeat=heartbeat,
            max_lag=max_lag,
            max_age=max_age,
            now=clock,
            chance=lambda: 0.5,
            reconnect_token=lambda grant: f"{'+'.join(sorted(grant.asked))} at {clock()}",
        )
        self.fanout = Fanout(self.desk, troubles=troubles)
        self._tasks: list[asyncio.Task[None]] = []
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Follow the log and serve."""
        self._start(self.feed.run())
        self._start(self.fanout.run())

    async def stop(self) -> None:
        """End everything at once, viewers too."""
        for task in self._tasks:
            await stopped(task)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Hub"]:
        """Run for the length of the block; then everybody is gone."""
        self.start()
        try:
            yield self
        finally:
            await self.stop()

    def connect(self, link: Link, grant: Grant, wish: Wish) -> tuple[Subscriber, asyncio.Task[None]]:
        """Serve a viewer as a handler does."""
        viewer = Subscriber(self.desk, link, grant)
        return viewer, self._start(self._serve(viewer, wish))

    def forget(self) -> None:
        """Let go of what is over."""
        self._tasks = [task for task in self._tasks if not task.done()]

    def look(self) -> None:
        """Let the feed look at the store now, as it does every second."""
        if self._looking is None or self._looking.done():
            self._looking = self._start(self._look())

    def tick(self) -> None:
        """Let the fan-out look at the clock now instead of within a second."""
        self.feed.on_growth()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task

    async def _look(self) -> None:
        with contextlib.suppress(StorageUnavailable):
            await self.feed.catch_up()

    async def _serve(self, viewer: Subscriber, wish: Wish) -> None:
        self.fanout.attach(viewer)
        try:
            await viewer.serve(wish, self.fanout.join)
        except Gone:
            return
        except StorageUnavailable:
            viewer.end("overloaded")
            viewer.say_goodbye()
        finally:
            self.fanout.detach(viewer)
