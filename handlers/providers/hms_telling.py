"""One 100ms payload as the hub reads it: what happened, in which session, when, and what surrounds it."""

from collections.abc import Collection

import msgspec

from handlers.providers.judging import ID_CHARACTERS, event_name, identify, not_before, past, read_error
from handlers.providers.reading import Payload, flag, mapping, moment, number, text
from hub.errors import Unusable
from hub.events import NAME_LIMIT, Detail, Fact, Kind, NoteDetail, Session, clamp_time, escape_id
from hub.redaction import harmless, pseudonym, room_key
from hub.settings import Source

# The field that tells when it happened. What is not here has only the time of its envelope: the other times that it
# holds are those of the session, the visit or the recording that it is about.
_TOLD_BY = {
    "session.open.success": "session_started_at",
    "session.close.success": "session_stopped_at",
    "peer.join.success": "joined_at",
    "peer.joined": "joined_at",
    "peer.leave.success": "left_at",
    "peer.left": "left_at",
    "role.change.success": "role_changed_at",
    "beam.started.success": "started_at",
    "beam.stopped.success": "stopped_at",
    "beam.recording.success": "created_at",
    "hls.started.success": "started_at",
    "hls.stopped.success": "stopped_at",
    "hls.recording.success": "recording_created_at",
    "ingest.start.success": "started_at",
    "ingest.end.success": "completed_at",
}
# What lasts no longer than this, some thirty years, has a length that was meant.
_LONGEST_S = 10**9


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What a payload says, with what all its facts have in common."""

    name: str
    # `data`, and around it the envelope: the room-statistics guide has everything there.
    content: Payload
    # `data` alone: the envelope has a `type` of its own.
    inner: Payload
    # Ids of the session and the durable room, empty where the payload names none.
    room: str
    durable: str
    session: Session
    # The payload's own time of what happened.
    told_at: int | None
    received_at: int
    replay: bool

    def fact(
        self, kind: Kind, detail: Detail | None = None, *, since: int | None = None, closing_reason: str = ""
    ) -> Fact:
        """State something about the session, or the durable room; what began at `since` did not end before."""
        time, skewed = clamp_time(not_before(since, self.told_at), self.received_at)
        return Fact(
            kind=kind,
            time=time,
            skewed=skewed,
            room=self.room,
            durable=self.durable,
            session=self.session if self.room or self.durable else None,
            detail=detail,
            replay=self.replay,
            closing_reason=closing_reason,
        )

    def note(self, **said: str) -> Fact:
        """State what changes nothing but is worth showing; what is empty is left out."""
        told = {"event": self.name, **said}
        pairs = tuple(sorted((name, value) for name, value in told.items() if value))
        return self.fact(Kind.PROVIDER_EVENT, NoteDetail(said=pairs))

    def past(self, field: str) -> int | None:
        """Return the time in a field if it can have been; Go's zero time, which failures carry, is none."""
        return past(moment(self.content, field), self.received_at)

    def length_ms(self, field: str) -> int | None:
        """Return the length that a field tells in seconds."""
        return _length_ms(self.content, field)

    def error(self) -> str:
        """Return what went wrong, as a code and a sentence where the payload has both."""
        told = (read_error(self.content, field) for field in ("error_type", "error_message", "error"))
        return harmless(": ".join(dict.fromkeys(filter(None, told))))


def read_telling(source: Source, payload: Payload, received_at: int, known: Collection[str]) -> Telling:
    """Read what is common to all dialects; of `type` and `event` the one that is `known` says what happened.

    Raises Unusable when neither says anything.
    """
    names = [name for name in (event_name(payload, "type"), event_name(payload, "event")) if name]
    if not names:
        raise Unusable("neither `type` nor `event` says what happened")
    name = next((name for name in names if name in known), names[0])
    inner = mapping(payload, "data")
    content = {**payload, **inner}
    session_id, room = identify(content, "session_id"), _room_in(content)
    return Telling(
        name=name,
        content=content,
        inner=inner,
        room=f"100ms:{session_id}" if session_id else "",
        durable=source.durable_room(escape_id(room)),
        session=_session(source, name, content, received_at),
        told_at=_told_at(name, content, payload),
        received_at=received_at,
        replay=bool(flag(payload, "is_replay") or flag(inner, "is_replay")),
    )


def require_room(telling: Telling) -> Telling:
    """Return the telling. Raises Unusable when it names neither a session nor a room."""
    if not telling.room and not telling.durable:
        raise Unusable(f"{telling.name} names neither a session_id nor a room_id")
    return telling


def _room_in(content: Payload) -> str:
    return room_key(text(content, "room_id", limit=ID_CHARACTERS)) or pseudonym(
        text(content, "room_name", limit=ID_CHARACTERS)
    )


def _session(source: Source, name: str, content: Payload, received_at: int) -> Session:
    return Session(
        name=harmless(text(content, "room_name")),
        room_id=room_key(text(content, "room_id", limit=ID_CHARACTERS))[:NAME_LIMIT],
        session_id=text(content, "session_id"),
        project=source.account,
        started_at=past(moment(content, "session_started_at"), received_at),
        # Whoever pressed "end" said why; the close itself does not.
        end_reason=harmless(text(content, "reason")) if name == "room.end.success" else "",
        duration_ms=_length_ms(content, "session_duration"),
    )


def _length_ms(content: Payload, field: str) -> int | None:
    seconds = number(content, field)
    return None if seconds is None or not 0 <= seconds < _LONGEST_S else round(seconds * 1000)


def _told_at(name: str, content: Payload, payload: Payload) -> int | None:
    own = moment(content, _TOLD_BY[name]) if name in _TOLD_BY else None
    return own or moment(content, "timestamp") or moment(payload, "timestamp")
