"""The samples: complete, understood by LiveKit's own library and by ours, and telling one story."""

import json

import msgspec
import pytest
from google.protobuf.json_format import Parse
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol.webhook import WebhookEvent

from handlers.providers.arrival import Arrival, Proof, Sample
from handlers.providers.livekit import sign, translate, verify
from handlers.providers.livekit_samples import samples
from hub.events import CaptureDetail, Fact, Kind, ParticipantDetail
from hub.settings import Source

SOURCE = Source(provider="livekit", name="livekit", path="/api/livekit/webhook", keys={"APIkey": ("secret" * 8,)})
NOW = 1_773_151_300_123
ROOM = "rooms/livekit:RM_hubsample001"
KINDS = {
    "room_started": Kind.ROOM_STARTED,
    "room_finished": Kind.ROOM_ENDED,
    "participant_joined": Kind.PARTICIPANT_JOINED,
    "participant_left": Kind.PARTICIPANT_LEFT,
    "participant_connection_aborted": Kind.PARTICIPANT_REJECTED,
    "track_published": Kind.TRACK_PUBLISHED,
    "track_published.video": Kind.TRACK_PUBLISHED,
    "track_unpublished": Kind.TRACK_UNPUBLISHED,
    "track_unpublished.video": Kind.TRACK_UNPUBLISHED,
    "egress_started": Kind.RECORDING_UPDATED,
    "egress_started.stream": Kind.STREAM_STARTED,
    "egress_updated": Kind.RECORDING_STARTED,
    "egress_updated.ending": Kind.RECORDING_STOPPED,
    "egress_updated.stream": Kind.STREAM_STARTED,
    "egress_ended": Kind.RECORDING_COMPLETED,
    "egress_ended.failed": Kind.RECORDING_FAILED,
    "egress_ended.aborted": Kind.RECORDING_FAILED,
    "egress_ended.limit_reached": Kind.RECORDING_COMPLETED,
    "egress_ended.stream": Kind.STREAM_STOPPED,
    "ingress_started": Kind.STREAM_STARTED,
    "ingress_ended": Kind.STREAM_STOPPED,
    "ingress_ended.failed": Kind.STREAM_FAILED,
    "agent_job_started": Kind.JOB_STARTED,
    "agent_job_ended": Kind.JOB_ENDED,
    "agent_job_ended.failed": Kind.JOB_ENDED,
    "guide.participant_joined": Kind.PARTICIPANT_JOINED,
}


def fact_of(sample: Sample, received_at: int = NOW) -> Fact:
    (fact,) = translate(SOURCE, sample.payload, received_at).facts
    return fact


def test_there_is_a_sample_of_everything() -> None:
    """Whoever tries the hub must be able to see each event once."""
    assert samples(NOW).keys() == KINDS.keys()


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_each_sample_has_its_kind_in_the_one_room(name: str, kind: Kind) -> None:
    """They tell one story only when they speak of one room."""
    fact = fact_of(samples(NOW)[name])
    room = "rooms/livekit@daily-standup" if name.startswith("guide.") else ROOM
    assert (fact.kind, fact.entity, fact.durable) == (kind, room, "livekit@daily-standup")


@pytest.mark.parametrize("name", KINDS)
def test_livekits_own_library_knows_every_field(name: str) -> None:
    """A sample with invented fields would teach the wrong thing."""
    payload = samples(NOW)[name].payload
    assert Parse(json.dumps(payload), WebhookEvent(), ignore_unknown_fields=False).event == payload["event"]


@pytest.mark.parametrize("name", KINDS)
def test_a_signed_sample_is_accepted(name: str) -> None:
    """They go through the same door as real webhooks."""
    body = msgspec.json.encode(samples(NOW)[name].payload)
    headers = tuple(sign(SOURCE, body, NOW).items())
    assert verify(SOURCE, Arrival(headers=headers, body=body, received_at=NOW)) == Proof(scheme="jwt")


def test_every_sample_of_every_call_is_a_delivery_of_its_own() -> None:
    """Sending one twice should show twice, not be taken for a retry."""
    made = [*samples(NOW).values(), *samples(NOW + 1).values()]
    ids = [sample.payload["id"] for sample in made if "id" in sample.payload]
    assert len(set(ids)) == len(ids) == 2 * (len(KINDS) - 1)


def test_equal_times_make_equal_samples() -> None:
    """What was shown can be shown again."""
    assert samples(NOW) == samples(NOW)


def test_no_sample_is_ahead_of_its_time() -> None:
    """The hub takes times of the future for its own."""
    assert all(fact.time <= NOW and not fact.skewed for fact in map(fact_of, samples(NOW).values()))


@given(
    start=st.integers(10**12, 2 * 10**12),
    pauses=st.lists(st.integers(0, 5000), min_size=5, max_size=5),
)
def test_samples_of_several_calls_tell_one_story_in_order(start: int, pauses: list[int]) -> None:
    """People send them one by one, however fast; `createdAt` is rounded down meanwhile."""
    told = ("room_started", "participant_joined", "track_published", "participant_left", "room_finished")
    times, now = [], start
    for name, pause in zip(told, pauses, strict=True):
        now += pause
        times.append(fact_of(samples(now)[name], now).time)
    assert times == sorted(times)
    assert times[1] < times[3]


def test_a_sample_of_leaving_ends_whichever_visit_is_open() -> None:
    """Its join was sample of another call, at another time: a join time here would tell of a second visit."""
    joined, left = (fact_of(samples(NOW)[name]).detail for name in ("participant_joined", "participant_left"))
    assert isinstance(joined, ParticipantDetail)
    assert isinstance(left, ParticipantDetail)
    assert (left.id, left.joined_at, left.kind) == (joined.id, None, "human")


def test_each_other_end_of_a_recording_has_its_own_egress() -> None:
    """An end is final: a second one of the same egress would show nothing."""
    ends = [fact_of(sample).detail for name, sample in samples(NOW).items() if name.startswith("egress_ended")]
    assert len({end.id for end in ends if isinstance(end, CaptureDetail)}) == len(ends)


def test_the_guides_sample_has_neither_ids_nor_times() -> None:
    """It is the body that the guide prints."""
    assert samples(NOW)["guide.participant_joined"].payload.keys() == {"event", "room", "participant"}
