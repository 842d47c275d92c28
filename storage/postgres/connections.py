"""Connections to one PostgreSQL database: opened when they are needed, dropped when they fail."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from hub.errors import StorageUnavailable
from storage.postgres.addresses import Address
from storage.postgres.session import Query, Session, translated

# Of one piece of work, connecting included; the server gives up each of its statements after two.
WORK_SECONDS = 4.0
_READERS = 8


class Connections:
    """One connection for what the writer does, and some for those who read."""

    def __init__(self, address: Address, queries: Mapping[str, Query]) -> None:
        self._address = address
        self._queries = queries
        self._writer: Session | None = None
        self._turn = asyncio.Lock()
        self._free: list[Session] = []
        self._readers = asyncio.Semaphore(_READERS)
        self._is_closed = False

    @asynccontextmanager
    async def writer(self, seconds: float = WORK_SECONDS) -> AsyncIterator[Session]:
        """Be the only one in this process that writes, for some seconds at most."""
        async with self._turn, self._working(self._writer, seconds) as session:
            self._writer = session
            yield session

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Session]:
        """Read something, beside whoever else reads."""
        with translated():
            # A line that does not move is a server that does not answer.
            async with asyncio.timeout(WORK_SECONDS):
                await self._readers.acquire()
        try:
            known = self._free.pop() if self._free else None
            async with self._working(known, WORK_SECONDS) as session:
                yield session
            if self._is_closed:
                session.drop()
            else:
                self._free.append(session)
        finally:
            self._readers.release()

    async def close(self) -> None:
        """Let go of all connections when the writer is done; whoever comes from now on is refused."""
        self._is_closed = True
        async with self._turn:
            for session in (*self._free, *([self._writer] if self._writer else [])):
                session.drop()
            self._free, self._writer = [], None

    @asynccontextmanager
    async def _working(self, known: Session | None, seconds: float) -> AsyncIterator[Session]:
        """Work on a connection; after anything went wrong it is dropped, since nobody knows what is left in it."""
        if self._is_closed:
            raise StorageUnavailable("the store is closed")
        session = known
        with translated():
            try:
                async with asyncio.timeout(seconds):
                    if session is None or session.is_lost:
                        session = Session(
                            await self._address.connect(), self._queries, is_pooled=self._address.is_pooled
                        )
                    yield session
            except BaseException:
                # Whatever it was, a cancellation too: nobody knows what the server is still doing for it.
                if session is not None:
                    session.drop()
                raise
