"""One SQLite file: who may open it, and connections that each live in a thread of their own."""

import asyncio
import fcntl
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from hub.errors import StorageInUse, StorageRefused, StorageUnavailable
from storage.queries import Migration

Answer = TypeVar("Answer")

_BUSY_SECONDS = 2.0
_WRITER = (
    "PRAGMA journal_mode = WAL",
    # An answered webhook is on the disk, not on its way there.
    "PRAGMA synchronous = FULL",
    # 64 MiB instead of 4: a page that many commits change is copied into the file once.
    "PRAGMA wal_autocheckpoint = 16000",
    # What is erased is overwritten, not only forgotten.
    "PRAGMA secure_delete = ON",
    # What one long read made the journal grow to is given back afterwards.
    "PRAGMA journal_size_limit = 67108864",
)
_READER = ("PRAGMA query_only = ON",)
# 32 MiB of pages each.
_BOTH = ("PRAGMA foreign_keys = OFF", "PRAGMA cache_size = -32768")


class Session:
    """A connection as the work in its thread sees it: queries by name, and transactions."""

    def __init__(self, sqlite: sqlite3.Connection, queries: Mapping[str, str]) -> None:
        self.sqlite = sqlite
        self._queries = queries

    def rows(self, query: str, /, **values: object) -> list[sqlite3.Row]:
        """Return every row of a query."""
        return self.sqlite.execute(self._queries[query], values).fetchall()

    def row(self, query: str, /, **values: object) -> sqlite3.Row | None:
        """Return the first row of a query, None when there is none."""
        return next(iter(self.rows(query, **values)), None)

    def one(self, query: str, /, **values: object) -> sqlite3.Row:
        """Return the row of a query that always has one."""
        return self.rows(query, **values)[0]

    def write(self, query: str, /, **values: object) -> int:
        """Run a statement; return how many rows it touched."""
        return self.sqlite.execute(self._queries[query], values).rowcount

    def write_all(self, query: str, rows: Iterable[tuple[object, ...] | dict[str, object]]) -> None:
        """Run a statement once for each row."""
        self.sqlite.executemany(self._queries[query], rows)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Take the writer lock first; then all that is done within is kept, or none of it."""
        return self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let everything that is read within be of one moment."""
        return self._transaction("BEGIN")

    def settle(self) -> None:
        """Bring the journal, which holds pages as they were, into the file; while somebody reads it, that waits."""
        self.sqlite.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _transaction(self, begin: str) -> Iterator[None]:
        self.sqlite.execute(begin)
        try:
            yield
            self.sqlite.execute("COMMIT")
        except BaseException:
            # Some errors (a full disk) have rolled back by themselves.
            if self.sqlite.in_transaction:
                self.sqlite.execute("ROLLBACK")
            raise


class Connection:
    """A connection and the one thread that uses it."""

    def __init__(self, thread: ThreadPoolExecutor, session: Session) -> None:
        self._thread = thread
        self._session = session

    def submit(self, work: Callable[[Session], Answer]) -> asyncio.Future[Answer]:
        """Let the thread do the work; what SQLite raises in it comes out as StorageUnavailable."""
        loop = asyncio.get_running_loop()
        try:
            return loop.run_in_executor(self._thread, _answer, work, self._session)
        except RuntimeError as refused:
            raise StorageUnavailable("the store is closed") from refused


@asynccontextmanager
async def connected(path: Path, name: str, queries: Mapping[str, str], *, writes: bool) -> AsyncIterator[Connection]:
    """Open a connection in a thread of that name, and close both afterwards, when all work handed in is done."""
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
    loop = asyncio.get_running_loop()
    try:
        session = await loop.run_in_executor(thread, _open, path, queries, writes)
        try:
            yield Connection(thread, session)
        finally:
            # The last connection that closes brings the journal into the file.
            await asyncio.shield(loop.run_in_executor(thread, session.sqlite.close))
    finally:
        thread.shutdown()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only hub on a file, whose folder is made if need be.

    The kernel lets go of the lock however the process ends. Raises StorageInUse when another hub holds it.
    """
    with _lock_file(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise StorageInUse(f"another hub is running on {path}: an SQLite file serves only one") from held
        _keep_private(path)
        yield


def migrate(session: Session, migrations: Sequence[Migration]) -> None:
    """Bring the schema up to date, each step in a transaction of its own.

    Raises StorageRefused when the schema is newer than any migration.
    """
    (version,) = session.sqlite.execute("PRAGMA user_version").fetchone()
    newest = migrations[-1].number
    if version > newest:
        raise StorageRefused(f"the SQLite file has schema {version}, this hub knows up to {newest}: run a newer hub")
    for migration in migrations:
        if migration.number > version:
            _apply(session.sqlite, migration)


def _lock_file(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(f"{path}.lock", "ab")
    except OSError as error:
        raise StorageUnavailable(f"{path} cannot be written: {error.strerror}") from error


def _keep_private(path: Path) -> None:
    """Let nobody else read a database, which holds webhooks as they came: names, addresses, presigned links."""
    try:
        # SQLite gives its journals the mode that the file has.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageUnavailable(f"{path} cannot be written: {error.strerror}") from error
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        # Of earlier versions; who was let in by a group stays. That of somebody else is theirs to change.
        with suppress(FileNotFoundError, PermissionError):
            file.chmod(file.stat().st_mode & ~stat.S_IRWXO)


def _open(path: Path, queries: Mapping[str, str], writes: bool) -> Session:
    with ExitStack() as undoing:
        try:
            # Transactions are begun by name, never by the driver.
            sqlite = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            undoing.callback(sqlite.close)
            for pragma in (*_BOTH, *(_WRITER if writes else _READER)):
                sqlite.execute(pragma)
        except sqlite3.Error as error:
            raise _unavailable(error) from error
        sqlite.row_factory = sqlite3.Row
        undoing.pop_all()
        return Session(sqlite, queries)


def _answer(work: Callable[[Session], Answer], session: Session) -> Answer:
    try:
        return work(session)
    except sqlite3.Error as error:
        raise _unavailable(error) from error


def _apply(sqlite: sqlite3.Connection, migration: Migration) -> None:
    try:
        sqlite.executescript(f"BEGIN IMMEDIATE; {migration.script}; PRAGMA user_version = {migration.number}; COMMIT")
    except sqlite3.Error:
        if sqlite.in_transaction:
            sqlite.execute("ROLLBACK")
        raise


def _unavailable(error: sqlite3.Error) -> StorageUnavailable:
    # SQLite's own message may quote what was to be written; its code does not.
    code = getattr(error, "sqlite_errorname", type(error).__name__)
    return StorageUnavailable(f"SQLite did not take the work: {code}")
