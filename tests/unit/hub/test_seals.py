"""Seals: what the hub gave out is known again, by any of its secrets."""

from hub.seals import Seals

OLD, BOTH, NEW = Seals(("old",)), Seals(("new", "old")), Seals(("new",))


def test_every_active_secret_checks_and_the_first_one_makes() -> None:
    """Secrets are rotated while bots are in their meetings."""
    seal = OLD.seal("key", "a")
    assert BOTH.fits("key", "a", seal)
    assert not NEW.fits("key", "a", seal)
    assert NEW.fits("key", "a", BOTH.seal("key", "a"))


def test_a_seal_is_of_one_text_for_one_purpose() -> None:
    """What proves a webhook must not be good for anything else."""
    seal = OLD.seal("key", "a")
    assert not OLD.fits("key", "b", seal)
    assert not OLD.fits("order", "a", seal)
    assert len(seal) == 43


def test_of_a_mark_whose_secret_is_gone_nobody_says_that_it_differs() -> None:
    """A repetition must not be refused because of a rotation."""
    mark = OLD.mark("order", "a")
    assert not BOTH.differs("order", "a", mark)
    assert BOTH.differs("order", "b", mark)
    assert not NEW.differs("order", "b", mark)
    assert (BOTH.knows(mark), NEW.knows(mark)) == (True, False)
