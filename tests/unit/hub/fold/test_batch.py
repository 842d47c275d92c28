"""A batch as a whole: what is new in it, what order it enters the log in, and that one delivery never harms another."""

from collections.abc import Callable

import msgspec
import pytest

from hub.events import (
    BotDetail,
    CaptureDetail,
    ChatDetail,
    Delivery,
    Fact,
    JobDetail,
    Kind,
    NoteDetail,
    ParticipantDetail,
    Session,
    TrackDetail,
    TranscriptDetail,
    Verdict,
)
from hub.fold import Batch, Rules
from hub.ports import Changes, Outcome, Status
from tests.memory import MemoryLog
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
    left,
    named,
    nameless,
    of_bot,
    shown,
    told,
    types,
)

MINUTE = 60_000
# Fits no store's integer, so that its part cannot be kept.
ABSURD = 10**30


def poison(key: str = "poison") -> Delivery:
    return delivery(joined("mallory", 1, name="M"), joined("mallory", 2, may_publish=ABSURD), key=key)


def test_sequences_are_gapless_across_batches() -> None:
    """A reader that has seen N knows by itself that N+2 means N+1 is missing."""
    log = MemoryLog()
    for start in range(0, 30, 10):
        log.commit([delivery(joined(f"PA{number}", number)) for number in range(start, start + 10)])
    assert [event.sequence for event in log.events] == list(range(1, 31))


def test_sequences_go_on_after_the_head() -> None:
    """Also when everything before it has been trimmed."""
    batch = Batch([delivery(joined("ann", 1))], Rules())
    log = MemoryLog()
    loaded = log.load(batch.needs)
    later = type(loaded)(41, 7, loaded.known, loaded.states, loaded.items, loaded.segments)
    changes = batch.fold(later)
    assert [event.sequence for event, _ in changes.events] == [42]
    assert [kept.id for kept in changes.deliveries] == [8]


def test_equal_batches_on_equal_stores_give_equal_changes() -> None:
    """Folding is pure: no clock, no chance, nothing kept between two batches."""
    batch = [delivery(joined("ann", 1)), delivery(left("ann", 5)), delivery(nameless(Kind.ROOM_STARTED, 0))]
    assert MemoryLog().commit(batch) == MemoryLog().commit(batch)


def test_every_delivery_gets_one_outcome_in_its_place() -> None:
    """Whoever waits for the third answer gets the third outcome."""
    one, two = delivery(joined("ann", 1), key="a"), delivery(verdict=Verdict.DEAD, reason="no event", key="b")
    changes = MemoryLog().commit([one, two, one, poison()])
    assert changes.outcomes[:3] == (
        Outcome(Status.ACCEPTED, 1, events=1),
        Outcome(Status.DEAD, 2, "no event"),
        Outcome(Status.DUPLICATE, 1, copies=1),
    )
    assert changes.outcomes[3].status is Status.DEAD
    assert [kept.id for kept in changes.deliveries] == [1, 2, 3]


def test_an_event_is_kept_with_the_delivery_it_came_of() -> None:
    """Whoever looks at an event can see the bytes."""
    changes = MemoryLog().commit([delivery(joined("ann", 1), left("ann", 2)), delivery(joined("bob", 3))])
    assert [delivery for _, delivery in changes.events] == [1, 1, 2]


@pytest.mark.parametrize("again_at", [0, 1, 10**12])
def test_an_equal_key_of_one_account_is_the_same_delivery_for_ever(again_at: int) -> None:
    """Where the provider gives an id, or the bytes hold a time, they can only be a repetition."""
    log = MemoryLog()
    first = log.commit([delivery(joined("ann", 1), key="a")])
    again = log.commit([delivery(joined("bob", 2), key="a", received_at=RECEIVED + again_at)])
    assert again.outcomes == (Outcome(Status.DUPLICATE, 1, copies=1),)
    assert again.copies == ((first.deliveries[0].id, RECEIVED + again_at),)
    assert not (again.events or again.deliveries or again.states or again.documents)
    assert log.copies == {1: 1}


