"""A session: when it began and ended, who is counted, and what its numbers are made of."""

from functools import reduce
from itertools import permutations

import pytest

from hub.events import CaptureDetail, Fact, Kind, NoteDetail, ParticipantDetail, RoomDetail, Session, format_time
from hub.state.capture import Document
from hub.state.facts import NOTHING, Facts, merged
from hub.state.participant import Ends, Participant, participant, participant_facts
from hub.state.room import (
    Tally,
    announced_facts,
    began_at,
    decided_facts,
    own_end,
    room_document,
    room_facts,
    started_at,
    tally,
)

STARTED, ENDED, JOINED, LEFT = Kind.ROOM_STARTED, Kind.ROOM_ENDED, Kind.PARTICIPANT_JOINED, Kind.PARTICIPANT_LEFT
ROLES = frozenset({"speaker"})


def told(kind: Kind, second: float, key: str = "k", **fact: object) -> Facts:
    return room_facts(Fact(kind=kind, time=round(second * 1000), room="lk:S1", **fact), key, "livekit")


def somebody(who: str, *visits: tuple[int, int | None], ends: Ends | None = None, **detail: object) -> Participant:
    facts = NOTHING
    for start, end in visits:
        for kind, second in ((JOINED, start), (LEFT, end)):
            if second is not None:
                said = ParticipantDetail(id=who, **detail)
                stated = participant_facts(Fact(kind=kind, time=second * 1000, detail=said), said, "k")
                facts = merged(facts, stated)
    return participant(who, "lk:S1", facts, ends or Ends(), ROLES)


def shown(*facts: Facts, people: tuple[Participant, ...] = (), ends: Ends | None = None) -> Document:
    whole = reduce(merged, facts, NOTHING)
    named = {str(one.document["id"]): one for one in people}
    return room_document("lk:S1", whole, own_end(whole) if ends is None else ends, named, featured=False)


def test_a_room_begins_when_it_says_so_else_with_its_first_fact() -> None:
    """The start is told by its own event, or by any payload that knows it; both may be late."""
    start = told(STARTED, 5)
    assert shown(told(JOINED, 7), told(JOINED, 6))["started_at"] == format_time(6000)
    assert shown(told(JOINED, 3), start)["started_at"] == format_time(5000)
    assert shown(start, told(JOINED, 9, session=Session(started_at=4213)))["started_at"] == format_time(4213)
    assert began_at(NOTHING) is None


def test_the_first_end_that_is_told_is_final() -> None:
    """Not the first to arrive, the first to have happened."""
    facts = [told(STARTED, 1), told(ENDED, 9), told(ENDED, 5)]
    for order in permutations(facts):
        document = shown(*order)
        assert (document["status"], document["ended_at"]) == ("ended", format_time(5000))


@pytest.mark.parametrize("kind", [STARTED, JOINED, Kind.TRACK_PUBLISHED, Kind.RECORDING_COMPLETED])
def test_nothing_reopens_a_session(kind: Kind) -> None:
    """A session that is over stays over; who meets again has another one."""
    document = shown(told(STARTED, 1), told(ENDED, 5), told(kind, 9))
    assert (document["status"], document["ended_at"]) == ("ended", format_time(5000))


def test_a_start_that_comes_after_the_end_only_tells_the_start() -> None:
    """Webhooks overtake each other."""
    facts = [told(ENDED, 5), told(STARTED, 1)]
    for order in permutations(facts):
        document = shown(*order)
        assert (document["status"], document["started_at"]) == ("ended", format_time(1000))


def test_an_end_tells_why() -> None:
    """Where the provider says so."""
    facts = told(ENDED, 5, detail=NoteDetail(said=(("reason", "idle_timeout"),)), closing_reason="room_finished")
    assert shown(facts)["end_reason"] == "idle_timeout"
    assert shown(told(ENDED, 5))["end_reason"] is None
    assert own_end(facts).closing_reason == "room_finished"


