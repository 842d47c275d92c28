"""Many viewers of one server: `bench/sink.c` in a process of its own, which counts what comes."""

import asyncio
import contextlib
import struct
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from bench.compiled import compiled

# What each message of each server begins with, and nothing else does.
MARKER = '{"specversion"'
# What comes when a viewer is subscribed, unless the server says more.
HEADERS_END = "\r\n\r\n"
_READY_WITHIN = 120
_ANSWER_WITHIN = 60
# `struct sighting` of bench/sink.c.
_SIGHTING = struct.Struct("=IIQ")


class View(msgspec.Struct, frozen=True):
    """How a stream is viewed: what a viewer sends, and what it has got when it is subscribed."""

    # "{n}" in it is the viewer's number.
    request: str
    ready: str = HEADERS_END


class Count(msgspec.Struct, frozen=True):
    """What came so far, who is still connected, what counting it cost, and the time since the first one connected."""

    messages: int
    received_bytes: int
    connected: int
    cpu_nanoseconds: int
    nanoseconds: int


class Sighting(msgspec.Struct, frozen=True):
    """When a message came, in seconds of the monotonic clock."""

    # In the order in which they connected.
    viewer: int
    # Which of the viewer's messages it was, since they have been recorded.
    place: int
    at: float


class Viewers:
    """Connected viewers."""

    def __init__(self, process: Process, number: int, ready: Count) -> None:
        self.number = number
        # What it was when all were subscribed.
        self.ready = ready
        self._process = process

    async def count(self) -> Count:
        """Return what they got so far."""
        return _count(await self._ask("count"))

    async def until(self, messages: int) -> Count:
        """Return what they got as soon as these are so many messages."""
        return _count(await self._ask(f"until {messages}"))

    async def settled(self) -> Count:
        """Return what they got, once that has not changed for half a second."""
        before = None
        while (now := await self.count()).received_bytes != before:
            before = now.received_bytes
            await asyncio.sleep(0.5)
        return now

    async def record(self, messages: int) -> None:
        """Note from now on when each of so many messages comes."""
        await self._ask(f"record {messages}")

    async def sightings(self) -> list[Sighting]:
        """Return what was noted."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "times"
            await self._ask(f"times {file}")
            noted = _SIGHTING.iter_unpack(file.read_bytes())
            return [Sighting(viewer, place, nanoseconds / 1e9) for viewer, place, nanoseconds in noted]

    async def _ask(self, command: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        return await _line(self._process, _ANSWER_WITHIN)


@contextlib.asynccontextmanager
async def watching(port: int, view: View, number: int, *, at_once: int = 64) -> AsyncIterator[Viewers]:
    """Connect so many viewers, so many at a time; they leave when the block ends."""
    with compiled("sink") as sink:
        arguments = [str(port), str(number), str(at_once), view.ready, MARKER, view.request]
        process = await asyncio.create_subprocess_exec(sink, *arguments, stdin=PIPE, stdout=PIPE)
        try:
            yield Viewers(process, number, _count(await _line(process, _READY_WITHIN)))
        finally:
            # It ends with its input; should it be stuck, it is killed.
            assert process.stdin is not None
            process.stdin.close()
            try:
                async with asyncio.timeout(5):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _line(process: Process, seconds: float) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(seconds):
        line = await process.stdout.readline()
    if not line:
        raise RuntimeError("the viewers gave up")
    return line.decode().strip()


def _count(line: str) -> Count:
    return Count(*map(int, line.split()))
