"""Payloads as MeetingBaaS would send them for a bot that never was, for samples and simulated meetings."""

import hashlib

import msgspec

from handlers.providers.arrival import JsonObject
from hub.events import format_time

_CALENDAR_ID = "5c1d7b1e-0c55-4f0e-8d8f-7c7c1f0f9a11"
_SPEECH = (
    "Good morning, can everybody hear me?",
    "Yes, loud and clear.",
    "Then let us start with the plan for the quarter.",
    "I have three points, the first one is the release.",
)
# How many turns a transcript that is told inline has.
SPOKEN = len(_SPEECH)
_SECONDS_A_TURN = 4


class SampleBot(msgspec.Struct, frozen=True, kw_only=True):
    """A bot and the meeting that it was sent to."""

    id: str
    meeting_url: str = "https://meet.google.com/abc-defg-hij?authuser=ann@acme.example"
    people: tuple[str, ...] = ("Alice Martin", "Bob Okafor")
    name: str = "Notetaker"

    @property
    def extra(self) -> JsonObject:
        """What the customer wanted to get back: theirs alone, so it must never show up anywhere."""
        return {"tenant_id": "acme", "owner_email": "ann@acme.example"}


def v1_status(bot: SampleBot, code: str, time: int) -> JsonObject:
    """Return a status change of v1, as the bot process posts it."""
    status: JsonObject = {"code": code, "created_at": format_time(time), **_V1_ADDITIONS.get(code, {})}
    if code == "in_call_recording":
        status["start_time"] = time
    return {"event": "bot.status_change", "data": {"bot_id": bot.id, "status": status}}


def v1_complete(bot: SampleBot) -> JsonObject:
    """Return v1's completion: transcript inline, links that last two hours, and no time at all."""
    data: JsonObject = {
        "bot_id": bot.id,
        "event_uuid": None,
        "transcript": [_v1_turn(bot, turn, words) for turn, words in enumerate(_SPEECH)],
        "speakers": list(bot.people),
        "mp4": _presigned("bots-videos.s3.eu-west-3", bot, "video.mp4", 7200),
        "audio": _presigned("bots-videos.s3.eu-west-3", bot, "audio.wav", 7200),
        "event": "complete",
        "extra": bot.extra,
    }
    return {"event": "complete", "data": data}


def v1_failed(bot: SampleBot, error: str, message: str) -> JsonObject:
    """Return v1's failure, which holds no time either."""
    data: JsonObject = {"bot_id": bot.id, "event_uuid": None, "error": error, "message": message, "extra": bot.extra}
    return {"event": "failed", "data": data}


def v2_status(bot: SampleBot, code: str, time: int) -> JsonObject:
    """Return a status change of v2."""
    status: JsonObject = {"code": code, "created_at": format_time(time), **_V2_ADDITIONS.get(code, {})}
    if code == "in_call_recording":
        status["start_time"] = time // 1000
    data: JsonObject = {"bot_id": bot.id, "event_id": None, "status": status}
    return {"event": "bot.status_change", "data": data, "extra": bot.extra}


def v2_completed(bot: SampleBot, joined_at: int, exited_at: int, sent_at: int) -> JsonObject:
    """Return v2's completion, whose artifacts are links that last four hours."""
    data: JsonObject = {
        "bot_id": bot.id,
        "event_id": None,
        "participants": [_v2_participant(name, number) for number, name in enumerate(bot.people, 1)],
        "speakers": [{"name": name, "id": number} for number, name in enumerate(bot.people, 1)],
        "duration_seconds": (exited_at - joined_at) // 1000,
        "joined_at": format_time(joined_at),
        "exited_at": format_time(exited_at),
        "data_deleted": False,
        **{name: _presigned("meeting-baas-v2-artifacts.s3", bot, file, 14400) for name, file in _V2_ARTIFACTS.items()},
        "transcription_provider": "gladia",
        "transcription_ids": ["b0e1f6d4-1c0a-4a0d-8f7f-0a4f4a1e9a11"],
        "sent_at": format_time(sent_at),
    }
    return {"event": "bot.completed", "data": data, "extra": bot.extra}


def v2_failed(bot: SampleBot, code: str, message: str, sent_at: int) -> JsonObject:
    """Return v2's failure."""
    data: JsonObject = {
        "bot_id": bot.id,
        "event_id": None,
        "error_message": message,
        "error_code": code,
        "sent_at": format_time(sent_at),
    }
    return {"event": "bot.failed", "data": data, "extra": bot.extra}


