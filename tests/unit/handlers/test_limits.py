"""Counts within minutes, with a bound on how much is remembered."""

from hypothesis import given
from hypothesis import strategies as st

from handlers.limits import Rates

MINUTE = 60_000


@given(st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 3 * MINUTE)), max_size=60))
def test_a_name_is_counted_by_itself_within_each_minute(calls: list[tuple[str, int]]) -> None:
    """Neither an earlier minute nor somebody else may use up what somebody is allowed."""
    rates = Rates()
    counted: dict[tuple[str, int], int] = {}
    for name, now in sorted(calls, key=lambda call: call[1]):
        counted[name, now // MINUTE] = counted.get((name, now // MINUTE), 0) + 1
        assert rates.count((name,), now) == counted[name, now // MINUTE]


def test_who_keeps_coming_is_not_forgotten_among_many() -> None:
    """An attacker must not be able to wash away its own count by using many other names."""
    rates = Rates()
    for number in range(30_000):
        rates.count((f"other {number}",), 0)
        if number % 5_000 == 0:
            count = rates.count(("attacker",), 0)
    assert count == 6
    assert rates.count(("attacker",), 0) == 7


def test_the_names_longest_not_seen_are_forgotten_first() -> None:
    """Memory is bounded, whatever addresses requests come from."""
    rates = Rates()
    rates.count(("first",), 0)
    for number in range(20_000):
        rates.count((f"other {number}",), 0)
    assert rates.count(("first",), 0) == 1
    assert rates.count(("other 19999",), 0) == 2


def test_a_new_minute_begins_at_one() -> None:
    """A limit a minute is no ban."""
    rates = Rates()
    assert [rates.count(("ann",), now) for now in (0, MINUTE - 1, MINUTE, MINUTE, 5 * MINUTE)] == [1, 2, 1, 2, 1]


def test_the_window_may_be_another_time() -> None:
    """What is limited by the second is counted by the second."""
    rates = Rates(window_ms=1000)
    assert [rates.count(("a",), now) for now in (0, 999, 1000, 1500, 3000)] == [1, 2, 1, 2, 1]
