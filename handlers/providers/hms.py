"""100ms: what its webhooks state, in the hub's words.

Real events name themselves in `type` and speak in `data`; those of the room-statistics guide do so in `event` and at
the top. A room has many sessions, in each of which everybody who joins has an id of their own.
"""

from collections.abc import Callable, Mapping

from handlers.providers.arrival import Spoken
from handlers.providers.hms_captures import read_beam, read_hls, read_ingest, read_recording, read_transcription
from handlers.providers.hms_peers import (
    identity_in,
    read_join,
    read_leave,
    read_peer_failure,
    read_rejection,
    read_role_change,
    read_track,
)
from handlers.providers.hms_proof import sign, verify
from handlers.providers.hms_telling import Telling, read_telling, require_room
from handlers.providers.judging import identify
from handlers.providers.reading import Payload, flag, text
from hub.events import Fact, Kind
from hub.redaction import harmless
from hub.settings import Source

__all__ = ["sign", "translate", "verify"]

# What the schedule guide puts down for everybody who was there at the end.
_ENDED = "meeting_ended_by_100ms"


def translate(source: Source, payload: Payload, received_at: int) -> Spoken:
    """Say a payload in the hub's words; events that are not known become a `provider.event`.

    Raises Unusable when the payload names no event, or not what the event is about.
    """
    telling = read_telling(source, payload, received_at, _READERS)
    reader = _READERS.get(telling.name)
    return Spoken(
        provider_type=telling.name,
        facts=reader(require_room(telling)) if reader else (telling.note(),),
        delivery_id=identify(payload, "id"),
        timed=telling.told_at is not None,
    )


def _read_start(telling: Telling) -> tuple[Fact, ...]:
    return (telling.fact(Kind.ROOM_STARTED),)


def _read_end(telling: Telling) -> tuple[Fact, ...]:
    return (telling.fact(Kind.ROOM_ENDED, since=telling.session.started_at, closing_reason=_ENDED),)


def _read_room_end(telling: Telling) -> tuple[Fact, ...]:
    """Read that somebody pressed "end", or tried to: the end itself is told by the session's close."""
    content = telling.content
    locks = flag(content, "lock_room")
    note = telling.note(
        reason=harmless(text(content, "reason")),
        lock_room="" if locks is None else str(locks).lower(),
        source=harmless(text(content, "source")),
        requested_by=identity_in(telling),
        error=telling.error(),
        error_code=harmless(text(content, "error_code")),
    )
    return (note,)


_READERS: Mapping[str, Callable[[Telling], tuple[Fact, ...]]] = {
    "session.open.success": _read_start,
    "session.close.success": _read_end,
    "peer.join.success": read_join,
    "peer.join.failure": read_rejection,
    "peer.leave.success": read_leave,
    "peer.leave.failure": read_peer_failure,
    "role.change.success": read_role_change,
    "role.change.failure": read_peer_failure,
    "room.end.success": _read_room_end,
    "room.end.failure": _read_room_end,
    "beam.started.success": read_beam,
    "beam.stopped.success": read_beam,
    "beam.failure": read_beam,
    "beam.recording.success": read_recording,
    "hls.started.success": read_hls,
    "hls.stopped.success": read_hls,
    "hls.failure": read_hls,
    "hls.recording.success": read_recording,
    "recording.success": read_recording,
    "recording.failed": read_recording,
    "stream.recording.success": read_recording,
    "stream.recording.failure": read_recording,
    "track.recording.started.success": read_recording,
    "track.recording.success": read_recording,
    "track.recording.failure": read_recording,
    "transcription.started.success": read_transcription,
    "transcription.success": read_transcription,
    "transcription.failure": read_transcription,
    "ingest.start.success": read_ingest,
    "ingest.start.failure": read_ingest,
    "ingest.end.success": read_ingest,
    "ingest.failure": read_ingest,
    # The room-statistics guide's own; 100ms has no such events.
    "room.started": _read_start,
    "room.ended": _read_end,
    "peer.joined": read_join,
    "peer.left": read_leave,
    "track.updated": read_track,
}
