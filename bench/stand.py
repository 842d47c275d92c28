"""Servers under measurement, each in a process of its own, and what they cost."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer

SECRETS = {
    "HUB_API_KEY": "bench-api-key-0123456789",
    "HUB_TOKEN_SECRET": "bench-token-secret-0123456789",
    "LIVEKIT_API_KEY": "APIbench",
    "LIVEKIT_API_SECRET": "bench-livekit-secret-0123456789abcdef",
    "HUB_LOG__LEVEL": "warning",
}
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A running server and its CPU time."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._pid = process.pid

    def cpu_seconds(self) -> float:
        """Return what the process used so far, in user and system mode."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


@contextlib.contextmanager
def server(*command: str, **environ: str) -> Iterator[Server]:
    """Run `python -m command…` with PORT set, in a folder of its own, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    repository = str(Path(__file__).parent.parent)
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env={**os.environ, **SECRETS, **environ, "PORT": str(port), "PYTHONPATH": repository},
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, process)
            yield Server(process, port)
        finally:
            # A baseline may wait for its viewers for ever.
            process.kill()
            process.wait()


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


class Counter(asyncio.Protocol):
    """A viewer that only counts bytes, so that the measuring side is cheap."""

    def __init__(self, request: bytes) -> None:
        self.received = 0
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.received += len(data)


async def settled(viewers: list[Counter]) -> int:
    """Return what all viewers together received, once that has not changed for half a second."""
    before = -1
    while (total := sum(viewer.received for viewer in viewers)) != before:
        before = total
        await asyncio.sleep(0.5)
    return total
