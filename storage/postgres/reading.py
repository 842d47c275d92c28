"""Reads: pages of the log, lists of documents, snapshots; each of one moment."""

from collections.abc import Sequence

import asyncpg

from hub.events import Position
from hub.ports import Document, Page, Query, Reading, Snapshot
from storage.plans import EVERYTHING, SHOWN, list_plan, list_values, owners_of, singles_of
from storage.postgres.session import Session
from storage.rows import document_of, event_of, page_of


async def position(session: Session) -> Position:
    """Return the head of the log."""
    place = await session.one("place")
    return Position(epoch=place["epoch"], sequence=place["head"])


async def page(session: Session, topics: frozenset[str], after: int, limit: int) -> Page:
    """Return a stretch of the log and, read in the same statement, where the log begins and ends."""
    if EVERYTHING in topics:
        rows = await session.rows("page_of_all", after=after, limit=limit)
    else:
        rows = await session.rows("page", topics=list(topics), after=after, limit=limit)
    place = rows[0]
    events = tuple(event_of(row) for row in rows if row["sequence"] is not None)
    return page_of(events, limit, place)


async def read(session: Session, query: Query) -> Reading:
    """Return documents in the asked order."""
    async with session.reading():
        owners, singles = owners_of(query.topics), singles_of(query.topics)
        sessions = await session.rows("sessions", durables=singles) if singles else []
        values = list_values(query, owners, {*singles, *(row["topic"] for row in sessions)})
        plan = list_plan(query, owners)
        # The driver takes no whole number for a real one, nor the other way round.
        values["value"] = _bounded(values["value"]) if plan.endswith(("trending", "found")) else values["value"]
        return await _reading(session, await session.rows(plan, **values))


async def document(session: Session, topic: str) -> Reading:
    """Return the document of a topic, if there is one."""
    async with session.reading():
        return await _reading(session, await session.rows("document", topic=topic))


async def people(session: Session, rooms: Sequence[str]) -> Reading:
    """Return every participant of some rooms."""
    async with session.reading():
        return await _reading(session, await session.rows("list_of_people", parents=list(rooms)))


async def overlapping(session: Session, since: int, until: int, after: str, limit: int) -> Reading:
    """Return rooms that were going on at some time of a period, by topic."""
    async with session.reading():
        rows = await session.rows("list_overlapping", since=since, until=until, topic=after, limit=limit)
        return await _reading(session, rows)


async def snapshot(session: Session, topics: frozenset[str], ended_after: int) -> Snapshot:
    """Return what the topics hold; what two of them hold is there once."""
    collections = [name for name in SHOWN if EVERYTHING in topics or name in topics]
    singles = singles_of(topics)
    found: dict[str, Document] = {}
    segments: Sequence[asyncpg.Record] = ()
    async with session.reading():
        if collections:
            found |= _documents(await session.rows("current", collections=collections, ended_after=ended_after))
        if singles:
            entities = _documents(await session.rows("entities", topics=singles, ended_after=ended_after))
            found |= entities
            # By the topic of a launch, what its bot heard.
            bots = sorted(set(singles) | {topic for topic in entities if topic.startswith("bots/")})
            segments = await session.rows("segments", bots=bots)
        here = await position(session)
    return Snapshot(here, tuple(found.values()), tuple(row["body"] for row in segments))


async def transcript(session: Session, bot: str) -> tuple[bytes, ...]:
    """Return every segment of the latest generation of a bot's transcript."""
    return tuple(row["body"] for row in await session.rows("transcript", bot=bot))


async def _reading(session: Session, rows: Sequence[asyncpg.Record]) -> Reading:
    return Reading(documents=tuple(map(document_of, rows)), position=await position(session))


def _documents(rows: Sequence[asyncpg.Record]) -> dict[str, Document]:
    return {one.topic: one for one in map(document_of, rows)}


def _bounded(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
