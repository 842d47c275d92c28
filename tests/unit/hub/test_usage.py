"""What meetings used up: added up exactly, cut at the bounds of a period and of days, rounded once."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ports import Document
from hub.present import Clockwork
from hub.state.participant import Presence
from hub.state.room import Tally
from hub.usage import Grouping, Period, Usage
from tests.searching import search

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
# The first of a month, at midnight.
MONTH = 1_772_323_200_000
EVER = Period(MONTH, MONTH + 31 * DAY)
CLOCKWORK = Clockwork()

Shown = dict[str, Any]  # whatever an answer holds


class Visit(NamedTuple):
    """Somebody's presence; `end` is None while it goes on."""

    start: int
    end: int | None
    counted: bool = True


class Meeting(NamedTuple):
    """A session as it is stored."""

    start: int
    end: int | None
    visits: tuple[Visit, ...] = ()
    name: str = "s:1"
    durable: str = "s@daily"
    provider: str = "livekit"
    project: str = ""
    # When something last happened in it.
    active: int | None = None
    told_present: int | None = None
    told_peak: int | None = None
    # Of a session without a name: when it met.
    met: tuple[tuple[int, int | None], ...] = ()

    def room(self) -> Document:
        active = self.start if self.active is None else self.active
        tally = Tally(
            started_at=self.start,
            ended_at=self.end,
            active_at=active,
            told_present_ms=self.told_present,
            told_peak=self.told_peak,
            meetings=self.met,
        )
        topic = f"rooms/{self.name}"
        return Document(
            topic=topic,
            collection="rooms",
            parent=topic,
            provider=self.provider,
            durable=f"rooms/{self.durable}" if self.durable else "",
            began_at=self.start,
            over=self.end is not None,
            body=orjson.dumps({"id": self.name, "project": self.project or None}),
            hidden=msgspec.msgpack.encode(tally),
        )

    def people(self) -> list[Document]:
        topic = f"rooms/{self.name}"
        return [
            Document(
                topic=f"{topic}/participants/p{place}",
                collection="participants",
                parent=topic,
                hidden=msgspec.msgpack.encode(Presence(((visit.start, visit.end, ""),), visit.counted)),
            )
            for place, visit in enumerate(self.visits)
        ]


def used(
    *meetings: Meeting,
    period: Period = EVER,
    by: Grouping = Grouping.ROOM,
    now: int = EVER.until,
    clockwork: Clockwork = CLOCKWORK,
) -> Shown:
    usage = Usage(period, by, clockwork, now)
    for one in meetings:
        usage.add(one.room(), one.people())
    return usage.shown()


def hour_long(day: int = 0, people: int = 1, **fields: object) -> Meeting:
    """Return a meeting from noon to one, with people who are there all the time."""
    start = MONTH + day * DAY + 12 * HOUR
    return Meeting(start, start + HOUR, (Visit(start, start + HOUR),) * people, **fields)


def test_without_any_meeting_nothing_was_used() -> None:
    """The total is there all the same."""
    nothing = {"meetings": 0, "participant_minutes": 0, "cost": 0, "peak_participants": 0}
    assert used() == {"items": [], "next": None, "total": nothing}


def test_minutes_cost_meetings_and_the_most_at_once() -> None:
    """Two people for an hour, at 0.004 a minute."""
    total = {"meetings": 1, "participant_minutes": 120.0, "cost": 0.48, "peak_participants": 2}
    assert used(hour_long(people=2)) == {"items": [{"room": "s@daily", **total}], "next": None, "total": total}


def test_seconds_are_added_up_before_they_are_rounded() -> None:
    """A thousand thirds of a minute are 333.33 minutes, not 330; and the cost is that of the minutes, unrounded."""
    visits = tuple(Visit(MONTH + number * MINUTE, MONTH + number * MINUTE + 20 * SECOND) for number in range(1000))
    total = used(Meeting(MONTH, MONTH + DAY, visits))["total"]
    assert (total["participant_minutes"], total["cost"]) == (333.33, 1.3333)


