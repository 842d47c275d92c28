"""Attendance: everybody once, for as long as they were there, and those who were expected and did not come."""

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.attendance import Attendee, attendance
from hub.events import format_time
from hub.ports import Document
from hub.state.participant import Presence
from hub.state.schedule import Run

BASE = 1_773_144_000_000
SECOND = 1000
# One that nothing identifies, which meets again and again, and a session.
ROOM, OTHER_ROOM = "rooms/s@daily", "rooms/s:2"
NOW = BASE + 1000 * SECOND
UNTIL = {ROOM: NOW, OTHER_ROOM: NOW}

Stays = list[tuple[int, int | None]]


def at(second: float) -> int:
    return BASE + round(second * SECOND)


def time(second: float) -> str | None:
    return format_time(at(second))


def participant(
    *stays: tuple[float, float | None] | tuple[float, float | None, str],
    sid: str = "p",
    user: str = "",
    room: str = ROOM,
    counted: bool = True,
    **shown: str,
) -> Document:
    """Return a participant that was there from second to second, and why it left."""
    presence = Presence(
        tuple(
            (at(start), None if end is None else at(end), "".join(reason))
            for start, end, *reason in stays  # type: ignore[misc]
        ),
        counted,
    )
    said = {"id": sid, "identity": user or None, "name": None, "role": None} | shown
    return Document(
        topic=f"{room}/participants/{sid}",
        collection="participants",
        parent=room,
        name=user,
        body=orjson.dumps(said),
        hidden=msgspec.msgpack.encode(presence),
    )


def test_somebody_who_came_and_left() -> None:
    """All that is said of an attendee."""
    ann = participant((10, 70, "client_initiated"), user="ann", name="Ann", role="host")
    assert attendance([ann], UNTIL) == [
        Attendee(
            identity="ann",
            name="Ann",
            role="host",
            expected=False,
            active=False,
            joined_at=time(10),
            left_at=time(70),
            watch_duration=60.0,
            leave_reason="client_initiated",
            visits=1,
        )
    ]


def test_two_devices_at_once_do_not_count_double() -> None:
    """A phone and a desk, one after the other and both at once: two visits of one user."""
    phone = participant((0, 60, "gone"), sid="phone", user="ann", name="Ann")
    desk = participant((30, 90, "closed"), sid="desk", user="ann", name="Ann at her desk")
    [ann] = attendance([phone, desk], UNTIL)
    assert (ann.watch_duration, ann.visits) == (90.0, 2)
    assert (ann.joined_at, ann.left_at, ann.leave_reason) == (time(0), time(90), "closed")
    assert ann.name == "Ann at her desk"


def test_who_is_there_on_any_device_is_there() -> None:
    """And watches on; why one of the devices left says nothing."""
    phone = participant((0, 60, "gone"), sid="phone", user="ann", role="viewer")
    desk = participant((30, None), sid="desk", user="ann", role="host")
    for devices in ([phone, desk], [desk, phone]):
        [ann] = attendance(devices, {ROOM: at(100)})
        assert (ann.active, ann.left_at, ann.leave_reason, ann.watch_duration) == (True, None, None, 100.0)
        assert ann.role == "host"


def test_who_has_no_identity_is_somebody_each_time() -> None:
    """Two guests are two, whatever they are called."""
    guests = [participant((0, 10), sid=sid, name="Guest") for sid in ("a", "b")]
    assert [(one.identity, one.visits) for one in attendance(guests, UNTIL)] == [(None, 1), (None, 1)]


def test_visits_to_the_sessions_of_one_meeting_are_added_up() -> None:
    """A room that broke off and met again is one meeting, and its people are the same."""
    rooms = [participant((0, 10), user="ann"), participant((20, 25), user="ann", room=OTHER_ROOM)]
    [ann] = attendance(rooms, UNTIL)
    assert (ann.watch_duration, ann.visits, ann.joined_at, ann.left_at) == (15.0, 2, time(0), time(25))


def test_recorders_and_agents_do_not_attend() -> None:
    """They are participants of the room, and nobody pays for them."""
    people = [participant((0, 10), sid="r", user="recorder", counted=False), participant((0, 10), user="ann")]
    assert [one.identity for one in attendance(people, UNTIL)] == ["ann"]


def test_who_never_got_in_did_not_attend() -> None:
    """A rejection, or a leave without a join, is no presence."""
    assert attendance([participant(user="ann")], UNTIL) == []


def test_an_open_visit_counts_until_its_room_must_have_ended() -> None:
    """Each room by itself."""
    rooms = [participant((0, None), user="ann"), participant((0, None), user="bob", room=OTHER_ROOM)]
    found = attendance(rooms, {ROOM: at(50), OTHER_ROOM: at(70)})
    assert {one.identity: one.watch_duration for one in found} == {"ann": 50.0, "bob": 70.0}


def test_a_clock_that_is_behind_makes_nothing_negative() -> None:
    """Event times may be minutes ahead of ours."""
    [ann] = attendance([participant((60, None), user="ann")], {ROOM: at(0)})
    assert (ann.active, ann.watch_duration) == (True, 0.0)


