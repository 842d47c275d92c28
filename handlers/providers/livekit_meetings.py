"""Simulated LiveKit meetings: people who come, go and come back, callers, agents, tracks, a recorder, its recording."""

from collections.abc import Iterator

from handlers.providers.arrival import JsonObject, Sample
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
    microphone,
    nanoseconds,
    recording,
    sample,
)
from handlers.providers.story import PEOPLE, Captured, Invention, Meeting, RoomTruth, Stay, whole_second

_ROOMS = ("daily-standup", "design-review", "sales-call", "office-hours", "retro")
_REASONS = ("CLIENT_INITIATED", "CLIENT_INITIATED", "SIGNAL_CLOSE", "CONNECTION_TIMEOUT", "PARTICIPANT_REMOVED")
_UPLOAD_MS = 8_000


def meeting(seed: int, start: int, minutes: float, room: str = "") -> Meeting:
    """Return a whole meeting from `start` (ms) on, in `room` or one that is called after the seed.

    Equal arguments make equal meetings; another seed or start has other ids throughout.
    """
    return _Story(seed, start, minutes, room).meeting()


class _Story(Invention):
    """A meeting in the making: who comes and goes when, and what LiveKit tells of it."""

    def __init__(self, seed: int, start: int, minutes: float, room: str) -> None:
        super().__init__(seed, start, minutes)
        self._key = f"{base36(seed % 2**64)}_{base36(start)}"
        self._made = 0
        name = room or f"{self.dice.choice(_ROOMS)}-{seed}"
        self._room = Room(sid=self._new_id("RM"), name=name, created_at=start)
        self._stays: list[Stay] = []
        self._captured: list[Captured] = []
        self._rejected: list[str] = []

    def meeting(self) -> Meeting:
        """Return the meeting, told to its end."""
        script = tuple(sorted(self._tell(), key=lambda entry: entry[0]))
        truth = RoomTruth(
            provider="livekit",
            room=self._room.name,
            session=self._room.sid,
            started=self.start,
            # LiveKit tells in milliseconds when something began, and in whole seconds when it ended.
            ended=max(self.start, whole_second(self.end)),
            stays=tuple(self._stays),
            captured=tuple(self._captured),
            rejected=tuple(self._rejected),
        )
        return Meeting(script, truth)

    def _tell(self) -> Iterator[tuple[int, Sample]]:
        """Yield what is sent and when, in no order but that equal times stand in theirs."""
        yield self._send("room_started", self.start, {"room": full_room(self._room)})
        for number, name in enumerate(self.dice.sample(PEOPLE, self.dice.randint(3, 6))):
            yield from self._tell_person(name, comes_back=number == 0 or self.dice.random() < 0.3)
        yield from self._tell_others()
        yield from self._tell_recording()
        ended: JsonObject = {"room": full_room(self._room), "roomEndReason": "ROOM_END_IDLE_TIMEOUT"}
        yield self._send("room_finished", self.end, ended)

    def _tell_person(self, name: str, comes_back: bool) -> Iterator[tuple[int, Sample]]:
        arrival, departure = self.moment(0.01, 0.25), self.moment(0.75, 0.98)
        if comes_back:
            gone, back, reason = self.moment(0.3, 0.4), self.moment(0.4, 0.6), "SIGNAL_CLOSE"
            if self.dice.random() < 0.5:
                # Back before the server has noticed: the old visit ends after the new one has begun.
                gone, reason = back + self.length // 100, "DUPLICATE_IDENTITY"
            yield from self._tell_visit(self._visit(name, arrival), gone, reason)
            arrival = back
        yield from self._tell_visit(self._visit(name, arrival), departure, self.dice.choice(_REASONS))

    def _tell_others(self) -> Iterator[tuple[int, Sample]]:
        """Tell of an agent, whom nobody counts, of a caller, who is a person, and of somebody who does not get in."""
        if self.dice.random() < 0.3:
            agent = self._visit("Notetaker", self.moment(0.02, 0.1), "AGENT")
            yield from self._tell_visit(agent, self.end, "ROOM_CLOSED")
        if self.dice.random() < 0.3:
            caller = self._visit("Caller", self.moment(0.1, 0.3), "SIP")
            yield from self._tell_visit(caller, self.moment(0.5, 0.9), "CLIENT_INITIATED")
        if self.dice.random() < 0.3:
            rejected = self._visit("Ivo Brandt", self.moment(0.2, 0.4))
            self._rejected.append(rejected.sid)
            failed = full_participant(rejected, "JOIN_FAILURE")
            told: JsonObject = {"room": full_room(self._room), "participant": failed}
            yield self._send("participant_connection_aborted", rejected.joined_at, told)

    def _tell_visit(self, visit: Visit, left_at: int, reason: str) -> Iterator[tuple[int, Sample]]:
        if visit.kind != "AGENT":
            told_end = max(visit.joined_at, whole_second(left_at))
            self._stays.append(Stay(identity=visit.identity, began=visit.joined_at, ended=told_end))
        joined: JsonObject = {"room": full_room(self._room), "participant": full_participant(visit)}
        yield self._send("participant_joined", visit.joined_at, joined)
        tracks = [microphone(self._new_id("TR"))]
        if self.dice.random() < 0.5:
            tracks.append(camera(self._new_id("TR")))
        for track in tracks:
            told: JsonObject = {
                "room": brief_room(self._room),
                "participant": {"sid": visit.sid, "identity": visit.identity},
                "track": track,
            }
            yield self._send("track_published", visit.joined_at + (left_at - visit.joined_at) // 20, told)
            yield self._send("track_unpublished", left_at, told)
        yield self._send_left(visit, left_at, reason)

    def _tell_recording(self) -> Iterator[tuple[int, Sample]]:
        egress_id, begin, began = self._new_id("EG"), self.moment(0.02, 0.03), self.moment(0.04, 0.06)
        recorder = Visit(sid=self._new_id("PA"), identity=egress_id, name="", joined_at=began, kind="EGRESS")
        joined: JsonObject = {"room": full_room(self._room), "participant": full_participant(recorder)}
        starting = recording(self._room, egress_id, updated_at=begin)
        active = {**starting, "startedAt": nanoseconds(began), "status": "EGRESS_ACTIVE"}
        yield self._send_egress("egress_started", begin, starting)
        yield self._send("participant_joined", began, joined)
        yield self._send_egress("egress_updated", began, active)
        yield self._send_egress("egress_updated", self.end, {**active, "status": "EGRESS_ENDING"})
        yield self._send_left(recorder, self.end, "ROOM_CLOSED")
        # Only when the file is uploaded, or could not be: long after the room has finished.
        fails = self.dice.random() < 0.2
        result = (failed_recording if fails else complete_recording)(self._room, egress_id, began, self.end)
        self._captured.append(Captured(egress_id, "failed" if fails else "completed"))
        yield self._send_egress("egress_ended", self.end + min(_UPLOAD_MS, self.length // 5), result)

    def _send_left(self, visit: Visit, at: int, reason: str) -> tuple[int, Sample]:
        left: JsonObject = {"room": full_room(self._room), "participant": full_participant(visit, reason)}
        return self._send("participant_left", at, left)

    def _send_egress(self, event: str, at: int, egress: JsonObject) -> tuple[int, Sample]:
        told = {**egress, "updatedAt": nanoseconds(at)}
        return self._send(event, at, {"room": brief_room(self._room), "egressInfo": told})

    def _send(self, event: str, at: int, objects: JsonObject) -> tuple[int, Sample]:
        return at, sample(event, self._new_id("EV"), at, objects)

    def _visit(self, name: str, joined_at: int, kind: str = "") -> Visit:
        identity = name.partition(" ")[0].lower()
        return Visit(sid=self._new_id("PA"), identity=identity, name=name, joined_at=joined_at, kind=kind)

    def _new_id(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}_{self._key}_{base36(self._made)}"
