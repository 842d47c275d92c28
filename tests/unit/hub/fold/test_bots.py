"""What a fact about a bot changes, told as entries of the log and kept as documents."""

from itertools import permutations

import orjson
import pytest

from hub.events import BotDetail, CaptureDetail, ChatDetail, Fact, Kind, NoteDetail, Reason, Segment, TranscriptDetail
from hub.events import format_time as rfc3339
from hub.present import decode_artifacts
from tests.memory import MemoryLog
from tests.unit.hub.fold.telling import BOT, at, delivery, folded, of_bot, shown, told, types

TOPIC = f"bots/{BOT}"
RECORDING = f"recordings/{BOT}"
LINKS = (("video", "https://bucket/1"),)


def last(log: MemoryLog) -> dict[str, object]:
    return told(log.events[-1])


def captured(kind: Kind, second: float, **detail: object) -> Fact:
    return of_bot(kind, second, CaptureDetail(id="B1", **detail))


def speech(second: float, *texts: str, whole: bool = False, first: int = 1, kind: Kind | None = None) -> Fact:
    segments = tuple(Segment(id=f"{number}", text=text) for number, text in enumerate(texts, first))
    kind = kind or (Kind.TRANSCRIPT_COMPLETED if whole else Kind.TRANSCRIPT_UPDATED)
    return of_bot(kind, second, TranscriptDetail(whole=whole, segments=segments))


def counted(log: MemoryLog) -> object:
    return shown(log, TOPIC)["transcript"]["segments_count"]  # type: ignore[index]


def completion(second: float, *, links: tuple[tuple[str, str], ...] = LINKS) -> tuple[Fact, ...]:
    """What one webhook says of the end of a bot."""
    return (
        of_bot(Kind.BOT_COMPLETED, second, BotDetail(ended_at=at(90), participants=("Ann",))),
        captured(Kind.RECORDING_COMPLETED, second, duration_ms=60_000, links=links),
        of_bot(Kind.TRANSCRIPT_COMPLETED, second, TranscriptDetail(links=(("transcription", "https://bucket/2"),))),
    )


def test_a_fact_about_a_bot_is_told_to_it_and_to_all_who_follow_bots() -> None:
    """With the bot as it now is."""
    log = folded(of_bot(Kind.BOT_JOINED, 1, BotDetail(code="in_call_not_recording")))
    assert log.events[0].topics == (TOPIC, "bots")
    assert last(log)["bot"]["status"] == "in_call"  # type: ignore[index]
    assert last(log)["code"] == "in_call_not_recording"


def test_one_completion_is_told_once() -> None:
    """The status change, the webhook, the callback and a resend of each say the same at four times."""
    log = MemoryLog()
    log.commit([delivery(*completion(100), key="webhook")])
    assert [one.partition(".")[0] for one in types_of(log)] == ["bot", "recording", "transcript"]
    again = [
        delivery(*completion(101), key="callback"),
        delivery(*completion(100), key="resend"),
        delivery(of_bot(Kind.BOT_COMPLETED, 99, BotDetail(code="completed")), key="status"),
        delivery(*completion(102), key="another resend"),
    ]
    for one in again[:2] + again[3:]:
        assert types(log.commit([one])) == [], one.key
    # An earlier word moves when it was completed; that is told, and once.
    assert types(log.commit([again[2]])) == ["bot.completed"]
    assert types(log.commit([delivery(*again[2].facts, key="status again")])) == []


def types_of(log: MemoryLog) -> list[str]:
    return [
        str(shown_type)
        for shown_type in (event.body.split(b'"type":"')[1].split(b'"')[0].decode() for event in log.events)
    ]


@pytest.mark.parametrize(
    "kind",
    [Kind.BOT_FAILED, Kind.BOT_COMPLETED, Kind.TRANSCRIPT_COMPLETED, Kind.TRANSCRIPT_FAILED, Kind.RECORDING_FAILED],
)
def test_an_end_that_is_told_again_later_adds_no_event(kind: Kind) -> None:
    """Each channel has a clock of its own."""
    detail = {"transcript": TranscriptDetail(), "recording": CaptureDetail(id="B1")}.get(kind.partition(".")[0])
    log = folded(of_bot(kind, 5, detail))
    assert types(log.commit([delivery(of_bot(kind, 6, detail), key="~")])) == []


