"""What a fact about a session changes, told as entries of the log and kept as documents."""

from itertools import permutations

import msgspec
import orjson
import pytest

from hub.events import (
    ChatDetail,
    Fact,
    JobDetail,
    Kind,
    NoteDetail,
    ParticipantDetail,
    RoomDetail,
    TrackDetail,
    format_time,
)
from hub.fold.compose import CLOSED_LIMIT
from hub.state.capture import Artifacts
from hub.state.participant import Presence
from hub.state.room import Tally
from hub.state.trending import trending_key
from tests.memory import MemoryLog
from tests.unit.hub.fold.telling import (
    DURABLE,
    SESSION,
    at,
    captured,
    delivery,
    envelope,
    folded,
    joined,
    left,
    named,
    shown,
    told,
    types,
)
from tests.unit.hub.fold.viewer import Viewer

STARTED, ENDED, UPDATED = Kind.ROOM_STARTED, Kind.ROOM_ENDED, Kind.PARTICIPANT_UPDATED
ROOM = f"rooms/{SESSION}"
ANN = f"{ROOM}/participants/ann"


def last(log: MemoryLog) -> dict[str, object]:
    return told(log.events[-1])


def end(second: float, reason: str = "room_finished") -> Fact:
    return named(ENDED, second, closing_reason=reason)


def presence(log: MemoryLog, topic: str = ANN) -> Presence:
    return msgspec.msgpack.decode(log.documents[topic].hidden, type=Presence)


def tally(log: MemoryLog) -> Tally:
    return msgspec.msgpack.decode(log.documents[ROOM].hidden, type=Tally)


def test_a_fact_about_a_session_is_told_to_it_and_to_its_durable_room() -> None:
    """Both can be subscribed."""
    log = folded(named(STARTED, 0), named(STARTED, 0, room="livekit:S4", durable=""))
    assert log.events[0].topics == (ROOM, f"rooms/{DURABLE}", "rooms")
    assert log.events[1].topics == ("rooms/livekit:S4", "rooms")


def test_every_event_of_a_room_holds_the_room() -> None:
    """Counts change with everything."""
    log = folded(named(STARTED, 0), joined("ann", 1), named(Kind.CHAT_MESSAGE, 2, ChatDetail(id="M1")), left("ann", 3))
    assert [told(event)["room"]["participant_count"] for event in log.events] == [0, 1, 1, 0]  # type: ignore[index]


def test_an_end_carries_those_whom_it_closed() -> None:
    """Nobody tells of them again."""
    log = folded(joined("ann", 1), joined("bob", 2), left("bob", 3), joined("eg", 1, kind="recorder"), end(9))
    closed = last(log)["participants"]
    assert {one["id"]: (one["active"], one["left_at"], one["leave_reason"]) for one in closed} == {  # type: ignore[attr-defined]
        who: (False, format_time(at(9)), "room_finished") for who in ("ann", "eg")
    }
    assert "more" not in last(log)


def test_an_end_of_an_empty_room_closes_nobody() -> None:
    """And says so."""
    assert last(folded(named(STARTED, 0), end(9)))["participants"] == []


def test_an_end_of_a_large_room_carries_only_some() -> None:
    """The rest is to be had by REST; all are closed."""
    log = MemoryLog()
    log.commit([delivery(joined(f"PA{number:04}", 1)) for number in range(CLOSED_LIMIT + 1)])
    log.commit([delivery(end(9))])
    assert len(last(log)["participants"]) <= CLOSED_LIMIT  # type: ignore[arg-type]
    assert last(log)["more"] is True
    assert shown(log, ROOM)["participant_count"] == 0
    assert not any(b'"active":true' in row.body for row in log.documents.values())


def test_an_end_that_comes_after_a_later_join_takes_that_back() -> None:
    """Who follows the events must not go on showing somebody in a room that is over."""
    log, viewer = folded(joined("ann", 12), end(10)), Viewer()
    viewer.see(log.events)
    assert not shown(log, ANN)["active"]
    assert not viewer.shown[ANN]["active"]


def test_an_earlier_end_closes_again_what_a_later_one_had_closed() -> None:
    """The first end is the one; whom it closed earlier is told again."""
    log, viewer = folded(joined("ann", 1), joined("bob", 6), left("bob", 7), end(10), end(5)), Viewer()
    viewer.see(log.events)
    assert viewer.shown[ANN]["left_at"] == format_time(at(5))
    assert viewer.shown[f"{ROOM}/participants/bob"]["joined_at"] is None
    assert viewer.shown[ROOM]["ended_at"] == format_time(at(5))


