"""What a fact about a room changes, as entries of the log and as documents."""

from collections.abc import Iterable, Iterator, Mapping

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
    RoomDetail,
    ScheduleDetail,
    TrackDetail,
)
from hub.fold.compose import CLOSED_LIMIT, Change, Entry, circumstances
from hub.fold.derived import Derived
from hub.fold.household import Household
from hub.fold.parts import Parts, capture_part, provider_of
from hub.ports import Document as Row
from hub.state.capture import Artifacts, Capture, Document, capture_document, capture_facts, told_alike
from hub.state.participant import Participant, Presence
from hub.state.room import Tally
from hub.state.trending import trending_base, trending_key

# Whoever repeats such an end in other words (a resend, a second channel) tells nothing new.
SETTLED = frozenset(
    {Kind.ROOM_ENDED, Kind.RECORDING_COMPLETED, Kind.RECORDING_FAILED, Kind.BOT_COMPLETED, Kind.BOT_FAILED}
    | {Kind.TRANSCRIPT_COMPLETED, Kind.TRANSCRIPT_FAILED}
)


Hidden = Tally | Presence | Artifacts


def room_changes(
    fact: Fact, delivery: Delivery, before: Household, after: Household, left: Household | None, *, news: bool
) -> Iterator[Change]:
    """Yield the fact's own entry, if it tells anything new, then one for everything that moved because of it.

    `left` is where the fact's session was kept before it told of this durable room.
    """
    if isinstance(fact.detail, ScheduleDetail):
        return
    decides = isinstance(fact.detail, RoomDetail) and not fact.room
    target = after.current() if decides else after.owner_of(fact)
    old, new = (left or before).derive(target), after.derive(target)
    if was_told(before.parts_of(target), fact):
        news = False
    told = _own_entry(fact, delivery, old, new, target, after.durable, news)
    if told:
        yield told
    yield from _departures(fact, target, after.durable, old, new)
    yield from other_changes(fact, target, before, after)


def other_changes(fact: Fact, target: str, before: Household, after: Household) -> Iterator[Change]:
    """Yield what a fact of one session changed in others of the same durable room."""
    touched = before.owners() | after.owners() | {after.durable} if after.pool else set()
    if before.is_featured or after.is_featured:
        touched |= {before.current(), after.current()}
    for session in sorted(touched - {target, ""}):
        yield from corrections(fact, session, before, after)


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


def rows_of(derived: Derived, durable: str, topics: Iterable[str]) -> tuple[Row, ...]:
    """Return those of a session's documents that are wanted, in the order of topics, without bodies and sequences."""
    own, parts = topic_of(derived), dict(_parts_of(derived, topics))
    provider = str(derived.room["provider"])
    return tuple(
        _room_row(own, derived, durable) if topic == own else _part_row(topic, own, provider, parts[topic])
        for topic in topics
        if topic == own or topic in parts
    )


def _room_row(topic: str, derived: Derived, durable: str) -> Row:
    room = derived.room
    return Row(
        topic=topic,
        collection="rooms",
        parent=topic,
        provider=str(room["provider"]),
        status=str(room["status"]),
        durable=f"rooms/{durable}" if durable else "",
        name=str(room["name"] or ""),
        room_id=str(room["room_id"] or ""),
        began_at=derived.tally.named_at or 0,
        active_at=derived.tally.active_at or 0,
        ended_at=derived.tally.ended_at,
        over=room["status"] == "ended",
        trending=trending_key(_base(room), derived.tally.active_at or 0),
    )


def _part_row(topic: str, room: str, provider: str, one: Participant | Capture) -> Row:
    if isinstance(one, Capture):
        return recording_row(topic, room, provider, one)
    return Row(
        topic=topic,
        collection="participants",
        parent=room,
        # A participant's name here is its user, whose other devices are found by it.
        name=str(one.document["identity"] or ""),
        began_at=one.stays[0].start if one.stays else 0,
    )


def _base(room: Document) -> int:
    listeners, speakers = room["listener_count"], room["speaker_count"]
    counts = (listeners, speakers) if isinstance(listeners, int) and isinstance(speakers, int) else (0, 0)
    return trending_base(*counts, featured=room["featured"] is True)


def recording_row(name: str, parent: str, provider: str, one: Capture) -> Row:
    """Return the document of a recording, or of a room's transcript."""
    alias = one.document["alias"]
    return Row(
        topic=name,
        collection="recordings",
        parent=parent,
        provider=provider,
        status=str(one.document["status"]),
        name=f"{provider}:{alias}" if alias else "",
        began_at=one.began_at,
    )


def recordings_of(derived: Derived) -> dict[str, Capture]:
    """Return what was captured and is kept, by topic; live streams leave nothing."""
    kept = (one for part, one in derived.captures.items() if not part.startswith("stream/"))
    return {f"recordings/{one.document['id']}": one for one in kept}


