"""From the feed to its viewers: one write to each live one for everything that is due to it."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from hub.audience import Audience, Group
from hub.broadcast import Told, broadcast, same_for_all, told_of
from hub.counts import EVENT, HEARTBEAT, NOTICE
from hub.deadlines import Deadline, Deadlines
from hub.desk import Desk
from hub.events import DELIVERIES, Event
from hub.heartbeat import Heartbeat
from hub.notices import Notice
from hub.pace import Pace
from hub.roster import Roster
from hub.subscriber import Subscriber

_TICK_SECONDS = 1.0
# When all have been told to go: how long those get who did not take it yet, as they read slowly or wait for the store.
_LEAVING_SECONDS = 1.0
# A commit's answers need at most this many turns of the loop to be on their way.
_TURNS_FOR_ANSWERS = 3
# Of what just arrived: how much may wait to be shown, and how much is written at once.
_NOTICES = 4096
_NOTICES_AT_ONCE = 64
# So many viewers have events wait for those that are being committed, and at most so long.
_WORTH_GATHERING = 100
_GATHERING_SECONDS = 0.01


class Fanout:
    """Writes events to whoever is live. What an event costs depends on who gets it, not on who is connected."""

    def __init__(
        self, desk: Desk, *, troubles: Callable[[], tuple[str, ...]] = tuple, is_more_coming: Callable[[], bool] = bool
    ) -> None:
        self._desk = desk
        self._is_more_coming = is_more_coming
        self._heartbeat = Heartbeat(desk, troubles)
        # Everything up to here has been written to those who are live.
        self._position = desk.feed.head
        self._live = Audience()
        # Everybody, live or catching up.
        self.roster = Roster()
        self._deadlines = Deadlines(desk)
        # Called with events after each was written to everybody who is live and follows it, if there is anybody.
        self.on_told: Callable[[Sequence[Event]], None] = lambda _: None
        # Who has something to be told, or has to do something, in between two deliveries.
        self._to_tell: deque[tuple[Subscriber, Deadline]] = deque()
        self._recalled: dict[Subscriber, None] = {}
        self._notices: deque[Notice] = deque(maxlen=_NOTICES)
        self._growth = asyncio.Event()
        self._closing = False
        desk.feed.on_growth = self._growth.set
        desk.feed.on_new_epoch = self._begin_anew
        desk.feed.on_erasure = desk.forget

    def attach(self, viewer: Subscriber) -> None:
        """Count a viewer and watch over its permission, until it is detached."""
        self.roster.add(viewer)
        self._deadlines.add(viewer)
        if self._closing:
            viewer.end("drain")

    def detach(self, viewer: Subscriber) -> None:
        """Forget a viewer that has left."""
        self._deadlines.drop(viewer)
        self._recalled.pop(viewer, None)
        self._live.leave(viewer)
        self.roster.drop(viewer)

    def join(self, viewer: Subscriber) -> None:
        """Make a viewer live whose cursor is at the feed's head."""
        if viewer.ending:
            viewer.left_behind(viewer.cursor.sequence)
            return
        self.roster.count(viewer)
        self._live.join(viewer)
        if viewer.was_resumed:
            self._welcome_back(viewer)

    def _welcome_back(self, viewer: Subscriber) -> None:
        """Tell a viewer that it has everything that it missed: how much that was, it could not know."""
        viewer.was_resumed = False
        viewer.connection.write(self._heartbeat.message(str(viewer.cursor)).framed(viewer.connection.form))
        self._desk.counts.write(HEARTBEAT)
        if viewer.connection.is_behind():
            self._set_back(viewer)

    def recall(self, viewer: Subscriber) -> None:
        """Leave a viewer behind if it is live, so that it turns to what it was told."""
        self._recalled[viewer] = None
        self._growth.set()

    def renew(self, viewer: Subscriber) -> None:
        """Watch over a viewer whose permission is another now."""
        self._deadlines.renew(viewer)

    def announce(self, notices: Iterable[Notice]) -> None:
        """Show what just arrived to who follows `deliveries` now; when nobody does, not one of them is made."""
        if self._live.following(DELIVERIES):
            made = tuple(notices)
            self._desk.counts.drop("notice", "full", max(0, len(self._notices) + len(made) - _NOTICES))
            self._notices.extend(made)
            self._growth.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        self._heartbeat.plan()
        while True:
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with what it waits for.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(_TICK_SECONDS, self._heartbeat.ahead())):
                    await self._growth.wait()
            self._growth.clear()
            for _ in range(_TURNS_FOR_ANSWERS):
                await asyncio.sleep(0)
            await self._gather()
            await self._between_deliveries(self._pace())
            await self._deliver()
            await self._show_notices()
            if self._heartbeat.is_due():
                await self._beat()
                self._heartbeat.plan()

    async def _gather(self) -> None:
        """Let what is being committed join what is due: for many viewers a write less is worth more than the wait."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GATHERING_SECONDS):
                while len(self.roster) >= _WORTH_GATHERING and self._is_more_coming():
                    await self._growth.wait()
                    self._growth.clear()

    async def drain(self, seconds: float) -> None:
        """Tell all viewers to go, spread over a time, and whoever comes from now on at once.

        Who does not take it is cut off in the end: it comes back, and must not keep the process from its successor.
        """
        self._closing = True
        viewers = list(self.roster)
        steps = max(1, min(len(viewers), round(seconds * 10)))
        for step in range(steps):
            for viewer in viewers[step::steps]:
                self._dismiss(viewer, "drain")
            await asyncio.sleep(seconds / steps if step + 1 < steps else 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self.roster.all_gone()
        for viewer in self.roster:
            viewer.connection.abort()

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
        pace, epoch = self._pace(), self._desk.feed.epoch
        due_to, followed = await self._due(events, pace)
        if self._desk.feed.epoch != epoch:
            # The groups of now are of another log; those of before have no members any more.
            return
        for group, due in due_to.items():
            await self._broadcast(group, told_of(due, self._desk.encoder, start, head), pace, EVENT)
        self.on_told(followed)

    async def _due(self, events: Iterable[Event], pace: Pace) -> tuple[dict[Group, list[Event]], list[Event]]:
        """Return what is due to each group, and which of the events somebody follows."""
        due: dict[Group, list[Event]] = {}
        followed: list[Event] = []
        for event in events:
            is_followed = False
            for topic in (*event.topics, "*"):
                for group in self._live.following(topic):
                    pending = due.setdefault(group, [])
                    if not pending or pending[-1] is not event:
                        pending.append(event)
                        is_followed = True
            if is_followed:
                followed.append(event)
            await self._rest(pace)
        return due, followed

    async def _show_notices(self) -> None:
        """Write what just arrived to whoever is live; who is left behind by that misses the rest of it."""
        pace = self._pace()
        while self._notices:
            some = [self._notices.popleft() for _ in range(min(_NOTICES_AT_ONCE, len(self._notices)))]
            told = same_for_all([notice.told() for notice in some], self._position)
            for group in tuple(self._live.following(DELIVERIES)):
                await self._broadcast(group, told, pace, NOTICE)

    async def _beat(self) -> None:
        """Tell everybody who is live that they are, and move their cursors."""
        position = self._position
        beat = self._heartbeat.for_all(f"{self._desk.feed.epoch}.{position}")
        # Who came meanwhile may be further already; ids never go back.
        told, pace = replace(same_for_all([beat], position), unserved=lambda *_: (b"", 0)), self._pace()
        for group in self._live.groups:
            await self._broadcast(group, told, pace, HEARTBEAT)

    async def _broadcast(self, group: Group, told: Told, pace: Pace, kind: str) -> None:
        self._desk.counts.write(kind, await broadcast(self._live, group, told, lambda: self._rest(pace)))

    def _begin_anew(self) -> None:
        """Leave everybody behind: what follows is of another log, and each is told so before it."""
        self._desk.encoder.begin_anew(self._desk.feed.epoch)
        self._desk.snapshots.forget(self._desk.feed.position)
        self._position = self._desk.feed.head
        self._leave_all_behind(0)

    def _leave_all_behind(self, start: int) -> None:
        for group in self._live.groups:
            for viewer, served in tuple(group.members.items()):
                self._live.leave(viewer)
                viewer.left_behind(max(start, served))

    async def _between_deliveries(self, pace: Pace) -> None:
        """Let viewers have and do what they can only while nothing is being written to them."""
        await self._keep_deadlines(pace)
        while self._to_tell:
            self._tell(*self._to_tell.popleft())
            await self._rest(pace)
        while self._recalled:
            self._set_back(self._recalled.popitem()[0])

    def _pace(self) -> Pace:
        """Return a pace that is shorter while a provider waits for its answer."""
        return Pace(self._is_more_coming)

    async def _rest(self, pace: Pace) -> None:
        """Give the loop back if it is time; meanwhile somebody's permission may have ended."""
        if await pace.rest():
            await self._keep_deadlines(pace)

    async def _keep_deadlines(self, pace: Pace) -> None:
        """Send away whose time is over, and note who is to be told something."""
        for viewer, deadline in self._deadlines.due():
            # First of all: a process that was stopped for an hour must not serve everybody once more.
            if viewer.grant.is_over(self._desk.now()):
                self._dismiss(viewer, "expired")
            elif deadline is Deadline.AGED:
                self._dismiss(viewer, "drain", soon=True)
            else:
                self._to_tell.append((viewer, deadline))
            await pace.rest()

    def _tell(self, viewer: Subscriber, deadline: Deadline) -> None:
        if deadline is Deadline.TOKEN:
            viewer.send_token()
        else:
            viewer.send("auth.expiring", {"expires_at": viewer.grant.expiry})
        if viewer.connection.is_behind():
            # What was written to it alone filled its connection.
            self._set_back(viewer)

    def _set_back(self, viewer: Subscriber) -> None:
        """Leave a viewer behind where it is, if it is live."""
        served = self._live.served(viewer)
        if served is not None:
            self._live.leave(viewer)
            viewer.left_behind(max(self._position, served))

    def _dismiss(self, viewer: Subscriber, reason: str, *, soon: bool = False) -> None:
        viewer.end(reason, soon=soon)
        self._live.leave(viewer)
