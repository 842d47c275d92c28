"""Presence from joins and leaves, in whatever completeness they came."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.state.presence import Visit, peak, present_ms, visits
from tests.searching import search

TIMES = st.integers(0, 12)
JOINS = st.lists(TIMES, max_size=4)
LEAVES = st.lists(st.tuples(TIMES, st.none() | TIMES), max_size=4)
ENDS = st.lists(TIMES, max_size=3, unique=True).map(sorted)
STAYS = st.lists(
    st.tuples(TIMES, st.none() | st.integers(0, 6)).map(
        lambda stay: Visit(stay[0], None if stay[1] is None else stay[0] + stay[1])
    ),
    max_size=6,
)
SEARCH = search(200)


def shown(
    joins: Sequence[int], leaves: Sequence[tuple[int, int | None]], ends: Sequence[int] = (), **how: bool
) -> list:
    return [(stay.start, stay.end) for stay in visits(joins, leaves, ends, **how)]


@pytest.mark.parametrize(
    ("joins", "leaves", "expected"),
    [
        pytest.param([], [], [], id="nothing is nobody"),
        pytest.param([1], [], [(1, None)], id="a join opens"),
        pytest.param([1], [(5, None)], [(1, 5)], id="a leave closes"),
        pytest.param([1, 1], [], [(1, None)], id="a repeated join is one"),
        pytest.param([1], [(5, None), (5, None)], [(1, 5)], id="a repeated leave is one"),
        pytest.param([], [(5, None)], [], id="a leave of nobody is none"),
        pytest.param([6], [(5, None)], [(6, None)], id="a leave closes no later join"),
        pytest.param([1, 5], [(5, None)], [(1, None)], id="who leaves and comes at once is there"),
        pytest.param([1, 6], [(5, None)], [(1, 5), (6, None)], id="a rejoin"),
        pytest.param([1, 6], [(5, None), (9, None)], [(1, 5), (6, 9)], id="two visits"),
        pytest.param([1, 6], [(9, None)], [(1, None)], id="the earliest open join is closed, the later one is not"),
        pytest.param([], [(5, 1)], [(1, 5)], id="a leave that tells its join is a visit"),
        pytest.param([1], [(5, 1)], [(1, 5)], id="its late join adds nothing"),
        pytest.param([2], [(5, 1)], [(1, 5)], id="nor does a join that was told a little later"),
        pytest.param([0], [(5, 1)], [(0, 5)], id="nor one that was told a little earlier"),
        pytest.param([6], [(5, 1)], [(1, 5), (6, None)], id="the late leave of the visit before leaves the rejoin"),
        pytest.param([6], [(9, 6), (5, 1)], [(1, 5), (6, 9)], id="leaves in any order"),
        pytest.param([3], [(5, 9)], [(3, 5)], id="a join after its own leave is no join"),
        pytest.param([1], [(5, None), (5, 1)], [(1, 5)], id="the same leave with and without its join"),
        pytest.param([], [(5, 5)], [(5, 5)], id="a visit of no time"),
        pytest.param([], [(5, 1), (7, 3)], [(1, 7)], id="visits that overlap are one"),
        pytest.param([], [(5, 1), (7, 5)], [(1, 7)], id="visits that touch are one"),
        pytest.param([], [(9, 1), (5, 3)], [(1, 9)], id="a visit within another"),
    ],
)
def test_presence_follows_from_joins_and_leaves(joins: list[int], leaves: list, expected: list) -> None:
    """Either may be lost, late or repeated."""
    assert shown(joins, leaves) == expected


def test_who_comes_back_at_the_moment_they_left_is_there() -> None:
    """Providers tell whole seconds, and a fast rejoin takes less; a join is no part of the visit that ends with it."""
    assert shown([1, 5], [(5, 1)])[-1][1] is None


@pytest.mark.parametrize(
    ("joins", "leaves", "ends", "expected"),
    [
        pytest.param([1], [], [5], [(1, 5)], id="the end closes"),
        pytest.param([1], [(5, None)], [5], [(1, 5)], id="who left with the end left"),
        pytest.param([1], [(9, None)], [5], [(1, 5)], id="nobody leaves after the end"),
        pytest.param([], [(9, 1)], [5], [(1, 5)], id="nor does a whole visit last longer"),
        pytest.param([6], [], [5], [], id="nobody comes after the end"),
        pytest.param([], [(9, 6)], [5], [], id="not even for a whole visit"),
        pytest.param([5], [], [5], [(5, 5)], id="who comes with the end is closed at once"),
        pytest.param([1, 6], [(3, None)], [5], [(1, 3)], id="a rejoin after the end is none"),
    ],
)
def test_the_end_of_a_session_is_final(joins: list[int], leaves: list, ends: list[int], expected: list) -> None:
    """A session that is over stays over, whatever comes late."""
    assert shown(joins, leaves, ends) == expected


@pytest.mark.parametrize(
    ("joins", "leaves", "ends", "expected"),
    [
        pytest.param([1], [], [5], [(1, 5)], id="an end closes"),
        pytest.param([6], [], [5], [(6, None)], id="what comes later is the next meeting"),
        pytest.param([1, 6], [], [5, 9], [(1, 5), (6, 9)], id="which ends by itself"),
        pytest.param([1], [(7, None)], [5, 9], [(1, 5)], id="a visit ends with its own meeting"),
    ],
)
def test_an_end_that_is_not_final_closes_what_came_before_it(
    joins: list[int], leaves: list, ends: list[int], expected: list
) -> None:
    """A room whose sessions have no ids meets again under the same name."""
    assert shown(joins, leaves, ends, final=False) == expected


def test_only_what_the_end_closed_is_cut() -> None:
    """Those are told the room's reason, the others their own."""
    stays = visits([1, 3], [(2, None)], [5])
    assert [stay.cut for stay in stays] == [False, True]
    assert [stay.cut for stay in visits([1], [(5, None)], [5])] == [False]


