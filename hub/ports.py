"""What the hub asks of a store, and the shapes in which it asks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import Protocol

import msgspec

from hub.events import Delivery, Event, Position

StateKey = tuple[str, str]

# What became of a request that did not prove itself, and what its id begins with.
REFUSED = "refused"
REFUSED_PREFIX = "q"


class Status(StrEnum):
    """What a caller is told about a delivery."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    DEAD = "dead"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one delivery of a batch; `delivery` is its id (of the first copy, for a duplicate)."""

    status: Status
    delivery: int
    reason: str = ""
    # How many events it added to the log, and how often it has come again so far.
    events: int = 0
    copies: int = 0


class Depth(IntEnum):
    """How much is wanted of a durable room, besides its own state; each includes those before it."""

    # Nothing, unless it has state of its own.
    TOLD = 0
    # What is kept beside the documents of all its sessions, and of some of them (`Needs.times`) every part.
    SHARED = 1
    # Also every part of what goes on, and of what began last.
    CURRENT = 2
    # Every part of every session.
    WHOLE = 3


class Needs(msgspec.Struct, frozen=True):
    """What a batch has to see of the store before it can be folded.

    A durable room that has any state of its own counts as `SHARED`, whatever is asked; one with a part `own` as
    `CURRENT`. Of a session its durable room is the one that it was told with and the one that the store knows.
    """

    # (scope, key) of every delivery.
    keys: frozenset[tuple[str, str]]
    # Entities of which every part is wanted, items and segments excepted.
    subjects: frozenset[str]
    # Single parts: items and segments that may be there already.
    items: frozenset[StateKey]
    # Bots whose transcript segments must be counted.
    counted: frozenset[str]
    # Durable rooms (topics), and how much of them is wanted.
    durables: frozenset[tuple[str, Depth]] = frozenset()
    # Sessions, each with a durable room that it was told with (or none). The durable room that the store knows is
    # wanted like a subject, and when the session began is one of `times`.
    homed: frozenset[tuple[str, str]] = frozenset()
    # When something happened in a session or in a durable room. Of a durable room that is `SHARED` the session that
    # began last before, or at, each of these is wanted, leaving aside those in `homed`.
    times: frozenset[tuple[str, int]] = frozenset()
    # Recordings (topics): the session that each is of is wanted.
    captures: frozenset[str] = frozenset()
    # Ids of deliveries that are read once more.
    redriven: frozenset[int] = frozenset()


class Known(msgspec.Struct, frozen=True):
    """A delivery that was there before."""

    delivery: int
    received_at: int
    # How often it has come again so far.
    copies: int = 0


class Loaded(msgspec.Struct, frozen=True):
    """What the store holds of what a batch needs, read under the writer lock."""

    head: int
    last_delivery: int
    known: dict[tuple[str, str], Known]
    states: dict[StateKey, bytes]
    items: dict[StateKey, bytes]
    # Bot to generation to number of segments.
    segments: dict[str, dict[str, int]]
    # Of durable rooms that are `SHARED`: what is kept beside the documents of their sessions, by their topics.
    siblings: dict[str, dict[str, bytes]] = {}
    # Those of the redriven deliveries that are there and dead: only these may become something else.
    dead: frozenset[int] = frozenset()


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A derived document with what it is found and sorted by. `topic` is its key."""

    topic: str
    # bots, rooms, participants or recordings
    collection: str
    # The topic of the bot or room that it is part of; its own for these.
    parent: str
    provider: str = ""
    status: str = ""
    # `rooms/<durable>` for rooms
    durable: str = ""
    name: str = ""
    room_id: str = ""
    # Milliseconds: when it began, when something last happened in it, and when it ended (None: not over).
    began_at: int = 0
    active_at: int = 0
    ended_at: int | None = None
    over: bool = False
    # What rooms are sorted by for `trending`, the largest first.
    trending: float = 0.0
    sequence: int = 0
    body: bytes = b""
    # What numbers that depend on the clock are computed from, never shown.
    hidden: bytes = b""


class Erased(msgspec.Struct, frozen=True):
    """Topics whose events and deliveries lose their content, and the state that goes with them."""

    topics: frozenset[str] = frozenset()
    # Facts of durable rooms that turned out to be about one of the sessions.
    parts: frozenset[StateKey] = frozenset()


class DeliveryRow(msgspec.Struct, frozen=True):
    """A delivery to be kept, with the id it got and what it became."""

    id: int
    delivery: Delivery
    status: Status
    reason: str


class Changes(msgspec.Struct, frozen=True):
    """Everything that one transaction writes."""

    outcomes: tuple[Outcome, ...]
    deliveries: tuple[DeliveryRow, ...]
    # Ids of deliveries that came again, with when.
    copies: tuple[tuple[int, int], ...]
    # Events, each with the id of the delivery that it came of.
    events: tuple[tuple[Event, int], ...]
    states: dict[StateKey, bytes]
    documents: dict[str, Document]
    # Topics of documents that no longer follow from any fact.
    gone: frozenset[str]
    # Deliveries that were kept before, with what they became now that they were read once more.
    redriven: tuple[DeliveryRow, ...] = ()
    # What is taken away before anything else is written.
    erased: Erased = Erased()
    # Parts that are now kept elsewhere.
    dropped: frozenset[StateKey] = frozenset()


class Foldable(Protocol):
    """A batch of deliveries that says what it has to see, and then what is to be written."""

    @property
    def needs(self) -> Needs:
        """What to load."""
        ...

    def fold(self, loaded: Loaded) -> Changes:
        """Return everything to be written; pure, and called under the writer lock."""
        ...


class Committed(msgspec.Struct, frozen=True):
    """A batch that is durable: one outcome for each delivery, in order, and the new events, with their log's name."""

    outcomes: tuple[Outcome, ...]
    events: tuple[Event, ...]
    epoch: str


