"""Facts and deliveries in few words, for the tests of the fold. Times are seconds after `BASE`."""

import hashlib

import msgspec
import orjson

from hub.events import CaptureDetail, Delivery, Detail, Event, Fact, Kind, ParticipantDetail
from hub.ports import Changes, Document
from tests.memory import MemoryLog

BASE = 1_773_144_000_000
RECEIVED = BASE + 3_600_000
DURABLE = "lk@daily"
SESSION = "livekit:S1"
BOT = "meetingbaas:B1"

Shown = dict[str, object]


def at(second: float) -> int:
    """Return the time of a second."""
    return BASE + round(second * 1000)


def named(kind: Kind, second: float, detail: Detail | None = None, *, room: str = SESSION, **more: object) -> Fact:
    """Return a fact that names its session and its durable room."""
    return Fact(kind=kind, time=at(second), room=room, detail=detail, **{"durable": DURABLE, **more})


def nameless(kind: Kind, second: float, detail: Detail | None = None, **more: object) -> Fact:
    """Return a fact that names only its durable room."""
    return named(kind, second, detail, room="", **more)


def of_bot(kind: Kind, second: float, detail: Detail | None = None, **more: object) -> Fact:
    """Return a fact about a bot."""
    return Fact(kind=kind, time=at(second), detail=detail, **{"bot": BOT, **more})


def joined(who: str, second: float, *, room: str = SESSION, durable: str = DURABLE, **told: object) -> Fact:
    """Return the fact that somebody came."""
    return named(Kind.PARTICIPANT_JOINED, second, ParticipantDetail(id=who, **told), room=room, durable=durable)


def left(
    who: str, second: float, since: float | None = None, *, room: str = SESSION, durable: str = DURABLE, **told: object
) -> Fact:
    """Return the fact that somebody went, who had come at `since`, if it says so."""
    detail = ParticipantDetail(id=who, joined_at=None if since is None else at(since), **told)
    return named(Kind.PARTICIPANT_LEFT, second, detail, room=room, durable=durable)


def captured(kind: Kind, second: float, name: str = "EG1", *, room: str = SESSION, **told: object) -> Fact:
    """Return a fact about a recording or a stream in a room."""
    return named(kind, second, CaptureDetail(id=name, **told), room=room)


def delivery(*facts: Fact, key: str = "", **more: object) -> Delivery:
    """Return a delivery of facts; unless told, its key is what it states."""
    key = key or hashlib.sha256(msgspec.msgpack.encode(facts)).hexdigest()
    common = {"source": "lk", "scope": "livekit/", "received_at": RECEIVED, "body": b"{}", "provider_type": "told"}
    return Delivery(key=key, facts=facts, **{**common, **more})


def folded(*facts: Fact) -> MemoryLog:
    """Return a log that got every fact by a delivery of its own, one after the other."""
    log = MemoryLog()
    for fact in facts:
        log.commit([delivery(fact)])
    return log


def body(document: Document) -> Shown:
    """Return what a document shows, but for the sequence."""
    shown = orjson.loads(document.body)
    del shown["sequence"]
    return shown


def shown(log: MemoryLog, topic: str) -> Shown:
    """Return what the log shows by a topic."""
    return body(log.documents[topic])


def envelope(event: Event) -> Shown:
    """Return an event as JSON."""
    return orjson.loads(event.json("e"))


def told(event: Event) -> Shown:
    """Return the data of an event."""
    return envelope(event)["data"]


def types(changes: Changes) -> list[str]:
    """Return the types of the events that changes add to the log."""
    return [envelope(event)["type"] for event, _ in changes.events]