@pytest.mark.parametrize("again", [9, 10, 99])
def test_an_end_that_is_told_again_adds_no_event(again: float) -> None:
    """Also at a later time, and with another reason: it was over."""
    log = folded(joined("ann", 1), end(9))
    assert types(log.commit([delivery(end(again, "closed"), key="~")])) in ([], ["room.ended"] if again != 9 else [])
    assert shown(log, ROOM)["ended_at"] == format_time(at(9))


def test_an_end_that_only_moves_the_last_sign_of_life_tells_just_that() -> None:
    """Then the document changed, and who shows it must know; who was closed stays as told."""
    log = folded(joined("ann", 1), end(9))
    log.commit([delivery(end(99))])
    assert last(log)["room"]["last_active_at"] == format_time(at(99))  # type: ignore[index]
    assert last(log)["participants"] == []


@pytest.mark.parametrize("fact", [joined("bob", 12), joined("bob", 9.5), named(STARTED, 10)])
def test_nothing_reopens_a_session_that_is_over(fact: Fact) -> None:
    """It is in the log, and changes no count."""
    log = folded(joined("ann", 1), end(9))
    changes = log.commit([delivery(fact)])
    assert len(changes.events) == 1
    room = shown(log, ROOM)
    assert (room["status"], room["participant_count"], room["ended_at"]) == ("ended", 0, format_time(at(9)))


def test_a_join_before_the_end_that_comes_after_it_is_closed_at_once() -> None:
    """It was there, and is gone."""
    log = folded(end(9), joined("ann", 1))
    person = shown(log, ANN)
    assert (person["active"], person["joined_at"], person["left_at"]) == (False, format_time(at(1)), format_time(at(9)))
    assert person["leave_reason"] == "room_finished"
    assert presence(log) == Presence(((at(1), at(9), "room_finished"),))


def test_a_recording_attaches_to_an_ended_room() -> None:
    """It is complete only when it is uploaded."""
    log = folded(named(STARTED, 0), end(9), captured(Kind.RECORDING_COMPLETED, 17, size=7))
    assert shown(log, ROOM)["status"] == "ended"
    assert shown(log, "recordings/livekit:EG1")["status"] == "completed"
    assert last(log)["recording"]["size"] == 7  # type: ignore[index]


def test_a_completion_that_is_told_again_adds_no_event() -> None:
    """An egress with webhooks of its own tells everything twice."""
    log = folded(captured(Kind.RECORDING_COMPLETED, 9, size=7))
    assert types(log.commit([delivery(captured(Kind.RECORDING_COMPLETED, 9, size=7), key="~")])) == []
    assert types(log.commit([delivery(captured(Kind.RECORDING_COMPLETED, 9, size=8), key="~~")])) == [
        "recording.completed"
    ]


def test_a_stream_is_told_without_a_document_of_its_own() -> None:
    """There is nothing to download."""
    log = folded(captured(Kind.STREAM_STARTED, 1, "IN1"))
    assert last(log)["stream"]["status"] == "live"  # type: ignore[index]
    assert set(log.documents) == {ROOM}


def test_a_leave_tells_why() -> None:
    """In the event and in the document."""
    log = folded(joined("ann", 1), left("ann", 5, reason="client_initiated"))
    assert last(log)["reason"] == "client_initiated"
    assert shown(log, ANN)["leave_reason"] == "client_initiated"


def test_a_leave_of_nobody_counts_nobody_out() -> None:
    """Old servers send leaves of people who never got in; a counter would turn negative."""
    log = folded(left("ann", 5), left("ann", 6), left("bob", 7))
    room = shown(log, ROOM)
    assert (room["participant_count"], room["speaker_count"], room["listener_count"]) == (0, 0, 0)


def test_a_rejoin_counts_once() -> None:
    """The leave of the old visit comes after the join of the new one, with the same identity."""
    facts = [joined("PA1", 1, identity="ann"), joined("PA2", 5, identity="ann"), left("PA1", 6, 1, identity="ann")]
    for order in permutations(facts):
        log = folded(*order)
        assert shown(log, ROOM)["participant_count"] == 1
        assert shown(log, f"{ROOM}/participants/PA2")["active"]


def test_a_change_of_role_tells_the_role_before() -> None:
    """As the payload says, else as it was known."""
    log = folded(joined("ann", 1, role="viewer"), named(UPDATED, 2, ParticipantDetail(id="ann", role="speaker")))
    assert last(log)["previous_role"] == "viewer"
    assert shown(log, ROOM)["speaker_count"] == 1
    log.commit([delivery(named(UPDATED, 3, ParticipantDetail(id="ann", role="host", previous_role="guest")))])
    assert last(log)["previous_role"] == "guest"


