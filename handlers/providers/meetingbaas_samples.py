"""A sample of everything that MeetingBaaS sends, in each of its dialects, and the guide's."""

from handlers.providers import meetingbaas_payloads as payloads
from handlers.providers.arrival import JsonObject, Sample
from handlers.providers.meetingbaas_lives import meeting
from handlers.providers.meetingbaas_payloads import SampleBot
from hub.events import format_time

__all__ = ["meeting", "samples"]

_V1_BOT = SampleBot(id="8f6a2c1e-4b7d-4c39-9a51-2d0e6b7f1c84")
_V2_BOT = SampleBot(id="3d9b5a70-6c1e-4f8a-9b2d-7e4c1a5f0d36")
_CALLBACK_BOT = SampleBot(id="c2a4d1f7-90be-4a1e-8d53-6b1f0e9a7c25")
_GUIDE_BOT = SampleBot(id="test-123")

# When the bot of the samples reported each status, in seconds before now. What goes wrong goes wrong now.
_LIFE = {
    "queued": 1800,
    "pickup_delayed": 1740,
    "retrying": 1710,
    "joining_call": 1680,
    "in_waiting_for_host": 1670,
    "in_waiting_room": 1660,
    "in_call_not_recording": 1640,
    "in_call_recording": 1636,
    "recording_paused": 1200,
    "recording_resumed": 1080,
    "api_request_stop": 245,
    "call_ended": 240,
    "recording_succeeded": 220,
    "transcribing": 200,
    "awaiting_reconciliation": 190,
    "completed": 2,
}
_V2_ONLY = {
    "queued",
    "pickup_delayed",
    "retrying",
    "in_waiting_for_host",
    "transcribing",
    "awaiting_reconciliation",
    "completed",
}
_TROUBLES = (
    "bot_rejected",
    "bot_removed",
    "bot_removed_too_early",
    "waiting_room_timeout",
    "invalid_meeting_url",
    "meeting_error",
    "recording_failed",
)
_V1_TROUBLES = ("bot_denied_entry",)
_V2_TROUBLES = (
    "MEET_LOGIN_REQUIRED",
    "MEET_LOGIN_UNAVAILABLE",
    "MEET_LOGIN_FAILED_SAML_REJECTED",
    "MEET_LOGIN_FAILED_TIMEOUT",
    "transcription_failed",
    "failed",
)
_NOT_ADMITTED = "Bot was not accepted into the meeting."
_HOUR_MS = 3_600_000


def samples(now: int) -> dict[str, Sample]:
    """Return a sample by name for every event and status code, in an order that tells each bot's story.

    The life of each bot ends `now` (ms) and began half an hour earlier; its id never changes, so samples that
    are sent one after the other are about one bot. Names are v2's; those of the other dialects have a prefix.
    """
    return {
        **{name: Sample(payload=payload, dialect="v2") for name, payload in _v2(now).items()},
        **{f"v1.{name}": Sample(payload=payload, dialect="v1") for name, payload in _v1(now).items()},
        **{f"callback.{name}": Sample(payload=payload, dialect="callback") for name, payload in _callback(now).items()},
        **{
            f"callback.put.{name}": Sample(payload=payload, dialect="callback", method="PUT")
            for name, payload in _callback(now).items()
        },
        **{f"guide.{name}": Sample(payload=payload, dialect="guide") for name, payload in _guide(now).items()},
    }


def _v2(now: int) -> dict[str, JsonObject]:
    bot, told = _V2_BOT, dict[str, JsonObject]()
    for code in _LIFE:
        told[f"bot.status_change.{code}"] = payloads.v2_status(bot, code, _reported(code, now))
        if code == "recording_resumed":
            told["bot.chat_message"] = payloads.v2_chat(bot, bot.people[0], "What about the roadmap?", now - 900_000)
    told["bot.completed"] = _completed(bot, now)
    told |= {f"bot.status_change.{code}": payloads.v2_status(bot, code, now) for code in _TROUBLES + _V2_TROUBLES}
    told["bot.failed"] = payloads.v2_failed(bot, "BOT_NOT_ACCEPTED", _NOT_ADMITTED, now)
    return told | _calendars(now)


def _v1(now: int) -> dict[str, JsonObject]:
    bot, told = _V1_BOT, dict[str, JsonObject]()
    for code in _LIFE:
        if code not in _V2_ONLY:
            told[f"bot.status_change.{code}"] = payloads.v1_status(bot, code, _reported(code, now))
    told["complete"] = payloads.v1_complete(bot)
    told["transcription_complete"] = {"event": "transcription_complete", "data": {"bot_id": bot.id}}
    told |= {f"bot.status_change.{code}": payloads.v1_status(bot, code, now) for code in _TROUBLES + _V1_TROUBLES}
    told["failed"] = payloads.v1_failed(bot, "TimeoutWaitingToStart", "The bot was not admitted in time")
    told["calendar.sync_events"] = payloads.v1_calendar(now)
    return told


def _callback(now: int) -> dict[str, JsonObject]:
    return {
        "bot.completed": _completed(_CALLBACK_BOT, now),
        "bot.failed": payloads.v2_failed(_CALLBACK_BOT, "BOT_NOT_ACCEPTED", _NOT_ADMITTED, now),
    }


def _guide(now: int) -> dict[str, JsonObject]:
    bot, turns = _GUIDE_BOT, [payloads.guide_segment(_GUIDE_BOT, turn) for turn in range(4)]
    recording = {"code": "in_call_recording", "created_at": format_time(now)}
    return {
        "meeting.started": payloads.guide("meeting.started", bot),
        "bot.status_change": payloads.guide("bot.status_change", bot, status=recording),
        "transcription.updated": payloads.guide("transcription.updated", bot, segment=turns[0]),
        "meeting.completed": payloads.guide("meeting.completed", bot),
        "transcription.available": payloads.guide("transcription.available", bot, transcript=turns),
        "meeting.failed": payloads.guide("meeting.failed", bot, error="Bot failed to join"),
    }


def _calendars(now: int) -> dict[str, JsonObject]:
    instance = payloads.calendar_instance(_V2_BOT, now + _HOUR_MS, "confirmed")
    cancelled = payloads.calendar_instance(_V2_BOT, now + _HOUR_MS, "cancelled")
    account: JsonObject = {"calendar_platform": "google", "account_email": "ann@acme.example", "status": "active"}
    series: JsonObject = {"event_type": "one_off", "series_id": "7f0e9d8c-6b5a-4f3e-9d2c-1b0a9f8e7d6c"}
    booked = series | {"series_bot_scheduled": False}
    earlier, current = format_time(now - _HOUR_MS), format_time(now)
    changes: dict[str, JsonObject] = {
        "connection_created": account | {"created_at": current},
        "events_synced": {"events": [booked | {"instances": [instance]}]},
        "event_created": booked | {"instances": [instance]},
        "event_updated": booked | {"is_exception": False, "affected_instances": [instance]},
        "event_cancelled": series | {"cancelled_instances": [cancelled]},
        "connection_updated": account | {"created_at": earlier, "updated_at": current},
        "connection_error": {"platform": "google", "status": "error", "error": "OAuth token refresh failed"},
        "connection_deleted": {"calendar_platform": "google", "deleted_at": current},
    }
    return {f"calendar.{change}": payloads.v2_calendar(change, **more) for change, more in changes.items()}


def _completed(bot: SampleBot, now: int) -> JsonObject:
    return payloads.v2_completed(bot, _reported("in_call_not_recording", now), _reported("call_ended", now), now)


def _reported(code: str, now: int) -> int:
    return now - _LIFE.get(code, 0) * 1000
