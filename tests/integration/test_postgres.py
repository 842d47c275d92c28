"""The store on a PostgreSQL database: the contract, and what is special to a server."""

import asyncio
import contextlib
import itertools
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import asyncpg
import msgspec
import pytest

from hub.errors import StorageRefused, StorageUnavailable
from hub.events import Delivery, Fact, Kind, Verdict
from hub.ports import Changes, Foldable, Loaded, Query, Status, Store
from storage.postgres import PostgresStore
from storage.postgres.addresses import found
from storage.postgres.session import Query as Statement
from storage.queries import Migration, load_migrations, load_queries
from tests.contracts import StoreContract
from tests.contracts.plain import Folder, Folding, Opener, delivery, document
from tests.postgres_server import PgBouncer, PostgresServer, counting_proxy
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
ALL = frozenset({"*"})
TABLES = ("deliveries", "delivery_subjects", "dedupe", "events", "event_topics")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One server for all tests of this file; each has a database of its postgres."""
    postgres = PostgresServer()
    postgres.start()
    yield postgres
    postgres.close()


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    """An empty database."""
    address = server.create()
    yield address
    server.give_back(address)


class TestPostgresStore(StoreContract):
    """The contract of every store."""

    @pytest.fixture
    async def open_store(self, server: PostgresServer) -> AsyncIterator[Opener]:
        urls: dict[str, str] = {}
        async with contextlib.AsyncExitStack() as stores:

            async def open_store(folder: Folder, name: str = "hub") -> Store:
                urls[name] = urls.get(name) or server.create()
                store = await PostgresStore.open(urls[name], folder, lambda: "epoch")
                stores.push_async_callback(store.close)
                return store

            yield open_store
        for address in urls.values():
            server.give_back(address)


class TestSchema:
    """Bringing it up to date."""

    async def test_many_may_start_at_once_on_an_empty_database(self, url: str):
        """Workers do."""
        epochs = map("epoch{}".format, itertools.count())
        stores = await asyncio.gather(*(PostgresStore.open(url, Folding(), lambda: next(epochs)) for _ in range(4)))
        assert len({(await store.position()).epoch for store in stores}) == 1
        for store in stores:
            await store.close()

    async def test_without_leave_to_migrate_an_old_schema_is_refused(self, url: str):
        """Some want to say themselves when a schema changes."""
        for expected in ("no schema yet", "misses step"):
            with pytest.raises(StorageRefused, match=f"{expected}.*hub migrate"):
                await PostgresStore.open(url, Folding(), lambda: "epoch", migrates=False)
            connection = await asyncpg.connect(url)
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, oldest integer NOT NULL, "
                "applied_at timestamptz NOT NULL DEFAULT now())"
            )
            await connection.close()
        await (await _open(url)).close()
        await (await PostgresStore.open(url, Folding(), lambda: "epoch", migrates=False)).close()

    async def test_a_newer_schema_serves_this_hub_as_long_as_its_step_says_so(self, url: str):
        """In a rolling upgrade the first new process migrates while the old ones go on."""
        store = await _open(url)
        newest = load_migrations("postgres")[-1].number
        await _sql(url, f"INSERT INTO migrations (number, oldest) VALUES (9998, {newest})")
        await store.commit([delivery("one", "rooms")])
        await store.close()
        await (await _open(url)).close()
        await _sql(url, f"INSERT INTO migrations (number, oldest) VALUES (9999, {newest + 1})")
        with pytest.raises(StorageRefused, match=r"schema 9999.*run a newer hub"):
            await _open(url)

    async def test_a_step_that_fails_leaves_nothing_behind(self, url: str):
        """Half a schema would be refused, or worse, taken, by every later start."""
        await _sql(url, "CREATE TABLE documents (other text)")
        with pytest.raises(StorageUnavailable):
            await _open(url)
        tables = await _sql(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert [row[0] for row in tables] == ["documents"]

    def test_every_step_names_the_oldest_hub_that_it_serves(self):
        """Whoever writes one must have thought of those that are still running."""
        for step in load_migrations("postgres"):
            assert step.script.startswith("-- oldest: ")
            assert step.oldest <= step.number

    def test_a_step_that_says_nothing_serves_only_hubs_that_know_it(self):
        """The safe reading."""
        assert all(step.oldest == step.number for step in load_migrations("sqlite"))
        assert Migration(1, "", 1).oldest == 1


class TestStarting:
    """What may stand in the way of a start."""

    async def test_what_was_restored_is_counted_first(self, server: PostgresServer, tmp_path: Path):
        """Plans for empty tables read the whole of full ones, for each commit, until PostgreSQL finds the time."""
        first, second = server.create(), server.create()
        store = await _open(first, Folding(documents=tuple(document(f"rooms/{one}") for one in range(1000))))
        await store.commit([delivery("one", "rooms")])
        await store.close()
        await asyncio.to_thread(_dump_and_restore, server, first, second, tmp_path)
        known = "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'documents'"
        assert (await _sql(second, known))[0][0] is False
        await (await _open(second)).close()
        assert (await _sql(second, known))[0][0] is True
        server.give_back(first)
        server.give_back(second)

    async def test_a_migration_that_hangs_elsewhere_keeps_nobody_from_starting(self, url: str):
        """Whose schema is as it should be has nothing to wait for."""
        await (await _open(url)).close()
        holder = await asyncpg.connect(url)
        await holder.execute("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('hub migrations', 0))")
        async with asyncio.timeout(PATIENCE):
            await (await _open(url)).close()
        holder.terminate()


class TestAddress:
    """Where the database is."""

    @pytest.mark.parametrize(
        "address",
        [
            "postgresql://h:port/d",
            "postgresql://127.0.0.1:1:2/d",
            "postgresql://u:secr/et@h/d",
            "postgresql://u:secr#et@h/d",
            "postgresql://u:secr?et@h/d",
            "postgresql://u:12/secret@h:1/d",
            "postgresql://u:se%cr[t@h/d",
            "postgresql://u:secret@h/d?sslmode=secret",
        ],
    )
    async def test_what_is_no_address_is_refused_without_showing_it(self, address: str):
        """Not taken for a server that is away, and waited for; and a password often is why it is none."""
        with pytest.raises(StorageRefused, match="percent-encoded") as refusal:
            await _open(address)
        assert "secr" not in str(refusal.value)
        assert "12" not in str(refusal.value)

    async def test_a_server_that_is_silent_does_not_hide_the_next(self, url: str):
        """A machine that is gone does not refuse connections, it says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            store = await _open(url.replace("127.0.0.1", f"127.0.0.1:{port},127.0.0.1"))
            assert (await store.commit([delivery("one", "rooms")])).events[0].sequence == 1
            await store.close()

    async def test_what_a_role_may_not_do_is_said(self, server: PostgresServer, url: str):
        """Waiting would not help, and its name alone would not either."""
        name = url.rpartition("/")[2]
        server.sql("DROP ROLE IF EXISTS weak", "CREATE ROLE weak LOGIN")
        server.sql("REVOKE ALL ON SCHEMA public FROM PUBLIC", database=name)
        with pytest.raises(StorageRefused, match=r"permission denied|no schema"):
            await _open(server.url(name, user="weak"))

    async def test_an_ordinary_owner_is_enough(self, server: PostgresServer):
        """Nobody should need a superuser for this, and hosted databases have none."""
        server.sql("DROP DATABASE IF EXISTS owned", "DROP ROLE IF EXISTS plain", "CREATE ROLE plain LOGIN")
        server.sql("CREATE DATABASE owned OWNER plain")
        store = await _open(server.url("owned", user="plain"))
        assert (await store.commit([delivery("one", "rooms")])).events[0].sequence == 1
        await store.close()
        server.sql("DROP DATABASE owned WITH (FORCE)", "DROP ROLE plain")

    async def test_another_encoding_is_refused(self, server: PostgresServer):
        """Names of people and rooms would be lost in it, one by one."""
        server.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
        with pytest.raises(StorageRefused, match="LATIN1"):
            await _open(server.url("latin"))
        server.sql("DROP DATABASE latin WITH (FORCE)")

    async def test_a_wrong_database_or_user_is_refused_without_the_password(self, server: PostgresServer):
        """Waiting would not help."""
        for address in (server.url("nowhere"), server.url("postgres", user="nobody:secret")):
            with pytest.raises(StorageRefused, match="refuses") as refusal:
                await _open(address)
            assert "secret" not in str(refusal.value)

    async def test_a_server_that_does_not_answer_is_our_trouble(self):
        """It may come back."""
        with pytest.raises(StorageUnavailable):
            await _open("postgresql://hub@127.0.0.1:1/hub")


