"""Numbers that only grow, and are there from the beginning."""

from hub.counts import DROPS, EVENT, Counts


def test_everything_that_can_be_counted_is_there_before_it_happens() -> None:
    """An alarm on a number that is missing never fires."""
    assert Counts().dropped == dict.fromkeys(DROPS, 0)


def test_messages_are_added_up() -> None:
    """One addition for a thousand viewers."""
    counts = Counts()
    counts.write(EVENT, 1000)
    counts.write(EVENT)
    assert counts.written[EVENT] == 1001


def test_who_goes_as_everybody_does_is_not_dropped() -> None:
    """A hub that is renewed sends all its viewers away, and nothing is wrong."""
    counts = Counts()
    counts.drop("viewer", "drain")
    counts.drop("viewer", "expired")
    assert {drop: number for drop, number in counts.dropped.items() if number} == {("viewer", "expired"): 1}
