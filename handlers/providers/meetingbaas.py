"""MeetingBaaS: what its webhooks (v1, v2), its v2 callbacks and the guide's webhooks state, in the hub's words."""

import hashlib

from handlers.providers.arrival import Spoken
from handlers.providers.meetingbaas_artifacts import finished_capture, finished_transcript, latest_speech
from handlers.providers.meetingbaas_proof import STATIC_HEADERS, sign, takes, verify
from handlers.providers.meetingbaas_reasons import explain, spell
from handlers.providers.meetingbaas_telling import Telling, message_in, name_of, read_telling
from handlers.providers.reading import Payload, listing, mapping, text, whole
from hub.errors import Unusable
from hub.events import BotDetail, CaptureDetail, ChatDetail, Fact, Kind, NoteDetail, Reason, TranscriptDetail
from hub.launches.words import LAUNCH_FIELD, LAUNCH_ID, Asked, became
from hub.redaction import harmless
from hub.settings import Source

__all__ = ["STATIC_HEADERS", "sign", "takes", "translate", "verify"]

_STATUS_KINDS = {
    "queued": Kind.BOT_QUEUED,
    "pickup_delayed": Kind.BOT_QUEUED,
    "retrying": Kind.BOT_RETRYING,
    "joining_call": Kind.BOT_JOINING,
    "in_waiting_room": Kind.BOT_WAITING,
    "in_waiting_for_host": Kind.BOT_WAITING,
    "in_call_not_recording": Kind.BOT_JOINED,
    "in_call_recording": Kind.RECORDING_STARTED,
    "recording_paused": Kind.RECORDING_PAUSED,
    "recording_resumed": Kind.RECORDING_RESUMED,
    "recording_succeeded": Kind.RECORDING_STOPPED,
    "recording_failed": Kind.RECORDING_FAILED,
    "api_request_stop": Kind.BOT_LEAVING,
    "bot_rejected": Kind.BOT_LEAVING,
    "bot_denied_entry": Kind.BOT_LEAVING,
    "bot_removed": Kind.BOT_LEAVING,
    "bot_removed_too_early": Kind.BOT_LEAVING,
    "waiting_room_timeout": Kind.BOT_LEAVING,
    "invalid_meeting_url": Kind.BOT_LEAVING,
    "meeting_error": Kind.BOT_LEAVING,
    "call_ended": Kind.BOT_LEFT,
    "transcribing": Kind.BOT_PROCESSING,
    "awaiting_reconciliation": Kind.BOT_PROCESSING,
    "transcription_failed": Kind.TRANSCRIPT_FAILED,
    "completed": Kind.BOT_COMPLETED,
    "failed": Kind.BOT_FAILED,
}
# There are several, and more to come.
_LOGIN_PREFIX = "meet_login_"
_INSTANCE_FIELDS = ("instances", "affected_instances", "cancelled_instances", "events", "affected_event_uuids")
_CHAT_LIMIT = 2000
_ATTEMPT_LIMIT = 1000


def translate(source: Source, payload: Payload, received_at: int) -> Spoken:
    """Say what a payload states.

    Raises Unusable when it does not say what happened, or speaks of a bot without naming it.
    """
    telling = read_telling(payload, received_at)
    facts = _launch(telling, payload) + _facts(telling)
    return Spoken(provider_type=telling.event, facts=facts, timed=telling.timed)


def _launch(telling: Telling, payload: Payload) -> tuple[Fact, ...]:
    """Say which launch of the hub's a bot came of, where the payload brings that back."""
    places = (payload, telling.content)
    launch_id = next(filter(None, (text(place, "extra", LAUNCH_FIELD) for place in places)), "")
    if not telling.bot_id or not LAUNCH_ID.fullmatch(launch_id):
        return ()
    return became(Asked(provider="meetingbaas", launch_id=launch_id), telling.bot_id, telling.time)


def _facts(telling: Telling) -> tuple[Fact, ...]:
    state = _STATEMENTS.get(telling.event)
    if state is None:
        return _calendar(telling) if telling.event.startswith("calendar.") else _unknown(telling)
    if not telling.bot_id:
        raise Unusable(f"{telling.event} without a bot: neither `bot_id` nor `botId` is there")
    return state(telling)


def _status(telling: Telling) -> tuple[Fact, ...]:
    content, status = telling.content, mapping(telling.content, "status")
    code = harmless(text(status, "code") or text(content, "status") or text(content, "code"))
    kind = _status_kind(code)
    match kind:
        case None:
            return _unknown(telling, code)
        case Kind.TRANSCRIPT_FAILED:
            error = message_in(status, content) or explain(code).message
            return (telling.fact(kind, TranscriptDetail(error=error)),)
        case _ if kind.startswith("recording."):
            return (telling.fact(kind, _capture_status(telling, status)),)
    fact = telling.fact(kind, _bot_status(telling, status, kind, code))
    if code.lower() == "transcribing":
        return (fact, telling.fact(Kind.TRANSCRIPT_STARTED, TranscriptDetail()))
    return (fact,)


def _status_kind(code: str) -> Kind | None:
    if code.lower().startswith(_LOGIN_PREFIX):
        return Kind.BOT_LEAVING
    return _STATUS_KINDS.get(code.lower())


