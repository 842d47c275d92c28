"""What 100ms says of recordings, live streams, ingests and transcripts."""

from itertools import permutations

import orjson
import pytest

from handlers.providers.arrival import Arrival
from handlers.providers.registry import receive
from hub.events import CaptureDetail, Kind
from hub.settings import Source
from tests.memory import MemoryLog
from tests.unit.handlers.providers.hms_bodies import (
    BEAM,
    FOLDER,
    RECEIVED_AT,
    Object,
    capture_of,
    changed,
    fact_of,
    read,
    told,
    translated,
)

RTMP = [{"url": "rtmp://a.example/live/key"}]
TRANSCRIPTS = ["transcript-json", "transcript-srt", "transcript-txt", "summary-json"]
SIGNED = "X-Amz-Date=20260310T120000Z&X-Amz-Expires="


def kinds_of(payload: Object) -> list[Kind]:
    return [fact.kind for fact in translated(payload).facts]


@pytest.mark.parametrize("rtmp", [None, [], "rtmp://a", {}])
@pytest.mark.parametrize("enabled", [True, None])
def test_a_beam_without_addresses_records(enabled: bool | None, rtmp: object) -> None:
    """The guide's bodies tell neither; a beam's usual work is recording."""
    payload = changed("beam.started.success", recording_enabled=enabled, rtmp=rtmp)
    assert kinds_of(payload) == [Kind.RECORDING_STARTED]


@pytest.mark.parametrize("enabled", [False, None])
def test_a_beam_with_addresses_streams(enabled: bool | None) -> None:
    """It records only where that is said too."""
    payload = changed("beam.started.success", recording_enabled=enabled, rtmp=RTMP)
    assert kinds_of(payload) == [Kind.STREAM_STARTED]


def test_a_beam_that_does_not_record_streams_even_if_it_does_not_say_where() -> None:
    """There is nothing else that a beam does."""
    assert kinds_of(changed("beam.stopped.success", recording_enabled=False, rtmp=None)) == [Kind.STREAM_STOPPED]


@pytest.mark.parametrize(
    ("type_", "recording", "stream"),
    [
        ("beam.started.success", Kind.RECORDING_STARTED, Kind.STREAM_STARTED),
        ("beam.stopped.success", Kind.RECORDING_STOPPED, Kind.STREAM_STOPPED),
        ("beam.failure", Kind.RECORDING_FAILED, Kind.STREAM_FAILED),
    ],
)
def test_a_beam_that_does_both_states_both(type_: str, recording: Kind, stream: Kind) -> None:
    """The file and the stream are two things to look at."""
    facts = translated(told(type_, beam_id="b", recording_enabled=True, rtmp=RTMP)).facts
    assert [fact.kind for fact in facts] == [recording, stream]
    assert facts[0].detail == facts[1].detail


@pytest.mark.parametrize(
    ("type_", "kind"), [("beam.stopped.success", Kind.RECORDING_FAILED), ("hls.stopped.success", Kind.STREAM_FAILED)]
)
@pytest.mark.parametrize("reason", ["failure: UPLOAD_ERROR", "Failure: INTERNAL_ERROR"])
def test_a_stop_for_a_failure_is_a_failure(type_: str, kind: Kind, reason: str) -> None:
    """There may be no `beam.failure` besides, and no file either."""
    fact = fact_of(told(type_, beam_id="b", reason=reason))
    assert fact.kind is kind
    assert isinstance(fact.detail, CaptureDetail)
    assert (fact.detail.error, fact.detail.reason) == (reason, "")


@pytest.mark.parametrize("type_", ["beam.stopped.success", "hls.stopped.success", "ingest.end.success"])
@pytest.mark.parametrize("reason", ["client request", "max duration reached", "room ended", "last peer left", ""])
def test_why_any_other_stop_came_is_told_but_is_no_error(type_: str, reason: str) -> None:
    """A recording that ends early is asked about."""
    fact = fact_of(told(type_, beam_id="b", reason=reason))
    assert fact.kind in (Kind.RECORDING_STOPPED, Kind.STREAM_STOPPED)
    assert isinstance(fact.detail, CaptureDetail)
    assert (fact.detail.reason, fact.detail.error) == (reason, "")


def test_a_reason_tells_no_addresses() -> None:
    """It may be somebody's own words, or an address of RTMP with its key."""
    reason = "failure: cannot reach rtmp://u:p@a.example/key, ask ann@example.com"
    for type_, said in (("beam.stopped.success", reason), ("hls.stopped.success", reason.removeprefix("failure: "))):
        capture = capture_of(told(type_, beam_id="b", reason=said))
        assert "key" not in capture.reason + capture.error
        assert "example" not in capture.reason + capture.error


def test_a_failure_tells_its_error() -> None:
    """Without it, nobody knows what to mend."""
    error = "UPLOAD_ERROR: Failed to upload recordings. Check if upload config is correct."
    assert capture_of(read("beam.failure")).error == error


