"""How much arrived by each source lately, and what of it nobody has looked after."""

import msgspec

from hub.events import Position

MINUTES = 60


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why deliveries were dead, or requests refused, and how often within a period."""

    # dead or refused
    verdict: str
    text: str
    count: int
    # The id of the latest of them.
    latest: str


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived by one source within a period."""

    source: str
    # When it last told something that was no repetition, however long ago; None: never, as far as is kept.
    last_seen: int | None = None
    # Deliveries, dead ones included, and how often they came again.
    received: int = 0
    duplicates: int = 0
    dead: int = 0
    # Requests without a valid proof, as far as they were kept.
    refused: int = 0
    # Deliveries in each of the last 60 minutes, the current one last.
    per_minute: tuple[int, ...] = (0,) * MINUTES
    # The most frequent first.
    reasons: tuple[Reason, ...] = ()


class Unhandled(msgspec.Struct, frozen=True, kw_only=True):
    """Dead deliveries and refused requests that nobody has redriven; of the dead no more are counted than asked for."""

    count: int
    oldest: int | None


class TrafficQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which traffic is asked for; times in milliseconds."""

    sources: tuple[str, ...]
    # Received at or after, and at or before.
    since: int
    until: int
    # How many deliveries are counted at most, the latest ones, and of how many dead ones the reasons are looked at.
    most: int = 200_000
    most_dead: int = 1000

    @property
    def first_minute(self) -> int:
        """When the first of the last 60 minutes began."""
        return (self.until // 60_000 - MINUTES + 1) * 60_000


class Traffic(msgspec.Struct, frozen=True):
    """What arrived by each source that was asked for, in their order, and the position at which that was read."""

    flows: tuple[Flow, ...]
    # What was received from here on is counted: later than what was asked for when that is too much.
    since: int
    unhandled: Unhandled
    position: Position
