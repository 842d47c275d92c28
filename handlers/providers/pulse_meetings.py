"""Simulated Pulse meetings: people who come, go and come back, tracks, a stream and a recording."""

from collections.abc import Iterator

from handlers.providers.arrival import JsonObject, Sample
from handlers.providers.pulse_payloads import Capture, Go, Guide, Room, Visit
from handlers.providers.story import PEOPLE, Captured, Invention, Meeting, RoomTruth, Stay, whole_second

_ROOMS = ("weekly-sync", "town-hall", "onboarding", "support-desk", "planning")
_UPLOAD_MS = 8_000


def meeting(seed: int, start: int, minutes: float, room: str = "") -> Meeting:
    """Return a whole meeting from `start` (ms) on, in `room` or one that is called after the seed.

    Even seeds are told as Pulse's guide does, odd ones as its public code does. Equal arguments make equal meetings;
    another seed or start has other ids throughout, and, where a room has no id, another name.
    """
    return _Story(seed, start, minutes, room).meeting()


class _Story(Invention):
    """A meeting in the making: who comes and goes when, and what Pulse tells of it."""

    def __init__(self, seed: int, start: int, minutes: float, room: str) -> None:
        super().__init__(seed, start, minutes)
        self._key = f"{seed}x{start}"
        self._made = 0
        self._is_go = seed % 2 == 1
        name = room or f"{self.dice.choice(_ROOMS)}-{self._key if self._is_go else seed}"
        self._room = Room(sid=self._new_id("RM"), name=name, created_at=start)
        self._dialect: Guide | Go = Go(self._room) if self._is_go else Guide(self._room)
        self._captured: list[Captured] = []

    def meeting(self) -> Meeting:
        """Return the meeting, told to its end."""
        visits = list(self._visits())
        script = tuple(sorted(self._tell(visits), key=lambda entry: entry[0]))
        totals = self._dialect.totals(self.end, visits)
        truth = RoomTruth(
            provider="pulse",
            room=self._room.name,
            session="" if self._is_go else self._room.sid,
            # Both dialects tell whole seconds.
            started=whole_second(self.start),
            ended=whole_second(self.end),
            stays=tuple(
                Stay(identity=one.identity, began=whole_second(one.joined_at), ended=whole_second(one.left_at))
                for one in visits
            ),
            captured=tuple(self._captured),
            told_present_ms=round(totals.minutes * 60_000) if totals else None,
            told_peak=totals.peak if totals else None,
        )
        return Meeting(script, truth)

    def _tell(self, visits: list[Visit]) -> Iterator[tuple[int, Sample]]:
        """Yield what is sent and when, in no order but that equal times stand in theirs."""
        yield self.start, self._dialect.room_started()
        for visit in visits:
            yield from self._tell_visit(visit)
        yield from self._tell_streams()
        yield self.end, self._dialect.room_ended(self.end, visits)
        # Only when the file is uploaded: after the room has ended.
        recording = Capture(id=self._new_id("REC"), began=self.start, ended=self.end)
        # The guide's recordings tell neither their session nor a time: nobody can say which meeting they are of.
        self._captured.append(Captured(recording.id, "completed", placed=self._is_go))
        ready_at = self.end + min(_UPLOAD_MS, self.length // 5)
        yield ready_at, self._dialect.recorded(recording, ready_at)

    def _visits(self) -> Iterator[Visit]:
        for number, name in enumerate(self.dice.sample(PEOPLE, self.dice.randint(3, 6))):
            arrival, departure = self.moment(0.01, 0.25), self.moment(0.75, 0.98)
            if number == 0 or self.dice.random() < 0.3:
                gone, back = self.moment(0.3, 0.4), self.moment(0.4, 0.6)
                if self.dice.random() < 0.5:
                    # Back before anybody has noticed: the old visit ends after the new one has begun.
                    gone = back + self.length // 100
                yield self._visit(name, arrival, gone)
                arrival = back
            yield self._visit(name, arrival, departure)

    def _visit(self, name: str, joined_at: int, left_at: int) -> Visit:
        identity = name.partition(" ")[0].lower()
        return Visit(sid=self._new_id("PA"), identity=identity, name=name, joined_at=joined_at, left_at=left_at)

    def _tell_visit(self, visit: Visit) -> Iterator[tuple[int, Sample]]:
        yield visit.joined_at, self._dialect.joined(visit)
        if isinstance(self._dialect, Guide):
            track: JsonObject = {"sid": self._new_id("TR"), "type": "video", "source": "camera"}
            seen_at = visit.joined_at + (visit.left_at - visit.joined_at) // 20
            yield seen_at, self._dialect.published(visit.identity, track)
            yield visit.left_at, self._dialect.unpublished(visit.identity, track)
        yield visit.left_at, self._dialect.left(visit)

    def _tell_streams(self) -> Iterator[tuple[int, Sample]]:
        egress = Capture(id=self._new_id("EG"), began=self.moment(0.02, 0.1), ended=self.moment(0.9, 0.99))
        yield egress.began, self._dialect.egress_started(egress)
        yield egress.ended, self._dialect.egress_ended(egress)
        if isinstance(self._dialect, Go):
            # Of the code's egresses only the end is told, not whether a file came of it.
            self._captured.append(Captured(egress.id, "stopped"))
            ingress = Capture(id=self._new_id("IN"), began=self.moment(0.1, 0.3), ended=self.moment(0.5, 0.9))
            yield ingress.began, self._dialect.ingress_started(ingress)
            yield ingress.ended, self._dialect.ingress_ended(ingress)

    def _new_id(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}_{self._key}_{self._made}"