def test_a_beams_recording_is_one_thing_from_start_to_file() -> None:
    """Its recording_id comes with the file, when the start has long been told: the beam_id is in all of them."""
    names = ("beam.started.success", "beam.stopped.success", "beam.recording.success", "beam.failure")
    assert {(capture_of(read(name)).id, capture_of(read(name)).scope) for name in names} == {(BEAM, "beam")}


@pytest.mark.parametrize("names", list(permutations(("beam.failure", "hls.failure"))))
def test_a_beam_and_an_hls_stream_of_one_beam_id_fail_each_for_itself(names: tuple[str, ...]) -> None:
    """They are two streams: the end of one must not hide that of the other."""
    source, log = Source(provider="100ms", name="100ms", path="/", proof="none"), MemoryLog()
    for name in names:
        body = (FOLDER / f"{name}.json").read_bytes()
        log.commit([receive(source, Arrival(headers=(), body=body, received_at=RECEIVED_AT))])
    events = [orjson.loads(event.body) for event in log.events]
    failed = {event["data"]["stream"]["id"] for event in events if event["type"] == "stream.failed"}
    assert failed == {f"100ms:{BEAM}", f"100ms:hls-{BEAM}"}


def test_a_tracks_recording_is_one_thing_from_start_to_file() -> None:
    """Its start has no recording_id: the track_id is in all of them."""
    names = ("track.recording.started.success", "track.recording.success", "track.recording.failure")
    ids = {(capture_of(read(name)).id, capture_of(read(name)).scope) for name in names}
    assert ids == {("3c1e5e95-fdd1-49ba-bb08-66a0b7493b5b", "track")}


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("beam.recording.success", "65f0d5f6a7b8c9d0e1f20314"),
        ("track.recording.success", "65f0d5f6a7b8c9d0e1f20314"),
        ("stream.recording.success", ""),
        ("hls.recording.success", ""),
        ("beam.started.success", ""),
        ("transcription.success", ""),
    ],
)
def test_a_recording_is_also_known_by_its_recording_id(name: str, alias: str) -> None:
    """100ms' own API asks for it; a transcript's is that of what was transcribed."""
    assert capture_of(read(name)).alias == alias


@pytest.mark.parametrize("name", ["recording.success", "recording.failed"])
def test_the_legacy_recording_is_that_of_its_session(name: str) -> None:
    """It has no id of its own, and spans the session."""
    capture = capture_of(read(name))
    assert (capture.id, capture.scope) == ("sfu-65f0b3d4e5f6a7b8c9d0e1f2", "sfu")
    assert (capture.started_at, capture.ended_at) == (1_773_144_000_123, 1_773_146_410_500)
    assert capture_of(changed(name, recording_id="rec")).id == "rec"


@pytest.mark.parametrize(
    ("type_", "fields", "id_"),
    [
        ("beam.stopped.success", {}, "beam-r"),
        ("beam.stopped.success", {"session_id": "s"}, "beam-s"),
        ("hls.recording.success", {"beam_id": "b"}, "hls-b"),
        ("hls.recording.success", {"beam_id": "b", "recording_id": "rec"}, "rec"),
        ("hls.started.success", {"beam_id": "b"}, "hls-b"),
        ("hls.started.success", {"beam_id": "b/c"}, "hls-b~2fc"),
        ("hls.started.success", {}, "hls-r"),
        ("stream.recording.success", {"stream_id": "st"}, "st"),
        ("track.recording.success", {"recording_id": "rec"}, "rec"),
        ("transcription.success", {"session_id": "s"}, "transcript-s"),
        ("ingest.start.success", {"stream_id": "st"}, "st"),
        ("ingest.start.failure", {}, "ingest-r"),
    ],
)
def test_what_has_no_id_is_named_for_where_it_is(type_: str, fields: Object, id_: str) -> None:
    """The guide's bodies are brief; a start and its stop must still be one thing."""
    assert capture_of(told(type_, **fields)).id == id_


def test_what_has_no_id_in_a_room_known_by_its_name_is_named_for_that() -> None:
    """Two such rooms have two recordings."""
    payload = {"type": "beam.stopped.success", "data": {"room_name": "daily"}}
    assert capture_of(payload).id == "beam-100ms@daily"


def test_a_beams_file_is_told_in_full() -> None:
    """Paths in a bucket are no links."""
    assert capture_of(read("beam.recording.success")) == CaptureDetail(
        id=BEAM,
        alias="65f0d5f6a7b8c9d0e1f20314",
        scope="beam",
        started_at=1_773_144_612_051,
        ended_at=1_773_145_812_778,
        duration_ms=1_200_000,
        size=10_024,
        links=(
            ("video", "https://acme-rec.s3.amazonaws.com/beam/ac.mp4?X-Amz-Signature=aa11"),
            ("chat", "https://acme-rec.s3.amazonaws.com/chat/ac.csv?X-Amz-Signature=bb22"),
        ),
    )