class Page(msgspec.Struct, frozen=True):
    """A stretch of the log: matching events up to `through`, and the floor and head as they were in the same read."""

    events: tuple[Event, ...]
    # Everything that matches up to here is in `events` or came before.
    through: int
    floor: int
    head: int
    epoch: str


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which documents are asked for, and in which order; empty fields do not restrict."""

    collection: str
    topics: frozenset[str] = frozenset({"*"})
    status: str = ""
    provider: str = ""
    name: str = ""
    room_id: str = ""
    parent: str = ""
    # began, active or trending
    sort: str = "began"
    # Began at or after, and before (milliseconds); not for documents of one parent, nor with another order.
    since: int | None = None
    until: int | None = None
    # The (sort value, topic) after which to go on.
    after: tuple[float, str] | None = None
    limit: int = 100


class Reading(msgspec.Struct, frozen=True):
    """Documents and the position at which they were read."""

    documents: tuple[Document, ...]
    position: Position


class Snapshot(msgspec.Struct, frozen=True):
    """What topics hold at one position: documents by collection, and the latest transcript segments of single bots."""

    position: Position
    documents: tuple[Document, ...]
    segments: tuple[bytes, ...] = ()


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A request that did not prove itself, as it is kept for a second look; its headers hold no static secret."""

    source: str
    received_at: int
    # What was wrong with its proof.
    reason: str
    # Where it came from.
    address: str
    # The hash of the key in its path, where there was one.
    path_key: str
    headers: tuple[tuple[str, str], ...]
    # The bytes; None when they were too many to be kept, and it can never be verified.
    body: bytes | None
    # Of the body: how many bytes, and their SHA-256 in hexadecimal digits.
    size: int
    digest: str


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """What a list shows of one thing that arrived: a delivery, or a request that was refused."""

    # `17` for a delivery, `q17` for a refused request.
    id: str
    source: str
    # accepted, dead or refused
    verdict: str
    reason: str
    received_at: int
    size: int
    provider_type: str = ""
    # When what it tells of happened, None when it tells nothing.
    event_time: int | None = None
    copies: int = 0
    last_copy_at: int | None = None
    # How many events of it are in the log.
    events: int = 0


class Arrivals(msgspec.Struct, frozen=True):
    """Some of what arrived, and the position at which that was read."""

    items: tuple[Arrived, ...]
    position: Position


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that arrived, whole, and the position at which it was read."""

    arrived: Arrived
    # A delivery is without its facts, which are not kept.
    original: Delivery | Refusal
    position: Position
    events: tuple[Event, ...] = ()


class ArrivalQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which of what arrived is asked for, newest first; empty fields do not restrict."""

    source: str = ""
    # accepted, dead or refused
    verdict: str = ""
    # A topic that its facts are about.
    subject: str = ""
    # Received at or after, and before (milliseconds).
    since: int | None = None
    until: int | None = None
    # The (received_at, id) after which to go on.
    after: tuple[int, str] | None = None
    limit: int = 100


