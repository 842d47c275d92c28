"""The store that the hub's own tests use keeps the promises of a real one."""

import pytest

from hub.ports import Store
from tests.contracts import StoreContract
from tests.contracts.plain import Opener
from tests.memory_store import Folder, Kept, MemoryStore


class TestMemoryStore(StoreContract):
    """A fake is worth what it shares with what it stands for."""

    @pytest.fixture
    def open_store(self) -> Opener:
        """Return a function that opens a store over data that outlives it."""
        kept: dict[str, Kept] = {}

        async def open_one(folder: Folder, name: str = "hub", epoch: str = "epoch1") -> Store:
            return MemoryStore(folder, kept.setdefault(name, Kept(epoch=epoch)))

        return open_one
