"""One visit in a room: whether it lasts, what it counts as, and what it is told when it ends."""

from functools import reduce
from itertools import permutations

import pytest

from hub.events import Fact, Kind, ParticipantDetail, format_time
from hub.state.facts import NOTHING, Facts, merged
from hub.state.participant import Ends, Participant, Presence, participant, participant_facts

JOINED, LEFT, UPDATED = Kind.PARTICIPANT_JOINED, Kind.PARTICIPANT_LEFT, Kind.PARTICIPANT_UPDATED
REJECTED = Kind.PARTICIPANT_REJECTED
ROLES = frozenset({"speaker", "host", "broadcaster"})
NO_END = Ends()


def told(what: Kind, second: int, /, **detail: object) -> Facts:
    somebody = ParticipantDetail(id="PA1", **detail)
    return participant_facts(Fact(kind=what, time=second * 1000, room="r:S1", detail=somebody), somebody, "k")


def derived(*facts: Facts, ends: Ends = NO_END) -> Participant:
    return participant("PA1", "r:S1", reduce(merged, facts, NOTHING), ends, ROLES)


def ended(*seconds: int, reason: str = "room_finished", final: bool = True) -> Ends:
    return Ends(times=tuple(second * 1000 for second in seconds), closing_reason=reason, final=final)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param([told(JOINED, 1)], (True, 1, None), id="a join"),
        pytest.param([told(JOINED, 1), told(LEFT, 5)], (False, 1, 5), id="a join and a leave"),
        pytest.param([told(LEFT, 5, joined_at=1000)], (False, 1, 5), id="a leave that tells its join"),
        pytest.param([told(LEFT, 5, duration_ms=4000)], (False, 1, 5), id="a leave that tells its duration"),
        pytest.param([told(LEFT, 5, joined_at=1000), told(JOINED, 1)], (False, 1, 5), id="and then its late join"),
        pytest.param([told(LEFT, 5)], (False, None, 5), id="a leave alone"),
        pytest.param([told(LEFT, 5), told(JOINED, 6)], (True, 6, None), id="a leave before the join"),
        pytest.param([told(JOINED, 1), told(LEFT, 5), told(JOINED, 8)], (True, 1, None), id="a rejoin"),
        pytest.param([told(UPDATED, 3)], (False, None, None), id="an update is no presence"),
        pytest.param([told(UPDATED, 3, joined_at=1000)], (True, 1, None), id="unless it tells since when"),
        pytest.param(
            [told(UPDATED, 3, joined_at=1000), told(JOINED, 1), told(LEFT, 5)], (False, 1, 5), id="told twice"
        ),
        pytest.param([told(REJECTED, 3)], (False, None, None), id="nor is a rejection"),
        pytest.param([told(JOINED, 1), told(UPDATED, 3)], (True, 1, None), id="and an update ends none"),
    ],
)
def test_presence_follows_from_whatever_was_told(facts: list[Facts], expected: tuple[bool, int, int]) -> None:
    """In any order; what is unknown is never counted, and never below nothing."""
    for order in permutations(facts):
        document = derived(*order).document
        times = [None if second is None else format_time(second * 1000) for second in expected[1:]]
        assert [document["active"], document["joined_at"], document["left_at"]] == [expected[0], *times]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param([told(JOINED, 1)], None, id="who is there has none"),
        pytest.param([told(JOINED, 1), told(LEFT, 5, reason="kicked")], "kicked", id="the leave's"),
        pytest.param([told(LEFT, 5, reason="kicked")], "kicked", id="also alone"),
        pytest.param(
            [told(JOINED, 1), told(LEFT, 3, reason="a"), told(JOINED, 4), told(LEFT, 5)], None, id="the last's"
        ),
        pytest.param([told(REJECTED, 3, reason="join_failure")], "join_failure", id="the rejection's"),
        pytest.param([told(JOINED, 1), told(LEFT, 3, reason="a"), told(JOINED, 4)], None, id="who came back has none"),
    ],
)
def test_the_reason_is_that_of_the_last_leave(facts: list[Facts], reason: str | None) -> None:
    """Whatever order they come in."""
    assert {derived(*order).document["leave_reason"] for order in permutations(facts)} == {reason}


