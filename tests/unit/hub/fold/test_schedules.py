"""Planned meetings of a durable room: which session is whose, and who is told of it."""

from itertools import permutations

import msgspec
import pytest

from hub.events import CaptureDetail, Event, Fact, Kind, ParticipantDetail, ScheduleDetail, Session, format_time
from hub.ports import Changes
from hub.state.schedule import Attended, Run
from tests.memory import MemoryLog
from tests.unit.hub.fold.telling import (
    DURABLE,
    SESSION,
    Shown,
    at,
    delivery,
    envelope,
    folded,
    joined,
    left,
    named,
    nameless,
    shown,
    told,
    types,
)
from tests.unit.hub.fold.viewer import Viewer

STARTED, ENDED, JOINED = Kind.ROOM_STARTED, Kind.ROOM_ENDED, Kind.PARTICIPANT_JOINED
CREATED, UPDATED, CANCELLED = Kind.SCHEDULE_CREATED, Kind.SCHEDULE_UPDATED, Kind.SCHEDULE_CANCELLED
HOUR = 3600
DAY = 24 * HOUR
PLAN, OTHER = "schedules/P1", "schedules/P2"
SECOND, ELSEWHERE = "livekit:S2", "lk@elsewhere"
ANN = ParticipantDetail(id="ann")


def planned(
    starts: float | None = None, *, name: str = "P1", second: float = -DAY, kind: Kind = CREATED, **said: object
) -> Fact:
    """Return the fact that a meeting is planned."""
    durable = str(said.pop("durable", DURABLE))
    detail = ScheduleDetail(id=name, starts_at=None if starts is None else at(starts), **said)
    return Fact(kind=kind, time=at(second), durable=durable, detail=detail)


def every_order(*facts: Fact) -> list[MemoryLog]:
    return [folded(*order) for order in permutations(facts)]


def after(log: MemoryLog, *facts: Fact) -> Changes:
    return log.commit([delivery(*facts)])


def topics_of(changes: Changes, kind: Kind) -> set[str]:
    [event] = [event for event, _ in changes.events if envelope(event)["type"] == kind]
    return set(event.topics)


def plans_told(changes: Changes) -> dict[str, Shown]:
    return {str(told(event)["schedule"]["id"]): told(event)["schedule"] for event in _about_plans(changes)}  # type: ignore[index]


def _about_plans(changes: Changes) -> list[Event]:
    return [event for event, _ in changes.events if "schedule" in told(event)]


def attended(log: MemoryLog, topic: str = PLAN) -> Attended:
    return msgspec.msgpack.decode(log.documents[topic].hidden, type=Attended)


def test_a_plan_is_a_document_and_an_event_of_its_own() -> None:
    """It can be subscribed before anybody comes."""
    log = folded(planned(0, title="Daily", provider="livekit", room_id="daily"))
    [event] = log.events
    assert (envelope(event)["type"], event.topics) == ("schedule.created", (PLAN, "schedules"))
    found = shown(log, PLAN)
    assert (found["status"], found["starts_at"], found["durable_room"]) == ("SCHEDULED", format_time(at(0)), DURABLE)
    row = log.documents[PLAN]
    assert (row.collection, row.parent, row.name, row.room_id, row.provider) == (
        *("schedules", PLAN, "Daily", "daily", "livekit"),
    )
    assert (row.began_at, row.active_at, row.over, row.ended_at) == (at(0), at(0), False, None)
    assert set(log.documents) == {PLAN}


def test_the_nearest_session_of_the_room_is_the_meeting() -> None:
    """Whatever came first, the plan or the people."""
    for log in every_order(planned(0), named(STARTED, 5 * 60), joined("ann", 6 * 60), named(ENDED, HOUR)):
        found = shown(log, PLAN)
        assert (found["status"], found["sessions"]) == ("COMPLETED", [SESSION])
        assert (found["started_at"], found["ended_at"]) == (format_time(at(300)), format_time(at(HOUR)))
        assert attended(log) == Attended((), (Run(SESSION, at(300), at(HOUR)),))
        row = log.documents[PLAN]
        assert (row.over, row.ended_at, row.active_at) == (True, at(HOUR), at(HOUR))