class TestWriting:
    """One writer at a time, durably, and not for ever."""

    async def test_three_writers_at_once_lose_nothing(self, url: str):
        """Who takes the lock after it has read folds into a state that is no longer there."""
        stores = [await _open(url, _Adding()) for _ in range(3)]

        async def write(number: int) -> None:
            for place in range(40):
                await stores[number].commit([delivery(f"{number}/{place}", "rooms")])

        await asyncio.gather(*map(write, range(3)))
        page = await stores[0].page(ALL, 0, 1000)
        assert [event.sequence for event in page.events] == list(range(1, 121))
        counted = await _sql(url, "SELECT body FROM states WHERE subject = 'rooms/sum'")
        assert counted[0][0] == b"120"
        for store in stores:
            await store.close()

    async def test_a_commit_takes_four_round_trips(self, url: str):
        """Each of them is a wait under the lock that all share, and databases may be far away."""
        async with counting_proxy(url) as (near, trips):
            store = await _open(near)
            for number in range(3):
                before = trips()
                await store.commit([delivery(f"{number}/{place}", "rooms", "rooms/a") for place in range(20)])
                # The first prepares its statements.
                assert number == 0 or trips() - before == 4
            await store.close()

    async def test_a_transaction_is_what_it_has_to_be_whatever_the_servers_defaults_are(self, url: str):
        """On the disk before it is answered, seeing what the last holder of the lock wrote, and never endless."""
        name = url.rpartition("/")[2]
        for setting, value in _UNFIT.items():
            await _sql(url, f"ALTER DATABASE {name} SET {setting} = '{value}'")
        store = await _open(url)
        async with store._connections.writer() as session, session.writing():
            found = {setting: await session.connection.fetchval(f"SHOW {setting}") for setting in _FIT}
        await store.close()
        for setting in _UNFIT:
            await _sql(url, f"ALTER DATABASE {name} RESET {setting}")
        assert found == _FIT

    async def test_a_process_that_is_stopped_with_the_lock_does_not_stop_the_others(self, url: str):
        """A machine that hangs, or is suspended, keeps its connections."""
        async with _stopped_with_the_lock(url) as process:
            store = await _open_patiently(url)
            committed = await _committed_in_the_end(store, delivery("two", "rooms"))
            assert committed.outcomes[0].status is Status.ACCEPTED
            process.send_signal(signal.SIGCONT)
            # What it was about to write it must not write any more.
            assert await process.wait() != 0
            page = await store.page(ALL, 0, 10)
            assert [event.sequence for event in page.events] == [1]
            await store.close()

    async def test_a_lock_that_no_timeout_ends_is_taken_away(self, url: str):
        """Such as that of a process that stopped reading while it was being answered: the server waits for it."""
        store = await _open(url)
        holder = await asyncpg.connect(url)
        await holder.execute("BEGIN; SELECT pg_advisory_xact_lock('meta'::regclass::oid::bigint)")
        with pytest.raises(StorageUnavailable, match=r"55P03|57014"):
            await store.commit([delivery("one", "rooms")])
        committed = await _committed_in_the_end(store, delivery("one", "rooms"))
        assert committed.events[0].sequence == 1
        holder.terminate()
        await store.close()

    @pytest.mark.parametrize("name", ["nul \0", "half \ud800", "x" * 10_000_000])
    async def test_a_value_that_cannot_be_kept_is_not_taken_for_a_server_that_is_away(self, url: str, name: str):
        """The writer then looks for the row that is to blame, instead of asking the provider to send it for ever."""
        store = await _open(url, Folding(documents=(document("rooms/a", name=name),)))
        with pytest.raises(ValueError, match=r"PostgreSQL|surrogates") as refusal:
            await store.commit([delivery("one", "rooms")])
        assert name not in str(refusal.value)
        assert (await store.position()).sequence == 0
        await store.close()

    async def test_nothing_is_left_of_a_trimmed_delivery(self, url: str):
        """What lists do not show would make the tables grow for ever."""
        store = await _open(url)
        facts = (Fact(kind=Kind.ROOM_STARTED, time=1, room="l:RM_1", durable="l@standup"),)
        await store.commit([delivery("one", "rooms", facts=facts), delivery("two", verdict=Verdict.DEAD)])
        await store.commit([delivery("two", "rooms", facts=facts, redrive=2)])
        await store.trim(5_000)
        await store.close()
        counts = [(await _sql(url, f"SELECT count(*) FROM {table}"))[0][0] for table in TABLES]
        assert counts == [0] * len(TABLES)

    async def test_closing_waits_for_what_is_under_way(self, url: str):
        """What was handed in before is kept."""
        store = await _open(url)
        commit = asyncio.create_task(store.commit([delivery("one", "rooms")]))
        await asyncio.sleep(0)
        await store.close()
        assert (await commit).events[0].sequence == 1
        with pytest.raises(StorageUnavailable, match="closed"):
            await store.position()


