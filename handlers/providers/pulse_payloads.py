"""Pulse's webhooks as its guide writes them, and as its public code does, for samples and simulated meetings."""

from collections.abc import Mapping

import msgspec

from handlers.providers.arrival import JsonObject, Sample
from hub.events import format_time

PROJECT = "507f1f77bcf86cd799439012"
_STORAGE = "https://storage.pulse.io/recordings"
# Some 600 kbit/s.
_BYTES_PER_MS = 78


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """The room that a story is about. Times here and below are milliseconds since 1970."""

    sid: str
    name: str
    created_at: int


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One visit of somebody; the sid is new at each, the identity stays."""

    sid: str
    identity: str
    name: str
    joined_at: int
    left_at: int


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was recorded or sent out from `began` to `ended`."""

    id: str
    began: int
    ended: int


class Totals(msgspec.Struct, frozen=True):
    """What is reported of a room that has ended: its length in seconds, the most at once, the minutes of all."""

    seconds: int
    peak: int
    minutes: float


class Guide:
    """Dotted names, the content in `data`, times as text; tracks, egresses and recordings have no envelope."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._brief: JsonObject = {"room_name": room.name}
        self._full: JsonObject = {"room_name": room.name, "room_sid": room.sid}

    def room_started(self) -> Sample:
        """Return the room's start, at its creation."""
        created_at = self._room.created_at
        return self._in_envelope("room.started", created_at, {**self._full, "created_at": _text(created_at)})

    def room_ended(self, at: int, visits: list[Visit]) -> Sample:
        """Return the room's end, with the totals of these visits."""
        totals = self.totals(at, visits)
        told: JsonObject = {
            "duration_seconds": totals.seconds,
            "max_participants": totals.peak,
            "total_participant_minutes": totals.minutes,
        }
        return self._in_envelope("room.ended", at, self._full | told)

    def totals(self, at: int, visits: list[Visit]) -> Totals:
        """Return what the room's end reports of these visits."""
        present = sum(_seconds(one.joined_at, one.left_at) for one in visits)
        return Totals(_seconds(self._room.created_at, at), _most_at_once(visits), round(present / 60, 2))

    def joined(self, visit: Visit) -> Sample:
        """Return the beginning of a visit."""
        # The address is always there in real ones: the hub has to keep it to itself.
        metadata = {"name": visit.name, "email": f"{visit.identity}@example.com"}
        participant = {"identity": visit.identity, "sid": visit.sid, "metadata": metadata}
        return self._in_envelope("participant.joined", visit.joined_at, {**self._full, "participant": participant})

    def left(self, visit: Visit) -> Sample:
        """Return the end of a visit, which tells how long it was."""
        duration = _seconds(visit.joined_at, visit.left_at)
        participant = {"identity": visit.identity, "sid": visit.sid, "duration_seconds": duration}
        return self._in_envelope("participant.left", visit.left_at, {**self._full, "participant": participant})

    def published(self, identity: str, track: JsonObject) -> Sample:
        """Return that somebody sends a track."""
        told = {**self._brief, "participant_identity": identity, "track": track}
        return _guide({"event": "track.published", "data": told})

    def unpublished(self, identity: str, track: JsonObject) -> Sample:
        """Return that somebody sends a track no more."""
        kept = {name: value for name, value in track.items() if name != "source"}
        told = {**self._brief, "participant_identity": identity, "track": kept}
        return _guide({"event": "track.unpublished", "data": told})

    def egress_started(self, egress: Capture) -> Sample:
        """Return the beginning of a live stream."""
        told = {"egress_id": egress.id, **self._brief, "type": "RTMP", "started_at": _text(egress.began)}
        return _guide({"event": "egress.started", "data": told})

    def egress_ended(self, egress: Capture) -> Sample:
        """Return the end of a live stream."""
        told: JsonObject = {
            "egress_id": egress.id,
            **self._brief,
            "type": "RTMP",
            "duration_seconds": _seconds(egress.began, egress.ended),
            "ended_at": _text(egress.ended),
        }
        return _guide({"event": "egress.ended", "data": told})

    def recorded(self, recording: Capture, at: int) -> Sample:
        """Return that a recording is ready; when that was, nothing tells."""
        told: JsonObject = {
            "recording_id": recording.id,
            **self._brief,
            "file_url": f"{_STORAGE}/{recording.id}.mp4",
            "duration_seconds": _seconds(recording.began, recording.ended),
            "file_size_bytes": (recording.ended - recording.began) * _BYTES_PER_MS,
        }
        return _guide({"event": "recording.completed", "data": told})

    def _in_envelope(self, event: str, at: int, told: JsonObject) -> Sample:
        return _guide({"event": event, "project_id": PROJECT, "timestamp": _text(at), "data": told})


