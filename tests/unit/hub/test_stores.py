"""What a configuration is kept in: which parts go together, and what is built of them."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from hub.errors import ConfigRefused, StorageRefused, StorageUnavailable
from hub.events import Position
from hub.settings import Bus, Settings, Spool, Storage
from hub.stores import Stores, make_epoch, open_bus, open_store, open_stores
from storage.local import LocalBus
from storage.redis import RedisBus
from storage.spool import FileSpool
from storage.sqlite import SqliteStore
from tests.unit.hub.viewing import until

Logged = list[structlog.typing.EventDict]


@pytest.fixture
def nobody() -> Iterator[str]:
    """Return the URL of a database where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"postgresql://hub:geheim@127.0.0.1:{held.getsockname()[1]}/hub"


@pytest.fixture(autouse=True)
def logged() -> Iterator[Logged]:
    """What was logged, instead of printing it."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def settings(url: str, bus: str = "local://", spool: str = "") -> Settings:
    """Return settings of where things are kept."""
    return Settings(storage=Storage(url=url), bus=Bus(url=bus), spool=Spool(dir=spool))


class TestBus:
    """Which bus there is."""

    @pytest.mark.parametrize(
        ("url", "bus", "kind"),
        [
            ("sqlite:///var/hub.db", "local://", LocalBus),
            ("postgresql://h/d", "local://", LocalBus),
            ("postgresql://h/d", "redis://h", RedisBus),
            ("postgresql://h/d", "rediss://user:word@h:6380/2", RedisBus),
            ("postgresql://h/d", "redis+sentinel://a,b:26380/master", RedisBus),
        ],
    )
    async def test_it_is_the_one_that_was_configured(self, url: str, bus: str, kind: type[object]):
        """It connects when it runs, so a Redis that is away keeps nobody from starting."""
        opened = open_bus(settings(url, bus))
        assert isinstance(opened, kind)
        await opened.close()

    @pytest.mark.parametrize("bus", ["redis://127.0.0.1", "redis+sentinel://a/master"])
    def test_beside_sqlite_there_is_nobody_to_talk_to(self, bus: str):
        """Who configured it believes that there are several processes, and there cannot be."""
        with pytest.raises(ConfigRefused, match=r"bus\.url"):
            open_bus(settings("sqlite:///var/hub.db", bus))

    def test_beside_sqlite_there_is_no_spool(self, tmp_path: Path):
        """It would be on the same disk, and only take what that disk does not take."""
        with pytest.raises(ConfigRefused, match=r"spool\.dir"):
            open_bus(settings("sqlite:///var/hub.db", spool=str(tmp_path)))

    @pytest.mark.parametrize("bus", ["redis://:geheim@h:port", "http://geheim@h", "redis+sentinel://geheim@", ""])
    def test_one_that_nobody_understands_is_refused_without_its_password(self, bus: str):
        """What is printed at start ends up in logs."""
        with pytest.raises(ConfigRefused, match=r"bus\.url") as refused:
            open_bus(settings("postgresql://h/d", bus))
        assert "geheim" not in str(refused.value)


class TestStores:
    """Everything together."""

    async def test_a_file_is_a_hub_of_its_own(self, tmp_path: Path):
        """No server, no bus, no spool: the default has to work everywhere."""
        stores, head = await open_stores(settings(f"sqlite:///{tmp_path}/hub.db"))
        assert [type(part) for part in (stores.store, stores.bus, stores.spool)] == [SqliteStore, LocalBus, type(None)]
        assert head == await stores.store.position()
        await stores.close()

    async def test_closing_lets_go_of_all_of_it(self, tmp_path: Path):
        """The next process finds the store free, and what waits in the spool."""
        store = await open_store(settings(f"sqlite:///{tmp_path}/hub.db"))
        spool = FileSpool.open(tmp_path / "spool")
        await Stores(store, LocalBus(), spool).close()
        with pytest.raises(StorageUnavailable):
            await spool.drain(lambda _: asyncio.sleep(0))
        again = await open_store(settings(f"sqlite:///{tmp_path}/hub.db"))
        await again.close()

    async def test_what_cannot_be_together_is_refused_before_anything_is_made(self, tmp_path: Path):
        """A database that is there by mistake is taken for the right one later."""
        with pytest.raises(ConfigRefused):
            await open_stores(settings(f"sqlite:///{tmp_path}/hub.db", spool=f"{tmp_path}/spool"))
        assert list(tmp_path.iterdir()) == []

    async def test_a_file_that_another_hub_holds_is_refused_and_not_waited_for(self, tmp_path: Path):
        """That hub may run for years."""
        first, _ = await open_stores(settings(f"sqlite:///{tmp_path}/hub.db"))
        with pytest.raises(StorageRefused):
            await open_stores(settings(f"sqlite:///{tmp_path}/hub.db"))
        await first.close()

    async def test_a_folder_that_cannot_be_written_is_refused_before_the_store_is_waited_for(
        self, nobody: str, tmp_path: Path
    ):
        """It would be found out when it is needed."""
        place = tmp_path / "file"
        place.touch()
        with pytest.raises(StorageRefused, match=r"spool\.dir"):
            await open_stores(settings(nobody, spool=str(place)))


class TestAwaiting:
    """A server that does not answer yet."""

    async def test_a_single_question_is_not_waited_with(self, nobody: str):
        """`hub check` says that it is away."""
        with pytest.raises(StorageUnavailable) as away:
            await open_store(settings(nobody))
        assert "geheim" not in str(away.value)

    async def test_serving_waits_for_it_and_says_so(self, nobody: str, logged: Logged):
        """All machines of a cluster start at once, and the database is the slowest of them."""
        opening = asyncio.create_task(open_stores(settings(nobody)))
        await until(lambda: bool(logged))
        assert not opening.done()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert logged[0]["event"] == "store.awaited"
        assert "geheim" not in str(logged)

    async def test_who_gives_up_lets_go_of_the_rest(self, nobody: str, logged: Logged, tmp_path: Path):
        """Its spool is another process's then."""
        threads = asyncio.all_tasks()
        opening = asyncio.create_task(open_stores(settings(nobody, "redis://127.0.0.1:1", f"{tmp_path}/spool")))
        await until(lambda: bool(logged))
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opening
        assert asyncio.all_tasks() == threads


class TestNames:
    """What a log is called."""

    def test_each_is_another_one(self):
        """Two logs of one name would be taken for one."""
        assert len({make_epoch() for _ in range(1000)}) == 1000

    def test_it_can_be_read_in_a_position(self):
        """Viewers send it back."""
        place = Position(epoch=make_epoch(), sequence=17)
        assert Position.parse(str(place)) == place
