"""The samples: complete, shaped like recorded ones, and telling one story."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Arrival, Sample
from handlers.providers.hms import sign, translate, verify
from handlers.providers.hms_samples import samples
from hub.events import CaptureDetail, Fact, Kind, ParticipantDetail
from hub.settings import Source
from tests.unit.handlers.providers.hms_bodies import FILES, read

SOURCE = Source(
    provider="100ms",
    name="100ms",
    path="/h",
    headers={"X-100ms-Key": ("header-secret-0123456789",)},
    signing_secrets=("signing-secret-0123456789",),
)
NOW = 1_773_151_300_123
VARIANTS = {"peer.join.success/recorder", "peer.leave.success/kicked", "beam.stopped.success/failed"}
SCHEDULE = {"peer.join.success", "peer.leave.success", "beam.stopped.success", "session.close.success"}
STATISTICS = {
    "room.started": Kind.ROOM_STARTED,
    "peer.joined": Kind.PARTICIPANT_JOINED,
    "track.updated": Kind.TRACK_UPDATED,
    "peer.left": Kind.PARTICIPANT_LEFT,
    "room.ended": Kind.ROOM_ENDED,
}
REAL = [*FILES, *sorted(VARIANTS)]
ALL = [*samples(NOW)]


def facts_of(sample: Sample, received_at: int = NOW) -> tuple[Fact, ...]:
    return translate(SOURCE, sample.payload, received_at).facts


def inner_of(name: str) -> dict[str, object]:
    inner = samples(NOW)[name].payload["data"]
    assert isinstance(inner, dict)
    return inner


def test_there_is_a_sample_of_everything() -> None:
    """Whoever tries the hub must be able to see each event once."""
    assert set(ALL) == {*REAL, *(f"schedule/{name}" for name in SCHEDULE), *STATISTICS}


@pytest.mark.parametrize("name", FILES)
def test_a_sample_states_what_the_recorded_payload_states(name: str) -> None:
    """Else trying the hub would show something else than running it."""
    recorded = translate(SOURCE, read(name), NOW).facts
    assert [fact.kind for fact in facts_of(samples(NOW)[name])] == [fact.kind for fact in recorded]


@pytest.mark.parametrize("name", FILES)
def test_a_sample_has_the_fields_of_the_recorded_payload(name: str) -> None:
    """A sample with invented or missing fields would teach the wrong thing."""
    # The lengths of tracks, and where a stream was, are documented but not in the recorded ones.
    documented = {"track.recording.success": {"duration"}, "track.recording.failure": {"duration"}}
    documented["hls.stopped.success"] = {"url"}
    recorded, made = set(read(name)["data"]), set(inner_of(name))
    # A transcription may fail with some of its files written.
    unwritten = {field for field in recorded - made if field.endswith(("_path", "_presigned_url"))}
    assert made == (recorded - unwritten) | documented.get(name, set())
    assert not unwritten or name == "transcription.failure"


@pytest.mark.parametrize("name", REAL)
def test_every_real_sample_is_of_one_room(name: str) -> None:
    """They tell one story only when they speak of one."""
    (start,) = facts_of(samples(NOW)["session.open.success"])
    for fact in facts_of(samples(NOW + 1)[name], NOW + 1):
        assert fact.durable == start.durable != ""
        assert fact.room in ("", start.room)


@pytest.mark.parametrize("name", sorted(SCHEDULE))
def test_the_schedule_guides_samples_have_no_ids_of_their_own(name: str) -> None:
    """They are the bodies that the guide prints."""
    sample = samples(NOW)[f"schedule/{name}"]
    assert sample.payload.keys() == {"type", "data"}
    (fact,) = facts_of(sample)
    assert fact.durable == "100ms@room-abc-123"
    if isinstance(fact.detail, ParticipantDetail):
        assert fact.detail.identity == "user-123"


@pytest.mark.parametrize(("name", "kind"), STATISTICS.items())
def test_the_statistics_guides_samples_are_of_a_room_of_their_own(name: str, kind: Kind) -> None:
    """100ms has no such events: they come from whoever built by that guide."""
    (fact,) = facts_of(samples(NOW)[name])
    assert (fact.kind, fact.entity) == (kind, "rooms/100ms@room-1")


@pytest.mark.parametrize("name", ALL)
def test_a_signed_sample_is_accepted(name: str) -> None:
    """They go through the same door as real webhooks."""
    sample = samples(NOW)[name]
    body = msgspec.json.encode(sample.payload)
    headers = tuple(sign(SOURCE, body, sample.dialect).items())
    assert verify(SOURCE, Arrival(headers=headers, body=body, received_at=NOW))


def test_every_dialect_is_in_use() -> None:
    """Each proof can be tried with some sample."""
    assert {sample.dialect for sample in samples(NOW).values()} == {"header", "signature", "guide"}


def test_every_sample_of_every_call_is_a_delivery_of_its_own() -> None:
    """Sending one twice should show twice, not be taken for a retry."""
    made = [*samples(NOW).values(), *samples(NOW + 1).values()]
    ids = [sample.payload["id"] for sample in made if "id" in sample.payload]
    assert len(set(ids)) == len(ids) == 2 * len(REAL)


def test_equal_times_make_equal_samples() -> None:
    """What was shown can be shown again."""
    assert samples(NOW) == samples(NOW)


@pytest.mark.parametrize("name", ALL)
def test_no_sample_is_ahead_of_its_time(name: str) -> None:
    """The hub takes times of the future for its own."""
    assert all(fact.time <= NOW and not fact.skewed for fact in facts_of(samples(NOW)[name]))


@given(start=st.integers(10**12, 2 * 10**12), pauses=st.lists(st.integers(0, 5000), min_size=5, max_size=5))
def test_samples_of_several_calls_tell_one_story_in_order(start: int, pauses: list[int]) -> None:
    """People send them one by one, however fast."""
    story = ("session.open.success", "peer.join.success", "role.change.success", "peer.leave.success")
    times, now = [], start
    for name, pause in zip((*story, "session.close.success"), pauses, strict=True):
        now += pause
        times.append(facts_of(samples(now)[name], now)[0].time)
    assert times == sorted(times)


@pytest.mark.parametrize("names", [("beam.started.success", "beam.recording.success"), ("hls.started.success",)])
def test_a_recording_is_one_thing_from_start_to_file(names: tuple[str, ...]) -> None:
    """Sent one after the other, they should move one document."""
    ids = {fact.detail.id for name in names for fact in facts_of(samples(NOW)[name]) if capture(fact)}
    assert len(ids) == 1


def test_what_failed_is_another_recording_than_what_did_not() -> None:
    """An end is final: a failure after the file would show nothing."""
    made = samples(NOW)
    for name in ("beam.failure", "beam.stopped.success/failed", "hls.failure", "track.recording.failure"):
        (done,) = (fact.detail for fact in facts_of(made[f"{name.partition('.')[0]}.recording.success"]))
        lost = [fact.detail for fact in facts_of(made[name])]
        assert {detail.id for detail in lost}.isdisjoint({done.id})


def capture(fact: Fact) -> bool:
    return isinstance(fact.detail, CaptureDetail)


def test_the_links_of_samples_expire() -> None:
    """As those of real recordings do."""
    (fact,) = facts_of(samples(NOW)["beam.recording.success"])
    assert isinstance(fact.detail, CaptureDetail)
    assert fact.detail.links_expire_at == NOW // 1000 * 1000 + 43_200_000
