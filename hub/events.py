"""The vocabulary: what arrives (`Delivery`), what it states (`Fact`), what the log holds (`Event`).

All times are integers, milliseconds since 1970 UTC. Everything here is immutable.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Self

import msgspec

from hub.errors import BadRequest

NAME_LIMIT = 256
ID_LIMIT = 200
FUTURE_LIMIT_MS = 5 * 60 * 1000
COLLECTIONS = ("bots", "rooms", "schedules", "sources")
# What arrives, as it arrives: a topic that is only live, is no part of `*`, and is for administrators.
DELIVERIES = "deliveries"

_PLAIN_ID = re.compile(r"[A-Za-z0-9._:@~-]+\Z")
_FOREIGN_BYTE = re.compile(rb"[^A-Za-z0-9._:@-]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999  # the last millisecond that RFC 3339's four-digit years can say


class Kind(StrEnum):
    """What happened, in one word for all providers: `<entity>.<past participle>`."""

    BOT_REQUESTED = "bot.requested"
    BOT_UNKNOWN = "bot.unknown"
    BOT_QUEUED = "bot.queued"
    BOT_RETRYING = "bot.retrying"
    BOT_JOINING = "bot.joining"
    BOT_WAITING = "bot.waiting"
    BOT_JOINED = "bot.joined"
    BOT_LEAVING = "bot.leaving"
    BOT_LEFT = "bot.left"
    BOT_PROCESSING = "bot.processing"
    BOT_COMPLETED = "bot.completed"
    BOT_FAILED = "bot.failed"
    BOT_ERASED = "bot.erased"
    ROOM_STARTED = "room.started"
    ROOM_UPDATED = "room.updated"
    ROOM_ENDED = "room.ended"
    ROOM_ERASED = "room.erased"
    PARTICIPANT_JOINED = "participant.joined"
    PARTICIPANT_LEFT = "participant.left"
    PARTICIPANT_REJECTED = "participant.rejected"
    PARTICIPANT_UPDATED = "participant.updated"
    TRACK_PUBLISHED = "track.published"
    TRACK_UNPUBLISHED = "track.unpublished"
    TRACK_UPDATED = "track.updated"
    RECORDING_STARTED = "recording.started"
    RECORDING_UPDATED = "recording.updated"
    RECORDING_PAUSED = "recording.paused"
    RECORDING_RESUMED = "recording.resumed"
    RECORDING_STOPPED = "recording.stopped"
    RECORDING_COMPLETED = "recording.completed"
    RECORDING_FAILED = "recording.failed"
    STREAM_STARTED = "stream.started"
    STREAM_STOPPED = "stream.stopped"
    STREAM_FAILED = "stream.failed"
    TRANSCRIPT_STARTED = "transcript.started"
    TRANSCRIPT_UPDATED = "transcript.updated"
    TRANSCRIPT_COMPLETED = "transcript.completed"
    TRANSCRIPT_FAILED = "transcript.failed"
    CHAT_MESSAGE = "chat.message"
    CALENDAR_CHANGED = "calendar.changed"
    JOB_STARTED = "job.started"
    JOB_ENDED = "job.ended"
    SCHEDULE_CREATED = "schedule.created"
    SCHEDULE_UPDATED = "schedule.updated"
    SCHEDULE_CANCELLED = "schedule.cancelled"
    SCHEDULE_ERASED = "schedule.erased"
    PROVIDER_EVENT = "provider.event"


# The source of what the hub itself decides, or somebody through it.
HUB = "hub"
# What it finds out by asking, and until when it had webhooks sent again.
RECONCILE, REPLAYS = "reconcile", "replays"
# No source of a configuration is called so.
OWN_SOURCES = (HUB, RECONCILE, REPLAYS)

# These state nothing: they take away what was stated.
ERASURES = frozenset({Kind.BOT_ERASED, Kind.ROOM_ERASED})


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something ended or failed. `group` is meeting, host, billing, platform or system."""

    code: str
    group: str = "platform"
    message: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a payload says of the room session that it speaks of."""

    name: str = ""
    room_id: str = ""
    session_id: str = ""
    project: str = ""
    started_at: int | None = None
    # Why somebody ended it, told ahead of the end itself.
    end_reason: str = ""
    # Totals that the provider reports: how long it was, the presence of all participants added up, most at once.
    duration_ms: int | None = None
    participant_ms: int | None = None
    peak: int | None = None


class BotDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="bot", tag_field="about"):
    """What a payload says of a bot, besides the kind of the fact."""

    code: str = ""
    # The provider's own number of the attempt (1, 2, …), where it tells one.
    attempt: int | None = None
    reason: Reason | None = None
    name: str = ""
    meeting_url: str = ""
    joined_at: int | None = None
    ended_at: int | None = None
    participants: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    # Which launch of the hub's it came of, what was asked for then, and when; `extra` is JSON for holders of API keys.
    launch_id: str = ""
    requested_at: int | None = None
    # How often it had been launched by then, from the second time on.
    launch_attempt: int | None = None
    extra: str = ""
    order: str = ""
    # Of a launch: the bot (`<provider>:<bot id>`) that it became. It is then shown as that, and no longer as itself.
    became: str = ""


class ParticipantDetail(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="participant", tag_field="about"
):
    """One visit of somebody in a room. `id` names the visit (sid, peer_id), not the person."""

    id: str
    identity: str = ""
    name: str = ""
    role: str = ""
    # human, recorder, agent, sip or ingress; empty where the payload does not tell.
    kind: str = ""
    may_publish: bool | None = None
    joined_at: int | None = None
    duration_ms: int | None = None
    # Why the visit ended, as attendance shows it (`leave_reason`).
    reason: str = ""
    # What the provider itself says of why, where `reason` is a word of the hub's.
    cause: str = ""
    previous_role: str = ""


class TrackDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="track", tag_field="about"):
    """A published audio or video track."""

    id: str
    participant: str = ""
    identity: str = ""
    type: str = ""
    source: str = ""
    name: str = ""
    muted: bool | None = None


class CaptureDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="capture", tag_field="about"):
    """A recording or a live stream (egress, ingress, a bot's own recording)."""

    id: str
    # By what else the provider calls it (100ms: a beam's file has an id of its own).
    alias: str = ""
    scope: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    duration_ms: int | None = None
    size: int | None = None
    truncated: bool = False
    # Why it stopped, in the provider's words; `error` is why it failed.
    reason: str = ""
    error: str = ""
    # What the artifacts are called and where the provider keeps them: for authorised readers only, never streamed.
    links: tuple[tuple[str, str], ...] = ()
    links_expire_at: int | None = None


class RoomDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="room", tag_field="about"):
    """What somebody decided about a durable room."""

    featured: bool | None = None


class ScheduleDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="schedule", tag_field="about"):
    """A planned meeting of a durable room. What is None stays as it was."""

    id: str
    title: str | None = None
    provider: str = ""
    room_id: str = ""
    starts_at: int | None = None
    # Who is expected: (identity, name).
    expected: tuple[tuple[str, str], ...] | None = None
    cancelled: bool = False
    # It was moved to another room; what happens in this one is no longer its own.
    moved: bool = False


class Segment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of speech. `start` and `end` are seconds from the beginning of the recording."""

    id: str
    speaker: str = ""
    start: float = 0.0
    end: float | None = None
    text: str = ""
    final: bool = True


class TranscriptDetail(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="transcript", tag_field="about"
):
    """Speech as text: some segments, or, when `whole`, a full transcript that replaces what came before."""

    whole: bool = False
    segments: tuple[Segment, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    links_expire_at: int | None = None
    error: str = ""


class ChatDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="chat", tag_field="about"):
    """A message that somebody wrote in the meeting."""

    id: str
    sender: str = ""
    text: str = ""


class JobDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="job", tag_field="about"):
    """Work of an agent in a room."""

    id: str
    agent: str = ""
    status: str = ""
    error: str = ""


class NoteDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="note", tag_field="about"):
    """Anything else worth showing: short names and texts, chosen by the provider's module, nothing secret."""

    id: str = ""
    # Sorted pairs, so that equal notes are equal bytes.
    said: tuple[tuple[str, str], ...] = ()


