"""Simulated 100ms meetings: people on several devices who come, go and come back, roles, a beam, its recording."""

from collections.abc import Iterator

import msgspec

from handlers.providers import hms_files as files
from handlers.providers import hms_payloads as payloads
from handlers.providers.arrival import JsonObject, Sample
from handlers.providers.hms_payloads import Peer, Place
from handlers.providers.story import PEOPLE, Captured, Invention, Meeting, RoomTruth, Stay

_ROOMS = ("daily-standup", "design-review", "sales-call", "office-hours", "retro")
_REASONS = ("client request", "client request", "websocket closed", "ice connection state closed", "peer kicked")
_UPLOAD_MS = 8_000


def meeting(seed: int, start: int, minutes: float, room: str = "") -> Meeting:
    """Return a whole meeting from `start` (ms) on, in `room` or one of its own.

    Equal arguments make equal meetings; another seed or start has other ids throughout. Odd seeds sign their bodies,
    as HIPAA workspaces do, the others send the secret header.
    """
    return _Story(seed, start, minutes, room).meeting()


class _Story(Invention):
    """A meeting in the making: who comes and goes when, and what 100ms tells of it, to the millisecond."""

    def __init__(self, seed: int, start: int, minutes: float, room: str) -> None:
        super().__init__(seed, start, minutes)
        self._key = f"{seed % 2**64:x}-{start:x}"
        self._dialect = "signature" if seed % 2 else "header"
        # How long an upload takes, and a transcription after it.
        self._delay = min(_UPLOAD_MS, self.length // 10)
        self._made = 0
        self._stays: list[Stay] = []
        self._captured: list[Captured] = []
        self._rejected: list[str] = []
        self._place = Place(
            room_id=payloads.make_id(f"{room or self._key}/room"),
            room_name=room or f"{self.dice.choice(_ROOMS)}-{seed}",
            session_id=payloads.make_id(f"{self._key}/session"),
            opened_at=start,
        )

    def meeting(self) -> Meeting:
        """Return the meeting, told to its end."""
        script = tuple(sorted(self._tell(), key=lambda entry: entry[0]))
        truth = RoomTruth(
            provider="100ms",
            room=self._place.room_id,
            session=self._place.session_id,
            started=self.start,
            ended=self.end,
            stays=tuple(self._stays),
            captured=tuple(self._captured),
            rejected=tuple(self._rejected),
        )
        return Meeting(script, truth)

    def _tell(self) -> Iterator[tuple[int, Sample]]:
        """Yield what is sent and when, in no order but that equal times stand in theirs."""
        yield self._send("session.open.success", self.start, self._place.named())
        host, *guests = self.dice.sample(PEOPLE, self.dice.randint(2, 6))
        host_peer = self._peer(host, "host", self.moment(0.01, 0.05))
        yield from self._tell_host(host_peer)
        yield from self._tell_two_devices(guests[0])
        for name in guests[1:]:
            yield from self._tell_guest(name)
        yield from self._tell_rejection()
        yield from self._tell_beam()
        yield self._send("session.close.success", self.end, payloads.closed(self._place, self.end))
        yield from self._tell_transcription()

    def _tell_host(self, host: Peer) -> Iterator[tuple[int, Sample]]:
        yield self._send_joined(host)
        if self.dice.random() < 0.5:
            yield self._send_left(host, self.moment(0.9, 0.98), "client request")
            return
        # Who ends the room for everybody is not told to leave it: the close of the session is all there is.
        self._note_stay(host, self.end)
        ended = payloads.ended(self._place, host, "Class has ended")
        yield self._send("room.end.success", self.end, ended)

    def _tell_two_devices(self, name: str) -> Iterator[tuple[int, Sample]]:
        """Tell of somebody who is there twice at once, and comes back with one of the two."""
        desk = self._peer(name, "guest", self.moment(0.05, 0.1))
        phone = self._peer(name, "guest", self.moment(0.15, 0.25))
        yield from self._tell_visit(phone, self.moment(0.5, 0.6), "client request")
        yield from self._tell_visit(desk, self.moment(0.3, 0.4), "websocket closed")
        back = self._peer(name, "guest", self.moment(0.65, 0.7))
        yield from self._tell_visit(back, self.moment(0.75, 0.95), "client request")

    def _tell_guest(self, name: str) -> Iterator[tuple[int, Sample]]:
        guest = self._peer(name, "guest", self.moment(0.05, 0.25))
        yield self._send_joined(guest)
        current = guest
        if self.dice.random() < 0.5:
            promoted = current = msgspec.structs.replace(guest, role="host")
            yield self._send_role(promoted, "guest", self.moment(0.3, 0.4))
            if self.dice.random() < 0.5:
                current = guest
                yield self._send_role(guest, "host", self.moment(0.5, 0.6))
        yield self._send_left(current, self.moment(0.7, 0.98), self.dice.choice(_REASONS))

    def _tell_visit(self, peer: Peer, left_at: int, reason: str) -> Iterator[tuple[int, Sample]]:
        yield self._send_joined(peer)
        yield self._send_left(peer, left_at, reason)

    def _tell_rejection(self) -> Iterator[tuple[int, Sample]]:
        """Tell of somebody who cannot join, in half of the meetings: only the room is named, and when it was."""
        if self.dice.random() < 0.5:
            peer = self._peer("Ivo Brandt", "guest", self.moment(0.2, 0.8))
            self._rejected.append(peer.peer_id)
            told = payloads.rejected(self._place, peer, "role not allowed")
            yield self._send("peer.join.failure", peer.joined_at, told)

    def _tell_beam(self) -> Iterator[tuple[int, Sample]]:
        began, stopped = self.moment(0.04, 0.06), self.moment(0.985, 0.999)
        made = self.end + self._delay
        recorder = Peer(
            # The beam names the peer that it is.
            peer_id=payloads.make_uuid(f"{self._key}/recorder"),
            user_id="",
            name="beam",
            role="__internal_recorder",
            joined_at=began,
        )
        rtmp = self.dice.random() < 0.3
        self._captured.append(Captured(payloads.make_id(f"{self._key}/beam"), "completed"))
        gone: JsonObject = {"duration": (stopped - began) // 1000, "reason": "client request"}
        yield self._send_joined(recorder)
        yield self._send("beam.started.success", began, files.beam(self._place, self._key, began, rtmp=rtmp))
        stop = {**files.beam(self._place, self._key, stopped, rtmp=rtmp), **gone}
        yield self._send("beam.stopped.success", stopped, stop)
        yield self._send("peer.leave.success", stopped, payloads.left(self._place, recorder, stopped, "client request"))
        # Only when the file is uploaded: after the session has closed.
        recording = files.beam_recording(self._place, self._key, began, stopped, made)
        yield self._send("beam.recording.success", made, recording)

    def _tell_transcription(self) -> Iterator[tuple[int, Sample]]:
        begun = self.end + self._delay
        done = begun + self._delay
        self._captured.append(Captured(payloads.make_id(f"{self._key}/transcription"), "completed", is_transcript=True))
        for name, at, count in (("transcription.started.success", begun, 0), ("transcription.success", done, 4)):
            yield self._send(name, at, files.transcription(self._place, self._key, at, count))

    def _send_joined(self, peer: Peer) -> tuple[int, Sample]:
        return self._send("peer.join.success", peer.joined_at, payloads.joined(self._place, peer))

    def _send_left(self, peer: Peer, at: int, reason: str) -> tuple[int, Sample]:
        self._note_stay(peer, at)
        return self._send("peer.leave.success", at, payloads.left(self._place, peer, at, reason))

    def _note_stay(self, peer: Peer, left_at: int) -> None:
        self._stays.append(Stay(identity=peer.user_id, began=peer.joined_at, ended=left_at, role=peer.role))

    def _send_role(self, peer: Peer, previous: str, at: int) -> tuple[int, Sample]:
        return self._send("role.change.success", at, payloads.role_changed(self._place, peer, previous, at))

    def _send(self, name: str, at: int, inner: JsonObject) -> tuple[int, Sample]:
        return at, payloads.sample(name, self._new_uuid(), at, inner, self._dialect)

    def _peer(self, name: str, role: str, joined_at: int) -> Peer:
        user_id = name.partition(" ")[0].lower()
        return Peer(peer_id=self._new_uuid(), user_id=user_id, name=name, role=role, joined_at=joined_at)

    def _new_uuid(self) -> str:
        self._made += 1
        return payloads.make_uuid(f"{self._key}/{self._made}")