def test_an_equal_key_of_another_account_is_another_delivery() -> None:
    """Two accounts may number alike, and both are believed."""
    log = MemoryLog()
    for scope in ("livekit/", "livekit/eu", "meetingbaas/"):
        assert log.commit([delivery(joined("ann", 1), key="a", scope=scope)]).outcomes[0].status is Status.ACCEPTED


@pytest.mark.parametrize(
    ("after", "status"),
    [(0, "duplicate"), (15 * MINUTE, "duplicate"), (15 * MINUTE + 1, "accepted"), (-15 * MINUTE, "duplicate")],
)
def test_bytes_without_a_time_are_one_delivery_within_the_window(after: int, status: str) -> None:
    """Later they are a new fact: the same person came again."""
    log = MemoryLog()
    for received_at in (RECEIVED, RECEIVED + after):
        fact = Fact(kind=Kind.CHAT_MESSAGE, time=received_at, room=SESSION, detail=ChatDetail(id="", text="hello"))
        last = log.commit([delivery(fact, key="bytes", received_at=received_at, window_ms=15 * MINUTE)])
    assert last.outcomes[0].status == status
    assert len(log.events) == (2 if status == "accepted" else 1)


def test_the_window_begins_anew_with_what_was_accepted() -> None:
    """A repetition after the second fact is a copy of that."""
    log = MemoryLog()
    statuses = []
    for minute in (0, 10, 20, 30, 40):
        one = delivery(joined("ann", minute), key="x", received_at=RECEIVED + minute * MINUTE, window_ms=15 * MINUTE)
        statuses.append(log.commit([one]).outcomes[0])
    assert statuses == [
        Outcome(Status.ACCEPTED, 1, events=1),
        Outcome(Status.DUPLICATE, 1, copies=1),
        Outcome(Status.ACCEPTED, 2, events=1),
        Outcome(Status.DUPLICATE, 2, copies=1),
        Outcome(Status.ACCEPTED, 3, events=1),
    ]


def test_a_copy_within_one_batch_is_a_duplicate() -> None:
    """A provider that retries too fast may have both in one commit."""
    one = delivery(joined("ann", 1), key="a")
    changes = MemoryLog().commit([one, one, one])
    assert [outcome.status for outcome in changes.outcomes] == ["accepted", "duplicate", "duplicate"]
    assert len(changes.events) == 1


def test_what_cannot_be_folded_is_dead_and_harms_nobody() -> None:
    """One bad row never fails its batch, and nothing of it is left behind."""
    good = [delivery(joined(f"PA{number:03}", number)) for number in range(255)]
    log, clean = MemoryLog(), MemoryLog()
    changes = log.commit([*good[:128], poison(), *good[128:]])
    clean.commit(good)
    statuses = [outcome.status for outcome in changes.outcomes]
    assert statuses == [*["accepted"] * 128, "dead", *["accepted"] * 127]
    assert changes.outcomes[128].reason.startswith("folding failed")
    assert [event.sequence for event in log.events] == list(range(1, 256))
    assert {topic: body(row) for topic, row in log.documents.items()} == {
        topic: body(row) for topic, row in clean.documents.items()
    }
    assert log.states == clean.states
    assert not any("mallory" in topic for topic in log.documents)


POISONS = {
    "a text that is none": joined("mallory", 1, name="\ud800"),
    "an id that is none": joined("\ud800", 1),
    "a message without id": named(Kind.CHAT_MESSAGE, 1, ChatDetail(id="", text="\ud800")),
    "a note": named(Kind.PROVIDER_EVENT, 1, NoteDetail(said=(("x", "\ud800"),))),
    "a nameless fact": nameless(Kind.ROOM_STARTED, 1, session=Session(name="\ud800")),
    "a time no calendar has": Fact(kind=Kind.ROOM_STARTED, time=10**17, room=SESSION),
    "a start before all calendars": left("mallory", 1, duration_ms=10**16),
    "a number no store holds": captured(Kind.RECORDING_STARTED, 1, size=ABSURD),
    "a detail that does not fit its kind": of_bot(Kind.STREAM_STARTED, 1, CaptureDetail(id="S1")),
    "a capture of a kind that captures nothing": named(Kind.ROOM_STARTED, 1, CaptureDetail(id="S1")),
}


