"""A cluster whose parts fail loses nothing, repeats nothing, and mends itself; the long version is `make chaos`."""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from storage.postgres.connections import WORK_SECONDS
from tests.chaos.cluster import KEY, Cluster, Node, Spooling, read, running
from tests.chaos.faults import PAST_ALL_TIMEOUTS, Fault
from tests.chaos.load import Answer, Load, Mark, joined, patience, send
from tests.chaos.round import play
from tests.chaos.verdict import of_witness, read_log
from tests.chaos.witness import Witness
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAULTS = (
    Fault("kill hub", 0.2, place=0),
    Fault("stop redis", 2.0, overlaps_after=0.5),
    Fault("restart postgres", overlaps_after=1.0),
    Fault("pause hub", PAST_ALL_TIMEOUTS, place=1, overlaps_after=1.0),
    Fault("wipe redis"),
    Fault("kill all hubs", 0.2),
)
# A webhook is answered after two seconds, in the store or not; as much again is for a busy machine.
ANSWERED_WITHIN = 4.0
# Storage is looked at once a second; as much again is for a busy machine.
SEEN_WITHIN = 2.0
# The database ends an idle holder of the lock after two seconds, and who waited is then asked to come again.
FREED_WITHIN = 10.0

# In a log of its own nobody has these numbers.
_numbers = itertools.count(100_001)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """One cluster for all stories; the last of its processes has a spool."""
    async with running(tmp_path_factory.mktemp("cluster"), random.Random(0), Spooling.ONE) as cluster:
        yield cluster


@pytest_asyncio.fixture(loop_scope="module")
async def cluster(shared: Cluster) -> Cluster:
    """The cluster, after whatever was done to it before."""
    await _well(shared)
    return shared


async def test_nothing_is_lost_or_repeated_whatever_fails(tmp_path: Path) -> None:
    """The two promises, durable acknowledgement and lossless resume, while each part of a cluster fails under load."""
    report = await play(tmp_path, seed=20261122, faults=FAULTS, spooling=Spooling.SHARED)

    assert report.problems == [], report.story()
    assert report.events > 200


async def test_a_viewer_resumes_on_another_node_without_a_gap(cluster: Cluster) -> None:
    """Behind a balancer nobody comes back to where he was; a position is one of the log, not of a process."""
    viewer = _viewer(cluster.nodes[0])
    async with _following(viewer):
        await _tell(cluster.nodes[0], 5)
        await until(lambda: len(viewer.seen) == 5)
    await _tell(cluster.nodes[2], 5)
    viewer.nodes = [cluster.nodes[1]]
    async with _following(viewer):
        await _tell(cluster.nodes[0], 5)
        await until(lambda: len(viewer.seen) == 15)

    assert list(of_witness(viewer, await read_log(cluster.nodes[1]))) == []
    assert viewer.statuses == [200, 200]


async def test_a_process_that_is_stopped_while_it_holds_the_lock_does_not_stop_the_others(cluster: Cluster) -> None:
    """One writer at a time must not mean that one that hangs, as in a machine that is moved, takes all with it."""
    stopped, other = cluster.nodes[0], cluster.nodes[1]
    load = Load([stopped], random.Random(1), numbers=_numbers)
    sending = asyncio.create_task(load.run())
    try:
        await _stop_while_it_commits(cluster, stopped)
        began = time.monotonic()
        marks = await _tell(other, 1)
        seconds = time.monotonic() - began
    finally:
        load.is_over = True
        stopped.resume()
        await sending

    assert seconds < FREED_WITHIN
    await _assert_logged_once(cluster, marks + load.answered)
    assert load.wrong == []


async def test_viewers_who_left_while_a_process_was_stopped_are_no_defect_of_it(cluster: Cluster) -> None:
    """What it reads when it goes on are requests of people who are gone; an error logged for each would alarm."""
    node = cluster.nodes[0]
    before = node.log.read_text().count("request.failed")
    node.pause()
    try:
        for _ in range(3):
            await _leave_at_once(node)
    finally:
        node.resume()
    await _tell(node, 1)

    assert node.log.read_text().count("request.failed") == before


async def test_a_snapshot_that_fails_when_all_who_waited_have_left_is_no_defect(cluster: Cluster) -> None:
    """Nobody hears of it then; what is logged is that storage is away, not that an error was lost."""
    node = cluster.nodes[0]
    async with _without_postgres(cluster, is_paused=True):
        await _leave_at_once(node)
        # As long as the fault has to last: then the store gives up.
        await asyncio.sleep(WORK_SECONDS + 0.5)
    await _well(cluster)
    # Another snapshot takes the place of the one that failed.
    await _leave_at_once(node)
    await _tell(node, 1)

    assert "never retrieved" not in node.log.read_text()


