"""What documents look like. They are made elsewhere, as plain JSON; a test holds real ones against these shapes."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Seconds = Annotated[float, Meta(ge=0, description="Seconds.")]
Sequence = Annotated[int, Meta(ge=0, description="The place in the log of what changed it last.")]
Count = Annotated[int, Meta(ge=0)]
CaptureStatus = Literal[
    "starting", "recording", "live", "processing", "paused", "stopped", "completed", "failed", "unknown"
]
BotStatus = Literal[
    "requested", "queued", "joining", "waiting", "in_call", "recording", "paused", "left", "processing", "completed",
    "failed", "unknown",
]  # fmt: skip


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is answered; readers have to bear fields that they do not know."""


class Reason(Shape, frozen=True, kw_only=True):
    """Why a bot is where it is."""

    code: str
    group: Annotated[str, Meta(description="Whose side it is on: meeting, host, billing, platform or system.")]
    message: str


class BotRecording(Shape, frozen=True, kw_only=True):
    """The recording of a bot's current attempt."""

    id: str
    status: CaptureStatus
    started_at: Time | None
    ended_at: Time | None
    duration: Seconds | None
    error: str | None


class BotTranscript(Shape, frozen=True, kw_only=True):
    """How far a bot's transcript is."""

    status: Literal["started", "live", "failed", "completed"]
    segments_count: Count


class BotParticipant(Shape, frozen=True, kw_only=True):
    """Somebody whom a bot met."""

    name: str
    speaker: bool


class Bot(Shape, frozen=True, kw_only=True):
    """A bot: how far it got, in which attempt, why it stopped, and what it brought back."""

    id: str
    sequence: Sequence
    launch_id: str | None
    provider: str
    name: str | None
    meeting_url: Annotated[str | None, Meta(description="Without its query.")]
    status: BotStatus
    status_since: Time | None
    attempt: Count
    reason: Reason | None
    created_at: Time | None
    joined_at: Time | None
    ended_at: Time | None
    recording: BotRecording | None
    transcript: BotTranscript | None
    participants: list[BotParticipant]


class BotInFull(Bot, frozen=True, kw_only=True):
    """A bot, and to API keys also what came along when it was launched."""

    extra: dict[str, Any] | UnsetType = UNSET  # Any: whatever JSON holds


class RoomTotals(Shape, frozen=True, kw_only=True):
    """What follows from the visits, where the provider reports something else."""

    duration: Seconds
    peak_participants: Count
    participant_minutes: float


class Room(Shape, frozen=True, kw_only=True):
    """One session of a room."""

    id: str
    sequence: Sequence
    durable_room: Annotated[str | None, Meta(description="Id of the room that outlives its sessions.")]
    provider: str
    session_id: str | None
    room_id: str | None
    name: str | None
    project: str | None
    status: Literal["live", "ended"]
    started_at: Time | None
    ended_at: Time | None
    end_reason: str | None
    participant_count: Count
    speaker_count: Count
    listener_count: Count
    featured: bool
    last_active_at: Time | None
    stale: Annotated[bool, Meta(description="Nobody said anything of it for so long that it must have ended.")]
    duration: Seconds
    peak_participants: Count
    participant_minutes: float
    cost: float
    trending_score: float
    derived: RoomTotals | None


class DurableRoom(Shape, frozen=True, kw_only=True):
    """A room in which nobody met yet, of which something was decided."""

    id: str
    durable_room: str
    featured: bool


class Participant(Shape, frozen=True, kw_only=True):
    """One visit of somebody in a room."""

    id: str
    sequence: Sequence
    room: str
    identity: str | None
    name: str | None
    role: str | None
    kind: Literal["human", "recorder", "agent", "sip", "ingress"]
    active: bool
    joined_at: Time | None
    left_at: Time | None
    leave_reason: str | None
    duration: Seconds
    watch_duration: Annotated[float, Meta(ge=0, description="Seconds, of all visits of the same user.")]
    stays: Annotated[list["Stay"] | UnsetType, Meta(description="An id may come and go.")] = UNSET


class Stay(Shape, frozen=True, kw_only=True):
    """A stretch of presence."""

    joined_at: Time
    left_at: Time | None
    leave_reason: str | None


class Artifact(Shape, frozen=True, kw_only=True):
    """A file: its name, and where the hub redirects to it."""

    name: str
    url: str


class Recording(Shape, frozen=True, kw_only=True):
    """A recording, or the transcript of a room. It is of a room or of a bot."""

    id: str
    sequence: Sequence
    room: str | UnsetType = UNSET
    bot: str | UnsetType = UNSET
    alias: str | None
    scope: str | None
    status: CaptureStatus
    started_at: Time | None
    ended_at: Time | None
    duration: Seconds | None
    size: Count | None
    truncated: bool
    url: str | None
    expires_at: Time | None
    reason: str | None
    error: str | None
    artifacts: list[Artifact] | UnsetType = UNSET


class Segment(Shape, frozen=True, kw_only=True):
    """A stretch of speech. `start` and `end` are seconds from the beginning of the recording."""

    id: str
    bot: str
    speaker: str
    start: float
    end: float | None
    text: str
    final: bool


class ScheduleItem(Shape, frozen=True, kw_only=True):
    """A planned meeting, as lists have it."""

    id: str
    sequence: Sequence
    title: str | None
    provider: str
    room_id: str
    durable_room: str
    starts_at: Time
    status: Literal["SCHEDULED", "LIVE", "COMPLETED", "CANCELLED"]
    started_at: Time | None
    ended_at: Time | None
    sessions: list[str]
    expected_count: Count


class Expected(Shape, frozen=True, kw_only=True):
    """Somebody who is expected to come."""

    identity: str
    name: str | None


class Attendee(Shape, frozen=True, kw_only=True):
    """One user's attendance."""

    identity: str | None
    name: str | None
    role: str | None
    expected: bool
    active: bool
    joined_at: Time | None
    left_at: Time | None
    watch_duration: Seconds
    leave_reason: str | None
    visits: Count


class Schedule(ScheduleItem, frozen=True, kw_only=True):
    """A planned meeting, and who came."""

    stale: bool
    expected_participants: list[Expected]
    participants: list[Attendee]
