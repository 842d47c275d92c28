"""A spool in memory behind the port `Spool`: a test sees what is in it, and lets its disk be full or broken."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from hub.errors import Overloaded, StorageUnavailable
from hub.events import Delivery

_BATCH = 256


class MemorySpool:
    """Implements `hub.ports.Spool` with one list a file, as `storage.spool` does with files."""

    def __init__(self, limit: int = 1_000_000) -> None:
        # What waits, in the order in which it came; the last file is the one that is written.
        self.files: list[list[Delivery]] = [[]]
        # Why the disk takes and gives nothing, empty while it works.
        self.problem = ""
        self._limit = limit
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many deliveries wait."""
        return sum(map(len, self.files))

    @property
    def oldest(self) -> int | None:
        """When the first of them was received."""
        return min((one.received_at for file in self.files for one in file), default=None)

    @property
    def keys(self) -> list[str]:
        """What waits, by its keys."""
        return [one.key for file in self.files for one in file]

    async def append(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries, all or none."""
        await self._moment()
        if self.waiting + len(deliveries) > self._limit:
            raise Overloaded("the spool is full")
        self.files[-1] += deliveries

    async def drain(self, commit: Callable[[Sequence[Delivery]], Awaitable[object]]) -> int:
        """Hand over every file from its beginning; each is let go when all of it was handed over."""
        await self._moment()
        handed = 0
        files, self.files = self.files, [[]]
        try:
            while files:
                for start in range(0, len(files[0]), _BATCH):
                    await commit(tuple(files[0][start : start + _BATCH]))
                handed += len(files.pop(0))
        finally:
            self.files[:0] = files
        return handed

    async def close(self) -> None:
        """Take nothing any more."""
        self._closed = True

    async def _moment(self) -> None:
        await asyncio.sleep(0)
        if self.problem or self._closed:
            raise StorageUnavailable(self.problem or "the spool is closed")
