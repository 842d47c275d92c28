"""The samples: complete, proven, and telling one story in each dialect."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Arrival, Proof, Sample
from handlers.providers.pulse import sign, translate, verify
from handlers.providers.pulse_samples import samples
from hub.events import CaptureDetail, Fact, Kind, ParticipantDetail
from hub.settings import Source

SOURCE = Source(provider="pulse", name="pulse", path="/webhooks/pulse", signing_secrets=("whs_0123456789abcdef",))
NOW = 1_773_151_300_123
SESSION, DURABLE, CODES = "rooms/pulse:RM_hubsample001", "rooms/pulse@meeting-room-456", "rooms/pulse@meeting-room-789"
TABLE = {
    "room.started": (Kind.ROOM_STARTED, SESSION),
    "room.ended": (Kind.ROOM_ENDED, SESSION),
    "participant.joined": (Kind.PARTICIPANT_JOINED, SESSION),
    "participant.left": (Kind.PARTICIPANT_LEFT, SESSION),
    "track.published": (Kind.TRACK_PUBLISHED, DURABLE),
    "track.unpublished": (Kind.TRACK_UNPUBLISHED, DURABLE),
    "egress.started": (Kind.STREAM_STARTED, DURABLE),
    "egress.ended": (Kind.STREAM_STOPPED, DURABLE),
    "recording.completed": (Kind.RECORDING_COMPLETED, DURABLE),
    "room_started": (Kind.ROOM_STARTED, CODES),
    "room_ended": (Kind.ROOM_ENDED, CODES),
    "participant_joined": (Kind.PARTICIPANT_JOINED, CODES),
    "participant_left": (Kind.PARTICIPANT_LEFT, CODES),
    "egress_started": (Kind.RECORDING_STARTED, CODES),
    "egress_ended": (Kind.RECORDING_STOPPED, CODES),
    "egress_ended.failed": (Kind.RECORDING_FAILED, CODES),
    "ingress_started": (Kind.STREAM_STARTED, CODES),
    "ingress_ended": (Kind.STREAM_STOPPED, CODES),
    "ingress_ended.failed": (Kind.STREAM_FAILED, CODES),
    "recording_available": (Kind.RECORDING_COMPLETED, CODES),
    "curl": (Kind.ROOM_STARTED, "rooms/pulse:RM_test123"),
}


def fact_of(sample: Sample, received_at: int = NOW) -> Fact:
    (fact,) = translate(SOURCE, sample.payload, received_at).facts
    return fact


def test_there_is_a_sample_of_everything() -> None:
    """Whoever tries the hub must be able to see each event once."""
    assert samples(NOW).keys() == TABLE.keys()


@pytest.mark.parametrize("name", TABLE)
def test_each_sample_has_its_kind_and_its_room(name: str) -> None:
    """They tell one story only when they speak of one room."""
    fact = fact_of(samples(NOW)[name])
    assert (fact.kind, fact.entity) == TABLE[name]


@pytest.mark.parametrize("name", TABLE)
def test_a_signed_sample_is_accepted(name: str) -> None:
    """They go through the same door as real webhooks."""
    sample = samples(NOW)[name]
    body = msgspec.json.encode(sample.payload)
    headers = tuple(sign(SOURCE, body, sample.dialect).items())
    assert verify(SOURCE, Arrival(headers=headers, body=body, received_at=NOW)) == Proof(scheme="hmac")
    assert sample.dialect == ("go" if "_" in name else "guide")


def test_samples_of_another_second_are_deliveries_of_their_own() -> None:
    """Sending one twice should show twice, not be taken for a retry: there is no id, so the bytes must differ."""
    made = [*samples(NOW).values(), *samples(NOW + 1000).values()]
    bodies = {msgspec.json.encode(sample.payload) for sample in made}
    assert len(bodies) == 2 * len(TABLE)


def test_equal_times_make_equal_samples() -> None:
    """What was shown can be shown again."""
    assert samples(NOW) == samples(NOW)


def test_no_sample_is_ahead_of_its_time() -> None:
    """The hub takes times of the future for its own."""
    assert all(fact.time <= NOW and not fact.skewed for fact in map(fact_of, samples(NOW).values()))


@pytest.mark.parametrize(
    "told",
    [
        ("room.started", "participant.joined", "track.published", "participant.left", "room.ended"),
        ("room_started", "participant_joined", "participant_left", "room_ended"),
    ],
)
@given(start=st.integers(10**12, 2 * 10**12), pauses=st.lists(st.integers(0, 5000), min_size=5, max_size=5))
def test_samples_of_several_calls_tell_one_story_in_order(told: tuple[str, ...], start: int, pauses: list[int]) -> None:
    """People send them one by one, however fast; times are rounded down to seconds meanwhile."""
    facts, now = [], start
    for name, pause in zip(told, pauses, strict=False):
        now += pause
        facts.append(fact_of(samples(now)[name], now))
    times = {fact.kind: fact.time for fact in facts if fact.kind is not Kind.TRACK_PUBLISHED}
    assert list(times.values()) == sorted(times.values())
    assert times[Kind.PARTICIPANT_JOINED] < times[Kind.PARTICIPANT_LEFT]


def test_a_sample_of_leaving_is_about_the_visit_of_joining() -> None:
    """In both dialects, though the code calls the sid `id`."""
    for joined, left in (("participant.joined", "participant.left"), ("participant_joined", "participant_left")):
        details = [fact_of(samples(NOW)[name]).detail for name in (joined, left)]
        visits = {detail.id for detail in details if isinstance(detail, ParticipantDetail)}
        assert visits == {"PA_hubsampleJohn"}


def test_each_end_has_its_own_egress() -> None:
    """An end is final: a second one of the same egress would show nothing."""
    ends = [fact_of(sample).detail for name, sample in samples(NOW).items() if "gress_ended" in name]
    assert len({end.id for end in ends if isinstance(end, CaptureDetail)}) == len(ends)