def test_a_repeated_leave_does_not_explain_what_another_one_ended() -> None:
    """`left_at` and `leave_reason` are of one and the same leave."""
    document = derived(told(JOINED, 1), told(LEFT, 5, reason="kicked"), told(LEFT, 9, reason="stale")).document
    assert (document["left_at"], document["leave_reason"]) == (format_time(5000), "kicked")


def test_the_end_of_the_room_closes_with_its_reason() -> None:
    """Nobody who was closed is said to have left by themselves."""
    one = derived(told(JOINED, 1), ends=ended(5))
    assert not one.active
    assert (one.document["left_at"], one.document["leave_reason"]) == (format_time(5000), "room_finished")


def test_who_left_before_the_end_keeps_the_reason() -> None:
    """Also when the leave is told after the end, and when both are at one moment."""
    for second in (4, 5):
        document = derived(told(JOINED, 1), told(LEFT, second, reason="kicked"), ends=ended(5)).document
        assert (document["left_at"], document["leave_reason"]) == (format_time(second * 1000), "kicked")


def test_a_leave_after_the_end_is_the_ends_doing() -> None:
    """A leave may move the end of a visit earlier, never past the end of the room."""
    document = derived(told(JOINED, 1), told(LEFT, 9, reason="room_closed"), ends=ended(5)).document
    assert (document["left_at"], document["leave_reason"]) == (format_time(5000), "room_finished")


def test_a_join_after_the_end_is_none() -> None:
    """It is in the log, and reopens nothing."""
    one = derived(told(JOINED, 9), ends=ended(5))
    assert (one.stays, one.active, one.document["joined_at"]) == ((), False, None)


def test_a_join_after_an_end_that_is_not_final_is_one() -> None:
    """The next meeting under the same name."""
    assert derived(told(JOINED, 9), ends=ended(5, final=False)).active


@pytest.mark.parametrize(
    ("kind", "is_person"),
    [("", True), ("human", True), ("sip", True), ("recorder", False), ("agent", False), ("ingress", False)],
)
def test_only_people_are_people(kind: str, is_person: bool) -> None:
    """Recorders and agents are participants, never counted; who calls by telephone is."""
    one = derived(told(JOINED, 1, kind=kind))
    assert one.is_person is is_person
    assert one.document["kind"] == (kind or "human")


def test_a_brief_payload_does_not_take_back_the_kind() -> None:
    """A leave that says less than the join makes no human of a recorder."""
    facts = [told(JOINED, 1, kind="recorder"), told(LEFT, 5, kind="")]
    assert {derived(*order).document["kind"] for order in permutations(facts)} == {"recorder"}


@pytest.mark.parametrize(
    ("role", "may_publish", "is_speaker"),
    [
        ("speaker", None, True),
        ("host", False, True),
        ("broadcaster", None, True),
        ("viewer", True, False),
        ("viewer", None, False),
        ("", True, True),
        ("", False, False),
        ("", None, False),
    ],
)
def test_who_speaks_is_said_by_the_role_else_by_the_permission(
    role: str, may_publish: bool | None, is_speaker: bool
) -> None:
    """A dialect without roles tells who may publish."""
    assert derived(told(JOINED, 1, role=role, may_publish=may_publish)).is_speaker is is_speaker


def test_the_latest_role_counts() -> None:
    """By event time: a role change that is told late is not undone by the join."""
    facts = [told(UPDATED, 5, role="speaker"), told(JOINED, 1, role="viewer")]
    assert {derived(*order).document["role"] for order in permutations(facts)} == {"speaker"}
    assert derived(*facts).is_speaker


def test_a_permission_that_is_withdrawn_is_gone() -> None:
    """False is told; only silence tells nothing."""
    facts = [told(JOINED, 1, may_publish=True), told(UPDATED, 5, may_publish=False), told(UPDATED, 6)]
    assert {derived(*order).is_speaker for order in permutations(facts)} == {False}


