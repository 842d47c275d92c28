"""A durable room: facts that name none of its sessions belong to the one that was on when they happened."""

import sys
from collections.abc import Callable
from itertools import permutations
from types import FrameType

import pytest

from hub.events import CaptureDetail, ChatDetail, Fact, Kind, ParticipantDetail, Session, TrackDetail, format_time
from hub.fold.household import Household
from tests.memory import MemoryLog
from tests.unit.hub.fold.telling import (
    DURABLE,
    SESSION,
    at,
    body,
    delivery,
    envelope,
    folded,
    joined,
    left,
    named,
    nameless,
    shown,
    told,
    types,
)
from tests.unit.hub.fold.viewer import Viewer

STARTED, ENDED, JOINED, LEFT = Kind.ROOM_STARTED, Kind.ROOM_ENDED, Kind.PARTICIPANT_JOINED, Kind.PARTICIPANT_LEFT
SECOND = "livekit:S2"

TraceFunction = Callable[[FrameType, str, object], object]


def somebody(kind: Kind, second: float, who: str = "ann", **detail: object) -> Fact:
    """Return a fact about somebody in a room of which only the durable name is told."""
    return nameless(kind, second, ParticipantDetail(id=who, **detail))


def house(*facts: Fact) -> Household:
    made = Household(DURABLE, frozenset({"speaker"}))
    for place, fact in enumerate(facts):
        made.absorb(fact, f"k{place}", "livekit")
    return made


def topics(log: MemoryLog) -> set[str]:
    return set(log.documents)


def every_order(*facts: Fact) -> list[MemoryLog]:
    return [folded(*order) for order in permutations(facts)]


def people(log: MemoryLog, session: str) -> set[str]:
    rows = [
        row for row in log.documents.values() if row.parent == f"rooms/{session}" and row.collection == "participants"
    ]
    return {str(body(row)["id"]) for row in rows}


def test_without_any_fact_there_is_no_session() -> None:
    """Nothing is made up."""
    rooms = house(named(STARTED, 1))
    assert rooms.derive(DURABLE) is None
    assert rooms.derive("livekit:S9") is None


def test_a_copy_changes_without_its_original() -> None:
    """A delivery that fails leaves nothing behind."""
    rooms = house(named(STARTED, 1))
    before = rooms.derive(SESSION)
    twin = rooms.copy()
    twin.absorb(joined("ann", 2), "k", "livekit")
    twin.absorb(somebody(JOINED, 3, "bob"), "k", "livekit")
    assert set(twin.derive(SESSION).people) == {"ann", "bob"}  # type: ignore[union-attr]
    assert rooms.derive(SESSION) == before


def test_a_nameless_fact_attaches_to_the_session_that_is_on() -> None:
    """Two sessions of one room, and a leave that comes when the second is on: it is still of the first."""
    facts = [named(STARTED, 1), somebody(JOINED, 2), somebody(LEFT, 5), named(STARTED, 10, room=SECOND)]
    for log in every_order(*facts):
        assert topics(log) == {f"rooms/{SESSION}", f"rooms/{SESSION}/participants/ann", f"rooms/{SECOND}"}
        person = shown(log, f"rooms/{SESSION}/participants/ann")
        assert (person["joined_at"], person["left_at"]) == (format_time(at(2)), format_time(at(5)))


def test_a_start_that_comes_late_moves_what_it_should_have_had() -> None:
    """The nameless session, which then never was, disappears."""
    log = folded(somebody(JOINED, 5))
    assert topics(log) == {f"rooms/{DURABLE}", f"rooms/{DURABLE}/participants/ann"}
    changes = log.commit([delivery(named(STARTED, 0))])
    assert topics(log) == {f"rooms/{SESSION}", f"rooms/{SESSION}/participants/ann"}
    assert changes.gone == {f"rooms/{DURABLE}", f"rooms/{DURABLE}/participants/ann"}
    assert shown(log, f"rooms/{SESSION}")["participant_count"] == 1


def test_a_start_that_comes_late_moves_only_what_came_after_it() -> None:
    """Who was in the room before is left alone."""
    log = folded(somebody(JOINED, 1, "ann"), somebody(JOINED, 5, "bob"), named(STARTED, 3))
    assert (people(log, DURABLE), people(log, SESSION)) == ({"ann"}, {"bob"})
    assert shown(log, f"rooms/{DURABLE}")["participant_count"] == 1


