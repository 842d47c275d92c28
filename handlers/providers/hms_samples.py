"""Webhooks as 100ms would send them, to try the hub without a 100ms account: single ones, and whole meetings."""

import msgspec

from handlers.providers import hms_files as files
from handlers.providers import hms_guide_meetings, hms_meetings
from handlers.providers import hms_payloads as payloads
from handlers.providers.arrival import JsonObject, Sample
from handlers.providers.hms_payloads import Peer, Place
from handlers.providers.story import Meeting

__all__ = ["meeting", "samples"]

# When it happened, and what `data` says of it.
_Telling = tuple[int, JsonObject]
# The schedule guide prints four events, with a signature; the real ones are what this list is made of.
_SCHEDULE = "schedule/"


def meeting(seed: int, start: int, minutes: float, room: str = "") -> Meeting:
    """Return a whole meeting, in one of four dialects: seed modulo 4 decides.

    0 and 1: as 100ms tells it, proved by a secret header or by a signature; 2 and 3: as the schedule guide or the
    room-statistics guide does.
    """
    guides = (hms_guide_meetings.scheduled_meeting, hms_guide_meetings.counted_meeting)
    tell = hms_meetings.meeting if seed % 4 < 2 else guides[seed % 4 - 2]
    return tell(seed, start, minutes, room)


def samples(now: int) -> dict[str, Sample]:
    """Return a sample of every event, of variants as `<event>/<variant>`, and of what the two guides print.

    All are about one room at about `now`; sent in the order of a meeting they tell one story, also when each is from a
    call of its own.
    """
    place = Place(
        room_id=payloads.make_id("sample/room"),
        room_name="daily-standup",
        session_id=payloads.make_id("sample/session"),
        opened_at=now - 90_000,
    )
    ann = Peer(
        peer_id=payloads.make_uuid("sample/ann"), user_id="ann", name="Ann Otis", role="host", joined_at=now - 1_000
    )
    tellings = {
        **_tell_session(place, ann, now),
        **_tell_peers(place, ann, now),
        **_tell_beam(place, now),
        **_tell_hls(place, now),
        **_tell_recordings(place, ann, now),
        **_tell_transcription(place, now),
        **_tell_ingest(place, now),
    }
    made = {
        name: payloads.sample(name.partition("/")[0], payloads.make_uuid(f"{now}/{name}"), at, inner)
        for name, (at, inner) in tellings.items()
    }
    return {**made, **_schedule_samples(now), **_statistics_samples(now)}


def _tell_session(place: Place, ann: Peer, now: int) -> dict[str, _Telling]:
    ended = payloads.ended(place, ann, "Class has ended")
    return {
        "session.open.success": (place.opened_at, place.named()),
        "session.close.success": (now, payloads.closed(place, now)),
        "room.end.success": (now, ended),
        "room.end.failure": (now, {**ended, "error_code": 404, "error_message": "session not found"}),
    }


def _tell_peers(place: Place, ann: Peer, now: int) -> dict[str, _Telling]:
    recorder = Peer(
        peer_id=payloads.make_uuid("sample/beam/recorder"),
        user_id="",
        name="beam",
        role="__internal_recorder",
        joined_at=ann.joined_at,
    )
    joined = payloads.joined(place, ann)
    bob = msgspec.structs.replace(ann, peer_id=payloads.make_uuid("sample/bob"))
    changed = payloads.role_changed(place, ann, "guest", now)
    unchanged = {key: value for key, value in changed.items() if key not in ("previous_role", "role_changed_at")}
    return {
        "peer.join.success": (ann.joined_at, joined),
        "peer.join.success/recorder": (recorder.joined_at, payloads.joined(place, recorder)),
        "peer.join.failure": (now, payloads.rejected(place, bob, "role not allowed")),
        "peer.leave.success": (now, payloads.left(place, ann, now, "client request")),
        "peer.leave.success/kicked": (now, payloads.left(place, ann, now, "peer kicked", "see you tomorrow")),
        "peer.leave.failure": (
            now,
            payloads.failed(
                {**payloads.nowhere(place, ann), "left_at": payloads.NEVER, "duration": 0}, "Peer not joined"
            ),
        ),
        "role.change.success": (now, changed),
        "role.change.failure": (now, payloads.failed(unchanged, "role limit reached")),
    }


