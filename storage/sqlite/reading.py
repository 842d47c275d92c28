"""Reads: pages of the log, lists of documents, snapshots; each of one moment."""

import json
from collections.abc import Iterable, Sequence

from hub.events import COLLECTIONS, Position
from hub.ports import Document, Page, Query, Reading, Snapshot
from storage.rows import Row, document_of, event_of
from storage.sqlite.connection import Session

_EVERYTHING = "*"
# Which collections the owners of a collection's documents are in.
_OWNERS = {"participants": ("rooms",), "recordings": ("bots", "rooms")}
_SHOWN = ("bots", "rooms", "schedules")
_LAST, _FIRST = 2**63 - 1, -(2**63)


def position(session: Session) -> Position:
    """Return the head of the log."""
    place = session.one("place")
    return Position(epoch=place["epoch"], sequence=place["head"])


def page(session: Session, topics: frozenset[str], after: int, limit: int) -> Page:
    """Return a stretch of the log and, of the same moment, where the log begins and ends."""
    with session.reading():
        place = session.one("place")
        if _EVERYTHING in topics:
            rows = session.rows("page_of_all", after=after, limit=limit)
        else:
            rows = session.rows("page", topics=_listed(topics), after=after, limit=limit)
    events = tuple(map(event_of, rows))
    full = len(events) == limit and events
    return Page(
        events=events,
        through=events[-1].sequence if full else place["head"],
        floor=place["floor"],
        head=place["head"],
        epoch=place["epoch"],
    )


def read(session: Session, query: Query) -> Reading:
    """Return documents in the asked order."""
    with session.reading():
        owners = frozenset(COLLECTIONS) if _EVERYTHING in query.topics else query.topics & frozenset(COLLECTIONS)
        entities = _entities(session, query.topics)
        rows = session.rows(_plan(query, owners), **_values(query, owners, entities))
        return Reading(documents=tuple(map(document_of, rows)), position=position(session))


def document(session: Session, topic: str) -> Reading:
    """Return the document of a topic, if there is one."""
    with session.reading():
        rows = session.rows("document", topic=topic)
        return Reading(documents=tuple(map(document_of, rows)), position=position(session))


def snapshot(session: Session, topics: frozenset[str], ended_after: int) -> Snapshot:
    """Return what the topics hold; what two of them hold is there once."""
    with session.reading():
        found: dict[str, Document] = {}
        for collection in _SHOWN:
            if _EVERYTHING in topics or collection in topics:
                found |= _documents(session.rows("current", collection=collection, ended_after=ended_after))
        singles = sorted(topic for topic in topics if "/" in topic)
        for entity in _with_current_sessions(session, singles, ended_after):
            found |= _documents(session.rows("entity", topic=entity))
        segments = [row["body"] for topic in singles for row in session.rows("segments", bot=topic)]
        return Snapshot(position=position(session), documents=tuple(found.values()), segments=tuple(segments))


def people(session: Session, rooms: Sequence[str]) -> Reading:
    """Return every participant of some rooms."""
    with session.reading():
        rows = session.rows("list_of_people", parents=_listed(rooms))
        return Reading(documents=tuple(map(document_of, rows)), position=position(session))


def overlapping(session: Session, since: int, until: int, after: str, limit: int) -> Reading:
    """Return rooms that were going on at some time of a period, by topic."""
    with session.reading():
        rows = session.rows("list_overlapping", since=since, until=until, topic=after, limit=limit)
        return Reading(documents=tuple(map(document_of, rows)), position=position(session))


def transcript(session: Session, bot: str) -> tuple[bytes, ...]:
    """Return every segment of the latest generation of a bot's transcript."""
    return tuple(row["body"] for row in session.rows("transcript", bot=bot))


def _plan(query: Query, owners: frozenset[str]) -> str:
    """Choose the query whose index leaves the least to look through."""
    if query.parent:
        return "list_parts"
    wide = owners & set(_OWNERS.get(query.collection, (query.collection,)))
    if query.name or query.room_id or not wide:
        return "list_found"
    order = f"by_{query.sort}"
    return f"list_status_{order}" if query.status else f"list_{order}"


def _values(query: Query, owners: frozenset[str], entities: Iterable[str]) -> dict[str, object]:
    value, topic = query.after or (_FIRST if query.parent else _LAST, "")
    return {
        "collection": query.collection,
        "status": query.status,
        "provider": query.provider,
        "name": query.name,
        "room_id": query.room_id,
        "parent": query.parent,
        "sort": query.sort,
        "since": query.since,
        "until": query.until,
        "limit": query.limit,
        "value": value,
        "topic": topic,
        "owners": _listed(owners),
        "entities": _listed(entities),
    }


def _entities(session: Session, topics: frozenset[str]) -> set[str]:
    """Return the single bots and rooms among the topics, and the sessions of the durable rooms among them."""
    singles = {topic for topic in topics if "/" in topic}
    return singles | {row["topic"] for topic in singles for row in session.rows("sessions", durable=topic)}


def _with_current_sessions(session: Session, topics: Iterable[str], ended_after: int) -> dict[str, None]:
    sessions = (
        row["topic"]
        for topic in topics
        for row in session.rows("current_sessions", durable=topic, ended_after=ended_after)
    )
    meetings = (row["topic"] for topic in topics for row in session.rows("meetings", topic=topic))
    return dict.fromkeys([*topics, *sessions, *meetings])


def _documents(rows: Iterable[Row]) -> dict[str, Document]:
    return {one.topic: one for one in map(document_of, rows)}


def _listed(texts: Iterable[str]) -> str:
    return json.dumps(sorted(texts))
