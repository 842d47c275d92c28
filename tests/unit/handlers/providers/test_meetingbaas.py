"""What MeetingBaaS and the guide say becomes facts in the hub's words, and nothing secret comes along."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Spoken
from handlers.providers.meetingbaas import translate
from handlers.providers.meetingbaas_samples import samples
from handlers.providers.reading import Payload, parse_payload
from hub.errors import Unusable
from hub.events import (
    BotDetail,
    CaptureDetail,
    ChatDetail,
    Detail,
    Kind,
    NoteDetail,
    Reason,
    TranscriptDetail,
    format_time,
    parse_topic,
)
from hub.settings import Source
from tests.searching import search

SAMPLES = Path(__file__).parents[3] / "samples"
NOW = 1_773_165_900_000
BOT = "8f6a2c1e-4b7d-4c39-9a51-2d0e6b7f1c84"

STATUS_KINDS = {
    "queued": "bot.queued",
    "pickup_delayed": "bot.queued",
    "retrying": "bot.retrying",
    "joining_call": "bot.joining",
    "in_waiting_room": "bot.waiting",
    "in_waiting_for_host": "bot.waiting",
    "in_call_not_recording": "bot.joined",
    "in_call_recording": "recording.started",
    "recording_paused": "recording.paused",
    "recording_resumed": "recording.resumed",
    "recording_succeeded": "recording.stopped",
    "recording_failed": "recording.failed",
    "call_ended": "bot.left",
    "transcribing": "bot.processing transcript.started",
    "awaiting_reconciliation": "bot.processing",
    "transcription_failed": "transcript.failed",
    "completed": "bot.completed",
    "failed": "bot.failed",
    "api_request_stop": "bot.leaving",
    "bot_rejected": "bot.leaving",
    "bot_denied_entry": "bot.leaving",
    "bot_removed": "bot.leaving",
    "bot_removed_too_early": "bot.leaving",
    "waiting_room_timeout": "bot.leaving",
    "invalid_meeting_url": "bot.leaving",
    "meeting_error": "bot.leaving",
    "MEET_LOGIN_REQUIRED": "bot.leaving",
    "MEET_LOGIN_UNAVAILABLE": "bot.leaving",
    "MEET_LOGIN_FAILED_SAML_REJECTED": "bot.leaving",
    "MEET_LOGIN_FAILED_TIMEOUT": "bot.leaving",
}
EVENT_KINDS = {
    "complete": "bot.completed recording.completed transcript.completed",
    "complete.minimal": "bot.completed recording.completed",
    "failed": "bot.failed",
    "transcription_complete": "transcript.completed",
    "bot.completed": "bot.completed recording.completed transcript.completed",
    "bot.completed.no_transcript": "bot.completed recording.completed",
    "bot.failed": "bot.failed",
    "bot.chat_message": "chat.message",
    "meeting.started": "bot.joined",
    "meeting.completed": "bot.completed transcript.completed",
    "meeting.failed": "bot.failed",
    "transcription.available": "transcript.completed",
    "transcription.updated": "transcript.updated",
    "bot.status_change": "recording.started",
}
FILES = sorted(
    path for path in SAMPLES.glob("meetingbaas_v*/*.json") if path.name != "artifact.output_transcription.json"
)
ALL = {str(path.relative_to(SAMPLES)): parse_payload(path.read_bytes()) for path in FILES} | {
    name: sample.payload for name, sample in samples(NOW).items()
}


SOURCE = Source(provider="meetingbaas", name="bots", path="/hook")


def speak(payload: Payload, received_at: int = NOW) -> Spoken:
    return translate(SOURCE, payload, received_at)


def details(payload: Payload) -> list[Detail | None]:
    return [fact.detail for fact in speak(payload).facts]


def status(code: object, **more: object) -> Payload:
    return {"event": "bot.status_change", "data": {"bot_id": BOT, "status": {"code": code, **more}}}


def about(event: str, **more: object) -> Payload:
    return {"event": event, "data": {"bot_id": BOT, **more}}


def expected_kinds(name: str) -> str:
    words = re.sub(r"^(meetingbaas_v./|v1\.|callback\.(put\.)?|guide\.)|\.json$", "", name)
    code = words.removeprefix("bot.status_change.")
    if words.startswith("calendar."):
        return "calendar.changed"
    return EVENT_KINDS[words] if code == words else STATUS_KINDS[code]


@pytest.mark.parametrize("name", ALL)
def test_every_sample_states_what_the_table_says(name: str) -> None:
    """The table is the contract with everything that folds facts."""
    spoken = speak(ALL[name])
    assert " ".join(fact.kind for fact in spoken.facts) == expected_kinds(name)
    named = ALL[name]["data"]
    assert isinstance(named, dict)
    bot = named.get("bot_id") or named.get("botId")
    assert {fact.entity for fact in spoken.facts} == {f"bots/meetingbaas:{bot}" if bot else ""}
    assert spoken.provider_type == (ALL[name].get("event") or ALL[name].get("type"))
    assert spoken.delivery_id == ""


def test_the_guides_own_example_works() -> None:
    """It is the first thing that whoever follows the guide will try."""
    spoken = speak(parse_payload(b'{"type": "meeting.started", "data": {"botId": "test-123"}}'))
    assert [(fact.kind, fact.bot, fact.time) for fact in spoken.facts] == [
        (Kind.BOT_JOINED, "meetingbaas:test-123", NOW)
    ]
    assert not spoken.timed


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "complete", "data": {"botId": BOT}},
        {"event": "complete", "bot_id": BOT},
        {"event": "complete", "botId": BOT, "data": {}},
        {"event": "complete", "type": "x", "data": {"bot_id": BOT, "botId": "y"}},
        {"event": "", "type": "complete", "data": {"bot_id": "", "botId": BOT}},
    ],
)
def test_the_guides_names_and_the_providers_are_aliases(payload: Payload) -> None:
    """Some relays mix the two envelopes."""
    assert [(fact.kind, fact.bot) for fact in speak(payload).facts] == [(Kind.BOT_COMPLETED, f"meetingbaas:{BOT}")]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"status": "in_waiting_room"}, Kind.BOT_WAITING),
        ({"status": {"code": "in_waiting_room"}}, Kind.BOT_WAITING),
        ({"code": "in_waiting_room"}, Kind.BOT_WAITING),
        ({"status": "call_ended", "code": "in_waiting_room"}, Kind.BOT_LEFT),
    ],
)
def test_a_status_is_found_wherever_it_is(said: dict[str, object], kind: Kind) -> None:
    """The guide does not show its payload, and the provider's own receiver types it as a string."""
    assert [fact.kind for fact in speak(about("bot.status_change", **said)).facts] == [kind]


