"""`hub serve --workers`: several processes on one port, of which any may die, and nobody notices."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.commands.send import sample_for, with_values
from tests.postgres_server import PostgresServer
from tests.processes import SECRETS, HubProcess
from tests.redis_server import RedisServer
from tests.streams import Viewer
from tests.waiting import PATIENCE, until

WORKERS = 3


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of this file."""
    server = PostgresServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests of this file."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def hub(tmp_path: Path, postgres: PostgresServer, redis: RedisServer) -> Iterator[HubProcess]:
    """A supervisor with its workers, all of which take requests."""
    url = postgres.create()
    process = HubProcess(
        tmp_path,
        DATABASE_URL=url,
        REDIS_URL=redis.url,
        HUB_SERVER__WORKERS=str(WORKERS),
        HUB_STREAM__HEARTBEAT="0.5",
    )
    process.start()
    deadline = time.monotonic() + PATIENCE
    while "Dashboard:" not in process.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield process
    process.stop()
    postgres.give_back(url)


def join(hub: HubProcess, person: str) -> int:
    """Let somebody join a room; return the status of the answer, 0 when there was none."""
    sample = sample_for("livekit", "participant_joined", time.time_ns() // 1_000_000)
    try:
        return hub.post("livekit", with_values(sample, [f"participant.sid={person}", f"id=EV_{person}"]))[0]
    except OSError:
        return 0


def joined_in_the_end(hub: HubProcess, person: str) -> set[int]:
    """Send it again until it is taken, as a provider does; return the statuses of all answers."""
    deadline = time.monotonic() + PATIENCE
    statuses = {status := join(hub, person)}
    while status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        statuses.add(status := join(hub, person))
    return statuses


def workers_of(hub: HubProcess) -> set[int]:
    """Return the process ids of those that run now."""
    started = set()
    for line in hub.log.read_text().splitlines():
        fields = dict(part.split("=", 1) for part in line.split() if "=" in part)
        if "worker.started" in line:
            started.add(int(fields["pid"]))
        elif "worker.ended" in line:
            started.discard(int(fields["pid"]))
    return started


def is_alive(pid: int) -> bool:
    """Whether a process is there, and not only waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_each_worker_takes_requests_on_the_one_port(hub: HubProcess) -> None:
    """The kernel spreads connections over all who listen."""
    assert len(workers_of(hub)) == WORKERS
    viewers = [Viewer(hub.url, SECRETS["HUB_API_KEY"]) for _ in range(12)]
    following = [asyncio.create_task(viewer.follow()) for viewer in viewers]
    try:
        await until(lambda: all(viewer.last_id for viewer in viewers))
        for number in range(10):
            assert await asyncio.to_thread(joined_in_the_end, hub, f"PA_{number}") <= {200, 503}
        await until(lambda: all(len(viewer.sequences) == len(viewers[0].sequences) >= 10 for viewer in viewers))
        await until(lambda: hub.get("/api/topics/*/viewers")[1]["viewers"] == len(viewers))
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    assert len({tuple(viewer.sequences) for viewer in viewers}) == 1


def test_a_worker_says_whose_numbers_it_shows(hub: HubProcess) -> None:
    """Through the one port now this one answers and now that one: what two of them count must not look like one's.

    By its number, which its successor has too: with process ids, there would be new series with every restart.
    """
    shown = [urllib.request.urlopen(f"{hub.url}/metrics", timeout=PATIENCE).read().decode() for _ in range(4)]
    named = {frozenset(re.findall(r'worker="(\d+)"', text)) for text in shown}
    assert {len(workers) for workers in named} == {1}
    assert {int(number) for workers in named for number in workers} <= set(range(1, WORKERS + 1))


async def test_workers_that_are_killed_come_back_and_viewers_miss_nothing(hub: HubProcess) -> None:
    """Whoever was connected to it resumes on another."""
    viewers = [Viewer(hub.url, SECRETS["HUB_API_KEY"]) for _ in range(6)]
    following = [asyncio.create_task(viewer.follow()) for viewer in viewers]
    try:
        await until(lambda: all(viewer.last_id for viewer in viewers))
        for turn in range(3):
            killed = sorted(workers_of(hub))[0]
            os.kill(killed, signal.SIGKILL)
            for number in range(5):
                await asyncio.to_thread(joined_in_the_end, hub, f"PA_{turn}_{number}")
            await until(lambda killed=killed: len(workers_of(hub) - {killed}) == WORKERS)
        head = len(hub.get("/api/events?limit=1000")[1]["items"])
        await until(lambda: all(viewer.sequences and viewer.sequences[-1] == head for viewer in viewers))
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    for viewer in viewers:
        assert viewer.sequences == list(range(1, head + 1))
        assert (viewer.resets, set(viewer.statuses)) == ([], {200})


async def test_a_rolling_restart_renews_every_worker_and_loses_nothing(hub: HubProcess) -> None:
    """That is how a new version is taken into use."""
    before = workers_of(hub)
    hub.signal(signal.SIGHUP)
    sent = 0
    while workers_of(hub) & before or len(workers_of(hub)) < WORKERS:
        # A status event of MeetingBaaS is not sent again after a refusal.
        assert await asyncio.to_thread(joined_in_the_end, hub, f"PA_{sent}") <= {0, 200}
        sent += 1
        assert sent < 5000
    items = hub.get("/api/events?limit=1000")[1]["items"]
    people = {item["data"]["participant"]["id"] for item in items if "participant" in item["data"]}
    assert len(people) == min(sent, 1000) or len(items) == 1000


def test_stopping_drains_all_and_leaves_nobody(hub: HubProcess) -> None:
    """A service manager sees one process end, and that all went well."""
    workers = workers_of(hub)
    assert hub.stop() == 0
    assert not any(map(is_alive, workers))


async def test_workers_end_with_a_supervisor_that_was_killed(hub: HubProcess) -> None:
    """Else the next one would share the port with processes that nobody looks after."""
    workers = workers_of(hub)
    hub.kill()
    await until(lambda: not any(map(is_alive, workers)))


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "SQLite file serves one process"),
        ({"DATABASE_URL": "postgresql://hub@127.0.0.1:1/hub"}, "local:// does not reach other processes"),
    ],
)
def test_what_cannot_be_shared_is_refused_with_the_reason(tmp_path: Path, environ: dict[str, str], reason: str) -> None:
    """Two processes that don't hear of each other would show different things."""
    hub = HubProcess(tmp_path, **environ)
    command = [sys.executable, "-m", "hub.cli", "serve", "--workers", "2"]
    done = subprocess.run(
        command, cwd=tmp_path, env=hub.environ, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_that_workers_refuse_ends_the_supervisor(tmp_path: Path, postgres: PostgresServer) -> None:
    """It would start them for ever."""
    refused = postgres.url("nowhere")
    hub = HubProcess(tmp_path, DATABASE_URL=refused, REDIS_URL="redis://127.0.0.1:1", HUB_SERVER__WORKERS="2")
    command = [sys.executable, "-m", "hub.cli", "serve"]
    done = subprocess.run(
        command, cwd=tmp_path, env=hub.environ, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 1
    assert "nowhere" in done.stderr
