"""Waiting for something to become true, with a deadline instead of a guess."""

import asyncio
from collections.abc import Callable

# For what comes as soon as the machine gets to it, in seconds: a wait that is met costs what it costs.
PATIENCE = 60.0


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Return as soon as the condition holds; raise TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- the condition is another process's, or a socket's: nothing signals it
            await asyncio.sleep(0.01)
