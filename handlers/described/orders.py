"""What is asked for, in the bodies of requests."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from handlers.described.documents import Shape, Time
from hub.events import NAME_LIMIT

# Any http or https address, without blanks and control characters.
_WEB = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\x00-\x20\x7f][^\x00-\x20\x7f]*$"


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is asked for; what is not known is refused."""


class LaunchOrder(Shape, frozen=True, kw_only=True):
    """A bot for a meeting; whatever else is said is an option of the provider's."""

    meeting_url: Annotated[str, Meta(max_length=4096, pattern=_WEB, description="Where the meeting is.")]
    bot_name: Annotated[str, Meta(min_length=1, max_length=255)]
    extra: Annotated[
        dict[str, Any] | UnsetType | None,  # Any: whatever JSON holds
        Meta(description="Comes back with whatever the provider tells."),
    ] = UNSET


class WebhookOrder(Asked, frozen=True, kw_only=True):
    """Which bot a webhook is for; without `bot_id` for the first one that posts there."""

    bot_id: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType | None = UNSET


class SettledLaunch(Asked, frozen=True, kw_only=True):
    """Which bot a launch became, as somebody found out; null: none."""

    bot_id: Annotated[str, Meta(min_length=1, max_length=200)] | None


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
