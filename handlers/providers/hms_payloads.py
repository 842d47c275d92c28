"""What 100ms' webhooks hold of sessions and peers, as 100ms and two guides write it, for samples and meetings."""

import uuid

import msgspec

from handlers.providers.arrival import JsonObject, Sample
from hub.events import format_time

_IDS = uuid.UUID("6c75de00-9ab1-4c2d-8e3f-28dc285f0000")
ACCOUNT = "60b8e13a6eb86d8101b57354"
APP = "5ff5881b80b66969e1fb35f6"
NEVER = "0001-01-01T00:00:00Z"
_TEMPLATE = "65e9f0a1b2c3d4e5f6a7b8c9"
_SESSION_FIELDS = ("session_id", "session_started_at")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The session that a story is about; its room has others before and after."""

    room_id: str
    room_name: str
    session_id: str
    opened_at: int

    def named(self) -> JsonObject:
        """Return the fields with which sessions, peers and transcripts say where they are."""
        return {**self.nameless(), "room_name": self.room_name}

    def nameless(self) -> JsonObject:
        """Return the fields with which beams and HLS streams do."""
        return {**self.bare(), "template_id": _TEMPLATE, "session_started_at": fine_time(self.opened_at)}

    def bare(self) -> JsonObject:
        """Return the fields with which recordings of tracks and streams do."""
        return {"room_id": self.room_id, "session_id": self.session_id}

    def room(self) -> JsonObject:
        """Return the fields of what knows no session."""
        return {"room_id": self.room_id, "template_id": _TEMPLATE}


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One visit of somebody; the peer_id is new at each, the user_id stays."""

    peer_id: str
    user_id: str
    name: str
    role: str
    joined_at: int
    type: str = "regular"

    def named(self) -> JsonObject:
        """Return the fields with which events about peers say who it is."""
        return {
            "peer_id": self.peer_id,
            "user_id": self.user_id,
            "user_name": self.name,
            # Whatever the customer's app keeps there: the hub has to keep it to itself.
            "user_data": '{"isHandRaised":false}',
            "role": self.role,
            "joined_at": fine_time(self.joined_at),
        }


def make_uuid(key: str) -> str:
    """Return the id of a delivery or a peer: another one for another key."""
    return str(uuid.uuid5(_IDS, key))


def make_id(key: str) -> str:
    """Return the id of anything else: 24 hexadecimal digits."""
    return uuid.uuid5(_IDS, key).hex[:24]


def fine_time(time: int) -> str:
    """Write a time as the fields of `data` are written: with nanoseconds."""
    return f"{second(time).removesuffix('Z')}.{time % 1000:03d}380432Z"


def second(time: int) -> str:
    """Write a time as envelopes and ingests have theirs."""
    return format_time(time - time % 1000) or NEVER


def sample(name: str, delivery_id: str, at: int, inner: JsonObject, dialect: str = "header") -> Sample:
    """Return a whole payload."""
    payload: JsonObject = {
        # The legacy recording's events are of an older version.
        "version": "1.0" if name.startswith("recording.") else "2.0",
        "id": delivery_id,
        "account_id": ACCOUNT,
        "app_id": APP,
        "timestamp": second(at),
        "type": name,
        "data": inner,
    }
    return Sample(payload=payload, dialect=dialect)


def scheduled(name: str, room: str, told: JsonObject) -> Sample:
    """Return a body as the schedule guide prints it: no id of the delivery, no session but at its close."""
    return Sample(payload={"type": name, "data": {"room_id": room, **told}}, dialect="signature")


def counted(name: str, room: str, at: int, told: JsonObject) -> Sample:
    """Return a body as the room-statistics guide has it: everything at the top, and 100ms has no such events."""
    return Sample(payload={"event": name, "room_id": room, **told, "timestamp": second(at)}, dialect="guide")


def closed(place: Place, at: int) -> JsonObject:
    """Return what is said of a session that has closed."""
    length = (at - place.opened_at) // 1000
    return {**place.named(), "session_duration": length, "session_stopped_at": fine_time(at)}


def joined(place: Place, peer: Peer) -> JsonObject:
    """Return what is said of a peer that has joined."""
    return {**place.named(), **peer.named(), "type": peer.type}


def left(place: Place, peer: Peer, at: int, reason: str, message: str = "") -> JsonObject:
    """Return what is said of a peer that has left."""
    told: JsonObject = {"left_at": fine_time(at), "duration": (at - peer.joined_at) // 1000}
    return {**joined(place, peer), **told, "reason": reason, "message": message}


def nowhere(place: Place, peer: Peer) -> JsonObject:
    """Return what is said of a peer with which something failed: it names no session."""
    return {name: value for name, value in joined(place, peer).items() if name not in _SESSION_FIELDS}


def rejected(place: Place, peer: Peer, message: str) -> JsonObject:
    """Return what is said of a peer that could not join; it has Go's zero time for what has not happened."""
    return failed({**nowhere(place, peer), "joined_at": NEVER}, message)


def ended(place: Place, peer: Peer, reason: str) -> JsonObject:
    """Return what is said when a peer ends the room for everybody."""
    asked = {key: value for key, value in peer.named().items() if key not in ("user_data", "joined_at")}
    return {**place.named(), **asked, "lock_room": False, "reason": reason, "source": "peer"}


def role_changed(place: Place, peer: Peer, previous: str, at: int) -> JsonObject:
    """Return what is said of a peer that has another role now."""
    told = {"previous_role": previous, "role_changed_at": fine_time(at), "role_change_requested_by": peer.peer_id}
    return {**place.named(), **peer.named(), **told}


def failed(inner: JsonObject, message: str, error_type: str = "") -> JsonObject:
    """Return what is said of a failure."""
    return {**inner, "error_message": message, **({"error_type": error_type, "error_code": 1} if error_type else {})}
