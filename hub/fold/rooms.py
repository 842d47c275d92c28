"""What a fact about a room changes, as entries of the log and as documents."""

from collections.abc import Iterator

import msgspec

from hub.events import (
    CaptureDetail,
    ChatDetail,
    Delivery,
    Fact,
    JobDetail,
    Kind,
    NoteDetail,
    ParticipantDetail,
    TrackDetail,
)
from hub.fold.compose import CLOSED_LIMIT, Entry, circumstances
from hub.fold.household import Derived, Household
from hub.fold.parts import Parts, capture_part, provider_of
from hub.ports import Document as Row
from hub.state.capture import Document, capture_document, capture_facts
from hub.state.presence import Visit, present_ms
from hub.state.room import Tally

# Whoever repeats such an end in other words (a resend, a second channel) tells nothing new.
SETTLED = frozenset(
    {Kind.ROOM_ENDED, Kind.RECORDING_COMPLETED, Kind.RECORDING_FAILED, Kind.BOT_COMPLETED, Kind.BOT_FAILED}
    | {Kind.TRANSCRIPT_COMPLETED, Kind.TRANSCRIPT_FAILED}
)


class PresenceTally(msgspec.Struct, frozen=True):
    """What a participant's watch duration is computed from."""

    closed_ms: int
    open_since: int | None


class RoomChange(msgspec.Struct, frozen=True):
    """An entry of the log with the documents that it changes and the topics of those that are gone."""

    entry: Entry
    rows: tuple[Row, ...] = ()
    gone: frozenset[str] = frozenset()


def room_changes(
    fact: Fact, delivery: Delivery, before: Household, after: Household, left: Household | None, *, news: bool
) -> Iterator[RoomChange]:
    """Yield the fact's own entry, if it tells anything new, then one for everything that moved because of it.

    `left` is where the fact's session was kept before it told its durable room.
    """
    target = after.owner_of(fact)
    old, new = (left or before).derive(target), after.derive(target)
    if was_told(before.parts_of(target), fact):
        news = False
    told = _own_entry(fact, delivery, old, new, target, after.durable, news)
    if told:
        yield told
    yield from _departures(fact, target, after.durable, old, new)
    touched = (before.owners() | after.owners() | {after.durable}) - {target, ""} if after.pool else set()
    for session in sorted(touched):
        yield from _corrections(fact, session, before, after)


def was_told(parts: Parts, fact: Fact) -> bool:
    """Whether this end was told before: telling it again, in other words, is no news."""
    kind, detail = fact.kind, fact.detail
    if kind not in SETTLED:
        return False
    names = ("end/",) if kind is Kind.ROOM_ENDED else (f"{kind}/", f"status/{kind}/", f"transcript/{kind}/")
    # The end of one recording is not that of another.
    part = capture_part(fact, detail) if isinstance(detail, CaptureDetail) else ""
    known = parts.get(part)
    return known is not None and any(name.startswith(names) for name in known.first)


def source_details(fact: Fact, delivery: Delivery) -> Document:
    """Return what an event says of something that is in no room and of no bot."""
    detail = fact.detail
    if isinstance(detail, CaptureDetail):
        identity = f"{provider_of(delivery)}:{detail.id}"
        facts = capture_facts(fact, detail, delivery.key)
        return {fact.kind.value.partition(".")[0]: capture_document(identity, ("source", delivery.source), facts)}
    if isinstance(detail, JobDetail):
        return {"job": _job(detail)}
    said = dict(detail.said) if isinstance(detail, NoteDetail) else {}
    return {"note": {"id": getattr(detail, "id", None) or None, **said}}


def _job(detail: JobDetail) -> Document:
    return {"id": detail.id, "agent": detail.agent, "status": detail.status, "error": detail.error or None}


def rows_of(derived: Derived, durable: str) -> dict[str, Row]:
    """Return the documents of a session, by topic; bodies and sequences are filled in when they are written."""
    topic = f"rooms/{derived.room['id']}"
    room = derived.room
    rows = {
        topic: Row(
            topic=topic,
            collection="rooms",
            parent=topic,
            provider=str(room["provider"]),
            status=str(room["status"]),
            durable=f"rooms/{durable}" if durable else "",
            name=str(room["name"] or ""),
            room_id=str(room["room_id"] or ""),
            began_at=derived.tally.started_at or 0,
            ended_at=derived.tally.ended_at,
            over=room["status"] == "ended",
        )
    }
    for identity, person in derived.people.items():
        name = f"{topic}/participants/{identity}"
        rows[name] = Row(
            topic=name, collection="participants", parent=topic, began_at=person.stays[0].start if person.stays else 0
        )
    for part, document in derived.captures.items():
        if part.startswith("recording/"):
            name = f"recordings/{document['id']}"
            status, provider = str(document["status"]), str(room["provider"])
            rows[name] = Row(topic=name, collection="recordings", parent=topic, status=status, provider=provider)
    return rows


