"""What is read of the store: stretches of the log, documents, snapshots."""

import msgspec

from hub.events import Event, Position
from hub.ports.commits import Document


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