@pytest.mark.parametrize(
    "payload", [{}, {"data": {"bot_id": BOT}}, {"event": None, "type": 5}, {"event": "\0 "}, {"event": ["complete"]}]
)
def test_a_payload_that_does_not_say_what_happened_is_unusable(payload: Payload) -> None:
    """It is kept, and shown as dead, instead of being guessed at."""
    with pytest.raises(Unusable, match="neither `event` nor `type`"):
        speak(payload)


@pytest.mark.parametrize("event", [name for name in EVENT_KINDS if not name.endswith(("minimal", "no_transcript"))])
@pytest.mark.parametrize("bot_id", [None, "", " ", {}, True])
def test_a_bot_event_without_a_bot_is_unusable(event: str, bot_id: object) -> None:
    """There is nothing that it could be about."""
    with pytest.raises(Unusable, match="neither `bot_id` nor `botId`"):
        speak({"event": event, "data": {"bot_id": bot_id, "status": {"code": "queued"}}})


def test_the_transcript_artifact_is_no_webhook() -> None:
    """Its file names a bot and has no event."""
    artifact = SAMPLES / "meetingbaas_v2" / "artifact.output_transcription.json"
    with pytest.raises(Unusable):
        speak(parse_payload(artifact.read_bytes()))


def test_unknown_codes_are_noted_about_their_bot() -> None:
    """The set of codes is open: a new one is shown, and moves nothing."""
    (fact,) = speak(status("bot_is_bored")).facts
    assert (fact.kind, fact.entity) == (Kind.PROVIDER_EVENT, f"bots/meetingbaas:{BOT}")
    assert fact.detail == NoteDetail(said=(("code", "bot_is_bored"), ("event", "bot.status_change")))


