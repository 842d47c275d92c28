"""The bus of a hub of several processes, for which Redis is a shortcut: nothing is lost when it is away."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Self, TypeVar

from redis.exceptions import RedisError

from hub.events import Event
from hub.ports import Announcement
from storage.redis import sayings
from storage.redis.addresses import Address, read_address
from storage.redis.listening import Listener
from storage.redis.outages import Condition
from storage.redis.sayings import Space
from storage.redis.speaking import Outbox, Speaker

Answer = TypeVar("Answer")

_ANSWER_SECONDS = 0.25
_MOST_QUESTIONS = 8


class RedisBus:
    """Implements `hub.ports.Bus` with one Redis server, or one that Sentinels watch over.

    Redis can go away at any time, be slow, or forget everything: the hub is then slower, no more.
    """

    def __init__(self, address: Address, node: str) -> None:
        self._sentinel = address.sentinel
        # The one that speaks shares no connection: what it is asked meanwhile could break one.
        self._asking, self._speaking = address.client(), address.client()
        self._node = node
        self._space = Space("")
        # The highest number of the log that this process told of.
        self._last = 0
        self._questions = asyncio.Semaphore(_MOST_QUESTIONS)
        self._condition = Condition()
        self._outbox = Outbox()
        self._speaker = Speaker(self._speaking, self._condition, self._outbox, lambda: (self._space, self._last))
        self._listener = Listener(self._asking, self._condition)

    @classmethod
    def open(cls, url: str) -> Self:
        """Prepare a bus; `run` connects it. Raises ConfigRefused when the URL is malformed."""
        return cls(read_address(url), secrets.token_hex(8))

    @property
    def problem(self) -> str:
        """Why it cannot be used at present, empty while it works."""
        return self._condition.problem

    def follow(self, epoch: str) -> None:
        """Speak and hear of the log of this name from now on, and of no other."""
        if epoch != self._space.epoch:
            self._space, self._last = Space(epoch), 0
            self._listener.follow(self._space)

    def publish(self, events: Sequence[Event]) -> None:
        """Tell the others, and this process too, of events that were committed; returns at once."""
        if events:
            self._last = max(self._last, events[-1].sequence)
            self._outbox.put(sayings.announcement(self._space, events))

    async def run(self, hear: Callable[[Announcement], None]) -> None:
        """Work until cancelled, handing over what is told; whatever happens to Redis meanwhile."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._speaker.run())
            tasks.create_task(self._listener.run(hear))

    async def shared(self, topics: frozenset[str]) -> bytes | None:
        """Return what some process shared of these topics within the last second, None when there is nothing."""
        key = self._space.snapshot(topics)
        found = await self._answer(lambda: self._asking.get(key))
        return found if isinstance(found, bytes) else None

    def share(self, topics: frozenset[str], snapshot: bytes) -> None:
        """Let all processes have an encoded snapshot of these topics for a second; returns at once."""
        if len(snapshot) <= sayings.SNAPSHOT_LIMIT and not self.problem:
            now = asyncio.get_running_loop().time()
            self._outbox.put(sayings.snapshot(self._space, topics, snapshot, now))

    def count(self, viewers: Mapping[str, int]) -> None:
        """Say how many viewers each topic has at this process; what is not said again expires."""
        self._outbox.put(sayings.count(self._space, self._node, viewers))

    async def viewers(self, topic: str) -> int:
        """Return how many viewers a topic has at all processes, as far as is known."""
        asked = (self._space.nodes, self._space.viewers, topic)
        return int(await self._answer(lambda: self._asking.eval(sayings.SUM_VIEWERS, 1, *asked)) or 0)

    async def close(self) -> None:
        """Let go of all connections."""
        watching = [] if self._sentinel is None else self._sentinel.sentinels
        for client in (self._asking, self._speaking, *watching):
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()

    async def _answer(self, question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Ask Redis, if it is there at all; nobody waits for it."""
        if self.problem:
            return None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self._questions:
                return await question()
        except (RedisError, OSError):
            return None
