"""The files of a spool: each written by one process, which holds its lock, and handed over by whoever gets that."""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import structlog

from hub.events import Delivery
from storage.spool.records import Records

# What is handed over at once.
BATCH_LIMIT = 256
BYTES_LIMIT = 4 * 1024 * 1024

log = structlog.get_logger()


class LiveFile:
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


def batches_of(path: Path) -> Generator[list[Delivery]]:
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
            records = Records(file)
            yield from _batches(records)
            _settle(path, file, records)


def size_of(path: Path) -> int:
    """Return how many bytes a file has, none when it is gone."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        # Somebody handed it over meanwhile.
        return 0


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


def _settle(path: Path, file: BinaryIO, records: Records) -> None:
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