class TestOutages:
    """A server that goes away comes back."""

    async def test_after_a_restart_everything_answered_is_there_and_goes_on(self, postgres: PostgresServer):
        """Immediate mode is how a crash looks."""
        store = await _open(postgres.url())
        await store.commit([delivery("one", "rooms")])
        await asyncio.to_thread(postgres.stop)
        for work in (store.commit([delivery("two", "rooms")]), store.position()):
            with pytest.raises(StorageUnavailable):
                await work
        await asyncio.to_thread(postgres.start)
        assert (await store.commit([delivery("two", "rooms")])).events[0].sequence == 2
        assert (await store.position()).epoch == "epoch"
        await store.close()

    async def test_whoever_waits_for_a_reader_is_told_in_time(self, postgres: PostgresServer):
        """However many ask: health, and what is told to viewers, depends on it."""
        store = await _open(postgres.url())
        await asyncio.to_thread(postgres.pause)
        try:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            found = await asyncio.gather(*(store.position() for _ in range(60)), return_exceptions=True)
            assert {type(one) for one in found} == {StorageUnavailable}
            assert loop.time() - begun < 12
        finally:
            await asyncio.to_thread(postgres.resume)
        await store.close()

    async def test_a_server_that_hangs_is_given_up_and_taken_again(self, postgres: PostgresServer):
        """Its connections stay open, so only time tells."""
        store = await _open(postgres.url())
        await asyncio.to_thread(postgres.pause)
        try:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            with pytest.raises(StorageUnavailable):
                await store.commit([delivery("one", "rooms")])
            assert loop.time() - begun < 15
        finally:
            await asyncio.to_thread(postgres.resume)
        committed = await _committed_in_the_end(store, delivery("one", "rooms"))
        assert committed.outcomes[0].delivery == 1
        await store.close()


