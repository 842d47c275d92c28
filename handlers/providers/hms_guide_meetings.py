"""Simulated meetings as the two 100ms guides tell them: in whole seconds, and without a name for the session."""

from collections.abc import Iterator

import msgspec

from handlers.providers import hms_payloads as payloads
from handlers.providers.arrival import JsonObject, Sample
from handlers.providers.story import Captured, Invention, Meeting, RoomTruth, Stay, whole_second

_PEOPLE = ("ann", "bob", "chen", "dora", "emre", "fay", "gus", "hana")
_ROLES = ("host", "speaker", "listener", "listener")


class _Visit(msgspec.Struct, frozen=True, kw_only=True):
    peer_id: str
    user: str
    role: str
    joined_at: int
    # None: still there when the meeting ended.
    left_at: int | None


def scheduled_meeting(seed: int, start: int, minutes: float, room: str = "") -> Meeting:
    """Return a whole meeting as the schedule guide tells it: joins, leaves, the end of a recording and the close.

    Only the close names a session, and nothing tells when it began: what is known of it begins with its first join.
    """
    story = _Story(seed, start, minutes, room)
    script = tuple(sorted(_tell_schedule(story), key=lambda entry: entry[0]))
    # All that is known of the recording is its room, which it shares with those of other meetings there.
    captured = Captured(f"beam-{story.room}", "stopped", placed=False)
    truth = story.truth(names_people=True)
    began = min(stay.began for stay in truth.stays)
    return Meeting(script, msgspec.structs.replace(truth, started=began, captured=(captured,)))


def counted_meeting(seed: int, start: int, minutes: float, room: str = "") -> Meeting:
    """Return a whole meeting as the room-statistics guide tells it: of people only roles are known."""
    story = _Story(seed, start, minutes, room)
    return Meeting(tuple(sorted(_tell_statistics(story), key=lambda entry: entry[0])), story.truth(names_people=False))


class _Story(Invention):
    """A meeting in the making: who comes and goes when, whichever guide tells of it."""

    def __init__(self, seed: int, start: int, minutes: float, room: str) -> None:
        super().__init__(seed, start, minutes)
        self.key = f"{seed % 2**64:x}-{start:x}"
        self.room = room or f"room-{self.key}"
        self.recorded_until = self.moment(0.98, 0.99)
        self.visits = list(self._visits())

    def truth(self, *, names_people: bool) -> RoomTruth:
        """Return what is true of it, in whole seconds."""
        return RoomTruth(
            provider="100ms",
            room=self.room,
            started=whole_second(self.start),
            ended=whole_second(self.end),
            stays=tuple(
                Stay(
                    identity=one.user if names_people else "",
                    began=whole_second(one.joined_at),
                    ended=whole_second(self.end if one.left_at is None else one.left_at),
                    role=one.role,
                )
                for one in self.visits
            ),
        )

    def _visits(self) -> Iterator[_Visit]:
        host, *others = self.dice.sample(_PEOPLE, self.dice.randint(3, 6))
        # The host closes the meeting, which is all that tells of the host's going.
        yield self._visit(host, "host", self.moment(0.01, 0.05), None)
        for number, user in enumerate(others):
            role = self.dice.choice(_ROLES)
            arrival, departure = self.moment(0.05, 0.25), self.moment(0.75, 0.97)
            if number == 0 or self.dice.random() < 0.3:
                gone, back = self.moment(0.3, 0.4), self.moment(0.4, 0.6)
                # Some come back by a second device before they have left with the first.
                gone += (back - gone) * 2 if self.dice.random() < 0.5 else 0
                yield self._visit(user, role, arrival, gone)
                arrival = back
            yield self._visit(user, role, arrival, departure)

    def _visit(self, user: str, role: str, joined_at: int, left_at: int | None) -> _Visit:
        peer_id = payloads.make_uuid(f"{self.key}/{user}/{joined_at}")
        return _Visit(peer_id=peer_id, user=user, role=role, joined_at=joined_at, left_at=left_at)


def _tell_schedule(story: _Story) -> Iterator[tuple[int, Sample]]:
    for one in story.visits:
        who: JsonObject = {"peer_id": one.peer_id, "user_data": f'{{"userId":"{one.user}"}}'}
        joined = {**who, "role": one.role, "joined_at": payloads.second(one.joined_at)}
        yield one.joined_at, payloads.scheduled("peer.join.success", story.room, joined)
        if one.left_at is not None:
            left = {**who, "timestamp": payloads.second(one.left_at)}
            yield one.left_at, payloads.scheduled("peer.leave.success", story.room, left)
    stopped: JsonObject = {"timestamp": payloads.second(story.recorded_until)}
    yield story.recorded_until, payloads.scheduled("beam.stopped.success", story.room, stopped)
    closed: JsonObject = {
        "session_id": payloads.make_id(f"{story.key}/session"),
        "timestamp": payloads.second(story.end),
    }
    yield story.end, payloads.scheduled("session.close.success", story.room, closed)


def _tell_statistics(story: _Story) -> Iterator[tuple[int, Sample]]:
    yield story.start, payloads.counted("room.started", story.room, story.start, {})
    for one in story.visits:
        peer: JsonObject = {"peer": {"id": one.peer_id, "role": one.role}}
        spoke_at = one.joined_at + ((one.left_at or story.end) - one.joined_at) // 20
        yield one.joined_at, payloads.counted("peer.joined", story.room, one.joined_at, peer)
        yield spoke_at, payloads.counted("track.updated", story.room, spoke_at, peer)
        if one.left_at is not None:
            yield one.left_at, payloads.counted("peer.left", story.room, one.left_at, peer)
    yield story.end, payloads.counted("room.ended", story.room, story.end, {})
