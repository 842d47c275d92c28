"""Planned meetings: which meetings of a room are whose, and how far a plan is."""

from functools import reduce
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.events import Fact, Kind, ScheduleDetail, format_time
from hub.state.facts import NOTHING, Facts, merged
from hub.state.schedule import (
    WINDOW_MS,
    Plan,
    Run,
    assigned,
    plan_of,
    runs_between,
    schedule_document,
    schedule_facts,
)

NOON = 1_773_144_000_000
HOUR, MINUTE = 3_600_000, 60_000

plans = st.dictionaries(st.sampled_from("abc"), st.integers(-30, 30)).map(
    lambda found: {name: plan(name, NOON + hour * HOUR) for name, hour in found.items()}
)
runs = st.lists(
    st.builds(
        lambda session, hour, lasted: Run(session, NOON + hour * HOUR, None if lasted is None else NOON + hour * HOUR),
        st.sampled_from(("S1", "S2", "S3")),
        st.integers(-40, 40),
        st.none() | st.just(0),
    ),
    max_size=6,
    unique_by=lambda run: (run.session, run.start),
)


def plan(name: str = "p", starts_at: int = NOON, **fields: object) -> Plan:
    told = {"title": "", "provider": "100ms", "room_id": "r", "expected": ()}
    return Plan(id=name, starts_at=starts_at, **{**told, **fields})


def told(second: int, key: str = "k", kind: Kind = Kind.SCHEDULE_UPDATED, **said: object) -> Facts:
    detail = ScheduleDetail(id="p", **said)
    return schedule_facts(Fact(kind=kind, time=second * 1000, durable="s@r", detail=detail), detail, key)


def planned(*facts: Facts) -> Plan | None:
    return plan_of("p", reduce(merged, facts, NOTHING))


class TestPlans:
    """What is planned, as far as it was told."""

    def test_the_latest_word_counts_for_each_field(self):
        """A change names only what it changes, and may arrive first."""
        facts = [
            told(1, title="Daily", provider="100ms", room_id="r", starts_at=NOON, expected=(("ann", "Ann"),)),
            told(2, starts_at=NOON + HOUR),
            told(3, title="Standup"),
            told(4, expected=()),
        ]
        expected = Plan(id="p", title="Standup", provider="100ms", room_id="r", starts_at=NOON + HOUR, expected=())
        assert {planned(*order) for order in permutations(facts)} == {expected}

    def test_a_title_can_be_taken_back_and_nobody_be_expected_any_more(self):
        """Nothing told and an empty value told are two things."""
        facts = [told(1, title="Daily", starts_at=NOON, expected=(("ann", ""),)), told(2, title="", expected=())]
        for order in permutations(facts):
            found = planned(*order)
            assert found
            assert (found.title, found.expected) == ("", ())

    def test_expected_people_come_back_in_their_order_with_their_names(self):
        """They are kept as one flat list."""
        people = (("ann", "Ann"), ("bob", ""), ("cy", "Cy"))
        assert planned(told(1, starts_at=NOON, expected=people)).expected == people  # type: ignore[union-attr]

    @pytest.mark.parametrize("over", [{"cancelled": True}, {"moved": True}])
    def test_what_was_cancelled_or_moved_away_is_no_plan_until_it_is_planned_again(self, over: dict[str, bool]):
        """It may have been moved here, away, and here again."""
        made, gone = told(1, starts_at=NOON), told(5, **over)
        again = told(9, starts_at=NOON + HOUR)
        assert {planned(*order) for order in permutations([made, gone])} == {None}
        assert {planned(*order) is None for order in permutations([made, gone, again])} == {False}

    def test_a_plan_without_a_time_is_none(self):
        """Its beginning was not told yet: a cancellation, say, came first."""
        assert planned(told(1, title="Daily")) is None
        assert planned() is None


class TestRuns:
    """A session that nothing identifies meets as often as it ends."""

    @pytest.mark.parametrize(
        ("begun", "ends", "expected"),
        [
            ([], [], []),
            ([5], [], [(5, None)]),
            ([7, 5, 6], [], [(5, None)]),
            ([5], [9], [(5, 9)]),
            ([5, 9], [9], [(5, 9)]),
            ([5, 10], [9], [(5, 9), (10, None)]),
            ([5, 10, 20], [9, 15], [(5, 9), (10, 15), (20, None)]),
            # An end that nobody came before is nobody's.
            ([10], [9], [(10, None)]),
            ([20], [9, 15], [(20, None)]),
            ([], [9], []),
        ],
    )
    def test_each_is_from_its_first_start_or_join_to_the_next_end(
        self, begun: list[int], ends: list[int], expected: list[tuple[int, int | None]]
    ):
        """Starts are told in any order; who joins at the moment of the end was there before it."""
        for order in permutations(begun):
            assert runs_between("S", order, ends) == tuple(Run("S", *one) for one in expected)

    @given(begun=st.lists(st.integers(0, 30), min_size=1), ends=st.lists(st.integers(0, 30), unique=True).map(sorted))
    def test_runs_do_not_overlap_and_hold_every_beginning(self, begun: list[int], ends: list[int]):
        """So that everybody who came is of one meeting."""
        found = runs_between("S", begun, ends)
        assert all(sum(run.holds(time) for run in found) == 1 for time in begun)
        assert all(run.end is not None and run.end < after.start for run, after in pairwise(found))

    @pytest.mark.parametrize(("time", "held"), [(4, False), (5, True), (9, True), (10, False)])
    def test_a_run_holds_what_happens_from_its_start_to_its_end(self, time: int, held: bool):
        """Both included; what goes on holds all that comes."""
        assert Run("S", 5, 9).holds(time) is held
        assert Run("S", 5).holds(time) is (time >= 5)


