"""The port `Store` on one SQLite file: a thread that writes, a thread that reads."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Self

from hub.errors import StorageRefused
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
from storage.queries import load_migrations, load_queries
from storage.sqlite import deliveries, reading, trimming
from storage.sqlite.committing import Folder, commit
from storage.sqlite.connection import Answer, Connection, Session, connected, locked, migrate

_SCHEME = "sqlite:///"
_DIALECT = "sqlite"


class SqliteStore:
    """The durable log and the state of a hub that runs as one process.

    Every method raises StorageUnavailable when SQLite refuses, and after `close`.
    """

    def __init__(self, writer: Connection, reader: Connection, folder: Folder, resources: AsyncExitStack) -> None:
        self._writer = writer
        self._reader = reader
        self._folder = folder
        self._resources = resources

    @classmethod
    async def open(cls, url: str, folder: Folder, make_epoch: Callable[[], str]) -> Self:
        """Open the file of `sqlite:///relative` or `sqlite:////absolute`; make it, and its folder, if need be.

        A new log gets its name from `make_epoch`. Raises StorageRefused when the URL is another, when another
        hub holds the file, or when a newer hub wrote it.
        """
        path = _path_of(url)
        queries = load_queries(_DIALECT)
        async with AsyncExitStack() as resources:
            resources.enter_context(locked(path))
            writer = await resources.enter_async_context(connected(path, "hub-sqlite-writer", queries, writes=True))
            await writer.submit(partial(_prepare, make_epoch=make_epoch))
            reader = await resources.enter_async_context(connected(path, "hub-sqlite-reader", queries, writes=False))
            return cls(writer, reader, folder, resources.pop_all())

    async def commit(self, deliveries: Sequence[Delivery]) -> Committed:
        """Make deliveries, their events and the state durable in one transaction, or none of them.

        The transaction is carried through even if the caller is cancelled while it waits.
        """
        return await self._write(lambda session: commit(session, self._folder, deliveries))

    async def position(self) -> Position:
        """Return the head of the log."""
        return await self._reader.submit(reading.position)

    async def page(self, topics: frozenset[str], after: int, limit: int) -> Page:
        """Return events of the topics after a sequence, at most `limit`, in order."""
        return await self._reader.submit(lambda session: reading.page(session, topics, after, limit))

    async def read(self, query: Query) -> Reading:
        """Return documents in the asked order: newest first, or, those of one parent, oldest first."""
        return await self._reader.submit(lambda session: reading.read(session, query))

    async def document(self, topic: str) -> Reading:
        """Return one document (or none) and the position at which it was read."""
        return await self._reader.submit(lambda session: reading.document(session, topic))

    async def people(self, rooms: Sequence[str]) -> Reading:
        """Return every participant of some rooms (topics), room by room, who came first first."""
        return await self._reader.submit(lambda session: reading.people(session, rooms))

    async def overlapping(self, since: int, until: int, after: str, limit: int) -> Reading:
        """Return at most `limit` rooms that were going on at some time of a period, by topic, from after one on."""
        return await self._reader.submit(lambda session: reading.overlapping(session, since, until, after, limit))

    async def transcript(self, bot: str) -> tuple[bytes, ...]:
        """Return every segment of the latest transcript of a bot (topic), in no order."""
        return await self._reader.submit(lambda session: reading.transcript(session, bot))

    async def snapshot(self, topics: frozenset[str], ended_after: int) -> Snapshot:
        """Return what is not over or ended after a time, in one consistent read."""
        return await self._reader.submit(lambda session: reading.snapshot(session, topics, ended_after))

    async def arrivals(self, query: ArrivalQuery) -> Arrivals:
        """Return what arrived, newest first: deliveries, and, where no subject is asked for, refused requests."""
        return await self._reader.submit(lambda session: deliveries.arrivals(session, query))

    async def arrival(self, identity: str) -> Kept | None:
        """Return a delivery (`17`) or a refused request (`q17`) whole, None when there is none by this id."""
        return await self._reader.submit(lambda session: deliveries.arrival(session, identity))

    async def traffic(self, query: TrafficQuery) -> Traffic:
        """Return how much arrived by some sources within a period, and what of all nobody has looked after."""
        return await self._reader.submit(lambda session: deliveries.traffic(session, query))

    async def quarantine(self, refusals: Sequence[Refusal], limit: int) -> tuple[str, ...]:
        """Keep refused requests, of each source the latest `limit`; return their ids."""
        return await self._write(lambda session: deliveries.quarantine(session, refusals, limit))

    async def release(self, identity: str) -> None:
        """Let a refused request go; nothing happens when it is gone already."""
        await self._write(lambda session: deliveries.release(session, identity))

    async def trim(self, before: int) -> int:
        """Raise the floor above what was received before a time, then delete it; return how many deliveries went.

        Commits get in between the steps; what a crash leaves undone is done by the next call.
        """
        await self._write(lambda session: trimming.raise_floor(session, before))
        while await self._write(trimming.trim_events):
            pass
        await self._write(lambda session: trimming.trim_quarantine(session, before))
        total = 0
        while gone := await self._write(lambda session: trimming.trim_deliveries(session, before)):
            total += gone
        return total

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take a lease that is free or has run out, or make one's own last longer; return whether it is held."""
        duration = round(seconds * 1000)
        return bool(
            await self._write(lambda session: session.write("lease", name=name, holder=holder, duration=duration))
        )

    async def new_epoch(self, epoch: str, instead_of: str = "") -> None:
        """Give the log a new name, so that no position of before can be resumed."""
        await self._write(lambda session: session.write("new_epoch", epoch=epoch, instead_of=instead_of))

    async def close(self) -> None:
        """Finish what is under way, bring the journal into the file and let go of it."""
        await self._resources.aclose()

    async def _write(self, work: Callable[[Session], Answer]) -> Answer:
        # Cancelling the one who waits must not cancel work that is still queued behind other work.
        return await asyncio.shield(self._writer.submit(work))


def _path_of(url: str) -> Path:
    """Return the file of a URL; absolute and without symbolic links, so that one file has one lock."""
    name = url.removeprefix(_SCHEME)
    if name in ("", url):
        raise StorageRefused("storage.url: expected sqlite:///relative or sqlite:////absolute")
    return Path(name).resolve()


def _prepare(session: Session, make_epoch: Callable[[], str]) -> None:
    migrate(session, load_migrations(_DIALECT))
    if session.one("place")["epoch"] is None:
        session.write("name_log", epoch=make_epoch())
