"""Webhooks as LiveKit would send them, to try the hub without a LiveKit: single ones, and whole meetings."""

from handlers.providers.arrival import JsonObject, Sample
from handlers.providers.livekit_meetings import meeting
from handlers.providers.livekit_payloads import (
    Room,
    Visit,
    base36,
    brief_room,
    camera,
    complete_recording,
    failed_recording,
    full_participant,
    full_room,
    ingress_objects,
    job_objects,
    microphone,
    nanoseconds,
    recording,
    sample,
)

__all__ = ["meeting", "samples"]

# When the event is queued (`createdAt`), and what its payload holds besides its name and id.
_Telling = tuple[int, JsonObject]


def samples(now: int) -> dict[str, Sample]:
    """Return a sample of every event, and of variants as `<event>.<variant>`, all about one room at about `now`.

    Sent in the order of a meeting they tell one story, also when each is from a call of its own.
    """
    room = Room(sid="RM_hubsample001", name="daily-standup", created_at=now - 90_000)
    tellings = {
        **_tell_room(room, now),
        **_tell_participants(room, now),
        **_tell_tracks(room, now),
        **_tell_recording(room, now),
        **_tell_recording_ends(room, now),
        **_tell_stream(room, now),
        **_tell_ingress(room, now),
        **_tell_job(room, now),
    }
    made = {
        name: sample(name.partition(".")[0], f"EV_{base36(now)}_{name}", at, objects)
        for name, (at, objects) in tellings.items()
    }
    return {**made, "guide.participant_joined": _guide_sample(room)}


def _tell_room(room: Room, now: int) -> dict[str, _Telling]:
    full = full_room(room)
    return {
        "room_started": (room.created_at, {"room": full}),
        "room_finished": (now, {"room": full, "roomEndReason": "ROOM_END_IDLE_TIMEOUT"}),
    }


def _tell_participants(room: Room, now: int) -> dict[str, _Telling]:
    # A second and a half: `createdAt` of what comes after it may be rounded down by a whole one.
    ann = Visit(sid="PA_hubsampleAnn", identity="ann", name="Ann Otis", joined_at=now - 1_500)
    bob = Visit(sid="PA_hubsampleBob", identity="bob", name="Bob Reyes", joined_at=now - 1_500)
    left = full_participant(ann, "CLIENT_INITIATED")
    # Without a join time it ends whichever visit of ann is open, though another call's sample began it.
    del left["joinedAt"], left["joinedAtMs"]
    full = full_room(room)
    return {
        "participant_joined": (now, {"room": full, "participant": full_participant(ann)}),
        "participant_left": (now, {"room": full, "participant": left}),
        "participant_connection_aborted": (
            now,
            {"room": full, "participant": full_participant(bob, "JOIN_FAILURE")},
        ),
    }


def _tell_tracks(room: Room, now: int) -> dict[str, _Telling]:
    about: JsonObject = {"room": brief_room(room), "participant": {"sid": "PA_hubsampleAnn", "identity": "ann"}}
    spoken, shown = microphone("TR_hubsampleMic"), camera("TR_hubsampleCam")
    return {
        "track_published": (now, {**about, "track": spoken}),
        "track_published.video": (now, {**about, "track": shown}),
        "track_unpublished": (now, {**about, "track": spoken}),
        "track_unpublished.video": (now, {**about, "track": shown}),
    }


def _tell_recording(room: Room, now: int) -> dict[str, _Telling]:
    began = now - 60_000
    starting = recording(room, "EG_hubsample001", updated_at=began - 2_000)
    # What starts has the status EGRESS_STARTING, the zero value, and so left out.
    active = {**recording(room, "EG_hubsample001", updated_at=began), **_since(began), "status": "EGRESS_ACTIVE"}
    ending = {**active, "status": "EGRESS_ENDING", "updatedAt": nanoseconds(now - 1_000)}
    return {
        "egress_started": _tell_egress(room, began - 2_000, starting),
        "egress_updated": _tell_egress(room, began, active),
        "egress_updated.ending": _tell_egress(room, now - 1_000, ending),
        "egress_ended": _tell_egress(room, now, complete_recording(room, "EG_hubsample001", began, now)),
    }


