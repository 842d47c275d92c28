"""Reads: pages of the log, lists of documents, snapshots; each of one moment."""

import json
from collections.abc import Iterable, Sequence

from hub.events import Position
from hub.ports import Document, Page, Query, Reading, Snapshot
from storage.plans import EVERYTHING, SHOWN, list_plan, list_values, owners_of, singles_of
from storage.rows import Row, document_of, event_of, page_of
from storage.sqlite.connection import Session


def position(session: Session) -> Position:
    """Return the head of the log."""
    place = session.one("place")
    return Position(epoch=place["epoch"], sequence=place["head"])


def page(session: Session, topics: frozenset[str], after: int, limit: int) -> Page:
    """Return a stretch of the log and, of the same moment, where the log begins and ends."""
    with session.reading():
        place = session.one("place")
        if EVERYTHING in topics:
            rows = session.rows("page_of_all", after=after, limit=limit)
        else:
            rows = session.rows("page", topics=_listed(topics), after=after, limit=limit)
    events = tuple(map(event_of, rows))
    return page_of(events, limit, place)


def read(session: Session, query: Query) -> Reading:
    """Return documents in the asked order."""
    with session.reading():
        owners = owners_of(query.topics)
        entities = _entities(session, query.topics)
        values = list_values(query, owners, entities) | {"owners": _listed(owners), "entities": _listed(entities)}
        rows = session.rows(list_plan(query, owners), **values)
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
        for collection in SHOWN:
            if EVERYTHING in topics or collection in topics:
                found |= _documents(session.rows("current", collection=collection, ended_after=ended_after))
        singles = singles_of(topics)
        entities = _with_current_sessions(session, singles, ended_after)
        for entity in entities:
            found |= _documents(session.rows("entity", topic=entity))
        segments = [row["body"] for topic in entities for row in session.rows("segments", bot=topic)]
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


def _entities(session: Session, topics: frozenset[str]) -> set[str]:
    """Return the single bots and rooms among the topics, and the sessions of the durable rooms among them."""
    singles = set(singles_of(topics))
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
