"""Which session a fact belongs to that names none: the one that was on, as far as anybody has said by now."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.events import CaptureDetail, ChatDetail, Fact, Kind, ParticipantDetail, Session
from hub.fold.attachment import Span, Timeline, attached, span_of
from hub.fold.household import Household
from hub.fold.parts import pooled_part
from tests.unit.hub.fold import naive
from tests.unit.hub.fold.telling import DURABLE, SESSION, at, captured, joined, left, named, nameless

STARTED, ENDED, JOINED, LEFT = Kind.ROOM_STARTED, Kind.ROOM_ENDED, Kind.PARTICIPANT_JOINED, Kind.PARTICIPANT_LEFT
SECOND, THIRD = "livekit:S2", "livekit:S3"
ANN = ParticipantDetail(id="ann")
SESSIONS = ("", "", SESSION, SECOND)

_seconds = st.integers(0, 9)
_turns = st.builds(
    lambda kind, second, room: named(kind, second, ANN if kind in (JOINED, LEFT) else None, room=room),
    st.sampled_from((STARTED, ENDED, JOINED, LEFT)),
    _seconds,
    st.sampled_from(SESSIONS),
)
_told_late = st.builds(
    lambda second, room, start: named(JOINED, second, ANN, room=room, session=Session(started_at=at(start))),
    *(_seconds, st.sampled_from((SESSION, SECOND)), _seconds),
)
turns = st.lists(_turns | _told_late, max_size=8)


def house(facts: list[Fact]) -> Household:
    made = Household(DURABLE, frozenset())
    for fact in facts:
        made.absorb(fact, "k", "livekit")
    return made


def timeline(*facts: Fact) -> Timeline:
    return timeline_of(house(list(facts)))


def timeline_of(rooms: Household) -> Timeline:
    spans = {session: span_of(parts) for session, parts in rooms.sessions.items()}
    return Timeline(DURABLE, {session: span for session, span in spans.items() if span}, rooms.pool.values())


def running(second: float, *facts: Fact) -> str:
    """Return who was running, which must not depend on what came first."""
    [session] = {timeline(*order).running(at(second)) for order in permutations(facts)}
    return session


def owner(fact: Fact, *others: Fact) -> str:
    """Return the session of a nameless fact among others, in whatever order they came."""
    found = set()
    for order in permutations((fact, *others)):
        rooms = house(list(order))
        found.add(attached(timeline_of(rooms), rooms.sessions, rooms.pool)[pooled_part(fact)])
    [session] = found
    return session


@pytest.mark.parametrize(
    ("second", "session"),
    [(0, DURABLE), (0.9, DURABLE), (1, SESSION), (9, SESSION), (9.9, SESSION), (10, SECOND), (99, SECOND)],
)
def test_it_is_the_session_with_the_latest_start_not_after_it(second: float, session: str) -> None:
    """Before any start it is one that nothing but the durable room identifies; what lingers is of who has ended."""
    assert running(second, named(STARTED, 1), named(ENDED, 8), named(STARTED, 10, room=SECOND)) == session


def test_without_any_session_everything_is_of_the_nameless_one() -> None:
    """Some dialects never name a session."""
    assert running(5, nameless(STARTED, 1), nameless(ENDED, 4)) == DURABLE
    assert Timeline(DURABLE, {}, ()).running(at(5)) == DURABLE


@pytest.mark.parametrize("again", [nameless(STARTED, 9), nameless(JOINED, 9, ANN)], ids=("start", "join"))
def test_after_the_end_of_a_session_whoever_comes_without_a_name_meets_anew(again: Fact) -> None:
    """An ended session stays ended; a room that is known by two dialects meets again by either."""
    facts = (named(STARTED, 1), named(ENDED, 8), again)
    assert [running(second, *facts) for second in (8, 8.9, 9, 99)] == [SESSION, SESSION, DURABLE, DURABLE]


@pytest.mark.parametrize("second", [7, 8])
def test_who_comes_until_the_end_is_of_the_session(second: float) -> None:
    """The moment of the end included: what happens at once was told in seconds."""
    facts = (named(STARTED, 1), named(ENDED, 8), nameless(JOINED, second, ANN))
    assert running(99, *facts) == SESSION


@pytest.mark.parametrize(
    "lingering",
    [
        nameless(LEFT, 9, ANN),
        nameless(Kind.CHAT_MESSAGE, 9, ChatDetail(id="M1")),
        nameless(ENDED, 9),
        nameless(Kind.RECORDING_COMPLETED, 9, CaptureDetail(id="EG1")),
    ],
    ids=("leave", "chat", "end", "recording"),
)
def test_what_only_lingers_after_an_end_begins_no_meeting(lingering: Fact) -> None:
    """Leaves, recordings and further ends come late."""
    assert owner(lingering, named(STARTED, 1), named(ENDED, 8)) == SESSION


def test_a_nameless_end_ends_the_session_that_runs() -> None:
    """It names the room, and there was one meeting in it."""
    facts = (named(STARTED, 1), nameless(ENDED, 5), nameless(JOINED, 7, ANN))
    assert [running(second, *facts) for second in (5, 6, 7)] == [SESSION, SESSION, DURABLE]


def test_of_two_ends_of_a_session_the_first_is_the_one() -> None:
    """Two dialects tell of one end, not at the same moment; who comes in between is of the next meeting."""
    facts = (named(STARTED, 1), nameless(ENDED, 5), named(ENDED, 8), nameless(JOINED, 7, ANN))
    assert running(7, *facts) == DURABLE


def test_the_next_session_takes_over_from_a_nameless_one() -> None:
    """And the next nameless beginning from that, once it has ended."""
    facts = (
        named(STARTED, 1),
        named(ENDED, 2),
        nameless(STARTED, 3),
        named(STARTED, 5, room=SECOND),
        nameless(ENDED, 6),
        nameless(JOINED, 8, ANN),
    )
    sessions = [running(second, *facts) for second in (1, 3, 5, 7, 8)]
    assert sessions == [SESSION, DURABLE, SECOND, SECOND, DURABLE]


def test_a_session_that_runs_is_not_left_for_a_nameless_beginning() -> None:
    """Two dialects tell of one meeting: the start that names nothing is that meeting's."""
    assert running(5, named(STARTED, 1), nameless(STARTED, 2), nameless(JOINED, 3, ANN)) == SESSION