def test_an_update_without_a_new_role_has_no_role_before() -> None:
    """Nothing changed."""
    log = folded(joined("ann", 1, role="viewer"), named(UPDATED, 2, ParticipantDetail(id="ann", role="viewer")))
    assert "previous_role" not in last(log)


def test_a_role_change_that_comes_late_changes_nothing_that_came_after_it() -> None:
    """By event time."""
    facts = [named(UPDATED, 2, ParticipantDetail(id="ann", role="speaker")), joined("ann", 1, role="viewer")]
    facts.append(named(UPDATED, 5, ParticipantDetail(id="ann", role="host")))
    assert {str(shown(folded(*order), ANN)["role"]) for order in permutations(facts)} == {"host"}


def test_a_track_is_told_with_its_owner() -> None:
    """Once, however often it comes."""
    track = named(Kind.TRACK_PUBLISHED, 2, TrackDetail(id="T1", participant="ann", type="audio"))
    log = folded(joined("ann", 1), track)
    assert last(log)["track"]["type"] == "audio"  # type: ignore[index]
    assert last(log)["participant"]["id"] == "ann"  # type: ignore[index]
    assert types(log.commit([delivery(track, key="~")])) == []


def test_a_track_of_somebody_unknown_is_told_alone() -> None:
    """Their join may still come; a track makes nobody present."""
    log = folded(named(Kind.TRACK_PUBLISHED, 2, TrackDetail(id="T1", participant="ann", identity="ann")))
    assert "participant" not in last(log)
    assert set(log.documents) == {ROOM}


def test_a_job_is_told() -> None:
    """Agents work in rooms."""
    log = folded(named(Kind.JOB_STARTED, 1, JobDetail(id="J1", agent="notes", status="running")))
    assert last(log)["job"] == {"id": "J1", "agent": "notes", "status": "running", "error": None}


def test_what_is_unknown_is_told_with_its_provider() -> None:
    """Verified, but not understood."""
    log = folded(named(Kind.PROVIDER_EVENT, 1, NoteDetail(id="x", said=(("event", "odd"),))))
    assert last(log)["note"] == {"id": "x", "provider": "livekit", "event": "odd"}


def test_a_chat_message_in_a_room_is_told() -> None:
    """With what was written."""
    log = folded(named(Kind.CHAT_MESSAGE, 1, ChatDetail(id="M1", sender="Ann", text="hello")))
    assert last(log)["message"] == {"id": "M1", "sender": "Ann", "text": "hello"}


def test_presence_that_changes_behind_an_unchanged_document_is_kept() -> None:
    """Somebody who is there again was away for longer than it had seemed: nothing is shown, but minutes are counted."""
    facts = [joined("ann", 1), left("ann", 3, 1), left("ann", 5, 1), joined("ann", 10)]
    tallies = {(presence(log), tally(log)) for log in (folded(*order) for order in permutations(facts))}
    assert {one for one, _ in tallies} == {Presence(((at(1), at(5), ""), (at(10), None, "")))}
    assert {room.closed_ms for _, room in tallies} == {4000}


def test_an_event_is_stamped_with_the_time_of_its_fact() -> None:
    """Not with that of its arrival."""
    log = folded(joined("ann", 1))
    assert envelope(log.events[0])["time"] == format_time(at(1))


def test_the_last_sign_of_life_is_what_rooms_are_sorted_by() -> None:
    """Replays are none."""
    log = folded(named(STARTED, 0), joined("ann", 5), named(Kind.TRACK_PUBLISHED, 9, TrackDetail(id="T"), replay=True))
    assert log.documents[ROOM].active_at == at(5)


@pytest.mark.parametrize(("earlier", "began"), [(None, 5), (2, 2)])
def test_a_recording_is_listed_by_when_it_was_first_heard_of(earlier: float | None, began: float) -> None:
    """Also when an earlier word of it, which changes nothing that is shown, comes late."""
    facts = [captured(Kind.RECORDING_UPDATED, 5)]
    facts += [] if earlier is None else [captured(Kind.RECORDING_UPDATED, earlier)]
    for order in permutations(facts):
        assert folded(*order).documents["recordings/livekit:EG1"].began_at == at(began)


