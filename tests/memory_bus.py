"""A bus in memory behind the port `Bus`: the air between processes, in which a test lets what is told get lost."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from hub.events import Event
from hub.ports import Announcement

Hear = Callable[[Announcement], None]


class Air:
    """What joins the processes. Everything told arrives in the next turn, unless a test holds it and decides itself."""

    def __init__(self, *, carries_bodies: bool = True) -> None:
        # What is under way, each with who is to hear it.
        self.under_way: list[tuple[MemoryBus, Announcement]] = []
        self.snapshots: dict[tuple[str, frozenset[str]], bytes] = {}
        self.counts: dict[MemoryBus, Mapping[str, int]] = {}
        self.buses: list[MemoryBus] = []
        # Why nothing can be told, empty while it can.
        self.problem = ""
        # The highest number that was told of each log.
        self.last: dict[str, int] = {}
        self._carries_bodies = carries_bodies
        self._is_held = False

    def bus(self) -> "MemoryBus":
        """Return the bus of one more process."""
        self.buses.append(MemoryBus(self))
        return self.buses[-1]

    def hold(self) -> None:
        """Let nothing arrive by itself any more."""
        self._is_held = True

    def release(self) -> None:
        """Let everything arrive that is under way, and whatever is told."""
        self._is_held = False
        while self.under_way:
            self.arrive()

    def arrive(self, place: int = 0, *, again: bool = False) -> None:
        """Let one of those under way arrive, out of its turn if the test says so; `again` leaves a copy under way."""
        if self.under_way:
            place %= len(self.under_way)
            bus, announcement = self.under_way[place] if again else self.under_way.pop(place)
            bus.be_told(announcement)

    def lose(self, place: int = 0) -> None:
        """Let one of those under way never arrive."""
        if self.under_way:
            self.under_way.pop(place % len(self.under_way))

    def tell(self, announcement: Announcement, *, but: "MemoryBus | None" = None) -> None:
        """Send something to everybody who works."""
        if self.problem:
            return
        self.last[announcement.epoch] = max(self.last.get(announcement.epoch, 0), announcement.last)
        told = announcement if self._carries_bodies else _numbers(announcement.epoch, announcement.last)
        for bus in self.buses:
            if bus is not but:
                self.send(bus, told)

    def send(self, bus: "MemoryBus", announcement: Announcement) -> None:
        """Send something to one."""
        self.under_way.append((bus, announcement))
        if not self._is_held:
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        if not self._is_held:
            self.arrive()


class MemoryBus:
    """Implements `hub.ports.Bus` for one process."""

    def __init__(self, air: Air) -> None:
        self.epoch = ""
        # Every log that was followed, in order.
        self.followed: list[str] = []
        self._air = air
        self._hear: Hear | None = None

    @property
    def problem(self) -> str:
        """Why it cannot be used at present."""
        return self._air.problem

    def follow(self, epoch: str) -> None:
        """Speak and hear of the log of this name from now on."""
        self.followed.append(epoch)
        if epoch != self.epoch:
            self.epoch = epoch
            self._begin()

    def publish(self, events: Sequence[Event]) -> None:
        """Tell the others of events."""
        if events:
            first, last = events[0].sequence, events[-1].sequence
            told = Announcement(epoch=self.epoch, first=first, last=last, events=tuple(events))
            self._air.tell(told, but=self)

    async def run(self, hear: Hear) -> None:
        """Hand over what others tell, until cancelled."""
        self._hear = hear
        try:
            self._begin()
            await asyncio.Event().wait()
        finally:
            self._hear = None

    def listen(self, hear: Hear) -> None:
        """Hear from now on: what `run` does, for tests without a task."""
        self._hear = hear

    def be_told(self, announcement: Announcement) -> None:
        """Hear something, if it is of the log that is followed."""
        if self._hear and announcement.epoch == self.epoch:
            self._hear(announcement)

    async def shared(self, topics: frozenset[str]) -> bytes | None:
        """Return what some process shared of these topics; a test says when it is too old."""
        await asyncio.sleep(0)
        return None if self.problem else self._air.snapshots.get((self.epoch, topics))

    def share(self, topics: frozenset[str], snapshot: bytes) -> None:
        """Let all processes have an encoded snapshot."""
        if not self.problem:
            self._air.snapshots[self.epoch, topics] = snapshot

    def count(self, viewers: Mapping[str, int]) -> None:
        """Say how many viewers each topic has here."""
        self._air.counts[self] = dict(viewers)

    async def viewers(self, topic: str) -> int:
        """Return how many viewers a topic has at all processes."""
        return 0 if self.problem else sum((Counter(one) for one in self._air.counts.values()), Counter())[topic]

    async def close(self) -> None:
        """Be no part of it any more."""
        self._air.buses.remove(self)

    def _begin(self) -> None:
        last = self._air.last.get(self.epoch)
        if self._hear and last is not None and not self.problem:
            self._air.send(self, _numbers(self.epoch, last))


def _numbers(epoch: str, last: int) -> Announcement:
    return Announcement(epoch=epoch, first=last, last=last)
