"""Storage that was restored, or lost its last commits, is another log: viewers are told, and shown what is there."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from hub.commands.send import sample_for, with_values
from tests.postgres_server import PostgresServer
from tests.processes import SECRETS, HubProcess
from tests.redis_server import RedisServer
from tests.streams import Sent, Viewer
from tests.waiting import until


@pytest.fixture
def hub(tmp_path: Path, postgres: PostgresServer, redis: RedisServer) -> Iterator[HubProcess]:
    """A hub on both, not started."""
    process = HubProcess(tmp_path, DATABASE_URL=postgres.create(), REDIS_URL=redis.url, HUB_STREAM__HEARTBEAT="0.5")
    yield process
    process.kill()


def happen(hub: HubProcess, *people: str) -> None:
    """Let people join a room; each is one event or two."""
    for person in people:
        sample = sample_for("livekit", "participant_joined", time.time_ns() // 1_000_000)
        status, said = hub.post("livekit", with_values(sample, [f"participant.sid={person}", f"id=EV_{person}"]))
        assert (status, said["status"]) == (200, "accepted")


def head(hub: HubProcess) -> int:
    status, page = hub.get("/api/events?limit=1000")
    assert status == 200
    return len(page["items"])


async def seen(hub: HubProcess, position: str) -> list[Sent]:
    """Return what a viewer is sent that comes back with a position, up to its first heartbeat."""
    viewer = Viewer(hub.url, SECRETS["HUB_API_KEY"], ("*",), last_id=position)
    found: list[Sent] = []
    async with aiohttp.ClientSession() as session:
        async for sent in viewer.once(session):
            if sent.name == "heartbeat":
                break
            found.append(sent)
    return found


def people_shown(snapshot: Sent) -> set[str]:
    return {str(room["participant_count"]) for room in snapshot.data["rooms"]}


@contextlib.asynccontextmanager
async def following(hub: HubProcess) -> AsyncIterator[Viewer]:
    viewer = Viewer(hub.url, SECRETS["HUB_API_KEY"], ("*",))
    task = asyncio.create_task(viewer.follow())
    try:
        await until(lambda: bool(viewer.last_id))
        yield viewer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_database_that_lost_its_last_commits_while_hubs_run_is_another_log(
    hub: HubProcess, postgres: PostgresServer
) -> None:
    """What follows would be told in places that viewers have seen taken."""
    await asyncio.to_thread(hub.start)
    await asyncio.to_thread(happen, hub, "PA_1", "PA_2")
    await asyncio.to_thread(postgres.keep)
    await until(lambda: hub.get("/readyz")[1]["degraded"] is False)
    async with following(hub) as viewer:
        await asyncio.to_thread(happen, hub, "PA_3", "PA_4")
        known = viewer.last_id.partition(".")[0]
        await until(lambda: len(viewer.sequences) >= 2)
        await asyncio.to_thread(postgres.put_back)
        await until(lambda: viewer.resets == ["epoch_changed"])
        await until(lambda: viewer.last_id.partition(".")[0] != known)
        before = len(viewer.sequences)
        await asyncio.to_thread(happen, hub, "PA_5")
        await until(lambda: len(viewer.sequences) == before + 1)
        assert viewer.sequences[-1] == await asyncio.to_thread(head, hub)
        assert viewer.resets == ["epoch_changed"]
        assert set(viewer.statuses) == {200}


async def test_redis_remembers_what_a_database_lost_while_no_hub_ran(hub: HubProcess, postgres: PostgresServer) -> None:
    """The first process that starts finds Redis ahead of storage, also when storage then grows past it."""
    await asyncio.to_thread(hub.start)
    await asyncio.to_thread(happen, hub, "PA_1")
    await asyncio.to_thread(postgres.keep)
    await until(lambda: hub.get("/readyz")[1]["degraded"] is False)
    await asyncio.to_thread(happen, hub, "PA_2", "PA_3")
    old = (await seen(hub, ""))[-1].id
    await asyncio.to_thread(hub.stop)
    await asyncio.to_thread(postgres.put_back)
    await asyncio.to_thread(hub.start)
    await until(lambda: _epoch(hub) != old.partition(".")[0])
    await asyncio.to_thread(happen, hub, "PA_4", "PA_5", "PA_6")
    sent = await seen(hub, old)
    assert [one.name for one in sent][:3] == ["hello", "reset", "snapshot"]
    assert sent[1].data == {"reason": "epoch_changed"}
    assert people_shown(sent[2]) == {"4"}


async def test_a_dump_that_has_grown_past_a_viewers_position_does_not_resume_it(
    hub: HubProcess, postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    """Neither Redis nor any hub remembers: the database itself knows that it is not where the log was named."""
    name = hub.settings.storage.url.rpartition("/")[2]
    dump = str(tmp_path / "dump")
    await asyncio.to_thread(hub.start)
    await asyncio.to_thread(happen, hub, "PA_1")
    await asyncio.to_thread(postgres.client, "pg_dump", "--format=custom", f"--file={dump}", database=name)
    await asyncio.to_thread(happen, hub, "PA_2")
    old = (await seen(hub, ""))[-1].id
    await asyncio.to_thread(hub.stop)
    postgres.sql(f"DROP DATABASE {name}", f"CREATE DATABASE {name}")
    await asyncio.to_thread(postgres.client, "pg_restore", "--no-owner", dump, database=name)
    redis.wipe()
    await asyncio.to_thread(hub.start)
    await asyncio.to_thread(happen, hub, "PA_3", "PA_4", "PA_5")
    sent = await seen(hub, old)
    assert [one.name for one in sent][:3] == ["hello", "reset", "snapshot"]
    assert people_shown(sent[2]) == {"4"}
    # And every later viewer of the new log resumes it.
    assert [one.name for one in await seen(hub, sent[2].id)] == ["hello"]


async def test_a_new_epoch_by_hand_reaches_viewers_of_running_hubs(hub: HubProcess) -> None:
    """A step of every restore, for what nothing can notice."""
    await asyncio.to_thread(hub.start)
    await asyncio.to_thread(happen, hub, "PA_1")
    async with following(hub) as viewer:
        command = [sys.executable, "-m", "hub.cli", "migrate", "--new-epoch"]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=hub.folder, env=hub.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        await until(lambda: viewer.resets == ["epoch_changed"])
        await until(lambda: viewer.last_id.partition(".")[0] in done.stdout)


def _epoch(hub: HubProcess) -> str:
    return str(hub.get("/api/events?limit=1")[1]["items"][0]["id"]).partition(".")[0]
