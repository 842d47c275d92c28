"""Whether the bus can be used: what its two halves meet with, told once for each outage."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Never

import structlog
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import AuthenticationError, InvalidResponse, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeout

CONNECT_SECONDS = 3.0
COMMAND_SECONDS = 1.0
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 1.0
_NOT_YET = "Redis has not been reached yet"

log = structlog.get_logger()


class Half(StrEnum):
    """One direction of the bus."""

    SPEAKING = "speaking"
    LISTENING = "listening"


class Condition:
    """Why the bus cannot be used at present, if so: it can when both of its halves work."""

    def __init__(self) -> None:
        self._problems = dict.fromkeys(Half, _NOT_YET)
        self._is_told = False

    @property
    def problem(self) -> str:
        """A sentence without credentials, empty while everything works."""
        return next(filter(None, self._problems.values()), "")

    async def keep_up(self, half: Half, work: Callable[[], Awaitable[None]]) -> Never:
        """Do the work of a half over and over until cancelled; after a failure wait, the longer the more there were."""
        wait = _FIRST_WAIT
        while True:
            raise_lost_cancellation()
            try:
                await work()
            except Exception as failure:  # noqa: BLE001 -- a task boundary: whatever a driver raises, the bus comes back
                wait = min(2 * wait, _LONGEST_WAIT) if self._problems[half] else _FIRST_WAIT
                self._fails(half, failure)
                await asyncio.sleep(wait)

    def works(self, half: Half) -> None:
        """Note that a half was seen to work."""
        self._problems[half] = ""
        if self._is_told and not self.problem:
            self._is_told = False
            log.info("bus.back")

    def _fails(self, half: Half, failure: Exception) -> None:
        self._problems[half] = describe(failure)
        if self._is_told:
            return
        self._is_told = True
        expected = isinstance(failure, (RedisError, OSError))
        log.warning("bus.unavailable", half=half.value, problem=self.problem, exc_info=None if expected else failure)


def raise_lost_cancellation() -> None:
    """Be cancelled after all: before Python 3.12 `wait_for`, with which the driver writes, can lose a cancellation."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def describe(failure: Exception) -> str:
    """Say what is wrong in a sentence; the driver's own words may quote what was sent, so they are not used."""
    if isinstance(failure, AuthenticationError):
        return "Redis refuses the credentials"
    if isinstance(failure, MasterNotFoundError):
        return "no Sentinel names a master of this service"
    if isinstance(failure, (RedisTimeout, TimeoutError)):
        return "Redis does not answer in time"
    if isinstance(failure, ResponseError):
        return f"Redis refuses a command: {type(failure).__name__}"
    if isinstance(failure, InvalidResponse):
        return "what answers does not speak as Redis does"
    if isinstance(failure, (RedisError, OSError)):
        return f"Redis cannot be reached: {_cause(failure)}"
    return f"an unexpected {type(failure).__name__}"


def _cause(failure: BaseException | None) -> str:
    """Return what the operating system said, if it did."""
    while failure is not None:
        if isinstance(failure, OSError) and failure.strerror:
            return failure.strerror
        failure = failure.__cause__ or failure.__context__
    return "it ended the connection"
