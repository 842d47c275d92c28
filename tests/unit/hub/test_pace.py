"""Long work gives the loop back before anybody notices."""

import asyncio
import time

from hub.pace import SLICE_SECONDS, Pace


async def test_others_get_their_turn_every_few_milliseconds() -> None:
    """A webhook must not wait for ten thousand viewers."""
    turns, working = 0, True

    async def look() -> None:
        nonlocal turns
        while working:
            turns += 1
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    # By what is worked, not by the clock on the wall: a busy machine lets nobody have a turn for a while.
    pace, end = Pace(), time.thread_time() + 50 * SLICE_SECONDS
    while time.thread_time() < end:
        await pace.rest()
    working = False
    await looking
    # Fewer than fifty, for those who look work as well; none, or one at the end, would mean that nobody got a turn.
    assert turns > 5


async def test_short_work_is_not_interrupted() -> None:
    """A turn of the loop costs more than a write."""
    # A machine that has something else to do in the midst of it makes any work long, but not each time.
    assert 0 in [await _turns_of_others() for _ in range(5)]


async def _turns_of_others() -> int:
    """Return how often somebody else got a turn while a little was done."""
    others = 0

    async def count() -> None:
        nonlocal others
        others += 1

    task = asyncio.create_task(count())
    pace = Pace()
    for _ in range(10):
        await pace.rest()
    found = others
    await task
    return found
