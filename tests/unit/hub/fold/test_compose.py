"""Entries of the log: CloudEvents with the resulting documents, never larger than they may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.events import (
    NAME_LIMIT,
    BotDetail,
    CaptureDetail,
    ChatDetail,
    Event,
    Fact,
    Kind,
    NoteDetail,
    Segment,
    Session,
    TranscriptDetail,
    escape_id,
)
from hub.fold.compose import EVENT_LIMIT, Entry, compose
from tests.memory import MemoryLog
from tests.searching import search
from tests.unit.hub.fold.telling import (
    BOT,
    DURABLE,
    RECEIVED,
    SESSION,
    at,
    captured,
    delivery,
    envelope,
    folded,
    joined,
    named,
    of_bot,
    shown,
    told,
)

WIDE = "\U0001f600"  # four bytes
QUOTED = "\x01"  # six bytes as JSON


def size(event: Event) -> int:
    return len(event.json("0" * 16))


def entry(data: dict[str, object], subject: str = f"rooms/{SESSION}", also: tuple[str, ...] = ()) -> Entry:
    return Entry(Kind.ROOM_STARTED, subject, also, named(Kind.ROOM_STARTED, 2), data)


def test_an_event_is_a_cloudevent() -> None:
    """Any library for them can read it."""
    event = compose(entry({"room": {"id": SESSION}}), delivery(provider_type="room_started"), 42)
    assert envelope(event) == {
        "specversion": "1.0",
        "id": "e.42",
        "source": "/sources/lk",
        "type": "room.started",
        "subject": f"rooms/{SESSION}",
        "time": "2026-03-10T12:00:02Z",
        "sequence": "0000000000000042",
        "receivedat": "2026-03-10T13:00:00Z",
        "providertype": "room_started",
        "data": {"room": {"id": SESSION, "sequence": 42}},
    }


def test_an_event_goes_to_its_subject_its_collection_and_the_durable_room() -> None:
    """Each of them once."""
    topics = compose(entry({}, also=(f"rooms/{DURABLE}", f"rooms/{DURABLE}")), delivery(), 1).topics
    assert topics == (f"rooms/{SESSION}", f"rooms/{DURABLE}", "rooms")
    assert compose(entry({}, subject="sources/lk"), delivery(), 1).topics == ("sources/lk", "sources")


def test_documents_in_an_event_hold_its_sequence() -> None:
    """Whoever has a later version keeps that."""
    data = {"room": {}, "bot": {}, "participant": {}, "recording": {}, "participants": [{}, {}], "note": {}}
    stamped = told(compose(entry(data), delivery(), 7))
    assert all(stamped[name] == {"sequence": 7} for name in ("room", "bot", "participant", "recording"))
    assert stamped["participants"] == [{"sequence": 7}] * 2
    assert stamped["note"] == {}


def test_composing_leaves_the_entry_as_it_is() -> None:
    """Its documents are shared with the rows that are written."""
    room: dict[str, object] = {"id": SESSION}
    compose(entry({"room": room}), delivery(), 7)
    assert room == {"id": SESSION}


@pytest.mark.parametrize("character", ["x", WIDE, QUOTED, '"'])
@pytest.mark.parametrize("count", [600, 5000])
def test_a_list_that_is_too_long_is_shortened_and_says_so(character: str, count: int) -> None:
    """The rest is to be had by REST."""
    people = [{"id": f"PA{number}", "name": character * NAME_LIMIT} for number in range(count)]
    event = compose(entry({"room": {"id": SESSION}, "participants": people}), delivery(), 1)
    data = told(event)
    assert size(event) <= EVENT_LIMIT
    assert data["more"] is True
    assert 0 < len(data["participants"]) < count
    assert data["room"] == {"id": SESSION, "sequence": 1}


@pytest.mark.parametrize("name", ["note", "message"])
def test_an_event_is_never_too_large_whatever_is_in_it(name: str) -> None:
    """A text that no list holds is left out."""
    event = compose(entry({name: {"text": "x" * 10**6}}), delivery(), 1)
    assert size(event) <= EVENT_LIMIT
    assert told(event)["more"] is True


def test_what_fits_is_not_shortened() -> None:
    """Up to the limit everything is carried."""
    people = [{"id": f"PA{number}", "name": "x" * 40} for number in range(500)]
    data = told(compose(entry({"participants": people}), delivery(), 1))
    assert len(data["participants"]) == 500
    assert "more" not in data


@given(length=st.integers(61 * 1024, 65 * 1024), kind=st.sampled_from(["x", WIDE, QUOTED]), count=st.integers(0, 256))
@search(300)
def test_the_envelope_counts_too(length: int, kind: str, count: int) -> None:
    """A provider's name of an event may be long, and of characters that JSON writes with six."""
    data = {"segments": [{"text": "x" * length}]}
    longest = f"rooms/{escape_id('x' * 500)}"
    event = compose(entry(data, subject=longest), delivery(provider_type=kind * count, source="s" * 64), 10**15)
    assert size(event) <= EVENT_LIMIT


