"""The roster: how many watch, and how many watch what."""

from hub.desk import Grant, Wish
from tests.unit.hub.viewing import Link, turns
from tests.unit.hub.watching import ROOMS, scene


async def test_viewers_are_counted_while_they_are_connected() -> None:
    """More than the hub promises to serve are sent away, and that needs the number."""
    async with scene() as now:
        assert len(now.hub.fanout.roster) == 0
        links = await now.crowd(3)
        links[0].stall()
        now.happen()
        await turns()
        assert len(now.hub.fanout.roster) == 3


async def test_every_topic_has_as_many_as_follow_exactly_that() -> None:
    """Who follows everything watches no single room."""
    async with scene() as now:
        assert now.hub.fanout.roster.counts() == {}
        links = [now.join(topics) for topics in (ROOMS, ROOMS | {"bots/x"}, frozenset({"*"}))]
        await turns()
        assert now.hub.fanout.roster.counts() == {"rooms": 2, "bots/x": 1, "*": 1}
        links[0].stall()
        for _ in range(2):
            now.happen()
            await turns()
        assert now.hub.fanout.roster.counts()["rooms"] == 2


async def test_who_is_gone_is_not_counted() -> None:
    """The page says how many are there now."""
    async with scene() as now:
        _, task = now.hub.connect(Link(), Grant(ROOMS), Wish())
        await turns()
        task.cancel()
        await turns()
        assert now.hub.fanout.roster.counts() == {}
