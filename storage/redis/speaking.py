"""The half of the bus that speaks: what is to be said waits in an outbox until one task has sent it."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Never

from redis.asyncio import Redis

from storage.redis.outages import COMMAND_SECONDS, CONNECT_SECONDS, Condition, Half, raise_lost_cancellation
from storage.redis.sayings import Saying, Space, greeting, reminder

_MOST_SAYINGS = 1000
_MOST_BYTES = 16 * 1024 * 1024
_BYTES_AT_ONCE = 1024 * 1024
# Who has nothing to say would not notice that nobody is there.
_SILENT_SECONDS = 1.0


class Outbox:
    """What is to be said, in order; when it is full the oldest is lost, and readers find it in storage."""

    def __init__(self) -> None:
        self._sayings: deque[Saying] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def put(self, saying: Saying) -> None:
        """Add something to be said."""
        self._sayings.append(saying)
        self._bytes += saying.size
        while len(self._sayings) > _MOST_SAYINGS or self._bytes > _MOST_BYTES:
            self._oldest()
        self._filled.set()

    async def take(self, seconds: float) -> list[Saying]:
        """Take out what can go at once, as soon as there is something; nothing when nothing came in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._filled.wait()
        taken: list[Saying] = []
        size = 0
        while self._sayings and (not taken or size + self._sayings[0].size <= _BYTES_AT_ONCE):
            taken.append(self._oldest())
            size += taken[-1].size
        if not self._sayings:
            self._filled.clear()
        now = asyncio.get_running_loop().time()
        return [saying for saying in taken if saying.until > now]

    def _oldest(self) -> Saying:
        saying = self._sayings.popleft()
        self._bytes -= saying.size
        return saying


class Speaker:
    """Sends what is in the outbox, and finds out whether Redis takes it."""

    def __init__(
        self, client: Redis, condition: Condition, outbox: Outbox, last: Callable[[], tuple[Space, int]]
    ) -> None:
        self._client = client
        self._condition = condition
        self._outbox = outbox
        # The log that is spoken of, and the highest number that was told of it.
        self._last = last

    async def run(self) -> Never:
        """Work until cancelled; what was being sent while Redis went away is lost."""
        await self._condition.keep_up(Half.SPEAKING, self._speak)

    async def _speak(self) -> Never:
        await self._send([greeting(*self._last())], CONNECT_SECONDS)
        while True:
            raise_lost_cancellation()
            self._condition.works(Half.SPEAKING)
            sayings = await self._outbox.take(_SILENT_SECONDS)
            await self._send(sayings or [reminder(*self._last())], COMMAND_SECONDS)

    async def _send(self, sayings: Sequence[Saying], seconds: float) -> None:
        async with asyncio.timeout(seconds), self._client.pipeline(transaction=False) as pipeline:
            for saying in sayings:
                for command in saying.commands:
                    pipeline.execute_command(*command)
            await pipeline.execute()