@pytest.mark.parametrize(
    ("start", "owner"),
    [
        (-12 * HOUR - 1, None),
        (-12 * HOUR, PLAN),
        (HOUR / 2, PLAN),
        (HOUR / 2 + 1, OTHER),
        (13 * HOUR, OTHER),
        (13 * HOUR + 1, None),
    ],
)
def test_of_two_plans_the_nearer_one_has_it_if_it_is_within_twelve_hours(start: float, owner: str | None) -> None:
    """Of two as near the earlier; what nobody planned for is nobody's."""
    for log in every_order(planned(0), planned(HOUR, name="P2"), named(STARTED, start)):
        whose = {topic for topic in (PLAN, OTHER) if shown(log, topic)["sessions"]}
        assert whose == ({owner} if owner else set())


def test_what_happens_in_the_meeting_goes_to_its_schedule_too() -> None:
    """Whoever watches the schedule sees who comes, without knowing the session."""
    log = folded(planned(0))
    started = after(log, named(STARTED, 60))
    assert topics_of(started, STARTED) == {f"rooms/{SESSION}", f"rooms/{DURABLE}", "rooms", PLAN, "schedules"}
    assert plans_told(started)["P1"]["status"] == "LIVE"
    came = after(log, joined("ann", 70))
    assert topics_of(came, JOINED) >= {PLAN, "schedules"}
    assert types(came) == ["participant.joined"]
    ended = after(log, named(ENDED, 90))
    assert topics_of(ended, ENDED) >= {PLAN, "schedules"}
    assert plans_told(ended)["P1"]["status"] == "COMPLETED"


@pytest.mark.parametrize(
    "fact",
    [
        named(Kind.RECORDING_COMPLETED, 99, CaptureDetail(id="EG1")),
        left("ann", 99),
        joined("bob", 30),
    ],
    ids=("recording", "late leave", "before the start"),
)
def test_what_comes_late_of_the_meeting_goes_to_its_schedule_too(fact: Fact) -> None:
    """A recording is complete after the end; a clock that is behind tells of times before the start."""
    log = folded(planned(0), named(STARTED, 60), named(ENDED, 90))
    assert topics_of(after(log, fact), fact.kind) >= {PLAN, "schedules"}


def test_other_meetings_of_the_room_are_nobodys() -> None:
    """A schedule shows its own meeting only."""
    log = folded(planned(0), named(STARTED, 60), named(ENDED, 90))
    changes = after(log, named(STARTED, 2 * DAY, room=SECOND), joined("ann", 2 * DAY, room=SECOND))
    assert all(not topic.startswith("schedules") for event, _ in changes.events for topic in event.topics)


def test_a_room_without_plans_tells_no_schedule_of_anything() -> None:
    """Nor does a plan for another room."""
    log = folded(planned(0, durable=ELSEWHERE), named(STARTED, 60))
    assert log.events[-1].topics == (f"rooms/{SESSION}", f"rooms/{DURABLE}", "rooms")
    assert shown(log, PLAN)["status"] == "SCHEDULED"


def test_a_plan_made_afterwards_finds_its_meeting() -> None:
    """Somebody enters on Friday what took place in the week."""
    log = folded(named(STARTED, 60), joined("ann", 70), named(ENDED, 90))
    changes = after(log, planned(0, second=DAY))
    assert types(changes) == ["schedule.created"]
    assert shown(log, PLAN)["status"] == "COMPLETED"


def test_a_late_start_moves_a_meeting_to_another_plan_and_both_are_told() -> None:
    """It was first known by somebody who joined late; it had begun long before."""
    log = folded(planned(0), planned(10 * HOUR, name="P2"), joined("ann", 6 * HOUR))
    assert (shown(log, PLAN)["status"], shown(log, OTHER)["status"]) == ("SCHEDULED", "LIVE")
    changes = after(log, named(STARTED, 3 * HOUR))
    assert (shown(log, PLAN)["status"], shown(log, OTHER)["status"]) == ("LIVE", "SCHEDULED")
    assert {name: one["status"] for name, one in plans_told(changes).items()} == {"P1": "LIVE", "P2": "SCHEDULED"}
    assert topics_of(changes, STARTED) >= {PLAN}
    assert {envelope(event)["type"] for event in _about_plans(changes)} == {"schedule.updated"}