def test_hls_brings_a_playlist_files_by_layer_and_thumbnails() -> None:
    """Each is asked for by its name."""
    capture = capture_of(read("hls.recording.success"))
    names = ["playlist", "chat", "layer-0", "layer-1", "layer-2", "layer-3", "thumbnail-60"]
    assert [name for name, _ in capture.links] == names
    assert dict(capture.links)["thumbnail-60"] == "https://acme-rec.s3.amazonaws.com/hls/thumb.png?X-Amz-Signature=ff"
    assert (capture.scope, capture.size) == ("hls", 10_024)


def test_hls_without_a_playlist_has_the_size_of_its_first_file() -> None:
    """Either form of recording can be switched off."""
    payload = changed("hls.recording.success", hls_vod_recording_size=None)
    payload["data"]["recording_single_files"][0]["size"] = 77
    assert capture_of(payload).size == 77


def test_a_live_stream_tells_where_it_can_be_seen() -> None:
    """Authorised readers may want to watch."""
    capture = capture_of(read("hls.started.success"))
    assert capture.links == (("playlist", "https://cdn.100ms.live/hls/65f0c4e5/master.m3u8"),)


def test_files_are_few() -> None:
    """A body may hold thousands of entries; a fact may not."""
    files = [{"offset": number, "url": f"https://a/{number}"} for number in range(1000)]
    assert len(capture_of(changed("hls.recording.success", recording_thumbnails=files)).links) == 40


@pytest.mark.parametrize("entries", [[{"url": "https://a"}], [{"offset": "x", "url": "https://a"}], [5, None]])
def test_files_without_a_number_are_numbered(entries: list[object]) -> None:
    """Their names stay different, and short."""
    payload = changed("hls.recording.success", recording_thumbnails=entries, recording_single_files=None)
    names = [name for name, _ in capture_of(payload).links]
    assert names in (["playlist", "chat", "thumbnail-0"], ["playlist", "chat"])


@pytest.mark.parametrize(("track_type", "name"), [("audio", "audio"), ("video", "video"), (None, "video")])
def test_a_track_is_named_for_its_medium(track_type: str | None, name: str) -> None:
    """A recording of a voice alone is no video."""
    assert [link[0] for link in capture_of(changed("track.recording.success", track_type=track_type)).links] == [name]


@pytest.mark.parametrize("url", ["s3://bucket/a.mp4", "/a.mp4", "javascript:alert(1)", "", 5, None])
def test_only_addresses_are_links(url: object) -> None:
    """A path says where it is kept, and opens nothing."""
    assert capture_of(told("stream.recording.success", recording_id="r", recording_presigned_url=url)).links == ()


def test_the_links_tell_when_the_first_stops_working() -> None:
    """Readers are sent to refresh them in time."""
    payload = changed(
        "recording.success",
        recording_presigned_url=f"https://a/v?{SIGNED}3600&X-Amz-Signature=1",
        chat_recording_presigned_url=f"https://a/c?{SIGNED}60&X-Amz-Signature=1",
    )
    assert capture_of(payload).links_expire_at == 1_773_144_060_000
    assert capture_of(read("recording.success")).links_expire_at is None


@pytest.mark.parametrize("name", ["transcription.success", "transcription.failure"])
def test_a_transcription_brings_its_files(name: str) -> None:
    """One that failed may have written some of them."""
    capture = capture_of(read(name))
    assert [link[0] for link in capture.links] == TRANSCRIPTS
    assert (capture.id, capture.scope, capture.duration_ms) == ("65f0e6a7b8c9d0e1f2031425", "transcript", 23_000)
    partly = changed(name, transcript_srt_presigned_url=None, summary_json_presigned_url=None)
    assert [link[0] for link in capture_of(partly).links] == ["transcript-json", "transcript-txt"]


def test_a_transcription_that_started_has_no_files_yet() -> None:
    """Their ids are known from the beginning."""
    assert capture_of(read("transcription.started.success")).links == ()


def test_an_ingest_tells_from_when_to_when() -> None:
    """It has a time of its own for its end."""
    capture = capture_of(read("ingest.end.success"))
    assert (capture.started_at, capture.ended_at, capture.duration_ms) == (
        1_773_144_908_000,
        1_773_145_019_000,
        111_000,
    )


@pytest.mark.parametrize("amount", ["-5", "many", None, True, [1], 2**70, -1])
def test_amounts_that_are_none_are_left_out(amount: object) -> None:
    """A wrong size must not cost the recording."""
    capture = capture_of(told("recording.success", size=amount, duration=amount))
    assert (capture.size, capture.duration_ms) == (None, None)


@pytest.mark.parametrize(("size", "duration"), [("10", "1.5"), (10, 1.5)])
def test_amounts_may_be_text(size: object, duration: object) -> None:
    """They are documented as text, and sent as numbers."""
    capture = capture_of(told("recording.success", size=size, duration=duration))
    assert (capture.size, capture.duration_ms) == (10, 1_500)
