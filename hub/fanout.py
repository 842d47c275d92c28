"""From the feed to its viewers: topics to groups, and one write to each member for everything that is due."""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator

import structlog

from hub.events import DELIVERIES, Event, format_time
from hub.notices import Notice
from hub.pace import Pace
from hub.subscriber import Desk, Subscriber
from hub.wire import Form, formed, message

_TICK_SECONDS = 1.0
_EXPIRY_NOTICE_SECONDS = 60
_TOKEN_SECONDS = 24 * 3600
# A commit's answers need at most this many turns of the loop to be on their way.
_TURNS_FOR_ANSWERS = 3
# Of what just arrived: how much may wait to be shown, and how much is written at once.
_NOTICES = 4096
_NOTICES_AT_ONCE = 64

log = structlog.get_logger()


class _Group:
    """Viewers of exactly the same topics: whatever one is due, all are."""

    __slots__ = ("members", "topics")

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        # Each with the sequence up to which it had been served when it came.
        self.members: dict[Subscriber, int] = {}


class Fanout:
    """Writes events to whoever is live. What an event costs depends on who gets it, not on who is connected."""

    def __init__(self, desk: Desk, *, troubles: Callable[[], tuple[str, ...]] = tuple) -> None:
        self._desk = desk
        # What does not work at present: viewers are told, with what they see.
        self._troubles = troubles
        self._told_troubles: tuple[str, ...] = ()
        # Everything up to here has been written to those who are live.
        self._position = desk.feed.head
        self._groups: dict[frozenset[str], _Group] = {}
        self._by_topic: dict[str, dict[_Group, None]] = {}
        self._viewers: dict[Subscriber, None] = {}
        # What a viewer's permission brings, and when (seconds since 1970), in order.
        self._deadlines: dict[Subscriber, list[tuple[float, str]]] = {}
        self._soonest = float("inf")
        self._notices: deque[Notice] = deque(maxlen=_NOTICES)
        self._growth = asyncio.Event()
        self._closing = False
        desk.feed.on_growth = self._growth.set
        desk.feed.on_new_epoch = self._begin_anew
        desk.feed.on_erasure = desk.forget

    @property
    def viewers(self) -> int:
        """How many viewers there are, live or catching up."""
        return len(self._viewers)

    def counts(self) -> dict[str, int]:
        """Return how many viewers each topic has that somebody follows."""
        return dict(Counter(topic for viewer in self._viewers for topic in viewer.grant.topics))

    @contextlib.contextmanager
    def attached(self, viewer: Subscriber) -> Iterator[None]:
        """Count a viewer and watch over its permission for as long as it is connected."""
        self._viewers[viewer] = None
        self._watch(viewer)
        if self._closing:
            viewer.end("drain")
        try:
            yield
        finally:
            del self._viewers[viewer]
            self._deadlines.pop(viewer, None)
            self._leave(viewer)

    def join(self, viewer: Subscriber) -> None:
        """Make a viewer live whose cursor is at the feed's head."""
        if viewer.ending:
            viewer.left_behind(viewer.cursor)
            return
        topics = viewer.grant.topics
        group = self._groups.get(topics)
        if group is None:
            group = self._groups[topics] = _Group(topics)
            for topic in topics:
                self._by_topic.setdefault(topic, {})[group] = None
        group.members[viewer] = viewer.cursor

    def announce(self, notices: Iterable[Notice]) -> None:
        """Show what just arrived to who follows `deliveries` now; when nobody does, not one of them is made."""
        if DELIVERIES in self._by_topic:
            self._notices.extend(notices)
            self._growth.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        beat_at = self._next_beat()
        while True:
            timeout = max(0.0, min(_TICK_SECONDS, beat_at - time.monotonic()))
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with what it waits for.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._growth.wait()
            self._growth.clear()
            for _ in range(_TURNS_FOR_ANSWERS):
                await asyncio.sleep(0)
            await self._keep_deadlines(Pace())
            await self._deliver()
            await self._show_notices()
            if time.monotonic() >= beat_at or self._troubles() != self._told_troubles:
                await self._beat()
                beat_at = self._next_beat()

    async def drain(self, seconds: float) -> None:
        """Tell all viewers to go, spread over a time, and whoever comes from now on at once."""
        self._closing = True
        viewers = list(self._viewers)
        steps = max(1, min(len(viewers), round(seconds * 10)))
        for step in range(steps):
            for viewer in viewers[step::steps]:
                viewer.end("drain")
                self._leave(viewer)
            await asyncio.sleep(seconds / steps if step + 1 < steps else 0)

    async def _deliver(self) -> None:
        start, head = self._position, self._desk.feed.head
        if head <= start:
            return
        events = self._desk.feed.since(start)
        self._position = head
        if events is None:
            # So much at once that memory does not hold it: everybody reads on from the store.
            self._leave_all_behind(start)
            return
        pace, epoch = Pace(), self._desk.feed.epoch
        due_to = await self._due(events, pace)
        if self._desk.feed.epoch != epoch:
            # The groups of now are of another log; those of before have no members any more.
            return
        for group, due in due_to.items():
            await self._deliver_group(group, due, start, head, pace)

    async def _due(self, events: Iterable[Event], pace: Pace) -> dict[_Group, list[Event]]:
        due: dict[_Group, list[Event]] = {}
        for event in events:
            for topic in (*event.topics, "*"):
                for group in self._by_topic.get(topic, ()):
                    pending = due.setdefault(group, [])
                    if not pending or pending[-1] is not event:
                        pending.append(event)
            await pace.rest()
        return due

    async def _deliver_group(self, group: _Group, due: list[Event], start: int, head: int, pace: Pace) -> None:
        joined: dict[Form, bytes] = {}
        for viewer in tuple(group.members):
            served = group.members.get(viewer)
            if served is None:
                continue
            form = viewer.connection.form
            if served > start:
                frames = self._unserved(due, served, form)
            else:
                frames = joined.get(form) or joined.setdefault(form, self._desk.encoder.joined(due, form))
            if frames:
                self._write(viewer, frames, max(head, served))
            await pace.rest()

    async def _show_notices(self) -> None:
        """Write what just arrived to whoever is live; who is left behind by that misses the rest of it."""
        pace = Pace()
        while self._notices:
            some = [self._notices.popleft() for _ in range(min(_NOTICES_AT_ONCE, len(self._notices)))]
            block = b"".join(notice.block() for notice in some)
            frames = {form: formed(form, block) for form in Form}
            for group in tuple(self._by_topic.get(DELIVERIES, ())):
                for viewer in tuple(group.members):
                    # Who came meanwhile may be further already; ids never go back.
                    if (served := group.members.get(viewer)) is not None:
                        self._write(viewer, frames[viewer.connection.form], max(self._position, served))
                    await pace.rest()

    def _unserved(self, due: list[Event], served: int, form: Form) -> bytes:
        """Return what a viewer that came in the middle has not got yet."""
        rest = [event for event in due if event.sequence > served]
        return self._desk.encoder.joined(rest, form) if rest else b""

    def _write(self, viewer: Subscriber, frames: bytes, cursor: int) -> None:
        viewer.connection.write(frames)
        if viewer.connection.is_behind():
            self._leave(viewer)
            viewer.left_behind(cursor)

    async def _beat(self) -> None:
        """Tell everybody who is live that they are, and move their cursors."""
        position = self._position
        self._told_troubles = self._troubles()
        value = {
            "time": format_time(self._desk.now()),
            "head": str(self._desk.feed.position),
            "degraded": bool(self._told_troubles),
            "reasons": list(self._told_troubles),
        }
        block = message("heartbeat", value, position=f"{self._desk.feed.epoch}.{position}")
        frames = {form: formed(form, block) for form in Form}
        pace = Pace()
        for group in tuple(self._groups.values()):
            for viewer, served in tuple(group.members.items()):
                # Who came meanwhile may be further already; ids never go back.
                if viewer in group.members and served <= position:
                    self._write(viewer, frames[viewer.connection.form], position)
                await pace.rest()

    def _leave(self, viewer: Subscriber) -> None:
        group = self._groups.get(viewer.grant.topics)
        if group is None or group.members.pop(viewer, None) is None or group.members:
            return
        del self._groups[group.topics]
        for topic in group.topics:
            del self._by_topic[topic][group]
            if not self._by_topic[topic]:
                del self._by_topic[topic]

    def _begin_anew(self) -> None:
        """Leave everybody behind: what follows is of another log, and each is told so before it."""
        self._desk.encoder.begin_anew(self._desk.feed.epoch)
        self._desk.snapshots.forget(self._desk.feed.position)
        self._position = self._desk.feed.head
        self._leave_all_behind(0)

    def _leave_all_behind(self, start: int) -> None:
        for group in tuple(self._groups.values()):
            for viewer, served in tuple(group.members.items()):
                self._leave(viewer)
                viewer.left_behind(max(start, served))

    def _watch(self, viewer: Subscriber) -> None:
        """Note what is ahead of a viewer: a new reconnect token, a warning, the end of its permission."""
        now = self._desk.now() / 1000
        expires_at = viewer.grant.expires_at
        # An API key does not end, but the reconnect token that was made from it does.
        schedule = [(now + (_TOKEN_SECONDS if expires_at is None else expires_at - now) / 2, "token")]
        if expires_at is not None:
            schedule += [(max(now, expires_at - _EXPIRY_NOTICE_SECONDS), "auth.expiring"), (expires_at, "expired")]
        self._schedule(viewer, sorted(schedule))

    def _schedule(self, viewer: Subscriber, schedule: list[tuple[float, str]]) -> None:
        self._deadlines[viewer] = schedule
        self._soonest = min(self._soonest, schedule[0][0])

    async def _keep_deadlines(self, pace: Pace) -> None:
        now = self._desk.now() / 1000
        if now < self._soonest:
            return
        self._soonest = float("inf")
        for viewer, schedule in tuple(self._deadlines.items()):
            if viewer not in self._deadlines:
                continue
            if schedule[0][0] <= now:
                self._meet_deadlines(viewer, schedule, now)
                await pace.rest()
            else:
                self._soonest = min(self._soonest, schedule[0][0])

    def _meet_deadlines(self, viewer: Subscriber, schedule: list[tuple[float, str]], now: float) -> None:
        del self._deadlines[viewer]
        expires_at = viewer.grant.expires_at
        # First of all: a process that was stopped for an hour must not serve everybody once more.
        if expires_at is not None and now >= expires_at:
            viewer.end("expired")
            self._leave(viewer)
            return
        for _, what in (due for due in schedule if due[0] <= now):
            if what == "token":
                viewer.send("token", {"reconnect_token": self._desk.reconnect_token(viewer.grant)})
            else:
                viewer.send("auth.expiring", {"expires_at": format_time((expires_at or 0) * 1000)})
        group = self._groups.get(viewer.grant.topics)
        if group and viewer in group.members and viewer.connection.is_behind():
            # What was written to it alone filled its connection.
            cursor = max(self._position, group.members[viewer])
            self._leave(viewer)
            viewer.left_behind(cursor)
        ahead = [due for due in schedule if due[0] > now]
        if ahead:
            self._schedule(viewer, ahead)
        else:
            self._watch(viewer)

    def _next_beat(self) -> float:
        # Downwards, so that the promised interval is never exceeded.
        return time.monotonic() + self._desk.heartbeat * (1 - 0.1 * self._desk.chance())