def topic_of(derived: Derived) -> str:
    """Return the topic of a session."""
    return f"rooms/{derived.room['id']}"


def topics_of(derived: Derived | None) -> frozenset[str]:
    """Return the topics of all documents of a session."""
    if derived is None:
        return frozenset()
    own = topic_of(derived)
    return frozenset({own, *(f"{own}/participants/{identity}" for identity in derived.people), *recordings_of(derived)})


def documents_of(derived: Derived, topics: Iterable[str]) -> dict[str, Document]:
    """Return what is shown of a session, and of those of its parts that some topics name."""
    return {topic_of(derived): derived.room} | {name: one.document for name, one in _parts_of(derived, topics)}


def hidden_of(derived: Derived, topics: Iterable[str]) -> dict[str, Hidden]:
    """Return what is kept beside these documents: for the clock, and for authorised readers."""
    parts = _parts_of(derived, topics)
    hidden: dict[str, Hidden] = {topic_of(derived): derived.tally}
    return hidden | {name: one.artifacts if isinstance(one, Capture) else one.presence for name, one in parts}


def _parts_of(derived: Derived, topics: Iterable[str]) -> Iterator[tuple[str, Participant | Capture]]:
    """Yield the participants and recordings of a session that some topics name."""
    people, recordings = f"{topic_of(derived)}/participants/", recordings_of(derived)
    for topic in topics:
        one = derived.people.get(topic.removeprefix(people)) if topic.startswith(people) else recordings.get(topic)
        if one:
            yield topic, one


def differing(old: Mapping[str, object], new: Mapping[str, object]) -> set[str]:
    """Return the topics of what is new or not as it was, as far as anybody is told."""
    return {topic for topic, one in new.items() if old.get(topic) != one and not told_alike(old.get(topic), one)}


def _own_entry(
    fact: Fact,
    delivery: Delivery,
    before: Derived | None,
    after: Derived | None,
    session: str,
    durable: str,
    news: bool,
) -> Change | None:
    changed = _differences(before, after) if after else set()
    if not changed and not news:
        return None
    if after is None or (not changed and fact.kind is Kind.PROVIDER_EVENT):
        return _unknown(fact, delivery, session, durable)
    told = _details(fact, delivery, before, after)
    data = {"room": after.room, **told, **_also_changed(fact, after, changed, told), **circumstances(fact)}
    return _change(fact, fact.kind, session, durable, data, after, changed)


def _unknown(fact: Fact, delivery: Delivery, session: str, durable: str) -> Change | None:
    """Show what nobody knows the meaning of, and that changes nothing."""
    if not isinstance(fact.detail, NoteDetail):
        return None
    data = {**_note(fact.detail, delivery), **circumstances(fact)}
    return Change(Entry(fact.kind, f"rooms/{session}", _durable_topic(durable), fact, data))


def _note(detail: NoteDetail, delivery: Delivery) -> Document:
    return {"note": {"id": detail.id or None, "provider": provider_of(delivery), **dict(detail.said)}}


def _change(
    fact: Fact, kind: Kind, session: str, durable: str, data: Document, after: Derived, changed: set[str]
) -> Change:
    topic = f"rooms/{session}"
    entry = Entry(kind, topic, _durable_topic(durable), fact, data)
    # What is told again has the sequence of who told it last.
    parents = {"participant": f"{topic}/participants", "recording": "recordings", "transcript": "recordings"}
    shown = ((parent, data.get(name)) for name, parent in parents.items())
    told = {f"{parent}/{one['id']}" for parent, one in shown if isinstance(one, dict)}
    return Change(entry, rows_of(after, durable, sorted(changed | told | {topic})))


def _durable_topic(durable: str) -> tuple[str, ...]:
    return (f"rooms/{durable}",) if durable else ()


def _differences(before: Derived | None, after: Derived) -> set[str]:
    """Return the topics of what is shown differently, or will be when the clock goes on."""
    own = topic_of(after)
    people = before.people if before else {}
    changed = {
        f"{own}/participants/{identity}"
        for identity, one in after.people.items()
        # Most are the very same.
        if (known := people.get(identity)) is not one and not (known and _is_shown_alike(known, one))
    }
    changed |= differing(recordings_of(before) if before else {}, recordings_of(after))
    return changed | {own} if before is None or _compared(before) != _compared(after) else changed


def _is_shown_alike(old: Participant, new: Participant) -> bool:
    return old.document == new.document and old.presence == new.presence


def _compared(derived: Derived) -> tuple[Document, Tally]:
    # That the hub heard of a room again is a sign of life, but nothing to tell anybody.
    return derived.room, msgspec.structs.replace(derived.tally, heard_at=None)


