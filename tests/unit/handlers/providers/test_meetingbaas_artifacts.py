"""What a bot brings home is found in every shape in which it comes, and its links last as long as promised."""

from collections.abc import Sequence
from itertools import permutations

import msgspec
import orjson
import pytest

from handlers.providers.arrival import Arrival
from handlers.providers.meetingbaas import translate
from handlers.providers.reading import Payload
from handlers.providers.registry import receive
from hub.events import CaptureDetail, Detail, Segment, TranscriptDetail
from hub.settings import Source
from tests.memory import MemoryLog

NOW = 1_773_165_900_000
SENT = 1_773_165_600_000
HOUR = 3_600_000
VIDEO = "https://a.example/video.mp4?X-Amz-Signature=1"
AUDIO = "https://a.example/audio.flac?X-Amz-Signature=2"
TEXT = "https://a.example/text.json?X-Amz-Signature=3"


def details(event: str, **more: object) -> list[Detail | None]:
    source = Source(provider="meetingbaas", name="bots", path="/hook")
    payload: Payload = {"event": event, "data": {"bot_id": "b", **more}}
    return [fact.detail for fact in translate(source, payload, NOW).facts]


def test_v2_links_last_four_hours_from_when_they_were_sent() -> None:
    """Whoever follows a link later needs a fresh one."""
    _, capture, transcript = details(
        "bot.completed",
        sent_at=SENT,
        duration_seconds=61.5,
        video=VIDEO,
        audio=AUDIO,
        diarization=TEXT,
        transcription=TEXT,
        raw_transcription=TEXT,
    )
    assert capture == CaptureDetail(
        id="b",
        scope="bot",
        duration_ms=61_500,
        links=(("video", VIDEO), ("audio", AUDIO), ("diarization", TEXT)),
        links_expire_at=SENT + 4 * HOUR,
    )
    assert transcript == TranscriptDetail(
        links=(("transcription", TEXT), ("raw_transcription", TEXT)), links_expire_at=SENT + 4 * HOUR
    )


def test_v1_links_last_two_hours_from_when_they_came() -> None:
    """v1 tells no time, and the shorter of its two documented lifetimes is safe."""
    _, capture = details("complete", mp4=VIDEO)
    assert capture == CaptureDetail(id="b", scope="bot", links=(("video", VIDEO),), links_expire_at=NOW + 2 * HOUR)


def test_both_names_of_the_video_are_one_link() -> None:
    """v2's guide calls it `mp4`, its schema `video`."""
    _, capture = details("bot.completed", mp4=TEXT, video=VIDEO)
    assert isinstance(capture, CaptureDetail)
    assert capture.links == (("video", VIDEO),)


@pytest.mark.parametrize("url", [None, "", 5, {}, "javascript:alert(1)", "/a/file", "https://a.example/" + "a" * 9000])
def test_what_cannot_be_followed_is_no_recording(url: object) -> None:
    """A link is followed by the hub, and given to browsers."""
    assert len(details("bot.completed", video=url, audio=url, transcription=url)) == 1


def test_diarization_alone_is_no_recording() -> None:
    """There is nothing in it to watch or to hear."""
    assert len(details("bot.completed", diarization=TEXT)) == 1


@pytest.mark.parametrize("duration", [None, -1, 1e300, "long", True])
def test_an_absurd_duration_is_left_out(duration: object) -> None:
    """No duration is better than a wrong one."""
    _, capture = details("bot.completed", video=VIDEO, duration_seconds=duration)
    assert isinstance(capture, CaptureDetail)
    assert capture.duration_ms is None


def test_v1s_transcript_is_whole_and_inline() -> None:
    """It replaces whatever was heard live."""
    turn = {
        "speaker": "Ann",
        "offset": 1.33,
        "start_time": 1.33,
        "end_time": 1.58,
        "words": [{"start": 1.33, "end": 1.45, "word": "Hi"}, {"start": 1.45, "end": 1.58, "word": "Bob!"}],
    }
    _, transcript = details("complete", transcript=[turn])
    segment = Segment(id="1.33:Ann", speaker="Ann", start=1.33, end=1.58, text="Hi Bob!")
    assert transcript == TranscriptDetail(whole=True, segments=(segment,))


@pytest.mark.parametrize(
    "turn",
    [
        {"speaker": "Ann", "words": [{"start": 2, "end": 3, "word": "Hi"}, {"start": 3, "end": 4.5, "word": "Bob"}]},
        {"speaker": "Ann", "words": [{"start_time": 2, "end_time": 3, "text": "Hi Bob"}, {"end_time": 4.5}]},
        {"speaker": {"name": "Ann"}, "start": 2, "end": 4.5, "text": "Hi Bob"},
        {"speaker": "Ann", "start": "2", "end": "4.5", "text": "Hi Bob", "words": ["Hi", 5, None]},
    ],
)
def test_older_and_other_forms_of_a_turn_are_read_too(turn: dict[str, object]) -> None:
    """v1's two documents and its API disagree on every name."""
    _, transcript = details("complete", transcript=[turn])
    segment = Segment(id="2.0:Ann", speaker="Ann", start=2.0, end=4.5, text="Hi Bob")
    assert transcript == TranscriptDetail(whole=True, segments=(segment,))