def _since(began: int) -> JsonObject:
    return {"startedAt": nanoseconds(began)}


def _tell_egress(room: Room, at: int, egress: JsonObject) -> _Telling:
    return at, {"room": brief_room(room), "egressInfo": egress}


def _tell_recording_ends(room: Room, now: int) -> dict[str, _Telling]:
    """Tell of other ends than a complete file, each of an egress of its own: an end is final."""
    began = now - 60_000
    ended: JsonObject = {**_since(began), "endedAt": nanoseconds(now)}
    aborted: JsonObject = {"status": "EGRESS_ABORTED", "details": "End reason: Start aborted"}
    limit: JsonObject = {"status": "EGRESS_LIMIT_REACHED", "error": "Session limit reached", "errorCode": 413}
    failure = failed_recording(room, "EG_hubsample002", began, now)
    abortion = {**recording(room, "EG_hubsample003", updated_at=now), **ended, **aborted}
    cut_short = {**complete_recording(room, "EG_hubsample004", began, now), **limit}
    return {
        "egress_ended.failed": _tell_egress(room, now, failure),
        "egress_ended.aborted": _tell_egress(room, now, abortion),
        "egress_ended.limit_reached": _tell_egress(room, now, cut_short),
    }


def _tell_stream(room: Room, now: int) -> dict[str, _Telling]:
    began = now - 60_000
    # LiveKit blots out the key in the address.
    address = "rtmps://live.example.com/app/{ab...yz}"
    starting: JsonObject = {
        "egressId": "EG_hubsample005",
        "roomId": room.sid,
        "roomName": room.name,
        "roomComposite": {"roomName": room.name, "streamOutputs": [{"protocol": "RTMP", "urls": [address]}]},
    }
    streamed: JsonObject = {"streamResults": [{"url": address, **_since(began)}], **_since(began)}
    active = {**starting, **streamed, "status": "EGRESS_ACTIVE"}
    ended = {**starting, **streamed, "status": "EGRESS_COMPLETE", "endedAt": nanoseconds(now)}
    return {
        "egress_started.stream": _tell_egress(room, began - 2_000, starting),
        "egress_updated.stream": _tell_egress(room, began, active),
        "egress_ended.stream": _tell_egress(room, now, ended),
    }


def _tell_ingress(room: Room, now: int) -> dict[str, _Telling]:
    began = now - 1_500
    ended: JsonObject = {"status": "ENDPOINT_COMPLETE", "endedAt": nanoseconds(now)}
    failed: JsonObject = {"status": "ENDPOINT_ERROR", "error": "connection lost", "endedAt": nanoseconds(now)}
    return {
        "ingress_started": (began, ingress_objects(room, "IN_hubsample001", began, {"status": "ENDPOINT_PUBLISHING"})),
        "ingress_ended": (now, ingress_objects(room, "IN_hubsample001", began, ended)),
        "ingress_ended.failed": (now, ingress_objects(room, "IN_hubsample002", began, failed)),
    }


def _tell_job(room: Room, now: int) -> dict[str, _Telling]:
    began = now - 1_500
    ended: JsonObject = {"status": "JS_SUCCESS", "endedAt": nanoseconds(now)}
    failed: JsonObject = {"status": "JS_FAILED", "endedAt": nanoseconds(now), "error": "agent worker left the room"}
    return {
        "agent_job_started": (began, job_objects(room, "AJ_hubsample001", began, {"status": "JS_RUNNING"})),
        "agent_job_ended": (now, job_objects(room, "AJ_hubsample001", began, ended)),
        "agent_job_ended.failed": (now, job_objects(room, "AJ_hubsample002", began, failed)),
    }


def _guide_sample(room: Room) -> Sample:
    """Return the body of the setup guide: no ids, no time."""
    payload: JsonObject = {
        "event": "participant_joined",
        "room": {"name": room.name, "numParticipants": 2},
        "participant": {"identity": "user123"},
    }
    return Sample(payload=payload, dialect="webhook")
