"""The store on an SQLite file: the contract, and what is special to a file."""

import asyncio
import contextlib
import itertools
import re
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from hub.errors import StorageRefused, StorageUnavailable
from hub.events import Delivery, Fact, Kind, Verdict
from hub.ports import Foldable, Query, Store
from storage.queries import load_migrations, load_queries
from storage.sqlite import SqliteStore
from storage.sqlite.connection import connected
from tests.contracts import StoreContract
from tests.contracts.plain import Folder, Folding, Opener, delivery
from tests.processes import calling
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
BATCH = 5


class TestSqliteStore(StoreContract):
    """The contract of every store."""

    @pytest.fixture
    async def open_store(self, tmp_path: Path) -> AsyncIterator[Opener]:
        async with contextlib.AsyncExitStack() as stores:

            async def open_store(folder: Folder, name: str = "hub") -> Store:
                store = await _open(tmp_path / f"{name}.db", folder)
                stores.push_async_callback(store.close)
                return store

            yield open_store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "hub.db"


async def test_the_folder_is_made(file: Path):
    """A hub starts from nothing but its configuration."""
    await (await _open(file)).close()
    assert file.exists()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite://hub.db", "postgresql://db/hub", "hub.db", ""])
async def test_other_addresses_are_refused(url: str):
    """A wrong address must not end up as a file of a strange name."""
    with pytest.raises(StorageRefused, match="sqlite:///relative"):
        await SqliteStore.open(url, Folding(), lambda: "epoch")


async def test_a_relative_file_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A process may change its folder, the log may not."""
    monkeypatch.chdir(tmp_path)
    store = await SqliteStore.open("sqlite:///var/hub.db", Folding(), lambda: "epoch")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    await store.commit([delivery("one", "rooms")])
    await store.close()
    assert (tmp_path / "var" / "hub.db").exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []


async def test_a_folder_that_cannot_be_made_is_our_trouble(tmp_path: Path):
    """Nothing was promised, and somebody can mend it."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageUnavailable, match="cannot be written"):
        await _open(tmp_path / "file" / "hub.db")


async def test_what_is_no_database_is_our_trouble(file: Path):
    """It is left as it is: somebody may want it back."""
    file.parent.mkdir()
    file.write_bytes(b"not a database" * 1000)
    with pytest.raises(StorageUnavailable, match="SQLITE_NOTADB"):
        await _open(file)
    assert file.read_bytes() == b"not a database" * 1000


async def test_a_new_database_gets_a_new_name_and_keeps_it(file: Path):
    """Positions of another log must never be taken for positions of this one."""
    names = map("epoch{}".format, itertools.count())
    for _ in range(2):
        store = await SqliteStore.open(f"sqlite:///{file}", Folding(), lambda: next(names))
        assert (await store.position()).epoch == "epoch0"
        await store.close()


async def test_nobody_else_on_the_machine_may_read_it(file: Path):
    """Bodies are kept as they came, with presigned links and people's names; one that earlier versions made too."""
    for mode in (0o600, 0o640):
        store = await _open(file)
        await store.commit([delivery(f"{mode}", "rooms")])
        files = [file, *(Path(f"{file}-{journal}") for journal in ("wal", "shm"))]
        assert [path.stat().st_mode & 0o777 for path in files] == [mode] * 3
        await store.close()
        file.chmod(0o644)


async def test_a_second_hub_on_one_file_is_refused(file: Path):
    """Two feeds would each be deaf to what the other commits."""
    first = await _open(file)
    with pytest.raises(StorageRefused, match="another hub"):
        await _open(file)
    await first.commit([delivery("one", "rooms")])
    await first.close()
    second = await _open(file)
    assert (await second.position()).sequence == 1
    await second.close()


async def test_a_second_hub_by_another_name_of_the_file_is_refused(file: Path, tmp_path: Path):
    """A link to the file is the file."""
    first = await _open(file)
    (tmp_path / "link.db").symlink_to(file)
    with pytest.raises(StorageRefused, match="another hub"):
        await _open(tmp_path / "link.db")
    await first.close()


async def test_a_hub_in_another_process_is_refused_until_that_one_is_gone(file: Path):
    """However it ends, `kill -9` included, the file is free at once."""
    async with calling(hold, file) as process:
        assert await process.stdout.readline() == b"open\n"
        with pytest.raises(StorageRefused, match="another hub"):
            await _open(file)
        process.kill()
        await process.wait()
        await (await _open(file)).close()


