"""A store in memory behind the port `Store`, with gates: a test can hold a commit or a read, and let it go."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from hub.errors import StorageUnavailable
from hub.events import COLLECTIONS, Delivery, Event, Position
from hub.ports import (
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
    Snapshot,
    StateKey,
)

Answer = TypeVar("Answer")
Folder = Callable[[Sequence[Delivery]], Foldable]

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
    deliveries: dict[int, DeliveryRow] = field(default_factory=dict)
    copies: Counter[int] = field(default_factory=Counter)
    known: dict[tuple[str, str], Known] = field(default_factory=dict)
    states: dict[StateKey, bytes] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)

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
        # What the store answers instead of doing anything, empty while it works.
        self.problem = ""
        # Deliveries with a value that the store cannot keep, or not even as dead.
        self.refuses: Callable[[Delivery], bool] = lambda _: False
        # Every batch that was handed in, and every snapshot that was asked for.
        self.batches: list[tuple[Delivery, ...]] = []
        self.snapshots: list[frozenset[str]] = []
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
        if any(map(self.refuses, deliveries)):
            raise ValueError("a value that no column takes")
        batch = self._folder(deliveries)
        changes = batch.fold(self._load(batch.needs))
        self._write(changes)
        return Committed(outcomes=changes.outcomes, events=tuple(event for event, _ in changes.events))

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
        return await self._answer(
            lambda: Reading(tuple(one for one in self.kept.documents.values() if one.topic == topic), self._position())
        )

    async def snapshot(self, topics: frozenset[str], ended_after: int) -> Snapshot:
        """Return what the topics hold."""
        self.snapshots.append(topics)
        return await self._answer(lambda: self._snapshot(topics, ended_after))

    async def trim(self, before: int) -> int:
        """Raise the floor, then delete what lies below it."""
        self._check()
        await self.commits.passed()
        old = {identity for identity, row in self.kept.deliveries.items() if row.delivery.received_at < before}
        last = max(old, default=0)
        self.raise_floor(max((event.sequence for event, delivery in self.kept.events if delivery <= last), default=0))
        gone = {self.kept.deliveries.pop(identity).id for identity in old}
        self.kept.known = {key: known for key, known in self.kept.known.items() if known.delivery not in gone}
        return len(gone)

    async def new_epoch(self, epoch: str) -> None:
        """Give the log another name."""
        self._check()
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
            if one.collection in ("bots", "rooms")
            and topics & {"*", one.collection}
            and (not one.over or (one.ended_at is not None and one.ended_at >= ended_after))
        }
        singles = sorted(topic for topic in topics if "/" in topic)
        for entity in {*singles, *(name for topic in singles for name in self._current_sessions(topic, ended_after))}:
            found |= {one.topic: one for one in documents if one.parent == entity}
        segments = [body for topic in singles for body in self._segments(topic)]
        return Snapshot(self._position(), tuple(found.values()), tuple(segments))

    def _current_sessions(self, durable: str, ended_after: int) -> list[str]:
        sessions = [one for one in self.kept.documents.values() if one.collection == "rooms" and one.durable == durable]
        latest = sorted(sessions, key=lambda one: (-one.began_at, one.topic))[:1]
        return [
            one.topic
            for one in sessions
            if one in latest or not one.over or (one.ended_at is not None and one.ended_at >= ended_after)
        ]

    def _segments(self, bot: str) -> list[bytes]:
        parts = sorted(part for subject, part in self.kept.states if subject == bot and part.startswith(_SEGMENT))
        newest = [part for part in parts if part[: len(_SEGMENT) + 16] == parts[-1][: len(_SEGMENT) + 16]]
        return [self.kept.states[bot, part] for part in newest[-_LATEST_SEGMENTS:]]

    def _listed(self, query: Query) -> list[Document]:
        found = [one for one in self.kept.documents.values() if self._is_wanted(one, query)]
        by_active = query.sort == "active" and not query.parent
        direction = 1 if query.parent else -1
        keys = {one.topic: (direction * (one.active_at if by_active else one.began_at), one.topic) for one in found}
        after = (direction * query.after[0], query.after[1]) if query.after else None
        found = [one for one in found if after is None or keys[one.topic] > after]
        return sorted(found, key=lambda one: keys[one.topic])[: query.limit]

    def _is_wanted(self, document: Document, query: Query) -> bool:
        owner = self.kept.documents.get(document.parent)
        home = owner.durable if owner and owner.collection == "rooms" else ""
        owners = frozenset(COLLECTIONS) if "*" in query.topics else query.topics
        return (
            document.collection == query.collection
            and query.status in ("", document.status)
            and query.provider in ("", document.provider)
            and query.name in ("", document.name)
            and query.room_id in ("", document.room_id)
            and query.parent in ("", document.parent)
            and (document.parent.partition("/")[0] in owners or bool(query.topics & {document.parent, home or "*/"}))
        )

    def _load(self, needs: Needs) -> Loaded:
        kept = self.kept
        return Loaded(
            head=kept.head,
            last_delivery=kept.last_delivery,
            known={key: kept.known[key] for key in needs.keys if key in kept.known},
            states=self._needed_states(needs),
            items={key: kept.states[key] for key in needs.items if key in kept.states},
            segments={bot: self._generations(bot) for bot in needs.counted},
        )

    def _needed_states(self, needs: Needs) -> dict[StateKey, bytes]:
        documents = self.kept.documents
        nameless = needs.nameless | {documents[topic].durable for topic in needs.homeless if topic in documents}
        states = self._parts(needs.subjects | nameless)
        durables = nameless | {subject for subject, part in states if part.startswith("fact/")}
        return states | self._parts(
            one.topic
            for one in self.kept.documents.values()
            if one.collection == "rooms" and one.durable and one.durable in durables
        )

    def _parts(self, subjects: Iterable[str]) -> dict[StateKey, bytes]:
        wanted = frozenset(subjects)
        return {
            (subject, part): body
            for (subject, part), body in self.kept.states.items()
            if subject in wanted and not part.startswith("~")
        }

    def _generations(self, bot: str) -> dict[str, int]:
        return dict(
            Counter(
                part.removeprefix(_SEGMENT)[:16]
                for subject, part in self.kept.states
                if subject == bot and part.startswith(_SEGMENT)
            )
        )

    def _write(self, changes: Changes) -> None:
        kept = self.kept
        for place, (event, _) in enumerate(changes.events, kept.head + 1):
            if event.sequence != place:
                raise StorageUnavailable("the log has no gaps")
        for row in changes.deliveries:
            kept.deliveries[row.id] = row
            kept.known[row.delivery.scope, row.delivery.key] = Known(row.id, row.delivery.received_at)
            kept.last_delivery = row.id
        kept.copies.update(delivery for delivery, _ in changes.copies)
        kept.events += changes.events
        kept.states |= changes.states
        for topic in changes.gone:
            kept.documents.pop(topic, None)
        kept.documents |= changes.documents