async def test_without_redis_the_events_of_one_process_reach_viewers_of_another_within_a_second(
    cluster: Cluster,
) -> None:
    """Redis is for speed: without it a viewer waits for the next look at the store, and no longer."""
    viewer = _viewer(cluster.nodes[1])
    async with _following(viewer), _without_redis(cluster):
        delays = [await _delay(cluster.nodes[0], viewer) for _ in range(5)]

    # Once, the machine may have been busier than that.
    assert sorted(delays)[-2] < SEEN_WITHIN


async def test_without_redis_all_processes_say_so_and_they_recover_by_themselves(cluster: Cluster) -> None:
    """Whoever watches over the hub must see why it is slower; a balancer must go on using it."""
    async with _without_redis(cluster):
        said = [await read(node, "/readyz") for node in cluster.nodes]
    await _well(cluster)

    for status, answer in said:
        assert status == 200
        assert answer["degraded"] is True
        assert [reason.partition(" ")[0] for reason in answer["reasons"]] == ["bus:"]


@pytest.mark.parametrize("is_paused", [False, True], ids=["stopped", "paused"])
async def test_without_postgres_webhooks_are_refused_in_time_and_viewers_stay(
    cluster: Cluster, *, is_paused: bool
) -> None:
    """A provider comes again after a 503, and gives up on who does not answer; a viewer has no reason to leave."""
    node, viewer = cluster.nodes[0], _viewer(cluster.nodes[0])
    async with _following(viewer):
        async with _without_postgres(cluster, is_paused=is_paused):
            answer, seconds = await _answered(node)
            await until(lambda: bool(viewer.heartbeats) and bool(viewer.heartbeats[-1]["degraded"]))
            heartbeat = viewer.heartbeats[-1]
        await _well(cluster)
        marks = await _tell(node, 1)
        await until(lambda: bool(viewer.seen))
        await until(lambda: not viewer.heartbeats[-1]["degraded"])

    assert (answer.status, answer.retry_after) == (503, "1")
    assert seconds < ANSWERED_WITHIN
    assert "storage" in heartbeat["reasons"]
    assert viewer.statuses == [200]
    assert viewer.byes == []
    await _assert_logged_once(cluster, marks)


async def test_a_process_that_starts_waits_for_postgres_whenever_it_goes_away(cluster: Cluster, tmp_path: Path) -> None:
    """It may go between any two steps of a start. An end counts as a refusal, which stops all workers."""
    url = await cluster.away(cluster.postgres.create)
    async with _refusing(cluster.postgres.port, connection=3) as port:
        node = Node(tmp_path, DATABASE_URL=url.replace(str(cluster.postgres.port), str(port)))
        try:
            await cluster.away(node.start)
        finally:
            node.kill()


@pytest.mark.parametrize("is_paused", [False, True], ids=["stopped", "paused"])
async def test_with_a_spool_webhooks_are_taken_without_postgres_and_their_events_follow(
    cluster: Cluster, *, is_paused: bool
) -> None:
    """Not every provider comes again: what the store does not take meanwhile is kept on this machine's disk."""
    viewer, webhooks = _viewer(cluster.nodes[0]), [joined(next(_numbers)) for _ in range(5)]
    async with _following(viewer), patience(ANSWERED_WITHIN) as session:
        async with _without_postgres(cluster, is_paused=is_paused):
            answers = [await send(session, cluster.nodes[2], webhook) for webhook in webhooks]
        await until(lambda: len(viewer.seen) == len(webhooks))

    assert [answer.status for answer in answers] == [200] * len(webhooks)
    await _assert_logged_once(cluster, [webhook.mark for webhook in webhooks])
    assert list(of_witness(viewer, await read_log(cluster.nodes[0]))) == []


async def test_what_a_killed_process_left_in_its_spool_is_handed_over_by_the_next(cluster: Cluster) -> None:
    """200 was said: that the process, and with it all that it knew, is gone must make no difference."""
    node, webhooks = cluster.nodes[2], [joined(next(_numbers)) for _ in range(5)]
    async with _without_postgres(cluster), patience() as session:
        answers = [await send(session, node, webhook) for webhook in webhooks]
        await cluster.away(node.kill)
    marks = (await read_log(cluster.nodes[0])).marks()
    left = cluster.spooled()
    await cluster.away(node.start)
    await _well(cluster)

    assert [answer.status for answer in answers] == [200] * len(webhooks)
    assert left != []
    assert not any(webhook.mark in marks for webhook in webhooks)
    await _assert_logged_once(cluster, [webhook.mark for webhook in webhooks])


