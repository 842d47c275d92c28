"""What documents look like. They are made elsewhere, as plain JSON; a test holds real ones against these shapes."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.events import NAME_LIMIT

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


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is asked for; what is not known is refused."""


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
    stays: Annotated[list["Stay"], Meta(description="An id may come and go.")]


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


class UsageTotal(Shape, frozen=True, kw_only=True):
    """What meetings used up."""

    meetings: Count
    participant_minutes: float
    cost: float
    peak_participants: Count


class UsageItem(UsageTotal, frozen=True, kw_only=True):
    """What the meetings of one group used up; the group is named by one of the first four."""

    room: str | UnsetType | None = UNSET
    provider: str | UnsetType | None = UNSET
    project: str | UnsetType | None = UNSET
    day: str | UnsetType | None = UNSET


class Event(Shape, frozen=True, kw_only=True):
    """One entry of the log: a CloudEvent."""

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(description="Its position, `<epoch>.<sequence>`.")]
    source: str
    type: Annotated[str, Meta(description="One of the kinds in docs/events.md.")]
    subject: Annotated[str, Meta(description="The topic that it is about.")]
    time: Time
    sequence: Annotated[str, Meta(pattern="^[0-9]{16}$")]
    receivedat: Time
    providertype: Annotated[str | UnsetType, Meta(description="What the provider calls it.")] = UNSET
    data: Annotated[dict[str, Any], Meta(description="The documents as they are now, and what else it tells.")]


class _Arrived(Shape, frozen=True, kw_only=True):
    id: str
    source: str
    provider_type: str | None
    verdict: Literal["accepted", "dead", "refused"]
    reason: str | None
    received_at: Time
    event_time: Time | None
    late: Annotated[float | None, Meta(description="Seconds between what happened and its arrival.")]
    copies: Count
    last_copy_at: Time | None
    size: Count


class DeliveryItem(_Arrived, frozen=True, kw_only=True):
    """Something that arrived, as lists have it."""

    events: Annotated[int, Meta(ge=0, description="How many events it became.")]


class DeliveryEvent(Shape, frozen=True, kw_only=True):
    """An event that a delivery became."""

    id: str
    type: str
    subject: str
    time: Time


class Delivery(_Arrived, frozen=True, kw_only=True):
    """Something that arrived, with headers (redacted), bytes, and what it became."""

    events: list[DeliveryEvent]
    headers: dict[str, str]
    body: str | UnsetType | None = UNSET
    body_base64: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    body_sha256: str | UnsetType = UNSET


class SourceReason(Shape, frozen=True, kw_only=True):
    """Why some of what arrived was of no use, how often, and the latest of it."""

    verdict: Literal["dead", "refused"]
    reason: str
    count: Count
    delivery: str


class Source(Shape, frozen=True, kw_only=True):
    """A place where a provider posts, and what arrived there within the asked time."""

    name: str
    provider: str
    path: str
    url: Annotated[str, Meta(description="What to give the provider.")]
    proof: Literal["signature", "ip", "none"]
    is_on: Annotated[bool, Meta(description="Whether anything can prove its webhooks.")]
    last_seen: Time | None
    per_minute: Annotated[list[Count], Meta(description="Of the last hour, the oldest minute first.")]
    received: Count
    duplicates: Count
    dead: Count
    refused: Count
    reasons: list[SourceReason]
    test: Annotated[str, Meta(description="The command that sends a test event.")]


class Waiting(Shape, frozen=True, kw_only=True):
    """How much waits, and since when."""

    count: Count
    oldest: Time | None


class RedrivenFact(Shape, frozen=True, kw_only=True):
    """What a delivery would tell."""

    type: str
    subject: str
    time: Time


class Redriven(Shape, frozen=True, kw_only=True):
    """What became of a delivery that was read or verified once more, or would."""

    status: Literal["accepted", "duplicate", "dead"]
    delivery: str
    events: Count | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    dry_run: bool | UnsetType = UNSET
    facts: list[RedrivenFact] | UnsetType = UNSET


class Erased(Shape, frozen=True, kw_only=True):
    """That something was erased, and the delivery that did it."""

    status: Literal["erased"]
    delivery: str


class Token(Shape, frozen=True, kw_only=True):
    """An access token, and what it permits."""

    token: str
    expires_at: Time
    topics: list[str]
    scope: list[str]
    name: str | None


class Access(Shape, frozen=True, kw_only=True):
    """What a credential permits; `expires_at` is null for API keys."""

    scopes: list[str]
    topics: list[str]
    expires_at: Time | None
    name: str | None


class Viewers(Shape, frozen=True, kw_only=True):
    """How many streams follow exactly a topic, over all processes."""

    topic: str
    viewers: Count


class Taken(Shape, frozen=True, kw_only=True):
    """What became of a webhook."""

    status: Literal["accepted", "duplicate", "dead"]
    delivery: Annotated[str | UnsetType, Meta(description="Its id; none while it waits in the spool.")] = UNSET
    reason: str | UnsetType = UNSET


class Alive(Shape, frozen=True, kw_only=True):
    """That the process answers."""

    status: Literal["ok"]


class Ready(Shape, frozen=True, kw_only=True):
    """Whether the process takes traffic, and what does not work."""

    status: Literal["ready", "starting", "draining"]
    degraded: bool | UnsetType = UNSET
    reasons: list[str] | UnsetType = UNSET


class Problem(Shape, frozen=True, kw_only=True):
    """Why a request was not answered as asked (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | UnsetType = UNSET
    delivery: Annotated[str | UnsetType, Meta(description="Of a body that is not JSON: what it is kept as.")] = UNSET


class FeatureRoom(Asked, frozen=True, kw_only=True):
    """What is decided about a durable room."""

    featured: bool


Said = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": NAME_LIMIT, "pattern": r"\S"})]


class Invited(Asked, frozen=True, kw_only=True):
    """Somebody who is expected, with a name."""

    identity: Said
    name: str | None = None


class SchedulePlan(Asked, frozen=True, kw_only=True):
    """A plan. `expected` and `participants` mean the same as `expected_participants`."""

    title: Said | UnsetType | None = UNSET
    provider: Annotated[Said, Meta(description="A provider, or the name of a source.")]
    room_id: Said
    starts_at: Time
    expected_participants: list[Said | Invited] | UnsetType = UNSET


class ScheduleChange(Asked, frozen=True, kw_only=True):
    """Some of what a plan says."""

    title: Said | UnsetType | None = UNSET
    provider: Said | UnsetType = UNSET
    room_id: Said | UnsetType = UNSET
    starts_at: Time | UnsetType = UNSET
    expected_participants: list[Said | Invited] | UnsetType = UNSET
