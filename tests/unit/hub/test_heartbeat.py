"""Heartbeats: whoever is live is told that nothing was missed, and what does not work."""

import asyncio

import pytest

from hub.desk import Grant, Wish
from hub.events import Position
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore
from tests.unit.hub.viewing import NEVER, Hub, Link, LoopClock, in_no_time, turns, until
from tests.unit.hub.watching import ROOMS, said, scene


class TestHeartbeat:
    """The promise that nothing was missed."""

    async def test_it_says_where_everybody_is_who_is_live(self):
        """One frame for all of a form, with their position, the head of the log and the health of the hub."""
        async with scene(heartbeat=0) as now:
            links = [now.join(topics) for topics in (ROOMS, frozenset({"bots"}))]
            now.happen()
            await turns()
            first, second = ([block for block in link.blocks if block.name == "heartbeat"][-1] for link in links)
            assert first == second
            assert first.id == "epoch1.1"
            assert first.value == {"time": "2026-03-10T12:00:00Z", "head": "epoch1.1", "degraded": False, "reasons": []}
            assert len({id(link.pieces[-1]) for link in links}) == 1

    async def test_who_catches_up_gets_none(self):
        """It would say that all was written when it was not."""
        async with scene(heartbeat=0) as now:
            link = now.join()
            await turns()
            link.stall()
            await turns()
            written = len(link.pieces)
            now.happen()
            await turns(100)
            assert len(link.pieces) == written
            assert link.piled == []
            link.take()
            await until(lambda: link.names.count("1") == 1 and link.names[-1] == "heartbeat")
            assert link.blocks[-1].id == "epoch1.1"

    @pytest.mark.parametrize("busy", [False, True])
    def test_it_comes_in_time_also_when_much_happens(self, busy: bool):
        """A proxy closes what was silent for too long, and a client takes silence for a dead server."""

        async def look() -> list[str]:
            async with scene(heartbeat=0) as now:
                link = now.join(frozenset({"bots"}))
                await turns()
                for _ in range(20):
                    if busy:
                        now.happen()
                    await turns(5)
                return link.names

        assert in_no_time(look).count("heartbeat") > 10


class TestTroubles:
    """Something does not work."""

    def test_viewers_hear_of_it_within_a_second_and_of_its_end_too(self):
        """A page that shows old numbers must say so, and not half a minute late."""

        async def live() -> list[tuple[int, bool, list[str]]]:
            store, troubles = MemoryStore(Folding()), list[str]()
            start = Position(epoch="epoch1", sequence=0)
            hub = Hub(store, start, LoopClock(), heartbeat=NEVER, troubles=lambda: tuple(troubles))
            async with hub.running():
                link = Link()
                heard: list[float] = []
                hub.connect(link, Grant(ROOMS), Wish(snapshot=False))
                await asyncio.sleep(5)
                link.on_write = lambda: heard.append(asyncio.get_running_loop().time())
                for found in (["storage"], ["storage", "bus"], []):
                    troubles[:] = found
                    await asyncio.sleep(10)
                beats = said(link, "heartbeat")
                return [(round(at), one["degraded"], one["reasons"]) for at, one in zip(heard, beats, strict=True)]

        found = in_no_time(live)
        assert [(degraded, reasons) for _, degraded, reasons in found] == [
            (True, ["storage"]),
            (True, ["storage", "bus"]),
            (False, []),
        ]
        for (at, *_), began in zip(found, (5, 15, 25), strict=True):
            assert began <= at <= began + 1