class Store(Protocol):
    """The durable log and the state folded from it.

    Every method raises StorageUnavailable when the store does not answer; nothing then was promised.
    """

    async def commit(self, deliveries: Sequence[Delivery]) -> Committed:
        """Make deliveries, their events and the state durable in one transaction, or none of them."""
        ...

    async def position(self) -> Position:
        """Return the head of the log."""
        ...

    async def page(self, topics: frozenset[str], after: int, limit: int) -> Page:
        """Return events of the topics after a sequence, at most `limit`, in order.

        Rows and floor are read in one statement, so that nothing can be trimmed in between unnoticed.
        """
        ...

    async def read(self, query: Query) -> Reading:
        """Return documents in the asked order."""
        ...

    async def document(self, topic: str) -> Reading:
        """Return one document (or none) and the position at which it was read."""
        ...

    async def people(self, rooms: Sequence[str]) -> Reading:
        """Return every participant of some rooms (topics), room by room, who came first first."""
        ...

    async def overlapping(self, since: int, until: int, after: str, limit: int) -> Reading:
        """Return at most `limit` rooms that were going on at some time of a period, by topic, from after one on."""
        ...

    async def transcript(self, bot: str) -> tuple[bytes, ...]:
        """Return every segment of the latest transcript of a bot (topic), in no order."""
        ...

    async def snapshot(self, topics: frozenset[str], ended_after: int) -> Snapshot:
        """Return what is not over or ended after a time, in one consistent read.

        A single bot or room among the topics is there whenever it ended, with its parts.
        """
        ...

    async def arrivals(self, query: ArrivalQuery) -> Arrivals:
        """Return what arrived, newest first: deliveries, and, where no subject is asked for, refused requests."""
        ...

    async def arrival(self, identity: str) -> Kept | None:
        """Return a delivery (`17`) or a refused request (`q17`) whole, None when there is none by this id."""
        ...

    async def quarantine(self, refusals: Sequence[Refusal], limit: int) -> tuple[str, ...]:
        """Keep refused requests, of each source the latest `limit`; return their ids."""
        ...

    async def release(self, identity: str) -> None:
        """Let a refused request go; nothing happens when it is gone already."""
        ...

    async def trim(self, before: int) -> int:
        """Raise the floor above what was received before a time, then delete it; return how many deliveries went."""
        ...

    async def new_epoch(self, epoch: str, instead_of: str = "") -> None:
        """Give the log a new name, so that no position of before can be resumed.

        With `instead_of` only if that is still its name: of many who find something wrong with it, one renames it.
        """
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the store."""
        ...


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What one process tells the others: that events are in the log; without them where they are too many bytes."""

    epoch: str
    first: int
    last: int
    events: tuple[Event, ...] = ()


class Bus(Protocol):
    """How the processes of a hub tell each other what is new.

    It is for speed only: whatever it is told may be lost, by everybody or by some, and nothing is said twice. No method
    raises because of that, and none but `close` waits for longer than a moment.
    """

    @property
    def problem(self) -> str:
        """Why it cannot be used at present, empty while it works."""
        ...

    def follow(self, epoch: str) -> None:
        """Speak and hear of the log of this name from now on, and of no other."""
        ...

    def publish(self, events: Sequence[Event]) -> None:
        """Tell the others of events that were committed, in order and without a gap; returns at once."""
        ...

    async def run(self, hear: Callable[[Announcement], None]) -> None:
        """Work until cancelled, handing over what others tell.

        What was told last is told again, by its numbers alone, whenever listening begins.
        """
        ...

    async def shared(self, topics: frozenset[str]) -> bytes | None:
        """Return what some process shared of these topics within the last second, None when there is nothing."""
        ...

    def share(self, topics: frozenset[str], snapshot: bytes) -> None:
        """Let all processes have an encoded snapshot of these topics for a second; returns at once."""
        ...

    def count(self, viewers: Mapping[str, int]) -> None:
        """Say how many viewers each topic has at this process; what is not said again expires."""
        ...

    async def viewers(self, topic: str) -> int:
        """Return how many viewers a topic has at all processes, as far as is known."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class Spool(Protocol):
    """Takes deliveries while the store is away, on the disk of this machine."""

    @property
    def waiting(self) -> int:
        """How many deliveries of this process wait in it for the store."""
        ...

    async def append(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries; they are on the disk when this returns.

        Raises Overloaded when there is no room for them, and StorageUnavailable when the disk does not take them.
        """
        ...

    async def drain(self, commit: Callable[[Sequence[Delivery]], Awaitable[object]]) -> int:
        """Hand over everything that waits, also what processes that are gone left behind; return how many it was.

        What was handed over is let go only after `commit` returned; what it raises is raised, and the rest waits on.
        Something may be handed over twice, after a crash: it is then a copy.
        """
        ...

    async def close(self) -> None:
        """Let go of the files; what waits in them is found by the next process."""
        ...