def test_a_bot_whose_people_do_not_fit_says_so() -> None:
    """A viewer replaces what it has by what it gets: it must know that this is not all."""
    people = tuple(f"{number:04}" + WIDE * 200 for number in range(500))
    log = folded(of_bot(Kind.BOT_COMPLETED, 1, BotDetail(participants=people)))
    data = told(log.events[0])
    assert size(log.events[0]) <= EVENT_LIMIT
    assert len(shown(log, f"bots/{BOT}")["participants"]) == 500
    assert len(data["bot"]["participants"]) < 500
    assert data["more"] is True


LINE = "x" * 20_000


@pytest.mark.parametrize(
    "fact",
    [
        of_bot(
            Kind.TRANSCRIPT_UPDATED,
            1,
            TranscriptDetail(segments=tuple(Segment(id=f"{n}", text=LINE) for n in range(300))),
        ),
        of_bot(Kind.TRANSCRIPT_UPDATED, 1, TranscriptDetail(segments=(Segment(id="1", text=WIDE * 20_000),))),
        of_bot(Kind.CHAT_MESSAGE, 1, ChatDetail(id="M1", text=LINE * 5)),
        of_bot(Kind.BOT_FAILED, 1, BotDetail(name=LINE, participants=tuple(f"{n}{WIDE * 250}" for n in range(500)))),
        named(Kind.PROVIDER_EVENT, 1, NoteDetail(said=tuple((f"{n}", LINE) for n in range(9)))),
        named(Kind.ROOM_STARTED, 1, session=Session(name=LINE * 4)),
        captured(Kind.RECORDING_FAILED, 1, error=LINE * 4),
        joined("ann", 1, name=LINE * 4),
        Fact(kind=Kind.CALENDAR_CHANGED, time=at(1), detail=NoteDetail(said=(("x", LINE * 4),))),
    ],
    ids=lambda fact: str(fact.kind),
)
def test_no_fact_makes_an_event_too_large(fact: Fact) -> None:
    """However much a payload says, its event is told."""
    log = folded(fact)
    assert [envelope(event)["type"] for event in log.events] == [fact.kind]
    assert size(log.events[0]) <= EVENT_LIMIT


def test_no_event_and_no_document_holds_a_providers_link() -> None:
    """They are presigned: whoever has one has the file, without asking the hub."""
    links = (("video", "https://bucket.example/x?sig=secret"),)
    log = MemoryLog()
    capture = CaptureDetail(id="B1", links=links, links_expire_at=RECEIVED)
    log.commit([delivery(of_bot(Kind.RECORDING_COMPLETED, 1, capture), key="a")])
    log.commit([delivery(of_bot(Kind.TRANSCRIPT_COMPLETED, 1, TranscriptDetail(links=links)), key="b")])
    log.commit([delivery(captured(Kind.RECORDING_COMPLETED, 1, links=links), key="c")])
    log.commit([delivery(captured(Kind.STREAM_STOPPED, 1, links=links), key="d")])
    written = [event.body for event in log.events] + [row.body for row in log.documents.values()]
    assert len(log.events) == 4
    assert not any(b"bucket" in one or b"secret" in one for one in written)