def test_unknown_events_are_noted_about_their_bot_or_the_source() -> None:
    """What is verified is never dropped."""
    (about_bot,) = speak(about("bot.sang")).facts
    (about_source,) = speak({"event": "team.renamed", "data": {}}).facts
    assert (about_bot.kind, about_bot.entity) == (Kind.PROVIDER_EVENT, f"bots/meetingbaas:{BOT}")
    assert (about_source.kind, about_source.entity) == (Kind.PROVIDER_EVENT, "")
    assert about_source.detail == NoteDetail(said=(("event", "team.renamed"),))


def test_foreign_ids_are_escaped() -> None:
    """They become topics and parts of URLs."""
    fact, capture = speak(about("complete", bot_id="a/б", video="https://a.example/v")).facts
    assert fact.bot == "meetingbaas:a~2f~d0~b1"
    assert isinstance(capture.detail, CaptureDetail)
    assert capture.detail.id == "a~2f~d0~b1"


def test_long_ids_that_differ_stay_different() -> None:
    """Cutting them before they are escaped would make one bot of two."""
    one, other = (speak(about("complete", bot_id="x" * 300 + end)).facts[0].bot for end in "ab")
    assert one != other
    assert parse_topic(f"bots/{one}")


def test_a_retry_tells_its_attempt() -> None:
    """The lifecycle goes backwards then, and only the attempt says that it may."""
    assert details(status("retrying", attempt=2, max=5)) == [BotDetail(code="retrying", attempt=2)]


@pytest.mark.parametrize("attempt", [0, -1, 10**15, "many", None, 1.0e300])
def test_an_absurd_attempt_is_not_believed(attempt: object) -> None:
    """The highest attempt wins for ever."""
    assert details(status("retrying", attempt=attempt)) == [BotDetail(code="retrying")]


def test_attempts_count_for_retries_only() -> None:
    """Other statuses belong to whatever attempt their time falls into."""
    assert details(status("queued", attempt=3)) == [BotDetail(code="queued")]


def test_leaving_says_why() -> None:
    """It is set without ending the bot: only a terminal does that."""
    reason = Reason(code="bot_removed", group="host", message="Somebody removed the bot from the meeting.")
    assert details(status("bot_removed")) == [BotDetail(code="bot_removed", reason=reason)]


def test_logins_that_we_never_heard_of_are_leaving_too() -> None:
    """There are four of them now, and a new one every few months."""
    (fact,) = speak(status("MEET_LOGIN_NEW_ONE", error_message="No luck")).facts
    assert fact.kind is Kind.BOT_LEAVING
    assert fact.detail == BotDetail(
        code="MEET_LOGIN_NEW_ONE", reason=Reason(code="MEET_LOGIN_NEW_ONE", message="No luck")
    )


def test_the_status_failed_has_no_reason_of_its_own() -> None:
    """It would hide the one that came before it."""
    assert details(status("failed")) == [BotDetail(code="failed")]


def test_a_failure_told_by_status_is_explained_where_it_says_why() -> None:
    """The guide's status may be a mere word, with the reason beside it."""
    reason = Reason(code="BotNotAccepted", group="host", message="Nobody let the bot into the meeting.")
    flat = about("bot.status_change", status="failed", error="BotNotAccepted")
    nested = status("failed", error_code="BotNotAccepted", error_message="x")
    assert details(flat) == details(nested) == [BotDetail(code="failed", reason=reason)]


@pytest.mark.parametrize("start_time", [1_773_154_974, 1_773_154_974_000, "1773154974"])
def test_the_start_of_a_recording_is_read_in_seconds_and_milliseconds(start_time: object) -> None:
    """v2 documents one, v1's bot sends the other."""
    capture = CaptureDetail(id=BOT, scope="bot", started_at=1_773_154_974_000)
    assert details(status("in_call_recording", start_time=start_time)) == [capture]


def test_a_failed_recording_says_why_without_the_query_of_the_url() -> None:
    """The text is shown to viewers."""
    said = status("recording_failed", error_message="Timeout at https://a.example/b?token=1")
    assert details(said) == [CaptureDetail(id=BOT, scope="bot", error="Timeout at https://a.example/b")]


def test_transcribing_starts_the_transcript() -> None:
    """One status is news of the bot and of its transcript."""
    assert details(status("transcribing")) == [BotDetail(code="transcribing"), TranscriptDetail()]


