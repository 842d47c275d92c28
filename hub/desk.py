"""What a viewer brings with it, and what all viewers share."""

from collections.abc import Callable
from typing import Protocol, Self

import msgspec

from hub.counts import Counts
from hub.events import DELIVERIES, Position, format_time, without_nesting
from hub.feed import Feed
from hub.ports import Store
from hub.snapshots import Snapshots
from hub.wire import Encoder, Form


class Connection(Protocol):
    """What a transport offers."""

    form: Form

    def write(self, data: bytes, /) -> bool:
        """Hand over bytes; never waits. Return what `is_behind` does then."""
        ...

    def is_behind(self) -> bool:
        """Whether more has been written than the peer takes."""
        ...

    async def drain(self) -> None:
        """Wait until the peer has taken what was written; raises Gone when it does not, or has left."""
        ...

    def abort(self) -> None:
        """Close at once, with whatever the peer has not read."""
        ...


class Grant(msgspec.Struct, frozen=True):
    """What a viewer follows, until when (seconds since 1970, None: no end), and what else it may follow."""

    # None is beneath another, so that nothing is sent twice.
    topics: frozenset[str]
    expires_at: int | None = None
    permitted: frozenset[str] = frozenset()
    # What it asked for besides, and gets by `topics`.
    covered: frozenset[str] = frozenset()
    # What whoever made its token calls it.
    name: str = ""

    @classmethod
    def of(cls, asked: frozenset[str], permitted: frozenset[str], expires_at: int | None, name: str = "") -> Self:
        """Return the grant of somebody who asked for some topics, and may have them."""
        topics = without_nesting(asked)
        covered = asked - topics if len(topics) < len(asked) else frozenset()
        return cls(topics, expires_at, _with_deliveries(permitted, asked), covered, name)

    @property
    def asked(self) -> frozenset[str]:
        """Every topic that was asked for."""
        return self.topics | self.covered

    @property
    def expiry(self) -> str | None:
        """When it ends, as viewers are told."""
        return format_time(None if self.expires_at is None else self.expires_at * 1000)

    def asking(self, asked: frozenset[str]) -> Self:
        """Return the same for other topics."""
        return self.of(asked, self.permitted, self.expires_at, self.name)

    def renewed(self, permitted: frozenset[str], expires_at: int | None) -> Self:
        """Return the same with another permission."""
        return msgspec.structs.replace(self, permitted=_with_deliveries(permitted, self.asked), expires_at=expires_at)

    def is_over(self, now: int) -> bool:
        """Whether the permission has ended (`now` in milliseconds since 1970)."""
        return self.expires_at is not None and now >= self.expires_at * 1000


class Wish(msgspec.Struct, frozen=True):
    """How a viewer wants to begin: where it was, and whether it wants to be shown the state."""

    position: Position | None = None
    # It was somewhere, though it cannot be told where: it must be told that it lost its place.
    lost: bool = False
    snapshot: bool = True


class Desk(msgspec.Struct, frozen=True):
    """What all viewers share."""

    store: Store
    feed: Feed
    encoder: Encoder
    snapshots: Snapshots
    # Seconds.
    heartbeat: float
    # Events.
    max_lag: int
    # Seconds after which a connection ends by itself, at the latest.
    max_age: float
    # Milliseconds since 1970.
    now: Callable[[], int]
    # A number between 0 and 1.
    chance: Callable[[], float]
    reconnect_token: Callable[[Grant], str]
    counts: Counts = msgspec.field(default_factory=Counts)

    def forget(self) -> None:
        """Keep nothing that was encoded: it may say what has been erased."""
        self.encoder.forget()
        self.snapshots.forget(self.feed.position)


def _with_deliveries(permitted: frozenset[str], asked: frozenset[str]) -> frozenset[str]:
    """What arrives is not in anything else: who may follow it here may follow it again."""
    return permitted | {DELIVERIES} if DELIVERIES in asked else permitted


def with_state(topics: frozenset[str]) -> frozenset[str]:
    """Return the topics that there is a state of: what arrives is shown as it arrives."""
    return topics - {DELIVERIES}
