"""A planned meeting: which meetings of its room turned out to be it, and how far it is."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hub.events import Fact, ScheduleDetail, format_time
from hub.state.capture import Document
from hub.state.facts import Cell, Facts, Value

# A meeting belongs to a plan of its room that begins at most this far from it.
WINDOW_MS = 12 * 3_600_000


class Run(msgspec.Struct, frozen=True):
    """One meeting, in milliseconds since 1970; `end` is None while it goes on.

    A session is one run; a session that nothing identifies is as many as it has ends.
    """

    session: str
    start: int
    end: int | None = None

    def holds(self, time: int) -> bool:
        """Whether something at a time belongs to this meeting."""
        return self.start <= time and (self.end is None or time <= self.end)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was planned, as last changed."""

    id: str
    title: str
    provider: str
    room_id: str
    starts_at: int
    expected: tuple[tuple[str, str], ...]


class Attended(msgspec.Struct, frozen=True):
    """What the attendance of a planned meeting is computed from, kept beside its document and never streamed."""

    expected: tuple[tuple[str, str], ...] = ()
    runs: tuple[Run, ...] = ()


def schedule_facts(fact: Fact, detail: ScheduleDetail, key: str) -> Facts:
    """Return what a fact states of its schedule."""
    told: dict[str, Value] = {
        "title": detail.title,
        "provider": detail.provider or None,
        "room_id": detail.room_id or None,
        "starts_at": detail.starts_at,
        "expected": None if detail.expected is None else tuple(text for one in detail.expected for text in one),
        "over": "moved" if detail.moved else "cancelled" if detail.cancelled else "",
    }
    return Facts(
        first={f"{fact.kind}/{fact.time}": Cell(fact.time, key)},
        latest={name: Cell(fact.time, key, value) for name, value in told.items() if value is not None},
    )


def plan_of(identity: str, facts: Facts) -> Plan | None:
    """Return what is planned; None once it was cancelled, or moved to another room."""
    starts_at = facts.whole("starts_at")
    if starts_at is None or facts.text("over"):
        return None
    expected = facts.texts("expected")
    return Plan(
        id=identity,
        title=facts.text("title"),
        provider=facts.text("provider"),
        room_id=facts.text("room_id"),
        starts_at=starts_at,
        expected=tuple(zip(expected[::2], expected[1::2], strict=True)),
    )


def runs_between(session: str, begun: Iterable[int], ends: Sequence[int]) -> tuple[Run, ...]:
    """Return the meetings of a session that begins again: `begun` are the times of starts and joins, `ends` sorted."""
    starts: dict[int, int] = {}
    for time in begun:
        place = bisect_left(ends, time)
        starts[place] = min(time, starts.get(place, time))
    return tuple(
        Run(session, start, ends[place] if place < len(ends) else None) for place, start in sorted(starts.items())
    )


def assigned(plans: Mapping[str, Plan], runs: Iterable[Run]) -> dict[str, tuple[Run, ...]]:
    """Give each meeting to the plan with the nearest beginning, if one lies within 12 hours of it."""
    given: dict[str, list[Run]] = {identity: [] for identity in plans}
    # Of plans that begin at once the one with the first id counts.
    begins = {plan.starts_at: plan.id for plan in sorted(plans.values(), key=lambda plan: plan.id, reverse=True)}
    times = sorted(begins)
    for run in sorted(runs, key=lambda run: (run.start, run.session)):
        place = bisect_left(times, run.start)
        # Of two that are equally far the earlier one comes first.
        nearest = min(times[max(0, place - 1) : place + 1], key=lambda time: abs(time - run.start), default=None)
        if nearest is not None and abs(nearest - run.start) <= WINDOW_MS:
            given[begins[nearest]].append(run)
    return {identity: tuple(found) for identity, found in given.items()}


def schedule_document(plan: Plan, durable: str, runs: Sequence[Run]) -> Document:
    """Derive the document of a schedule from its meetings."""
    goes_on = any(run.end is None for run in runs)
    ends = [run.end for run in runs if run.end is not None]
    return {
        "id": plan.id,
        "title": plan.title or None,
        "provider": plan.provider,
        "room_id": plan.room_id,
        "durable_room": durable,
        "starts_at": format_time(plan.starts_at),
        "status": "LIVE" if goes_on else "COMPLETED" if runs else "SCHEDULED",
        "started_at": format_time(min((run.start for run in runs), default=None)),
        "ended_at": None if goes_on else format_time(max(ends, default=None)),
        "sessions": list(dict.fromkeys(run.session for run in runs)),
        "expected_count": len(plan.expected),
    }
