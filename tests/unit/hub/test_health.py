"""What does not work, told apart: who reads it must know whom to wake."""

import pytest

from hub.events import Position
from hub.feed import Feed
from hub.health import PARTS, Health
from hub.ingest import Ingest
from hub.stores import make_epoch
from tests.contracts.plain import Folding, delivery
from tests.memory_bus import Air
from tests.memory_spool import MemorySpool
from tests.memory_store import MemoryStore


class Parts:
    """Everything whose health is asked for, each of which a test may break."""

    def __init__(self) -> None:
        self.store, self.air, self.spool = MemoryStore(Folding()), Air(), MemorySpool()
        bus = self.air.bus()
        self.feed = Feed(self.store, Position(epoch="epoch1", sequence=0), bus, make_epoch)
        self.ingest = Ingest(self.store, self.feed, self.spool)
        self.health = Health(self.ingest, self.feed, bus)


def test_a_hub_that_works_has_no_troubles() -> None:
    """Nobody reads what is always there."""
    parts = Parts()
    assert (parts.health.troubles(), parts.health.reasons()) == ((), [])


@pytest.mark.parametrize("part", ["ingest", "feed"])
def test_a_store_that_is_away_is_said_by_whoever_noticed(part: str) -> None:
    """A hub to which nothing is posted notices by reading, one that nobody watches by writing."""
    parts = Parts()
    getattr(parts, part).problem = "connection refused"
    assert parts.health.troubles() == ("storage",)
    assert parts.health.reasons() == ["storage: connection refused"]


def test_a_bus_that_is_away_is_not_the_store() -> None:
    """Viewers of other processes wait a second; no webhook is refused."""
    parts = Parts()
    parts.air.problem = "connection lost"
    assert parts.health.troubles() == ("bus",)
    assert parts.health.reasons() == ["bus: connection lost"]


async def test_what_waits_on_the_disk_is_a_trouble_as_long_as_it_waits() -> None:
    """A machine that is thrown away takes it along."""
    parts = Parts()
    await parts.spool.append([delivery("a"), delivery("b")])
    assert parts.health.troubles() == ("spool",)
    assert parts.health.reasons() == ["spool: 2 deliveries wait on this machine for the store"]
    parts.spool.files = [[]]
    assert parts.health.troubles() == ()


def test_a_spool_that_cannot_be_read_is_a_trouble_of_its_own() -> None:
    """It would be found out when it is needed."""
    parts = Parts()
    parts.ingest.spool_problem = "the disk is broken"
    assert parts.health.troubles() == ("spool",)
    assert parts.health.reasons() == ["spool: the disk is broken"]


async def test_all_of_them_are_named_in_one_order() -> None:
    """Viewers are told again only when something changed, and an order that changes would look like that."""
    parts = Parts()
    parts.air.problem, parts.feed.problem = "lost", "gone"
    await parts.spool.append([delivery("a")])
    assert parts.health.troubles() == PARTS == ("storage", "bus", "spool")
    assert [reason.partition(":")[0] for reason in parts.health.reasons()] == list(PARTS)