def _capture_status(telling: Telling, status: Payload) -> CaptureDetail:
    return CaptureDetail(
        id=telling.bot_id,
        scope="bot",
        # v2 documents seconds, v1's bot sends milliseconds: they are told apart by magnitude.
        started_at=telling.past(status, "start_time") or telling.past(telling.content, "start_time"),
        error=message_in(status, telling.content),
    )


def _bot_status(telling: Telling, status: Payload, kind: Kind, code: str) -> BotDetail:
    if kind is Kind.BOT_RETRYING:
        return telling.bot_detail(code, attempt=_attempt(status))
    if kind is Kind.BOT_LEAVING:
        return telling.bot_detail(code, reason=explain(code, message_in(status, telling.content)))
    if kind is Kind.BOT_FAILED:
        # The code `failed` explains nothing; only what comes with it does.
        return telling.bot_detail(code, reason=_failure_reason(telling, status or telling.content))
    return telling.bot_detail(code)


def _attempt(status: Payload) -> int | None:
    attempt = whole(status, "attempt")
    # The highest attempt wins for ever, so one absurd number must not hold the bot in it.
    return attempt if attempt is not None and 1 <= attempt <= _ATTEMPT_LIMIT else None


def _start(telling: Telling) -> tuple[Fact, ...]:
    return (telling.fact(Kind.BOT_JOINED, telling.bot_detail()),)


def _completion(telling: Telling) -> tuple[Fact, ...]:
    facts = [telling.fact(Kind.BOT_COMPLETED, telling.bot_detail())]
    if capture := finished_capture(telling):
        facts.append(telling.fact(Kind.RECORDING_COMPLETED, capture))
    transcript = finished_transcript(telling)
    # The guide promises a transcript with every meeting.completed, and has no field for it.
    if transcript.segments or transcript.links or telling.event == "meeting.completed":
        facts.append(telling.fact(Kind.TRANSCRIPT_COMPLETED, transcript))
    return tuple(facts)


def _failure(telling: Telling) -> tuple[Fact, ...]:
    reason = _failure_reason(telling, telling.content)
    facts = [telling.fact(Kind.BOT_FAILED, telling.bot_detail(reason=reason))]
    if reason and spell(reason.code) == spell("TRANSCRIPTION_FAILED"):
        facts.append(telling.fact(Kind.TRANSCRIPT_FAILED, TranscriptDetail(error=reason.message)))
    return tuple(facts)


def _failure_reason(telling: Telling, told: Payload) -> Reason | None:
    code = text(told, "error_code") or text(told, "error") or text(told, "error", "code") or text(told, "reason")
    message = message_in(told, telling.content)
    return explain(code, message) if code or message else None


def _transcription(telling: Telling) -> tuple[Fact, ...]:
    return (telling.fact(Kind.TRANSCRIPT_COMPLETED, finished_transcript(telling)),)


def _speech(telling: Telling) -> tuple[Fact, ...]:
    return (telling.fact(Kind.TRANSCRIPT_UPDATED, TranscriptDetail(segments=latest_speech(telling.content))),)


def _chat(telling: Telling) -> tuple[Fact, ...]:
    sender = name_of(telling.content, "sender_name") or name_of(telling.content, "sender")
    wording = text(telling.content, "text", limit=_CHAT_LIMIT)
    message_id = text(telling.content, "message_id") or text(telling.content, "id")
    if not message_id:
        # Without an id a message is what it says: said again at another time, it is another one.
        spoken = f"{telling.time if telling.timed else 0}\n{sender}\n{wording}"
        message_id = hashlib.sha256(spoken.encode()).hexdigest()[:32]
    return (telling.fact(Kind.CHAT_MESSAGE, ChatDetail(id=message_id, sender=sender, text=wording)),)


def _calendar(telling: Telling) -> tuple[Fact, ...]:
    content = telling.content
    listed = next(filter(None, (listing(content, field) for field in _INSTANCE_FIELDS)), [])
    said = {
        "change": telling.event.removeprefix("calendar."),
        "error": harmless(text(content, "error")) or message_in(content),
        "events": str(len(listed)) if listed else text(content, "events_synced"),
        "platform": harmless(text(content, "calendar_platform") or text(content, "platform")),
        "status": harmless(text(content, "status")),
    }
    pairs = tuple(sorted((name, words) for name, words in said.items() if words))
    note = NoteDetail(id=harmless(text(content, "calendar_id")), said=pairs)
    return (Fact(kind=Kind.CALENDAR_CHANGED, time=telling.time, skewed=telling.skewed, detail=note),)


def _unknown(telling: Telling, code: str = "") -> tuple[Fact, ...]:
    said = (("code", code), ("event", telling.event)) if code else (("event", telling.event),)
    return (telling.fact(Kind.PROVIDER_EVENT, NoteDetail(said=said)),)


# Events that are about a bot: v1's, v2's, and the guide's, which nobody sends but those who follow it.
_STATEMENTS = {
    "bot.status_change": _status,
    "complete": _completion,
    "bot.completed": _completion,
    "meeting.completed": _completion,
    "failed": _failure,
    "bot.failed": _failure,
    "meeting.failed": _failure,
    "meeting.started": _start,
    "transcription_complete": _transcription,
    "transcription.available": _transcription,
    "transcription.updated": _speech,
    "bot.chat_message": _chat,
}