class TestAssigning:
    """Which meeting is which plan's."""

    @pytest.mark.parametrize(
        ("minutes", "owner"),
        [
            (-12 * 60, "a"),
            (-12 * 60 - 1, None),
            (0, "a"),
            (29, "a"),
            (30, "a"),
            (31, "b"),
            (60, "b"),
            (13 * 60, "b"),
            (13 * 60 + 1, None),
        ],
    )
    def test_it_is_the_nearest_within_twelve_hours_and_of_two_as_near_the_earlier(
        self, minutes: int, owner: str | None
    ):
        """Plans at noon and at one; people come early and late, and to some meetings nobody planned."""
        both = {"b": plan("b", NOON + HOUR), "a": plan("a", NOON)}
        run = Run("S", NOON + minutes * MINUTE)
        assert assigned(both, [run]) == {name: (run,) if name == owner else () for name in both}

    def test_of_two_plans_at_one_time_the_same_one_has_it_always(self):
        """There is no right one, but only one."""
        twins = {name: plan(name) for name in ("b", "a")}
        assert assigned(twins, [Run("S", NOON)]) == {"a": (Run("S", NOON),), "b": ()}

    def test_a_meeting_that_broke_off_and_met_again_is_one_plans(self):
        """A room was closed by mistake; both sessions were the planned meeting."""
        broken, again = Run("S1", NOON, NOON + MINUTE), Run("S2", NOON + 2 * MINUTE)
        assert assigned({"p": plan()}, [again, broken]) == {"p": (broken, again)}

    @given(plans=plans, runs=runs, order=st.randoms(use_true_random=False))
    def test_every_run_is_at_most_one_plans_and_none_nearer_was_passed_over(
        self, plans: dict[str, Plan], runs: list[Run], order: object
    ):
        """Whatever order they are told in."""
        given_to = assigned(plans, runs)
        shuffled = list(runs)
        order.shuffle(shuffled)  # type: ignore[attr-defined]
        assert assigned(dict(reversed(plans.items())), shuffled) == given_to
        assert given_to.keys() == plans.keys()
        for run in runs:
            owners = [name for name, found in given_to.items() if run in found]
            distances = {name: abs(one.starts_at - run.start) for name, one in plans.items()}
            near = [distance for distance in distances.values() if distance <= WINDOW_MS]
            assert len(owners) == (1 if near else 0)
            assert all(distances[name] == min(near) for name in owners)
        assert all(list(found) == sorted(found, key=lambda run: run.start) for found in given_to.values())


class TestDocuments:
    """How far a plan is."""

    def test_before_anybody_came_it_is_scheduled(self):
        """All that is known is the plan."""
        people = (("ann", "Ann"), ("bob", ""))
        shown = schedule_document(plan("p", title="Daily", expected=people), "s@r", ())
        assert shown == {
            "id": "p",
            "title": "Daily",
            "provider": "100ms",
            "room_id": "r",
            "durable_room": "s@r",
            "starts_at": format_time(NOON),
            "status": "SCHEDULED",
            "started_at": None,
            "ended_at": None,
            "sessions": [],
            "expected_count": 2,
        }

    @pytest.mark.parametrize(
        ("found", "status", "started", "ended"),
        [
            ([("S1", 5, None)], "LIVE", 5, None),
            ([("S1", 5, 9)], "COMPLETED", 5, 9),
            ([("S1", 5, 9), ("S2", 12, None)], "LIVE", 5, None),
            ([("S1", 5, 20), ("S2", 12, 15)], "COMPLETED", 5, 20),
        ],
    )
    def test_it_is_live_while_any_of_its_meetings_is(
        self, found: list[tuple[str, int, int | None]], status: str, started: int, ended: int | None
    ):
        """From the first start to the last end."""
        shown = schedule_document(plan(), "s@r", [Run(*one) for one in found])
        times = (format_time(started), format_time(ended))
        assert (shown["status"], shown["started_at"], shown["ended_at"]) == (status, *times)

    def test_a_session_that_met_twice_is_named_once(self):
        """It has one topic and one document."""
        shown = schedule_document(plan(), "s@r", [Run("s@r", 5, 9), Run("S1", 10, 11), Run("s@r", 12)])
        assert shown["sessions"] == ["s@r", "S1"]

    def test_who_is_expected_is_counted_and_not_named(self):
        """The document is streamed; identities may be addresses of people."""
        shown = schedule_document(plan(expected=(("ann@example.com", "Ann"),)), "s@r", ())
        assert (shown["expected_count"], "ann" in repr(shown).lower()) == (1, False)
