"""Waiting for something to become true, with a deadline instead of a guess."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return as soon as the condition holds; raise TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- the condition is another process's, or a socket's: nothing signals it
            await asyncio.sleep(0.01)
