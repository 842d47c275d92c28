"""How long a worker that ended waits for its restart; everything else about slots is in test_supervisor.py."""

from itertools import accumulate, repeat

from hub.slot import pause_after


def test_pauses_double_up_to_five_seconds() -> None:
    """Long enough to spare the machine, short enough to be back soon after what was missing is there again."""
    lives = repeat(9.9, 8)
    assert list(accumulate(lives, pause_after, initial=0.0))[1:] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_long_life_begins_anew() -> None:
    """A worker that served for a while had a start without fault."""
    assert pause_after(5.0, 10.1) == 0.1
