"""A place in the log: where it can be resumed, and what comes next there."""

import pytest

from hub.cursor import Cursor
from hub.events import Position
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore
from tests.unit.hub.viewing import Clock, Hub

ROOMS, EVERYTHING = frozenset({"rooms"}), frozenset({"*"})


class Log:
    """Nine events, of which memory holds the last few; every third is of a bot."""

    def __init__(self, tail: int = 2) -> None:
        self.store = MemoryStore(Folding())
        self.hub = Hub(self.store, Position(epoch="epoch1", sequence=0), Clock(), tail=tail)
        for number in range(1, 10):
            self.hub.feed.publish([self.store.append("bots" if number % 3 == 0 else "rooms")])

    def cursor(self, sequence: int = 0) -> Cursor:
        cursor = Cursor(self.hub.desk)
        cursor.sequence = sequence
        return cursor


@pytest.mark.parametrize(
    ("epoch", "sequence", "reason"),
    [
        ("epoch1", 9, ""),
        ("epoch1", 8, ""),
        ("epoch1", 4, ""),
        ("epoch1", 3, "history_trimmed"),
        ("epoch1", 10, "epoch_changed"),
        ("epoch0", 5, "epoch_changed"),
    ],
)
async def test_a_place_can_be_resumed_as_long_as_what_follows_is_there(epoch: str, sequence: int, reason: str) -> None:
    """Else whoever comes back must be told, and what it is told is why."""
    log = Log()
    log.store.raise_floor(4)
    cursor = log.cursor()
    assert await cursor.resume(Position(epoch=epoch, sequence=sequence), ROOMS) == reason
    if not reason:
        assert str(cursor) == f"{epoch}.{sequence}"


@pytest.mark.parametrize("tail", [1, 4, 100])
@pytest.mark.parametrize("goal", [5, 6, 9])
async def test_reading_on_ends_exactly_at_the_goal(tail: int, goal: int) -> None:
    """There the state of other topics was taken; what is beyond it comes after that."""
    log, seen = Log(tail), []
    cursor = log.cursor(2)
    while cursor.sequence < goal:
        events, through = await cursor.next(ROOMS, goal)
        assert events is not None
        assert through > cursor.sequence
        seen += [event.sequence for event in events]
        cursor.sequence = through
    assert seen == [number for number in range(3, goal + 1) if number % 3]
    assert cursor.sequence == goal


async def test_a_goal_that_the_feed_has_not_seen_yet_is_read_from_the_store() -> None:
    """Another process committed it, and its state was shown before the news came."""
    log = Log()
    log.store.append("rooms")
    cursor = log.cursor(9)
    events, through = await cursor.next(EVERYTHING, 10)
    assert events is not None
    assert ([event.sequence for event in events], through) == ([10], 10)


async def test_what_is_no_longer_there_is_said() -> None:
    """It must not be passed over in silence."""
    log = Log(tail=1)
    log.store.raise_floor(5)
    assert await log.cursor(2).next(ROOMS, 9) == (None, 5)


def test_a_goal_in_another_log_is_none() -> None:
    """Its numbers say nothing here."""
    cursor = Log().cursor(3)
    assert cursor.goal(Position(epoch="epoch2", sequence=7)) == 3
    assert cursor.goal(Position(epoch="epoch1", sequence=7)) == 7
    assert cursor.goal(None) == 9


def test_the_head_is_never_behind_in_the_same_log() -> None:
    """Ids sent to one viewer never go back; in another log the places are other ones."""
    cursor = Log().cursor(12)
    cursor.move_to_head()
    assert cursor.sequence == 12
    cursor.epoch = "epoch0"
    cursor.move_to_head()
    assert str(cursor) == "epoch1.9"