def test_a_plan_that_is_put_off_leaves_its_meeting_to_a_nearer_one() -> None:
    """Both plans are told, each as what happened to it."""
    log = folded(planned(0), planned(8 * HOUR, name="P2"), named(STARTED, 60))
    changes = after(log, planned(DAY, kind=UPDATED, second=0, title="Later"))
    assert (shown(log, PLAN)["sessions"], shown(log, OTHER)["sessions"]) == ([], [SESSION])
    assert types(changes) == ["schedule.updated", "schedule.updated"]
    assert plans_told(changes).keys() == {"P1", "P2"}


def test_a_plan_that_is_cancelled_is_gone_and_its_meeting_may_be_anothers() -> None:
    """Viewers take it away; the other plan was not cancelled, and is not said to be."""
    log = folded(planned(0), planned(8 * HOUR, name="P2"), named(STARTED, 60))
    changes = after(log, planned(kind=CANCELLED, second=100, cancelled=True))
    assert PLAN not in log.documents
    assert changes.gone == {PLAN}
    kinds = {told(event)["schedule"]["id"]: envelope(event)["type"] for event in _about_plans(changes)}  # type: ignore[index]
    assert kinds == {"P1": "schedule.cancelled", "P2": "schedule.updated"}
    assert {name: one["status"] for name, one in plans_told(changes).items()} == {"P1": "CANCELLED", "P2": "LIVE"}


def test_a_new_plan_may_take_a_meeting_from_another() -> None:
    """The other one was not created by that."""
    log = folded(planned(8 * HOUR, name="P2"), named(STARTED, 60))
    changes = after(log, planned(0, second=100))
    kinds = {told(event)["schedule"]["id"]: envelope(event)["type"] for event in _about_plans(changes)}  # type: ignore[index]
    assert kinds == {"P1": "schedule.created", "P2": "schedule.updated"}
    assert plans_told(changes)["P2"]["status"] == "SCHEDULED"


@pytest.mark.parametrize("end", [planned(kind=CANCELLED, second=100, cancelled=True), planned(0, second=50)])
def test_what_changes_nothing_of_a_plan_is_not_told(end: Fact) -> None:
    """A cancellation that comes twice, a change that was already made."""
    log = folded(planned(0), end)
    assert types(after(log, end)) == []


def test_a_plan_that_moves_to_another_room_is_one_plan() -> None:
    """Its document goes on under its id, with the meetings of the other room; the old room's are its no longer."""
    log = folded(planned(0), named(STARTED, 60), named(STARTED, 90, room=SECOND, durable=ELSEWHERE))
    changes = after(
        log,
        planned(0, second=100, kind=UPDATED, durable=ELSEWHERE),
        planned(second=100, kind=UPDATED, moved=True),
    )
    assert types(changes) == ["schedule.updated"]
    assert (shown(log, PLAN)["durable_room"], shown(log, PLAN)["sessions"]) == (ELSEWHERE, [SECOND])
    assert PLAN not in topics_of(after(log, joined("ann", 110)), JOINED)
    assert PLAN in topics_of(after(log, joined("bob", 110, room=SECOND, durable=ELSEWHERE)), JOINED)


def test_a_plan_that_moves_there_and_back_is_where_it_was_moved_last() -> None:
    """Changes may be committed in any order, and a room that it left knows nothing of where it went."""
    there = (planned(0, second=1, durable=ELSEWHERE), planned(second=1, moved=True))
    back = (planned(0, second=2), planned(second=2, moved=True, durable=ELSEWHERE))
    for order in permutations([(planned(0, second=0),), there, back]):
        log = MemoryLog()
        for facts in order:
            log.commit([delivery(*facts)])
        assert shown(log, PLAN)["durable_room"] == DURABLE


def daily_meetings(days: int) -> list[Fact]:
    """Return a room without session ids that meets every day for an hour."""
    facts = []
    for day in range(days):
        start = day * DAY
        facts += [nameless(STARTED, start), nameless(JOINED, start + 60, ANN), nameless(ENDED, start + HOUR)]
    return facts


def test_a_room_without_ids_that_meets_daily_meets_once_for_each_plan() -> None:
    """One run for each end: none of the plans gets yesterday's meeting."""
    plans = [planned(day * DAY, name=f"P{day}") for day in range(3)]
    log = folded(*plans, *daily_meetings(3))
    for day in range(3):
        topic = f"schedules/P{day}"
        assert attended(log, topic).runs == (Run(DURABLE, at(day * DAY), at(day * DAY + HOUR)),)
        assert shown(log, topic)["ended_at"] == format_time(at(day * DAY + HOUR))
        assert shown(log, topic)["sessions"] == [DURABLE]


