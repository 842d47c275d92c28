"""A folder on this machine that takes deliveries while the store is away, so that webhooks can still be answered."""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import struct
import tempfile
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self, TypeVar

import msgspec
import structlog

from hub.errors import Overloaded, StorageRefused, StorageUnavailable
from hub.events import Delivery
from storage.rows import headers_of, headers_text

Answer = TypeVar("Answer")

# What is handed over at once.
BATCH_LIMIT = 256
BYTES_LIMIT = 4 * 1024 * 1024
# Of all files in the folder together.
SIZE_LIMIT = 1024 * 1024 * 1024

# In front of each record: its length, its CRC-32, and the CRC-32 of these two, so that a broken length is not followed.
_LENGTH = struct.Struct(">II")
_HEADER = struct.Struct(">III")

log = structlog.get_logger()


@dataclass(slots=True)
class _Appending:
    records: bytes
    count: int
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
        self._live: _Live | None = None
        # How many deliveries this process put into each file; the thread replaces it and never changes it.
        self._counts: Mapping[Path, int] = {}

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

    async def append(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries; they are on the disk when this returns, and if the caller is cancelled they may be.

        Raises Overloaded when there is no room for them, and StorageUnavailable when the disk does not take them.
        """
        self._refuse_if_closed()
        appending = _Appending(b"".join(map(_record, deliveries)), len(deliveries))
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
            return sum([await self._hand_over(path, commit) for path in await self._work(self._paths)])

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
        room = self._limit - sum(_size(path) for path in self._paths())
        fitting = []
        for appending in queued:
            if len(appending.records) > room:
                appending.problem = Overloaded("the spool is full until the store takes what waits in it")
                continue
            room -= len(appending.records)
            fitting.append(appending)
        return fitting

    def _write(self, appendings: Sequence[_Appending]) -> None:
        live = self._live = self._live or _Live(self._folder)
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
        self._counts = {**self._counts, live.path: count}

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.spool"))

    def _take(self, path: Path) -> Generator[list[Delivery]]:
        """Return the batches of a file. Our own is sealed only when it is its turn: a long outage makes few files."""
        if self._live and self._live.path == path:
            self._seal()
        return _batches_of(path)

    def _let_go(self, batches: Generator[list[Delivery]]) -> None:
        batches.close()
        self._counts = {path: count for path, count in self._counts.items() if path.exists()}

    def _seal(self) -> None:
        if self._live:
            self._live.close()
        self._live = None


class _Live:
    """The file that this process writes. It is locked from its first moment to `close`."""

    def __init__(self, folder: Path) -> None:
        self.path, self._descriptor = _create(folder)
        self._size = 0

    def write(self, records: bytes) -> None:
        """Bring records to the disk; after an OSError part of them may be there."""
        rest = memoryview(records)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fdatasync(self._descriptor)
        if not self._size:
            _sync(self.path.parent)
        self._size += len(records)

    def undo(self) -> bool:
        """Take away what a write left that failed; return whether it is gone."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, self._size)
        return os.fstat(self._descriptor).st_size == self._size

    def close(self) -> None:
        """Leave the file to whoever drains."""
        os.close(self._descriptor)


def _create(folder: Path) -> tuple[Path, int]:
    while True:
        numbers = (path.name.partition("-")[0] for path in folder.iterdir())
        last = max((int(number) for number in numbers if number.isdecimal()), default=0)
        path = folder / f"{last + 1:012}-{secrets.token_hex(4)}.spool"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, mode=0o600)
        if _is_ours(descriptor, path):
            return path, descriptor
        # Somebody who drains found it before it was locked.
        os.close(descriptor)


def _is_ours(descriptor: int, path: Path) -> bool:
    """Lock a file; False when somebody else holds it, or had it and let go of it since it was opened."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _batches_of(path: Path) -> Generator[list[Delivery]]:
    """Yield what is in a file, and remove it when more is asked for than there is; nothing while somebody holds it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        # Left by another user, perhaps: what others left must not have to wait for it.
        log.warning("spool.unreadable", file=path.name, problem=error.strerror)
        return
    with file:
        if _is_ours(file.fileno(), path):
            records = _Records(file)
            yield from _batches(records)
            _settle(path, file, records)


