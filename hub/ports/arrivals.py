"""What arrived, as it is listed and kept: deliveries, and requests that did not prove themselves."""

import msgspec

from hub.events import Delivery, Event, Position

# What became of a request that did not prove itself, and what its id begins with.
REFUSED = "refused"
REFUSED_PREFIX = "q"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A request that did not prove itself, as it is kept for a second look; its headers hold no static secret."""

    source: str
    received_at: int
    # What was wrong with its proof.
    reason: str
    # Where it came from.
    address: str
    # The hash of the key in its path, where there was one.
    path_key: str
    headers: tuple[tuple[str, str], ...]
    # The bytes; None when they were too many to be kept, and it can never be verified.
    body: bytes | None
    # Of the body: how many bytes, and their SHA-256 in hexadecimal digits.
    size: int
    digest: str


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """What a list shows of one thing that arrived: a delivery, or a request that was refused."""

    # `17` for a delivery, `q17` for a refused request.
    id: str
    source: str
    # accepted, dead or refused
    verdict: str
    reason: str
    received_at: int
    size: int
    provider_type: str = ""
    # When what it tells of happened, None when it tells nothing.
    event_time: int | None = None
    copies: int = 0
    last_copy_at: int | None = None
    # How many events of it are in the log.
    events: int = 0


class Arrivals(msgspec.Struct, frozen=True):
    """Some of what arrived, and the position at which that was read."""

    items: tuple[Arrived, ...]
    position: Position


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that arrived, whole, and the position at which it was read."""

    arrived: Arrived
    # A delivery is without its facts, which are not kept.
    original: Delivery | Refusal
    position: Position
    events: tuple[Event, ...] = ()


class ArrivalQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which of what arrived is asked for, newest first; empty fields do not restrict."""

    source: str = ""
    # accepted, dead or refused
    verdict: str = ""
    # A topic that its facts are about.
    subject: str = ""
    # Received at or after, and before (milliseconds).
    since: int | None = None
    until: int | None = None
    # The (received_at, id) after which to go on.
    after: tuple[int, str] | None = None
    limit: int = 100
