"""A hub of several processes with all that it stands on, each of which can be made to fail."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import TypeVar

import aiohttp
import orjson

from tests.chaos.proxy import RedisProxy
from tests.postgres_server import PostgresServer
from tests.processes import SECRETS, HubProcess
from tests.redis_server import RedisServer

NODES = 3
KEY = SECRETS["HUB_API_KEY"]
_READ_SECONDS = 60.0

Answer = TypeVar("Answer")


class Spooling(Enum):
    """Which processes have a spool."""

    NOBODY = "no spool"
    ONE = "one spool"
    SHARED = "a shared spool"


class Node(HubProcess):
    """A hub that can also be stopped where it is."""

    def pause(self) -> None:
        """Stop it; its connections stay, answers don't come."""
        self._tell(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._tell(signal.SIGCONT)

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process is None or self._process.poll() is not None

    def _tell(self, number: int) -> None:
        if self._process is not None and not self.has_ended:
            self._process.send_signal(number)


class Cluster:
    """Some hubs on one database, and on one Redis that is reached through a proxy."""

    def __init__(self, folder: Path, chance: random.Random, spooling: Spooling, **options: str) -> None:
        self.postgres = PostgresServer()
        self.redis = RedisServer(folder / "redis")
        self.proxy = RedisProxy(self.redis.port, chance)
        self.spool = folder / "spool"
        self.nodes: list[Node] = []
        self._folder = folder
        self._spooling = spooling
        self._options = options
        self._threads = ThreadPoolExecutor(thread_name_prefix="chaos")

    async def open(self) -> None:
        """Start everything and return when all hubs take requests."""
        await self.away(self.postgres.start)
        await self.away(self.redis.start)
        await self.proxy.open()
        url = await self.away(self.postgres.create)
        self.nodes = [self._node(number, url) for number in range(NODES)]
        await asyncio.gather(*(self.away(node.start) for node in self.nodes))

    async def close(self) -> None:
        """End every process, in whatever state it is."""
        await self.proxy.close()
        # Twice: the first ends those that somebody waits for, the second those that were only just being started.
        for _ in range(2):
            for node in self.nodes:
                node.kill()
            await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        self.redis.kill()
        await asyncio.to_thread(self.postgres.close)

    async def away(self, work: Callable[[], Answer]) -> Answer:
        """Do what blocks in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def is_well(self) -> bool:
        """Whether all hubs are ready, miss nothing, and have handed over what they spooled."""
        return not await self.condition()

    async def condition(self) -> list[str]:
        """Return what is not well, in words."""
        troubles = [f"in the spool: {name}" for name in self.spooled()]
        for place, node in enumerate(self.nodes):
            try:
                status, said = await read(node, "/readyz")
            except (aiohttp.ClientError, OSError) as problem:
                troubles.append(f"node {place}: {type(problem).__name__}")
                continue
            if status != 200 or said["degraded"]:
                troubles.append(f"node {place}: {status} {said}")
        return troubles

    def spooled(self) -> list[str]:
        """Return the names of all files in the spool."""
        return sorted(path.name for path in self.spool.glob("*")) if self.spool.exists() else []

    def _node(self, number: int, url: str) -> Node:
        folder = self._folder / f"node{number}"
        folder.mkdir()
        # The last one: so that what is said of the first holds for most.
        has_spool = self._spooling is Spooling.SHARED or (self._spooling is Spooling.ONE and number == NODES - 1)
        return Node(
            folder,
            DATABASE_URL=url,
            REDIS_URL=self.proxy.url,
            HUB_STREAM__HEARTBEAT="1",
            HUB_SPOOL__DIR=str(self.spool) if has_spool else "",
            **self._options,
        )


@contextlib.asynccontextmanager
async def running(folder: Path, chance: random.Random, spooling: Spooling, **options: str) -> AsyncIterator[Cluster]:
    """Yield a cluster, its hubs with other options than usual; nothing of it is left, also when it never came up."""
    cluster = Cluster(folder, chance, spooling, **options)
    try:
        await cluster.open()
        yield cluster
    finally:
        await cluster.close()


async def read(node: HubProcess, path: str) -> tuple[int, dict[str, object]]:
    """Read something with the API key; return status and answer, with the log's position as `position`."""
    timeout = aiohttp.ClientTimeout(total=_READ_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, headers={"Authorization": f"Bearer {KEY}"}) as session,
        session.get(node.url + path) as answer,
    ):
        said = orjson.loads(await answer.read())
        return answer.status, {**said, "position": answer.headers.get("Hub-Position", "")}


async def read_all(node: HubProcess, path: str) -> tuple[list[dict[str, object]], set[str]]:
    """Return every item of a list, and the positions at which its pages were read."""
    items: list[dict[str, object]] = []
    positions: set[str] = set()
    following = ""
    sign = "&" if "?" in path else "?"
    follow = "after" if path.startswith("/api/events") else "cursor"
    while True:
        status, page = await read(node, f"{path}{sign}limit=1000{following}")
        if status != 200:
            raise AssertionError(f"GET {path} was answered {status}: {page}")
        found = page["items"]
        assert isinstance(found, list)
        items += found
        positions.add(str(page["position"]))
        if page["next"] is None:
            return items, positions
        following = f"&{follow}={page['next']}"
