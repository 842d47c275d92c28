"""A connection to PostgreSQL as the store uses it: queries by name, transactions, and errors in the hub's words."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import asyncpg
import msgspec

from hub.errors import StorageUnavailable, ValueRefused

# `:name`, but not the `::type` of a cast.
_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")

# A holder of the lock that was stopped or cut off is ended by the server: an idle one after two seconds, one whose
# machine is gone as soon as its connection is. Plans are made once: the queries are written for their indexes, and with
# few rows or old statistics the planner would leave these.
_LIMITS = """
    SET LOCAL statement_timeout = '2s';
    SET LOCAL lock_timeout = '2s';
    SET LOCAL idle_in_transaction_session_timeout = '2s';
    SET LOCAL tcp_keepalives_idle = 5;
    SET LOCAL tcp_keepalives_interval = 1;
    SET LOCAL tcp_keepalives_count = 3;
    SET LOCAL tcp_user_timeout = '5s';
    SET LOCAL plan_cache_mode = force_generic_plan;
    SET LOCAL enable_seqscan = off;
    SET LOCAL jit = off;
"""
# Set by the session itself: whatever the server's default is, what was answered is on its disk. The lock comes first,
# and what is read under it is read by later statements: these see everything that its last holder committed.
_WRITING = f"""
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_LIMITS}
    SET LOCAL synchronous_commit = on;
    SELECT pg_advisory_xact_lock('meta'::regclass::oid::bigint);
"""
_READING = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_LIMITS}"

# What one row of many may be blamed for: a value that is out of range or no text, or too long for an index.
_VALUE_REFUSED = ("22", "54")


# While waiting for the lock, or for a statement that took too long.
_LOCK_HELD = ("55P03", "57014")


class LockHeld(StorageUnavailable):
    """Somebody else did not give the writer's lock back in time."""


class Query(msgspec.Struct, frozen=True):
    """A query as PostgreSQL numbers its parameters, and what each of them is called."""

    text: str
    parameters: tuple[str, ...]

    @classmethod
    def of(cls, written: str) -> "Query":
        """Number the parameters of a query that names them."""
        names = tuple(dict.fromkeys(_PARAMETER.findall(written)))
        return cls(_PARAMETER.sub(partial(_numbered, names), written), names)


class Session:
    """A connection with the queries by name."""

    # In quotes: it is generic for type checkers only.
    def __init__(
        self, connection: "asyncpg.Connection[asyncpg.Record]", queries: Mapping[str, Query], *, is_pooled: bool
    ) -> None:
        self.connection = connection
        self._queries = queries
        self._is_pooled = is_pooled

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return self.connection.is_closed()

    def drop(self) -> None:
        """End the connection at once; the server rolls back what was not committed."""
        self.connection.terminate()

    async def rows(self, query: str, /, **values: object) -> Sequence[asyncpg.Record]:
        """Return every row of a query."""
        wanted = self._queries[query]
        if self._is_pooled and not self.connection.is_in_transaction():
            # A query alone is two requests to the driver, and a pooler would give each to another server process.
            async with self.reading():
                return await self.rows(query, **values)
        return await self.connection.fetch(wanted.text, *[values[name] for name in wanted.parameters])

    async def row(self, query: str, /, **values: object) -> asyncpg.Record | None:
        """Return the first row of a query, None when there is none."""
        return next(iter(await self.rows(query, **values)), None)

    async def one(self, query: str, /, **values: object) -> asyncpg.Record:
        """Return the row of a query that always has one."""
        return (await self.rows(query, **values))[0]

    async def write(self, query: str, /, **values: object) -> int:
        """Run a statement, within a transaction; return how many rows it touched."""
        wanted = self._queries[query]
        status = await self.connection.execute(wanted.text, *[values[name] for name in wanted.parameters])
        return int(status.rpartition(" ")[2])

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Take the writer's lock first; then all that is done within is kept, or none of it."""
        async with self._transaction(_WRITING):
            yield

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Let everything that is read within be of one moment."""
        async with self._transaction(_READING):
            yield

    @asynccontextmanager
    async def migrating(self, begin: str) -> AsyncIterator[None]:
        """Change the schema, or leave it as it was."""
        async with self._transaction(begin):
            yield

    @asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[None]:
        # No ROLLBACK: a connection on which anything went wrong is dropped by its owner, and the server rolls back.
        await self.connection.execute(begin)
        yield
        await self.connection.execute("COMMIT")


@contextmanager
def translated(server: str = "PostgreSQL") -> Iterator[None]:
    """Let what the driver raises come out as StorageUnavailable; as ValueRefused where a value is to blame.

    PostgreSQL's own message may quote what was to be written; its code does not.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        code = error.sqlstate or type(error).__name__
        if code in _LOCK_HELD:
            raise LockHeld(f"{server}: somebody holds the writer's lock ({code})") from error
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError | asyncpg.ObjectNotInPrerequisiteStateError):
            raise StorageUnavailable(f"{server} is read-only, as a standby is: name the primary ({code})") from error
        if code.startswith(_VALUE_REFUSED):
            raise ValueRefused(f"{server} does not take a value: {code}") from None
        raise StorageUnavailable(f"{server} did not take the work: {type(error).__name__} ({code})") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        raise StorageUnavailable(f"{server} does not answer: {type(error).__name__}") from error


def _numbered(names: Sequence[str], found: re.Match[str]) -> str:
    return f"${names.index(found[1]) + 1}"