def test_who_was_expected_and_did_not_come_is_listed_last() -> None:
    """In the order in which they were named; who came is marked, who came uninvited is not."""
    people = [participant((20, 30), sid="a", user="cy"), participant((10, 30), sid="b", user="ann")]
    expected = (("zoe", "Zoe"), ("ann", "Ann"), ("bob", ""))
    found = attendance(people, UNTIL, expected=expected)
    assert [(one.identity, one.name, one.expected, one.visits) for one in found] == [
        ("ann", None, True, 1),
        ("cy", None, False, 1),
        ("zoe", "Zoe", True, 0),
        ("bob", None, True, 0),
    ]
    missing = found[-1]
    assert (missing.active, missing.joined_at, missing.left_at, missing.watch_duration) == (False, None, None, 0.0)


def test_who_came_only_to_another_meeting_of_the_room_is_absent() -> None:
    """Expected today, there yesterday."""
    ann = participant((0, 10), user="ann")
    [found] = attendance([ann], UNTIL, meetings=[Run("s@daily", at(100))], expected=(("ann", "Ann"),))
    assert (found.identity, found.expected, found.visits) == ("ann", True, 0)


@pytest.mark.parametrize(("start", "is_in"), [(9, False), (10, True), (20, True), (21, False)])
def test_of_a_room_that_met_often_only_visits_that_began_in_the_meeting_are_taken(start: int, is_in: bool) -> None:
    """Its beginning and its end included."""
    found = attendance([participant((start, 30), user="ann")], UNTIL, meetings=[Run("s@daily", at(10), at(20))])
    assert [one.watch_duration for one in found] == ([30.0 - start] if is_in else [])


def test_who_came_to_a_session_a_moment_before_its_start_came_to_it() -> None:
    """Starts are told in milliseconds, joins in seconds; and two clocks are never one."""
    ann = participant((9, 30), user="ann", room=OTHER_ROOM)
    [found] = attendance([ann], UNTIL, meetings=[Run("s:2", at(9.5), at(20))])
    assert found.watch_duration == 21.0


def test_meetings_of_another_session_take_nobody_in() -> None:
    """Two rooms meet at the same time."""
    assert attendance([participant((5, 6), user="ann")], UNTIL, meetings=[Run("s:2", at(0))]) == []
    assert attendance([participant((5, 6), user="ann")], UNTIL, meetings=[]) == []


def test_who_came_first_is_listed_first() -> None:
    """Of two at once, by identity."""
    people = [participant((second, 99), sid=user, user=user) for user, second in (("c", 5), ("b", 7), ("a", 7))]
    assert [one.identity for one in attendance(people, UNTIL)] == ["c", "a", "b"]


_stay = st.tuples(st.integers(0, 40), st.none() | st.integers(0, 20)).map(
    lambda stay: (stay[0], None if stay[1] is None else stay[0] + stay[1])
)
_people = st.lists(
    st.builds(
        lambda stays, user, room, counted: (stays, user, room, counted),
        st.lists(_stay, max_size=3),
        st.sampled_from(("ann", "bob", "cy")),
        st.sampled_from((ROOM, OTHER_ROOM)),
        st.sampled_from((True, True, True, False)),
    ),
    max_size=5,
)
_runs = st.none() | st.lists(
    st.builds(
        lambda session, start, lasted: (session, start, None if lasted is None else start + lasted),
        *(st.sampled_from(("s@daily", "s:2")), st.integers(0, 40), st.none() | st.integers(0, 20)),
    ),
    max_size=3,
)


@given(
    people=_people, runs=_runs, until=st.fixed_dictionaries({ROOM: st.integers(0, 70), OTHER_ROOM: st.integers(0, 70)})
)
def test_everybody_watched_every_second_that_they_were_there_once(
    people: list[tuple[Stays, str, str, bool]], runs: list[tuple[str, int, int | None]] | None, until: dict[str, int]
) -> None:
    """Counted second by second: invoices and certificates are made of it."""
    documents = [
        participant(*stays, sid=f"p{place}", user=user, room=room, counted=counted)
        for place, (stays, user, room, counted) in enumerate(people)
    ]
    meetings = None if runs is None else [Run(s, at(start), None if end is None else at(end)) for s, start, end in runs]
    found = attendance(documents, {room: at(second) for room, second in until.items()}, meetings=meetings)
    watched: dict[str, set[int]] = {}
    visits: dict[str, int] = {}
    for stays, user, room, counted in people:
        for start, end in stays:
            held = runs is None or any(
                f"rooms/{session}" == room
                and (room == OTHER_ROOM or (begun <= start and (over is None or start <= over)))
                for session, begun, over in runs
            )
            if counted and held:
                visits[user] = visits.get(user, 0) + 1
                watched.setdefault(user, set()).update(range(start, until[room] if end is None else end))
    assert {one.identity: one.watch_duration for one in found} == {user: len(told) for user, told in watched.items()}
    assert {one.identity: one.visits for one in found} == visits
