"""What else is answered, besides documents."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from handlers.described.documents import Bot, BotStatus, Count, Shape, Time


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
    data: Annotated[
        dict[str, Any],  # Any: whatever JSON holds
        Meta(description="The documents as they are now, and what else it tells."),
    ]


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


class Watching(Shape, frozen=True, kw_only=True):
    """How a bot is watched: a token for it, until when that is good, and where to go with it."""

    token: str
    expires_at: Time
    stream_url: str
    websocket_url: str


class Launched(Watching, frozen=True, kw_only=True):
    """A bot that was sent to a meeting."""

    bot: Bot


class Leaving(Shape, frozen=True, kw_only=True):
    """A bot that was asked to leave."""

    bot: Bot


class BotInBrief(Shape, frozen=True, kw_only=True):
    """A bot, for those who may not read."""

    id: str
    status: BotStatus


class LeavingInBrief(Shape, frozen=True, kw_only=True):
    """A bot that was asked to leave by somebody who may not read."""

    bot: BotInBrief


class BotWebhook(Watching, frozen=True, kw_only=True):
    """Where a bot of somebody else's posts; what comes there is that bot's."""

    url: str
    key: str
    launch_id: str | None
    bot_id: str | None
    topic: str


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


class Quoted(Shape, frozen=True, kw_only=True):
    """What the provider itself said of a problem."""

    code: str
    message: str


class Problem(Shape, frozen=True, kw_only=True):
    """Why a request was not answered as asked (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | UnsetType = UNSET
    delivery: Annotated[str | UnsetType, Meta(description="Of a body that is not JSON: what it is kept as.")] = UNSET
    fault: Annotated[
        Literal["caller", "account", "hub", "provider"] | UnsetType,
        Meta(description="On whose side it is that the provider did not do it."),
    ] = UNSET
    retry: Annotated[bool | UnsetType, Meta(description="Whether the very same request may help.")] = UNSET
    provider: Quoted | UnsetType = UNSET
    launch_id: str | UnsetType = UNSET
