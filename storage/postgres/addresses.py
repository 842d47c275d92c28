"""Where PostgreSQL is: what `storage.url` may say, and what is found there."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import asyncpg
import msgspec

from hub.errors import StorageRefused, StorageUnavailable
from storage.postgres.session import translated

# For each of the servers that an address names.
CONNECT_SECONDS = 1.5

_EXPECTED = (
    "storage.url: expected postgresql://[user:password@]host[:port][,host[:port]]/database, with options that exist "
    "(?name=value) and with special characters of a password percent-encoded"
)
_HOST = r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:@/?#,\[\]]+)(?::\d{1,5})?"
_URL = re.compile(
    rf"(?P<scheme>postgres(?:ql)?://)(?P<login>[^\s/?#@]*@)?(?P<hosts>(?:{_HOST}(?:,{_HOST})*)?)"
    r"(?P<database>/[^\s?#@/]*)?(?P<options>\?[^\s#]*)?"
)

# What no later attempt will mend: wrong credentials, an unknown database, no rights in it, an option that there is not.
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedObjectError,
    asyncpg.CantChangeRuntimeParamError,
    asyncpg.UndefinedColumnError,
)


class Address:
    """A database on one of several servers; the one that took us last is tried first.

    Behind a pooler, such as pgbouncer, nothing may be kept in a session of the server.
    """

    def __init__(self, urls: Sequence[str], shown: str) -> None:
        self.is_pooled = False
        # Server and database, without user and password.
        self.shown = shown
        self._urls = list(urls)

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a connection; raises what the driver raises, of the last server."""
        remembered = 0 if self.is_pooled else 100
        for place, url in enumerate(self._urls, 1):
            try:
                # The driver's own limit is for all servers together: one that is silent would hide the next.
                connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, statement_cache_size=remembered)
            except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.CannotConnectNowError):
                if place == len(self._urls):
                    raise
            else:
                self._urls.insert(0, self._urls.pop(place - 1))
                return connection
        raise AssertionError("an address has at least one server")


class Look(msgspec.Struct, frozen=True):
    """What was found of a database."""

    number: int
    encoding: str


async def found(url: str) -> Address:
    """Look at the database once, and at what is in between. Raises StorageRefused, and StorageUnavailable."""
    address = read_address(url)
    # Until it is known that nobody is in between.
    address.is_pooled = True
    with translated(f"PostgreSQL at {address.shown}"), refusals(address):
        connection = await address.connect()
        try:
            look = await _look(connection)
            # The number that was given with the connection is the server's own, unless somebody is in between.
            address.is_pooled = look.number != connection.get_server_pid()
        finally:
            connection.terminate()
    if look.encoding != "UTF8":
        raise StorageRefused(f"the database {address.shown} is encoded as {look.encoding}; expected UTF8")
    return address


def read_address(url: str) -> Address:
    """Understand `storage.url`. Raises StorageRefused, which never shows it: it may hold a password."""
    parts = _URL.fullmatch(url)
    if parts is None:
        raise StorageRefused(_EXPECTED)
    rest = (parts["database"] or "") + (parts["options"] or "")
    urls = [f"{parts['scheme']}{parts['login'] or ''}{host}{rest}" for host in parts["hosts"].split(",")]
    return Address(urls, f"{parts['hosts'] or 'localhost'}{parts['database'] or ''}")


@contextmanager
def refusals(address: Address) -> Iterator[None]:
    """Let what no later attempt will mend come out as StorageRefused, with the server's own words."""
    try:
        yield
    except (
        StorageUnavailable,
        asyncpg.PostgresError,
        OSError,
        ValueError,
        asyncpg.ClientConfigurationError,
    ) as problem:
        cause = problem.__cause__ if isinstance(problem, StorageUnavailable) else problem
        if isinstance(cause, _REFUSED):
            raise StorageRefused(f"storage.url: PostgreSQL at {address.shown} refuses: {cause}") from cause
        if isinstance(cause, PermissionError):
            # The driver looks for certificates in the home, the system guards the sockets of other users.
            place = cause.filename or address.shown
            raise StorageRefused(f"storage.url: {place} may not be read by this user") from cause
        if isinstance(cause, ValueError | asyncpg.ClientConfigurationError):
            # Not chained: these quote what they do not like.
            raise StorageRefused(_EXPECTED) from None
        raise


async def _look(connection: "asyncpg.Connection[asyncpg.Record]") -> Look:
    async with asyncio.timeout(CONNECT_SECONDS), connection.transaction():
        row = await connection.fetchrow("SELECT pg_backend_pid(), current_setting('server_encoding')")
    assert row is not None
    return Look(row[0], row[1])
