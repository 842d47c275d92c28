"""Whether what is shown is true: every difference is told with both values, and nothing else is."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.commands.comparison import Comparison, fraction, to_the_last_place
from hub.commands.expected import User

ANN = {
    "identity": "ann", "role": None, "joined_at": "2026-03-10T12:00:00Z", "left_at": "2026-03-10T12:01:00Z",
    "watch_duration": 59.5, "visits": 2, "expected": False,
}  # fmt: skip
TRUE_ANN = User("ann", None, "2026-03-10T12:00:00Z", "2026-03-10T12:01:00Z", 59_500, 2)


def test_what_agrees_is_counted_and_what_does_not_is_told_with_both_values() -> None:
    """And only as far as the truth goes."""
    comparison = Comparison()
    comparison.judge("rooms", "a", {"status": "ended", "more": 1}, {"status": "ended"})
    comparison.judge("rooms", "b", {"status": "live"}, {"status": "ended", "peak": 2})
    comparison.judge("rooms", "c", None, {"status": "ended"})
    assert comparison.differences == [
        "rooms b: status is 'live', in truth 'ended'",
        "rooms b: peak is None, in truth 2",
        "rooms c: is not there",
    ]
    assert "1 of 3 rooms" in comparison.lines()[-1]


def test_users_are_compared_in_whatever_order() -> None:
    """Two of one name and time are two."""
    comparison = Comparison()
    comparison.judge_users(
        "a", [ANN, {**ANN, "identity": "bob"}], Counter([TRUE_ANN._replace(identity="bob"), TRUE_ANN])
    )
    assert comparison.differences == []
    assert "2 of 2 users" in comparison.lines()[-1]


@pytest.mark.parametrize(
    "change",
    [
        {"watch_duration": 59.501},
        {"visits": 1},
        {"left_at": None},
        {"role": "host"},
        {"identity": None},
        {"expected": True},
    ],
)
def test_every_part_of_attendance_counts(change: dict[str, object]) -> None:
    """A comparison that overlooks something proves nothing."""
    comparison = Comparison()
    comparison.judge_users("a", [{**ANN, **change}], Counter([TRUE_ANN]))
    (difference,) = comparison.differences
    assert repr(TRUE_ANN) in difference
    assert "0 of 1 users" in comparison.lines()[-1]


def test_who_is_missing_or_too_many_is_told() -> None:
    """Somebody who was never there costs money too."""
    comparison = Comparison()
    comparison.judge_users("a", [ANN], Counter())
    comparison.judge_users("b", [], Counter([TRUE_ANN]))
    assert [("None is shown" in one, "in truth None" in one) for one in comparison.differences] == [
        (False, True),
        (True, False),
    ]


def test_minutes_are_added_up_and_told() -> None:
    """As they are written, without the errors of binary fractions."""
    comparison = Comparison()
    for _ in range(3):
        comparison.count_minutes(0.1, 0.2)
    assert comparison.lines()[-1].endswith("0.30 participant minutes, in truth 0.60")


@pytest.mark.parametrize(
    ("shown", "exact", "true"),
    [
        (0.33, Fraction(1, 3), 0.33),
        (0.34, Fraction(1, 3), 0.33),
        (0.12, Fraction(1, 8), 0.12),
        (0.13, Fraction(1, 8), 0.13),
        (None, Fraction(1, 8), 0.12),
        ("0.12", Fraction(1, 8), 0.12),
    ],
)
def test_a_figure_is_right_to_its_last_place(shown: object, exact: Fraction, true: float) -> None:
    """Of a tie either neighbour is right, and nothing else ever."""
    assert to_the_last_place(shown, exact, 2) == true


@given(st.fractions(0, 10**6, max_denominator=60_000), st.integers(2, 4))
def test_what_is_rounded_is_right_and_its_neighbour_is_wrong(exact: Fraction, places: int) -> None:
    """Whatever the figure."""
    rounded = float(round(exact, places))
    assert to_the_last_place(rounded, exact, places) == rounded
    wrong = float(fraction(rounded) + Fraction(2, 10**places))
    assert to_the_last_place(wrong, exact, places) != wrong
