"""Webhooks as Pulse would send them, to try the hub without a Pulse: single ones, and whole meetings."""

from handlers.providers.arrival import JsonObject, Sample
from handlers.providers.pulse_meetings import meeting
from handlers.providers.pulse_payloads import Capture, Go, Guide, Room, Visit, curl

__all__ = ["meeting", "samples"]


def samples(now: int) -> dict[str, Sample]:
    """Return a sample of every event at about `now`: the guide's with dots, those of Pulse's code with underscores.

    Each dialect has a room of its own. Sent in their order its samples tell one story, also when each is from a call of
    its own. `curl` is the body that the guide tells people to try, with the time of now.
    """
    # More than a second ago: both times are written in whole seconds, and she must not leave in the one she joined in.
    visit = Visit(sid="PA_hubsampleJohn", identity="user123", name="John Doe", joined_at=now - 1_500, left_at=now)
    return {**_guide_samples(visit, now), **_go_samples(visit, now), "curl": curl(now)}


def _guide_samples(visit: Visit, now: int) -> dict[str, Sample]:
    room = Room(sid="RM_hubsample001", name="meeting-room-456", created_at=now - 90_000)
    guide = Guide(room)
    # What tells no time is known by its bytes: the ids are new at each call, or the hub would take it for a repetition.
    track: JsonObject = {"sid": f"TR_hubsample{now}", "type": "video", "source": "camera"}
    egress = Capture(id="EG_hubsample001", began=now - 60_000, ended=now)
    recording = Capture(id=f"REC_hubsample{now}", began=room.created_at, ended=now)
    return {
        "room.started": guide.room_started(),
        "participant.joined": guide.joined(visit),
        "track.published": guide.published(visit.identity, track),
        "egress.started": guide.egress_started(egress),
        "egress.ended": guide.egress_ended(egress),
        "track.unpublished": guide.unpublished(visit.identity, track),
        "participant.left": guide.left(visit),
        "room.ended": guide.room_ended(now, [visit]),
        "recording.completed": guide.recorded(recording, now),
    }


def _go_samples(visit: Visit, now: int) -> dict[str, Sample]:
    # The name is all that identifies it.
    room = Room(sid="", name="meeting-room-789", created_at=now - 90_000)
    go = Go(room)
    egress, failed = (Capture(id=f"EG_hubsample00{number}", began=now - 60_000, ended=now) for number in (2, 3))
    ingress, broken = (Capture(id=f"IN_hubsample00{number}", began=now - 1_500, ended=now) for number in (1, 2))
    recording = Capture(id="REC_hubsample002", began=room.created_at, ended=now)
    return {
        "room_started": go.room_started(),
        "participant_joined": go.joined(visit),
        "ingress_started": go.ingress_started(ingress),
        "ingress_ended": go.ingress_ended(ingress),
        "ingress_ended.failed": go.ingress_ended(broken, "connection lost"),
        "egress_started": go.egress_started(egress),
        "egress_ended": go.egress_ended(egress),
        "egress_ended.failed": go.egress_failed(failed, "upload failed"),
        "participant_left": go.left(visit),
        "room_ended": go.room_ended(now, [visit]),
        "recording_available": go.recorded(recording, now),
    }
