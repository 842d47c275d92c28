"""A hub with another store or batch limit, as a server: the baselines of durable ingestion."""

import asyncio
import os
import sys
from collections.abc import Sequence

import uvloop

from hub import app, config, telemetry
from hub.events import Delivery, Position
from hub.ingest import BATCH_LIMIT
from hub.ports import (
    ArrivalQuery,
    Arrivals,
    Committed,
    Kept,
    Outcome,
    Page,
    Query,
    Reading,
    Refusal,
    Snapshot,
    Status,
    Store,
    Traffic,
    TrafficQuery,
    Unhandled,
)
from hub.process import spare_what_is_loaded


class InstantStore:
    """Accepts everything at once and keeps nothing."""

    async def commit(self, deliveries: Sequence[Delivery]) -> Committed:
        return Committed(tuple(Outcome(Status.ACCEPTED, 1) for _ in deliveries), (), "none")

    async def position(self) -> Position:
        return Position(epoch="none", sequence=0)

    async def page(self, topics: frozenset[str], after: int, limit: int) -> Page:
        return Page((), 0, 0, 0, "none")

    async def read(self, query: Query) -> Reading:
        return Reading((), await self.position())

    async def document(self, topic: str) -> Reading:
        return Reading((), await self.position())

    async def people(self, rooms: Sequence[str]) -> Reading:
        return Reading((), await self.position())

    async def overlapping(self, since: int, until: int, after: str, limit: int) -> Reading:
        return Reading((), await self.position())

    async def transcript(self, bot: str) -> tuple[bytes, ...]:
        return ()

    async def snapshot(self, topics: frozenset[str], ended_after: int) -> Snapshot:
        return Snapshot(await self.position(), ())

    async def arrivals(self, query: ArrivalQuery) -> Arrivals:
        return Arrivals((), await self.position())

    async def arrival(self, identity: str) -> Kept | None:
        return None

    async def traffic(self, query: TrafficQuery) -> Traffic:
        return Traffic((), query.since, Unhandled(count=0, oldest=None), await self.position())

    async def quarantine(self, refusals: Sequence[Refusal], limit: int) -> tuple[str, ...]:
        return ()

    async def release(self, identity: str) -> None:
        return None

    async def trim(self, before: int) -> int:
        return 0

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        return True

    async def new_epoch(self, epoch: str, instead_of: str = "") -> None:
        return None

    async def close(self) -> None:
        return None


def main() -> None:
    settings = config.load(None, os.environ)
    telemetry.set_up(settings.log)
    store: Store | None = InstantStore() if "instant" in sys.argv else None
    spare_what_is_loaded()
    limit = 1 if "single" in sys.argv else BATCH_LIMIT
    uvloop.run(app.serve_until(asyncio.Event(), settings, lambda *_: None, store=store, batch_limit=limit))


if __name__ == "__main__":
    main()
