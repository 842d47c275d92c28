"""Meetings as the two guides of 100ms tell them: with their events only, and shaped like their bodies."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.hms import translate
from handlers.providers.hms_guide_meetings import counted_meeting, scheduled_meeting
from handlers.providers.hms_samples import samples
from handlers.providers.story import Meeting
from hub.events import Fact, Kind
from hub.settings import Source

SOURCE = Source(provider="100ms", name="100ms", path="/h")
START = 1_773_151_300_123
SEEDS = st.integers(-(2**40), 2**40)
MINUTES = st.floats(1, 600)
BOTH = pytest.mark.parametrize("tell", [scheduled_meeting, counted_meeting])
Tell = Callable[[int, int, float], Meeting]


def facts_of(meeting: Meeting) -> list[Fact]:
    return [fact for at, sample in meeting.script for fact in translate(SOURCE, sample.payload, at).facts]


@BOTH
def test_every_body_is_shaped_like_its_sample(tell: Tell) -> None:
    """Those are as the guides print them."""
    for _, sample in tell(7, START, 30).script:
        name = str(sample.payload.get("event") or f"schedule/{sample.payload['type']}")
        shown = samples(START)[name]
        assert (shape(sample.payload), sample.dialect) == (shape(shown.payload), shown.dialect)


def shape(value: object) -> object:
    return {name: shape(one) for name, one in value.items()} if isinstance(value, dict) else type(value)


@BOTH
@given(seed=SEEDS, minutes=MINUTES)
def test_everybody_leaves_but_who_is_there_at_the_end(tell: Tell, seed: int, minutes: float) -> None:
    """The host goes by ending the meeting: that end is all that tells of it."""
    kinds = Counter(fact.kind for fact in facts_of(tell(seed, START, minutes)))
    assert kinds[Kind.PARTICIPANT_JOINED] == kinds[Kind.PARTICIPANT_LEFT] + 1
    assert kinds[Kind.ROOM_ENDED] == 1
    assert kinds[Kind.ROOM_STARTED] == (tell is counted_meeting)


@BOTH
@given(seed=SEEDS)
def test_no_event_but_the_close_names_a_session(tell: Tell, seed: int) -> None:
    """Which meeting it was can only be told from when it was."""
    named = [fact.kind for fact in facts_of(tell(seed, START, 30)) if fact.room]
    assert named == ([Kind.ROOM_ENDED] if tell is scheduled_meeting else [])


@given(seed=SEEDS)
def test_somebody_comes_back_and_some_are_there_by_two_devices(seed: int) -> None:
    """Counting visits as users is the mistake that a simulation has to show."""
    truth = scheduled_meeting(seed, START, 30).truth
    assert max(Counter(stay.identity for stay in truth.stays).values()) == 2
    assert {stay.identity for stay in counted_meeting(seed, START, 30).truth.stays} == {""}


@BOTH
@given(seed=SEEDS, minutes=MINUTES)
def test_nothing_is_sent_before_it_happened(tell: Tell, seed: int, minutes: float) -> None:
    """The hub takes times of the future for its own."""
    for at, sample in tell(seed, START, minutes).script:
        for fact in translate(SOURCE, sample.payload, at).facts:
            assert at - 1000 < fact.time <= at
