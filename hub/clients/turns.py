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

    async def take(self, patience: float) -> bool:
        """Wait for a place; return whether there is one within so many seconds."""
        now = self._clock()
        place = max(now, self._next)
        if place - now > patience:
            return False
        self._next = place + self._pause
        if place > now:
            await self._sleep(place - now)
        return True