class TestNames:
    """A log is called by another name wherever it is not sure to hold what it held."""

    async def test_a_dump_that_was_restored_is_another_log(self, server: PostgresServer, tmp_path: Path):
        """It may have grown past the positions that viewers hold, and nothing else would tell."""
        first, second = server.create(), server.create()
        names = map("epoch{}".format, itertools.count())
        store = await PostgresStore.open(first, Folding(), lambda: next(names))
        await store.commit([delivery("one", "rooms")])
        before = await store.position()
        await store.close()
        await asyncio.to_thread(_dump_and_restore, server, first, second, tmp_path)
        for _ in range(2):
            restored = await PostgresStore.open(second, Folding(), lambda: next(names))
            position = await restored.position()
            assert (position.sequence, position.epoch != before.epoch) == (1, True)
            await restored.close()
        # Once is enough.
        assert position.epoch == "epoch1"
        server.give_back(first)
        server.give_back(second)

    async def test_a_dump_that_is_restored_in_place_is_noticed_by_those_that_run(
        self, server: PostgresServer, url: str, tmp_path: Path
    ):
        """Whoever commits next gives it the new name, in the same transaction."""
        names = map("epoch{}".format, itertools.count())
        store = await PostgresStore.open(url, Folding(), lambda: next(names))
        await store.commit([delivery("one", "rooms")])
        await asyncio.to_thread(_dump_and_restore, server, url, url, tmp_path)
        committed = await _committed_in_the_end(store, delivery("two", "rooms"))
        assert (committed.epoch, committed.events[0].sequence) == ("epoch1", 2)
        assert (await store.position()).epoch == "epoch1"
        await store.close()

    async def test_a_standby_that_was_promoted_is_another_log(self):
        """Asynchronous copies lack the last commits of the server that is gone."""
        primary = PostgresServer()
        primary.start()
        standby = await asyncio.to_thread(primary.standby)
        try:
            names = map("epoch{}".format, itertools.count())
            store = await PostgresStore.open(primary.url(), Folding(), lambda: next(names))
            await store.commit([delivery("one", "rooms")])
            await asyncio.to_thread(primary.wait_for, standby)
            await store.close()
            await asyncio.to_thread(primary.stop)
            await asyncio.to_thread(standby.sql, "SELECT pg_promote()")
            store = await PostgresStore.open(standby.url(), Folding(), lambda: next(names))
            position = await store.position()
            assert (position.sequence, position.epoch) == (1, "epoch1")
            await store.close()
        finally:
            standby.close()
            primary.close()

    async def test_a_name_is_changed_by_one_of_many(self, url: str):
        """All processes see at once that something is missing."""
        stores = [await _open(url) for _ in range(3)]
        await asyncio.gather(
            *(store.new_epoch(f"new{number}", instead_of="epoch") for number, store in enumerate(stores))
        )
        name = (await stores[0].position()).epoch
        assert name.startswith("new")
        committed = await stores[1].commit([delivery("one", "rooms")])
        assert committed.epoch == name
        for store in stores:
            await store.close()


