"""A real PostgreSQL for tests: started on a free port in a folder of its own, stopped, paused, killed."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.processes import free_port

_USER = "postgres"
_STARTED_WITHIN = 30.0
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

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self._options = (*_OPTIONS, *options)
        self._process: subprocess.Popen[bytes] | None = None
        # Not the test's own folder: the server's user must be able to get there.
        self.folder = Path(tempfile.mkdtemp(prefix="hub-postgres-"))
        self._databases = 0
        self._free: list[str] = []
        shutil.chown(self.folder, *_owner())
        initdb = [binary("initdb"), "-D", str(self.data), "-U", "hub", "-A", "trust", "-E", "UTF8", "--locale=C"]
        self._run(*initdb, "--no-sync")

    @property
    def data(self) -> Path:
        """Where the server keeps everything."""
        return self.folder / "data"

    def url(self, database: str = "postgres", user: str = "hub") -> str:
        """Return the address of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and return when it takes connections."""
        settings = [part for option in self._options for part in ("-c", option)]
        command = [binary("postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.folder), *settings]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **_as_owner())
        deadline = time.monotonic() + _STARTED_WITHIN
        ready = [binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in immediate mode: no goodbye, and recovery at the next start."""
        self._signal(signal.SIGQUIT)

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
            self.sql("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", database=name)
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

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **_as_owner())

    def _signal(self, number: int) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(number)
            process.wait(timeout=30)

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


def _owner() -> tuple[str | int, str | int]:
    """Return who runs the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    return _USER, pwd.getpwnam(_USER).pw_gid


def _as_owner() -> dict[str, object]:
    if os.geteuid() != 0:
        return {"cwd": "/"}
    user = pwd.getpwnam(_USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}