def test_links_that_are_signed_anew_are_kept_and_not_told() -> None:
    """Webhook and callback of one completion never have the same ones, and mean the same."""
    first, again = (
        (
            captured(
                Kind.RECORDING_COMPLETED, second, links=(("video", f"https://b/{second}"),), links_expire_at=second
            ),
            of_bot(Kind.TRANSCRIPT_COMPLETED, second, TranscriptDetail(links=(("text", f"https://b/{second}"),))),
        )
        for second in (5, 6)
    )
    log = MemoryLog()
    log.commit([delivery(*first)])
    assert types(log.commit([delivery(*again)])) == []
    kept = MemoryLog()
    kept.commit([delivery(*first), delivery(*again)])
    for one in (log, kept):
        assert [artifacts_of(one, topic) for topic in (RECORDING, TOPIC)] == ["https://b/6"] * 2
        assert shown(one, RECORDING)["expires_at"] == rfc3339(6)
        assert orjson.loads(one.documents[RECORDING].body)["sequence"] == one.documents[RECORDING].sequence == 1
    assert log.documents == kept.documents


def artifacts_of(log: MemoryLog, topic: str) -> str:
    return next(iter(decode_artifacts(log.documents[topic].hidden).links.values()))


def test_a_bot_that_records_is_told_with_its_recording() -> None:
    """By the same id in both."""
    log = folded(captured(Kind.RECORDING_STARTED, 2))
    assert last(log)["bot"]["recording"]["status"] == "recording"  # type: ignore[index]
    assert last(log)["recording"]["bot"] == BOT  # type: ignore[index]
    assert log.documents[RECORDING].parent == TOPIC


@pytest.mark.parametrize(
    "kinds", [*permutations((Kind.RECORDING_STARTED, Kind.RECORDING_PAUSED, Kind.RECORDING_COMPLETED))]
)
def test_a_recording_that_is_told_again_is_kept_as_it_was_told(kinds: tuple[Kind, ...]) -> None:
    """Also when nothing in it is new: who follows the stream has the same sequence as who reads."""
    seconds = {Kind.RECORDING_STARTED: 1, Kind.RECORDING_PAUSED: 2, Kind.RECORDING_COMPLETED: 3}
    log = MemoryLog()
    for kind in kinds:
        log.commit([delivery(captured(kind, seconds[kind]), key=kind)])
    told_last = [told(event)["recording"] for event in log.events if "recording" in told(event)][-1]
    assert orjson.loads(log.documents[RECORDING].body) == told_last


def test_a_bot_and_its_recording_tell_the_same_of_every_attempt() -> None:
    """What failed in the first attempt is recording in the second, wherever one looks."""
    facts = [
        captured(Kind.RECORDING_STARTED, 1),
        captured(Kind.RECORDING_FAILED, 2, error="refused", duration_ms=1000),
        of_bot(Kind.BOT_RETRYING, 3, BotDetail()),
        captured(Kind.RECORDING_STARTED, 4),
    ]
    for order in permutations(facts):
        log = folded(*order)
        recording, bot = shown(log, RECORDING), shown(log, TOPIC)
        assert (bot["status"], bot["recording"]["status"], recording["status"]) == ("recording",) * 3  # type: ignore[index]
        assert recording["error"] is None
        assert recording["started_at"] == bot["recording"]["started_at"] == rfc3339(at(4))  # type: ignore[index]
        assert recording["duration"] is None


def test_a_recording_of_another_id_is_a_recording_of_the_bot_too() -> None:
    """Only the one with the bot's own id is shown in it."""
    log = folded(of_bot(Kind.RECORDING_COMPLETED, 1, CaptureDetail(id="other")))
    assert shown(log, "recordings/meetingbaas:other")["bot"] == BOT
    assert shown(log, TOPIC)["recording"] is None


def test_segments_are_counted_and_not_kept_in_the_document() -> None:
    """A transcript is longer than an event may be."""
    log = folded(speech(1, "a", "b"), speech(2, "c", first=3))
    assert counted(log) == 3
    assert b'segments":[' not in log.documents[TOPIC].body


def test_a_segment_that_is_told_again_is_none() -> None:
    """Neither counted nor an event, whether in the same batch or the next."""
    log = folded(speech(1, "a"))
    assert counted(log) == 1
    log.commit([delivery(speech(1, "a"), key="x"), delivery(speech(1, "a"), key="y")])
    assert counted(log) == 1
    assert len(log.events) == 1


def test_the_latest_version_of_a_segment_is_kept() -> None:
    """A live transcript is corrected while it is spoken, and corrections overtake each other."""
    facts = [speech(1, "helo"), speech(3, "hello"), speech(2, "hell")]
    kept = set()
    for order in permutations(facts):
        log = folded(*order)
        assert counted(log) == 1
        [stored] = [value for (_, part), value in log.states.items() if part.startswith("~segment/")]
        kept.add(stored)
    assert len(kept) == 1
    assert b"hello" in kept.pop()


