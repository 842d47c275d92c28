"""LiveKit: what its webhooks state, in the hub's words.

Payloads are protojson: zero values are left out (a missing track type *is* AUDIO), 64-bit integers are text,
and `createdAt` has whole seconds.
"""

from handlers.providers.arrival import Spoken
from handlers.providers.judging import event_name, first_text, identify, identify_visit, not_before, past, read_error
from handlers.providers.livekit_captures import read_egress, read_ingress
from handlers.providers.livekit_proof import sign, verify
from handlers.providers.livekit_statement import Statement
from handlers.providers.reading import Payload, flag, mapping, moment, text
from hub.errors import Unusable
from hub.events import (
    NAME_LIMIT,
    Fact,
    JobDetail,
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

_SIDS = (("room", "sid"), ("egressInfo", "roomId"), ("ingressInfo", "state", "roomId"), ("job", "room", "sid"))
_NAMES = (("room", "name"), ("egressInfo", "roomName"), ("ingressInfo", "roomName"), ("job", "room", "name"))
# What these kinds are about exists only in a room; egresses, ingresses and jobs may be without one.
_IN_A_ROOM = frozenset({"room", "participant", "track"})

_PARTICIPANT_KINDS = {
    "STANDARD": "human",
    "INGRESS": "ingress",
    "EGRESS": "recorder",
    "SIP": "sip",
    "AGENT": "agent",
    "CONNECTOR": "agent",
    "BRIDGE": "agent",
}


def translate(source: Source, payload: Payload, received_at: int) -> Spoken:
    """Say a payload in the hub's words; events that are not known become a `provider.event`.

    Raises Unusable when the payload names no event, or not what the event is about.
    """
    name = event_name(payload, "event")
    if not name:
        raise Unusable("the body names no event")
    statement = _read(name, payload, received_at)
    told_at = statement.time or moment(payload, "createdAt")
    time, skewed = clamp_time(told_at, received_at)
    fact = Fact(
        kind=statement.kind,
        time=time,
        skewed=skewed,
        room=_room(payload),
        durable=_durable(source, payload),
        session=_session(source, payload, received_at),
        detail=statement.detail,
        closing_reason=statement.closing_reason,
    )
    if not fact.entity and fact.kind.partition(".")[0] in _IN_A_ROOM:
        raise Unusable(f"{name} names no room")
    return Spoken(
        provider_type=name,
        facts=(fact,),
        delivery_id=identify(payload, "id"),
        timed=told_at is not None,
    )


def _read(name: str, payload: Payload, received_at: int) -> Statement:
    match name:
        case "room_started" | "room_finished":
            return _read_room(name, payload, received_at)
        case "participant_joined" | "participant_left" | "participant_connection_aborted":
            return _read_participant(name, payload, received_at)
        case "track_published" | "track_unpublished":
            return _read_track(name, payload)
        case "egress_started" | "egress_updated" | "egress_ended":
            return read_egress(name, payload, received_at)
        case "ingress_started" | "ingress_ended":
            return read_ingress(name, payload, received_at)
        case "agent_job_started" | "agent_job_ended":
            return _read_job(name, payload)
    return Statement(Kind.PROVIDER_EVENT, None, NoteDetail(said=(("event", name),)))


def _read_room(name: str, payload: Payload, received_at: int) -> Statement:
    created_at = _created_at(payload)
    if name == "room_started":
        return Statement(Kind.ROOM_STARTED, created_at)
    reason = text(payload, "roomEndReason").removeprefix("ROOM_END_").lower()
    note = NoteDetail(said=(("reason", reason),)) if reason else None
    ended_at = not_before(past(created_at, received_at), moment(payload, "createdAt"))
    return Statement(Kind.ROOM_ENDED, ended_at, note, closing_reason="room_finished")


def _created_at(payload: Payload) -> int | None:
    rooms = (mapping(payload, "room"), mapping(payload, "job", "room"))
    told = (moment(room, "creationTimeMs") or moment(room, "creationTime") for room in rooms)
    return next(filter(None, told), None)


def _read_participant(name: str, payload: Payload, received_at: int) -> Statement:
    participant = mapping(payload, "participant")
    joined_at = moment(participant, "joinedAtMs") or moment(participant, "joinedAt")
    detail = ParticipantDetail(
        id=identify_visit(participant, "sid"),
        identity=pseudonym(text(participant, "identity")),
        name=harmless(text(participant, "name")),
        kind=_participant_kind(participant),
        may_publish=_may_publish(participant),
        joined_at=past(joined_at, received_at),
        reason=text(participant, "disconnectReason").lower(),
    )
    if not detail.id:
        raise Unusable(f"{name} names no participant")
    if name == "participant_joined":
        return Statement(Kind.PARTICIPANT_JOINED, joined_at, detail)
    kind = Kind.PARTICIPANT_LEFT if name == "participant_left" else Kind.PARTICIPANT_REJECTED
    return Statement(kind, not_before(detail.joined_at, moment(payload, "createdAt")), detail)


def _participant_kind(participant: Payload) -> str:
    told = text(participant, "kind")
    if told not in ("", "STANDARD"):
        return _PARTICIPANT_KINDS.get(told, "")
    # Old servers send no kind: recorders and agents are known by their names and permissions.
    identity, permission = text(participant, "identity"), mapping(participant, "permission")
    if identity.startswith("EG_") or (flag(permission, "hidden") and flag(permission, "recorder")):
        return "recorder"
    if identity.startswith("agent-") or flag(permission, "agent"):
        return "agent"
    is_full = any(key in participant for key in ("kind", "state", "joinedAt", "joinedAtMs"))
    return "human" if is_full else ""


def _may_publish(participant: Payload) -> bool | None:
    if not isinstance(participant.get("permission"), dict):
        return None
    return flag(participant, "permission", "canPublish") or False


def _read_track(name: str, payload: Payload) -> Statement:
    track, participant = mapping(payload, "track"), mapping(payload, "participant")
    detail = TrackDetail(
        id=identify(track, "sid"),
        participant=identify_visit(participant, "sid"),
        identity=pseudonym(text(participant, "identity")),
        type=text(track, "type").lower() or "audio",
        source=text(track, "source").lower(),
        name=text(track, "name"),
        muted=flag(track, "muted") or False,
    )
    if not detail.id:
        raise Unusable(f"{name} names no track")
    kind = Kind.TRACK_PUBLISHED if name == "track_published" else Kind.TRACK_UNPUBLISHED
    return Statement(kind, None, detail)


def _read_job(name: str, payload: Payload) -> Statement:
    job = mapping(payload, "job")
    state = mapping(job, "state")
    detail = JobDetail(
        id=identify(job, "id"),
        agent=text(job, "agentName"),
        status=text(state, "status").removeprefix("JS_").lower(),
        error=read_error(state),
    )
    if not detail.id:
        raise Unusable(f"{name} names no job")
    if name == "agent_job_started":
        return Statement(Kind.JOB_STARTED, moment(state, "startedAt"), detail)
    return Statement(Kind.JOB_ENDED, moment(state, "endedAt"), detail)


def _room(payload: Payload) -> str:
    sid = first_text(payload, _SIDS)
    return f"livekit:{escape_id(sid)}" if sid else ""


def _durable(source: Source, payload: Payload) -> str:
    return source.durable_room(escape_id(room_key(first_text(payload, _NAMES))))


def _session(source: Source, payload: Payload, received_at: int) -> Session | None:
    sid, name = first_text(payload, _SIDS), first_text(payload, _NAMES)
    if not sid and not name:
        return None
    return Session(
        name=room_name(name)[:NAME_LIMIT],
        session_id=sid[:NAME_LIMIT],
        project=source.account,
        started_at=past(_created_at(payload), received_at),
    )
