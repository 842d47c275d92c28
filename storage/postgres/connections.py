"""Connections to one PostgreSQL database: opened when they are needed, dropped when they fail."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import msgspec

from hub.errors import StorageRefused, StorageUnavailable
from storage.postgres.session import Query, Session, translated

CONNECT_SECONDS = 2.0
# Of one piece of work, connecting included; the server gives up each of its statements after two.
WORK_SECONDS = 4.0
_READERS = 8

# What no later attempt will mend: wrong credentials, an unknown database or no rights in it.
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)


class Address(msgspec.Struct, frozen=True):
    """Where the database is. Behind a pooler, such as pgbouncer, nothing may be kept in a session of the server."""

    url: str
    is_pooled: bool = False

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a connection; raises what the driver raises."""
        remembered = 0 if self.is_pooled else 100
        return await asyncpg.connect(self.url, timeout=CONNECT_SECONDS, statement_cache_size=remembered)


async def found(url: str) -> Address:
    """Look at the database once, and at what is in between. Raises StorageRefused, and StorageUnavailable."""
    with translated(f"PostgreSQL at {shown(url)}"):
        try:
            connection = await Address(url, is_pooled=True).connect()
        except _REFUSED as refusal:
            raise StorageRefused(f"storage.url: PostgreSQL at {shown(url)} refuses: {refusal}") from refusal
        except PermissionError as problem:
            # The driver looks for certificates in the home, the system guards the sockets of other users.
            raise StorageRefused(
                f"storage.url: {problem.filename or shown(url)} may not be read by this user"
            ) from problem
        except (ValueError, asyncpg.ClientConfigurationError) as problem:
            raise StorageRefused(f"storage.url: expected postgresql://user:password@host/database: {problem}") from None
        try:
            # The number that was given with the connection is the server's own, unless somebody is in between.
            async with connection.transaction():
                number = await connection.fetchval("SELECT pg_backend_pid()", timeout=CONNECT_SECONDS)
            return Address(url, is_pooled=number != connection.get_server_pid())
        finally:
            connection.terminate()


def shown(url: str) -> str:
    """Return server and database of a URL, without user and password."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2] or 'localhost'}{parts.path}"


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
        async with self._readers:
            known = self._free.pop() if self._free else None
            async with self._working(known, WORK_SECONDS) as session:
                yield session
            if not self._is_closed:
                self._free.append(session)
                return
            session.drop()

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
                if session is not None:
                    session.drop()
                raise