def _batches(records: Iterable[tuple[Delivery, int]]) -> Iterator[list[Delivery]]:
    batch: list[Delivery] = []
    size = 0
    for delivery, length in records:
        # What takes away what others stated must not meet them in one batch.
        is_apart = delivery.erases or (batch and batch[0].erases)
        if batch and (is_apart or len(batch) == BATCH_LIMIT or size + length > BYTES_LIMIT):
            yield batch
            batch, size = [], 0
        batch.append(delivery)
        size += length
    if batch:
        yield batch


class _Broken(Exception):
    """These bytes are not what was written."""


class _Records:
    """The deliveries of a file with their lengths, up to where it is cut or broken."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        # How many bytes were as they should be.
        self.trusted = 0
        self.is_broken = False

    def __iter__(self) -> Iterator[tuple[Delivery, int]]:
        try:
            while header := self._file.read(_HEADER.size):
                payload = _payload(header, self._file)
                delivery = _delivery(payload)
                self.trusted += len(header) + len(payload)
                yield delivery, len(payload)
        except EOFError:
            # Torn while it was written: nobody was told that it is kept.
            return
        except _Broken:
            self.is_broken = True


class _Record(msgspec.Struct, frozen=True, array_like=True):
    # Apart, and in plain ASCII: their values may hold bytes that are no UTF-8.
    headers: str
    delivery: Delivery


def _record(delivery: Delivery) -> bytes:
    record = _Record(headers_text(delivery.headers), msgspec.structs.replace(delivery, headers=()))
    try:
        payload = msgspec.msgpack.encode(record)
    except (ValueError, OverflowError) as error:
        raise StorageUnavailable(f"the spool cannot keep such a delivery: {type(error).__name__}") from error
    length = _LENGTH.pack(len(payload), zlib.crc32(payload))
    return length + zlib.crc32(length).to_bytes(4, "big") + payload


def _payload(header: bytes, file: BinaryIO) -> bytes:
    if len(header) < _HEADER.size:
        raise EOFError
    length, checksum, own_checksum = _HEADER.unpack(header)
    if zlib.crc32(header[: _LENGTH.size]) != own_checksum:
        raise _Broken
    payload = file.read(length)
    if len(payload) < length:
        raise EOFError
    if zlib.crc32(payload) != checksum:
        raise _Broken
    return payload


def _delivery(payload: bytes) -> Delivery:
    try:
        record = msgspec.msgpack.decode(payload, type=_Record)
        return msgspec.structs.replace(record.delivery, headers=headers_of(record.headers))
    except (msgspec.MsgspecError, ValueError) as error:
        # Of another version of the hub, perhaps.
        raise _Broken from error


def _settle(path: Path, file: BinaryIO, records: _Records) -> None:
    """Remove a file of which all that can be trusted was handed over; what was broken is kept aside."""
    cut = os.fstat(file.fileno()).st_size - records.trusted
    if records.is_broken:
        file.seek(records.trusted)
        _keep_aside(file, path.with_name(f"{path.name}.broken"))
    if cut:
        log.warning("spool.cut", file=path.name, bytes=cut, kept=records.is_broken)
    path.unlink(missing_ok=True)
    _sync(path.parent)


def _keep_aside(rest: BinaryIO, path: Path) -> None:
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as aside:
        shutil.copyfileobj(rest, aside)
        aside.flush()
        os.fsync(aside.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        # Somebody handed it over meanwhile.
        return 0


def _unavailable(error: OSError) -> StorageUnavailable:
    problem = StorageUnavailable(f"the disk of the spool did not do its work: {error.strerror}")
    problem.__cause__ = error
    return problem
