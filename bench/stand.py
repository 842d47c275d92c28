"""Servers under measurement, each in a process of its own, and what they cost."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.postgres_server import PostgresServer
from tests.processes import free_port
from tests.redis_server import RedisServer

SECRETS = {
    "HUB_API_KEY": "bench-api-key-0123456789",
    "HUB_TOKEN_SECRET": "bench-token-secret-0123456789",
    "LIVEKIT_API_KEY": "APIbench",
    "LIVEKIT_API_SECRET": "bench-livekit-secret-0123456789abcdef",
    "HUB_LOG__LEVEL": "warning",
}


class Server:
    """A running server and what it costs, with all of its processes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._pid = process.pid

    def cpu_seconds(self) -> float:
        """Return what it used so far, in user and system mode, to the nanosecond."""
        # The number of another process's clock, as clock_getcpuclockid() makes it: /proc counts in hundredths.
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self._pids())

    def resident_bytes(self) -> int:
        """Return how much memory it holds."""
        sizes = (Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in self._pids())
        return sum(map(int, sizes)) * os.sysconf("SC_PAGE_SIZE")

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
        return [self._pid, *map(int, children)]


@contextlib.contextmanager
def server(*command: str, **environ: str) -> Iterator[Server]:
    """Run `python -m command…` with PORT set, in a folder of its own, until the block ends."""
    port = free_port()
    variables = {**SECRETS, **environ, "PORT": str(port), "PYTHONPATH": str(Path(__file__).parent.parent)}
    with (
        tempfile.TemporaryDirectory() as folder,
        running([sys.executable, "-m", *command], port, folder, variables) as it,
    ):
        yield it


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int, folder: str, environ: Mapping[str, str], *, end: int = signal.SIGKILL
) -> Iterator[Server]:
    """Run a server that listens on a port, until the block ends; a baseline may wait for its viewers for ever."""
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environ}, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield Server(process, port)
    finally:
        process.send_signal(end)
        process.wait(timeout=10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not start") from None
            time.sleep(0.05)
        else:
            return


@contextlib.contextmanager
def database() -> Iterator[PostgresServer]:
    """Run a PostgreSQL that syncs to the disk, as one does that has something to lose."""
    postgres = PostgresServer("fsync=on", "full_page_writes=on", "shared_buffers=512MB", "max_wal_size=4GB")
    postgres.start()
    try:
        yield postgres
    finally:
        postgres.close()


@contextlib.contextmanager
def bus() -> Iterator[RedisServer]:
    """Run a Redis."""
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder))
        redis.start()
        try:
            yield redis
        finally:
            redis.stop()
