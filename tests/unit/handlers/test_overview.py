"""However many look at how much arrives, the store counts once."""

import asyncio

from handlers.overview import Overview
from hub.fold import Batch, Rules
from hub.ports import Traffic, TrafficQuery
from tests.memory_store import MemoryStore

NOW = 10_000_000


class Counting(MemoryStore):
    """A store that notes what is counted."""

    def __init__(self) -> None:
        super().__init__(lambda batch: Batch(batch, Rules(frozenset())))
        self.asked: list[TrafficQuery] = []

    async def traffic(self, query: TrafficQuery) -> Traffic:
        self.asked.append(query)
        return await super().traffic(query)


async def test_who_asks_within_a_second_gets_what_was_counted() -> None:
    """A page that many have open must not cost the webhooks anything; after a second it is counted anew."""
    store = Counting()
    overview = Overview(store)
    await asyncio.gather(*(overview.traffic(("a",), 1, NOW + place) for place in range(5)))
    await overview.traffic(("a",), 24, NOW)
    await overview.traffic(("a",), 1, NOW + 1000)
    # A clock that was put back must not keep an old count alive.
    await overview.traffic(("a",), 1, NOW - 1)
    assert [NOW - one.since for one in store.asked] == [3_600_000, 86_400_000, 3_599_000, 3_600_001]