def test_minutes_have_the_configured_price() -> None:
    """Taken as the number that was written, not as what a float makes of it."""
    clockwork = Clockwork(price_per_participant_minute=0.1)
    assert used(hour_long(people=3), clockwork=clockwork)["total"]["cost"] == 18.0


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (Grouping.ROOM, {"s:3": 1, "s@daily": 2, "s@weekly": 1}),
        (Grouping.PROVIDER, {"livekit": 3, "pulse": 1}),
        (Grouping.PROJECT, {None: 2, "acme": 2}),
        (Grouping.DAY, {"2026-03-01": 2, "2026-03-02": 1, "2026-03-05": 1}),
    ],
)
def test_what_was_used_is_added_up_by_room_provider_project_or_day(
    by: Grouping, expected: dict[str | None, int]
) -> None:
    """Rooms are durable ones; a session of none is one by itself. In the order of names, what has none first."""
    found = used(
        hour_long(0, name="s:1", project="acme"),
        hour_long(0, name="s:2", durable="s@weekly", provider="pulse"),
        hour_long(1, name="s:3", durable=""),
        hour_long(4, name="s:4", project="acme"),
        by=by,
    )
    assert {item[by.value]: item["meetings"] for item in found["items"]} == expected
    assert [item[by.value] for item in found["items"]] == list(expected)
    assert found["total"]["meetings"] == 4


def test_a_meeting_over_midnight_is_cut_there() -> None:
    """Half an hour before and an hour after; one meeting on each day, and one in all."""
    start = MONTH + DAY - 30 * MINUTE
    night = Meeting(start, start + 90 * MINUTE, (Visit(start, start + 90 * MINUTE),))
    found = used(night, by=Grouping.DAY)
    assert [(item["day"], item["participant_minutes"], item["meetings"]) for item in found["items"]] == [
        ("2026-03-01", 30, 1),
        ("2026-03-02", 60, 1),
    ]
    assert (found["total"]["participant_minutes"], found["total"]["meetings"]) == (90, 1)


def test_a_meeting_that_ended_at_midnight_is_not_one_of_the_next_day() -> None:
    """Days have their beginning, not their end."""
    until_midnight = Meeting(MONTH + DAY - HOUR, MONTH + DAY, (Visit(MONTH + DAY - HOUR, MONTH + DAY),))
    assert [item["day"] for item in used(until_midnight, by=Grouping.DAY)["items"]] == ["2026-03-01"]


def test_only_what_lies_in_the_period_is_counted() -> None:
    """From its beginning on, up to but without its end."""
    noon = MONTH + 12 * HOUR
    meeting = hour_long(people=2)
    for since, until, minutes, meetings in (
        (noon, noon + HOUR, 120, 1),
        (noon + 15 * MINUTE, noon + 45 * MINUTE, 60, 1),
        (noon - HOUR, noon, 0, 0),
        (noon + HOUR, noon + 2 * HOUR, 0, 0),
        (noon + HOUR - 1, noon + 2 * HOUR, 0, 1),
    ):
        total = used(meeting, period=Period(since, until))["total"]
        assert (total["participant_minutes"], total["meetings"]) == (minutes, meetings)


def test_a_reported_total_wins_and_is_spread_evenly_over_the_meeting() -> None:
    """The provider tells how much it was, not when; a quarter of the meeting is a quarter of it."""
    noon = MONTH + 12 * HOUR
    meeting = hour_long(told_present=200 * MINUTE)
    assert used(meeting)["total"]["participant_minutes"] == 200
    quarter = Period(noon + 30 * MINUTE, noon + 45 * MINUTE)
    assert used(meeting, period=quarter)["total"]["participant_minutes"] == 50


def test_a_reported_nothing_is_a_report() -> None:
    """Nobody pays for what the provider does not charge."""
    assert used(hour_long(told_present=0))["total"]["participant_minutes"] == 0


def test_a_reported_total_of_a_meeting_without_length_is_not_lost() -> None:
    """Only its end was told, with all that it was: it is of that moment, and of no other day."""
    moment = MONTH + DAY
    meeting = Meeting(moment, moment, told_present=30 * MINUTE)
    found = used(meeting, by=Grouping.DAY)
    assert [(item["day"], item["participant_minutes"]) for item in found["items"]] == [("2026-03-02", 30)]
    assert used(meeting, period=Period(MONTH, moment))["total"]["meetings"] == 0


