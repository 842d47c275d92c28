"""What LiveKit's egresses and ingresses are taken to mean: recordings and streams."""

from pathlib import Path
from typing import Any

import pytest

from handlers.providers.livekit import translate
from handlers.providers.reading import parse_payload
from hub.errors import Unusable
from hub.events import CaptureDetail, Fact, Kind
from hub.settings import Source

FOLDER = Path(__file__).parents[3] / "samples" / "livekit"
SOURCE = Source(provider="livekit", name="livekit", path="/api/livekit/webhook")
RECEIVED_AT = 1_773_151_300_000
LOCATION = "https://acme-rec.s3.eu-west-3.amazonaws.com/recordings/daily-standup.mp4"

Object = dict[str, Any]  # the tests put every type into payloads, here and below


def read(name: str) -> Object:
    return dict(parse_payload((FOLDER / f"{name}.json").read_bytes()))


def fact_of(payload: Object) -> Fact:
    (fact,) = translate(SOURCE, payload, RECEIVED_AT).facts
    return fact


def egress_fact(event: str = "egress_updated", **egress: object) -> Fact:
    room = {"sid": "RM_1", "name": "r"}
    return fact_of({"event": event, "room": room, "egressInfo": {"egressId": "EG_1", **egress}})


def capture_of(**egress: Any) -> CaptureDetail:
    detail = egress_fact(**egress).detail
    assert isinstance(detail, CaptureDetail)
    return detail


FILE: Object = {"roomComposite": {"fileOutputs": [{"filepath": "a.mp4"}]}}
STREAM: Object = {"roomComposite": {"streamOutputs": [{"protocol": "RTMP"}]}}


@pytest.mark.parametrize(
    ("event", "status", "recording", "stream"),
    [
        ("egress_started", {}, Kind.RECORDING_UPDATED, Kind.STREAM_STARTED),
        ("egress_updated", {"status": "EGRESS_ACTIVE"}, Kind.RECORDING_STARTED, Kind.STREAM_STARTED),
        ("egress_updated", {"status": "EGRESS_ENDING"}, Kind.RECORDING_STOPPED, Kind.STREAM_STOPPED),
        ("egress_ended", {"status": "EGRESS_COMPLETE"}, Kind.RECORDING_COMPLETED, Kind.STREAM_STOPPED),
        ("egress_ended", {"status": "EGRESS_LIMIT_REACHED"}, Kind.RECORDING_COMPLETED, Kind.STREAM_STOPPED),
        ("egress_ended", {"status": "EGRESS_FAILED"}, Kind.RECORDING_FAILED, Kind.STREAM_FAILED),
        ("egress_ended", {"status": "EGRESS_ABORTED"}, Kind.RECORDING_FAILED, Kind.STREAM_FAILED),
    ],
)
def test_the_status_of_an_egress_decides_its_kind(event: str, status: Object, recording: Kind, stream: Kind) -> None:
    """`egress_ended` may mean a file, a shorter file, or none."""
    kinds = (egress_fact(event, **FILE, **status).kind, egress_fact(event, **STREAM, **status).kind)
    assert kinds == (recording, stream)


@pytest.mark.parametrize("event", ["egress_started", "egress_updated", "egress_ended"])
@pytest.mark.parametrize("output", [FILE, STREAM])
def test_an_unknown_status_starts_nothing(event: str, output: Object) -> None:
    """Protobuf reads a status it does not know as EGRESS_STARTING, and a finished recording seems to begin."""
    assert egress_fact(event, **output, status="EGRESS_PONDERING").kind is Kind.RECORDING_UPDATED


@pytest.mark.parametrize("event", ["egress_updated", "egress_ended"])
def test_only_the_first_event_may_leave_the_status_out(event: str) -> None:
    """EGRESS_STARTING is the zero value: elsewhere a missing status is an unknown one."""
    assert egress_fact(event, **STREAM).kind is Kind.RECORDING_UPDATED


@pytest.mark.parametrize(
    ("egress", "is_stream"),
    [
        ({}, False),
        ({"streamResults": [{"url": "rtmp://a"}]}, True),
        ({"stream": {"info": []}}, True),
        ({"web": {"url": "https://a", "streamOutputs": [{}]}}, True),
        ({"roomComposite": {"rtmp": {"urls": ["rtmp://a"]}}}, True),
        ({"track": {"websocketUrl": "wss://a"}}, True),
        ({"track": {"file": {}}}, False),
        ({"roomComposite": {"streamOutputs": [{}], "fileOutputs": [{}]}}, False),
        ({"roomComposite": {"streamOutputs": [{}], "segmentOutputs": [{}]}}, False),
        ({"roomComposite": {"streamOutputs": [{}], "imageOutputs": []}}, True),
        ({"participant": {"streamOutputs": [{}]}, "fileResults": [{"filename": "a"}]}, False),
        ({"egress": {"template": {}, "outputs": [{"stream": {"urls": ["rtmp://a"]}}]}}, True),
        ({"egress": {"template": {}, "outputs": [{"stream": {}}, {"file": {"filepath": "a"}}]}}, False),
        ({"egress": {"outputs": [5, None]}, "streamResults": [{}]}, True),
        ({"replay": {"web": {}, "outputs": [{"stream": {}}]}}, True),
        ({"replay": {"web": {}, "outputs": [{"stream": {}}, {"images": {}}]}}, False),
    ],
)
def test_an_egress_is_a_stream_when_it_yields_no_file(egress: Object, is_stream: bool) -> None:
    """A recording that is also streamed must not be lost from the list of recordings."""
    kind = egress_fact(status="EGRESS_COMPLETE", **egress).kind
    assert kind is (Kind.STREAM_STOPPED if is_stream else Kind.RECORDING_COMPLETED)