def test_a_failed_transcription_explains_itself() -> None:
    """The provider sends the bare code."""
    assert details(status("transcription_failed")) == [
        TranscriptDetail(error="The recording could not be transcribed.")
    ]


@pytest.mark.parametrize(
    ("said", "code", "group"),
    [
        ({"error_code": "BOT_NOT_ACCEPTED", "error_message": "x"}, "BOT_NOT_ACCEPTED", "host"),
        ({"error": "TimeoutWaitingToStart"}, "TimeoutWaitingToStart", "host"),
        ({"error": {"code": "INSUFFICIENT_TOKENS"}}, "INSUFFICIENT_TOKENS", "billing"),
        ({"error": "InternalError : boom"}, "InternalError", "system"),
        ({"message": "No idea"}, "", "platform"),
    ],
)
def test_failures_are_explained_in_every_dialect(said: dict[str, object], code: str, group: str) -> None:
    """Each has its own field for it."""
    for event in ("failed", "bot.failed", "meeting.failed"):
        (detail,) = details(about(event, **said))
        assert isinstance(detail, BotDetail)
        assert detail.reason is not None
        assert (detail.reason.code, detail.reason.group) == (code, group)
        assert detail.reason.message


def test_a_failure_that_tells_nothing_has_no_reason() -> None:
    """An empty reason would look like one."""
    assert details(about("meeting.failed")) == [BotDetail()]


def test_a_failed_transcription_fails_bot_and_transcript() -> None:
    """The video may still be there."""
    kinds = [fact.kind for fact in speak(about("bot.failed", error_code="TRANSCRIPTION_FAILED")).facts]
    assert kinds == [Kind.BOT_FAILED, Kind.TRANSCRIPT_FAILED]


def test_a_completion_tells_who_was_there_and_when() -> None:
    """It is the only payload that does."""
    people = ("Alice Martin", "Bob Okafor")
    assert details(ALL["meetingbaas_v2/bot.completed.json"])[0] == BotDetail(
        joined_at=1_773_154_971_009, ended_at=1_773_158_575_120, participants=people, speakers=people
    )


def test_a_chat_message_keeps_its_words() -> None:
    """What somebody wrote is the message, up to its limit."""
    said = about("bot.chat_message", message_id="m/1", sender_name="Ann", text="a" * 3000)
    assert details(said) == [ChatDetail(id="m/1", sender="Ann", text="a" * 2000)]


def test_chat_messages_without_ids_are_told_apart_by_what_they_say() -> None:
    """Without an id all of them would be one."""
    first, again, other, later = (
        details(about("bot.chat_message", sender_name="Ann", text=text, sent_at=NOW - ago))
        for text, ago in (("yes", 9000), ("yes", 9000), ("no", 9000), ("yes", 5000))
    )
    assert first == again
    assert first != other
    assert first != later


def test_a_calendar_change_is_counted_not_told() -> None:
    """Titles, addresses and links of meetings are nobody's business here."""
    said = {name: fact.detail for name in ALL if "calendar" in name for fact in speak(ALL[name]).facts}
    calendar_id = "5c1d7b1e-0c55-4f0e-8d8f-7c7c1f0f9a11"
    assert said["meetingbaas_v2/calendar.event_created.json"] == NoteDetail(
        id=calendar_id, said=(("change", "event_created"), ("events", "1"))
    )
    assert said["meetingbaas_v1/calendar.sync_events.json"] == NoteDetail(
        id=calendar_id, said=(("change", "sync_events"), ("events", "2"))
    )
    assert said["meetingbaas_v2/calendar.connection_error.json"] == NoteDetail(
        id=calendar_id,
        said=(
            ("change", "connection_error"),
            ("error", "OAuth token refresh failed"),
            ("platform", "google"),
            ("status", "error"),
        ),
    )
    assert details({"event": "calendar.events_synced", "data": {"platform": "google", "events_synced": 42}}) == [
        NoteDetail(said=(("change", "events_synced"), ("events", "42"), ("platform", "google")))
    ]


@pytest.mark.parametrize("name", ALL)
def test_nothing_secret_becomes_a_fact(name: str) -> None:
    """Facts are streamed; only `links` are kept for those who may follow them."""
    assert_harmless(speak(ALL[name]))


