"""Long work in short slices, so that no webhook waits for viewers."""

import asyncio
import time

SLICE_SECONDS = 0.002


class Pace:
    """Gives the loop back every two milliseconds."""

    def __init__(self) -> None:
        self._until = time.perf_counter() + SLICE_SECONDS

    async def rest(self) -> bool:
        """Return at once, or after whatever else is ready to run, which is then said."""
        if time.perf_counter() < self._until:
            return False
        await asyncio.sleep(0)
        self._until = time.perf_counter() + SLICE_SECONDS
        return True
