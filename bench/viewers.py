"""Many viewers of one server: `bench/sink.c` in a process of its own, which counts what comes."""

import array
import asyncio
import contextlib
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import msgspec

from bench.compiled import compiled

# What each message of each server begins with, and nothing else does.
MARKER = '{"specversion"'
# What comes when a viewer is subscribed, unless the server says more.
HEADERS_END = "\r\n\r\n"
_READY_WITHIN = 120
_ANSWER_WITHIN = 60


class Count(msgspec.Struct, frozen=True):
    """What came so far, who is still connected, and what counting it cost."""

    messages: int
    received_bytes: int
    connected: int
    cpu_nanoseconds: int


class Viewers:
    """Connected viewers."""

    def __init__(self, process: Process, number: int) -> None:
        self.number = number
        # How long it took from the first one's connecting to the last one's being subscribed.
        self.ready_seconds = 0.0
        self._process = process

    async def connect(self) -> None:
        """Return when all of them are subscribed."""
        self.ready_seconds = int((await self._line(_READY_WITHIN)).removeprefix("ready ")) / 1e9

    async def count(self) -> Count:
        """Return what they got so far."""
        return self._counted(await self._ask("count"))

    async def until(self, messages: int) -> Count:
        """Return what they got as soon as these are so many messages."""
        return self._counted(await self._ask(f"until {messages}"))

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

    async def times(self) -> list[tuple[int, float]]:
        """Return which of its viewer's messages each one was, and when it came, in seconds of the monotonic clock."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "times"
            await self._ask(f"times {file}")
            noted = array.array("Q", file.read_bytes())
        return [(place, at / 1e9) for place, at in list(pairwise(noted))[::2]]

    async def _ask(self, command: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        return await self._line(_ANSWER_WITHIN)

    async def _line(self, seconds: float) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(seconds):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the viewers gave up")
        return line.decode().strip()

    @staticmethod
    def _counted(line: str) -> Count:
        return Count(*map(int, line.split()))


@contextlib.asynccontextmanager
async def watching(
    port: int, request: str, number: int, *, ready: str = HEADERS_END, at_once: int = 64
) -> AsyncIterator[Viewers]:
    """Connect so many viewers, so many at a time; they leave when the block ends."""
    with compiled("sink") as sink:
        arguments = [str(port), str(number), str(at_once), ready, MARKER, request]
        process = await asyncio.create_subprocess_exec(sink, *arguments, stdin=PIPE, stdout=PIPE)
        viewers = Viewers(process, number)
        try:
            await viewers.connect()
            yield viewers
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