def test_a_live_room_has_no_end() -> None:
    """Nor a reason for it."""
    document = shown(told(STARTED, 1))
    assert (document["status"], document["ended_at"], document["end_reason"]) == ("live", None, None)


def test_a_room_without_ids_lives_again_with_the_next_meeting() -> None:
    """Its end closed what came before it, and only that."""
    ends = Ends(times=(5000,), final=False)
    assert shown(told(STARTED, 1), told(ENDED, 5), ends=ends)["status"] == "ended"
    assert shown(told(STARTED, 1), told(ENDED, 5), told(STARTED, 9), ends=ends)["status"] == "live"


@pytest.mark.parametrize(
    "late",
    [
        told(LEFT, 9, detail=ParticipantDetail(id="PA1")),
        told(Kind.RECORDING_COMPLETED, 9, detail=CaptureDetail(id="EG1")),
        told(Kind.TRANSCRIPT_COMPLETED, 9),
        told(Kind.TRACK_UNPUBLISHED, 9),
    ],
    ids=("leave", "recording", "transcript", "track"),
)
def test_what_follows_an_end_does_not_revive_a_room_without_ids(late: Facts) -> None:
    """Leaves, recordings and transcripts come late by nature: they attach to the meeting that is over."""
    ends = Ends(times=(5000,), final=False)
    assert shown(told(STARTED, 1), told(ENDED, 5), late, ends=ends)["status"] == "ended"


def test_a_room_that_met_twice_is_told_why_it_ended_last() -> None:
    """`ended_at` and `end_reason` are of one and the same end."""
    facts = [
        told(ENDED, second, detail=NoteDetail(said=(("reason", reason),)))
        for second, reason in ((5, "idle"), (9, "kill"))
    ]
    document = shown(*facts, ends=Ends(times=(5000, 9000), final=False))
    assert (document["ended_at"], document["end_reason"]) == (format_time(9000), "kill")


def test_people_are_counted_and_nobody_else() -> None:
    """Recorders and agents sit in the room, and are no audience."""
    people = (
        somebody("a", (1, None), role="speaker"),
        somebody("b", (1, None), role="viewer"),
        somebody("c", (1, None), kind="sip"),
        somebody("d", (1, None), kind="agent", role="speaker"),
        somebody("e", (1, None), kind="recorder"),
        somebody("f", (1, 3), role="speaker"),
    )
    document = shown(told(STARTED, 1), people=people)
    counts = document["participant_count"], document["speaker_count"], document["listener_count"]
    assert counts == (3, 1, 2)


def test_the_last_sign_of_life_is_the_latest_event_that_is_no_replay() -> None:
    """History that is sent again does not make a room trend."""
    facts = [told(STARTED, 1), told(JOINED, 5), told(JOINED, 9, replay=True), told(JOINED, 3)]
    for order in permutations(facts):
        assert shown(*order)["last_active_at"] == format_time(5000)
    assert shown(told(STARTED, 1, replay=True))["last_active_at"] is None


def test_late_recordings_are_signs_of_life_of_an_ended_room() -> None:
    """They attach without reopening it."""
    document = shown(told(STARTED, 1), told(ENDED, 5), told(Kind.RECORDING_COMPLETED, 9))
    assert (document["status"], document["last_active_at"]) == ("ended", format_time(9000))


def test_what_the_payloads_say_of_the_room_merges() -> None:
    """Some know the name, some the id, none knows all."""
    facts = [
        told(STARTED, 1, durable="lk@daily", session=Session(name="daily", session_id="S1")),
        told(JOINED, 2, session=Session(project="p", room_id="R1")),
        told(JOINED, 3),
    ]
    for order in permutations(facts):
        document = shown(*order)
        named = [document[name] for name in ("durable_room", "name", "session_id", "room_id", "project", "provider")]
        assert named == ["lk@daily", "daily", "S1", "R1", "p", "livekit"]


