"""The half of the bus that listens: one subscription at a time, renewed when it ended or fell silent."""

import asyncio
from collections.abc import Callable
from typing import Never

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from hub.ports import Announcement
from storage.redis.outages import COMMAND_SECONDS, CONNECT_SECONDS, Condition, Half, raise_lost_cancellation
from storage.redis.sayings import Space

_SILENT_SECONDS = 3

log = structlog.get_logger()

_decode = msgspec.msgpack.Decoder(Announcement).decode

Hear = Callable[[Announcement], None]


class Listener:
    """Hears what is told of one log, until it is to follow another."""

    def __init__(self, client: Redis, condition: Condition) -> None:
        self._client = client
        self._condition = condition
        self._space = Space("")
        # How long the present subscription is wanted; None while there is none, or when its end was called for.
        self._stay: asyncio.Timeout | None = None

    def follow(self, space: Space) -> None:
        """Hear of this log from now on."""
        self._space = space
        stay, self._stay = self._stay, None
        if stay is not None:
            stay.reschedule(0)

    async def run(self, hear: Hear) -> Never:
        """Work until cancelled."""
        await self._condition.keep_up(Half.LISTENING, lambda: self._listen(hear))

    async def _listen(self, hear: Hear) -> None:
        """Return when another log is to be followed."""
        try:
            async with asyncio.timeout(None) as stay:
                self._stay = stay
                await self._subscribe(self._space, hear)
        except TimeoutError:
            if not stay.expired():
                raise
        finally:
            self._stay = None

    async def _subscribe(self, space: Space, hear: Hear) -> Never:
        async with self._client.pubsub() as subscription:
            async with asyncio.timeout(CONNECT_SECONDS):
                await subscription.subscribe(space.channel)
                # From when this is confirmed nothing is missed, and what came before is no higher than the last.
                await _message(subscription)
                last = await self._client.get(space.last)
            self._condition.works(Half.LISTENING)
            _tell(_number(last, space), hear)
            while True:
                raise_lost_cancellation()
                _tell(_announcement(await _message(subscription), space), hear)


async def _message(subscription: PubSub) -> bytes | None:
    """Return a message when one comes, None when something else shows that the connection lives.

    Raises TimeoutError when nothing comes, though it was asked for: the other end is gone without a word.
    """
    for _ in range(_SILENT_SECONDS):
        received = await subscription.get_message(timeout=1.0)
        if received is not None:
            return received["data"] if received["type"] == "message" else None
        async with asyncio.timeout(COMMAND_SECONDS):
            await subscription.ping()
    raise TimeoutError


def _number(last: bytes | str | None, space: Space) -> Announcement | None:
    if last is None:
        return None
    try:
        number = int(last)
    except ValueError:
        log.warning("bus.malformed", epoch=space.epoch, key="last")
        return None
    return Announcement(epoch=space.epoch, first=number, last=number) if number > 0 else None


def _announcement(message: bytes | None, space: Space) -> Announcement | None:
    if message is None:
        return None
    try:
        announcement = _decode(message)
    except ValueError:
        # What is no UTF-8 raises another one than what is no MessagePack.
        log.warning("bus.malformed", epoch=space.epoch, size=len(message))
        return None
    if announcement.epoch != space.epoch:
        log.warning("bus.foreign", epoch=space.epoch)
        return None
    return announcement


def _tell(announcement: Announcement | None, hear: Hear) -> None:
    if announcement is not None:
        hear(announcement)