@pytest.mark.parametrize("fact", POISONS.values(), ids=POISONS)
def test_whatever_is_in_a_fact_the_others_are_folded(fact: Fact) -> None:
    """Providers' modules are careful; the fold does not rely on it."""
    before, after = joined("ann", 1), joined("bob", 2)
    log = MemoryLog()
    changes = log.commit([delivery(before), delivery(fact, key="poison"), delivery(after)])
    statuses = [outcome.status for outcome in changes.outcomes]
    assert (statuses[0], statuses[2]) == ("accepted", "accepted")
    assert shown(log, f"rooms/{SESSION}")["participant_count"] == 2
    # Nor does it wait in the state for the facts to come.
    assert log.commit([delivery(joined("cy", 3))]).outcomes[0].status is Status.ACCEPTED


def test_a_fact_does_not_poison_those_that_come_after_it() -> None:
    """What is only shown at the end must be fit to be shown when it is told."""
    log = MemoryLog()
    log.commit([delivery(of_bot(Kind.BOT_JOINING, 1, BotDetail(ended_at=10**17)))])
    later = log.commit([delivery(of_bot(Kind.BOT_LEFT, 2)), delivery(of_bot(Kind.BOT_COMPLETED, 3))])
    assert [outcome.status for outcome in later.outcomes] == ["accepted", "accepted"]
    assert shown(log, f"bots/{BOT}")["status"] == "completed"


def test_a_dead_delivery_that_comes_again_is_a_duplicate() -> None:
    """It can be folded again on purpose, not by chance."""
    log = MemoryLog()
    log.commit([poison()])
    assert log.commit([poison()]).outcomes == (Outcome(Status.DUPLICATE, 1, copies=1),)


def test_copies_are_counted_within_a_batch_and_across_batches() -> None:
    """Who watches sees which repetition this is."""
    log = MemoryLog()
    copies = [delivery(joined("ann", 1), key="a")] * 3
    outcomes = (*log.commit(copies).outcomes, *log.commit(copies).outcomes)
    assert [outcome.copies for outcome in outcomes] == [0, 1, 2, 3, 4, 5]


def test_a_dead_delivery_that_is_read_again_is_folded_in_its_own_place() -> None:
    """As if it had been understood when it came: its id and key, and the documents that all agree on."""
    log = MemoryLog()
    log.commit([delivery(verdict=Verdict.DEAD, reason="no event", key="a")])
    changes = log.commit([delivery(joined("ann", 1), key="a", redrive=1), delivery(joined("bob", 2), key="b")])
    assert changes.outcomes == (Outcome(Status.ACCEPTED, 1, events=1), Outcome(Status.ACCEPTED, 2, events=1))
    assert [kept.id for kept in changes.deliveries] == [2]
    assert [(kept.id, kept.status) for kept in changes.redriven] == [(1, Status.ACCEPTED)]
    assert [delivery for _, delivery in changes.events] == [1, 2]
    assert shown(log, f"rooms/{SESSION}")["participant_count"] == 2


def test_reading_again_twice_is_reading_again_once() -> None:
    """In one batch or in two: two people press the same button."""
    log = MemoryLog()
    log.commit([delivery(verdict=Verdict.DEAD, reason="no event", key="a")])
    again = delivery(joined("ann", 1), key="a", redrive=1)
    for _ in range(2):
        outcomes = log.commit([again, again]).outcomes
        assert outcomes[1] == Outcome(Status.DUPLICATE, 1)
    assert outcomes[0] == Outcome(Status.DUPLICATE, 1)
    assert len(log.events) == 1


