"""What Pulse's egresses, ingresses and recordings are taken to mean: recordings and streams."""

from pathlib import Path
from typing import Any

import pytest

from handlers.providers.pulse import translate
from handlers.providers.pulse_captures import read_duration
from handlers.providers.reading import parse_payload
from hub.errors import Unusable
from hub.events import CaptureDetail, Fact, Kind
from hub.settings import Source

FOLDER = Path(__file__).parents[3] / "samples"
SOURCE = Source(provider="pulse", name="pulse", path="/webhooks/pulse")
RECEIVED_AT = 1_773_151_300_000
FILE = "https://storage.pulse.io/recordings/abc123.mp4"

Object = dict[str, Any]  # the tests put every type into payloads, here and below


def read(name: str) -> Object:
    return dict(parse_payload((FOLDER / f"{name}.json").read_bytes()))


def fact_of(payload: Object) -> Fact:
    (fact,) = translate(SOURCE, payload, RECEIVED_AT).facts
    return fact


def capture_of(payload: Object) -> CaptureDetail:
    detail = fact_of(payload).detail
    assert isinstance(detail, CaptureDetail)
    return detail


def guide(event: str, **told: object) -> Object:
    return {"event": event, "data": {"egress_id": "EG_1", "recording_id": "REC_1", "room_name": "daily", **told}}


def go(event: str, about: str, **told: object) -> Object:
    return {"event": event, "timestamp": 1_773_150_000, "room_name": "daily", about: {"id": "X_1", **told}}


@pytest.mark.parametrize(
    ("type_", "is_stream"),
    [
        *((name, True) for name in ("RTMP", "rtmp", "RTMPS", "HLS", "hls")),
        *((other, False) for other in ("file", "MP4", "", None, 7, ["RTMP"])),
    ],
)
def test_the_type_decides_whether_an_egress_is_a_stream(type_: object, is_stream: bool) -> None:
    """What goes out live is no recording, and what is a recording must not be lost among streams."""
    kinds = [fact_of(guide(event, type=type_)).kind for event in ("egress.started", "egress.ended")]
    streams, recordings = [Kind.STREAM_STARTED, Kind.STREAM_STOPPED], [Kind.RECORDING_STARTED, Kind.RECORDING_STOPPED]
    assert kinds == (streams if is_stream else recordings)


@pytest.mark.parametrize("output", ["https://cdn.pulse.io/EG/index.m3u8", "rtmp://live.example.com/key", "", None])
@pytest.mark.parametrize("status", ["active", "ended", "failed"])
def test_an_egress_of_the_code_is_a_recording_whichever_event_is_read(output: object, status: str) -> None:
    """Only its end tells an output: judging by that would leave the start of a recording open for ever."""
    kinds = {
        fact_of(go("egress_started", "egress", status="active")).kind,
        fact_of(go("egress_ended", "egress", status=status, output_url=output)).kind,
    }
    assert all(kind.startswith("recording.") for kind in kinds)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({}, Kind.STREAM_STOPPED),
        ({"error": ""}, Kind.STREAM_STOPPED),
        ({"error": None}, Kind.STREAM_STOPPED),
        ({"error": "upload failed"}, Kind.STREAM_FAILED),
        ({"status": "failed"}, Kind.STREAM_FAILED),
        ({"status": "ERROR"}, Kind.STREAM_FAILED),
        ({"status": "ended"}, Kind.STREAM_STOPPED),
    ],
)
def test_an_error_or_a_failed_status_is_a_failure(told: Object, kind: Kind) -> None:
    """The event is called ended either way."""
    assert fact_of(guide("egress.ended", type="RTMP", **told)).kind is kind
    assert fact_of(go("ingress_ended", "ingress", **told)).kind is kind
    recording = Kind.RECORDING_FAILED if kind is Kind.STREAM_FAILED else Kind.RECORDING_STOPPED
    assert fact_of(guide("egress.ended", **told)).kind is recording


def test_an_error_is_told_without_addresses_of_streams_and_people() -> None:
    """The address of a stream holds its key."""
    failed = guide("egress.ended", error="rtmp://live.example.com/app/key refused; ask ann@example.com")
    assert capture_of(failed).error == "rtmp://… refused; ask ann@…"


def test_a_stream_of_the_guide_tells_when_it_began_and_ended() -> None:
    """Its events have no envelope, so these are all the times there are."""
    started, ended = fact_of(read("pulse/egress.started")), fact_of(read("pulse/egress.ended"))
    assert (started.kind, started.time) == (Kind.STREAM_STARTED, 1_737_282_900_000)
    assert started.detail == CaptureDetail(id="EG_abc123", scope="rtmp", started_at=1_737_282_900_000)
    assert (ended.kind, ended.time) == (Kind.STREAM_STOPPED, 1_737_284_700_000)
    assert ended.detail == CaptureDetail(
        id="EG_abc123", scope="rtmp", ended_at=1_737_284_700_000, duration_ms=1_800_000
    )


