"""Erasing: nothing that was known remains, what is told of it is that it is gone, and what is not meant stays."""

from hypothesis import given
from hypothesis import strategies as st

from hub.events import BotDetail, Delivery, Fact, Kind, ScheduleDetail, Segment, TrackDetail, TranscriptDetail
from hub.fold.parts import TOMBSTONE
from tests.memory import MemoryLog
from tests.unit.hub.fold import stories
from tests.unit.hub.fold.telling import (
    BOT,
    DURABLE,
    RECEIVED,
    SESSION,
    at,
    body,
    captured,
    delivery,
    envelope,
    folded,
    joined,
    named,
    nameless,
    of_bot,
    told,
)
from tests.unit.hub.fold.test_convergence import PLANNED, SEARCH, arriving, log_of

OTHER = "livekit:S2"


def erasure(*, room: str = "", durable: str = "", bot: str = "", key: str = "erased") -> Delivery:
    """Return the delivery that takes a session, a durable room or a bot away."""
    kind = Kind.BOT_ERASED if bot else Kind.ROOM_ERASED
    return delivery(Fact(kind=kind, time=RECEIVED, room=room, durable=durable, bot=bot), key=key)


def kept(log: MemoryLog) -> set[str]:
    """Return what state there is, by subject."""
    return {subject for subject, _ in log.states}


def test_a_session_goes_with_its_participants_and_recordings() -> None:
    """All of it is about the people in it."""
    log = folded(named(Kind.ROOM_STARTED, 0), joined("ann", 1), captured(Kind.RECORDING_COMPLETED, 2, links=()))
    changes = log.commit([erasure(room=SESSION, durable=DURABLE)])
    assert not log.documents
    assert not kept(log)
    assert changes.erased.topics == {f"rooms/{SESSION}"}
    (event,) = (event for event, _ in changes.events)
    assert envelope(event)["type"] == "room.erased"
    assert told(event)["room"] == {"id": SESSION, "durable_room": DURABLE, "erased": True, "sequence": event.sequence}
    assert f"rooms/{DURABLE}" in event.topics


def test_other_sessions_of_the_room_stay() -> None:
    """One meeting is erased, not the habit of meeting."""
    log = folded(joined("ann", 1), joined("bob", 2, room=OTHER))
    log.commit([erasure(room=SESSION, durable=DURABLE)])
    assert set(log.documents) == {f"rooms/{OTHER}", f"rooms/{OTHER}/participants/bob"}


def test_facts_that_named_no_session_go_with_the_session_that_they_turned_out_to_be_of() -> None:
    """What is attached to a session is about it, whatever the payload knew."""
    log = folded(
        named(Kind.ROOM_STARTED, 5),
        nameless(Kind.TRACK_PUBLISHED, 1, TrackDetail(id="T0", name="before")),
        nameless(Kind.TRACK_PUBLISHED, 6, TrackDetail(id="T1", name="during")),
    )
    changes = log.commit([erasure(room=SESSION, durable=DURABLE)])
    assert len(changes.erased.parts) == 1
    assert kept(log) == {f"rooms/{DURABLE}"}
    assert list(log.documents) == [f"rooms/{DURABLE}"]


def test_a_durable_room_goes_with_all_its_sessions_and_schedules() -> None:
    """Who is expected is personal too."""
    plan = ScheduleDetail(id="P1", starts_at=at(0), expected=(("ann", "Ann"),))
    log = folded(
        Fact(kind=Kind.SCHEDULE_CREATED, time=at(0), durable=DURABLE, detail=plan),
        joined("ann", 1),
        joined("bob", 2, room=OTHER),
        nameless(Kind.TRACK_PUBLISHED, 0.5, TrackDetail(id="T0")),
    )
    changes = log.commit([erasure(durable=DURABLE)])
    assert not log.documents
    assert not kept(log)
    told_of = {(envelope(event)["type"], event.topics[0]) for event, _ in changes.events}
    assert told_of == {
        ("room.erased", f"rooms/{SESSION}"),
        ("room.erased", f"rooms/{OTHER}"),
        ("room.erased", f"rooms/{DURABLE}"),
        ("schedule.erased", "schedules/P1"),
    }
    assert changes.erased.topics >= {"schedules/P1"}


def test_a_meeting_that_is_erased_is_no_longer_its_schedules() -> None:
    """The plan remains, and that nobody is known to have come."""
    plan = ScheduleDetail(id="P1", starts_at=at(0))
    log = folded(Fact(kind=Kind.SCHEDULE_CREATED, time=at(0), durable=DURABLE, detail=plan), joined("ann", 1))
    log.commit([erasure(room=SESSION, durable=DURABLE)])
    schedule = body(log.documents["schedules/P1"])
    assert (schedule["status"], schedule["sessions"]) == ("SCHEDULED", [])


def test_a_bot_goes_with_its_recording_and_its_transcript() -> None:
    """What was said is kept with the bot that heard it."""
    spoken = TranscriptDetail(segments=(Segment(id="1", speaker="Ann", text="hello"),))
    log = folded(of_bot(Kind.BOT_JOINED, 1, BotDetail(name="Ann's bot")), of_bot(Kind.TRANSCRIPT_UPDATED, 2, spoken))
    changes = log.commit([erasure(bot=BOT)])
    assert not log.documents
    # That it was erased is kept, so that it does not come back.
    assert [part for _, part in log.states] == [TOMBSTONE]
    (event,) = (event for event, _ in changes.events)
    assert told(event)["bot"] == {"id": BOT, "erased": True, "sequence": event.sequence}


def test_what_is_told_afterwards_is_taken_as_new() -> None:
    """A provider does not know of it; nothing of before comes back."""
    log = folded(joined("ann", 1))
    log.commit([erasure(room=SESSION, durable=DURABLE)])
    log.commit([delivery(joined("bob", 2))])
    assert set(log.documents) == {f"rooms/{SESSION}", f"rooms/{SESSION}/participants/bob"}
    assert body(log.documents[f"rooms/{SESSION}"])["participant_count"] == 1


@given(deliveries=PLANNED, data=st.data())
@SEARCH
def test_of_an_erased_room_nothing_remains(deliveries: list[Delivery], data: st.DataObject) -> None:
    """Whatever was told before, in whatever order: no state, no document, and the other room as it was."""
    log = log_of(arriving(data, deliveries))
    other = {topic: one for topic, one in log.documents.items() if "other" in one.durable or "S3" in one.parent}
    log.commit([erasure(durable=DURABLE)])
    gone = {f"rooms/{session}" for session, durable in stories.HOMES.items() if durable == DURABLE}
    gone |= {f"rooms/{DURABLE}"}
    assert not kept(log) & gone
    assert not [one for one in log.documents.values() if one.parent in gone or one.collection == "schedules"]
    assert {topic: log.documents.get(topic) for topic in other} == other
