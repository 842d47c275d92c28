"""A delivery as a record of a spool file, which says by itself whether it is whole."""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from hub.errors import StorageUnavailable
from hub.events import Delivery
from storage.rows import headers_of, headers_text

# In front of each record: its length, its CRC-32, and the CRC-32 of these two, so that a broken length is not followed.
_LENGTH = struct.Struct(">II")
_HEADER = struct.Struct(">III")


def record_of(delivery: Delivery) -> bytes:
    """Return a delivery as it is written. Raises StorageUnavailable for one that cannot be."""
    record = _Record(headers_text(delivery.headers), msgspec.structs.replace(delivery, headers=()))
    try:
        payload = msgspec.msgpack.encode(record)
    except (ValueError, OverflowError) as error:
        raise StorageUnavailable(f"the spool cannot keep such a delivery: {type(error).__name__}") from error
    length = _LENGTH.pack(len(payload), zlib.crc32(payload))
    return length + zlib.crc32(length).to_bytes(4, "big") + payload


class Records:
    """The deliveries of a file with their lengths, up to where it is cut or broken."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        # How many bytes were as they should be.
        self.trusted = 0
        self.is_broken = False

    def __iter__(self) -> Iterator[tuple[Delivery, int]]:
        """Yield each with the length of its record."""
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


class _Broken(Exception):
    """These bytes are not what was written."""


class _Record(msgspec.Struct, frozen=True, array_like=True):
    # Apart, and in plain ASCII: their values may hold bytes that are no UTF-8.
    headers: str
    delivery: Delivery


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