def test_an_end_alone_is_no_meeting() -> None:
    """Whoever met there did so in a session without a name, which counts by itself."""
    ended = Meeting(MONTH + HOUR, MONTH + HOUR)
    assert used(ended)["total"]["meetings"] == 0
    assert used(ended._replace(visits=(Visit(MONTH + HOUR, MONTH + HOUR),)))["total"]["meetings"] == 1


def test_who_is_not_a_person_costs_nothing() -> None:
    """Recorders and agents are participants, never counted."""
    start = MONTH + 12 * HOUR
    meeting = Meeting(start, start + HOUR, (Visit(start, start + HOUR, counted=False), Visit(start, start + HOUR)))
    total = used(meeting)["total"]
    assert (total["participant_minutes"], total["peak_participants"]) == (60, 1)


@pytest.mark.parametrize(("now_hours", "minutes"), [(1, 60), (11, 660), (12, 720), (13, 780), (14, 780), (500, 780)])
def test_nobody_is_counted_longer_than_a_silent_room_can_have_lived(now_hours: int, minutes: int) -> None:
    """It never ended, and somebody never left: they are counted up to twelve hours after its last sign of life."""
    meeting = Meeting(MONTH, None, (Visit(MONTH, None),), active=MONTH + HOUR)
    assert used(meeting, now=MONTH + now_hours * HOUR)["total"]["participant_minutes"] == minutes


def test_a_stale_room_does_not_meet_in_the_months_that_follow() -> None:
    """It is not over, and must have ended."""
    meeting = Meeting(MONTH, None, (Visit(MONTH, None),))
    later = Period(MONTH + 10 * DAY, MONTH + 20 * DAY)
    assert used(meeting, period=later)["total"]["meetings"] == 0


def test_the_most_at_once_is_over_all_rooms_of_a_group() -> None:
    """Two rooms at one time are twice as many; one after the other they are not."""
    noon = MONTH + 12 * HOUR
    first, second = hour_long(people=2, name="s:1"), hour_long(people=3, name="s:2")
    later = Meeting(noon + HOUR, noon + 2 * HOUR, (Visit(noon + HOUR, noon + 2 * HOUR),) * 4, name="s:3")
    assert used(first, second, later)["total"]["peak_participants"] == 5
    assert used(first, later)["total"]["peak_participants"] == 4


def test_a_reported_peak_is_taken_for_its_room_and_compared_with_the_others() -> None:
    """When it was is not told, so it cannot be added to anything."""
    told = hour_long(people=1, name="s:1", told_peak=3)
    assert used(told)["total"]["peak_participants"] == 3
    assert used(told, hour_long(people=2, name="s:2"))["total"]["peak_participants"] == 3
    assert used(told, hour_long(people=4, name="s:2"))["total"]["peak_participants"] == 4


# Generated months are counted in steps of ten minutes, so that each can be walked through.
STEP = 10 * MINUTE
STEPS_A_DAY = DAY // STEP
LAST = 10 * STEPS_A_DAY
PRESUMED = 12 * HOUR // STEP


class Walk(NamedTuple):
    """What is found by walking through a month: presence, meetings, and how many were there, by group."""

    present: dict[str, float]
    meetings: dict[str, int]
    peak: dict[str, int]


def steps(meeting: Meeting, now: int) -> tuple[range, list[range]]:
    """Return when a meeting went on and when its people were there, in steps since the beginning of the month."""
    start, active = _step(meeting.start), _step(meeting.active or meeting.start)
    lives_until = min(_step(now), active + PRESUMED)
    end = max(start, lives_until) if meeting.end is None else _step(meeting.end)
    return range(start, end), [
        range(_step(visit.start), lives_until if visit.end is None else _step(visit.end))
        for visit in meeting.visits
        if visit.counted
    ]