def test_an_earlier_start_of_the_same_session_moves_facts_too() -> None:
    """It was known by a track; when it began is told later."""
    facts = [named(Kind.TRACK_PUBLISHED, 5, TrackDetail(id="T1")), somebody(JOINED, 3), named(STARTED, 1)]
    for log in every_order(*facts):
        assert people(log, SESSION) == {"ann"}
        assert f"rooms/{DURABLE}" not in log.documents


def test_a_later_start_of_the_same_session_takes_facts_from_it() -> None:
    """A fact that was stamped before its start is no start; who was there at the time was so in another meeting."""
    facts = [named(Kind.TRACK_PUBLISHED, 0, TrackDetail(id="T1")), somebody(JOINED, 0), named(STARTED, 1)]
    for log in every_order(*facts):
        assert (people(log, SESSION), people(log, DURABLE)) == (set(), {"ann"})


def test_a_session_between_two_takes_its_part() -> None:
    """A session of which nothing was known turns out to have been on."""
    facts = [
        named(STARTED, 1),
        somebody(JOINED, 6),
        named(STARTED, 10, room="livekit:S3"),
        named(STARTED, 5, room=SECOND),
    ]
    for log in every_order(*facts):
        assert (people(log, SESSION), people(log, SECOND), people(log, "livekit:S3")) == (set(), {"ann"}, set())


def test_what_moves_is_told_in_both_places() -> None:
    """Who looks at either session sees it come or go, without asking."""
    viewers = {session: Viewer() for session in (SESSION, DURABLE)}
    log = folded(somebody(JOINED, 1, "ann"), somebody(JOINED, 5, "bob"), named(STARTED, 3))
    for session, viewer in viewers.items():
        viewer.see(event for event in log.events if event.topics[0] == f"rooms/{session}")
    assert set(viewers[SESSION].shown) == {f"rooms/{SESSION}", f"rooms/{SESSION}/participants/bob"}
    assert set(viewers[DURABLE].shown) == {f"rooms/{DURABLE}", f"rooms/{DURABLE}/participants/ann"}
    assert viewers[SESSION].shown[f"rooms/{SESSION}"]["participant_count"] == 1
    assert viewers[DURABLE].shown[f"rooms/{DURABLE}"]["participant_count"] == 1


def test_what_is_told_again_goes_to_the_durable_room_too() -> None:
    """It can be subscribed before any session exists."""
    log = folded(somebody(JOINED, 5), named(STARTED, 0))
    assert all(f"rooms/{DURABLE}" in event.topics for event in log.events)


def test_a_session_that_never_was_is_said_to_be_over() -> None:
    """Who shows it takes it away."""
    log = folded(somebody(JOINED, 5), named(STARTED, 0))
    last = [envelope(event) for event in log.events if event.topics[0] == f"rooms/{DURABLE}"][-1]
    room = last["data"]["room"]  # type: ignore[index]
    assert (last["type"], room["status"], room["end_reason"], room["participant_count"]) == (
        "room.ended",
        "ended",
        "moved",
        0,
    )


@pytest.mark.parametrize("kind", [Kind.RECORDING_STARTED, Kind.RECORDING_COMPLETED])
def test_a_recording_moves_with_its_session(kind: Kind) -> None:
    """It is found by its own id, and is not lost with the session it was first seen in."""
    facts = [nameless(kind, 5, CaptureDetail(id="EG1")), named(STARTED, 0)]
    for log in every_order(*facts):
        assert topics(log) == {f"rooms/{SESSION}", "recordings/livekit:EG1"}
        assert shown(log, "recordings/livekit:EG1")["room"] == SESSION
        assert log.documents["recordings/livekit:EG1"].parent == f"rooms/{SESSION}"


def test_a_recording_belongs_to_one_session_though_it_is_told_in_the_time_of_two() -> None:
    """It is complete only when it is uploaded, and the next meeting may have begun."""
    facts = [
        named(STARTED, 0),
        nameless(Kind.RECORDING_STARTED, 5, CaptureDetail(id="EG1")),
        named(STARTED, 10, room=SECOND),
        nameless(Kind.RECORDING_COMPLETED, 15, CaptureDetail(id="EG1", duration_ms=4000)),
    ]
    for log in every_order(*facts):
        recording = shown(log, "recordings/livekit:EG1")
        assert (recording["room"], recording["status"], recording["duration"]) == (SESSION, "completed", 4.0)
        assert recording["started_at"] == format_time(at(5))