@pytest.mark.parametrize(
    ("status", "time"),
    [
        ({}, 3_000),
        ({"status": "EGRESS_ACTIVE"}, 1_000),
        ({"status": "EGRESS_ENDING"}, 3_000),
        ({"status": "EGRESS_COMPLETE"}, 2_000),
        ({"status": "EGRESS_ABORTED"}, 2_000),
        ({"status": "EGRESS_PONDERING"}, 3_000),
    ],
)
def test_the_time_is_that_of_the_status(status: Object, time: int) -> None:
    """A recording starts when it starts, not when that was told."""
    started_at, ended_at, updated_at = (f"177314400{second}000000345" for second in (1, 2, 3))
    fact = egress_fact(startedAt=started_at, endedAt=ended_at, updatedAt=updated_at, **status)
    assert fact.time == 1_773_144_000_000 + time


def test_a_finished_recording_tells_its_file() -> None:
    """Duration and size come from the file: the egress also counts waiting and uploading."""
    assert fact_of(read("egress_ended")).detail == CaptureDetail(
        id="EG_pJTG6WdSWj4H",
        scope="room_composite",
        started_at=1_773_144_036_120,
        ended_at=1_773_146_401_990,
        duration_ms=2_365_869,
        size=184_320_411,
        reason="End reason: Source closed",
        links=(("file", LOCATION),),
    )


def test_a_recording_in_segments_links_its_playlist() -> None:
    """Segments have no single location."""
    segments = {"playlistLocation": "https://a/live.m3u8", "duration": "5000000000", "size": "10"}
    capture = capture_of(status="EGRESS_COMPLETE", segmentResults=[segments])
    assert (capture.links, capture.duration_ms, capture.size) == ((("file", "https://a/live.m3u8"),), 5_000, 10)


def test_a_file_told_twice_is_linked_once() -> None:
    """Servers repeat the first result in the deprecated `file`."""
    file = {"filename": "a.mp4", "location": LOCATION}
    assert capture_of(status="EGRESS_COMPLETE", fileResults=[file], file=file).links == (("file", LOCATION),)


@pytest.mark.parametrize("place", ["file", "segments"])
def test_old_servers_tell_the_file_in_one_place(place: str) -> None:
    """The lists of results came later."""
    capture = capture_of(status="EGRESS_COMPLETE", **{place: {"location": LOCATION, "size": "10"}})
    assert (capture.links, capture.size) == ((("file", LOCATION),), 10)


def test_links_are_few() -> None:
    """A body may hold thousands of results; a fact may not."""
    results = [{"location": f"https://a/{number}"} for number in range(1000)]
    assert len(capture_of(status="EGRESS_COMPLETE", fileResults=results).links) == 20


def test_times_far_ahead_are_left_out() -> None:
    """A recording that starts after the last sign of its room cannot be shown."""
    capture = capture_of(startedAt="1973144000000000000", endedAt="1973144001000000000")
    assert (capture.started_at, capture.ended_at) == (None, None)


@pytest.mark.parametrize("location", ["/out/a.mp4", "javascript:alert(1)", "", 5])
def test_only_addresses_are_links(location: object) -> None:
    """Without cloud storage the location is a path on the egress server."""
    assert capture_of(status="EGRESS_COMPLETE", fileResults=[{"location": location}]).links == ()


@pytest.mark.parametrize(
    ("request_name", "scope"),
    [
        ("roomComposite", "room_composite"),
        ("participant", "participant"),
        ("trackComposite", "track_composite"),
        ("track", "track"),
        ("web", "web"),
        ("none", ""),
    ],
)
def test_the_scope_is_told_by_the_request(request_name: str, scope: str) -> None:
    """Several recordings of one room are told apart by what they hold."""
    assert capture_of(**{request_name: {}}).scope == scope


@pytest.mark.parametrize("request_name", ["egress", "replay"])
@pytest.mark.parametrize(
    ("source", "scope"), [("template", "room_composite"), ("web", "web"), ("media", "track_composite")]
)
def test_the_scope_of_the_second_egress_api_is_inside_it(request_name: str, source: str, scope: str) -> None:
    """There is one kind of request there, with its source inside."""
    assert capture_of(**{request_name: {source: {}, "outputs": []}}).scope == scope


