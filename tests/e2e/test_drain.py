"""Stopping and restarting: everybody is told, nobody is cut off in the middle, nothing is lost, and it ends in time."""

import asyncio
import contextlib
import copy
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from hub.app import GRACE_SECONDS
from tests.chaos.cluster import KEY, Cluster, Node, Spooling, running
from tests.chaos.faithful import Faithful, Talking
from tests.chaos.load import DURABLE_ROOM, Load, Mark
from tests.chaos.verdict import TOPICS, judge, of_witness, read_log
from tests.nginx_server import guides_nginx
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

DRAIN = 3.0
STREAMS, SOCKETS = 100, 50
# More than the buffers of a connection hold.
UNREAD_EVENTS = 400
# So that hundreds of viewers, all read by this process, leave it time for the rest.
CALM_SECONDS = 1.0
# What the hub promises to a viewer whose turn it is: 1 to 5 s, or 0.1 to 0.5 when it is the only one to go.
RETRY_MS, RETRY_SOON_MS = range(1000, 5000), range(100, 500)
ROUNDS = 1
MAX_AGE, SHORTEST_AGE = 2.0, 1.6


@dataclass
class Farewell:
    """A hub that is stopped while many watch and providers send, and what was seen of that."""

    hub: Node
    load: Load
    crowd: list[Faithful] = field(default_factory=list)
    late: list[Faithful] = field(default_factory=list)
    readiness: tuple[int, object] = (0, None)
    status: int | None = None
    seconds: float = 0.0
    unread: bytes = b""
    unanswered: bytes = b""
    logged: Counter[Mark] = field(default_factory=Counter)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def farewell(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Farewell]:
    """Stop a hub, once for all who look at it."""
    node = Node(tmp_path_factory.mktemp("farewell"), HUB_STREAM__DRAIN=str(DRAIN))
    await asyncio.to_thread(node.start)
    told = Farewell(node, Load([node], random.Random(1), pause=0.0))
    sending = asyncio.create_task(told.load.run())
    try:
        await _say_farewell(told)
        await asyncio.to_thread(node.start)
        told.load.is_over = True
        await sending
        told.logged = (await read_log(node)).marks()
        yield told
    finally:
        sending.cancel()
        node.kill()


async def test_readiness_fails_first(farewell: Farewell) -> None:
    """A balancer has to hear of it while the port still answers."""
    assert farewell.readiness == (503, "draining")


async def test_who_comes_meanwhile_is_asked_to_come_back_and_not_refused(farewell: Farewell) -> None:
    """EventSource gives up for good after any status but 200."""
    for viewer in farewell.late:
        assert viewer.statuses == [200]
        assert [goodbye.reason for goodbye in viewer.goodbyes] == ["drain"]
        assert viewer.goodbyes[0].retry in RETRY_MS
        assert viewer.start == ""
    assert [viewer.codes for viewer in farewell.late if isinstance(viewer, Talking)] == [[1012]]


async def test_every_viewer_is_told_to_go(farewell: Farewell) -> None:
    """Who is cut off without a word comes back at once, with all others."""
    assert [viewer.byes[0] for viewer in farewell.crowd] == ["drain"] * (STREAMS + SOCKETS)
    assert [viewer.codes[0] for viewer in farewell.crowd if isinstance(viewer, Talking)] == [1012] * SOCKETS


async def test_viewers_are_told_at_different_times_to_come_back_after_different_times(farewell: Farewell) -> None:
    """All at once they would be a storm for the next process."""
    goodbyes = [viewer.goodbyes[0] for viewer in farewell.crowd]
    assert all(goodbye.retry in RETRY_MS for goodbye in goodbyes)
    assert len({goodbye.retry for goodbye in goodbyes}) > len(goodbyes) / 2
    # Events went on: by how many different ones viewers had seen last, they left at as many different times.
    assert len({goodbye.position for goodbye in goodbyes}) > 3
    # Nobody is served any more who was told to go.
    assert all(viewer.last_id == viewer.goodbyes[0].position for viewer in farewell.crowd)