def test_an_egress_of_the_code_tells_its_length_and_where_its_output_is() -> None:
    """Its times are those of the envelope."""
    started, ended = fact_of(read("pulse_go_impl/egress_started")), fact_of(read("pulse_go_impl/egress_ended"))
    assert (started.kind, started.time, started.detail) == (
        Kind.RECORDING_STARTED,
        1_737_282_900_000,
        CaptureDetail(id="EG_abc123"),
    )
    assert (ended.kind, ended.time) == (Kind.RECORDING_STOPPED, 1_737_284_700_000)
    assert ended.detail == CaptureDetail(
        id="EG_abc123", duration_ms=1_800_000, links=(("file", "https://cdn.pulse.io/EG_abc123/index.m3u8"),)
    )


@pytest.mark.parametrize("address", ["rtmp://live.example.com/app/key", "/var/out.mp4", "s3://b/k", 5, None, ""])
def test_only_what_a_browser_can_fetch_is_a_link(address: object) -> None:
    """Where a stream is pushed to holds its key."""
    assert capture_of(go("egress_ended", "egress", output_url=address)).links == ()
    assert capture_of(go("recording_available", "recording", url=address)).links == ()


@pytest.mark.parametrize("name", ["pulse/recording.completed", "pulse_go_impl/recording_available"])
def test_a_recording_tells_its_file_in_both_dialects(name: str) -> None:
    """Its id is its own: the egress that made it is not named."""
    assert fact_of(read(name)).kind is Kind.RECORDING_COMPLETED
    assert capture_of(read(name)) == CaptureDetail(
        id="REC_abc123", duration_ms=3_600_000, size=524_288_000, links=(("video", FILE),)
    )


def test_a_presigned_link_tells_how_long_it_works() -> None:
    """Whoever asks for the file later is told that it is gone, and not sent to an error of the store."""
    link = f"{FILE}?X-Amz-Date=20260310T120000Z&X-Amz-Expires=3600"
    assert capture_of(guide("recording.completed", file_url=link)).links_expire_at == 1_773_147_600_000


def test_a_recording_of_the_guide_came_when_it_came() -> None:
    """Nothing in it tells a time; one that is sent again within a day is the same, by its bytes."""
    spoken = translate(SOURCE, read("pulse/recording.completed"), RECEIVED_AT)
    assert (spoken.facts[0].time, spoken.timed, spoken.delivery_id) == (RECEIVED_AT, False, "")


@pytest.mark.parametrize("size", [-1, "much", None, 1e300, True])
def test_a_size_that_is_none_is_left_out(size: object) -> None:
    """A negative file would be shown as such."""
    assert capture_of(guide("recording.completed", file_size_bytes=size)).size is None


@pytest.mark.parametrize(
    ("told", "duration"),
    [
        ({"duration_seconds": 1800}, 1_800_000),
        ({"duration": 1800}, 1_800_000),
        ({"duration_seconds": 0, "duration": 5}, 0),
        ({"duration_seconds": "90.5"}, 90_500),
        ({"duration_seconds": -1}, None),
        ({"duration_seconds": 10**12}, None),
        ({"duration_seconds": None}, None),
        ({}, None),
    ],
)
def test_a_duration_is_told_in_seconds(told: Object, duration: int | None) -> None:
    """One that cannot be would begin the visit before there were computers."""
    assert read_duration(told) == duration


def test_an_ingress_is_a_stream_into_the_room() -> None:
    """Only the code's dialect has them."""
    started, ended = fact_of(read("pulse_go_impl/ingress_started")), fact_of(read("pulse_go_impl/ingress_ended"))
    assert (started.kind, ended.kind) == (Kind.STREAM_STARTED, Kind.STREAM_STOPPED)
    assert started.detail == ended.detail == CaptureDetail(id="IN_abc123", scope="ingress")
    assert (started.time, ended.time) == (1_737_283_000_000, 1_737_284_000_000)


def test_a_capture_without_a_room_belongs_to_the_source() -> None:
    """It happened, whoever it was for."""
    assert fact_of({"event": "egress_started", "egress": {"id": "EG_1"}}).entity == ""


@pytest.mark.parametrize(
    "payload",
    [
        {"event": "egress.started", "data": {"room_name": "daily", "type": "RTMP"}},
        {"event": "egress_ended", "room_name": "daily", "egress": {"status": "ended"}},
        {"event": "ingress_started", "room_name": "daily", "ingress": "IN_1"},
        {"event": "recording.completed", "data": {"room_name": "daily", "egress_id": "EG_1"}},
        {"event": "recording_available", "room_name": "daily"},
    ],
)
def test_what_has_no_id_is_unusable(payload: Object) -> None:
    """It could be found neither in a list nor again."""
    with pytest.raises(Unusable, match="names no"):
        fact_of(payload)


def test_times_of_the_future_are_not_kept() -> None:
    """A stream that began tomorrow would be shown as running for a negative time."""
    started = capture_of(guide("egress.started", started_at="2027-01-01T00:00:00Z"))
    assert started.started_at is None
