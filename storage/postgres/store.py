"""The port `Store` on a PostgreSQL database: one writer at a time among all processes, and readers beside it."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from hub.errors import StorageUnavailable
from hub.events import Delivery, Position
from hub.ports import (
    ArrivalQuery,
    Arrivals,
    Committed,
    Kept,
    Page,
    Query,
    Reading,
    Refusal,
    Snapshot,
    Traffic,
    TrafficQuery,
)
from storage.postgres import deliveries, reading
from storage.postgres.addresses import found, refusals
from storage.postgres.committing import Folder, commit
from storage.postgres.connections import Connections
from storage.postgres.migrating import MIGRATION_SECONDS, check, learn, migrate
from storage.postgres.session import LockHeld
from storage.postgres.session import Query as Statement
from storage.queries import load_migrations, load_queries

_DIALECT = "postgres"
_CHUNK = 1000
# A transaction of the writer is ended by the server long before.
_LOCK_SECONDS = 5.0


class PostgresStore:
    """The durable log and the state of a hub of any number of processes and machines.

    Every method raises StorageUnavailable when PostgreSQL does not answer, in time or at all, and after `close`; and
    ValueRefused (or another ValueError) for a value that PostgreSQL cannot keep.
    """

    def __init__(self, connections: Connections, folder: Folder, make_epoch: Callable[[], str]) -> None:
        self._connections = connections
        self._folder = folder
        self._make_epoch = make_epoch
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hub-postgres-fold")

    @classmethod
    async def open(cls, url: str, folder: Folder, make_epoch: Callable[[], str], *, migrates: bool = True) -> Self:
        """Open the database of `postgresql://user:password@host:port/database`; make or update its schema if allowed.

        A new log, and one in a database that was restored, gets its name from `make_epoch`. Raises StorageRefused when
        the server refuses, or the schema is of another hub, and StorageUnavailable when it does not answer.
        """
        queries = {name: Statement.of(query) for name, query in load_queries(_DIALECT).items()}
        address = await found(url)
        store = cls(Connections(address, queries), folder, make_epoch)
        try:
            with refusals(address):
                await store._prepare(migrates=migrates)
        except BaseException:
            # Whatever it was, a cancellation too: nobody else can close it.
            await store.close()
            raise
        return store

    async def commit(self, deliveries: Sequence[Delivery]) -> Committed:
        """Make deliveries, their events and the state durable in one transaction, or none of them.

        When the answer to the last round trip is lost, they may be durable although this raises.
        """
        try:
            async with self._connections.writer() as session:
                return await commit(session, self._thread, self._folder, self._make_epoch, deliveries)
        except LockHeld:
            await self._free_lock()
            raise

    async def position(self) -> Position:
        """Return the head of the log."""
        async with self._connections.reader() as session:
            return await reading.position(session)

    async def page(self, topics: frozenset[str], after: int, limit: int) -> Page:
        """Return events of the topics after a sequence, at most `limit`, in order."""
        async with self._connections.reader() as session:
            return await reading.page(session, topics, after, limit)

    async def read(self, query: Query) -> Reading:
        """Return documents in the asked order: newest first, or, those of one parent, oldest first."""
        async with self._connections.reader() as session:
            return await reading.read(session, query)

    async def document(self, topic: str) -> Reading:
        """Return one document (or none) and the position at which it was read."""
        async with self._connections.reader() as session:
            return await reading.document(session, topic)

    async def people(self, rooms: Sequence[str]) -> Reading:
        """Return every participant of some rooms (topics), room by room, who came first first."""
        async with self._connections.reader() as session:
            return await reading.people(session, rooms)

    async def overlapping(self, since: int, until: int, after: str, limit: int) -> Reading:
        """Return at most `limit` rooms that were going on at some time of a period, by topic, from after one on."""
        async with self._connections.reader() as session:
            return await reading.overlapping(session, since, until, after, limit)

    async def transcript(self, bot: str) -> tuple[bytes, ...]:
        """Return every segment of the latest transcript of a bot (topic), in no order."""
        async with self._connections.reader() as session:
            return await reading.transcript(session, bot)

    async def snapshot(self, topics: frozenset[str], ended_after: int) -> Snapshot:
        """Return what is not over or ended after a time, in one consistent read."""
        async with self._connections.reader() as session:
            return await reading.snapshot(session, topics, ended_after)

    async def arrivals(self, query: ArrivalQuery) -> Arrivals:
        """Return what arrived, newest first: deliveries, and, where no subject is asked for, refused requests."""
        async with self._connections.reader() as session:
            return await deliveries.arrivals(session, query)

    async def arrival(self, identity: str) -> Kept | None:
        """Return a delivery (`17`) or a refused request (`q17`) whole, None when there is none by this id."""
        async with self._connections.reader() as session:
            return await deliveries.arrival(session, identity)

    async def traffic(self, query: TrafficQuery) -> Traffic:
        """Return how much arrived by some sources within a period, and what of all nobody has looked after."""
        async with self._connections.reader() as session:
            return await deliveries.traffic(session, query)

    async def quarantine(self, refusals: Sequence[Refusal], limit: int) -> tuple[str, ...]:
        """Keep refused requests, of each source the latest `limit`; return their ids."""
        async with self._connections.writer() as session:
            return await deliveries.quarantine(session, refusals, limit)

    async def release(self, identity: str) -> None:
        """Let a refused request go; nothing happens when it is gone already."""
        async with self._connections.writer() as session:
            await deliveries.release(session, identity)

    async def trim(self, before: int) -> int:
        """Raise the floor above what was received before a time, then delete it; return how many deliveries went.

        Commits get in between the steps; what a crash leaves undone is done by the next call.
        """
        await self._change("raise_floor", before=before)
        while await self._change("trim_events", limit=_CHUNK):
            pass
        await self._change("trim_quarantine", before=before)
        total = 0
        while gone := await self._change("trim_deliveries", before=before, limit=_CHUNK):
            total += gone
        return total

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take a lease that is free or has run out, or make one's own last longer; return whether it is held."""
        return bool(await self._change("lease", name=name, holder=holder, duration=round(seconds * 1000)))

    async def new_epoch(self, epoch: str, instead_of: str = "") -> None:
        """Give the log a new name, so that no position of before can be resumed."""
        async with self._connections.writer() as session, session.writing():
            if instead_of in ("", (await reading.position(session)).epoch):
                await session.write("name_log", epoch=epoch)

    async def close(self) -> None:
        """Finish what is under way and let go of the connections."""
        await self._connections.close()
        await asyncio.to_thread(self._thread.shutdown)

    async def _prepare(self, *, migrates: bool) -> None:
        steps = load_migrations(_DIALECT)
        async with self._connections.writer(MIGRATION_SECONDS) as session:
            await (migrate(session, steps) if migrates else check(session, steps))
            await learn(session)
        # Names a new log, and one that was restored.
        await self.commit([])

    async def _change(self, query: str, **values: object) -> int:
        async with self._connections.writer() as session, session.writing():
            return await session.write(query, **values)

    async def _free_lock(self) -> None:
        """End whoever holds the writer's lock without an end: one that was stopped while it was being answered."""
        with contextlib.suppress(StorageUnavailable):
            async with self._connections.writer() as session:
                await session.rows("free_lock", seconds=_LOCK_SECONDS)