def documents_of(derived: Derived | None) -> dict[str, Document]:
    """Return what is shown of a session, by topic."""
    if derived is None:
        return {}
    topic = f"rooms/{derived.room['id']}"
    shown = {topic: derived.room}
    shown |= {f"{topic}/participants/{identity}": person.document for identity, person in derived.people.items()}
    shown |= {
        f"recordings/{document['id']}": document
        for part, document in derived.captures.items()
        if part.startswith("recording/")
    }
    return shown


def hidden_of(derived: Derived | None) -> dict[str, Tally | PresenceTally]:
    """Return what the clock-dependent numbers of a session's documents are computed from, by topic."""
    if derived is None:
        return {}
    topic = f"rooms/{derived.room['id']}"
    people = derived.people.items()
    return {topic: derived.tally} | {
        f"{topic}/participants/{identity}": _presence_tally(person.stays) for identity, person in people
    }


def _presence_tally(stays: tuple[Visit, ...]) -> PresenceTally:
    """Sum up what is over of somebody's visits."""
    open_since = stays[-1].start if stays and stays[-1].end is None else None
    return PresenceTally(present_ms((stay for stay in stays if stay.end is not None), 0), open_since)


def _own_entry(
    fact: Fact,
    delivery: Delivery,
    before: Derived | None,
    after: Derived | None,
    session: str,
    durable: str,
    news: bool,
) -> RoomChange | None:
    if after is None:
        return None
    changed = _differences(before, after)
    if not changed and not news:
        return None
    told = _details(fact, delivery, before, after)
    data = {"room": after.room, **told, **_also_changed(fact, after, changed, told), **circumstances(fact)}
    return _change(fact, fact.kind, session, durable, data, after, changed)


def _change(
    fact: Fact, kind: Kind, session: str, durable: str, data: Document, after: Derived, changed: set[str]
) -> RoomChange:
    topic = f"rooms/{session}"
    entry = Entry(kind, topic, _durable_topic(durable), fact, data)
    rows = rows_of(after, durable)
    shown = data.get("participant")
    told = {f"{topic}/participants/{shown['id']}"} if isinstance(shown, dict) else set()
    return RoomChange(entry, tuple(rows[name] for name in sorted(changed | told | {topic}) if name in rows))


def _durable_topic(durable: str) -> tuple[str, ...]:
    return (f"rooms/{durable}",) if durable else ()


def _differences(before: Derived | None, after: Derived) -> set[str]:
    """Return the topics of what is shown differently, or will be when the clock goes on."""
    old, new = documents_of(before), documents_of(after)
    past, present = _counted(before), _counted(after)
    return {topic for topic in new if old.get(topic) != new[topic] or past.get(topic) != present.get(topic)}


def _counted(derived: Derived | None) -> dict[str, Tally | PresenceTally]:
    # That the hub heard of a room again is a sign of life, but nothing to tell anybody.
    return {
        topic: msgspec.structs.replace(hidden, heard_at=None) if isinstance(hidden, Tally) else hidden
        for topic, hidden in hidden_of(derived).items()
    }


def _details(fact: Fact, delivery: Delivery, before: Derived | None, after: Derived) -> Document:
    detail = fact.detail
    if isinstance(detail, ParticipantDetail):
        return _participant_details(detail, before, after)
    if isinstance(detail, CaptureDetail):
        family = fact.kind.value.partition(".")[0]
        return {family: after.captures[f"{family}/{detail.id}"]}
    if isinstance(detail, TrackDetail):
        return _track_details(detail, after)
    if isinstance(detail, JobDetail):
        return {"job": _job(detail)}
    if isinstance(detail, ChatDetail):
        return {"message": {"id": detail.id or None, "sender": detail.sender or None, "text": detail.text}}
    if isinstance(detail, NoteDetail) and fact.kind is Kind.PROVIDER_EVENT:
        return {"note": {"id": detail.id or None, "provider": provider_of(delivery), **dict(detail.said)}}
    return {}


