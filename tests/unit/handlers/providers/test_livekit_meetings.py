"""The simulated meetings: whole, sorted, the same for the same seed, and like real ones."""

import json
from collections import Counter

from google.protobuf.json_format import Parse
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol.webhook import WebhookEvent

from handlers.providers.livekit import translate
from handlers.providers.livekit_meetings import meeting
from hub.events import Fact, Kind, ParticipantDetail
from hub.settings import Source

SOURCE = Source(provider="livekit", name="livekit", path="/api/livekit/webhook")
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
    """The recording is complete only after the room has finished, as in reality."""
    entries = meeting(seed, START, minutes).script
    events = [sample.payload["event"] for _, sample in entries]
    assert [at for at, _ in entries] == sorted(at for at, _ in entries)
    assert (events[0], events[-2:]) == ("room_started", ["room_finished", "egress_ended"])
    assert events.count("room_started") == events.count("room_finished") == 1


@given(seed=SEEDS, minutes=MINUTES)
def test_everybody_who_joins_leaves_once(seed: int, minutes: float) -> None:
    """A meeting that ends with people inside would test the wrong thing."""
    facts = facts_of(seed, START, minutes)
    joins, leaves = visits_of(facts, Kind.PARTICIPANT_JOINED), visits_of(facts, Kind.PARTICIPANT_LEFT)
    assert joins == leaves
    assert set(joins.values()) == {1}
    assert all(
        (participant_of(fact).joined_at or 0) <= fact.time for fact in facts if fact.kind is Kind.PARTICIPANT_LEFT
    )


@given(seed=SEEDS)
def test_somebody_comes_back_with_a_new_sid(seed: int) -> None:
    """Counting by identity is the mistake that a simulation has to show."""
    joins = [participant_of(fact) for fact in facts_of(seed) if fact.kind is Kind.PARTICIPANT_JOINED]
    people = [visit.identity for visit in joins if visit.kind == "human"]
    assert len(set(people)) < len(people)
    assert sum(visit.kind == "recorder" for visit in joins) == 1


@given(first=SEEDS, second=SEEDS)
def test_no_two_meetings_share_an_id(first: int, second: int) -> None:
    """Many are played at once, and one may be played again."""
    starts = (START, START + 1)
    stories = [meeting(seed, start, 5).script for seed in {first, second} for start in starts]
    ids = [sample.payload["id"] for story in stories for _, sample in story]
    sids = {fact.room for seed in {first, second} for start in starts for fact in facts_of(seed, start, 5)}
    assert len(set(ids)) == len(ids)
    assert len(sids) == len(stories)


@given(seed=SEEDS, minutes=MINUTES)
def test_equal_arguments_make_equal_meetings(seed: int, minutes: float) -> None:
    """A failure found with one must be found again."""
    assert meeting(seed, START, minutes) == meeting(seed, START, minutes)


def test_livekits_own_library_knows_every_field() -> None:
    """A payload with invented fields would teach the wrong thing."""
    for _, sample in meeting(7, START, 30).script:
        Parse(json.dumps(sample.payload), WebhookEvent(), ignore_unknown_fields=False)


def test_nothing_is_sent_before_it_happened() -> None:
    """The hub takes times of the future for its own."""
    for at, sample in meeting(7, START, 30).script:
        (fact,) = translate(SOURCE, sample.payload, at).facts
        assert fact.time <= at
        assert not fact.skewed
