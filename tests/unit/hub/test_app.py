"""Beginning and ending: the hub waits for what it needs, and can be told to stop whatever it is waiting for."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
import structlog

from hub.app import GRACE_SECONDS, serve_until
from hub.errors import StorageUnavailable
from hub.fold import Batch, Rules
from hub.ports import Store
from hub.settings import Auth, Bus, Server, Settings, Source, Spool, Storage, Stream
from hub.stores import open_store
from tests.memory_store import MemoryStore
from tests.unit.hub.viewing import turns, until

# A stop that takes longer than this was not at once; the next look at the store is after a second.
AT_ONCE = 0.8

Logged = list[structlog.typing.EventDict]


@pytest.fixture(autouse=True)
def logged() -> Iterator[Logged]:
    """What was logged, instead of printing it."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def nobody() -> Iterator[str]:
    """Return the URL of a database where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"postgresql://127.0.0.1:{held.getsockname()[1]}/hub"


def settings(url: str, spool: str = "") -> Settings:
    """Return settings that can be served, on a port of the system's choice."""
    return Settings(
        server=Server(port=0),
        storage=Storage(url=url),
        spool=Spool(dir=spool),
        auth=Auth(api_keys=("k" * 40,), token_secrets=("t" * 40,)),
    )


class Serving:
    """A hub that is being served, and what it announced."""

    def __init__(self, chosen: Settings, store: Store | None = None) -> None:
        self.announced: list[str] = []
        self.stopping = asyncio.Event()
        serving = serve_until(self.stopping, chosen, lambda base, _: self.announced.append(base), store=store)
        self.task = asyncio.create_task(serving)

    async def begun(self) -> None:
        """Return when it takes requests."""
        await until(lambda: bool(self.announced))

    async def stop(self) -> float:
        """Tell it to stop; return how long that took."""
        begun = asyncio.get_running_loop().time()
        self.stopping.set()
        await self.task
        return asyncio.get_running_loop().time() - begun


async def quickest_stop(begun: Callable[[], Awaitable[Serving]]) -> float:
    """Return how long it takes at best to stop a hub: a machine may be busy with something else, but not each time."""
    return min([await (await begun()).stop() for _ in range(3)])


async def test_a_store_that_does_not_answer_yet_is_waited_for(nobody: str, logged: Logged) -> None:
    """All machines start at once, and the database is the slowest of them."""
    hub = Serving(settings(nobody))
    await until(lambda: bool(logged))
    assert not hub.task.done()
    await hub.stop()
    assert hub.announced == []


async def test_whoever_waits_for_a_store_can_be_told_to_stop(nobody: str, logged: Logged, tmp_path: Path) -> None:
    """A deploy that is called off must not be killed, nor wait for a database that will not come."""

    async def begun() -> Serving:
        logged.clear()
        hub = Serving(settings(nobody, f"{tmp_path}/spool"))
        await until(lambda: bool(logged))
        return hub

    assert await quickest_stop(begun) < AT_ONCE
    assert {entry["event"] for entry in logged} == {"store.awaited"}


@contextlib.asynccontextmanager
async def silent() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Yield the URL of a database whose server says nothing, and what is set when somebody connects to it."""
    connected, over = asyncio.Event(), asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await over.wait()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        yield f"postgresql://127.0.0.1:{server.sockets[0].getsockname()[1]}/hub", connected
        over.set()


async def test_a_store_that_takes_connections_and_says_nothing_keeps_nobody() -> None:
    """A server that was stopped with SIGSTOP, or is behind a bad firewall."""
    async with silent() as (url, connected):

        async def begun() -> Serving:
            connected.clear()
            hub = Serving(settings(url))
            await connected.wait()
            return hub

        assert await quickest_stop(begun) < AT_ONCE


async def test_who_was_told_to_stop_leaves_nothing_that_still_runs() -> None:
    """What is left is waited for by nobody, and complains when the process ends."""
    async with silent() as (url, connected):
        hub = Serving(settings(url))
        await connected.wait()
        await hub.stop()
        left = [str(task.get_coro()) for task in asyncio.all_tasks()]
        assert [one for one in left if "open_stores" in one] == []


@pytest.mark.parametrize("after", range(12))
async def test_who_is_told_to_stop_while_it_opens_the_store_leaves_it_to_the_next(tmp_path: Path, after: int) -> None:
    """That one starts in the same moment, and would be refused a file that is still held."""
    url = f"sqlite:///{tmp_path}/hub.db"
    hub = Serving(settings(url))
    await turns(after)
    await hub.stop()
    store = await open_store(settings(url))
    await store.close()
    assert hub.announced == []


async def test_a_store_that_may_not_be_used_is_no_reason_to_wait(tmp_path: Path) -> None:
    """It would be refused for ever; the reason is what its owner has to see."""
    (tmp_path / "hub.db").write_bytes(b"these are the minutes of the annual meeting\n" * 100)
    hub = Serving(settings(f"sqlite:///{tmp_path}/hub.db"))
    with pytest.raises(StorageUnavailable):
        await hub.task
    assert hub.announced == []


async def test_a_hub_that_serves_stops_when_it_is_told_to_and_lets_go_of_everything(tmp_path: Path) -> None:
    """The next process on this file starts at once."""
    url = f"sqlite:///{tmp_path}/hub.db"
    before = asyncio.all_tasks()
    for _ in range(2):
        hub = Serving(settings(url))
        await hub.begun()
        await hub.stop()
    assert asyncio.all_tasks() == before


async def test_a_hub_of_a_cluster_stays_until_a_balancer_has_noticed_also_without_viewers() -> None:
    """Whoever is sent to a port that is closed gets a 502: an EventSource gives up, some webhooks never come again."""
    chosen = settings("sqlite:///unused.db")
    chosen = msgspec.structs.replace(chosen, bus=Bus(url="redis://elsewhere"), stream=Stream(drain=1.0))
    hub = Serving(chosen, memory_store())
    await hub.begun()
    async with aiohttp.ClientSession() as session:
        stopping = asyncio.create_task(hub.stop())
        await turns()
        async with session.get(hub.announced[0] + "/readyz") as answer:
            assert answer.status == 503
    assert await stopping >= chosen.stream.drain


async def test_a_hub_that_is_alone_ends_at_once_when_nobody_watches() -> None:
    """Nobody takes over meanwhile: whatever it waits is added to the time without any."""
    chosen = msgspec.structs.replace(settings("sqlite:///unused.db"), stream=Stream(drain=1000.0))

    async def begun() -> Serving:
        hub = Serving(chosen, memory_store())
        await hub.begun()
        return hub

    assert await quickest_stop(begun) < AT_ONCE


async def test_a_store_that_hangs_keeps_nobody_who_is_to_stop(logged: Logged) -> None:
    """Nobody was told that what waits for it was taken. A hub that is killed instead leaves viewers without a word."""
    source = Source(provider="pulse", name="pulse", path="/webhooks/pulse", proof="none")
    store = memory_store()
    hub = Serving(msgspec.structs.replace(settings("sqlite:///unused.db"), sources=(source,)), store)
    await hub.begun()
    store.commits.hold()
    async with aiohttp.ClientSession() as session:
        posting = asyncio.create_task(session.post(hub.announced[0] + source.path, data=b"{}"))
        await until(lambda: any(store.batches))
        posting.cancel()
        assert await hub.stop() < GRACE_SECONDS
    assert "hub.unsettled" in [entry["event"] for entry in logged]


def memory_store() -> MemoryStore:
    """Return an empty store."""
    return MemoryStore(lambda deliveries: Batch(deliveries, Rules(frozenset())))