class TestPgBouncer:
    """A pooler in transaction mode gives every transaction another session."""

    async def test_all_works_behind_it(self, server: PostgresServer, url: str, tmp_path: Path):
        """No prepared statements, no settings that stay, no locks of a session."""
        with PgBouncer(server, tmp_path) as pooler:
            address = pooler.url(url.rpartition("/")[2])
            stores = [await _open(address, _Adding()) for _ in range(3)]

            async def work(number: int) -> None:
                for place in range(10):
                    await stores[number].commit([delivery(f"{number}/{place}", "rooms")])
                    await stores[number].read(Query(collection="rooms"))
                    await stores[number].snapshot(ALL, 0)

            await asyncio.gather(*map(work, range(3)))
            page = await stores[2].page(ALL, 0, 100)
            assert [event.sequence for event in page.events] == list(range(1, 31))
            for store in stores:
                await store.close()

    async def test_it_is_noticed(self, server: PostgresServer, url: str, tmp_path: Path):
        """Nobody has to say so."""
        assert not (await found(url)).is_pooled
        with PgBouncer(server, tmp_path) as pooler:
            assert (await found(pooler.url(url.rpartition("/")[2]))).is_pooled


async def test_the_floor_is_found_by_the_index_of_times(planned: "Planned"):
    """By that of ids PostgreSQL would walk through all that is still kept, every hour, and in the end not finish."""
    plan = await planned.plan("raise_floor")
    assert [line for line in plan if "deliveries_pkey" in line] == []
    assert [line for line in plan if "deliveries_received" in line] != []


async def test_what_arrived_is_counted_without_reading_it(planned: "Planned"):
    """Bodies lie beside what is counted: of a hundred thousand rows they are a gigabyte."""
    plan = await planned.plan("traffic")
    assert [line for line in plan if "Index Only Scan" in line and "deliveries_received" in line] != []


