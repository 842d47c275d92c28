"""Facts merge like sets: nothing they tell may depend on who told it first."""

from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.state.facts import NOTHING, Cell, Facts, Value, is_news, merged
from tests.searching import search

VALUES = st.sampled_from((None, "", "x", "1", 1, 1.0, True, False, ("a",), ("a", "b")))
CELLS = st.builds(Cell, st.integers(0, 2), st.sampled_from(("k1", "k2")), VALUES)
NAMES = st.sampled_from(("seen", "began", "join/1", "join/2", "name"))
FACTS = st.builds(Facts, st.dictionaries(NAMES, CELLS, max_size=4), st.dictionaries(NAMES, CELLS, max_size=4))
SEARCH = search(300)


def first(name: str, time: int, key: str = "k", value: Value = None) -> Facts:
    return Facts(first={name: Cell(time, key, value)})


def latest(name: str, time: int, value: Value, key: str = "k") -> Facts:
    return Facts(latest={name: Cell(time, key, value)})


@given(one=FACTS, other=FACTS)
@SEARCH
def test_merging_is_commutative(one: Facts, other: Facts) -> None:
    """Two processes may learn of two deliveries in either order."""
    assert merged(one, other) == merged(other, one)


@given(one=FACTS, two=FACTS, three=FACTS)
@SEARCH
def test_merging_is_associative(one: Facts, two: Facts, three: Facts) -> None:
    """Batches are cut anywhere."""
    assert merged(merged(one, two), three) == merged(one, merged(two, three))


@given(one=FACTS, other=FACTS)
@SEARCH
def test_merging_again_changes_nothing(one: Facts, other: Facts) -> None:
    """Providers send again what they have sent; the very same object shows that nothing is to be written."""
    both = merged(one, other)
    assert merged(both, other) is both
    assert merged(both, one) is both


@given(one=FACTS)
@SEARCH
def test_nothing_is_neutral(one: Facts) -> None:
    """What is not known yet takes everything that is told."""
    assert merged(NOTHING, one) == one
    assert merged(one, NOTHING) is one


@given(told=st.lists(FACTS, min_size=1, max_size=5), order=st.randoms(use_true_random=False))
@SEARCH
def test_the_earliest_and_the_latest_are_kept_whatever_the_order(told: list[Facts], order: object) -> None:
    """Compared with picking them from everything that was told at once."""
    shuffled = list(told)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    whole = reduce(merged, shuffled, NOTHING)

    def rank(cell: Cell) -> tuple[int, str, str]:
        return cell.time, cell.key, repr(cell.value)

    for name in {name for facts in told for name in facts.first}:
        assert whole.first[name] == min((facts.first[name] for facts in told if name in facts.first), key=rank)
    for name in {name for facts in told for name in facts.latest}:
        assert whole.latest[name] == max((facts.latest[name] for facts in told if name in facts.latest), key=rank)


def test_what_was_told_before_is_never_touched() -> None:
    """Whoever holds the old facts compares them with the new ones."""
    known, stated = first("join/1", 1), first("join/2", 2)
    merged(known, stated)
    assert set(known.first) == {"join/1"}
    assert set(stated.first) == {"join/2"}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ([latest("name", 1, "old"), latest("name", 2, "new")], "new"),
        ([latest("name", 1, "a", "k1"), latest("name", 1, "b", "k2")], "b"),
        ([latest("name", 1, "b", "k1"), latest("name", 1, "a", "k2")], "a"),
        ([latest("name", 1, "a"), latest("name", 1, "b")], "b"),
        ([latest("name", 2, "late told of early", "k1"), latest("name", 1, "x", "k9")], "late told of early"),
    ],
)
def test_of_two_values_the_later_one_wins_then_the_key_then_the_value(told: list[Facts], kept: str) -> None:
    """Event time decides, never arrival; ties need a winner that does not depend on arrival either."""
    assert {reduce(merged, order).text("name") for order in permutations(told)} == {kept}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ([first("seen", 2), first("seen", 1)], Cell(1, "k")),
        ([first("seen", 1, "k2"), first("seen", 1, "k1")], Cell(1, "k1")),
        ([first("seen", 1, "k", "b"), first("seen", 1, "k", "a")], Cell(1, "k", "a")),
    ],
)
def test_of_two_first_times_the_earlier_one_wins_then_the_key_then_the_value(told: list[Facts], kept: Cell) -> None:
    """The beginning of something only ever moves back."""
    assert all(reduce(merged, order).first["seen"] == kept for order in permutations(told))


@pytest.mark.parametrize("value", [None, 1, 1.5, True, ("a",)])
def test_text_is_only_what_is_text(value: Value) -> None:
    """A document's name is a name, whatever was stored by it."""
    assert latest("name", 1, value).text("name") == ""
    assert latest("name", 1, "Ann").text("name") == "Ann"
    assert NOTHING.text("name") == ""


@pytest.mark.parametrize("value", [None, "1", 1.5, True, False, ("a",)])
def test_whole_is_only_what_is_an_integer(value: Value) -> None:
    """Python takes True for 1; a size of True bytes is none."""
    assert latest("size", 1, value).whole("size") is None
    assert latest("size", 1, 0).whole("size") == 0
    assert NOTHING.whole("size") is None


@pytest.mark.parametrize("value", [None, "ann", 1, True])
def test_texts_are_only_what_is_a_tuple(value: Value) -> None:
    """A text is no list of its letters."""
    assert latest("people", 1, value).texts("people") == ()
    assert latest("people", 1, ("a", "b")).texts("people") == ("a", "b")


def test_named_cells_come_in_the_order_of_time_then_key() -> None:
    """Whoever walks through what happened walks through time."""
    told = [first("join/30", 3, "a"), first("join/10", 1, "b"), first("join/11", 1, "a"), first("leave/2", 2, "a")]
    assert [name for name, _ in reduce(merged, told).named("join/")] == ["11", "10", "30"]


@pytest.mark.parametrize(
    ("known", "stated", "news"),
    [
        (NOTHING, first("join/1", 1), True),
        (first("join/1", 1, "k1"), first("join/1", 1, "k0"), False),
        (first("join/1", 1), first("join/2", 2), True),
        (first("seen", 2), first("seen", 1), False),
        (NOTHING, first("seen", 1), False),
        (latest("links", 1, "old"), latest("links", 2, "new"), False),
    ],
)
def test_only_what_has_not_happened_before_is_news(known: Facts, stated: Facts, news: bool) -> None:
    """A second channel, a refreshed link or an earlier first sign of life make no event by themselves."""
    assert is_news(known, merged(known, stated)) is news
