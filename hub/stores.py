"""What a configuration keeps things in: the store, the bus between processes, the spool for when the store is away."""

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import structlog

from hub.errors import ConfigRefused, StorageUnavailable
from hub.events import Delivery, Position
from hub.fold import Batch, Recall, Rules
from hub.ports import Bus, Spool, Store
from hub.settings import Settings
from storage.local import LocalBus
from storage.postgres import PostgresStore
from storage.redis import RedisBus
from storage.spool import FileSpool
from storage.sqlite import SqliteStore

_AWAIT_SECONDS = 1.0

log = structlog.get_logger()


class Stores(msgspec.Struct, frozen=True):
    """Everything that outlives the process, or reaches others."""

    store: Store
    bus: Bus
    spool: Spool | None = None

    async def close(self) -> None:
        """Let go of all of it."""
        if self.spool:
            await self.spool.close()
        await self.bus.close()
        await self.store.close()


async def open_stores(settings: Settings) -> tuple[Stores, Position]:
    """Open what is configured, as soon as PostgreSQL answers; return it with the head of the log.

    Raises ConfigRefused for what cannot be together, and StorageRefused.
    """
    async with AsyncExitStack() as opened:
        bus = open_bus(settings)
        opened.push_async_callback(bus.close)
        spool = FileSpool.open(Path(settings.spool.dir)) if settings.spool.dir else None
        if spool:
            opened.push_async_callback(spool.close)
        store, head = await _awaited_store(settings)
        opened.pop_all()
    return Stores(store, bus, spool), head


async def open_store(settings: Settings, *, migrates: bool | None = None) -> Store:
    """Open the configured store; `migrates` stands for what is configured of that.

    Raises StorageRefused, and StorageUnavailable when it does not answer.
    """
    rules, recall = Rules(frozenset(settings.rooms.speaker_roles)), Recall()

    def folder(deliveries: Sequence[Delivery]) -> Batch:
        return Batch(deliveries, rules, recall)

    storage = settings.storage
    if storage.is_sqlite:
        return await SqliteStore.open(storage.url, folder, make_epoch)
    allowed = storage.migrate if migrates is None else migrates
    return await PostgresStore.open(storage.url, folder, make_epoch, migrates=allowed)


def open_bus(settings: Settings) -> Bus:
    """Return the configured bus, which connects when it runs. Raises ConfigRefused for what cannot be together."""
    if settings.storage.is_sqlite:
        if not settings.bus.is_local:
            raise ConfigRefused("bus.url: with SQLite there is one process; expected local://")
        if settings.spool.dir:
            raise ConfigRefused("spool.dir: a spool is for a store that can be away; with SQLite expected nothing")
    return LocalBus() if settings.bus.is_local else RedisBus.open(settings.bus.url)


def make_epoch() -> str:
    """Return a new name for a log."""
    return secrets.token_hex(4)


async def _awaited_store(settings: Settings) -> tuple[Store, Position]:
    """Open the store; a server that does not answer yet is waited for, a file that cannot be used is not."""
    while True:
        try:
            return await _read_store(settings)
        except StorageUnavailable as problem:
            if settings.storage.is_sqlite:
                raise
            log.warning("store.awaited", problem=str(problem))
        await asyncio.sleep(_AWAIT_SECONDS)


async def _read_store(settings: Settings) -> tuple[Store, Position]:
    async with AsyncExitStack() as opened:
        store = await open_store(settings)
        opened.push_async_callback(store.close)
        head = await store.position()
        opened.pop_all()
    return store, head
