"""The bus of a single process."""

import asyncio

import pytest

from hub.events import Event
from hub.ports import Announcement, Bus
from storage.local import LocalBus

TOPICS = frozenset({"rooms"})


@pytest.fixture
def bus() -> Bus:
    return LocalBus()


async def test_nothing_is_ever_wrong_with_it(bus: Bus):
    """A hub of one process is never slowed down by others."""
    assert bus.problem == ""


async def test_nothing_is_heard_and_listening_ends_only_when_cancelled(bus: Bus):
    """The process knows its own events already; a task that ended would look like a crash."""
    heard: list[Announcement] = []
    bus.follow("epoch")
    running = asyncio.create_task(bus.run(heard.append))
    bus.publish([Event(sequence=1, topics=("rooms",), body=b"{}")])
    done, _ = await asyncio.wait([running], timeout=0.05)
    assert (done, heard) == (set(), [])
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_nothing_is_shared(bus: Bus):
    """What is read by one process is in its own memory."""
    bus.share(TOPICS, b"snapshot")
    assert await bus.shared(TOPICS) is None


async def test_viewers_are_those_of_the_last_count(bus: Bus):
    """A count is whole: a topic that it leaves out has no viewers."""
    bus.count({"rooms": 2, "bots": 1})
    bus.count({"rooms": 3})
    assert (await bus.viewers("rooms"), await bus.viewers("bots")) == (3, 0)


async def test_a_count_is_as_it_was_when_it_was_said(bus: Bus):
    """Whoever counts may go on with its own numbers."""
    viewers = {"rooms": 2}
    bus.count(viewers)
    viewers["rooms"] = 5
    assert await bus.viewers("rooms") == 2


async def test_it_is_closed_without_having_been_run(bus: Bus):
    """A start that fails half-way closes what it opened."""
    await bus.close()