def test_a_recording_of_which_one_payload_names_the_session_is_of_that() -> None:
    """Some payloads about it are brief."""
    facts = [
        named(STARTED, 0),
        named(Kind.RECORDING_STARTED, 5, CaptureDetail(id="EG1")),
        named(STARTED, 10, room=SECOND),
        nameless(Kind.RECORDING_COMPLETED, 15, CaptureDetail(id="EG1")),
    ]
    for log in every_order(*facts):
        recording = shown(log, "recordings/livekit:EG1")
        assert (recording["room"], recording["status"]) == (SESSION, "completed")


def test_a_stream_that_starts_again_is_of_the_session_that_is_on_then() -> None:
    """An ingress is made once and used for every meeting; its starts and stops are of different sessions."""
    facts = [
        named(STARTED, 0),
        nameless(Kind.STREAM_STARTED, 5, CaptureDetail(id="IN1")),
        named(ENDED, 8),
        named(STARTED, 10, room=SECOND),
    ]
    log = folded(*facts)
    changes = log.commit([delivery(nameless(Kind.STREAM_STARTED, 15, CaptureDetail(id="IN1")))])
    [event] = [event for event, _ in changes.events]
    assert event.topics[0] == f"rooms/{SECOND}"
    assert shown(log, f"rooms/{SECOND}")["last_active_at"] == format_time(at(15))


def test_a_nameless_end_that_is_told_again_in_other_words_adds_no_event() -> None:
    """A second channel may know more of the room, and tells of the same end."""
    log = folded(nameless(STARTED, 0), nameless(ENDED, 5, session=Session(project="p")))
    again = nameless(ENDED, 5, session=Session(project="p", started_at=at(0)))
    assert types(log.commit([delivery(again, key="z")])) == []


def test_a_nameless_completion_that_is_told_again_adds_no_event() -> None:
    """The same, of a recording: it was complete."""
    log = folded(
        nameless(Kind.RECORDING_COMPLETED, 5, CaptureDetail(id="EG1", size=7)),
        nameless(Kind.CHAT_MESSAGE, 9, ChatDetail(id="M1")),
    )
    again = nameless(Kind.RECORDING_COMPLETED, 6, CaptureDetail(id="EG1", size=7))
    assert types(log.commit([delivery(again)])) == []


def test_a_nameless_end_ends_the_session_that_was_on() -> None:
    """It names the room, and there was only one meeting in it."""
    facts = [named(STARTED, 0), joined("ann", 2), nameless(ENDED, 5, closing_reason="closed")]
    for log in every_order(*facts):
        assert shown(log, f"rooms/{SESSION}")["status"] == "ended"
        person = shown(log, f"rooms/{SESSION}/participants/ann")
        assert (person["active"], person["leave_reason"]) == (False, "closed")


def test_an_end_that_names_a_session_also_ends_the_nameless_one() -> None:
    """Who joined before the first word of the session was in that meeting."""
    facts = [somebody(JOINED, 1), named(STARTED, 3), named(ENDED, 8, closing_reason="closed")]
    for log in every_order(*facts):
        assert shown(log, f"rooms/{DURABLE}")["status"] == "ended"
        person = shown(log, f"rooms/{DURABLE}/participants/ann")
        assert (person["active"], person["left_at"], person["leave_reason"]) == (False, format_time(at(8)), "closed")


def test_whom_the_end_of_a_session_closed_in_the_nameless_one_is_told() -> None:
    """Their viewers follow another topic."""
    log = folded(somebody(JOINED, 1), named(STARTED, 3))
    changes = log.commit([delivery(named(ENDED, 8))])
    others = [envelope(event) for event, _ in changes.events if event.topics[0] == f"rooms/{DURABLE}"]
    [told_of] = others
    assert told_of["type"] == "room.ended"
    assert [one["active"] for one in told_of["data"]["participants"]] == [False]  # type: ignore[index]
    assert told_of["data"]["room"]["status"] == "ended"  # type: ignore[index]