@pytest.mark.parametrize("transcript", [[], None, "text", [{}], [{"speaker": "Ann", "words": []}], [None, 5, "Hi"]])
def test_a_transcript_without_a_word_is_none(transcript: object) -> None:
    """A whole transcript replaces the one before it: an empty one would erase it."""
    assert len(details("complete", transcript=transcript)) == 1


def test_turns_of_one_name_are_all_kept() -> None:
    """Without times they would be one segment, and only the last would remain."""
    turns = [{"speaker": "Ann", "text": text} for text in ("one", "two", "three")]
    _, transcript = details("complete", transcript=turns)
    assert isinstance(transcript, TranscriptDetail)
    assert [segment.id for segment in transcript.segments] == ["0.0:Ann", "0.0:Ann:2", "0.0:Ann:3"]


SEGMENT = {"id": "s1", "speaker": "Ann", "start": 1, "text": "Hi", "is_final": False}


@pytest.mark.parametrize("place", [{"segment": SEGMENT}, {"segments": [SEGMENT]}, {"transcript": [SEGMENT]}, SEGMENT])
def test_live_speech_is_found_wherever_it_is(place: dict[str, object]) -> None:
    """The guide names the event and shows no payload."""
    segment = Segment(id="s1", speaker="Ann", start=1.0, text="Hi", final=False)
    assert details("transcription.updated", **place) == [TranscriptDetail(segments=(segment,))]


@pytest.mark.parametrize(
    ("said", "segment_id"), [({"segment_id": 7, "id": "x"}, "7"), ({"id": "x"}, "x"), ({}, "1.0:Ann")]
)
def test_a_segment_is_known_by_its_id_else_by_its_start_and_speaker(said: dict[str, object], segment_id: str) -> None:
    """A later form of the same words must replace the earlier one."""
    (speech,) = details("transcription.updated", speaker="Ann", start=1, text="Hi", **said)
    assert isinstance(speech, TranscriptDetail)
    assert [segment.id for segment in speech.segments] == [segment_id]


def test_a_transcript_that_is_ready_is_whole_if_it_is_there() -> None:
    """The guide's event may bring it; v1's only says that it can be fetched."""
    (ready,) = details("transcription.available", transcript=[SEGMENT])
    assert isinstance(ready, TranscriptDetail)
    assert (ready.whole, len(ready.segments)) == (True, 1)
    assert details("transcription_complete") == [TranscriptDetail()]


def text_after(payloads: Sequence[Payload]) -> str:
    """Return the text of the only segment after payloads that come in this order, a second apart."""
    source, log = Source(provider="meetingbaas", name="bots", path="/hook", proof="none"), MemoryLog()
    for second, payload in enumerate(payloads):
        arrival = Arrival(headers=(), body=orjson.dumps(payload), received_at=NOW + 1000 * second)
        log.commit([receive(source, arrival)])
    (stored,) = (state for (_, part), state in log.states.items() if part.startswith("~segment/"))
    return str(msgspec.msgpack.decode(stored)["segment"]["text"])


def updated(wording: str, at_top: Payload, inside: Payload) -> Payload:
    """Return the guide's live update of one segment."""
    segment = {"id": "seg-1", "text": wording}
    return {"type": "transcription.updated", "data": {"botId": "b", "segment": segment, **inside}, **at_top}


@pytest.mark.parametrize("is_inside", [True, False])
@pytest.mark.parametrize("field", ["sent_at", "timestamp", "created_at", "time"])
def test_of_several_updates_of_a_segment_the_latest_stays_in_whichever_order_they_come(
    field: str, is_inside: bool
) -> None:
    """Speech is recognised anew while somebody speaks, and deliveries overtake each other."""
    told = [(wording, {field: f"2026-03-10T17:00:0{wording}Z"}) for wording in "123"]
    payloads = [updated(wording, *(({}, time) if is_inside else (time, {}))) for wording, time in told]
    assert {text_after(order) for order in permutations(payloads)} == {"3"}


def test_of_updates_without_a_time_the_last_to_come_stays() -> None:
    """There is nothing else to go by."""
    payloads = [updated(wording, {}, {}) for wording in "123"]
    assert all(text_after(order) == order[-1]["data"]["segment"]["text"] for order in permutations(payloads))