async def test_it_ends_in_time_whoever_reads_nothing_or_answers_nothing(farewell: Farewell) -> None:
    """Who is late is killed by whoever asked; one viewer that is stuck must not be a reason."""
    assert farewell.status == 0
    assert farewell.seconds < DRAIN + GRACE_SECONDS
    assert b"event: bye" not in farewell.unread
    # Close, with the code in network order: it got that, and did not answer.
    assert (1012).to_bytes(2, "big") in farewell.unanswered.rpartition(b'"reconnect":true')[2]


async def test_no_webhook_that_was_answered_is_missing(farewell: Farewell) -> None:
    """What was taken is committed, also that of the last moment."""
    assert len(farewell.load.answered) > UNREAD_EVENTS
    assert farewell.logged == Counter(farewell.load.answered)
    assert farewell.load.wrong == []


async def _say_farewell(told: Farewell) -> None:
    stuck = _opened(told.hub, "GET /api/stream?topic=*&snapshot=0 HTTP/1.1")
    await until(lambda: len(told.load.answered) > UNREAD_EVENTS)
    told.load.pause = CALM_SECONDS
    silent = _opened(told.hub, "GET /api/ws?topic=bots HTTP/1.1", *_UPGRADE)
    told.crowd = [_viewer(told.hub, kind=kind) for kind in (Faithful,) * STREAMS + (Talking,) * SOCKETS]
    async with _following(told.crowd):
        began = time.monotonic()
        told.hub.signal(signal.SIGTERM)
        await until(lambda: not told.hub.is_ready())
        status, said = await asyncio.to_thread(told.hub.get, "/readyz")
        told.readiness = (status, said["status"])
        told.late = [await _turned_away(_viewer(told.hub, kind=kind)) for kind in (Faithful, Talking)]
        await until(lambda: _has_ended_though_asked_again(told.hub))
        told.seconds = time.monotonic() - began
        await until(lambda: all(viewer.byes for viewer in told.crowd))
    told.status = told.hub.stop()
    told.unread, told.unanswered = [await _rest(opened) for opened in (stuck, silent)]


async def test_a_rolling_restart_loses_nothing_and_no_viewer_is_refused(tmp_path: Path) -> None:
    """That is how a new version is taken into use, behind a balancer or without one."""
    chance = random.Random(20261123)
    async with running(tmp_path, chance, Spooling.NOBODY, HUB_STREAM__DRAIN="0.5") as cluster:
        with guides_nginx([node.port for node in cluster.nodes], tmp_path) as url:
            entrance = copy.copy(cluster.nodes[0])
            entrance.url = url
            load = Load([*cluster.nodes, *[entrance] * len(cluster.nodes)], chance, pause=CALM_SECONDS)
            viewers = [
                _viewer(*nodes, kind=kind, topic=topic, chance=random.Random(chance.random()))
                for nodes in (cluster.nodes, [entrance])
                for kind in (Faithful, Faithful, Talking)
                for topic in TOPICS
            ]
            async with _following(viewers):
                statuses = await _restart_under_load(cluster, load)
                log = await read_log(cluster.nodes[0])
                await until(lambda: all(_has_all(viewer, len(log.events)) for viewer in viewers))
                problems = await judge(cluster, load, log, viewers, mirrors=[])

    assert statuses == [0] * ROUNDS * len(cluster.nodes)
    assert problems == []
    # Everybody was somewhere that was restarted.
    assert all(len(viewer.statuses) > 1 for viewer in viewers)
    assert [code for viewer in viewers if isinstance(viewer, Talking) for code in viewer.codes if code != 1012] == []