def test_a_full_transcript_replaces_what_came_live() -> None:
    """Its segments are others; to add both would count everything twice."""
    facts = [speech(1, "a"), speech(2, "b", first=2), speech(9, "a b", "c", "d", whole=True)]
    for order in permutations(facts):
        log = folded(*order)
        assert shown(log, TOPIC)["transcript"] == {"status": "completed", "segments_count": 3}


def test_the_latest_full_transcript_replaces_the_one_before_it() -> None:
    """A transcript may be made anew; whichever comes first."""
    facts = [speech(5, "a", "b", "c", whole=True), speech(9, "abc", whole=True)]
    assert {counted(folded(*order)) for order in permutations(facts)} == {1}


def test_segments_of_one_full_transcript_merge_over_deliveries() -> None:
    """It may come in pieces."""
    facts = [speech(5, "a", "b", whole=True), speech(5, "c", whole=True, first=3)]
    assert {counted(folded(*order)) for order in permutations(facts)} == {3}


def test_a_live_update_shows_its_segments() -> None:
    """Whoever listens reads along."""
    log = folded(speech(1, "hello"))
    assert [one["text"] for one in last(log)["segments"]] == ["hello"]  # type: ignore[attr-defined]
    assert "more" not in last(log)


@pytest.mark.parametrize(("identity", "named"), [("1.5:Zoë / A", "1.5:Zo~c3~ab~20~2f~20A"), ("x" * 300, "x" * 150)])
def test_a_segment_has_an_id_like_everything_else(identity: str, named: str) -> None:
    """It may hold the name of who speaks, which is no id."""
    spoken = TranscriptDetail(segments=(Segment(id=identity, text="hi"),))
    [segment] = last(folded(of_bot(Kind.TRANSCRIPT_UPDATED, 1, spoken)))["segments"]  # type: ignore[misc]
    assert (segment["id"].partition("~~")[0], len(segment["id"]) <= 200) == (named, True)


def test_a_large_update_shows_some_of_its_segments_and_says_so() -> None:
    """The rest is to be had by REST."""
    log = folded(speech(1, *["x"] * 201))
    assert len(last(log)["segments"]) == 200  # type: ignore[arg-type]
    assert last(log)["more"] is True
    assert counted(log) == 201


def test_a_full_transcript_shows_no_segments() -> None:
    """It is counted, and read by REST."""
    assert "segments" not in last(folded(speech(9, "a", whole=True)))


@pytest.mark.parametrize("identity", ["M1", ""])
def test_a_chat_message_is_told_once(identity: str) -> None:
    """By its id, else by what it says."""
    message = of_bot(Kind.CHAT_MESSAGE, 1, ChatDetail(id=identity, sender="Ann", text="hello"))
    log = folded(message)
    assert last(log)["message"] == {"id": identity or None, "sender": "Ann", "text": "hello"}
    assert types(log.commit([delivery(message, key="~")])) == []


def test_a_reason_is_told_when_it_is_given() -> None:
    """And stays in the document until a retry."""
    log = folded(
        of_bot(Kind.BOT_LEAVING, 1, BotDetail(code="bot_removed", reason=Reason(code="bot_removed", group="host")))
    )
    assert last(log)["reason"] == {"code": "bot_removed", "group": "host"}
    log.commit([delivery(of_bot(Kind.BOT_RETRYING, 2, BotDetail()))])
    assert "reason" not in last(log)
    assert shown(log, TOPIC)["reason"] is None
    assert shown(log, TOPIC)["attempt"] == 2


def test_what_is_unknown_about_a_bot_is_told() -> None:
    """Its status stays as it is."""
    log = folded(
        of_bot(Kind.BOT_JOINED, 1), of_bot(Kind.PROVIDER_EVENT, 2, NoteDetail(id="x", said=(("code", "odd"),)))
    )
    assert last(log)["note"] == {"id": "x", "code": "odd"}
    assert shown(log, TOPIC)["status"] == "in_call"


def test_a_bot_is_over_when_it_has_ended_and_found_by_when() -> None:
    """A snapshot holds what is not over, and what ended lately."""
    log = folded(of_bot(Kind.BOT_LEFT, 5))
    assert (log.documents[TOPIC].over, log.documents[TOPIC].ended_at) == (False, None)
    log.commit([delivery(of_bot(Kind.BOT_COMPLETED, 9))])
    assert (log.documents[TOPIC].over, log.documents[TOPIC].ended_at) == (True, at(5))


def test_a_bot_that_is_retried_is_no_longer_over() -> None:
    """It is in the snapshot again."""
    log = folded(of_bot(Kind.BOT_FAILED, 5), of_bot(Kind.BOT_RETRYING, 6, BotDetail()))
    assert (log.documents[TOPIC].over, log.documents[TOPIC].ended_at) == (False, None)


