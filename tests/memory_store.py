"""A store in memory behind the port `Store`, with gates: a test can hold a commit or a read, and let it go."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import orjson

from hub.errors import StorageUnavailable
from hub.events import COLLECTIONS, Delivery, Event, Position
from hub.ports import (
    ArrivalQuery,
    Arrivals,
    Changes,
    Committed,
    DeliveryRow,
    Document,
    Foldable,
    Known,
    Loaded,
    Needs,
    Page,
    Query,
    Reading,
    Refusal,
    Snapshot,
    StateKey,
    Traffic,
    TrafficQuery,
)
from hub.ports import Kept as Whole
from tests.loading import needed
from tests.memory_arrivals import Arrivals as Memory

Answer = TypeVar("Answer")
Folder = Callable[[Sequence[Delivery]], Foldable]

# How long a batch may take that is too much.
SLOW_SECONDS = 2.0
_SEGMENT = "~segment/"
_OWNERS = {"participants": ("rooms",), "recordings": ("bots", "rooms")}
_LATEST_SEGMENTS = 5000


class Gate:
    """A place that all must pass, open until it is held."""

    def __init__(self) -> None:
        self.waiting = 0
        self._open = asyncio.Event()
        self._open.set()
        self._admitted: int | None = None

    def hold(self, after: int = 0) -> None:
        """Let nobody pass any more, or only so many."""
        self._admitted = after
        if not after:
            self._open.clear()

    def release(self) -> None:
        """Let everybody pass who waits, and who comes."""
        self._admitted = None
        self._open.set()

    async def passed(self) -> None:
        """Return in the next turn when the gate is open, else when it is released: no store answers at once."""
        self.waiting += 1
        try:
            await asyncio.sleep(0)
            await self._open.wait()
        finally:
            self.waiting -= 1
        if self._admitted:
            self.hold(self._admitted - 1)


@dataclass
class Kept:
    """What a store keeps when it is closed."""

    epoch: str = "epoch1"
    floor: int = 0
    # Ids of deliveries up to here have been given out.
    last_delivery: int = 0
    events: list[tuple[Event, int]] = field(default_factory=list)
    arrivals: Memory = field(default_factory=Memory)
    known: dict[tuple[str, str], Known] = field(default_factory=dict)
    states: dict[StateKey, bytes] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)

    @property
    def deliveries(self) -> dict[int, DeliveryRow]:
        """What was kept, by id."""
        return self.arrivals.deliveries

    @property
    def head(self) -> int:
        """How far the log has got, even if all of it is trimmed."""
        return max(self.floor, self.events[-1][0].sequence if self.events else 0)


class MemoryStore:
    """Everything in dicts and lists, committed in one step. A test may also put events and documents there itself."""

    def __init__(self, folder: Folder, kept: Kept | None = None) -> None:
        self.kept = kept or Kept()
        # Passed before a commit, before a read, and after a read with its answer in hand.
        self.commits, self.reads, self.answers = Gate(), Gate(), Gate()
        # Passed before refused requests are kept.
        self.quarantines = Gate()
        # What the store answers instead of doing anything, empty while it works.
        self.problem = ""
        # More than so many at once take longer than the store allows; 0: it takes any number.
        self.slow_above = 0
        # Deliveries with a value that the store cannot keep, or not even as dead.
        self.refuses: Callable[[Delivery], bool] = lambda _: False
        # Every batch that was handed in, and every snapshot that was asked for.
        self.batches: list[tuple[Delivery, ...]] = []
        self.snapshots: list[frozenset[str]] = []
        # Who holds which lease, and until when in milliseconds.
        self.leases: dict[str, tuple[str, float]] = {}
        self._folder = folder
        self._closed = False

    def append(self, *topics: str, body: bytes = b'{"data":{}}', documents: Iterable[Document] = ()) -> Event:
        """Put an event into the log as another process does, together with the documents that it changes."""
        event = Event(sequence=self.kept.head + 1, topics=topics, body=body)
        self.kept.events.append((event, self.kept.last_delivery))
        self.kept.documents |= {document.topic: document for document in documents}
        return event

    def raise_floor(self, floor: int) -> None:
        """Trim the log up to a sequence."""
        self.kept.floor = max(self.kept.floor, floor)
        self.kept.events = [(event, delivery) for event, delivery in self.kept.events if event.sequence > floor]

    async def commit(self, deliveries: Sequence[Delivery]) -> Committed:
        """Make a batch durable, or leave everything as it was."""
        self.batches.append(tuple(deliveries))
        await self.commits.passed()
        self._check()
        if 0 < self.slow_above < len(deliveries):
            await asyncio.sleep(SLOW_SECONDS)
            raise StorageUnavailable("it takes too long")
        if any(map(self.refuses, deliveries)):
            raise ValueError("a value that no column takes")
        batch = self._folder(deliveries)
        changes = batch.fold(self._load(batch.needs))
        self._write(changes)
        return Committed(
            outcomes=changes.outcomes, events=tuple(event for event, _ in changes.events), epoch=self.kept.epoch
        )

    async def position(self) -> Position:
        """Return the head of the log."""
        return await self._answer(self._position)

    async def page(self, topics: frozenset[str], after: int, limit: int) -> Page:
        """Return a stretch of the log."""
        return await self._answer(lambda: self._page(topics, after, limit))

    async def read(self, query: Query) -> Reading:
        """Return documents in the asked order."""
        return await self._answer(lambda: Reading(tuple(self._listed(query)), self._position()))

    async def document(self, topic: str) -> Reading:
        """Return one document or none."""
        return await self._answer(lambda: Reading(tuple(self._found(topic)[:1]), self._position()))

    async def people(self, rooms: Sequence[str]) -> Reading:
        """Return every participant of some rooms."""
        return await self._answer(lambda: Reading(tuple(self._people(frozenset(rooms))), self._position()))

    async def overlapping(self, since: int, until: int, after: str, limit: int) -> Reading:
        """Return rooms that were going on at some time of a period."""
        return await self._answer(
            lambda: Reading(tuple(self._overlapping(since, until, after)[:limit]), self._position())
        )

    async def transcript(self, bot: str) -> tuple[bytes, ...]:
        """Return the latest transcript of a bot."""
        return await self._answer(lambda: tuple(self._segments(bot)))

    async def snapshot(self, topics: frozenset[str], ended_after: int) -> Snapshot:
        """Return what the topics hold."""
        self.snapshots.append(topics)
        return await self._answer(lambda: self._snapshot(topics, ended_after))

    async def arrivals(self, query: ArrivalQuery) -> Arrivals:
        """Return what arrived, newest first."""
        kept = self.kept
        return await self._answer(lambda: Arrivals(kept.arrivals.listed(query, kept.events), self._position()))

    async def arrival(self, identity: str) -> Whole | None:
        """Return a delivery or a refused request whole."""
        kept = self.kept
        return await self._answer(lambda: kept.arrivals.whole(identity, kept.events, self._position()))

    async def traffic(self, query: TrafficQuery) -> Traffic:
        """Return how much arrived by some sources."""
        return await self._answer(lambda: self.kept.arrivals.traffic(query, self._position()))

    async def quarantine(self, refusals: Sequence[Refusal], limit: int) -> tuple[str, ...]:
        """Keep refused requests."""
        await self.quarantines.passed()
        self._check()
        return self.kept.arrivals.quarantine(tuple(refusals), limit)

    async def release(self, identity: str) -> None:
        """Let a refused request go."""
        self._check()
        self.kept.arrivals.refusals.pop(identity, None)

    async def trim(self, before: int) -> int:
        """Raise the floor, then delete what lies below it."""
        self._check()
        await self.commits.passed()
        old = {identity for identity, row in self.kept.deliveries.items() if row.delivery.received_at < before}
        last = max(old, default=0)
        later = [event.sequence - 1 for event, delivery in self.kept.events if delivery > last]
        self.raise_floor(later[0] if later else self.kept.head)
        self.kept.arrivals.trim_refusals(before)
        gone = {self.kept.deliveries.pop(identity).id for identity in old}
        self.kept.known = {key: known for key, known in self.kept.known.items() if known.delivery not in gone}
        return len(gone)

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take a lease that is free or has run out, or make one's own last longer."""
        self._check()
        now = asyncio.get_running_loop().time() * 1000
        known, until = self.leases.get(name, (holder, now))
        if known != holder and until > now:
            return False
        self.leases[name] = (holder, now + seconds * 1000)
        return True

    async def new_epoch(self, epoch: str, instead_of: str = "") -> None:
        """Give the log another name."""
        self._check()
        if instead_of in ("", self.kept.epoch):
            self.kept.epoch = epoch

    async def close(self) -> None:
        """Answer nothing any more."""
        self._closed = True

    async def _answer(self, read: Callable[[], Answer]) -> Answer:
        await self.reads.passed()
        self._check()
        answer = read()
        await self.answers.passed()
        return answer

    def _check(self) -> None:
        if self.problem or self._closed:
            raise StorageUnavailable(self.problem or "the store is closed")

    def _position(self) -> Position:
        return Position(epoch=self.kept.epoch, sequence=self.kept.head)

    def _page(self, topics: frozenset[str], after: int, limit: int) -> Page:
        kept = self.kept
        matching = [
            event
            for event, _ in kept.events[max(0, after - kept.floor) :]
            if event.sequence > after and ("*" in topics or not topics.isdisjoint(event.topics))
        ][:limit]
        through = matching[-1].sequence if len(matching) == limit and matching else kept.head
        return Page(tuple(matching), through, kept.floor, kept.head, kept.epoch)

    def _snapshot(self, topics: frozenset[str], ended_after: int) -> Snapshot:
        documents = self.kept.documents.values()
        found = {
            one.topic: one
            for one in documents
            if one.collection in ("bots", "rooms", "schedules")
            and topics & {"*", one.collection}
            and (not one.over or (one.ended_at is not None and one.ended_at >= ended_after))
        }
        singles = sorted(topic for topic in topics if "/" in topic)
        sessions = {name for topic in singles for name in self._current_sessions(topic, ended_after)}
        for entity in {*singles, *sessions, *(name for topic in singles for name in self._meetings(topic))}:
            found |= {one.topic: one for one in documents if one.parent == entity}
        segments = [body for topic in {*singles, *sessions} for body in self._segments(topic)[-_LATEST_SEGMENTS:]]
        return Snapshot(self._position(), tuple(found.values()), tuple(segments))

    def _found(self, topic: str) -> list[Document]:
        """Return the document of a topic, and bots that were launched by that name."""
        own = [one for one in self.kept.documents.values() if one.topic == topic]
        launched = [one for one in self.kept.documents.values() if one.collection == "bots" and one.durable == topic]
        return own + sorted(launched, key=lambda one: (-one.began_at, one.topic))

    def _meetings(self, topic: str) -> list[str]:
        document = self.kept.documents.get(topic)
        if document is None or document.collection != "schedules":
            return []
        return [f"rooms/{session}" for session in orjson.loads(document.body)["sessions"]]

    def _current_sessions(self, durable: str, ended_after: int) -> list[str]:
        sessions = [
            one
            for one in self.kept.documents.values()
            if one.collection in ("rooms", "bots") and one.durable == durable
        ]
        latest = sorted(sessions, key=lambda one: (-one.began_at, one.topic))[:1]
        return [
            one.topic
            for one in sessions
            if one in latest or not one.over or (one.ended_at is not None and one.ended_at >= ended_after)
        ]

    def _segments(self, bot: str) -> list[bytes]:
        parts = sorted(part for subject, part in self.kept.states if subject == bot and part.startswith(_SEGMENT))
        newest = [part for part in parts if part[: len(_SEGMENT) + 16] == parts[-1][: len(_SEGMENT) + 16]]
        return [self.kept.states[bot, part] for part in newest]

    def _listed(self, query: Query) -> list[Document]:
        found = [one for one in self.kept.documents.values() if self._is_wanted(one, query)]
        direction = 1 if query.parent else -1
        sort = "began" if query.parent else query.sort
        column = {"began": "began_at", "active": "active_at", "trending": "trending"}[sort]
        keys = {one.topic: (direction * getattr(one, column), one.topic) for one in found}
        after = (direction * query.after[0], query.after[1]) if query.after else None
        found = [one for one in found if after is None or keys[one.topic] > after]
        return sorted(found, key=lambda one: keys[one.topic])[: query.limit]

    def _people(self, rooms: frozenset[str]) -> list[Document]:
        documents = self.kept.documents.values()
        found = [one for one in documents if one.collection == "participants" and one.parent in rooms]
        return sorted(found, key=lambda one: (one.parent, one.began_at, one.topic))

    def _overlapping(self, since: int, until: int, after: str) -> list[Document]:
        rooms = [one for one in self.kept.documents.values() if one.collection == "rooms"]
        found = [one for one in rooms if one.began_at < until and (not one.over or (one.ended_at or 0) >= since)]
        return sorted((one for one in found if one.topic > after), key=lambda one: one.topic)

    def _is_wanted(self, document: Document, query: Query) -> bool:
        owner = self.kept.documents.get(document.parent)
        home = owner.durable if owner and owner.collection in ("rooms", "bots") else ""
        owners = frozenset(COLLECTIONS) if "*" in query.topics else query.topics
        return (
            document.collection == query.collection
            and query.status in ("", document.status)
            and query.provider in ("", document.provider)
            and query.name in ("", document.name)
            and query.room_id in ("", document.room_id)
            and query.parent in ("", document.parent)
            and (query.since is None or document.began_at >= query.since)
            and (query.until is None or document.began_at < query.until)
            and (document.parent.partition("/")[0] in owners or bool(query.topics & {document.parent, home or "*/"}))
        )

    def _load(self, needs: Needs) -> Loaded:
        kept = self.kept
        states, siblings = needed(needs, kept.states, kept.documents)
        return Loaded(
            head=kept.head,
            last_delivery=kept.last_delivery,
            known={key: kept.arrivals.known(kept.known[key]) for key in needs.keys if key in kept.known},
            states=states,
            siblings=siblings,
            items={key: kept.states[key] for key in needs.items if key in kept.states},
            segments={bot: self._generations(bot) for bot in needs.counted},
            dead=kept.arrivals.dead(needs.redriven),
        )

    def _generations(self, bot: str) -> dict[str, int]:
        return dict(
            Counter(
                part.removeprefix(_SEGMENT)[:16]
                for subject, part in self.kept.states
                if subject == bot and part.startswith(_SEGMENT)
            )
        )

    def _erase(self, changes: Changes) -> None:
        kept, topics = self.kept, changes.erased.topics
        told = {delivery for event, delivery in kept.events if topics & set(event.topics)}
        kept.arrivals.erase(topics, told)
        kept.events = [
            (_tombstone(event) if topics & set(event.topics) else event, delivery) for event, delivery in kept.events
        ]
        kept.states = {
            key: body for key, body in kept.states.items() if key[0] not in topics and key not in changes.erased.parts
        }
        kept.documents = {topic: one for topic, one in kept.documents.items() if not topics & {topic, one.parent}}

    def _write(self, changes: Changes) -> None:
        kept = self.kept
        self._erase(changes)
        for place, (event, _) in enumerate(changes.events, kept.head + 1):
            if event.sequence != place:
                raise StorageUnavailable("the log has no gaps")
        for row in changes.deliveries:
            kept.known[row.delivery.scope, row.delivery.key] = Known(row.id, row.delivery.received_at)
            kept.last_delivery = row.id
        kept.arrivals.write(changes)
        kept.events += changes.events
        for key in changes.dropped:
            kept.states.pop(key, None)
        kept.states |= changes.states
        for topic in changes.gone:
            kept.documents.pop(topic, None)
        kept.documents |= changes.documents
        for topic in changes.refreshed.keys() & kept.documents.keys():
            kept.documents[topic] = changes.refreshed[topic].applied(kept.documents[topic])


def _tombstone(event: Event) -> Event:
    said = orjson.loads(event.body)
    said.pop("providertype", None)
    kind = {"bots": "bot.erased", "schedules": "schedule.erased"}.get(event.topics[0].partition("/")[0], "room.erased")
    return msgspec.structs.replace(event, body=orjson.dumps({**said, "type": kind, "data": {"erased": True}}))
