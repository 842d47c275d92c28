"""Who 100ms says is in a room: peers, each a visit with an id of its own, and what becomes of their roles."""

import orjson

from handlers.providers.hms_telling import Telling
from handlers.providers.judging import ID_CHARACTERS, identify
from handlers.providers.reading import Payload, flag, mapping, text
from hub.errors import Unusable
from hub.events import Fact, Kind, ParticipantDetail, TrackDetail, escape_id
from hub.redaction import harmless, pseudonym

# What the schedule guide puts down as the reason of every leave; 100ms' own is its cause.
_LEFT = "peer_left_100ms"
# Templates give such roles to 100ms' own peers: `__internal_recorder` joins to record.
_INTERNAL_ROLE = "__"


def read_join(telling: Telling) -> tuple[Fact, ...]:
    """Read that somebody joined. Raises Unusable when nobody is named."""
    return (telling.fact(Kind.PARTICIPANT_JOINED, _visit(telling)),)


def read_leave(telling: Telling) -> tuple[Fact, ...]:
    """Read that somebody left, which tells the whole visit. Raises Unusable when nobody is named."""
    causes = (harmless(text(telling.content, field)) for field in ("reason", "message"))
    cause = harmless(": ".join(filter(None, causes)))
    visit = _visit(telling, reason=_LEFT, cause=cause)
    return (telling.fact(Kind.PARTICIPANT_LEFT, visit, since=visit.joined_at),)


def read_rejection(telling: Telling) -> tuple[Fact, ...]:
    """Read that somebody could not join. Raises Unusable when nobody is named."""
    return (telling.fact(Kind.PARTICIPANT_REJECTED, _visit(telling, reason=telling.error())),)


def read_role_change(telling: Telling) -> tuple[Fact, ...]:
    """Read that somebody has another role. Raises Unusable when nobody is named."""
    return (telling.fact(Kind.PARTICIPANT_UPDATED, _visit(telling)),)


def read_peer_failure(telling: Telling) -> tuple[Fact, ...]:
    """Read that something failed with somebody, which changes nothing. Raises Unusable when nobody is named."""
    visit = _visit(telling)
    return (telling.note(error=telling.error(), peer=visit.id, identity=visit.identity, role=visit.role),)


def read_track(telling: Telling) -> tuple[Fact, ...]:
    """Read that a track changed: the room-statistics guide's, which need not say which track or whose."""
    track = mapping(telling.content, "track")
    peer = _peer_id(telling)
    named = identify(track, "id") or identify(telling.content, "track_id")
    detail = TrackDetail(
        id=named or (escape_id(f"peer:{peer}") if peer else "track"),
        participant=peer,
        identity=identity_in(telling),
        type=harmless(text(track, "type") or text(telling.content, "track_type")).lower(),
        source=harmless(text(track, "source")).lower(),
        muted=flag(track, "muted"),
    )
    return (telling.fact(Kind.TRACK_UPDATED, detail),)


def identity_in(telling: Telling) -> str:
    """Return who somebody is for the customer: `user_id`, else the one that `user_data` holds."""
    person = _person(telling)
    user_data = _user_data(person)
    places = ((person, "user_id"), (user_data, "userId"), (user_data, "user_id"))
    found = (text(place, field, limit=ID_CHARACTERS) for place, field in places)
    return pseudonym(next(filter(None, found), ""))


def _visit(telling: Telling, *, reason: str = "", cause: str = "") -> ParticipantDetail:
    person = _person(telling)
    role = harmless(text(person, "role"))
    detail = ParticipantDetail(
        id=_peer_id(telling),
        identity=identity_in(telling),
        name=harmless(text(person, "user_name")),
        role=role,
        kind=_kind(telling, role),
        joined_at=telling.past("joined_at"),
        duration_ms=_duration_ms(telling),
        reason=reason,
        cause=cause,
        previous_role=harmless(text(person, "previous_role")),
    )
    if not detail.id:
        raise Unusable(f"{telling.name} names no peer_id")
    return detail


def _person(telling: Telling) -> Payload:
    """Return the peer's fields, which the room-statistics guide keeps in an object of their own."""
    return {**telling.content, **mapping(telling.content, "peer")}


def _peer_id(telling: Telling) -> str:
    return identify(telling.content, "peer", "id") or identify(_person(telling), "peer_id")


def _kind(telling: Telling, role: str) -> str:
    if role.startswith(_INTERNAL_ROLE):
        return "recorder"
    # `regular` or `sip`. Brief payloads do not tell, and must not make a person of what is none.
    told = text(telling.inner, "type")
    return ("sip" if told == "sip" else "human") if told else ""


def _duration_ms(telling: Telling) -> int | None:
    length, told_at = telling.length_ms("duration"), telling.told_at or telling.received_at
    # None at all is Go's zero value, and nobody came before 1970.
    return length if length is not None and 0 < length < told_at else None


def _user_data(person: Payload) -> Payload:
    """Return what the customer's app attached to the peer: 100ms sends it as text, which need not be JSON."""
    told = person.get("user_data")
    if isinstance(told, str):
        try:
            told = orjson.loads(told)
        except orjson.JSONDecodeError:
            return {}
    return told if isinstance(told, dict) else {}