def test_a_bot_is_sorted_by_its_last_sign_of_life() -> None:
    """As rooms are."""
    log = folded(of_bot(Kind.BOT_QUEUED, 1), of_bot(Kind.BOT_JOINED, 9))
    assert log.documents[TOPIC].began_at == at(1)
    assert log.documents[TOPIC].active_at == at(9)


def test_a_recording_ends_when_the_bot_left_at_the_latest() -> None:
    """MeetingBaaS v1 tells that it is complete, hours later and without a time."""
    own = CaptureDetail(id=BOT.partition(":")[2])
    log = folded(
        of_bot(Kind.RECORDING_STARTED, 30, own), of_bot(Kind.BOT_LEFT, 60), of_bot(Kind.RECORDING_COMPLETED, 7200, own)
    )
    assert shown(log, f"recordings/{BOT}")["duration"] == 30
    assert shown(log, f"bots/{BOT}")["recording"]["duration"] == 30


def test_a_late_update_of_a_segment_does_not_show_its_older_text() -> None:
    """A viewer keeps what the last event told."""
    for order in permutations((("h", 1), ("hello", 2), ("hello world", 3))):
        log = folded(
            *(
                of_bot(Kind.TRANSCRIPT_UPDATED, second, TranscriptDetail(segments=(Segment(id="s1", text=text),)))
                for text, second in order
            )
        )
        told_last = told(log.events[-1])["segments"]
        assert [segment["text"] for segment in told_last] == ["hello world"]  # type: ignore[index]


LAUNCH = "meetingbaas:launch-1"


def asked_for(second: float) -> Fact:
    detail = BotDetail(launch_id="launch-1", name="Notes", requested_at=at(second), attempt=1, extra='{"a":1}')
    return Fact(kind=Kind.BOT_REQUESTED, time=at(second), bot=LAUNCH, detail=detail)


def became_bot(second: float) -> tuple[Fact, ...]:
    """What the provider's answer says."""
    detail = BotDetail(launch_id="launch-1", name="Notes", requested_at=at(1), extra='{"a":1}')
    launch = BotDetail(launch_id="launch-1", became=BOT)
    return (
        of_bot(Kind.BOT_QUEUED, second, detail),
        Fact(kind=Kind.BOT_QUEUED, time=at(second), bot=LAUNCH, detail=launch),
    )


def test_a_launch_becomes_its_bot_in_one_event_that_both_hear_of() -> None:
    """Who follows the launch is told of the bot, and nothing is left of the launch by its own name."""
    log = folded(asked_for(1))
    assert shown(log, f"bots/{LAUNCH}")["status"] == "requested"
    log.commit([delivery(*became_bot(3))])
    assert len(log.events) == 2
    assert log.events[-1].topics == (TOPIC, f"bots/{LAUNCH}", "bots")
    bot = shown(log, TOPIC)
    assert (bot["launch_id"], bot["status"], bot["created_at"]) == ("launch-1", "queued", rfc3339(at(1)))
    assert f"bots/{LAUNCH}" not in log.documents
    assert log.documents[TOPIC].durable == f"bots/{LAUNCH}"


def test_what_was_said_with_a_launch_is_never_streamed() -> None:
    """It is for holders of API keys, who ask for it."""
    log = folded(asked_for(1))
    log.commit([delivery(*became_bot(3))])
    assert all(b'"a"' not in event.body and b"extra" not in event.body for event in log.events)
    assert b'{"a":1}' in log.documents[TOPIC].hidden


def test_a_launch_of_which_nobody_knows_what_became_waits_as_unknown_until_its_bot_shows_up() -> None:
    """Any sign of the bot is worth more than not knowing."""
    lost = Fact(kind=Kind.BOT_UNKNOWN, time=at(9), bot=LAUNCH, detail=BotDetail(launch_id="launch-1", attempt=1))
    log = folded(asked_for(1), lost)
    assert shown(log, f"bots/{LAUNCH}")["status"] == "unknown"
    log.commit([delivery(*became_bot(3))])
    assert shown(log, TOPIC)["status"] == "queued"
    # What comes late about the launch is not told any more.
    log.commit([delivery(asked_for(2), key="late")])
    assert len(log.events) == 3


def test_erasing_a_bot_erases_what_was_known_of_its_launch() -> None:
    """The name and the meeting were told with the launch first."""
    log = folded(asked_for(1))
    log.commit([delivery(*became_bot(3))])
    changes = log.commit([delivery(of_bot(Kind.BOT_ERASED, 5))])
    assert changes.erased.topics == {TOPIC, f"bots/{LAUNCH}"}
    assert log.events[-1].topics == (TOPIC, f"bots/{LAUNCH}", "bots")
    assert not log.documents