def test_a_start_may_be_told_by_any_payload_and_late() -> None:
    """Most payloads say when the room was created."""
    assert running(3, joined("ann", 9, room=SESSION)) == DURABLE
    early = named(JOINED, 9, ANN, session=Session(started_at=at(2)))
    assert running(3, early) == SESSION


def test_of_two_sessions_that_began_at_once_it_is_always_the_same() -> None:
    """There is no right one, but only one."""
    assert running(1, named(STARTED, 1), named(STARTED, 1, room=SECOND)) == SECOND


def test_a_recording_is_of_the_session_of_its_first_word() -> None:
    """It is complete only when it is uploaded, and the next meeting may have begun."""
    others = (named(STARTED, 0), nameless(Kind.RECORDING_STARTED, 5, CaptureDetail(id="EG1")))
    completed = nameless(Kind.RECORDING_COMPLETED, 15, CaptureDetail(id="EG1"))
    assert owner(completed, *others, named(STARTED, 10, room=SECOND)) == SESSION


def test_a_recording_of_which_a_payload_names_the_session_is_of_that() -> None:
    """Of a transcript, too; its text comes long after the meeting."""
    for kind in (Kind.RECORDING_COMPLETED, Kind.TRANSCRIPT_COMPLETED):
        begun = {Kind.RECORDING_COMPLETED: Kind.RECORDING_STARTED}.get(kind, Kind.TRANSCRIPT_STARTED)
        others = (captured(begun, 20), named(STARTED, 0), named(STARTED, 10, room=SECOND))
        assert owner(nameless(kind, 15, CaptureDetail(id="EG1")), *others) == SESSION


def test_a_stream_is_of_whoever_is_on_each_time() -> None:
    """An ingress is made once and used for every meeting."""
    others = (captured(Kind.STREAM_STARTED, 5, "IN1"), named(STARTED, 0), named(STARTED, 10, room=SECOND))
    assert owner(nameless(Kind.STREAM_STARTED, 15, CaptureDetail(id="IN1")), *others) == SECOND


@given(facts=turns, order=st.randoms(use_true_random=False), second=st.integers(-1, 11))
def test_it_follows_from_the_facts_alone(facts: list[Fact], order: object, second: int) -> None:
    """Whatever order they came in, and by walking through them as the rule says."""
    shuffled = list(facts)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    found = timeline(*facts).running(at(second))
    assert timeline(*shuffled).running(at(second)) == found
    told = [naive.Told(fact, "k") for fact in facts]
    homes = {fact.room: DURABLE for fact in facts if fact.room}
    assert naive.running(at(second), DURABLE, told, homes) == found


@given(facts=turns)
def test_every_nameless_fact_is_of_who_was_running(facts: list[Fact]) -> None:
    """What was attached can be looked up by the part that it is kept as."""
    rooms = house(facts)
    found = attached(timeline_of(rooms), rooms.sessions, rooms.pool)
    who = timeline(*facts)
    assert found == {pooled_part(fact): who.running(fact.time) for fact in facts if not fact.room}


def test_a_leave_at_the_end_is_of_the_session_that_it_left() -> None:
    """Named facts are of their session, whoever runs."""
    rooms = house([named(STARTED, 1), named(STARTED, 5, room=THIRD), left("ann", 9, 2)])
    assert set(rooms.sessions) == {SESSION, THIRD}
    assert rooms.derive(SESSION).people["ann"].stays  # type: ignore[union-attr]


def test_sessions_that_are_not_here_count_by_when_they_were() -> None:
    """Of a room that meets daily only the sessions that can change are loaded; the others still have their time."""
    spans = {SESSION: Span(at(1), at(4)), SECOND: Span(at(8), None)}
    assert [Timeline(DURABLE, spans, ()).running(at(second)) for second in (0, 1, 5, 8)] == [
        DURABLE,
        SESSION,
        SESSION,
        SECOND,
    ]
    pool = house([nameless(JOINED, 5, ANN)]).pool
    assert Timeline(DURABLE, spans, pool.values()).running(at(5)) == DURABLE