def _viewer(node: Node) -> Witness:
    return Witness(node.url, KEY, ("rooms",), nodes=[node])


@contextlib.asynccontextmanager
async def _following(viewer: Witness) -> AsyncIterator[None]:
    connections = len(viewer.statuses)
    following = asyncio.create_task(viewer.follow())
    try:
        await until(lambda: len(viewer.statuses) > connections and bool(viewer.start))
        yield
    finally:
        following.cancel()
        await asyncio.wait([following])


async def _leave_at_once(node: Node) -> None:
    """Ask for a stream and be gone before there is an answer."""
    timeout = aiohttp.ClientTimeout(total=0.1)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(timeout=timeout) as session:
        with contextlib.suppress(TimeoutError):
            async with session.get(f"{node.url}/api/stream?topic=rooms", headers=headers):
                pass


async def _tell(node: Node, count: int) -> list[Mark]:
    """Let a provider tell one process of some people, until all is answered 200."""
    load = Load([node], random.Random(0))
    async with patience() as session:
        for _ in range(count):
            await load.tell(session, joined(next(_numbers)))
    assert load.wrong == []
    return load.answered


async def _answered(node: Node) -> tuple[Answer, float]:
    began = time.monotonic()
    async with patience(10.0) as session:
        answer = await send(session, node, joined(next(_numbers)))
    return answer, time.monotonic() - began


async def _delay(node: Node, viewer: Witness) -> float:
    """Return how long after the provider's answer a viewer sees what was told."""
    seen = len(viewer.seen)
    await _tell(node, 1)
    answered = time.monotonic()
    await until(lambda: len(viewer.seen) > seen)
    return time.monotonic() - answered


@contextlib.asynccontextmanager
async def _without_redis(cluster: Cluster) -> AsyncIterator[None]:
    await cluster.away(cluster.redis.stop)
    try:
        async with asyncio.timeout(PATIENCE):
            while not all([(await read(node, "/readyz"))[1]["degraded"] for node in cluster.nodes]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield
    finally:
        await cluster.away(cluster.redis.start)


@contextlib.asynccontextmanager
async def _without_postgres(cluster: Cluster, *, is_paused: bool = False) -> AsyncIterator[None]:
    postgres = cluster.postgres
    await cluster.away(postgres.pause if is_paused else postgres.stop)
    try:
        yield
    finally:
        await cluster.away(postgres.resume if is_paused else postgres.start)


@contextlib.asynccontextmanager
async def _refusing(target: int, connection: int) -> AsyncIterator[int]:
    """Yield a port that leads to another one, except for the connection of one number."""
    numbers = itertools.count(1)
    pumps: set[asyncio.Task[None]] = set()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if next(numbers) == connection:
            writer.transport.abort()
            return
        answers, asking = await asyncio.open_connection("127.0.0.1", target)
        pumps.update({asyncio.create_task(_pump(reader, asking)), asyncio.create_task(_pump(answers, writer))})

    async with await asyncio.start_server(connect, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait(pumps, timeout=PATIENCE)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(65_536):
            writer.write(content)
    except ConnectionError:
        pass
    finally:
        writer.close()


async def _stop_while_it_commits(cluster: Cluster, node: Node) -> None:
    """Stop a process until the database says that it has the lock; nobody else has anything to write."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await asyncio.sleep(random.uniform(0.0, 0.05))
            node.pause()
            if await cluster.away(lambda: _idle_holders(cluster)):
                return
            node.resume()


def _idle_holders(cluster: Cluster) -> str:
    return cluster.postgres.sql(
        "SELECT holders.pid FROM pg_locks AS locks JOIN pg_stat_activity AS holders USING (pid)"
        " WHERE locks.locktype = 'advisory' AND locks.granted AND holders.state = 'idle in transaction'"
    ).strip()


async def _assert_logged_once(cluster: Cluster, marks: list[Mark]) -> None:
    logged = (await read_log(cluster.nodes[1])).marks()
    assert {mark: logged[mark] for mark in marks} == dict.fromkeys(marks, 1)


async def _well(cluster: Cluster) -> None:
    async with asyncio.timeout(PATIENCE):
        while await cluster.condition():  # noqa: ASYNC110 -- what other processes say
            await asyncio.sleep(0.05)
