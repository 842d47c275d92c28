"""What all tests share."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.folders import quick_folder
from tests.postgres_server import PostgresServer
from tests.processes import HubProcess
from tests.redis_server import RedisServer
from tests.searching import use_profile

# Whatever the shell says of byte code: tests start a hundred hubs, and each would compile the same files again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
use_profile()
if folder := quick_folder():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))
# The default draws each traceback with what all variables held: seconds on a busy machine, in which webhooks are late.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture
def hub_process(tmp_path: Path) -> Iterator[HubProcess]:
    """A running hub; whatever the test did to it, it is gone afterwards."""
    process = HubProcess(tmp_path)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that a test may stop, pause and set back."""
    server = PostgresServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that a test may stop and wipe."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()