def v2_chat(bot: SampleBot, sender: str, text: str, sent_at: int) -> JsonObject:
    """Return a chat message, which only v2 tells of."""
    data: JsonObject = {
        "bot_id": bot.id,
        "event_id": None,
        "message_id": f"spaces/{bot.id[:8]}/messages/{sent_at}",
        "sender_name": sender,
        "sender_id": 1,
        "text": text,
        "sent_at": format_time(sent_at),
    }
    return {"event": "bot.chat_message", "data": data, "extra": bot.extra}


def v2_calendar(change: str, **more: object) -> JsonObject:
    """Return an event of a connected calendar."""
    data: JsonObject = {"calendar_id": _CALENDAR_ID, **more}
    return {"event": f"calendar.{change}", "data": data}


def calendar_instance(bot: SampleBot, start: int, status: str) -> JsonObject:
    """Return a meeting in a calendar, with all that must not leave the hub."""
    return {
        "event_id": "0b9e2c1a-6f0e-4d2b-9e0d-1a2b3c4d5e6f",
        "start": format_time(start),
        "end": format_time(start + 3_600_000),
        "title": "Salary review with ann@acme.example",
        "status": status,
        "is_all_day": False,
        "is_exception": False,
        "bot_scheduled": status == "confirmed",
        "meeting_url": bot.meeting_url,
        "meeting_platform": "meet",
    }


def v1_calendar(time: int) -> JsonObject:
    """Return v1's notice that events of a calendar changed."""
    data: JsonObject = {
        "calendar_id": _CALENDAR_ID,
        "last_updated_ts": format_time(time),
        "affected_event_uuids": ["0b9e2c1a-6f0e-4d2b-9e0d-1a2b3c4d5e6f", "1c8f3d2b-7a1f-4e3c-8f1e-2b3c4d5e6f70"],
    }
    return {"event": "calendar.sync_events", "data": data}


def guide(event: str, bot: SampleBot, **more: object) -> JsonObject:
    """Return an event in the envelope of the guide."""
    return {"type": event, "data": {"botId": bot.id, **more}}


def guide_started(bot: SampleBot, time: int) -> JsonObject:
    """Return what those tell who follow the guide: where their bot is, and what they called it."""
    return guide("meeting.started", bot, bot_name=bot.name, meeting_url=bot.meeting_url, timestamp=format_time(time))


def guide_segment(bot: SampleBot, turn: int) -> JsonObject:
    """Return a stretch of live speech, for which the guide has an event and no fields."""
    return {
        "id": f"seg-{turn + 1}",
        "speaker": bot.people[turn % len(bot.people)],
        "start": float(turn * _SECONDS_A_TURN),
        "end": float(turn * _SECONDS_A_TURN + _SECONDS_A_TURN - 1),
        "text": _SPEECH[turn % len(_SPEECH)],
    }


_V1_ADDITIONS: dict[str, JsonObject] = {
    "meeting_error": {
        "error_type": "Error",
        "error_message": "net::ERR_NETWORK_CHANGED at https://meet.google.com/abc-defg-hij?authuser=ann@acme.example",
    },
    "recording_failed": {"error_message": "Bot was removed too early; the video is too short."},
}
_V2_ADDITIONS: dict[str, JsonObject] = {
    "retrying": {"attempt": 2, "max": 5},
    "meeting_error": {"error_message": "Page crashed"},
    "recording_failed": {"error_message": "Timeout at https://meet.google.com/abc-defg-hij?authuser=ann@acme.example"},
}
_V2_ARTIFACTS = {
    "video": "video.mp4",
    "audio": "audio.flac",
    "diarization": "diarization.jsonl",
    "raw_transcription": "raw_transcription.json",
    "transcription": "output_transcription.json",
}


def _v2_participant(name: str, number: int) -> JsonObject:
    picture = f"https://lh3.googleusercontent.com/a/{name.split()[0].lower()}"
    return {"name": name, "id": number, "display_name": name.split()[0], "profile_picture": picture}


def _v1_turn(bot: SampleBot, turn: int, spoken: str) -> JsonObject:
    start = float(turn * _SECONDS_A_TURN)
    words = [
        {"start": start + place / 4, "end": start + (place + 1) / 4, "word": word}
        for place, word in enumerate(spoken.split())
    ]
    return {
        "speaker": bot.people[turn % len(bot.people)],
        "offset": start,
        "start_time": start,
        "end_time": words[-1]["end"],
        "words": words,
    }


def _presigned(bucket: str, bot: SampleBot, file: str, seconds: int) -> str:
    signature = hashlib.sha256(f"{bot.id}/{file}".encode()).hexdigest()
    query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires={seconds}&X-Amz-Signature={signature}"
    return f"https://{bucket}.amazonaws.com/{bot.id}/{file}?{query}"
