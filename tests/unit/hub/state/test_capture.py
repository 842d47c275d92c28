"""Recordings and streams: the furthest word counts, links stay the hub's own."""

from functools import reduce
from itertools import permutations

import pytest

from hub.events import CaptureDetail, Fact, Kind, format_time
from hub.state.capture import Artifacts, Document, artifacts, capture, capture_document, capture_facts
from hub.state.facts import NOTHING, Cell, Facts, merged, since

STARTING, STARTED, PAUSED = Kind.RECORDING_UPDATED, Kind.RECORDING_STARTED, Kind.RECORDING_PAUSED
RESUMED, STOPPED = Kind.RECORDING_RESUMED, Kind.RECORDING_STOPPED
FAILED, COMPLETED = Kind.RECORDING_FAILED, Kind.RECORDING_COMPLETED


def told(kind: Kind, second: int, key: str = "k", **detail: object) -> Facts:
    capture = CaptureDetail(id="EG1", **detail)
    return capture_facts(Fact(kind=kind, time=second * 1000, room="r:S1", detail=capture), capture, key)


def shown(*facts: Facts, from_second: int = 0) -> Document:
    told_since = since(reduce(merged, facts, NOTHING), (from_second * 1000, ""))
    return capture_document("r:EG1", ("room", "r:S1"), told_since)


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([STARTING], "starting"),
        ([STARTED], "recording"),
        ([STARTED, PAUSED], "paused"),
        ([STARTED, PAUSED, RESUMED], "recording"),
        ([STARTED, STARTING], "recording"),
        ([STOPPED, STARTED], "stopped"),
        ([STOPPED, RESUMED], "stopped"),
        ([FAILED, STOPPED, STARTED], "failed"),
        ([COMPLETED, STARTED, STARTING], "completed"),
        ([COMPLETED, FAILED], "completed"),
        ([FAILED, COMPLETED], "completed"),
        ([Kind.STREAM_STARTED], "live"),
        ([Kind.STREAM_STARTED, Kind.STREAM_STOPPED], "stopped"),
        ([Kind.STREAM_STARTED, Kind.STREAM_FAILED], "failed"),
    ],
)
def test_the_furthest_status_wins_then_the_latest(kinds: list[Kind], status: str) -> None:
    """Each happened a second after the one before it; a progress report that comes late starts nothing again."""
    facts = [told(kind, second) for second, kind in enumerate(kinds, 1)]
    assert {shown(*order)["status"] for order in permutations(facts)} == {status}


def test_equal_times_are_settled_by_the_key() -> None:
    """Paused and resumed within one second must look the same to everybody."""
    facts = [told(PAUSED, 1, "k1"), told(RESUMED, 1, "k2")]
    assert {shown(*order)["status"] for order in permutations(facts)} == {"recording"}


def test_nothing_told_is_unknown() -> None:
    """A document never claims what nobody said."""
    assert shown()["status"] == "unknown"


def test_what_the_payload_says_of_times_beats_when_it_was_told() -> None:
    """An egress tells its start and end in nanoseconds, long after both."""
    document = shown(told(STARTED, 5, started_at=4000), told(COMPLETED, 20, ended_at=15_000, duration_ms=11_000))
    assert (document["started_at"], document["ended_at"]) == (format_time(4000), format_time(15_000))
    assert document["duration"] == 11.0


def test_times_that_no_payload_tells_are_those_of_the_first_word() -> None:
    """Repetitions move neither the start nor the end."""
    document = shown(told(STARTED, 5), told(RESUMED, 9), told(STOPPED, 12), told(COMPLETED, 30))
    assert (document["started_at"], document["ended_at"]) == (format_time(5000), format_time(12_000))


def test_a_recording_that_goes_on_has_no_end() -> None:
    """Neither an end nor a duration is guessed."""
    document = shown(told(STARTED, 5), told(PAUSED, 9))
    assert document["ended_at"] is None
    assert document["duration"] is None


def test_an_error_is_shown_only_of_what_failed() -> None:
    """An error on the way that ended well worries nobody."""
    assert shown(told(FAILED, 1, error="disk full"))["error"] == "disk full"
    assert shown(told(FAILED, 1, error="disk full"), told(COMPLETED, 2))["error"] is None
    assert shown(told(STARTED, 1, error="odd"))["error"] is None


def test_the_latest_failure_explains() -> None:
    """Of several failures the last word counts."""
    assert shown(told(FAILED, 2, error="second"), told(FAILED, 1, error="first"))["error"] == "second"


def test_links_are_never_shown() -> None:
    """They are presigned: whoever has one has the file. The document names the hub's own address."""
    document = shown(told(COMPLETED, 1, links=(("video", "https://bucket/x?sig=secret"),), links_expire_at=9000))
    assert document["url"] == "/api/recordings/r:EG1/content"
    assert document["expires_at"] == format_time(9000)
    assert "bucket" not in repr(document)


def test_without_links_there_is_no_address() -> None:
    """An address that leads nowhere is worse than none."""
    assert shown(told(COMPLETED, 1))["url"] is None


def test_enrichment_merges_whenever_it_comes() -> None:
    """Size and links may come before the status they belong to, or after the end."""
    facts = [told(COMPLETED, 3), told(STARTED, 1, scope="room_composite"), told(COMPLETED, 4, size=7, truncated=True)]
    for order in permutations(facts):
        document = shown(*order)
        assert (document["scope"], document["size"], document["truncated"]) == ("room_composite", 7, True)