@given(joins=JOINS, leaves=LEAVES, ends=ENDS, final=st.booleans())
@SEARCH
def test_visits_are_sorted_and_disjoint(joins: list[int], leaves: list, ends: list[int], final: bool) -> None:
    """Whatever is summed over them counts no moment twice."""
    stays = visits(joins, leaves, ends, final=final)
    assert all(stay.end is None or stay.start <= stay.end for stay in stays)
    assert all(stay.end is not None and stay.end < following.start for stay, following in pairwise(stays))


@given(joins=JOINS, leaves=LEAVES, ends=ENDS, final=st.booleans(), order=st.randoms(use_true_random=False))
@SEARCH
def test_visits_do_not_depend_on_order_or_repetition(
    joins: list[int], leaves: list, ends: list[int], final: bool, order: object
) -> None:
    """What arrived first is not what happened first."""
    again, gone = joins + joins[:1], leaves + leaves[:1]
    order.shuffle(again)  # type: ignore[attr-defined]
    order.shuffle(gone)  # type: ignore[attr-defined]
    assert visits(again, gone, ends, final=final) == visits(joins, leaves, ends, final=final)


@given(joins=JOINS, leaves=LEAVES, ends=ENDS)
@SEARCH
def test_after_a_final_end_nobody_comes_and_nobody_is_there(joins: list[int], leaves: list, ends: list[int]) -> None:
    """In an ended room nobody is active."""
    for stay in visits(joins, leaves, ends) if ends else ():
        assert stay.start <= ends[0]
        assert stay.end is not None
        assert stay.end <= ends[0]


@given(joins=JOINS, leaves=LEAVES, ends=ENDS)
@SEARCH
def test_no_visit_lasts_beyond_an_end(joins: list[int], leaves: list, ends: list[int]) -> None:
    """Not even where the next meeting goes by the same name."""
    for stay in visits(joins, leaves, ends, final=False):
        assert not any(stay.start < end < (stay.end if stay.end is not None else 99) for end in ends)


@given(joins=JOINS, leaves=LEAVES, ends=ENDS, final=st.booleans())
@SEARCH
def test_visits_lie_within_what_was_told(joins: list[int], leaves: list, ends: list[int], final: bool) -> None:
    """No bound of a visit is made up."""
    starts = {*joins, *(since for _, since in leaves if since is not None)}
    for stay in visits(joins, leaves, ends, final=final):
        assert stay.start in starts
        assert stay.end is None or stay.end in {left for left, _ in leaves} | set(ends)


@given(joins=JOINS, leaves=LEAVES)
@SEARCH
def test_a_visit_that_was_told_whole_is_never_lost(joins: list[int], leaves: list) -> None:
    """A leave that tells its join needs nothing else to be believed."""
    stays = visits(joins, leaves)
    for left, since in leaves:
        if since is not None and since <= left:
            assert any(stay.start <= since and (stay.end is None or stay.end >= left) for stay in stays)


@given(joins=st.lists(TIMES, max_size=5, unique=True), leaves=st.lists(TIMES, max_size=5, unique=True))
@SEARCH
def test_no_leave_counts_more_than_one_join_out(joins: list[int], leaves: list[int]) -> None:
    """Walking through time, those inside are the joins so far less the leaves that found somebody: never negative."""
    inside = 0
    # Who leaves may have come at the same moment.
    for _, is_leave in sorted([(time, False) for time in joins] + [(time, True) for time in leaves]):
        inside += 1 if not is_leave else -1 if inside else 0
        assert inside >= 0
    is_open = any(stay.end is None for stay in visits(joins, [(left, None) for left in leaves]))
    assert is_open == (inside > 0)


@given(stays=STAYS)
@SEARCH
def test_the_peak_is_the_most_that_were_there_at_any_moment(stays: list[Visit]) -> None:
    """Compared with asking at every moment."""
    moments = [
        sum(stay.start <= moment and (stay.end is None or moment < stay.end) for stay in stays) for moment in range(30)
    ]
    assert peak(stays) == max(moments, default=0)


@given(stays=STAYS, now=st.integers(0, 25))
@SEARCH
def test_the_time_spent_is_the_sum_of_all_moments(stays: list[Visit], now: int) -> None:
    """Compared with counting every moment; what is open counts until now."""
    counted = sum(len(range(stay.start, now if stay.end is None else stay.end)) for stay in stays)
    assert present_ms(stays, now) == counted