def test_a_rooms_transcript_is_a_recording_of_another_sort() -> None:
    """It has files, a status, and a document of its own, though its provider may give it the recording's id."""
    log = folded(named(STARTED, 0), end(9), captured(Kind.RECORDING_COMPLETED, 12, "R1"))
    log.commit([delivery(captured(Kind.TRANSCRIPT_COMPLETED, 17, "R1", alias="metadata-1"))])
    assert last(log)["transcript"]["status"] == "completed"  # type: ignore[index]
    assert shown(log, "recordings/livekit:R1")["ended_at"] == format_time(at(12))
    row = log.documents["recordings/livekit:transcript:R1"]
    assert (row.collection, row.parent, row.status, row.name) == (
        *("recordings", ROOM, "completed", "livekit:metadata-1"),
    )


def test_links_are_kept_beside_the_document_and_never_told() -> None:
    """A fresh link alone changes nothing that is shown; it is written all the same."""
    first = captured(Kind.RECORDING_COMPLETED, 9, links=(("mp4", "https://old/?sig=1"),))
    again = captured(Kind.RECORDING_COMPLETED, 10, links=(("mp4", "https://new/?sig=2"),))
    for order in permutations([first, again]):
        log = folded(*order)
        row = log.documents["recordings/livekit:EG1"]
        assert msgspec.msgpack.decode(row.hidden, type=Artifacts).links == {"mp4": "https://new/?sig=2"}
        assert not any(b"https" in event.body for event in log.events)
        assert b"https" not in row.body


def test_a_rooms_row_is_sorted_by_who_is_there_and_when_something_happened() -> None:
    """Trending: two listeners, a speaker, and nobody any more."""
    log = folded(joined("ann", 1), joined("bob", 2), joined("cy", 3, role="speaker"))
    assert log.documents[ROOM].trending == trending_key(5, at(3))
    log.commit([delivery(end(9))])
    assert log.documents[ROOM].trending == trending_key(0, at(9))


def featured(second: float, value: bool = True, **place: str) -> Fact:
    return Fact(
        kind=Kind.ROOM_UPDATED,
        time=at(second),
        detail=RoomDetail(featured=value),
        **{"durable": DURABLE, **place},
    )


def test_a_featured_room_features_the_session_that_goes_on() -> None:
    """Whatever came first; of what is over, the one that began last."""
    second = "livekit:S2"
    facts = [featured(-5), named(STARTED, 0), end(5), named(STARTED, 9, room=second)]
    for order in permutations(facts):
        log = folded(*order)
        assert [shown(log, topic)["featured"] for topic in (ROOM, f"rooms/{second}")] == [False, True]
        assert log.documents[f"rooms/{second}"].trending == trending_key(5, at(9))
    log.commit([delivery(named(ENDED, 12, room=second))])
    assert [shown(log, topic)["featured"] for topic in (ROOM, f"rooms/{second}")] == [False, True]


def test_a_next_session_takes_the_feature_and_both_are_told() -> None:
    """Who looks at the old one must not go on showing it as featured."""
    log, viewer = folded(featured(-5), named(STARTED, 0), end(5)), Viewer()
    viewer.see(log.events)
    assert viewer.shown[ROOM]["featured"] is True
    viewer.see(event for event, _ in log.commit([delivery(named(STARTED, 9, room="livekit:S2"))]).events)
    assert viewer.shown[ROOM]["featured"] is False
    assert viewer.shown["rooms/livekit:S2"]["featured"] is True


def test_featuring_is_told_once_and_only_where_there_is_a_session() -> None:
    """Before anybody met there is nothing to show; what is said twice was so."""
    log = MemoryLog()
    assert types(log.commit([delivery(featured(-5))])) == []
    log.commit([delivery(named(STARTED, 0))])
    assert types(log.commit([delivery(featured(1))])) == []
    assert types(log.commit([delivery(featured(2, value=False))])) == ["room.updated"]
    assert types(log.commit([delivery(featured(1.5))])) == []
    assert shown(log, ROOM)["featured"] is False


def test_a_session_of_no_durable_room_is_featured_itself() -> None:
    """There is nothing else that could be."""
    log = folded(named(STARTED, 0, durable=""), featured(1, durable="", room=SESSION))
    assert shown(log, ROOM)["featured"] is True
    assert shown(log, ROOM)["last_active_at"] == format_time(at(0))


def test_what_an_event_tells_again_is_stored_with_its_sequence() -> None:
    """Who reads a recording finds what who followed the events has."""
    log = folded(
        captured(Kind.RECORDING_STARTED, 1), captured(Kind.RECORDING_STOPPED, 5), captured(Kind.RECORDING_PAUSED, 3)
    )
    last = envelope(log.events[-1])
    stored = orjson.loads(log.documents["recordings/livekit:EG1"].body)
    assert last["data"]["recording"]["sequence"] == stored["sequence"] == log.head