class Go:
    """Names with underscores, everything at the top, times as seconds; a room is known by its name alone."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def room_started(self) -> Sample:
        """Return the room's start, at its creation."""
        return self._send("room_started", self._room.created_at)

    def room_ended(self, at: int, _visits: list[Visit]) -> Sample:
        """Return the room's end; of the visits this dialect tells no totals."""
        return self._send("room_ended", at)

    def totals(self, _at: int, _visits: list[Visit]) -> None:
        """Return what the room's end reports of these visits: nothing."""

    def joined(self, visit: Visit) -> Sample:
        """Return the beginning of a visit."""
        return self._send("participant_joined", visit.joined_at, participant=_participant(visit))

    def left(self, visit: Visit) -> Sample:
        """Return the end of a visit."""
        return self._send("participant_left", visit.left_at, participant=_participant(visit))

    def egress_started(self, egress: Capture) -> Sample:
        """Return the beginning of an egress."""
        told = {"id": egress.id, "room_name": self._room.name, "status": "active"}
        return self._send("egress_started", egress.began, egress=told)

    def egress_ended(self, egress: Capture) -> Sample:
        """Return the end of an egress, with what it yielded."""
        told: JsonObject = {
            "id": egress.id,
            "room_name": self._room.name,
            "status": "ended",
            "output_url": f"https://cdn.pulse.io/{egress.id}/index.m3u8",
            "duration": _seconds(egress.began, egress.ended),
        }
        return self._send("egress_ended", egress.ended, egress=told)

    def egress_failed(self, egress: Capture, error: str) -> Sample:
        """Return the end of an egress that yielded nothing."""
        told = {"id": egress.id, "room_name": self._room.name, "status": "failed", "error": error}
        return self._send("egress_ended", egress.ended, egress=told)

    def ingress_started(self, ingress: Capture) -> Sample:
        """Return the beginning of a stream into the room."""
        told = {"id": ingress.id, "room_name": self._room.name, "status": "active"}
        return self._send("ingress_started", ingress.began, ingress=told)

    def ingress_ended(self, ingress: Capture, error: str = "") -> Sample:
        """Return the end of a stream into the room; with an error it broke off."""
        told = {"id": ingress.id, "room_name": self._room.name, "status": "error" if error else "inactive"}
        return self._send("ingress_ended", ingress.ended, ingress=told | ({"error": error} if error else {}))

    def recorded(self, recording: Capture, at: int) -> Sample:
        """Return that a recording is ready."""
        told: JsonObject = {
            "id": recording.id,
            "room_name": self._room.name,
            "url": f"{_STORAGE}/{recording.id}.mp4",
            "duration": _seconds(recording.began, recording.ended),
            "file_size": (recording.ended - recording.began) * _BYTES_PER_MS,
        }
        return self._send("recording_available", at, recording=told)

    def _send(self, event: str, at: int, **told: Mapping[str, object]) -> Sample:
        envelope: JsonObject = {"event": event, "timestamp": at // 1000, "project_id": PROJECT}
        return Sample(payload={**envelope, "room_name": self._room.name, **told}, dialect="go")


def curl(at: int) -> Sample:
    """Return the body that the guide sends with curl."""
    told: JsonObject = {"room_name": "test-room", "room_sid": "RM_test123"}
    return _guide({"event": "room.started", "timestamp": _text(at), "data": told})


def _guide(payload: JsonObject) -> Sample:
    return Sample(payload=payload, dialect="guide")


def _participant(visit: Visit) -> JsonObject:
    return {"id": visit.sid, "identity": visit.identity, "name": visit.name}


def _text(at: int) -> str | None:
    """Write a time as the guide does, in whole seconds."""
    return format_time(at // 1000 * 1000)


def _seconds(began: int, ended: int) -> int:
    """Return how many seconds lie between two times, as they are written."""
    return ended // 1000 - began // 1000


def _most_at_once(visits: list[Visit]) -> int:
    stays = [(one.joined_at, one.left_at) for one in visits]
    return max((sum(began <= start < ended for began, ended in stays) for start, _ in stays), default=0)
