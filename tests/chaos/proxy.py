"""The way to Redis, which can be disturbed: cut, held up, or made to lose what passes without a word."""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from enum import Enum

from tests.processes import free_port

_CHUNK_BYTES = 65_536
_TOLD = b"*3\r\n$7\r\nmessage\r\n"


class Flow(Enum):
    """What becomes of the bytes."""

    PASSES = "passes"
    # Nothing moves, and nothing is lost: it arrives when the flow passes again.
    HOLDS = "holds"
    # It is taken and goes nowhere; connections stay.
    SWALLOWS = "swallows"
    # Every second message of a subscription is missing, all else is as it should be.
    LOSES = "loses"


class RedisProxy:
    """Hands bytes on to a Redis server, as long as it is let."""

    def __init__(self, target: int, chance: random.Random) -> None:
        self.port = free_port()
        # How many messages were lost.
        self.lost = 0
        self._target = target
        self._chance = chance
        self._flow = Flow.PASSES
        self._moving = asyncio.Event()
        self._moving.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """What a hub connects to."""
        return f"redis://127.0.0.1:{self.port}/0"

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    def let(self, flow: Flow) -> None:
        """Treat what comes from now on like this."""
        self._flow = flow
        self._moving.clear() if flow is Flow.HOLDS else self._moving.set()

    def cut(self) -> None:
        """End all connections, in the midst of whatever they carry."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        """End everything."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, asking = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, asking}
        for pump in (self._ask(reader, asking), self._answer(answers, writer)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._ended(writer), contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                await self._moving.wait()
                if self._flow is not Flow.SWALLOWS:
                    writer.write(chunk)
                    await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest = b""
        with self._ended(writer), contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                await self._moving.wait()
                values, rest = split(rest + chunk)
                writer.write(b"".join(value for value in values if not self._is_lost(value)))
                await writer.drain()

    @contextlib.contextmanager
    def _ended(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.close()

    def _is_lost(self, value: bytes) -> bool:
        is_lost = self._flow is Flow.SWALLOWS or (
            self._flow is Flow.LOSES and value.startswith(_TOLD) and self._chance.random() < 0.5
        )
        self.lost += is_lost and value.startswith(_TOLD)
        return is_lost


def split(content: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole values of Redis' protocol that the bytes begin with, and the rest."""
    values: list[bytes] = []
    start = 0
    while (end := _end(content, start)) is not None:
        values.append(content[start:end])
        start = end
    return values, content[start:]


def _end(content: bytes, start: int) -> int | None:
    """Return where the value ends that begins here, None when not all of it is there."""
    line_end = content.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind, after = content[start : start + 1], line_end + 2
    if kind == b"$" and (length := int(content[start + 1 : line_end])) >= 0:
        after += length + 2
    if kind == b"*":
        for _ in range(int(content[start + 1 : line_end])):
            found = _end(content, after)
            if found is None:
                return None
            after = found
    return after if after <= len(content) else None