@pytest.mark.parametrize("name", sorted(load_queries("postgres")))
async def test_no_query_reads_a_whole_table(planned: "Planned", name: str):
    """The cost of a webhook must not grow with the log or the number of rooms."""
    plan = await planned.plan(name)
    assert [line for line in plan if "Seq Scan on" in line and " meta" not in line and "migrations" not in line] == []


class Planned:
    """A database with the schema, and the plans that the store's own settings lead to."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._queries = {name: Statement.of(text) for name, text in load_queries("postgres").items()}

    async def plan(self, name: str) -> list[str]:
        """Return the lines of a query's generic plan."""
        query = self._queries[name]
        values = f"({', '.join(['NULL'] * len(query.parameters))})" if query.parameters else ""
        await self._connection.execute(f"PREPARE planned AS {query.text.rstrip(';')}")
        try:
            return [row[0] for row in await self._connection.fetch(f"EXPLAIN EXECUTE planned{values}")]
        finally:
            await self._connection.execute("DEALLOCATE planned")


@pytest.fixture
async def planned(url: str) -> AsyncIterator[Planned]:
    await (await _open(url)).close()
    connection = await asyncpg.connect(url)
    await connection.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
    yield Planned(connection)
    await connection.close()


_UNFIT = {
    "synchronous_commit": "off",
    "default_transaction_isolation": "repeatable read",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
_FIT = {
    "synchronous_commit": "on",
    "transaction_isolation": "read committed",
    "transaction_read_only": "off",
    "statement_timeout": "2s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "2s",
}


class _Adding(Folding):
    """Counts its deliveries in one part of the state, from what it is given."""

    def __call__(self, deliveries: Sequence[Delivery]) -> Foldable:
        return _Sum(super().__call__(deliveries), len(deliveries))


_SUM = ("rooms/sum", "~item/sum")


class _Sum:
    def __init__(self, plain: Foldable, number: int) -> None:
        self._plain = plain
        self._number = number
        self.needs = msgspec.structs.replace(plain.needs, items=frozenset({_SUM}))

    def fold(self, loaded: Loaded) -> Changes:
        changes = self._plain.fold(loaded)
        total = int(loaded.items.get(_SUM, b"0")) + self._number
        return msgspec.structs.replace(changes, states={**changes.states, _SUM: str(total).encode()})


async def _open(url: str, folder: Folder | None = None) -> PostgresStore:
    return await PostgresStore.open(url, folder or Folding(), lambda: "epoch")


async def _open_patiently(url: str) -> PostgresStore:
    """Open a store while somebody holds the lock."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(StorageUnavailable):
                return await _open(url)


async def _committed_in_the_end(store: PostgresStore, one: Delivery):
    """Send a delivery again until it is taken, as providers do."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(StorageUnavailable):
                return await store.commit([one])


async def _sql(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


def _dump_and_restore(server: PostgresServer, source: str, target: str, folder: Path) -> None:
    file = str(folder / "dump")
    server.client("pg_dump", "--format=custom", f"--file={file}", database=source.rpartition("/")[2])
    target_name = target.rpartition("/")[2]
    server.client("pg_restore", "--clean", "--if-exists", "--no-owner", file, database=target_name)


_HOLDER = """
import asyncio, sys
from storage.postgres import PostgresStore
from tests.contracts.plain import Folding, delivery

class Slow(Folding):
    def __call__(self, deliveries):
        if deliveries:
            print("locked", flush=True)
            sys.stdin.readline()
        return super().__call__(deliveries)

async def main(url):
    store = await PostgresStore.open(url, Slow(), lambda: "epoch")
    await store.commit([delivery("one", "rooms")])

asyncio.run(main(sys.argv[1]))
"""


@contextlib.asynccontextmanager
async def _stopped_with_the_lock(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDER, url, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdin is not None
        assert await process.stdout.readline() == b"locked\n"
        process.send_signal(signal.SIGSTOP)
        process.stdin.write(b"\n")
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await until(lambda: process.returncode is not None)