def test_a_room_without_ids_meets_again_under_its_name() -> None:
    """Each meeting closes its own."""
    facts = [
        nameless(STARTED, 0),
        somebody(JOINED, 1, "ann"),
        nameless(ENDED, 5),
        nameless(STARTED, 10),
        somebody(JOINED, 11, "bob"),
    ]
    for log in every_order(*facts):
        room = shown(log, f"rooms/{DURABLE}")
        assert (room["status"], room["participant_count"], room["ended_at"]) == ("live", 1, None)
        assert not shown(log, f"rooms/{DURABLE}/participants/ann")["active"]


def test_each_meeting_of_a_room_without_ids_closes_with_its_own_reason() -> None:
    """The first ended by itself, the second was ended by somebody."""
    facts = [
        somebody(JOINED, 1, "ann"),
        nameless(ENDED, 5, closing_reason="idle"),
        somebody(JOINED, 6, "bob"),
        nameless(ENDED, 9, closing_reason="ended_by_host"),
    ]
    for log in every_order(*facts):
        reasons = [shown(log, f"rooms/{DURABLE}/participants/{who}")["leave_reason"] for who in ("ann", "bob")]
        assert reasons == ["idle", "ended_by_host"]


@pytest.mark.parametrize(
    "late",
    [
        somebody(LEFT, 9),
        nameless(Kind.RECORDING_COMPLETED, 9, CaptureDetail(id="EG1")),
        nameless(Kind.CHAT_MESSAGE, 9, ChatDetail(id="M1")),
    ],
    ids=("leave", "recording", "chat"),
)
def test_what_comes_late_does_not_revive_a_room_without_ids(late: Fact) -> None:
    """It would be live for ever, as nobody ends it again."""
    for log in every_order(nameless(STARTED, 0), somebody(JOINED, 1), nameless(ENDED, 5), late):
        room = shown(log, f"rooms/{DURABLE}")
        assert (room["status"], room["ended_at"]) == ("ended", format_time(at(5)))


def test_in_an_ended_room_without_ids_nobody_is_active() -> None:
    """Not even by a join that is only history."""
    for log in every_order(
        nameless(STARTED, 0), nameless(ENDED, 5), nameless(JOINED, 9, ParticipantDetail(id="ann"), replay=True)
    ):
        room, person = shown(log, f"rooms/{DURABLE}"), shown(log, f"rooms/{DURABLE}/participants/ann")
        assert person["active"] is (room["status"] == "live")
        assert room["participant_count"] == person["active"]


def test_a_fact_that_names_only_the_session_leaves_the_durable_room_in_place() -> None:
    """The session's nameless facts are still its own, and still counted."""
    facts = [named(STARTED, 0), somebody(JOINED, 5), named(Kind.TRACK_PUBLISHED, 6, TrackDetail(id="T1"), durable="")]
    for log in every_order(*facts):
        assert topics(log) == {f"rooms/{SESSION}", f"rooms/{SESSION}/participants/ann"}
        assert shown(log, f"rooms/{SESSION}")["participant_count"] == 1


def test_a_session_that_tells_its_durable_room_late_takes_what_is_its_own() -> None:
    """What was attached elsewhere moves, and is told in both places."""
    log = folded(named(STARTED, 0, durable=""), somebody(JOINED, 5))
    viewer = Viewer()
    assert people(log, DURABLE) == {"ann"}
    log.commit([delivery(joined("bob", 6))])
    viewer.see(log.events)
    assert topics(log) == {f"rooms/{SESSION}", *(f"rooms/{SESSION}/participants/{who}" for who in ("ann", "bob"))}
    assert set(viewer.shown) == topics(log)
    assert shown(log, f"rooms/{SESSION}")["participant_count"] == 2


def test_only_one_copy_of_a_nameless_fact_is_kept() -> None:
    """A second channel adds a key, not a fact."""
    fact = somebody(JOINED, 5)
    log = folded(fact)
    assert types(log.commit([delivery(fact, key="0")])) == []
    assert len([part for _, part in log.states if part.startswith("fact/")]) == 1


