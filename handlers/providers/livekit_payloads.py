"""The objects of LiveKit's webhooks as its servers write them, for samples and simulated meetings."""

import msgspec

from handlers.providers.arrival import JsonObject, Sample

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """The room that a story is about."""

    sid: str
    name: str
    created_at: int


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One visit of somebody; the sid is new at each, the identity stays."""

    sid: str
    identity: str
    name: str
    joined_at: int
    kind: str = ""


def full_room(room: Room) -> JsonObject:
    """Return the room as events of rooms and participants hold it."""
    return {
        "sid": room.sid,
        "name": room.name,
        "emptyTimeout": 300,
        "departureTimeout": 20,
        "creationTime": seconds(room.created_at),
        "creationTimeMs": str(room.created_at),
        # Made up, but always there in real ones: the hub has to keep it to itself.
        "turnPassword": "sample-turn-password",
        "enabledCodecs": [{"mime": "audio/opus"}, {"mime": "video/VP8"}],
        "metadata": '{"tenant":"acme"}',
        "numParticipants": 2,
    }


def seconds(time: int) -> str:
    """Write a time as `createdAt` and its like are written."""
    return str(time // 1000)


def nanoseconds(time: int) -> str:
    """Write a time as egresses, ingresses and jobs have theirs."""
    return str(time * 1_000_000)


def full_participant(visit: Visit, disconnect_reason: str = "") -> JsonObject:
    """Return a participant as events about participants hold it; with a reason it has left."""
    participant: JsonObject = {
        "sid": visit.sid,
        "identity": visit.identity,
        "name": visit.name,
        "state": "DISCONNECTED" if disconnect_reason else "ACTIVE",
        "joinedAt": seconds(visit.joined_at),
        "joinedAtMs": str(visit.joined_at),
        "version": 3,
        "permission": {"canSubscribe": True, "canPublish": True, "canPublishData": True},
    }
    if visit.kind:
        participant["kind"] = visit.kind
    if disconnect_reason:
        participant["disconnectReason"] = disconnect_reason
    return participant


def brief_room(room: Room) -> JsonObject:
    """Return the room as all other events hold it."""
    return {"sid": room.sid, "name": room.name}


def microphone(sid: str) -> JsonObject:
    """Return an audio track."""
    # Its type is AUDIO, the zero value, and so left out.
    return {"sid": sid, "name": "microphone", "source": "MICROPHONE", "mimeType": "audio/red", "mid": "0"}


def camera(sid: str) -> JsonObject:
    """Return a video track."""
    return {
        "sid": sid,
        "type": "VIDEO",
        "name": "camera",
        "width": 1280,
        "height": 720,
        "simulcast": True,
        "source": "CAMERA",
        "mimeType": "video/VP8",
        "mid": "1",
    }


def recording(room: Room, egress_id: str, updated_at: int) -> JsonObject:
    """Return an egress that is to become a file, without status or times of its own."""
    output = {"filepath": f"recordings/{room.name}.mp4", "s3": {"region": "eu-west-3", "bucket": "acme-rec"}}
    return {
        "egressId": egress_id,
        "roomId": room.sid,
        "roomName": room.name,
        "roomComposite": {"roomName": room.name, "layout": "grid", "fileOutputs": [output]},
        "updatedAt": nanoseconds(updated_at),
    }


def complete_recording(room: Room, egress_id: str, began: int, ended: int) -> JsonObject:
    """Return an egress that has become a file."""
    file = {
        "filename": f"recordings/{room.name}.mp4",
        "startedAt": nanoseconds(began),
        "endedAt": nanoseconds(ended),
        "duration": nanoseconds(ended - began),
        # Some 600 kbit/s.
        "size": str((ended - began) * 78),
        "location": f"https://acme-rec.s3.eu-west-3.amazonaws.com/recordings/{room.name}.mp4",
    }
    return {
        **recording(room, egress_id, updated_at=ended),
        "status": "EGRESS_COMPLETE",
        "startedAt": nanoseconds(began),
        "endedAt": nanoseconds(ended),
        "details": "End reason: Source closed",
        "fileResults": [file],
    }


def failed_recording(room: Room, egress_id: str, began: int, ended: int) -> JsonObject:
    """Return an egress that has become nothing."""
    return {
        **recording(room, egress_id, updated_at=ended),
        "startedAt": nanoseconds(began),
        "endedAt": nanoseconds(ended),
        "status": "EGRESS_FAILED",
        "error": "Start signal not received",
        "errorCode": 412,
    }


def ingress_objects(room: Room, ingress_id: str, began: int, state: JsonObject) -> JsonObject:
    """Return what events about ingresses hold."""
    ingress: JsonObject = {
        "ingressId": ingress_id,
        "name": "OBS",
        # Made up, but always there in real ones: the hub has to keep it to itself.
        "streamKey": "sample-stream-key",
        "url": "rtmps://acme.rtmp.livekit.cloud/x",
        "roomName": room.name,
        "participantIdentity": "obs-1",
        "participantName": "OBS",
        "reusable": True,
        "state": {"roomId": room.sid, "startedAt": nanoseconds(began), "resourceId": "IR_hubsample001", **state},
    }
    # Here the room has no sid; only the state of the ingress names it.
    return {"room": {"name": room.name}, "ingressInfo": ingress}


def job_objects(room: Room, job_id: str, began: int, state: JsonObject) -> JsonObject:
    """Return what events about jobs of agents hold."""
    job: JsonObject = {
        "id": job_id,
        "room": brief_room(room),
        "agentName": "notetaker",
        "dispatchId": "AD_hubsample001",
        "state": {"startedAt": nanoseconds(began), "participantIdentity": f"agent-{job_id}", **state},
    }
    return {"room": brief_room(room), "job": job}


def sample(event: str, event_id: str, at: int, objects: JsonObject) -> Sample:
    """Return a whole payload."""
    payload: JsonObject = {"event": event, **objects, "id": event_id, "createdAt": seconds(at)}
    return Sample(payload=payload, dialect="webhook")


def base36(number: int) -> str:
    """Write a number in digits and lower-case letters."""
    digits = ""
    while number > 0:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