def test_what_is_not_dead_or_not_there_is_not_read_again() -> None:
    """An accepted delivery has told what it had to tell."""
    log = MemoryLog()
    log.commit([delivery(joined("ann", 1), key="a")])
    changes = log.commit([delivery(joined("bob", 2), key="a", redrive=1), delivery(joined("bob", 2), redrive=99)])
    assert changes.outcomes == (Outcome(Status.DUPLICATE, 1), Outcome(Status.DUPLICATE, 99))
    assert not (changes.events or changes.deliveries or changes.redriven or changes.documents)


def test_poison_that_is_read_again_and_still_is_poison_stays_dead() -> None:
    """With the reason of today, and without any harm to what is in its batch."""
    log = MemoryLog()
    log.commit([poison("a")])
    changes = log.commit([msgspec.structs.replace(poison("a"), redrive=1), delivery(joined("ann", 1), key="b")])
    assert [outcome.status for outcome in changes.outcomes] == [Status.DEAD, Status.ACCEPTED]
    assert [(kept.id, kept.reason) for kept in changes.redriven] == [(1, "folding failed: OverflowError")]
    assert len(log.events) == 1


def test_a_delivery_that_states_nothing_is_accepted() -> None:
    """It is kept, and adds nothing to the log."""
    changes = MemoryLog().commit([delivery(key="a")])
    assert changes.outcomes == (Outcome(Status.ACCEPTED, 1),)
    assert changes.events == ()


def test_a_fact_that_was_told_by_another_delivery_adds_no_event() -> None:
    """Different bytes that mean the same: a second path, a resend with another id."""
    facts = [
        named(Kind.ROOM_STARTED, 1),
        joined("ann", 2),
        named(Kind.TRACK_PUBLISHED, 3, TrackDetail(id="T1")),
        captured(Kind.RECORDING_STARTED, 4),
        named(Kind.CHAT_MESSAGE, 5, ChatDetail(id="M1", text="hello")),
        named(Kind.JOB_STARTED, 5, JobDetail(id="J1")),
        left("ann", 6),
        named(Kind.ROOM_ENDED, 7, NoteDetail(said=(("reason", "idle"),))),
        nameless(Kind.ROOM_STARTED, 8),
        of_bot(Kind.BOT_JOINED, 1),
        of_bot(Kind.CHAT_MESSAGE, 2, ChatDetail(id="", text="hello")),
        of_bot(Kind.TRANSCRIPT_COMPLETED, 3, TranscriptDetail()),
        Fact(kind=Kind.CALENDAR_CHANGED, time=at(1), detail=NoteDetail(id="C1")),
    ]
    for fact in facts:
        log = folded(fact)
        assert types(log.commit([delivery(fact, key="z")])) == [], fact.kind
        assert types(log.commit([delivery(fact, key="0")])) == [], fact.kind


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(named(Kind.TRANSCRIPT_COMPLETED, 5, TranscriptDetail()), id="a transcript of a room"),
        pytest.param(named(Kind.TRANSCRIPT_FAILED, 5, TranscriptDetail(error="x")), id="a failed one"),
        pytest.param(named(Kind.TRANSCRIPT_STARTED, 5), id="one that begins"),
        pytest.param(named(Kind.TRACK_PUBLISHED, 5, TrackDetail(id="T1")), id="a track"),
        pytest.param(captured(Kind.STREAM_STARTED, 5), id="a stream"),
        pytest.param(joined("ann", 5), id="a join"),
        pytest.param(named(Kind.PARTICIPANT_UPDATED, 5, ParticipantDetail(id="ann")), id="a role"),
        pytest.param(named(Kind.PROVIDER_EVENT, 5, NoteDetail(id="x")), id="something unknown"),
    ],
)
def test_a_fact_of_a_room_adds_an_event_however_late_it_comes(fact: Fact) -> None:
    """What happened is told once, also when later things have been told before it."""
    log = folded(named(Kind.ROOM_STARTED, 0), named(Kind.CHAT_MESSAGE, 9, ChatDetail(id="M1")))
    assert types(log.commit([delivery(fact)])) == [fact.kind]
    assert types(log.commit([delivery(fact, key="again")])) == []


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(of_bot(Kind.BOT_LEAVING, 5), id="leaving, without a reason"),
        pytest.param(of_bot(Kind.BOT_QUEUED, 5), id="a lower status"),
        pytest.param(of_bot(Kind.TRANSCRIPT_STARTED, 5, TranscriptDetail()), id="a transcript"),
        pytest.param(of_bot(Kind.RECORDING_PAUSED, 5, CaptureDetail(id="B1")), id="a pause"),
        pytest.param(of_bot(Kind.PROVIDER_EVENT, 5, NoteDetail(id="x")), id="something unknown"),
    ],
)
def test_a_fact_of_a_bot_adds_an_event_however_late_it_comes(fact: Fact) -> None:
    """It does not change the status, and it did happen."""
    log = folded(of_bot(Kind.BOT_JOINED, 0), of_bot(Kind.BOT_LEFT, 9))
    assert types(log.commit([delivery(fact)])) == [fact.kind]
    assert types(log.commit([delivery(fact, key="again")])) == []