def test_what_happens_in_todays_meeting_is_not_told_to_yesterdays_plan() -> None:
    """Both met under one name; only what comes before the next beginning is of the earlier one."""
    log = folded(planned(0), planned(DAY, name="P2"), *daily_meetings(1))
    lingering = after(log, nameless(Kind.RECORDING_COMPLETED, 2 * HOUR, CaptureDetail(id="EG1")))
    assert topics_of(lingering, Kind.RECORDING_COMPLETED) >= {PLAN}
    today = after(log, nameless(STARTED, DAY))
    assert topics_of(today, STARTED) & {PLAN, OTHER} == {OTHER}
    assert plans_told(today).keys() == {"P2"}


def test_what_happens_in_an_unplanned_meeting_is_told_to_no_plan() -> None:
    """Though it is in the session of one that was planned."""
    log = folded(planned(0), *daily_meetings(1))
    unplanned = after(log, nameless(STARTED, 3 * DAY))
    assert not any(topic.startswith("schedules") for topic in topics_of(unplanned, STARTED))
    assert _about_plans(unplanned) == []


def test_plans_of_a_daily_room_do_not_depend_on_what_came_first() -> None:
    """Starts, ends and plans in any order."""
    facts = [planned(0), planned(DAY, name="P2"), nameless(STARTED, 0), nameless(ENDED, HOUR), nameless(STARTED, DAY)]
    found = {str([(shown(log, topic), attended(log, topic)) for topic in (PLAN, OTHER)]) for log in every_order(*facts)}
    assert len(found) == 1
    log = folded(*facts)
    assert [shown(log, topic)["status"] for topic in (PLAN, OTHER)] == ["COMPLETED", "LIVE"]


def test_viewers_show_of_plans_what_is_stored() -> None:
    """Who follows the events never has to ask; in any order, and while meetings change hands."""
    facts = [
        planned(0, title="One"),
        planned(10 * HOUR, name="P2"),
        named(JOINED, 6 * HOUR, ANN, session=Session(started_at=at(6 * HOUR))),
        named(STARTED, 3 * HOUR),
        planned(kind=CANCELLED, second=100, cancelled=True),
    ]
    for order in permutations(facts):
        log, viewer = MemoryLog(), Viewer()
        for fact in order:
            viewer.see(event for event, _ in after(log, fact).events)
            stored = {topic: shown(log, topic) for topic in log.documents if topic.startswith("schedules/")}
            seen = {
                topic: {name: value for name, value in one.items() if name != "sequence"}
                for topic, one in viewer.shown.items()
                if topic.startswith("schedules/")
            }
            assert seen == stored


def test_who_is_expected_is_kept_for_those_who_ask_and_never_streamed() -> None:
    """Identities may be addresses of people."""
    people = (("ann@example.com", "Ann Example"), ("bob", ""))
    log = folded(planned(0, expected=people), named(STARTED, 60))
    assert attended(log).expected == people
    assert shown(log, PLAN)["expected_count"] == 2
    assert not any(word in event.body for event in log.events for word in (b"ann@", b"Ann Example", b"bob"))
    assert b"ann@" not in log.documents[PLAN].body


def test_a_change_of_who_is_expected_is_told_and_kept() -> None:
    """Attendance is computed from it, though as many are expected as before."""
    log = folded(planned(0, expected=(("ann", ""),)))
    after(log, planned(kind=UPDATED, second=0, expected=(("bob", ""),)))
    assert attended(log).expected == (("bob", ""),)


def test_a_session_that_is_named_only_at_its_end_is_the_meeting_that_it_ended() -> None:
    """The schedule guide of 100ms tells it so, and the next plan may be nearer to this end than its own."""
    facts = [planned(0), planned(1.5 * HOUR, name="P2"), nameless(JOINED, 60, ANN), named(ENDED, HOUR)]
    for log in every_order(*facts):
        assert [shown(log, topic)["status"] for topic in (PLAN, OTHER)] == ["COMPLETED", "SCHEDULED"]
        assert shown(log, PLAN)["started_at"] == format_time(at(60))
        assert set(shown(log, PLAN)["sessions"]) == {DURABLE, SESSION}
    alone = folded(planned(0), named(ENDED, HOUR))
    assert shown(alone, PLAN)["status"] == "COMPLETED"
