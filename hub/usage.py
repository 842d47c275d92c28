"""What meetings used up: participant minutes, what they cost, how many meetings, and the most people at once.

Everything is added up exactly, in milliseconds, and rounded once, at the end. Days are days in UTC.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction

import msgspec
import orjson

from hub.ports import Document
from hub.present import Clockwork, alive_until, decode_presence
from hub.state.presence import Visit, peak
from hub.state.room import Tally, decode_tally

_MS_PER_MINUTE = 60_000
_MS_PER_DAY = 86_400_000


class Grouping(StrEnum):
    """By what usage can be added up."""

    ROOM = "room"
    PROVIDER = "provider"
    PROJECT = "project"
    DAY = "day"


class Period(msgspec.Struct, frozen=True):
    """From a moment on, up to but without another, in milliseconds since 1970."""

    since: int
    until: int


class _Meeting(msgspec.Struct, frozen=True):
    """What is counted of one session."""

    start: int
    end: int
    # Visits of people, none of them open.
    stays: tuple[tuple[int, int], ...]
    tally: Tally

    def is_empty(self) -> bool:
        """Whether nothing but an end was told of it: whoever met there did so in a session without a name."""
        return self.start == self.end and not self.stays and self.tally.told_present_ms is None

    def touches(self, period: Period) -> bool:
        return self.start < period.until and (self.end > period.since or self.start >= period.since)

    def present_in(self, period: Period) -> Fraction:
        """Return the presence of all people added up, in milliseconds; a reported total is spread evenly."""
        told = self.tally.told_present_ms
        if told is None:
            return Fraction(sum(end - start for start, end in _clipped(self.stays, period)))
        length = self.end - self.start
        if length == 0:
            return Fraction(told)
        return Fraction(told * sum(end - start for start, end in _clipped([(self.start, self.end)], period)), length)


class _Sum:
    """What one group used up."""

    def __init__(self) -> None:
        self.meetings = 0
        self.present = Fraction(0)
        self._told_peak = 0
        self._stays: list[Visit] = []

    def add(self, meeting: _Meeting, period: Period) -> None:
        self.meetings += 1
        self.present += meeting.present_in(period)
        if meeting.tally.told_peak is not None:
            self._told_peak = max(self._told_peak, meeting.tally.told_peak)
            return
        self._stays += [Visit(start, end) for start, end in _clipped(meeting.stays, period)]

    def shown(self, price: Fraction) -> dict[str, object]:
        minutes = self.present / _MS_PER_MINUTE
        return {
            "meetings": self.meetings,
            "participant_minutes": float(round(minutes, 2)),
            "cost": float(round(minutes * price, 4)),
            "peak_participants": max(self._told_peak, peak(self._stays)),
        }


class Usage:
    """Adds up sessions; `now` is in milliseconds since 1970."""

    def __init__(self, period: Period, grouping: Grouping, clockwork: Clockwork, now: int) -> None:
        self._period = period
        self._grouping = grouping
        self._clockwork = clockwork
        self._now = now
        self._groups: defaultdict[str, _Sum] = defaultdict(_Sum)
        self._total = _Sum()

    def add(self, room: Document, people: Iterable[Document]) -> None:
        """Count a session with its participants."""
        for meeting in self._meetings(room, people):
            if meeting.is_empty() or not meeting.touches(self._period):
                continue
            self._total.add(meeting, self._period)
            for name, part in self._parts(room, meeting):
                self._groups[name].add(meeting, part)

    def shown(self, after: str | None = None, limit: int | None = None) -> dict[str, object]:
        """Return groups by name, so many after one, the name after which others follow (or None), and the total."""
        price = Fraction(str(self._clockwork.price_per_participant_minute))
        rest = [name for name in sorted(self._groups) if after is None or name > after]
        names = rest[:limit]
        items = [{self._grouping.value: name or None, **self._groups[name].shown(price)} for name in names]
        following = names[-1] if len(names) < len(rest) else None
        return {"items": items, "next": following, "total": self._total.shown(price)}

    def _meetings(self, room: Document, people: Iterable[Document]) -> list[_Meeting]:
        tally = decode_tally(room.hidden)
        counted_until = min(self._now, alive_until(tally, self._clockwork))
        stays = tuple(_visits(people, counted_until))
        # Whoever came before the start that was told, by another clock, is counted too.
        start = min([tally.started_at or room.began_at, *(start for start, _ in stays)])
        end = max(start, counted_until if tally.ended_at is None else tally.ended_at)
        if not tally.meetings:
            return [_Meeting(start, end, stays, tally)]
        # A session that nothing identifies met as often as it ended, and once more while it goes on.
        begun = [began for began, _ in tally.meetings]
        held: list[list[tuple[int, int]]] = [[] for _ in begun]
        for stay in stays:
            held[max(0, bisect_right(begun, stay[0]) - 1)].append(stay)
        return [
            _Meeting(began, max(began, end if ended is None else ended), tuple(visits), tally)
            for (began, ended), visits in zip(tally.meetings, held, strict=True)
        ]

    def _parts(self, room: Document, meeting: _Meeting) -> Iterator[tuple[str, Period]]:
        """Yield the groups that a meeting belongs to, each with the part of the period that they mean."""
        match self._grouping:
            case Grouping.ROOM:
                yield room.durable.partition("/")[2] or room.topic.partition("/")[2], self._period
            case Grouping.PROVIDER:
                yield room.provider, self._period
            case Grouping.PROJECT:
                yield str(orjson.loads(room.body)["project"] or ""), self._period
            case Grouping.DAY:
                yield from ((name, day) for name, day in _days(meeting, self._period) if meeting.touches(day))


def _visits(people: Iterable[Document], counted_until: int) -> Iterator[tuple[int, int]]:
    for one in people:
        presence = decode_presence(one.hidden)
        for start, end, _ in presence.stays if presence.counted else ():
            yield start, max(start, counted_until) if end is None else end


def _clipped(stays: Sequence[tuple[int, int]], period: Period) -> Iterator[tuple[int, int]]:
    for start, end in stays:
        first, last = max(start, period.since), min(end, period.until)
        if first < last:
            yield first, last


def _days(meeting: _Meeting, period: Period) -> Iterator[tuple[str, Period]]:
    first = max(meeting.start, period.since) // _MS_PER_DAY
    last = min(meeting.end, period.until - 1) // _MS_PER_DAY
    for day in range(first, last + 1):
        begin = day * _MS_PER_DAY
        bounds = Period(max(begin, period.since), min(begin + _MS_PER_DAY, period.until))
        yield datetime.fromtimestamp(begin / 1000, UTC).date().isoformat(), bounds
