"""The port `Spool` on a folder."""

import asyncio
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from hub.errors import Overloaded, StorageRefused, StorageUnavailable
from hub.events import Delivery
from storage.spool.files import LiveFile, batches_of, size_of
from storage.spool.records import record_of

Answer = TypeVar("Answer")

# Of all files in the folder together.
SIZE_LIMIT = 1024 * 1024 * 1024


@dataclass(slots=True)
class _Appending:
    records: bytes
    count: int
    received_at: int
    # None as soon as it is on the disk, and only then.
    problem: StorageUnavailable | None = field(default_factory=lambda: StorageUnavailable("the spool did not take it"))


class FileSpool:
    """The port `Spool` on a folder that several processes may share: each writes a file of its own, and locks it.

    The kernel lets go of the lock however a process ends; its file is then handed over by whoever drains next. Where
    a file cannot be trusted, what is left of it is kept as `<name>.broken`, whole records and all: it may be mended
    and given back its name. Files stay in the order in which they were begun.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hub-spool")
        self._queued: deque[_Appending] = deque()
        self._draining = asyncio.Lock()
        self._closing = False
        # Only the thread uses it.
        self._live: LiveFile | None = None
        # How many deliveries this process put into each file, and when the first was received; the thread replaces
        # these and never changes them.
        self._counts: Mapping[Path, int] = {}
        self._oldest: Mapping[Path, int] = {}

    @classmethod
    def open(cls, folder: Path, limit: int = SIZE_LIMIT) -> Self:
        """Use a folder, which is made if need be; raises StorageRefused when it cannot be made or written."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return cls(folder.absolute(), limit)
        except OSError as error:
            raise StorageRefused(f"spool.dir: expected a folder to write in, not {folder}: {error.strerror}") from error

    @property
    def waiting(self) -> int:
        """How many deliveries of this process wait for the store, as far as it knows."""
        return sum(self._counts.values())

    @property
    def oldest(self) -> int | None:
        """When what waits was received first (milliseconds), as far as this process knows; None when nothing waits."""
        counts, oldest = self._counts, self._oldest
        # The thread replaces one after the other.
        return min((oldest[path] for path in counts if path in oldest), default=None)

    async def append(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries; they are on the disk when this returns, and if the caller is cancelled they may be.

        Raises Overloaded when there is no room for them, and StorageUnavailable when the disk does not take them.
        """
        self._refuse_if_closed()
        oldest = min((delivery.received_at for delivery in deliveries), default=0)
        appending = _Appending(b"".join(map(record_of, deliveries)), len(deliveries), oldest)
        self._queued.append(appending)
        # This, or the work of somebody who came before, writes it: everything that queued up costs one sync.
        await self._work(self._flush)
        if appending.problem:
            raise appending.problem

    async def drain(self, commit: Callable[[Sequence[Delivery]], Awaitable[object]]) -> int:
        """Hand over everything that waits, also what processes that are gone left behind; return how many it was.

        A file is let go when all of it was handed over. What `commit` raises is raised; the file is then handed over
        from its beginning the next time. Raises StorageUnavailable when the disk does not give it, and after `close`.
        """
        async with self._draining:
            self._refuse_if_closed()
            return sum([await self._hand_over(path, commit) for path in await self._work(self._look)])

    async def close(self) -> None:
        """Finish what is under way and let go of the files; what waits in them is found by the next process."""
        self._closing = True
        async with self._draining:
            await asyncio.to_thread(self._thread.shutdown)
            self._seal()

    async def _work(self, work: Callable[[], Answer]) -> Answer:
        """Let the thread do something, in turn, whatever becomes of the caller."""
        try:
            return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))
        except OSError as error:
            raise _unavailable(error) from error

    async def _hand_over(self, path: Path, commit: Callable[[Sequence[Delivery]], Awaitable[object]]) -> int:
        batches = await self._work(lambda: self._take(path))
        handed = 0
        try:
            while batch := await self._work(lambda: next(batches, None)):
                self._refuse_if_closed()
                await commit(batch)
                handed += len(batch)
        finally:
            await self._work(lambda: self._let_go(batches))
        return handed

    def _refuse_if_closed(self) -> None:
        if self._closing:
            raise StorageUnavailable("the spool is closed")

    def _flush(self) -> None:
        queued = [self._queued.popleft() for _ in range(len(self._queued))]
        try:
            if fitting := self._fitting(queued):
                self._write(fitting)
        except OSError as error:
            for appending in queued:
                appending.problem = _unavailable(error)

    def _fitting(self, queued: Iterable[_Appending]) -> list[_Appending]:
        room = self._limit - sum(size_of(path) for path in self._paths())
        fitting = []
        for appending in queued:
            if len(appending.records) > room:
                appending.problem = Overloaded("the spool is full until the store takes what waits in it")
                continue
            room -= len(appending.records)
            fitting.append(appending)
        return fitting

    def _write(self, appendings: Sequence[_Appending]) -> None:
        live = self._live = self._live or LiveFile(self._folder)
        try:
            live.write(b"".join(appending.records for appending in appendings))
        except OSError:
            # Behind half a record nothing would be found.
            if not live.undo():
                self._seal()
            raise
        for appending in appendings:
            appending.problem = None
        count = self._counts.get(live.path, 0) + sum(appending.count for appending in appendings)
        first = min(appending.received_at for appending in appendings)
        self._oldest = {**self._oldest, live.path: min(first, self._oldest.get(live.path, first))}
        self._counts = {**self._counts, live.path: count}

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.spool"))

    def _look(self) -> list[Path]:
        # What others handed over is told by nothing but its absence.
        self._forget_gone()
        return self._paths()

    def _take(self, path: Path) -> Generator[list[Delivery]]:
        """Return the batches of a file. Our own is sealed only when it is its turn: a long outage makes few files."""
        if self._live and self._live.path == path:
            self._seal()
        return batches_of(path)

    def _let_go(self, batches: Generator[list[Delivery]]) -> None:
        batches.close()
        self._forget_gone()

    def _forget_gone(self) -> None:
        self._counts = {path: count for path, count in self._counts.items() if path.exists()}
        self._oldest = {path: self._oldest[path] for path in self._counts}

    def _seal(self) -> None:
        if self._live:
            self._live.close()
        self._live = None


def _unavailable(error: OSError) -> StorageUnavailable:
    problem = StorageUnavailable(f"the disk of the spool did not do its work: {error.strerror}")
    problem.__cause__ = error
    return problem
