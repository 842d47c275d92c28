"""So many requests a second, whoever of the process asks."""

import asyncio
from collections.abc import Awaitable, Callable

Sleep = Callable[[float], Awaitable[None]]


class Turns:
    """Hands out places in time, evenly, to all who ask, in the order in which they do."""

    def __init__(self, a_second: float, clock: Callable[[], float], sleep: Sleep = asyncio.sleep) -> None:
        self._pause = 1 / a_second
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._quiet_until = 0.0

    @property
    def rest(self) -> float:
        """For how many seconds nobody is to ask."""
        return max(0.0, self._quiet_until - self._clock())

    def pause(self, seconds: float) -> None:
        """Let nobody ask for so long, because the provider wants that."""
        self._quiet_until = max(self._quiet_until, self._clock() + seconds)

    async def take(self, patience: float) -> bool:
        """Wait for a place; return whether there is one within so many seconds."""
        now = self._clock()
        place = max(now, self._next, self._quiet_until)
        if place - now > patience:
            return False
        self._next = place + self._pause
        if place > now:
            await self._sleep(place - now)
        return True