async def test_a_newer_schema_is_refused_and_left_alone(file: Path):
    """After a step back to an older hub the log must still be whole."""
    await (await _open(file)).close()
    _pragma(file, "user_version = 9999")
    for _ in range(2):
        with pytest.raises(StorageRefused, match="9999"):
            await _open(file)
    _pragma(file, f"user_version = {load_migrations('sqlite')[-1].number}")
    await (await _open(file)).close()


async def test_a_migration_that_fails_leaves_nothing_behind(file: Path):
    """Half a schema would be refused, or worse, taken, by every later start."""
    file.parent.mkdir()
    with contextlib.closing(sqlite3.connect(file)) as database:
        # In the way of a table that comes late in the first migration.
        database.execute("CREATE TABLE documents (other)")
    with pytest.raises(StorageUnavailable):
        await _open(file)
    with contextlib.closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("documents",)]
        database.execute("DROP TABLE documents")
    await (await _open(file)).close()


async def test_nothing_is_left_of_a_trimmed_delivery(file: Path):
    """What lists do not show would still be there to be found in the file, and make it grow for ever."""
    store = await _open(file)
    facts = (Fact(kind=Kind.ROOM_STARTED, time=1, room="l:RM_1", durable="l@standup"),)
    await store.commit([delivery("one", "rooms", facts=facts), delivery("two", verdict=Verdict.DEAD)])
    await store.commit([delivery("two", "rooms", facts=facts, redrive=2)])
    await store.trim(5_000)
    await store.close()
    tables = ("deliveries", "delivery_subjects", "dedupe", "events", "event_topics")
    with contextlib.closing(sqlite3.connect(file)) as database:
        assert [database.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables] == [(0,)] * 5


async def test_deliveries_of_before_are_kept_by_the_step_that_makes_them_lists(file: Path):
    """A hub that is updated has seen what it has seen."""
    file.parent.mkdir()
    first, second = load_migrations("sqlite")[:2]
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.executescript(f"{first.script}; PRAGMA user_version = 1")
        database.execute(
            "INSERT INTO deliveries VALUES (7, 's', 'c', 'k', 11, 'dead', 'why', 'type', ?, 2, 12, x'00')",
            ('[["a", "b"]]',),
        )
        database.commit()
    assert second.number == 2
    store = await _open(file)
    kept = await store.arrival("7")
    await store.close()
    assert kept is not None
    assert (kept.arrived.source, kept.arrived.copies, kept.arrived.last_copy_at) == ("s", 2, 12)
    assert isinstance(kept.original, Delivery)
    assert (kept.original.headers, kept.original.body, kept.original.reason) == ((("a", "b"),), b"\0", "why")


async def test_commits_are_on_the_disk_before_they_are_answered(file: Path):
    """With less than FULL, a commit in WAL mode survives the process but not the machine."""
    async with connected(file.parent.parent / "other.db", "test", {}, writes=True) as connection:
        pragmas = [await connection.submit(lambda one, name=name: _value(one.sqlite, name)) for name in _PRAGMAS]
    assert dict(zip(_PRAGMAS, pragmas, strict=True)) == _PRAGMAS


async def test_the_reader_cannot_write(file: Path):
    """Only the writer holds the order of things."""
    await (await _open(file)).close()
    async with connected(file, "test", {}, writes=False) as connection:
        with pytest.raises(StorageUnavailable, match="SQLITE_READONLY"):
            await connection.submit(lambda session: session.sqlite.execute("DELETE FROM meta"))


async def test_threads_are_two_and_end_with_the_store(file: Path):
    """However many ask at once: SQLite has one writer, and reads are short."""
    store = await _open(file)
    commits = [store.commit([delivery(str(place), "rooms")]) for place in range(50)]
    reads = [store.page(frozenset({"rooms"}), place, 10) for place in range(200)]
    lists = [store.read(Query(collection="rooms")) for _ in range(50)]
    await asyncio.gather(*commits, *reads, *lists)
    assert len(_threads()) == 2
    await store.close()
    assert _threads() == []


async def test_commits_whose_callers_were_cancelled_are_carried_through(file: Path):
    """The one under way cannot stop in the middle, and the one behind it was already handed over."""
    gate = _Gate()
    store = await _open(file, gate)
    callers = [asyncio.create_task(store.commit([delivery(name, "rooms")])) for name in ("running", "waiting")]
    await asyncio.to_thread(gate.entered.wait, PATIENCE)
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    assert all(caller.cancelled() for caller in callers)
    gate.opened.set()
    committed = await store.commit([delivery("after", "rooms")])
    assert committed.events[0].sequence == 3
    await store.close()


async def test_closing_waits_for_what_is_under_way(file: Path):
    """What was handed in before is kept."""
    gate = _Gate()
    store = await _open(file, gate)
    commit = asyncio.create_task(store.commit([delivery("one", "rooms")]))
    await asyncio.to_thread(gate.entered.wait, PATIENCE)
    closing = asyncio.create_task(store.close())
    gate.opened.set()
    await closing
    assert (await commit).events[0].sequence == 1
    assert not Path(f"{file}-wal").exists()