def _participant_details(detail: ParticipantDetail, before: Derived | None, after: Derived) -> Document:
    said: Document = {"participant": after.people[detail.id].document}
    if detail.reason:
        said["reason"] = detail.reason
    known = before.people.get(detail.id) if before else None
    previous = detail.previous_role or (known.document["role"] if known else None)
    if previous and previous != said["participant"]["role"]:  # type: ignore[index]  # a document, two lines above
        said["previous_role"] = previous
    return said


def _track_details(detail: TrackDetail, after: Derived) -> Document:
    track = {
        "id": detail.id,
        "type": detail.type or None,
        "source": detail.source or None,
        "name": detail.name or None,
        "muted": detail.muted,
        "participant": detail.participant or None,
        "identity": detail.identity or None,
    }
    owner = after.people.get(detail.participant)
    return {"track": track, **({"participant": owner.document} if owner else {})}


def _also_changed(fact: Fact, after: Derived, changed: set[str], told: Document) -> Document:
    """Return what a fact changed besides what it is about: whom an end closed, what a late start brought along."""
    topic = f"rooms/{after.room['id']}"
    people = [
        person.document
        for identity, person in after.people.items()
        if f"{topic}/participants/{identity}" in changed and person.document is not told.get("participant")
    ]
    captured = [
        document
        for document in after.captures.values()
        if f"recordings/{document['id']}" in changed and document is not told.get("recording")
    ]
    also: Document = {"recordings": captured} if captured else {}
    if people or fact.kind is Kind.ROOM_ENDED:
        also["participants"] = people[:CLOSED_LIMIT]
    return also | ({"more": True} if len(people) > CLOSED_LIMIT else {})


def _corrections(fact: Fact, session: str, before: Household, after: Household) -> Iterator[RoomChange]:
    """Tell again what a late start, end or session changed in another session of the same durable room."""
    old, new = before.derive(session), after.derive(session)
    if new is None:
        if old is not None:
            yield _vanished(fact, session, after.durable, old)
        return
    yield from _departures(fact, session, after.durable, old, new)
    room, rows = f"rooms/{session}", rows_of(new, after.durable)
    for kind, data, topic in _retold(session, new, _differences(old, new)):
        entry = Entry(kind, room, _durable_topic(after.durable), fact, {"room": new.room, **data})
        yield RoomChange(entry, tuple(rows[name] for name in sorted({room, topic})))


def _retold(session: str, new: Derived, changed: set[str]) -> Iterator[tuple[Kind, Document, str]]:
    """Yield kind, data and topic of what changed, one for each participant and recording, else one for the room."""
    topic = f"rooms/{session}"
    for identity, person in new.people.items():
        if f"{topic}/participants/{identity}" in changed:
            yield Kind.PARTICIPANT_UPDATED, {"participant": person.document}, f"{topic}/participants/{identity}"
    for document in new.captures.values():
        if f"recordings/{document['id']}" in changed:
            yield Kind.RECORDING_UPDATED, {"recording": document}, f"recordings/{document['id']}"
    if changed == {topic}:
        yield Kind.ROOM_ENDED if new.room["status"] == "ended" else Kind.ROOM_STARTED, {}, topic


def _departures(
    fact: Fact, session: str, durable: str, old: Derived | None, new: Derived | None
) -> Iterator[RoomChange]:
    """Tell a session's viewers of everybody who turned out to have been in another one."""
    if old is None or new is None:
        return
    for identity in sorted(old.people.keys() - new.people.keys()):
        yield _moved_away(fact, session, identity, old, new, durable)


def _moved_away(fact: Fact, session: str, identity: str, old: Derived, new: Derived, durable: str) -> RoomChange:
    nobody: Document = {"active": False, "joined_at": None, "left_at": None, "leave_reason": "moved"}
    data: Document = {"room": new.room, "participant": {**old.people[identity].document, **nobody}}
    change = _change(fact, Kind.PARTICIPANT_UPDATED, session, durable, data, new, set())
    return RoomChange(change.entry, change.rows, frozenset({f"rooms/{session}/participants/{identity}"}))


def _vanished(fact: Fact, session: str, durable: str, old: Derived) -> RoomChange:
    nobody = {"participant_count": 0, "speaker_count": 0, "listener_count": 0}
    room = {**old.room, **nobody, "status": "ended", "end_reason": "moved"}
    entry = Entry(Kind.ROOM_ENDED, f"rooms/{session}", (f"rooms/{durable}",), fact, {"room": room})
    return RoomChange(entry, (), frozenset(documents_of(old)))
