"""Pulse: what its webhooks state, in the hub's words.

There are two dialects. The guide's events have dotted names and their content in `data`, and name the session
(`room_sid`) only where rooms and participants are concerned. Pulse's public code writes `snake_case` names and
everything at the top, and knows rooms by their names alone. Neither gives a delivery an id, and the guide's tracks and
recordings have no time at all.
"""

from collections.abc import Callable, Mapping

from handlers.providers.arrival import Spoken
from handlers.providers.judging import ID_CHARACTERS, event_name, first_text, identify, identify_visit, past
from handlers.providers.livekit_statement import Statement
from handlers.providers.pulse_captures import read_duration, read_egress, read_ingress, read_recording
from handlers.providers.pulse_proof import sign, verify
from handlers.providers.reading import Payload, flag, mapping, moment, number, parse_payload, text, whole
from hub.errors import Unusable
from hub.events import (
    NAME_LIMIT,
    Fact,
    Kind,
    NoteDetail,
    ParticipantDetail,
    Session,
    TrackDetail,
    clamp_time,
    escape_id,
)
from hub.redaction import harmless, pseudonym, room_key, room_name
from hub.settings import Source

__all__ = ["sign", "translate", "verify"]

# Where a room is named: in the content itself, or by the code's dialect also in the object that the event is about.
_NAMES = (("room_name",), ("egress", "room_name"), ("ingress", "room_name"), ("recording", "room_name"))
# What these kinds are about exists only in a room; what is captured may be without one.
_IN_A_ROOM = frozenset({"room", "participant", "track"})
_METADATA_CHARACTERS = 64 * 1024
# A thousand people for a thousand years.
_MOST_MINUTES = 10**12
_MOST_PEOPLE = 10**9


def translate(source: Source, payload: Payload, received_at: int) -> Spoken:
    """Say a payload in the hub's words; events that are not known become a `provider.event`.

    Raises Unusable when the payload names no event, or not what the event is about.
    """
    name = event_name(payload, "event")
    if not name:
        raise Unusable("the body names no event")
    # People who try things out mix the dialects; what stands in both places is meant as in `data`.
    content = {**payload, **mapping(payload, "data")}
    statement = _READERS.get(name, _read_unknown)(name, content, received_at)
    told_at = statement.time or moment(payload, "timestamp")
    time, skewed = clamp_time(told_at, received_at)
    sid = text(content, "room_sid", limit=ID_CHARACTERS)
    fact = Fact(
        kind=statement.kind,
        time=time,
        skewed=skewed,
        room=f"pulse:{escape_id(room_key(sid))}" if sid else "",
        durable=source.durable_room(escape_id(room_key(first_text(content, _NAMES)))),
        session=_session(source, content, statement.kind, received_at),
        detail=statement.detail,
        closing_reason=statement.closing_reason,
    )
    if not fact.entity and fact.kind.partition(".")[0] in _IN_A_ROOM:
        raise Unusable(f"{name} names no room: neither room_sid nor room_name is there")
    return Spoken(provider_type=name, facts=(fact,), timed=told_at is not None)


def _read_unknown(event: str, _content: Payload, _received_at: int) -> Statement:
    return Statement(Kind.PROVIDER_EVENT, None, NoteDetail(said=(("event", event),)))


def _read_room(event: str, content: Payload, _received_at: int) -> Statement:
    if event.endswith("started"):
        return Statement(Kind.ROOM_STARTED, moment(content, "created_at") or moment(content, "started_at"))
    return Statement(Kind.ROOM_ENDED, moment(content, "ended_at"), closing_reason="room_ended")


def _read_participant(event: str, content: Payload, _received_at: int) -> Statement:
    participant = mapping(content, "participant")
    has_left = event.endswith("left")
    detail = ParticipantDetail(
        id=identify_visit(participant, "sid", "id"),
        identity=pseudonym(text(participant, "identity")),
        name=harmless(text(participant, "name") or text(_metadata(participant), "name")),
        # With it a leave is a whole visit by itself, also when the join was lost.
        duration_ms=read_duration(participant) if has_left else None,
        reason="participant_left" if has_left else "",
    )
    if not detail.id:
        raise Unusable(f"{event} names no participant: neither sid, id nor identity is there")
    return Statement(Kind.PARTICIPANT_LEFT if has_left else Kind.PARTICIPANT_JOINED, None, detail)


def _metadata(participant: Payload) -> Payload:
    """Return the metadata, which is an object, or, as in LiveKit beneath, the text of one."""
    told = participant.get("metadata")
    if not isinstance(told, str) or len(told) > _METADATA_CHARACTERS:
        return mapping(participant, "metadata")
    try:
        return parse_payload(told.encode("utf-8", "replace"))
    except Unusable:
        return {}


def _read_track(event: str, content: Payload, _received_at: int) -> Statement:
    track, participant = mapping(content, "track"), mapping(content, "participant")
    identity = text(content, "participant_identity") or text(participant, "identity")
    detail = TrackDetail(
        id=identify(track, "sid") or identify(track, "id"),
        # The guide names only the identity; which of its visits it is cannot be told from that.
        participant=identify(participant, "sid") or identify(participant, "id"),
        identity=pseudonym(identity),
        type=text(track, "type").lower(),
        source=text(track, "source").lower(),
        name=harmless(text(track, "name")),
        muted=flag(track, "muted"),
    )
    if not detail.id:
        raise Unusable(f"{event} names no track")
    return Statement(Kind.TRACK_UNPUBLISHED if "unpublished" in event else Kind.TRACK_PUBLISHED, None, detail)


def _session(source: Source, content: Payload, kind: Kind, received_at: int) -> Session | None:
    sid, name = text(content, "room_sid", limit=ID_CHARACTERS), first_text(content, _NAMES)
    if not sid and not name:
        return None
    # Elsewhere `created_at` and `duration_seconds` are about something in the room.
    told_of_room = content if kind in (Kind.ROOM_STARTED, Kind.ROOM_ENDED) else {}
    totals = content if kind is Kind.ROOM_ENDED else {}
    minutes = number(totals, "total_participant_minutes")
    peak = whole(totals, "max_participants")
    return Session(
        name=room_name(name)[:NAME_LIMIT],
        session_id=room_name(sid)[:NAME_LIMIT],
        project=text(content, "project_id") or source.account,
        started_at=past(moment(told_of_room, "created_at"), received_at),
        duration_ms=read_duration(totals),
        participant_ms=round(minutes * 60_000) if minutes is not None and 0 <= minutes <= _MOST_MINUTES else None,
        peak=peak if peak is not None and 0 <= peak <= _MOST_PEOPLE else None,
    )


# By the guide's names, and by those of Pulse's public code, which has no events of tracks.
_READERS: Mapping[str, Callable[[str, Payload, int], Statement]] = {
    "room.started": _read_room,
    "room.ended": _read_room,
    "participant.joined": _read_participant,
    "participant.left": _read_participant,
    "track.published": _read_track,
    "track.unpublished": _read_track,
    "egress.started": read_egress,
    "egress.ended": read_egress,
    "recording.completed": read_recording,
    "room_started": _read_room,
    "room_ended": _read_room,
    "participant_joined": _read_participant,
    "participant_left": _read_participant,
    "egress_started": read_egress,
    "egress_ended": read_egress,
    "recording_available": read_recording,
    "ingress_started": read_ingress,
    "ingress_ended": read_ingress,
}