def test_what_is_no_longer_told_is_kept() -> None:
    """Brief payloads leave names out; that does not unname anybody."""
    facts = [told(JOINED, 1, name="Ann", identity="ann"), told(LEFT, 5)]
    for order in permutations(facts):
        document = derived(*order).document
        assert (document["name"], document["identity"]) == ("Ann", "ann")


def test_each_visit_that_an_end_closed_has_the_reason_of_that_end() -> None:
    """A room without session ids ends again and again, each time for a reason of its own."""
    ends = Ends(times=(5000, 9000), reasons=("idle", "ended_by_host"), closing_reason="closed", final=False)
    for order in permutations([told(JOINED, 1), told(JOINED, 6)]):
        one = derived(*order, ends=ends)
        assert [why for _, _, why in one.presence.stays] == ["idle", "ended_by_host"]
        assert one.document["leave_reason"] == "ended_by_host"
    only = derived(told(JOINED, 1), ends=Ends(times=(5000,), closing_reason="closed"))
    assert only.presence.stays == ((1000, 5000, "closed"),)


def test_presence_is_every_visit_with_why_it_ended() -> None:
    """Attendance and usage are made of it; milliseconds are kept as they are."""
    facts = [told(JOINED, 1), told(LEFT, 3, reason="gone"), told(JOINED, 4), told(LEFT, 6), told(JOINED, 8)]
    expected = Presence(((1000, 3000, "gone"), (4000, 6000, ""), (8000, None, "")))
    for order in permutations(facts):
        assert derived(*order).presence == expected


@pytest.mark.parametrize(("kind", "counted"), [("human", True), ("sip", True), ("recorder", False), ("agent", False)])
def test_presence_tells_whether_anybody_pays_for_it(kind: str, counted: bool) -> None:
    """Recorders and agents are there, and are not people."""
    assert derived(told(JOINED, 1, kind=kind)).presence == Presence(((1000, None, ""),), counted)


def test_who_never_got_in_was_not_there() -> None:
    """A rejection is no visit."""
    assert derived(told(REJECTED, 1)).presence.stays == ()


def observed(what: Kind, second: int) -> Facts:
    somebody = ParticipantDetail(id="PA1", reason="not_listed" if what is LEFT else "")
    fact = Fact(kind=what, time=second * 1000, room="r:S1", detail=somebody, observed=True)
    return participant_facts(fact, somebody, "k")


def test_somebody_who_was_missed_left_by_then() -> None:
    """Nobody told that they left; the hub asked, and they were not there."""
    for order in permutations([told(JOINED, 1), observed(LEFT, 7), observed(LEFT, 9)]):
        gone = derived(*order).document
        assert (gone["left_at"], gone["leave_reason"]) == (format_time(7000), "not_listed")


@pytest.mark.parametrize("second", [3, 12])
def test_a_leave_that_is_told_counts_alone(second: int) -> None:
    """Whether it was before they were missed, or after."""
    for order in permutations([told(JOINED, 1), observed(LEFT, 7), told(LEFT, second)]):
        assert derived(*order).document["left_at"] == format_time(second * 1000)


@pytest.mark.parametrize("life", [told(JOINED, 8), told(UPDATED, 8), observed(UPDATED, 8)])
def test_somebody_of_whom_is_told_later_was_not_gone(life: Facts) -> None:
    """A list may be wrong twice."""
    for order in permutations([told(JOINED, 1), observed(LEFT, 7), life]):
        assert derived(*order).active


def test_somebody_who_was_missed_before_the_room_ended_left_then() -> None:
    """The end of the room closes only who was still there."""
    stays = derived(told(JOINED, 1), observed(LEFT, 5), ends=ended(9)).stays
    assert [(stay.start, stay.end) for stay in stays] == [(1000, 5000)]
    later = derived(told(JOINED, 1), observed(LEFT, 9), ends=ended(5)).document
    assert (later["left_at"], later["leave_reason"]) == (format_time(5000), "room_finished")
