"""What is said to Redis, as commands: pure functions of what there is to say."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from hub.events import Event
from hub.ports import Announcement

SNAPSHOT_LIMIT = 4 * 1024 * 1024
SNAPSHOT_SECONDS = 1.0
_ANNOUNCEMENT_LIMIT = 1024 * 1024
# Longer than any log that is still resumed; whatever is gone is found in storage.
_LAST_SECONDS = 40 * 24 * 60 * 60
_VIEWERS_SECONDS = 15

# A process may be behind another: the number never goes down.
_RAISE = """
local last = redis.call('GET', KEYS[1])
if (tonumber(last) or 0) <= tonumber(ARGV[1]) then last = ARGV[1] end
redis.call('SET', KEYS[1], last, 'EX', ARGV[2])
"""
_REMIND = """
if (tonumber(redis.call('GET', KEYS[1])) or 0) < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""
# By the clock of Redis: those of the processes differ.
_COUNT = """
redis.call('DEL', KEYS[1])
for place = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[2], ARGV[2])
"""
# The count of a process that is gone has expired by itself.
SUM_VIEWERS = """
local sum = 0
for _, node in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    sum = sum + (tonumber(redis.call('HGET', ARGV[1] .. node, ARGV[2])) or 0)
end
return sum
"""

Command = tuple[str | bytes | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """Commands that belong together, about how many bytes they are, and until when (loop time) they are worth it."""

    commands: tuple[Command, ...]
    size: int = 0
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Space:
    """The channel and the keys of one log."""

    epoch: str

    @property
    def channel(self) -> str:
        """Where announcements go."""
        return f"hub:{self.epoch}:events"

    @property
    def last(self) -> str:
        """Holds the highest number that was announced."""
        return f"hub:{self.epoch}:last"

    @property
    def nodes(self) -> str:
        """Holds the processes that count viewers, with when they last did."""
        return f"hub:{self.epoch}:nodes"

    @property
    def viewers(self) -> str:
        """Begins the keys of the counts of single processes."""
        return f"hub:{self.epoch}:viewers:"

    def snapshot(self, topics: frozenset[str]) -> str:
        """Return the key under which a snapshot of some topics is shared."""
        return f"hub:{self.epoch}:snapshot:{hashlib.sha256(msgspec.json.encode(sorted(topics))).hexdigest()}"


def announcement(space: Space, events: Sequence[Event]) -> Saying:
    """Tell of events; of many bytes the numbers alone, since storage has them too."""
    first, last = events[0].sequence, events[-1].sequence
    told = Announcement(epoch=space.epoch, first=first, last=last, events=tuple(events))
    message = msgspec.msgpack.encode(told)
    if len(message) > _ANNOUNCEMENT_LIMIT:
        message = msgspec.msgpack.encode(msgspec.structs.replace(told, events=()))
    return Saying(commands=(("PUBLISH", space.channel, message), _raised(space, last)), size=len(message))


def greeting(space: Space, last: int) -> Saying:
    """Begin with something that has to be written: a replica, or a server without memory left, refuses it."""
    return Saying(commands=(_raised(space, last),))


def reminder(space: Space, last: int) -> Saying:
    """Say nothing new; a server that forgot the last number, or was started anew meanwhile, has it again."""
    return Saying(commands=(("EVAL", _REMIND, 1, space.last, last, _LAST_SECONDS),))


def snapshot(space: Space, topics: frozenset[str], encoded: bytes, now: float) -> Saying:
    """Share a snapshot for a while; from now on, however long it takes to be sent."""
    milliseconds = round(SNAPSHOT_SECONDS * 1000)
    command = ("SET", space.snapshot(topics), encoded, "PX", milliseconds)
    return Saying(commands=(command,), size=len(encoded), until=now + SNAPSHOT_SECONDS)


def count(space: Space, node: str, viewers: Mapping[str, int]) -> Saying:
    """Say how many viewers each topic has at a process, instead of what it said before."""
    pairs = [part for topic, number in viewers.items() for part in (topic, number)]
    keys = (f"{space.viewers}{node}", space.nodes)
    return Saying(commands=(("EVAL", _COUNT, 2, *keys, node, _VIEWERS_SECONDS, *pairs),), size=sum(map(len, viewers)))


def _raised(space: Space, last: int) -> Command:
    return ("EVAL", _RAISE, 1, space.last, last, _LAST_SECONDS)