Detail = (
    BotDetail
    | ParticipantDetail
    | TrackDetail
    | CaptureDetail
    | TranscriptDetail
    | ChatDetail
    | JobDetail
    | NoteDetail
    | RoomDetail
    | ScheduleDetail
)


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a delivery states, in the hub's words.

    It is about a bot (`bot` set), a session (`room` set), a durable room whose session is not named
    (only `durable` set), or else about the source itself.
    """

    kind: Kind
    # Event time: the data's, else the envelope's, else when the delivery was received.
    time: int
    # `<provider>:<bot id>`
    bot: str = ""
    # `<provider>:<session id>`
    room: str = ""
    # `<source>@<room id, else name>`
    durable: str = ""
    session: Session | None = None
    detail: Detail | None = None
    # The provider sent history again: the time stands, but nothing was active now.
    replay: bool = False
    # The provider's clock was more than five minutes ahead, so the time is ours.
    skewed: bool = False
    # Why participants that were still there were closed by this end (`room_finished`, …).
    closing_reason: str = ""
    # The hub asked and saw it, nobody told it. As an end it means "at this time at the latest" and yields to any end
    # that the provider tells, and to anything later; otherwise it means "was there at this time".
    observed: bool = False

    @property
    def entity(self) -> str:
        """The topic of what the fact is about, empty when it is about the source."""
        if self.bot:
            return f"bots/{self.bot}"
        return f"rooms/{self.room or self.durable}" if self.room or self.durable else ""


class Verdict(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "accepted"
    DEAD = "dead"


# Kept among the headers of a delivery that only the key in its path proved; no request can have one by this name.
PATH_KEY_HEADER = ":path-key"


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A webhook whose proof was right, as received, with what it states. Holding one is the proof."""

    # Name of the source that it came in by.
    source: str
    # Deliveries with equal scope and key are the same: the scope is a provider's account.
    scope: str
    key: str
    # How long an equal key means the same delivery; None: for ever.
    window_ms: int | None = None
    received_at: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    provider_type: str = ""
    facts: tuple[Fact, ...] = ()
    verdict: Verdict = Verdict.ACCEPTED
    # Why it is dead.
    reason: str = ""
    # Dead because the bytes are not JSON: the sender is told so.
    malformed: bool = False
    # Id of the dead delivery that this is, read once more; None for one that arrives.
    redrive: int | None = None

    @property
    def path_key(self) -> str:
        """Whose the key in its path was (`launch-…` or `bot-…`), where nothing else proved it; else empty."""
        return next((value for name, value in self.headers if name == PATH_KEY_HEADER), "")

    @property
    def erases(self) -> bool:
        """Whether it takes away what others stated; it is then committed alone."""
        return any(fact.kind in ERASURES for fact in self.facts)

    @property
    def event_time(self) -> int | None:
        """When what it tells of first happened; None when it tells nothing."""
        return self.facts[0].time if self.facts else None

    @property
    def subjects(self) -> tuple[str, ...]:
        """The topics that its facts are about: bots, sessions, durable rooms, and the source where it is neither."""
        topics = {fact.entity or f"sources/{self.source}" for fact in self.facts}
        return tuple(sorted(topics | {f"rooms/{fact.durable}" for fact in self.facts if fact.durable}))


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One entry of the log. `body` is its CloudEvents JSON without `specversion` and `id`.

    These two come in front when it is written, because the epoch belongs to the log that is read.
    """

    sequence: int
    topics: tuple[str, ...]
    body: bytes

    def json(self, epoch: str) -> bytes:
        """The whole CloudEvents 1.0 object."""
        return b'{"specversion":"1.0","id":"%b.%d",%b' % (
            epoch.encode(),
            self.sequence,
            self.body[1:],
        )


class Position(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in a log: everything up to and including `sequence`."""

    epoch: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `<epoch>.<sequence>`; None when it is not one (it then cannot be resumed)."""
        epoch, dot, sequence = text.strip().rpartition(".")
        if not dot or not epoch or not _PLAIN_ID.match(epoch):
            return None
        if not (sequence.isascii() and sequence.isdigit() and len(sequence) <= 18):
            return None
        return cls(epoch=epoch, sequence=int(sequence))


def escape_id(text: str) -> str:
    """Make a provider's id fit for documents, topics and URLs: ASCII, at most 200 characters, never decoded.

    Every byte outside `[A-Za-z0-9._:@-]` becomes `~` and two hex digits; what is longer than 200
    characters is cut to 150, `~~` and the beginning of its SHA-256.
    """
    raw = text.encode("utf-8", "replace")
    escaped = _FOREIGN_BYTE.sub(lambda byte: b"~%02x" % byte[0][0], raw).decode("ascii")
    if len(escaped) <= ID_LIMIT:
        return escaped
    return f"{escaped[:150]}~~{hashlib.sha256(raw).hexdigest()[:32]}"


def parse_topic(text: str) -> str:
    """Return a topic that can be subscribed.

    Raises BadRequest for anything that is not `*`, a collection or `<collection>/<id>`.
    """
    collection, slash, name = text.partition("/")
    if text == "*" or (text in COLLECTIONS):
        return text
    if slash and collection in COLLECTIONS and len(name) <= ID_LIMIT * 2 and _PLAIN_ID.match(name):
        return text
    raise BadRequest(f"topic: expected *, a collection ({', '.join(COLLECTIONS)}) or <collection>/<id>")


def covers(topics: frozenset[str], topic: str) -> bool:
    """Whether somebody who has `topics` has `topic`: itself, its collection or everything."""
    if topic == DELIVERIES:
        return topic in topics
    return "*" in topics or topic in topics or topic.partition("/")[0] in topics


def without_nesting(topics: frozenset[str]) -> frozenset[str]:
    """Leave out topics that another one covers, so that nothing is sent twice."""
    return frozenset(topic for topic in topics if not covers(topics - {topic}, topic))


def clamp_time(time: int | None, received_at: int) -> tuple[int, bool]:
    """Settle the time of a fact: `(time, skewed)`.

    None, or nothing a calendar can say, is `received_at`; so is, flagged, what is more than five minutes ahead of it.
    """
    if time is None or not 0 < time <= _LAST_MS:
        return received_at, False
    if time > received_at + FUTURE_LIMIT_MS:
        return received_at, True
    return time, False


# A webhook's few times stand in its event, in its documents and in its notice.
@lru_cache(maxsize=4096)
def format_time(time: int | None) -> str | None:
    """RFC 3339 in UTC: `2026-03-10T12:00:02Z`, with milliseconds only where there are some."""
    if time is None or not 0 <= time <= _LAST_MS:
        return None
    moment = _EPOCH + timedelta(milliseconds=time)
    precision = "milliseconds" if time % 1000 else "seconds"
    return moment.isoformat(timespec=precision)[: -len("+00:00")] + "Z"


def parse_time(text: str) -> int | None:
    """Read an RFC 3339 or ISO 8601 time with up to nine fractional digits, None when it is not one.

    Go's zero time (`0001-01-01T00:00:00Z`) and everything before 1970 mean "no time".
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        elapsed = moment - _EPOCH
    except OverflowError:
        return None
    time = elapsed // timedelta(milliseconds=1)
    return time if 0 < time <= _LAST_MS else None
