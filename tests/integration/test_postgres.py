"""The store on a PostgreSQL database: the contract, and what is special to a server."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from hub.ports import Store
from storage.postgres import PostgresStore
from tests.contracts import StoreContract
from tests.contracts.plain import Folder, Opener
from tests.postgres_server import PostgresServer


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One server for all tests of this file; each has a database of its own."""
    postgres = PostgresServer()
    postgres.start()
    yield postgres
    postgres.close()


class TestPostgresStore(StoreContract):
    """The contract of every store."""

    @pytest.fixture
    async def open_store(self, server: PostgresServer) -> AsyncIterator[Opener]:
        urls: dict[str, str] = {}
        async with contextlib.AsyncExitStack() as stores:

            async def open_store(folder: Folder, name: str = "hub") -> Store:
                urls[name] = urls.get(name) or server.create()
                store = await PostgresStore.open(urls[name], folder, lambda: "epoch")
                stores.push_async_callback(store.close)
                return store

            yield open_store
        for url in urls.values():
            server.give_back(url)