def _tell_beam(place: Place, now: int) -> dict[str, _Telling]:
    began, stopped = now - 60_000, now - 2_000
    beam = files.beam(place, "sample", began, rtmp=True)
    gone = {**files.beam(place, "sample", stopped, rtmp=True), "duration": (stopped - began) // 1000}
    lost = files.beam(place, "sample-failed", now, rtmp=True)
    message = "Failed to upload recordings. Check if upload config is correct."
    return {
        "beam.started.success": (began, {**beam, "start_delay": 12}),
        "beam.stopped.success": (stopped, {**gone, "reason": "client request"}),
        "beam.stopped.success/failed": (now, {**lost, "duration": 56, "reason": "failure: UPLOAD_ERROR"}),
        "beam.recording.success": (now, files.beam_recording(place, "sample", began, stopped, now)),
        "beam.failure": (now, payloads.failed({**lost, "duration": 56}, message, "UPLOAD_ERROR")),
    }


def _tell_hls(place: Place, now: int) -> dict[str, _Telling]:
    began, stopped = now - 60_000, now - 2_000
    hls = files.hls(place, "sample-hls", began, began)
    ends: JsonObject = {"stopped_at": payloads.fine_time(stopped), "duration": (stopped - began) // 1000}
    # What failed says neither where it could be seen nor since when.
    failing = files.hls(place, "sample-hls-failed", now, began)
    lost = {key: value for key, value in failing.items() if key not in ("url", "started_at")}
    return {
        "hls.started.success": (began, {**hls, "start_delay": 12}),
        "hls.stopped.success": (stopped, {**hls, **ends, "reason": "client request"}),
        "hls.recording.success": (now, files.hls_recorded(place, "sample-hls", began, stopped, now)),
        "hls.failure": (now, payloads.failed({**lost, "duration": 56}, "No more retries", "MAX_RETRIES_REACHED")),
    }


def _tell_recordings(place: Place, ann: Peer, now: int) -> dict[str, _Telling]:
    track = files.track(place, "sample-track", ann)
    lost_track = {**files.track(place, "sample-track-failed", ann), **files.lost("sample-track-failed", 1_000)}
    stream: JsonObject = {**files.stream(place, "sample-stream", ann), "user_id": ann.user_id, "type": "regular"}
    lost_stream: JsonObject = {**stream, **files.lost("sample-stream-failed", 1_000)}
    legacy = files.session_recorded(place, "sample", now, now)
    fields = ("session_id", "room_id", "room_name", "template_id", "session_started_at", "session_stopped_at")
    lost = {field: legacy[field] for field in fields}
    return {
        "track.recording.started.success": (now - 60_000, track),
        "track.recording.success": (now, {**track, **files.stored("sample-track", 60_000, now)}),
        "track.recording.failure": (now, payloads.failed(lost_track, "INTERNAL_ERROR")),
        "stream.recording.success": (now, {**stream, **files.stored("sample-stream", 60_000, now)}),
        "stream.recording.failure": (now, payloads.failed(lost_stream, "INTERNAL_ERROR")),
        "recording.success": (now, legacy),
        "recording.failed": (now, {**lost, "error": "INTERNAL_ERROR", "error_type": "CONFIG_ERROR"}),
    }


def _tell_transcription(place: Place, now: int) -> dict[str, _Telling]:
    return {
        "transcription.started.success": (now - 1_000, files.transcription(place, "sample", now - 1_000, 0)),
        "transcription.success": (now, files.transcription(place, "sample", now, 4)),
        "transcription.failure": (now, files.transcription(place, "sample-failed", now, 2)),
    }


def _tell_ingest(place: Place, now: int) -> dict[str, _Telling]:
    began = now - 60_000
    ingest: JsonObject = {**files.ingest(place, "sample"), "started_at": payloads.second(began)}
    ends: JsonObject = {"completed_at": payloads.second(now), "last_disconnected_at": payloads.second(now - 10_000)}
    ended = {**ingest, **ends, "duration": 60, "reason": "reconnection window expired"}
    failing = files.ingest(place, "sample-failed")
    lost = {key: value for key, value in failing.items() if key != "stream_id"}
    refused = {key: value for key, value in lost.items() if key != "ingest_id"}
    return {
        "ingest.start.success": (began, ingest),
        "ingest.end.success": (now, ended),
        "ingest.start.failure": (now, payloads.failed(refused, "stream key disabled")),
        "ingest.failure": (now, payloads.failed(lost, "internal error")),
    }


def _schedule_samples(now: int) -> dict[str, Sample]:
    """Return the bodies of the schedule guide: no ids of deliveries, and `timestamp` in `data`."""
    at, room = payloads.second(now), "room-abc-123"
    ann: JsonObject = {"peer_id": "peer-xyz-456", "user_data": '{"userId":"user-123"}'}
    told: dict[str, JsonObject] = {
        "peer.join.success": {**ann, "role": "host", "joined_at": at},
        "peer.leave.success": {**ann, "timestamp": at},
        "beam.stopped.success": {"timestamp": at},
        "session.close.success": {"session_id": "session-def-456", "timestamp": at},
    }
    return {f"{_SCHEDULE}{name}": payloads.scheduled(name, room, inner) for name, inner in told.items()}


def _statistics_samples(now: int) -> dict[str, Sample]:
    """Return the bodies of the room-statistics guide."""
    peer: JsonObject = {"peer": {"id": "peer-1", "role": "speaker"}}
    told: dict[str, JsonObject] = {
        "room.started": {},
        "peer.joined": peer,
        "track.updated": peer,
        "peer.left": peer,
        "room.ended": {},
    }
    return {name: payloads.counted(name, "room-1", now, inner) for name, inner in told.items()}