def walk(meetings: Iterable[Meeting], period: Period, now: int, group_of: Callable[[Meeting, int], str]) -> Walk:
    """Walk through the period step by step."""
    first, last = _step(period.since), _step(period.until)
    present: dict[str, float] = defaultdict(float)
    met: dict[str, set[str]] = defaultdict(set)
    there: dict[tuple[str, int], int] = defaultdict(int)
    told_peak: dict[str, int] = defaultdict(int)
    for meeting in meetings:
        going_on, visits = steps(meeting, now)
        if not going_on and not visits and meeting.told_present is None:
            continue
        spread = (meeting.told_present or 0) / STEP / (len(going_on) or 1)
        for step in going_on or [going_on.start]:
            if first <= step < last:
                group = group_of(meeting, step)
                met[group].add(meeting.name)
                told_peak[group] = max(told_peak[group], meeting.told_peak or 0)
                present[group] += 0 if meeting.told_present is None else spread
        for step in (step for visit in visits for step in visit if first <= step < last):
            group = group_of(meeting, step)
            present[group] += meeting.told_present is None
            there[group, step] += meeting.told_peak is None
    peaks = {
        group: max([told_peak[group], *(most for (one, _), most in there.items() if one == group)]) for group in met
    }
    return Walk(present, {group: len(names) for group, names in met.items()}, peaks)


def _step(time: int) -> int:
    return (time - MONTH) // STEP


def _day_of(_: Meeting, step: int) -> str:
    return datetime.fromtimestamp((MONTH + step * STEP) / 1000, UTC).date().isoformat()


# Often at midnight, where days and periods begin and end, and often without any length.
_MIDNIGHTS = st.integers(-1, 10).map(lambda day: day * STEPS_A_DAY)
_STARTS = _MIDNIGHTS | st.integers(-STEPS_A_DAY, LAST)
_LENGTHS = st.just(0) | st.sampled_from((STEPS_A_DAY, 2 * STEPS_A_DAY)) | st.integers(0, 3 * STEPS_A_DAY)


@st.composite
def _meetings(draw: st.DrawFn) -> list[Meeting]:
    found = []
    for number in range(draw(st.integers(0, 5))):
        start = draw(_STARTS)
        length = draw(_LENGTHS)
        is_over = draw(st.booleans())
        visits = []
        for _ in range(draw(st.integers(0, 4))):
            came = start + draw(st.integers(0, length))
            stayed = draw(st.integers(0, start + length - came))
            is_open = not is_over and draw(st.booleans())
            visits.append(
                Visit(_at(came), None if is_open else _at(came + stayed), draw(st.sampled_from((True, True, False))))
            )
        found.append(
            Meeting(
                start=_at(start),
                end=_at(start + length) if is_over else None,
                visits=tuple(visits),
                name=f"s:{number}",
                durable=draw(st.sampled_from(("", "s@daily", "s@weekly"))),
                provider=draw(st.sampled_from(("livekit", "pulse"))),
                project=draw(st.sampled_from(("", "acme"))),
                active=_at(start + length),
                told_present=draw(st.sampled_from((None, None, 0, 600 * MINUTE))) if is_over else None,
                told_peak=draw(st.sampled_from((None, None, 3))),
            )
        )
    return found


def _at(step: int) -> int:
    return MONTH + step * STEP


_periods = st.tuples(_MIDNIGHTS | st.integers(0, LAST), st.just(STEPS_A_DAY) | st.integers(1, LAST)).map(
    lambda drawn: Period(_at(drawn[0]), _at(drawn[0] + drawn[1]))
)
_groups: dict[Grouping, Callable[[Meeting, int], str]] = {
    Grouping.ROOM: lambda meeting, _: meeting.durable or meeting.name,
    Grouping.PROVIDER: lambda meeting, _: meeting.provider,
    Grouping.PROJECT: lambda meeting, _: meeting.project,
    Grouping.DAY: _day_of,
}