@pytest.mark.parametrize(
    ("end", "other"),
    [
        pytest.param(of_bot(Kind.BOT_COMPLETED, 2), of_bot(Kind.BOT_FAILED, 3), id="a bot"),
        pytest.param(
            of_bot(Kind.TRANSCRIPT_COMPLETED, 2, TranscriptDetail()),
            of_bot(Kind.TRANSCRIPT_FAILED, 3, TranscriptDetail()),
            id="a transcript",
        ),
        pytest.param(captured(Kind.RECORDING_COMPLETED, 2), captured(Kind.RECORDING_FAILED, 2), id="a recording"),
    ],
)
def test_the_end_that_does_not_win_is_told_too(end: Fact, other: Fact) -> None:
    """It changes no document; that it was said is new all the same, and once."""
    log = folded(end)
    assert types(log.commit([delivery(other)])) == [other.kind]
    assert types(log.commit([delivery(other, key="again")])) == []


@pytest.mark.parametrize("of", [captured, lambda kind, second, name: of_bot(kind, second, CaptureDetail(id=name))])
def test_the_end_of_one_recording_is_not_that_of_another(of: Callable[..., Fact]) -> None:
    """Two egresses of one room end each for itself."""
    log = folded(of(Kind.RECORDING_FAILED, 2, "EG1"), of(Kind.RECORDING_COMPLETED, 3, "EG2"))
    assert types(log.commit([delivery(of(Kind.RECORDING_FAILED, 3, "EG2"))])) == ["recording.failed"]


@pytest.mark.parametrize(
    ("fact", "kept"),
    [
        pytest.param(
            Fact(kind=Kind.CALENDAR_CHANGED, time=at(1), detail=NoteDetail(id="C1", said=(("change", "created"),))),
            {"note": {"id": "C1", "change": "created"}},
            id="a calendar",
        ),
        pytest.param(
            Fact(kind=Kind.PROVIDER_EVENT, time=at(1), detail=NoteDetail(said=(("event", "odd"),)), skewed=True),
            {"note": {"id": None, "event": "odd"}, "skewed": True},
            id="something unknown",
        ),
    ],
)
def test_what_is_neither_bot_nor_room_is_an_event_of_its_source(fact: Fact, kept: dict[str, object]) -> None:
    """Its topic is the source, by name."""
    log = MemoryLog()
    log.commit([delivery(fact, source="bots")])
    [event] = log.events
    assert event.topics == ("sources/bots", "sources")
    assert envelope(event)["subject"] == "sources/bots"
    assert told(event) == kept
    assert not log.documents


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(Fact(kind=Kind.RECORDING_COMPLETED, time=at(1), detail=CaptureDetail(id="EG1")), id="web egress"),
        pytest.param(Fact(kind=Kind.STREAM_STARTED, time=at(1), detail=CaptureDetail(id="IN1")), id="ingress"),
        pytest.param(Fact(kind=Kind.JOB_STARTED, time=at(1), detail=JobDetail(id="J1", agent="notes")), id="job"),
    ],
)
def test_what_happens_in_no_room_is_not_lost(fact: Fact) -> None:
    """Egresses of web pages, ingresses and jobs may be in no room; they are events of the source."""
    log = MemoryLog()
    changes = log.commit([delivery(fact, source="lk")])
    assert types(changes) == [fact.kind]
    assert log.events[0].topics == ("sources/lk", "sources")


