"""Which rooms are worth a look: scores that sink with time, and an order by them that no clock changes."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.state.trending import HALF_LIFE_MS, trending_base, trending_key, trending_score

NOW = 1_773_144_000_000
HOUR = 3_600_000

rooms = st.tuples(st.integers(0, 10_000), st.integers(-200 * HOUR, 0).map(lambda offset: NOW + offset))


@pytest.mark.parametrize(
    ("listeners", "speakers", "featured", "base"),
    [
        (0, 0, False, 0),
        (1, 0, False, 1),
        (0, 1, False, 3),
        (0, 0, True, 5),
        (1, 1, True, 9),
        (10, 2, False, 16),
        (10, 2, True, 21),
        (1_000_000, 0, False, 1_000_000),
    ],
)
def test_speakers_count_thrice_and_a_featured_room_as_five_listeners(
    listeners: int, speakers: int, featured: bool, base: int
) -> None:
    """The formula of the guides."""
    assert trending_base(listeners, speakers, featured=featured) == base


@pytest.mark.parametrize(
    ("base", "hours", "score"),
    [
        (0, 0, 0.0),
        (1, 0, 1.0),
        (21, 6, 10.5),
        (21, 12, 5.25),
        (21, 3, 14.85),
        (21, 1, 18.71),
        (21, 24, 1.31),
        (1, 48, 0.0),
        (1, 45, 0.01),
        (1_000_000, 10_000, 0.0),
        # A clock that is ahead makes no room rise.
        (16, -1, 16.0),
        (16, -1000, 16.0),
    ],
)
def test_half_of_a_score_is_gone_every_six_hours(base: int, hours: int, score: float) -> None:
    """Worked out by hand, to two decimals."""
    assert trending_score(base, NOW - hours * HOUR, NOW) == score


@given(base=st.integers(0, 10_000), waits=st.lists(st.integers(-5 * HOUR, 200 * HOUR), min_size=2, max_size=2))
def test_a_room_never_rises_by_waiting(base: int, waits: list[int]) -> None:
    """Only what happens in it makes it rise."""
    sooner, later = (trending_score(base, NOW, NOW + wait) for wait in sorted(waits))
    assert 0 <= later <= sooner <= base


def is_ahead(one: tuple[int, int], other: tuple[int, int], now: int) -> bool:
    """Whether one room's score is above the other's at a moment, worked out exactly.

    After x and y whole hours, a · 2^(-x/6) > b · 2^(-y/6) is a^6 > b^6 · 2^(x-y).
    """
    waited = [(now - active_at) // HOUR for _, active_at in (one, other)]
    return one[0] ** 6 > other[0] ** 6 * Fraction(2) ** (waited[0] - waited[1])


@given(
    found=st.lists(st.tuples(st.integers(1, 10_000), st.integers(-200, 0).map(lambda hours: NOW + hours * HOUR))),
    later=st.integers(0, 10_000),
)
def test_the_key_has_the_order_of_the_exact_scores_at_any_later_moment(
    found: list[tuple[int, int]], later: int
) -> None:
    """That is what makes an index of it possible: all scores sink alike, so nothing overtakes by waiting."""
    now = NOW + later * HOUR
    for one in found:
        for other in found:
            if is_ahead(one, other, now):
                assert trending_key(*one) > trending_key(*other)


@given(found=st.lists(rooms, max_size=8), later=st.integers(0, 1000 * HOUR))
def test_a_page_in_the_order_of_keys_never_shows_a_higher_score_below_a_lower(
    found: list[tuple[int, int]], later: int
) -> None:
    """What is shown is rounded; equal to the eye may stand either way."""
    ordered = sorted(found, key=lambda room: trending_key(*room), reverse=True)
    shown = [trending_score(base, active_at, NOW + later) for base, active_at in ordered]
    assert shown == sorted(shown, reverse=True)


@given(empty=st.integers(0, 2 * NOW), base=st.integers(1, 10_000), active_at=st.integers(0, 2 * NOW))
def test_an_empty_room_comes_after_every_other(empty: int, base: int, active_at: int) -> None:
    """Its score is nothing, however lately it was active, and the logarithm of nothing is no number."""
    assert trending_key(0, empty) < trending_key(base, active_at)


def test_of_empty_rooms_the_one_that_was_active_last_comes_first() -> None:
    """There is no score to tell them apart; whoever looks for life looks there first."""
    assert trending_key(0, NOW) > trending_key(0, NOW - 1000)


def test_twice_as_many_are_as_good_as_six_hours() -> None:
    """The key says so to the millisecond."""
    assert trending_key(2, NOW - HALF_LIFE_MS) == pytest.approx(trending_key(1, NOW), abs=1e-9)