@pytest.mark.parametrize("name", ALL)
def test_a_secret_in_any_field_stays_out_of_the_facts(name: str) -> None:
    """Providers put URLs and addresses where nobody expects them."""
    secret = "see https://ann:pw@a.example/b?X-Amz-Signature=s3cret or mail ann@acme.example"
    spoken_words = {"bot_id", "botId", "message_id", "id", "text", "word"}
    for path in leaves(ALL[name]):
        if path[-1] in spoken_words:
            continue
        try:
            assert_harmless(speak(replaced(ALL[name], path, secret)))
        except Unusable:
            assert path[-1] in ("event", "type")


INTERESTING = [
    "event",
    "type",
    "data",
    "bot_id",
    "botId",
    "status",
    "code",
    "created_at",
    "sent_at",
    "start_time",
    "attempt",
    "error",
    "error_code",
    "error_message",
    "message",
    "participants",
    "speakers",
    "name",
    "display_name",
    "transcript",
    "segments",
    "segment",
    "words",
    "word",
    "text",
    "speaker",
    "start",
    "end",
    "offset",
    "id",
    "duration_seconds",
    "joined_at",
    "exited_at",
    "video",
    "mp4",
    "audio",
    "transcription",
    "meeting_url",
    "bot_name",
    "calendar_id",
    "events",
    "events_synced",
    "final",
    "is_final",
    "updated_at",
    "deleted_at",
]
EVENTS = [*EVENT_KINDS, "calendar.event_created", "calendar.x", "unknown"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["2026-03-10T14:00:00Z", "9999-12-31T23:59:59.999-23:59", "0001-01-01T00:00:00Z", *STATUS_KINDS]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(INTERESTING) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=12,
)


@search(600)
@given(name=st.sampled_from(sorted(ALL)), draw=st.data())
def test_whatever_is_merged_into_a_payload_it_is_understood_or_unusable(name: str, draw: st.DataObject) -> None:
    """One odd field must never cost a batch its commit."""
    payload = copy.deepcopy(dict(ALL[name]))
    for _ in range(draw.draw(st.integers(1, 4))):
        place: dict[str, object] = payload
        while nested := [key for key, value in place.items() if isinstance(value, dict)]:
            key = draw.draw(st.sampled_from(["", *nested]))
            if not key:
                break
            place = place[key]  # type: ignore[assignment]  # just seen to be a dict
        place[draw.draw(st.sampled_from(INTERESTING))] = draw.draw(JSON)
    if draw.draw(st.booleans()):
        payload["event"] = draw.draw(st.sampled_from(EVENTS))
    try:
        spoken = speak(payload)
    except Unusable:
        return
    assert spoken.facts
    for fact in spoken.facts:
        assert_storable(fact)


def assert_storable(fact: msgspec.Struct) -> None:
    """Times can be said in RFC 3339, texts hold no NUL, and all of it is JSON and comes back as it was."""
    encoded = msgspec.json.encode(fact)
    assert msgspec.json.decode(encoded, type=type(fact)) == fact
    assert b"\\u0000" not in encoded
    assert 0 < fact.time <= NOW + 300_000  # type: ignore[attr-defined]  # a Fact
    told = msgspec.to_builtins(fact).get("detail", {})
    for field in ("joined_at", "ended_at", "started_at", "links_expire_at"):
        assert format_time(told.get(field)) or field not in told


def assert_harmless(spoken: Spoken) -> None:
    told = msgspec.to_builtins(spoken)
    for fact in told["facts"]:
        fact["detail"].pop("links", None)
    said = json.dumps(told)
    for secret in ("X-Amz", "s3cret", "ann:pw", "googleusercontent", "tenant_id", "authuser", "Salary", "Team Meeting"):
        assert secret not in said
    assert not re.search(r"[\w.]+@[\w-]+\.\w+", said)


def leaves(payload: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(payload, dict | list):
        items = payload.items() if isinstance(payload, dict) else enumerate(payload)
        for key, value in items:
            yield from leaves(value, (*path, key))
    else:
        yield path


def replaced(payload: object, path: tuple[str | int, ...], leaf: str) -> Payload:
    changed = copy.deepcopy(payload)
    place = changed
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]  # the path was just found in it
    place[path[-1]] = leaf  # type: ignore[index]  # as above
    return changed  # type: ignore[return-value]  # as above