def test_the_tally_sums_visits_of_people() -> None:
    """Exactly, in milliseconds: what is rounded is rounded once, at the end."""
    people = (somebody("a", (1, 4), (6, None)), somebody("b", (2, 3)), somebody("r", (1, 9), kind="recorder"))
    room = merged(told(STARTED, 1), told(JOINED, 9))
    expected = Tally(closed_ms=4000, open_since=(6000,), peak=2, started_at=1000, named_at=1000, active_at=9000)
    assert tally(room, own_end(room), people, own_end(room)) == expected


def test_the_tally_of_an_ended_room_has_nobody_open() -> None:
    """The end closed them."""
    ends = Ends(times=(5000,))
    room = merged(told(STARTED, 1), told(ENDED, 5))
    closed = tally(room, ends, [somebody("a", (2, None), ends=ends)], ends)
    assert closed == Tally(
        closed_ms=3000,
        peak=1,
        started_at=1000,
        named_at=1000,
        ended_at=5000,
        active_at=5000,
        closed_at=5000,
        own_end=(5000, ""),
    )


def test_totals_that_the_provider_reports_are_kept_as_last_told() -> None:
    """They come with the end, and may be corrected; a report without them takes none back."""
    facts = [
        told(STARTED, 1),
        told(ENDED, 9, session=Session(duration_ms=8000, participant_ms=0)),
        told(Kind.PROVIDER_EVENT, 10, session=Session(duration_ms=7000, peak=3)),
        told(Kind.PROVIDER_EVENT, 11, session=Session(name="daily")),
    ]
    for order in permutations(facts):
        room = reduce(merged, order, NOTHING)
        found = tally(room, own_end(room), (), own_end(room))
        assert (found.told_ms, found.told_present_ms, found.told_peak) == (7000, 0, 3)


def test_a_total_of_one_meeting_is_not_one_of_a_room_that_meets_again() -> None:
    """Its sessions have no ids: what was told of one is not true of all."""
    room = merged(told(STARTED, 1), told(ENDED, 9, session=Session(duration_ms=8000, participant_ms=5, peak=3)))
    found = tally(room, Ends(times=(9000,), final=False), (), Ends())
    assert (found.told_ms, found.told_present_ms, found.told_peak) == (None, None, None)


def test_a_reason_that_was_announced_is_shown_with_the_end_and_not_before() -> None:
    """100ms tells why in one webhook and that it ended in another; what the end itself says counts more."""
    announced = announced_facts(
        Fact(kind=Kind.PROVIDER_EVENT, time=4000, room="lk:S1", session=Session(end_reason="host ended it")), "k"
    )
    for order in permutations([told(STARTED, 1), announced]):
        assert shown(*order)["end_reason"] is None
    for order in permutations([told(STARTED, 1), announced, told(ENDED, 5)]):
        assert shown(*order)["end_reason"] == "host ended it"
    said = told(ENDED, 5, detail=NoteDetail(said=(("reason", "timeout"),)))
    for order in permutations([told(STARTED, 1), announced, said]):
        assert shown(*order)["end_reason"] == "timeout"


def test_an_announcement_is_no_sign_of_life() -> None:
    """Nothing happened yet; and one that gives no reason says nothing."""
    fact = Fact(kind=Kind.PROVIDER_EVENT, time=4000, room="lk:S1", durable="s@r", session=Session(end_reason="x"))
    facts = announced_facts(fact, "k")
    assert (facts.first, set(facts.latest)) == ({}, {"durable", "end_reason"})
    assert announced_facts(Fact(kind=Kind.PROVIDER_EVENT, time=4000, room="lk:S1"), "k") == NOTHING


