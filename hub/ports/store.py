"""The port of the durable log."""

from collections.abc import Sequence
from typing import Protocol

from hub.events import Delivery, Position
from hub.ports.arrivals import ArrivalQuery, Arrivals, Kept, Refusal
from hub.ports.commits import Committed
from hub.ports.reads import Page, Query, Reading, Snapshot
from hub.ports.traffic import Traffic, TrafficQuery


class Store(Protocol):
    """The durable log and the state folded from it.

    Every method raises StorageUnavailable when the store does not answer; nothing then was promised.
    """

    async def commit(self, deliveries: Sequence[Delivery]) -> Committed:
        """Make deliveries, their events and the state durable in one transaction, or none of them."""
        ...

    async def position(self) -> Position:
        """Return the head of the log."""
        ...

    async def page(self, topics: frozenset[str], after: int, limit: int) -> Page:
        """Return events of the topics after a sequence, at most `limit`, in order.

        Rows and floor are read in one statement, so that nothing can be trimmed in between unnoticed.
        """
        ...

    async def read(self, query: Query) -> Reading:
        """Return documents in the asked order."""
        ...

    async def document(self, topic: str) -> Reading:
        """Return one document (or none) and the position at which it was read."""
        ...

    async def people(self, rooms: Sequence[str]) -> Reading:
        """Return every participant of some rooms (topics), room by room, who came first first."""
        ...

    async def overlapping(self, since: int, until: int, after: str, limit: int) -> Reading:
        """Return at most `limit` rooms that were going on at some time of a period, by topic, from after one on."""
        ...

    async def transcript(self, bot: str) -> tuple[bytes, ...]:
        """Return every segment of the latest transcript of a bot (topic), in no order."""
        ...

    async def snapshot(self, topics: frozenset[str], ended_after: int) -> Snapshot:
        """Return what is not over or ended after a time, in one consistent read.

        A single bot or room among the topics is there whenever it ended, with its parts.
        """
        ...

    async def arrivals(self, query: ArrivalQuery) -> Arrivals:
        """Return what arrived, newest first: deliveries, and, where no subject is asked for, refused requests."""
        ...

    async def arrival(self, identity: str) -> Kept | None:
        """Return a delivery (`17`) or a refused request (`q17`) whole, None when there is none by this id."""
        ...

    async def traffic(self, query: TrafficQuery) -> Traffic:
        """Return how much arrived by some sources within a period, and what of all nobody has looked after."""
        ...

    async def quarantine(self, refusals: Sequence[Refusal], limit: int) -> tuple[str, ...]:
        """Keep refused requests, of each source the latest `limit`; return their ids."""
        ...

    async def release(self, identity: str) -> None:
        """Let a refused request go; nothing happens when it is gone already."""
        ...

    async def trim(self, before: int) -> int:
        """Raise the floor above what was received before a time, then delete it; return how many deliveries went."""
        ...

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take a lease that is free or has run out, or make one's own last longer; return whether it is the holder's.

        It ends so many seconds from now by the store's clock; one of 0 seconds is let go of.
        """
        ...

    async def new_epoch(self, epoch: str, instead_of: str = "") -> None:
        """Give the log a new name, so that no position of before can be resumed.

        With `instead_of` only if that is still its name: of many who find something wrong with it, one renames it.
        """
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the store."""
        ...