async def test_reads_do_not_wait_for_a_commit(file: Path):
    """A viewer that catches up sees the last state that is durable."""
    gate = _Gate()
    store = await _open(file, gate)
    commit = asyncio.create_task(store.commit([delivery("one", "rooms")]))
    await asyncio.to_thread(gate.entered.wait, PATIENCE)
    assert (await store.position()).sequence == 0
    gate.opened.set()
    await commit
    assert (await store.position()).sequence == 1
    await store.close()


async def test_a_file_that_somebody_else_keeps_locked_is_our_trouble(file: Path):
    """A backup tool in the middle of a transaction must not hang the hub: after two seconds it says so."""
    store = await _open(file)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="SQLITE_BUSY"):
            await store.commit([delivery("one", "rooms")])
    assert (await store.commit([delivery("one", "rooms")])).events[0].sequence == 1
    await store.close()


async def test_killing_the_hub_loses_no_batch_that_was_answered(file: Path):
    """A `200` means that the delivery is in the log, whatever happens to the process next."""
    told = 0
    for _ in range(3):
        async with calling(write, file) as process:
            lines = [await process.stdout.readline() for _ in range(20)]
            process.kill()
            lines += (await process.stdout.read()).splitlines(keepends=True)
        # The last line may have been cut in the middle.
        told = max(told, *(int(line) for line in lines if line.endswith(b"\n")))
        store = await _open(file)
        page = await store.page(frozenset({"*"}), 0, 1_000_000)
        await store.close()
        assert page.head >= told
        assert page.head % BATCH == 0
        assert [event.sequence for event in page.events] == list(range(1, page.head + 1))


@pytest.mark.parametrize("name", load_queries("sqlite"))
def test_no_query_reads_a_whole_table(name: str):
    """The cost of a webhook must not grow with the log or the number of rooms."""
    query = load_queries("sqlite")[name]
    named = dict.fromkeys(re.findall(r":([a-z_]+)", query))
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        for migration in load_migrations("sqlite"):
            database.executescript(migration.script)
        plan = database.execute(f"EXPLAIN QUERY PLAN {query}", named or (None,) * query.count("?")).fetchall()
    steps = [step for *_, step in plan]
    assert not [step for step in steps if re.match(rf"SCAN ({_TABLES})\b", step)]
    # Without an index this walks from a table's end: to the highest number there it is one step, else it may be far.
    assert name in ("place", "last_delivery") or not [step for step in steps if re.fullmatch(r"SEARCH \w+", step)]


def test_what_arrived_is_counted_without_reading_it():
    """Bodies lie beside what is counted: of a hundred thousand rows they are a gigabyte."""
    query = load_queries("sqlite")["traffic"]
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        for migration in load_migrations("sqlite"):
            database.executescript(migration.script)
        values = dict.fromkeys(re.findall(r":([a-z_]+)", query))
        plan = [step for *_, step in database.execute(f"EXPLAIN QUERY PLAN {query}", values)]
    assert [step for step in plan if "COVERING INDEX deliveries_received" in step] != []


_TABLES = "deliveries|delivery_subjects|quarantine|dedupe|events|event_topics|states|documents"


class _Gate(Folding):
    """Folds only once it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, deliveries: Sequence[Delivery]) -> Foldable:
        self.entered.set()
        assert self.opened.wait(PATIENCE)
        return super().__call__(deliveries)


async def _open(file: Path, folder: Folder | None = None) -> SqliteStore:
    return await SqliteStore.open(f"sqlite:///{file}", folder or Folding(), lambda: "epoch")


_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 2000, "foreign_keys": 0}


def _value(database: sqlite3.Connection, pragma: str) -> object:
    return database.execute(f"PRAGMA {pragma}").fetchone()[0]


def _pragma(file: Path, text: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA {text}")


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("hub-sqlite")]


def hold(file: str) -> None:
    """Keep a store open until killed."""

    async def run() -> None:
        store = await _open(Path(file))
        print("open", flush=True)
        sys.stdin.read()
        await store.close()

    asyncio.run(run())


def write(file: str) -> None:
    """Commit batches until killed, and tell of each when it is answered."""

    async def run() -> None:
        store = await _open(Path(file))
        head = (await store.position()).sequence
        for number in itertools.count(head):
            committed = await store.commit([delivery(f"{number}/{place}", "rooms") for place in range(BATCH)])
            print(committed.events[-1].sequence, flush=True)

    asyncio.run(run())