def test_two_sources_may_say_the_same() -> None:
    """Each account has a log of its own in what it says, and viewers of its own."""
    fact = Fact(kind=Kind.CALENDAR_CHANGED, time=at(1), detail=NoteDetail(id="C1"))
    log = MemoryLog()
    for source in ("bots-eu", "bots-us", "bots-eu"):
        log.commit([delivery(fact, source=source, scope=f"meetingbaas/{source}")])
    assert [event.topics[0] for event in log.events] == ["sources/bots-eu", "sources/bots-us"]


def test_replays_and_wrong_clocks_are_flagged() -> None:
    """Nobody is to be woken up by history."""
    log = folded(
        named(Kind.ROOM_STARTED, 1, replay=True), named(Kind.TRACK_PUBLISHED, 2, TrackDetail(id="T"), skewed=True)
    )
    assert [set(told(event)) & {"replay", "skewed"} for event in log.events] == [{"replay"}, {"skewed"}]


def documents_in(event: object) -> dict[str, object]:
    data = told(event)  # type: ignore[arg-type]
    found = {f"{name}s/{data[name]['id']}": data[name] for name in ("bot", "room", "recording") if name in data}
    people = [*data.get("participants", ()), *([data["participant"]] if "participant" in data else ())]
    return found | {f"rooms/{one['room']}/participants/{one['id']}": one for one in people}


LIVES = [
    named(Kind.ROOM_STARTED, 0),
    joined("ann", 1, role="viewer"),
    named(Kind.TRACK_PUBLISHED, 2, TrackDetail(id="T1", participant="ann")),
    named(Kind.PARTICIPANT_UPDATED, 3, ParticipantDetail(id="ann", role="speaker")),
    joined("bob", 3),
    captured(Kind.RECORDING_STARTED, 4),
    left("ann", 5, 1),
    named(Kind.ROOM_ENDED, 6, closing_reason="closed"),
    captured(Kind.RECORDING_COMPLETED, 8, duration_ms=2000),
    of_bot(Kind.BOT_JOINED, 1),
    of_bot(Kind.RECORDING_STARTED, 2, CaptureDetail(id="B1")),
    of_bot(Kind.BOT_COMPLETED, 3),
]


@pytest.mark.parametrize("backwards", [False, True])
def test_an_event_holds_the_documents_as_they_are_stored(backwards: bool) -> None:
    """Viewers replace what they have by what they get."""
    log = MemoryLog()
    for fact in reversed(LIVES) if backwards else LIVES:
        changes = log.commit([delivery(fact)])
        for event, _ in changes.events:
            for topic, document in documents_in(event).items():
                stored = body(log.documents[topic])
                assert {name: value for name, value in document.items() if name != "sequence"} == stored


def test_a_document_in_an_event_has_the_sequence_that_changed_it() -> None:
    """An event may show what it did not change: the owner of a track."""
    log = folded(joined("ann", 1), named(Kind.TRACK_PUBLISHED, 2, TrackDetail(id="T1", participant="ann")))
    topic = f"rooms/{SESSION}/participants/ann"
    assert documents_in(log.events[-1])[topic]["sequence"] == log.documents[topic].sequence  # type: ignore[index]


def test_a_stored_document_knows_the_event_that_changed_it() -> None:
    """Whoever reads it can go on from there."""
    log = folded(*LIVES)
    for event in log.events:
        for topic in documents_in(event):
            assert log.documents[topic].sequence >= 1
    assert shown(log, f"bots/{BOT}")["status"] == "completed"
    assert log.documents[f"bots/{BOT}"].sequence == len(log.events)


