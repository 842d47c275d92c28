"""The simulated meetings: whole, sorted, the same for the same seed, and like real ones."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.hms import translate
from handlers.providers.hms_meetings import meeting
from handlers.providers.hms_samples import samples
from hub.events import CaptureDetail, Fact, Kind, ParticipantDetail
from hub.settings import Source

SOURCE = Source(provider="100ms", name="100ms", path="/h")
START = 1_773_151_300_123
SEEDS = st.integers(-(2**40), 2**40)
MINUTES = st.floats(0.01, 600)
LATE = ["beam.recording.success", "transcription.started.success", "transcription.success"]


def facts_of(seed: int, start: int = START, minutes: float = 30) -> list[Fact]:
    script = meeting(seed, start, minutes).script
    return [fact for at, sample in script for fact in translate(SOURCE, sample.payload, at).facts]


def visits_of(facts: list[Fact], kind: Kind) -> list[ParticipantDetail]:
    found = [fact.detail for fact in facts if fact.kind is kind]
    return [detail for detail in found if isinstance(detail, ParticipantDetail)]


@given(seed=SEEDS, minutes=MINUTES)
def test_a_meeting_is_told_from_its_start_to_its_transcript(seed: int, minutes: float) -> None:
    """Recording and transcript are complete only after the session has closed, as in reality."""
    entries = meeting(seed, START, minutes).script
    names = [str(sample.payload["type"]) for _, sample in entries]
    assert [at for at, _ in entries] == sorted(at for at, _ in entries)
    assert (names[0], names[-4], names[-3:]) == ("session.open.success", "session.close.success", LATE)
    assert names.count("session.open.success") == names.count("session.close.success") == 1


@given(seed=SEEDS, minutes=MINUTES)
def test_everybody_leaves_once_or_is_there_when_somebody_ends_the_room(seed: int, minutes: float) -> None:
    """A leave tells the visit that its join began."""
    facts = facts_of(seed, START, minutes)
    joins, leaves = visits_of(facts, Kind.PARTICIPANT_JOINED), visits_of(facts, Kind.PARTICIPANT_LEFT)
    joined_at = {visit.id: visit.joined_at for visit in joins}
    assert len(joined_at) == len(joins)
    assert len({visit.id for visit in leaves}) == len(leaves)
    assert all(joined_at[visit.id] == visit.joined_at for visit in leaves)
    is_ended = any(fact.session and fact.session.end_reason for fact in facts)
    assert len(joins) - len(leaves) == is_ended
    assert all(
        fact.detail.joined_at is not None and fact.detail.joined_at <= fact.time
        for fact in facts
        if isinstance(fact.detail, ParticipantDetail) and fact.kind is Kind.PARTICIPANT_LEFT
    )


@given(seed=SEEDS)
def test_two_to_six_people_come_one_of_them_thrice(seed: int) -> None:
    """Two devices at once and a rejoin: counting by user is the mistake that a simulation has to show."""
    joins = visits_of(facts_of(seed), Kind.PARTICIPANT_JOINED)
    people = Counter(visit.identity for visit in joins if visit.kind == "human")
    assert 2 <= len(people) <= 6
    assert sorted(people.values())[-2:] == [1, 3]
    assert sum(visit.kind == "recorder" for visit in joins) == 1


@given(seed=SEEDS)
def test_one_is_there_twice_at_once(seed: int) -> None:
    """The second device comes before the first has gone."""
    leaves = visits_of(facts_of(seed), Kind.PARTICIPANT_LEFT)
    (twice,) = (identity for identity, count in Counter(visit.identity for visit in leaves).items() if count == 3)
    first, second, _ = sorted(visit.joined_at or 0 for visit in leaves if visit.identity == twice)
    desk = next(visit for visit in leaves if visit.joined_at == first)
    assert second < first + (desk.duration_ms or 0)


@given(seed=SEEDS)
def test_the_beam_is_one_recording(seed: int) -> None:
    """Its start, its stop and its file move one document."""
    captures = [fact for fact in facts_of(seed) if fact.kind.startswith("recording.")]
    assert [fact.kind for fact in captures] == [
        Kind.RECORDING_STARTED,
        Kind.RECORDING_STOPPED,
        Kind.RECORDING_COMPLETED,
    ]
    assert len({fact.detail.id for fact in captures if isinstance(fact.detail, CaptureDetail)}) == 1


def test_roles_change_to_and_fro_in_some() -> None:
    """Speakers are counted by role."""
    changes = [visit for seed in range(10) for visit in visits_of(facts_of(seed), Kind.PARTICIPANT_UPDATED)]
    assert {(visit.previous_role, visit.role) for visit in changes} == {("guest", "host"), ("host", "guest")}


def test_some_are_ended_by_the_host() -> None:
    """Others just run out of people."""
    ended = {any(fact.session and fact.session.end_reason for fact in facts_of(seed)) for seed in range(10)}
    assert ended == {True, False}


@given(first=SEEDS, second=SEEDS)
def test_no_two_meetings_share_an_id(first: int, second: int) -> None:
    """Many are played at once, and one may be played again."""
    starts = (START, START + 1)
    stories = [meeting(seed, start, 5).script for seed in {first, second} for start in starts]
    ids = [sample.payload["id"] for story in stories for _, sample in story]
    facts = [fact for seed in {first, second} for start in starts for fact in facts_of(seed, start, 5)]
    sessions = {fact.room for fact in facts if fact.kind is Kind.ROOM_STARTED}
    assert len(set(ids)) == len(ids)
    assert len(sessions) == len(stories)


@given(seed=SEEDS, minutes=MINUTES)
def test_equal_arguments_make_equal_meetings(seed: int, minutes: float) -> None:
    """A failure found with one must be found again."""
    assert meeting(seed, START, minutes) == meeting(seed, START, minutes)


@given(seed=SEEDS)
def test_odd_seeds_sign_and_even_ones_send_the_header(seed: int) -> None:
    """Both proofs are in use wherever meetings are played."""
    assert {sample.dialect for _, sample in meeting(seed, START, 5).script} == {"signature" if seed % 2 else "header"}


@given(seed=SEEDS, minutes=MINUTES)
def test_nothing_is_sent_before_it_happened(seed: int, minutes: float) -> None:
    """The hub takes times of the future for its own."""
    for at, sample in meeting(seed, START, minutes).script:
        for fact in translate(SOURCE, sample.payload, at).facts:
            assert fact.time <= at
            assert not fact.skewed


def test_every_payload_is_shaped_like_its_sample() -> None:
    """A payload with invented fields would teach the wrong thing."""
    made = samples(START)
    for _, sample in meeting(7, START, 30).script:
        inner, shown = sample.payload["data"], made[str(sample.payload["type"])].payload["data"]
        assert isinstance(inner, dict)
        assert isinstance(shown, dict)
        assert set(inner) | {"start_delay"} == set(shown) | {"start_delay"}