@given(
    meetings=_meetings(),
    period=_periods,
    now=st.integers(4 * STEPS_A_DAY, 2 * LAST).map(_at),
    by=st.sampled_from(list(Grouping)),
)
@search(150)
def test_it_is_what_is_found_by_walking_through_the_month(
    meetings: list[Meeting], period: Period, now: int, by: Grouping
) -> None:
    """Sessions over midnight, rooms that never ended, reported totals, bounds in the middle of anything."""
    # What is told lies in the past, as far as clocks agree.
    meetings = [one for one in meetings if (one.active or 0) <= now]
    found = used(*meetings, period=period, by=by, now=now)
    items = {item[by.value] or "": item for item in found["items"]}
    expected = walk(meetings, period, now, _groups[by])
    assert {name: item["meetings"] for name, item in items.items()} == expected.meetings
    assert {name: item["peak_participants"] for name, item in items.items()} == expected.peak
    for name, item in items.items():
        minutes = expected.present[name] * STEP / MINUTE
        assert item["participant_minutes"] == pytest.approx(minutes, abs=0.00501)
        assert item["cost"] == pytest.approx(minutes * 0.004, abs=0.0000501)
    everything = walk(meetings, period, now, lambda *_: "")
    assert found["total"]["meetings"] == everything.meetings.get("", 0)
    assert found["total"]["peak_participants"] == everything.peak.get("", 0)
    assert found["total"]["participant_minutes"] == pytest.approx(everything.present[""] * STEP / MINUTE, abs=0.00501)


@given(meetings=_meetings(), by=st.sampled_from(list(Grouping)), period=_periods)
@search(100)
def test_the_groups_add_up_to_the_total(meetings: list[Meeting], by: Grouping, period: Period) -> None:
    """Whoever adds up a bill gets what is written under it, but for the rounding of each line."""
    found = used(*meetings, period=period, by=by, now=_at(3 * LAST))
    total = sum(item["participant_minutes"] for item in found["items"])
    assert total == pytest.approx(found["total"]["participant_minutes"], abs=0.00501 * (len(found["items"]) + 1))


@given(meetings=_meetings(), order=st.randoms(use_true_random=False))
@search(50)
def test_the_order_in_which_rooms_are_added_does_not_matter(meetings: list[Meeting], order: object) -> None:
    """They come in pages, by topic."""
    shuffled = list(meetings)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert used(*shuffled) == used(*meetings)


def test_a_session_without_a_name_is_as_many_meetings_as_it_met() -> None:
    """A room that meets daily and never says which meeting it is met daily all the same."""
    days = [hour_long(day, people=2) for day in range(3)]
    visits = tuple(visit for one in days for visit in one.visits)
    met = tuple((one.start, one.end) for one in days)
    daily = Meeting(days[0].start, days[-1].end, visits, met=met)
    assert used(daily)["total"] == used(*days)["total"]
    by_day = used(daily, by=Grouping.DAY)["items"]
    assert [(one["meetings"], one["participant_minutes"]) for one in by_day] == [(1, 120.0)] * 3


def test_of_a_session_without_a_name_only_the_meeting_that_goes_on_is_counted_to_now() -> None:
    """What ended yesterday does not reach into today."""
    first, second = hour_long(0), hour_long(1)
    visits = (*first.visits, Visit(second.start, None))
    met = ((first.start, first.end), (second.start, None))
    daily = Meeting(first.start, None, visits, met=met, active=second.start)
    now = second.start + HOUR // 2
    assert used(daily, now=now)["total"] == {
        "meetings": 2,
        "participant_minutes": 90.0,
        "cost": 0.36,
        "peak_participants": 1,
    }
    today = Period(second.start - HOUR, EVER.until)
    assert used(daily, now=now, period=today)["total"]["meetings"] == 1


def test_who_was_there_before_the_room_was_named_is_counted_too() -> None:
    """The start came late, by another clock or never: parts of a period must add up to the whole."""
    late = Meeting(MONTH + 10 * MINUTE, MONTH + 20 * MINUTE, (Visit(MONTH, MONTH + 20 * MINUTE),))
    halves = [used(late, period=Period(MONTH + at, MONTH + at + 10 * MINUTE)) for at in (0, 10 * MINUTE)]
    assert [half["total"]["participant_minutes"] for half in halves] == [10, 10]
