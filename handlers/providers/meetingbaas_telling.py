"""One MeetingBaaS payload as the hub reads it: what happened, to which bot, when, and what surrounds it."""

import msgspec

from handlers.providers.judging import event_name
from handlers.providers.reading import Payload, listing, mapping, moment, text
from hub.errors import Unusable
from hub.events import FUTURE_LIMIT_MS, BotDetail, Detail, Fact, Kind, Reason, clamp_time, escape_id
from hub.redaction import harmless

_ID_LIMIT = 4096
_URL_LIMIT = 8192
_MESSAGE_LIMIT = 1000
_PEOPLE_LIMIT = 500
# The guide's events, which have no documented time: where those who follow it put one.
_GUIDE_EVENTS = ("meeting.", "transcription.")
_GUIDE_TIMES = ("timestamp", "created_at", "time")
# What lies before the year 2000 is no time of day, but seconds since a meeting began.
_EARLIEST_MS = 946_684_800_000


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What a payload says, with what all its facts have in common."""

    event: str
    # `data`, or the payload itself where there is no such object.
    content: Payload
    # The escaped id of the bot that it names, empty when it names none.
    bot_id: str
    time: int
    skewed: bool
    # Whether the payload says itself when it happened.
    timed: bool
    received_at: int

    def fact(self, kind: Kind, detail: Detail) -> Fact:
        """State something about the bot, or about the source where no bot is named."""
        bot = f"meetingbaas:{self.bot_id}" if self.bot_id else ""
        return Fact(kind=kind, time=self.time, skewed=self.skewed, bot=bot, detail=detail)

    def past(self, payload: Payload, *names: str) -> int | None:
        """Return the first of these times that can have been: what lies ahead of us has not happened."""
        times = (moment(payload, name) for name in names)
        return next((time for time in times if time and time <= self.received_at + FUTURE_LIMIT_MS), None)

    def bot_detail(self, code: str = "", attempt: int | None = None, reason: Reason | None = None) -> BotDetail:
        """Say about the bot what was worked out, and whatever else the payload tells."""
        return BotDetail(
            code=code,
            attempt=attempt,
            reason=reason,
            name=name_of(self.content, "bot_name"),
            meeting_url=_meeting_url(self.content),
            joined_at=self.past(self.content, "joined_at"),
            ended_at=self.past(self.content, "exited_at", "ended_at"),
            participants=_people(self.content, "participants"),
            speakers=_people(self.content, "speakers"),
        )


def read_telling(payload: Payload, received_at: int) -> Telling:
    """Read what is common to all dialects.

    Raises Unusable when the payload does not say what happened.
    """
    event = event_name(payload, "event") or event_name(payload, "type")
    if not event:
        raise Unusable("neither `event` nor `type` says what happened")
    content = mapping(payload, "data") or payload
    found = _time_of(event, content, payload)
    time, skewed = clamp_time(found, received_at)
    return Telling(
        event=event,
        content=content,
        bot_id=escape_id(_bot_id(content) or _bot_id(payload)),
        time=time,
        skewed=skewed,
        timed=found is not None,
        received_at=received_at,
    )


def name_of(payload: Payload, *path: str) -> str:
    """Return somebody's name, given as text or as an object that has one."""
    return harmless(text(payload, *path) or text(payload, *path, "name") or text(payload, *path, "display_name"))


def message_in(*places: Payload) -> str:
    """Return the first message in free text, without what nobody may see."""
    paths = (("error_message",), ("message",), ("error", "message"))
    messages = (text(place, *path, limit=_MESSAGE_LIMIT) for place in places for path in paths)
    return harmless(next(filter(None, messages), ""))


def _meeting_url(content: Payload) -> str:
    url = text(content, "meeting_url", limit=_URL_LIMIT)
    return harmless(url.partition("?")[0].partition("#")[0])


def _people(content: Payload, field: str) -> tuple[str, ...]:
    names = (name_of({"person": person}, "person") for person in listing(content, field)[:_PEOPLE_LIMIT])
    return tuple(name for name in names if name)


def _bot_id(payload: Payload) -> str:
    return (text(payload, "bot_id", limit=_ID_LIMIT) or text(payload, "botId", limit=_ID_LIMIT)).strip()


def _time_of(event: str, content: Payload, payload: Payload) -> int | None:
    places = (mapping(content, "status"), content, payload)
    times = (moment(place, field) for place in places for field in _time_fields(event))
    told = next((time for time in times if time is not None), None)
    return _guide_time(payload, content) if told is None and _is_guides(event, payload) else told


def _is_guides(event: str, payload: Payload) -> bool:
    """Whether an event is in the guide's words: by its name, or because only the guide calls the name `type`."""
    if event.startswith("calendar."):
        return False
    return event.startswith(_GUIDE_EVENTS) or not event_name(payload, "event")


def _guide_time(payload: Payload, content: Payload) -> int | None:
    times = (moment(place, field) for place in (content, payload) for field in _GUIDE_TIMES)
    return next((time for time in times if time is not None and time >= _EARLIEST_MS), None)


def _time_fields(event: str) -> tuple[str, ...]:
    if event == "bot.status_change":
        return ("created_at", "sent_at")
    if not event.startswith("calendar."):
        return ("sent_at",)
    # Calendar payloads always tell when the connection was created: their own time only when that is the news.
    created = ("created_at",) if event.endswith("_created") else ()
    return ("deleted_at", "updated_at", "last_updated_ts", "sent_at", *created)
