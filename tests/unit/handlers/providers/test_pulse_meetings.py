"""The simulated meetings: whole, sorted, the same for the same seed, like real ones, and told in either dialect."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.pulse import translate
from handlers.providers.pulse_meetings import meeting
from hub.events import Fact, Kind, ParticipantDetail
from hub.settings import Source

SOURCE = Source(provider="pulse", name="pulse", path="/webhooks/pulse")
START = 1_773_151_300_123
SEEDS = st.integers(-(2**40), 2**40)
MINUTES = st.floats(0.01, 600)


def facts_of(seed: int, start: int = START, minutes: float = 30) -> list[Fact]:
    script = meeting(seed, start, minutes).script
    return [fact for at, sample in script for fact in translate(SOURCE, sample.payload, at).facts]


def participant_of(fact: Fact) -> ParticipantDetail:
    assert isinstance(fact.detail, ParticipantDetail)
    return fact.detail


def visits_of(facts: list[Fact], kind: Kind) -> Counter[str]:
    return Counter(participant_of(fact).id for fact in facts if fact.kind is kind)


@given(seed=SEEDS, minutes=MINUTES)
def test_a_meeting_is_told_from_its_start_to_its_recording(seed: int, minutes: float) -> None:
    """The recording is ready only after the room has ended, as in reality."""
    entries = meeting(seed, START, minutes).script
    kinds = [fact.kind for fact in facts_of(seed, START, minutes)]
    assert [at for at, _ in entries] == sorted(at for at, _ in entries)
    assert (kinds[0], kinds[-2:]) == (Kind.ROOM_STARTED, [Kind.ROOM_ENDED, Kind.RECORDING_COMPLETED])
    assert kinds.count(Kind.ROOM_STARTED) == kinds.count(Kind.ROOM_ENDED) == 1


@given(seed=SEEDS)
def test_odd_seeds_speak_the_codes_dialect(seed: int) -> None:
    """A simulation of several rooms then shows both."""
    dialects = {sample.dialect for _, sample in meeting(seed, START, 5).script}
    assert dialects == ({"go"} if seed % 2 else {"guide"})


@given(seed=SEEDS, minutes=MINUTES)
def test_everybody_who_joins_leaves_once(seed: int, minutes: float) -> None:
    """A meeting that ends with people inside would test the wrong thing."""
    facts = facts_of(seed, START, minutes)
    joins, leaves = visits_of(facts, Kind.PARTICIPANT_JOINED), visits_of(facts, Kind.PARTICIPANT_LEFT)
    assert joins == leaves
    assert set(joins.values()) == {1}
    began = {participant_of(fact).id: fact.time for fact in facts if fact.kind is Kind.PARTICIPANT_JOINED}
    for fact in facts:
        if fact.kind is Kind.PARTICIPANT_LEFT:
            visit = participant_of(fact)
            assert visit.duration_ms in (None, fact.time - began[visit.id])


@given(seed=SEEDS)
def test_somebody_comes_back_with_a_new_sid(seed: int) -> None:
    """Counting by identity is the mistake that a simulation has to show."""
    joins = [participant_of(fact) for fact in facts_of(seed) if fact.kind is Kind.PARTICIPANT_JOINED]
    assert len({visit.identity for visit in joins}) < len(joins)


@given(first=SEEDS, second=SEEDS)
def test_no_two_meetings_share_a_room_or_a_body(first: int, second: int) -> None:
    """Many are played at once, and one may be played again; without ids the bytes are all there is."""
    pairs = [(seed, start) for seed in {first, second} for start in (START, START + 1000)]
    told = [sample.payload for seed, start in pairs for _, sample in meeting(seed, start, 5).script]
    bodies = [msgspec.json.encode(payload) for payload in told]
    rooms = {fact.entity for seed, start in pairs for fact in facts_of(seed, start) if fact.kind is Kind.ROOM_STARTED}
    assert len(set(bodies)) == len(bodies)
    assert len(rooms) == len(pairs)


@given(seed=SEEDS, minutes=MINUTES)
def test_equal_arguments_make_equal_meetings(seed: int, minutes: float) -> None:
    """A failure found with one must be found again."""
    assert meeting(seed, START, minutes) == meeting(seed, START, minutes)


@pytest.mark.parametrize("seed", [6, 7])
def test_nothing_is_sent_before_it_happened(seed: int) -> None:
    """The hub takes times of the future for its own."""
    for at, sample in meeting(seed, START, 30).script:
        (fact,) = translate(SOURCE, sample.payload, at).facts
        assert at - 1000 < fact.time <= at
        assert not fact.skewed