def rows(log: MemoryLog) -> dict[str, object]:
    return {topic: (row.status, row.over, row.ended_at, row.began_at) for topic, row in log.documents.items()}


def test_what_a_document_is_found_by_follows_from_the_facts() -> None:
    """Lists and snapshots are made from these columns."""
    expected = rows(folded(*LIVES))
    for order in (LIVES[::-1], LIVES[3:] + LIVES[:3], LIVES[::2] + LIVES[1::2]):
        assert rows(folded(*order)) == expected
    assert expected[f"rooms/{SESSION}"] == ("ended", True, at(6), at(0))
    assert expected[f"bots/{BOT}"] == ("completed", True, at(3), at(1))
    assert expected[f"rooms/{SESSION}/participants/ann"][3] == at(1)  # type: ignore[index]


def test_a_row_of_every_collection_names_its_provider() -> None:
    """Lists can be asked for one provider's."""
    log = folded(*LIVES)
    found = {row.topic: row.provider for row in log.documents.values() if row.collection != "participants"}
    assert found == {
        f"rooms/{SESSION}": "livekit",
        "recordings/livekit:EG1": "livekit",
        f"bots/{BOT}": "meetingbaas",
        f"recordings/{BOT}": "meetingbaas",
    }


def test_speakers_are_those_of_the_configured_roles() -> None:
    """Rules are the configuration's."""
    log = MemoryLog(Rules(speaker_roles=frozenset({"chair"})))
    log.commit([delivery(joined("ann", 1, role="chair")), delivery(joined("bob", 1, role="speaker"))])
    room = shown(log, f"rooms/{SESSION}")
    assert (room["speaker_count"], room["listener_count"]) == (1, 1)


def test_a_session_that_tells_its_durable_room_late_is_found_by_it() -> None:
    """Before that nobody could have asked for it so."""
    log = folded(joined("ann", 1, durable=""))
    assert log.documents[f"rooms/{SESSION}"].durable == ""
    log.commit([delivery(joined("bob", 2))])
    assert log.documents[f"rooms/{SESSION}"].durable == f"rooms/{DURABLE}"
    assert log.events[-1].topics == (f"rooms/{SESSION}", f"rooms/{DURABLE}", "rooms")
    log.commit([delivery(joined("cy", 3, durable=""))])
    assert log.events[-1].topics == (f"rooms/{SESSION}", f"rooms/{DURABLE}", "rooms")
    assert shown(log, f"rooms/{SESSION}")["participant_count"] == 3


def test_an_announced_end_tells_the_durable_room_within_a_batch_as_it_does_before_it() -> None:
    """It is kept for the session's end, and with it whose session it is, also of what comes in the same moment."""
    note = NoteDetail(said=(("event", "room.end.success"),))
    facts = [named(Kind.PROVIDER_EVENT, 5, note, session=Session(end_reason="over")), joined("ann", 6, durable="")]
    one_by_one, together = folded(*facts), MemoryLog()
    changed_by(together, *facts)
    assert together.events == one_by_one.events
    assert together.documents == one_by_one.documents
    assert together.documents[f"rooms/{SESSION}"].durable == f"rooms/{DURABLE}"


def changed_by(log: MemoryLog, *facts: Fact) -> Changes:
    return log.commit([delivery(fact) for fact in facts])


def test_only_what_changed_is_written() -> None:
    """What a webhook costs does not grow with the room it is about."""
    log = folded(*(joined(f"PA{number}", number) for number in range(50)))
    changes = changed_by(log, left("PA7", 60))
    assert set(changes.documents) == {f"rooms/{SESSION}", f"rooms/{SESSION}/participants/PA7"}
    assert set(changes.states) == {(f"rooms/{SESSION}", ""), (f"rooms/{SESSION}", "participant/PA7")}