def test_a_decision_is_no_sign_of_life_and_the_latest_counts() -> None:
    """Somebody at a desk did something, not somebody in the room."""
    decided = [
        decided_facts(Fact(kind=Kind.ROOM_UPDATED, time=second * 1000, room="lk:S1"), RoomDetail(featured=value), "k")
        for second, value in ((5, True), (6, False), (7, None))
    ]
    for order in permutations(decided):
        facts = reduce(merged, order, NOTHING)
        assert facts.told("featured") is False
        assert (facts.first, set(facts.latest)) == ({}, {"featured"})


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (JOINED, "live"),
        (LEFT, "live"),
        (Kind.TRACK_PUBLISHED, "live"),
        (Kind.CHAT_MESSAGE, "live"),
        (Kind.RECORDING_STARTED, "live"),
        (Kind.RECORDING_COMPLETED, "ended"),
        (Kind.TRANSCRIPT_COMPLETED, "ended"),
        (Kind.STREAM_STOPPED, "ended"),
        (Kind.PARTICIPANT_REJECTED, "ended"),
    ],
)
def test_what_comes_after_a_meeting_does_not_make_one_that_goes_on(kind: Kind, status: str) -> None:
    """Its beginning and its end were lost, or happened before the hub was there."""
    document = shown(told(kind, 3))
    assert (document["status"], document["ended_at"]) == (status, None if status == "live" else format_time(3000))
    assert shown(told(kind, 3), told(JOINED, 2))["status"] == "live"


def test_a_room_began_no_later_than_who_was_in_it() -> None:
    """Where the start was lost; a leave tells since when somebody was there."""
    room, people = told(LEFT, 9), (somebody("a", (2, 9)),)
    assert started_at(room, own_end(room), people) == 2000
    assert shown(room, people=people)["started_at"] == format_time(2000)
    begun = merged(room, told(STARTED, 3))
    assert started_at(begun, own_end(begun), people) == 3000


def test_a_reported_duration_tells_when_a_room_began_whose_start_was_lost() -> None:
    """A total that is spread over the session needs a session to be spread over."""
    room = told(ENDED, 60, session=Session(duration_ms=50_000))
    assert started_at(room, own_end(room), ()) == 10_000
    summed = tally(room, own_end(room), (), own_end(room))
    # Facts without a session are attached by when it was named, which no later word can change.
    assert (summed.started_at, summed.named_at) == (10_000, 60_000)


def observed(kind: Kind, second: float, **fact: object) -> Facts:
    return told(kind, second, observed=True, **fact)


def test_an_end_that_was_seen_counts_where_none_is_told() -> None:
    """It is an upper bound: of several the earliest."""
    gone = [observed(ENDED, second, session=Session(end_reason="not_listed")) for second in (9, 7)]
    room = shown(told(STARTED, 1), *gone)
    assert (room["status"], room["ended_at"], room["end_reason"]) == ("ended", format_time(7000), "not_listed")


@pytest.mark.parametrize("second", [3, 12])
def test_an_end_that_is_told_counts_alone(second: int) -> None:
    """Whether it was before what was seen, or after."""
    for order in permutations([told(STARTED, 1), observed(ENDED, 7), told(ENDED, second)]):
        assert shown(*order)["ended_at"] == format_time(second * 1000)


@pytest.mark.parametrize(
    "life", [told(JOINED, 8), told(LEFT, 8), observed(Kind.ROOM_UPDATED, 8), observed(Kind.PARTICIPANT_UPDATED, 8)]
)
def test_life_after_an_end_that_was_seen_refutes_it(life: Facts) -> None:
    """Whoever left later was there; so was what was listed later."""
    for order in permutations([told(STARTED, 1), observed(ENDED, 7), life]):
        assert shown(*order)["status"] == "live"


def test_what_comes_after_a_meeting_refutes_no_end_that_was_seen() -> None:
    """Recordings are uploaded when everybody is gone."""
    upload = told(Kind.RECORDING_COMPLETED, 8, detail=CaptureDetail(id="EG1"))
    assert shown(told(STARTED, 1), observed(ENDED, 7), upload)["status"] == "ended"


def test_what_was_seen_is_no_activity() -> None:
    """The hub's own questions must not make a quiet room trend."""
    room = shown(told(STARTED, 1), observed(Kind.ROOM_UPDATED, 8))
    assert room["last_active_at"] == format_time(1000)