async def _restart_under_load(cluster: Cluster, load: Load) -> list[int]:
    """Restart one after the other while providers send, and return the statuses that they ended with."""
    statuses = []
    sending = asyncio.create_task(load.run())
    try:
        for node in cluster.nodes * ROUNDS:
            answered = len(load.answered)
            statuses.append(await cluster.away(node.stop))
            await cluster.away(node.start)
            await until(lambda answered=answered: len(load.answered) > answered)
        load.is_over = True
        await sending
    finally:
        sending.cancel()
    return statuses


async def test_connections_end_by_themselves_at_different_ages_and_viewers_go_on(tmp_path: Path) -> None:
    """Else everybody would stay for ever where they are, and who came together would come together for ever."""
    # The heartbeat is also how often a hub without events looks at the clock.
    node = Node(tmp_path, HUB_STREAM__MAX_AGE=str(MAX_AGE), HUB_STREAM__HEARTBEAT="0.1")
    await asyncio.to_thread(node.start)
    load = Load([node], random.Random(2), pause=CALM_SECONDS)
    sending = asyncio.create_task(load.run())
    viewers = [_viewer(node, kind=kind) for kind in (Faithful,) * 30 + (Talking,) * 10]
    try:
        async with _following(viewers):
            await until(lambda: all(len(viewer.statuses) > 1 for viewer in viewers))
            load.is_over = True
            await sending
            log = await read_log(node)
            await until(lambda: all(_has_all(viewer, len(log.events)) for viewer in viewers))
            problems = [problem for viewer in viewers for problem in of_witness(viewer, log)]
    finally:
        sending.cancel()
        node.kill()

    goodbyes = [viewer.goodbyes[0] for viewer in viewers]
    assert problems == []
    assert {goodbye.reason for goodbye in goodbyes} == {"drain"}
    assert all(goodbye.retry in RETRY_SOON_MS for goodbye in goodbyes)
    ages = [goodbye.lived for goodbye in goodbyes]
    # A greeting that is read late makes a life look shorter.
    assert min(ages) > SHORTEST_AGE / 2
    assert max(ages) - min(ages) > (MAX_AGE - SHORTEST_AGE) / 4


_UPGRADE = (
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip


def _viewer(*nodes: Node, kind: type[Faithful], topic: str = DURABLE_ROOM, chance: random.Random | None = None):
    return kind(nodes[0].url, KEY, (topic,), nodes=nodes, chance=chance or random.Random(0))


def _has_all(viewer: Faithful, head: int) -> bool:
    """Whether a viewer got everything, or will never get it."""
    return viewer.here >= head or set(viewer.statuses) != {200}


@contextlib.asynccontextmanager
async def _following(viewers: list[Faithful]) -> AsyncIterator[None]:
    """Let them follow, from now on."""
    following = [asyncio.create_task(viewer.follow()) for viewer in viewers]
    try:
        await until(lambda: all(viewer.start or set(viewer.statuses) - {200} for viewer in viewers))
        yield
    finally:
        for task in following:
            task.cancel()
        await asyncio.wait(following)


def _has_ended_though_asked_again(node: Node) -> bool:
    """Ask as somebody impatient does, to the last moment."""
    for number in (signal.SIGTERM, signal.SIGINT):
        node.signal(number)
    return node.has_ended


async def _turned_away(viewer: Faithful) -> Faithful:
    async with aiohttp.ClientSession() as session:
        await viewer.visit(session)
    return viewer


def _opened(node: Node, line: str, *headers: str) -> socket.socket:
    """Ask for something, and read nothing: the system takes what it has room for."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.connect(("127.0.0.1", node.port))
    opened.sendall("\r\n".join([line, "Host: x", f"Authorization: Bearer {KEY}", *headers, "", ""]).encode())
    opened.setblocking(False)
    return opened


async def _rest(opened: socket.socket) -> bytes:
    """Return what had been sent to somebody who was cut off."""
    received = b""
    with opened, contextlib.suppress(ConnectionError):
        while some := await asyncio.get_running_loop().sock_recv(opened, 65_536):
            received += some
    return received