def test_sessions_of_other_durable_rooms_are_left_alone() -> None:
    """Two rooms of one source have nothing in common."""
    log = folded(somebody(JOINED, 5))
    changes = log.commit([delivery(named(STARTED, 0, room=SECOND, durable="lk@other"))])
    assert not changes.gone
    assert people(log, DURABLE) == {"ann"}
    assert [event.topics for event, _ in changes.events] == [(f"rooms/{SECOND}", "rooms/lk@other", "rooms")]


def test_a_late_start_tells_of_everything_it_brought_along() -> None:
    """People and recordings, in the events of the session that has them now."""
    log = folded(somebody(JOINED, 5), nameless(Kind.RECORDING_STARTED, 6, CaptureDetail(id="EG1")))
    changes = log.commit([delivery(named(STARTED, 0))])
    viewer = Viewer()
    viewer.see(event for event, _ in changes.events if event.topics[0] == f"rooms/{SESSION}")
    assert set(viewer.shown) == {f"rooms/{SESSION}", f"rooms/{SESSION}/participants/ann", "recordings/livekit:EG1"}


def test_who_leaves_twice_is_told_of_the_meeting_they_were_in() -> None:
    """An id that is in two sessions has a document in each."""
    log = folded(
        named(STARTED, 0), somebody(JOINED, 1), somebody(LEFT, 2), named(STARTED, 5, room=SECOND), somebody(JOINED, 6)
    )
    assert not shown(log, f"rooms/{SESSION}/participants/ann")["active"]
    assert shown(log, f"rooms/{SECOND}/participants/ann")["active"]
    assert told(log.events[-1])["participant"]["room"] == SECOND  # type: ignore[index]


def test_leaves_of_a_closed_session_do_not_reach_into_the_next() -> None:
    """The end was told of the first session only."""
    log = folded(named(STARTED, 0), joined("ann", 1), named(ENDED, 5), named(STARTED, 6, room=SECOND), left("ann", 7))
    assert shown(log, f"rooms/{SECOND}")["status"] == "live"
    assert shown(log, f"rooms/{SESSION}/participants/ann")["left_at"] == format_time(at(5))


def test_what_a_late_start_brought_along_is_stored_with_the_event_that_told_it() -> None:
    """The sequence of a document is that of the event that changed it, for viewers and for readers."""
    log, viewer = (
        folded(somebody(JOINED, 1, "ann"), somebody(JOINED, 1, "bob"), named(STARTED, 3), named(ENDED, 8)),
        Viewer(),
    )
    viewer.see(log.events)
    assert {topic: one["sequence"] for topic, one in viewer.shown.items()} == {
        topic: row.sequence for topic, row in log.documents.items()
    }


def cost(log: MemoryLog, *facts: Fact) -> int:
    """Return how many lines are run to fold facts: a measure of time that no other process disturbs."""
    deliveries = [delivery(fact) for fact in facts]
    run = 0

    def count(_frame: FrameType, _event: str, _argument: object) -> TraceFunction:
        nonlocal run
        run += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        log.commit(deliveries)
    finally:
        sys.settrace(before)
    return run


def room_of_many_sessions(count: int) -> MemoryLog:
    log = MemoryLog()
    log.commit([delivery(named(STARTED, 10 * number, room=f"livekit:S{number}")) for number in range(count)])
    log.commit(
        [delivery(nameless(Kind.STREAM_STARTED, 10 * number + 5, CaptureDetail(id="IN1"))) for number in range(count)]
    )
    return log


def test_a_room_that_met_often_costs_in_proportion() -> None:
    """A stream into a room names no session; a room that meets daily has hundreds of them."""
    fact = named(Kind.TRACK_PUBLISHED, 6, TrackDetail(id="T1"), room="livekit:S0")
    few, many = cost(room_of_many_sessions(10), fact), cost(room_of_many_sessions(160), fact)
    assert many <= 17 * few


def test_an_end_that_closes_many_costs_in_proportion() -> None:
    """Each of them is told once, and written once."""
    costs = []
    for count in (20, 160):
        log = MemoryLog()
        log.commit([delivery(somebody(JOINED, 1, f"PA{number}")) for number in range(count)])
        costs.append(cost(log, named(ENDED, 9, session=Session(started_at=at(3)))))
    assert costs[1] <= 10 * costs[0]
