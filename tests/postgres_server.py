"""A real PostgreSQL for tests: started on a free port in a folder of its own, stopped, paused, killed."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.processes import free_port
from tests.waiting import PATIENCE

_USER = "postgres"
# A kill of the server, unlike one of the machine, loses nothing without fsync.
_OPTIONS = (
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=64MB",
    "max_connections=200",
    "autovacuum_naptime=5s",
    "log_min_messages=fatal",
)


def binary(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, of the newest version that is installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name), reverse=True)
    found = next((str(one / name) for one in folders if (one / name).exists()), None) or shutil.which(name)
    if found is None:
        raise AssertionError(
            "these tests need a PostgreSQL server: install it (Debian, Ubuntu: apt-get install postgresql)"
        )
    return found


class PostgresServer:
    """A server with one superuser and as many databases as tests ask for."""

    def __init__(self, *options: str, initialise: bool = True) -> None:
        self.port = free_port()
        self._options = (*_OPTIONS, *options)
        self._process: subprocess.Popen[bytes] | None = None
        # Not the test's own folder: the server's user must be able to get there.
        self.folder = Path(tempfile.mkdtemp(prefix="hub-postgres-"))
        self._databases = 0
        self._free: list[str] = []
        shutil.chown(self.folder, *_owner())
        if not initialise:
            return
        initdb = [binary("initdb"), "-D", str(self.data), "-U", "hub", "-A", "trust", "-E", "UTF8", "--locale=C"]
        self._run(*initdb, "--no-sync")

    @property
    def data(self) -> Path:
        """Where the server keeps everything."""
        return self.folder / "data"

    @property
    def _copy(self) -> Path:
        return self.folder / "copy"

    def url(self, database: str = "postgres", user: str = "hub") -> str:
        """Return the address of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and return when it takes connections."""
        settings = [part for option in self._options for part in ("-c", option)]
        command = [binary("postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.folder), *settings]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **_as_owner())
        deadline = time.monotonic() + PATIENCE
        ready = [binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in immediate mode: no goodbye, and recovery at the next start."""
        self._signal(signal.SIGQUIT)

    def keep(self) -> None:
        """Keep a copy of all files as they are; the server is stopped for it."""
        self.stop()
        shutil.rmtree(self._copy, ignore_errors=True)
        self._run("cp", "-a", str(self.data), str(self._copy))
        self.start()

    def put_back(self) -> None:
        """Put the copy back, as somebody does after the disk failed: what was committed since is gone."""
        self.stop()
        shutil.rmtree(self.data)
        self._run("cp", "-a", str(self._copy), str(self.data))
        self.start()

    def pause(self) -> None:
        """Stop all of its processes where they are; connections stay, answers don't come."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def close(self) -> None:
        """Stop it and delete everything."""
        self.resume()
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self) -> str:
        """Return the URL of an empty database: one that was given back, or a new one."""
        if self._free:
            name = self._free.pop()
            # Connections that were dropped a moment ago may still be in it.
            others = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ended = f"SELECT pg_terminate_backend(pid) FROM {others}"
            self.sql(ended, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public", database=name)
        else:
            self._databases += 1
            name = f"hub{self._databases}"
            self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def give_back(self, url: str) -> None:
        """Let the next test have a database: a hundred of them would be a gigabyte to delete."""
        self._free.append(url.rpartition("/")[2])

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Run statements, each in a transaction of its own; return what they print."""
        commands = [part for statement in statements for part in ("-c", statement)]
        return self.client("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *commands, database=database)

    def client(self, program: str, *arguments: str, database: str = "postgres") -> str:
        """Run one of PostgreSQL's client programs on a database; return what it prints."""
        done = subprocess.run(
            [binary(program), "-d", self.url(database), *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise AssertionError(f"{program}: {done.stderr}")
        return done.stdout

    def standby(self) -> "PostgresServer":
        """Return a running copy that follows this server."""
        copy = PostgresServer(initialise=False)
        backup = [binary("pg_basebackup"), "-D", str(copy.data), "-d", self.url(), "-R", "-c", "fast", "-X", "stream"]
        self._run(*backup, "--no-sync")
        copy.start()
        return copy

    def wait_for(self, standby: "PostgresServer") -> None:
        """Return when a copy has all that this server has."""
        here = self.sql("SELECT pg_current_wal_lsn()").strip()
        deadline = time.monotonic() + PATIENCE
        while standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{here}'").strip() != "t":
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **_as_owner())

    def _signal(self, number: int) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(number)
            process.wait(timeout=PATIENCE)

    def _signal_all(self, number: int) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for one in [process.pid, *map(int, children)]:
            try:
                os.kill(one, number)
            except ProcessLookupError:
                continue


class PgBouncer:
    """A pooler in transaction mode in front of a server, for the length of a block."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self._server = server
        self._port = free_port()
        self._file = folder / "pgbouncer.ini"
        self._log = folder / "pgbouncer.log"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Return the address of a database behind it."""
        return f"postgresql://hub@127.0.0.1:{self._port}/{database}"

    def __enter__(self) -> "PgBouncer":
        """Start it."""
        program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
        if program is None:
            raise AssertionError("this test needs pgbouncer: install it (Debian, Ubuntu: apt-get install pgbouncer)")
        self._file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={self._server.port} user=hub\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self._port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nadmin_users = hub\n"
        )
        # It refuses to run as root, and its user must be able to read the file.
        for folder in (self._file, *self._file.parents):
            if folder.owner() == "root" and not folder.stat().st_mode & 0o005:
                folder.chmod(folder.stat().st_mode | 0o055)
        with self._log.open("wb") as log:
            command = [program, str(self._file)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **_as_owner())
        deadline = time.monotonic() + PATIENCE
        while subprocess.run(
            [binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)], check=False
        ).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"pgbouncer did not start:\n{self._log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextlib.asynccontextmanager
async def counting_proxy(url: str) -> AsyncIterator[tuple[str, Callable[[], int]]]:
    """Yield an address that leads to another, and how often a client began to speak after it was answered."""
    parts = urlsplit(url)
    trips, is_clients_turn = 0, True

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool) -> None:
        nonlocal trips, is_clients_turn
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                trips += from_client and is_clients_turn
                is_clients_turn = not from_client
                writer.write(data)
                await writer.drain()
        writer.close()

    leading: set[asyncio.Future[None]] = set()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done = asyncio.get_running_loop().create_future()
        leading.add(done)
        there_reader, there_writer = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(
            copy(reader, there_writer, from_client=True), copy(there_reader, writer, from_client=False)
        )
        await asyncio.gather(writer.wait_closed(), there_writer.wait_closed(), return_exceptions=True)
        done.set_result(None)

    proxy = await asyncio.start_server(lead, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    try:
        yield url.replace(f":{parts.port}", f":{port}"), lambda: trips
    finally:
        proxy.close()
        # Its clients have gone by now.
        await asyncio.gather(*leading)


def _owner() -> tuple[str | int, str | int]:
    """Return who runs the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    return _USER, pwd.getpwnam(_USER).pw_gid


def _as_owner() -> dict[str, Any]:  # Any: options of subprocess, each of a type of its own
    if os.geteuid() != 0:
        return {"cwd": "/"}
    user = pwd.getpwnam(_USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}
