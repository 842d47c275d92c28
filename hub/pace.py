"""Long work in short slices, so that no webhook waits for viewers."""

import asyncio
import time
from collections.abc import Callable

SLICE_SECONDS = 0.002
# A commit takes several turns of the loop, and each of them waits for a slice.
PRESSED_SECONDS = 0.0005


class Pace:
    """Gives the loop back every two milliseconds, or every half of one while somebody is waiting."""

    def __init__(self, is_pressed: Callable[[], bool] = bool) -> None:
        self._is_pressed = is_pressed
        self._since = time.perf_counter()

    async def rest(self) -> bool:
        """Return at once, or after whatever else is ready to run, which is then said."""
        worked = time.perf_counter() - self._since
        if worked < PRESSED_SECONDS or (worked < SLICE_SECONDS and not self._is_pressed()):
            return False
        await asyncio.sleep(0)
        self._since = time.perf_counter()
        return True
