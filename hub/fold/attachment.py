"""Which session a fact belongs to that names only a durable room.

It is the session with the latest start not after the fact. Once that session has ended, the next start or join that
names no session begins a meeting that nothing identifies; it has the durable room's own id, as has everything
before the first session. All of it follows from the facts alone, so that what arrives late moves what it should
have had from the beginning.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hub.events import CaptureDetail, Fact, Kind
from hub.fold.parts import Parts, PooledFact, capture_part
from hub.state.facts import NOTHING
from hub.state.room import began_at, own_end

CAPTURES = ("recording/", "stream/", "transcript/")
# Those whose id is never used again: what is told of one is of one session.
_ONCE = ("recording/", "transcript/")
_BEGINNINGS = frozenset({Kind.ROOM_STARTED, Kind.PARTICIPANT_JOINED})
_TURNS = _BEGINNINGS | {Kind.ROOM_ENDED}


class Span(NamedTuple):
    """When a session with a name began, and when it ended, as far as anybody said."""

    start: int
    end: int | None


class Timeline:
    """Who was running when, in a durable room."""

    def __init__(self, durable: str, spans: Mapping[str, Span], pool: Iterable[PooledFact]) -> None:
        self._durable = durable
        self._starts: list[tuple[int, str]] = []
        waiting = sorted(((span.start, session) for session, span in spans.items()), reverse=True)
        ends = {session: () if span.end is None else (span.end,) for session, span in spans.items()}
        told = sorted((one.fact.time, one.fact.kind) for one in pool if one.fact.kind in _TURNS)
        for time, kind in told:
            while waiting and waiting[-1][0] <= time:
                self._starts.append(waiting.pop())
            current = self._starts[-1][1] if self._starts else durable
            ended = ends.get(current, ())
            if kind is Kind.ROOM_ENDED and not (ended and ended[0] <= time):
                # The first end that is told is the one.
                ends[current] = (time,)
            elif kind in _BEGINNINGS and current != durable and ended and ended[0] < time:
                self._starts.append((time, durable))
        self._starts += waiting[::-1]

    def running(self, time: int) -> str:
        """Return the session that was running at a time."""
        place = bisect_right(self._starts, time, key=lambda start: start[0])
        return self._starts[place - 1][1] if place else self._durable


def attached(timeline: Timeline, sessions: Mapping[str, Parts], pool: Mapping[str, PooledFact]) -> dict[str, str]:
    """Return the session of every fact of the pool, by part."""
    captures = _captures(sessions)
    for pooled in sorted(pool.values(), key=lambda one: one.fact.time):
        # Of a recording that no payload gives to a session, its first word decides.
        captures.setdefault(_capture_of(pooled.fact), timeline.running(pooled.fact.time))
    return {
        name: captures[capture] if (capture := _capture_of(pooled.fact)) else timeline.running(pooled.fact.time)
        for name, pooled in pool.items()
    }


def span_of(parts: Parts) -> Span | None:
    """Return when a session was, by what was told of itself; None when nothing was."""
    room = parts.get("", NOTHING)
    start, ends = began_at(room), own_end(room).times
    return None if start is None else Span(start, ends[0] if ends else None)


def _captures(sessions: Mapping[str, Parts]) -> dict[str, str]:
    """Return the sessions of recordings that some payload names."""
    named = ((part, session) for session, parts in sessions.items() for part in parts)
    return {part: session for part, session in sorted(named, reverse=True) if part.startswith(_ONCE)}


def _capture_of(fact: Fact) -> str:
    part = capture_part(fact, fact.detail) if isinstance(fact.detail, CaptureDetail) else ""
    return part if part.startswith(_ONCE) else ""