def _details(fact: Fact, delivery: Delivery, before: Derived | None, after: Derived) -> Document:
    detail = fact.detail
    if isinstance(detail, ParticipantDetail):
        # Of whom the hub saw and nobody told, there is nothing to show yet.
        return _participant_details(detail, before, after) if detail.id in after.people else {}
    if isinstance(detail, CaptureDetail):
        family = fact.kind.value.partition(".")[0]
        return {family: after.captures[f"{family}/{detail.id}"].document}
    if isinstance(detail, TrackDetail):
        return _track_details(detail, after)
    if isinstance(detail, JobDetail):
        return {"job": _job(detail)}
    if isinstance(detail, ChatDetail):
        return {"message": {"id": detail.id or None, "sender": detail.sender or None, "text": detail.text}}
    if isinstance(detail, NoteDetail) and fact.kind is Kind.PROVIDER_EVENT:
        return _note(detail, delivery)
    return {}


def _participant_details(detail: ParticipantDetail, before: Derived | None, after: Derived) -> Document:
    said: Document = {"participant": after.people[detail.id].document}
    if detail.cause or detail.reason:
        said["reason"] = detail.cause or detail.reason
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
    prefix = f"{topic_of(after)}/participants/"
    who = {name.removeprefix(prefix) for name in changed}
    people = [
        person.document
        for identity, person in after.people.items()
        if identity in who and person.document is not told.get("participant")
    ]
    captured = [
        one.document
        for name, one in recordings_of(after).items()
        if name in changed and not any(one.document is shown for shown in told.values())
    ]
    also: Document = {"recordings": captured} if captured else {}
    if people or fact.kind is Kind.ROOM_ENDED:
        also["participants"] = people[:CLOSED_LIMIT]
    return also | ({"more": True} if len(people) > CLOSED_LIMIT else {})


def corrections(fact: Fact, session: str, before: Household, after: Household) -> Iterator[Change]:
    """Tell again what a late start, end or session changed in another session of the same durable room."""
    old, new = before.derive(session), after.derive(session)
    if new is None:
        if old is not None:
            yield _vanished(fact, session, after.durable, old)
        return
    yield from _departures(fact, session, after.durable, old, new)
    for kind, data, topics in _retold(fact, session, old, new):
        entry = Entry(kind, f"rooms/{session}", _durable_topic(after.durable), fact, {"room": new.room, **data})
        yield Change(entry, rows_of(new, after.durable, sorted(topics)))


def _retold(fact: Fact, session: str, old: Derived | None, new: Derived) -> Iterator[tuple[Kind, Document, set[str]]]:
    """Yield kind, data and topics of what changed: in one when the room began or ended, else one by one."""
    topic, changed = f"rooms/{session}", _differences(old, new)
    status = new.room["status"]
    has_turned = old is None or old.room["status"] != status
    if changed and (has_turned or changed == {topic}):
        turned = Kind.ROOM_ENDED if status == "ended" else Kind.ROOM_STARTED
        kind = turned if has_turned else Kind.ROOM_UPDATED
        yield kind, _also_changed(fact, new, changed, {}), changed | {topic}
        return
    for identity, person in new.people.items():
        if f"{topic}/participants/{identity}" in changed:
            who = f"{topic}/participants/{identity}"
            yield Kind.PARTICIPANT_UPDATED, {"participant": person.document}, {topic, who}
    for name, one in recordings_of(new).items():
        if name in changed:
            yield Kind.RECORDING_UPDATED, {"recording": one.document}, {topic, name}


def _departures(fact: Fact, session: str, durable: str, old: Derived | None, new: Derived | None) -> Iterator[Change]:
    """Tell a session's viewers of everybody who turned out to have been in another one."""
    if old is None or new is None:
        return
    for identity in sorted(old.people.keys() - new.people.keys()):
        yield _moved_away(fact, session, identity, old, new, durable)


def _moved_away(fact: Fact, session: str, identity: str, old: Derived, new: Derived, durable: str) -> Change:
    nobody: Document = {"active": False, "joined_at": None, "left_at": None, "leave_reason": "moved"}
    data: Document = {"room": new.room, "participant": {**old.people[identity].document, **nobody}}
    change = _change(fact, Kind.PARTICIPANT_UPDATED, session, durable, data, new, set())
    return Change(change.entry, change.rows, frozenset({f"rooms/{session}/participants/{identity}"}))


def _vanished(fact: Fact, session: str, durable: str, old: Derived) -> Change:
    nobody = {"participant_count": 0, "speaker_count": 0, "listener_count": 0}
    room = {**old.room, **nobody, "status": "ended", "end_reason": "moved"}
    entry = Entry(Kind.ROOM_ENDED, f"rooms/{session}", (f"rooms/{durable}",), fact, {"room": room})
    return Change(entry, (), topics_of(old))