def test_a_recording_that_reached_its_limit_is_truncated() -> None:
    """It is complete, but not the whole meeting."""
    assert capture_of(status="EGRESS_LIMIT_REACHED").truncated
    assert not capture_of(status="EGRESS_COMPLETE").truncated


@pytest.mark.parametrize("output", [FILE, STREAM])
@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"error": "Session limit reached"}, "Session limit reached"),
        ({"error": "limit", "details": "End reason: Limit reached"}, "End reason: Limit reached"),
        ({"error": "ask ann@acme.example at rtmp://a/key"}, "ask ann@… at rtmp://…"),
        ({}, ""),
    ],
)
def test_that_a_limit_was_reached_is_a_reason_and_no_error(output: Object, told: Object, reason: str) -> None:
    """There is a file, and nothing is broken: whoever wonders why it is short is told."""
    capture = capture_of(status="EGRESS_LIMIT_REACHED", **output, **told)
    assert (capture.reason, capture.error, capture.truncated) == (reason, "", True)


@pytest.mark.parametrize("output", [FILE, STREAM])
def test_why_a_complete_egress_ended_is_told(output: Object) -> None:
    """It may have been stopped by somebody, or have lost its source."""
    capture = capture_of(status="EGRESS_COMPLETE", details="End reason: StopEgress API", **output)
    assert (capture.reason, capture.error, capture.truncated) == ("End reason: StopEgress API", "", False)


def test_a_failure_has_an_error_and_no_reason() -> None:
    """One of them is enough."""
    capture = capture_of(status="EGRESS_FAILED", error="no space", details="End reason: Failure")
    assert (capture.reason, capture.error) == ("", "no space")


def test_a_failure_tells_its_error() -> None:
    """Without it, nobody knows what to mend."""
    assert capture_of(status="EGRESS_FAILED", error="no space", details="End reason: Failure").error == "no space"


def test_an_abortion_tells_its_details() -> None:
    """Aborted egresses have no error."""
    assert capture_of(status="EGRESS_ABORTED", details="End reason: Start aborted").error == "End reason: Start aborted"


def test_details_of_a_success_are_no_error() -> None:
    """They say why it ended, which it always does."""
    assert capture_of(status="EGRESS_COMPLETE", details="End reason: Source closed").error == ""


def test_errors_do_not_tell_addresses() -> None:
    """The address of a stream ends in its key."""
    error = capture_of(status="EGRESS_FAILED", error="cannot reach rtmps://u:p@live.example/app/key now").error
    assert error == "cannot reach rtmps://… now"


def test_an_egress_may_be_without_a_room() -> None:
    """Web pages are recorded too: such a recording belongs to the source."""
    fact = fact_of({"event": "egress_ended", "egressInfo": {"egressId": "EG_1", "web": {}, "status": "EGRESS_FAILED"}})
    assert (fact.kind, fact.entity, fact.session) == (Kind.RECORDING_FAILED, "", None)


def test_an_egress_may_name_its_room_alone() -> None:
    """Egresses outlive their rooms, whose object may then be missing."""
    fact = fact_of({"event": "egress_ended", "egressInfo": {"egressId": "EG_1", "roomId": "RM_1", "roomName": "r"}})
    assert (fact.room, fact.durable) == ("livekit:RM_1", "livekit@r")


def test_an_ingress_finds_its_room_by_its_state() -> None:
    """The room object of ingress events has no sid."""
    fact = fact_of(read("ingress_started"))
    assert (fact.room, fact.durable) == ("livekit:RM_nHPUfmxXrHry", "livekit@daily-standup")
    assert fact.detail == CaptureDetail(id="IN_7ygmoHMWgMf5", scope="ingress", started_at=1_773_144_119_000)


def test_an_ingress_that_broke_has_failed() -> None:
    """It ends like any other, but somebody has to look at the encoder."""
    payload = read("ingress_ended")
    payload["ingressInfo"]["state"] |= {"status": "ENDPOINT_ERROR", "error": "timeout"}
    fact = fact_of(payload)
    assert (fact.kind, fact.time) == (Kind.STREAM_FAILED, 1_773_145_500_000)
    assert isinstance(fact.detail, CaptureDetail)
    assert fact.detail.error == "timeout"


@pytest.mark.parametrize("amount", ["-5", "many", None, True, [1], 2**70])
def test_amounts_that_are_none_are_left_out(amount: object) -> None:
    """A wrong size must not cost the recording."""
    capture = capture_of(status="EGRESS_COMPLETE", fileResults=[{"size": amount, "duration": amount}])
    assert (capture.size, capture.duration_ms) == (None, None)


def test_captures_without_an_id_are_unusable() -> None:
    """Their later events could not be recognised."""
    with pytest.raises(Unusable, match="egress"):
        egress_fact(egressId="")