def test_what_is_no_longer_told_is_kept() -> None:
    """A later word that leaves something out does not take it back."""
    assert shown(told(STARTED, 1, size=7), told(STOPPED, 2))["size"] == 7


def test_an_attempt_that_was_given_up_is_left_out() -> None:
    """A retried bot records anew; the failure of its first attempt is not the failure of this one."""
    facts = (told(STARTED, 1), told(FAILED, 2, error="refused"), told(STARTED, 5))
    document = shown(*facts, from_second=3)
    assert (document["status"], document["started_at"], document["error"]) == ("recording", format_time(5000), None)
    assert document["ended_at"] is None


def test_what_an_attempt_told_that_was_given_up_is_left_out() -> None:
    """Nor are its start, its length and its links those of the attempt that goes on."""
    given_up = told(FAILED, 2, started_at=1000, ended_at=2000, duration_ms=1000)
    document = shown(given_up, told(STARTED, 5), from_second=3)
    assert (document["started_at"], document["ended_at"], document["duration"]) == (format_time(5000), None, None)


def test_the_owner_is_named_by_its_sort() -> None:
    """A recording belongs to a room or to a bot."""
    facts = told(STARTED, 1)
    assert capture_document("b:1", ("bot", "b:1"), facts)["bot"] == "b:1"
    assert "bot" not in capture_document("r:EG1", ("room", "r:S1"), facts)


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([Kind.TRANSCRIPT_STARTED], "processing"),
        ([Kind.TRANSCRIPT_UPDATED, Kind.TRANSCRIPT_STARTED], "processing"),
        ([Kind.TRANSCRIPT_STARTED, Kind.TRANSCRIPT_FAILED], "failed"),
        ([Kind.TRANSCRIPT_COMPLETED, Kind.TRANSCRIPT_STARTED, Kind.TRANSCRIPT_FAILED], "completed"),
    ],
)
def test_a_rooms_transcript_has_the_statuses_of_work(kinds: list[Kind], status: str) -> None:
    """It is made of a recording, after the meeting."""
    facts = [told(kind, second) for second, kind in enumerate(kinds, 1)]
    assert {shown(*order)["status"] for order in permutations(facts)} == {status}


def test_where_it_is_kept_is_beside_the_document() -> None:
    """Of several words the last, file by file: who speaks of one takes none of the others away."""
    facts = [
        told(COMPLETED, 1, links=(("mp4", "https://old/1"), ("chat", "https://old/2")), links_expire_at=5),
        told(COMPLETED, 2, links=(("mp4", "https://new/1"),), links_expire_at=9),
        told(COMPLETED, 3),
    ]
    for order in permutations(facts):
        found = capture("r:EG1", ("room", "r:S1"), reduce(merged, order, NOTHING))
        assert found.artifacts == Artifacts({"mp4": "https://new/1", "chat": "https://old/2"}, 9, {"chat": 5})
        assert [found.artifacts.good_until(name) for name in ("mp4", "chat")] == [9, 5]
        assert "https" not in repr(found.document)
    assert artifacts(NOTHING, "links") == Artifacts({}, None)


def test_links_that_were_kept_all_together_are_read_as_if_each_were_by_itself() -> None:
    """They were, by earlier versions; a later word of one of them counts for that one."""
    old = Facts(latest={"links": Cell(1000, "k", ("mp4", "old", "chat", "old")), "links_expire_at": Cell(1000, "k", 5)})
    assert artifacts(old, "links") == Artifacts({"mp4": "old", "chat": "old"}, 5)
    for second, link in ((2, "new"), (0, "old")):
        known = merged(old, told(COMPLETED, second, links=(("mp4", "new"),)))
        assert artifacts(known, "links").links == {"mp4": link, "chat": "old"}


def test_it_began_when_it_says_so_else_with_the_first_word_of_it() -> None:
    """Lists are sorted by it, also of what only its end was told."""

    def began(*facts: Facts) -> set[int]:
        orders = permutations(facts)
        return {capture("r:EG1", ("room", "r:S1"), reduce(merged, order, NOTHING)).began_at for order in orders}

    assert began(told(COMPLETED, 20), told(STARTING, 15)) == {15_000}
    assert began(told(COMPLETED, 20, started_at=4000), told(STARTED, 5)) == {4000}
    assert began() == {0}


def test_what_else_the_provider_calls_it_is_shown() -> None:
    """It can be asked for by either name."""
    assert shown(told(STARTED, 1), told(COMPLETED, 9, alias="file-1"))["alias"] == "file-1"
    assert shown(told(STARTED, 1))["alias"] is None


def test_nothing_is_recorded_after_whoever_recorded_has_left() -> None:
    """A completion that holds no time comes hours later, when the files are ready."""
    facts = merged(told(STARTED, 30), told(COMPLETED, 7200))
    assert capture_document("r:B1", ("bot", "r:B1"), facts, 60_000)["ended_at"] == format_time(60_000)
    assert capture_document("r:B1", ("bot", "r:B1"), facts, 60_000)["duration"] == 30
    assert capture_document("r:B1", ("bot", "r:B1"), facts)["duration"] == 7170
    stated = merged(facts, told(COMPLETED, 7201, ended_at=90_000))
    assert capture_document("r:B1", ("bot", "r:B1"), stated, 60_000)["ended_at"] == format_time(90_000)
