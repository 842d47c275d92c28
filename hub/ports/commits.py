"""What a batch has to see of the store, and what it writes there."""

from enum import IntEnum, StrEnum
from typing import Protocol

import msgspec

from hub.events import Delivery, Event

StateKey = tuple[str, str]


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
    # bots, rooms, participants, recordings or schedules
    collection: str
    # The topic of the bot or room that it is part of; its own for these.
    parent: str
    provider: str = ""
    status: str = ""
    # By which topic it is found and erased too: of a room `rooms/<durable>`, of a bot that of the launch it came of.
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
    # What is kept beside it and never shown as it is, for numbers that depend on the clock and for who may see more:
    # msgpack, by collection, of hub.state's `bot.Beside`, `room.Tally`, `participant.Presence`, `capture.Artifacts`
    # or `schedule.Attended`.
    hidden: bytes = b""


class Refreshed(msgspec.Struct, frozen=True):
    """What is kept of a document that nobody is told of, since only links are fresher: it keeps its sequence."""

    # Up to the sequence, which is the last that a body says.
    begun: bytes
    hidden: bytes

    def applied(self, document: Document) -> Document:
        """Return a document with it."""
        body = self.begun + b"%d}" % document.sequence
        return msgspec.structs.replace(document, body=body, hidden=self.hidden)


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
    # Documents, by topic, that stay as they were told; none of those that are written.
    refreshed: dict[str, Refreshed] = {}


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
