"""How state is kept in parts, and what a batch asks for before it is folded."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    RoomDetail,
    ScheduleDetail,
    Segment,
    Session,
    TrackDetail,
    TranscriptDetail,
)
from hub.fold.parts import (
    PooledFact,
    bot_parts,
    decode_facts,
    decode_pooled,
    decode_segment,
    digest,
    encode,
    entity_of,
    item_part,
    needs_of,
    pooled_part,
    provider_of,
    room_parts,
    segment_parts,
)
from hub.ports import Depth
from hub.state.facts import Cell, Facts
from tests.searching import search
from tests.unit.hub.fold import stories
from tests.unit.hub.fold.telling import BOT, DURABLE, SESSION, at, captured, delivery, joined, named, nameless, of_bot

SEARCH = search(200)
FACTS = st.one_of(stories.room_facts((stories.NAMED, stories.NAMELESS, stories.SID)), stories.bot_facts)


@given(fact=FACTS)
@SEARCH
def test_a_part_is_read_as_it_was_written(fact: Fact) -> None:
    """What is folded on from the store must be what was folded before it."""
    parts = bot_parts(fact, "k") if fact.bot else room_parts(fact, "k", "livekit")
    for part in parts.values():
        assert decode_facts(encode(part)) == part
    pooled = PooledFact(fact, "k", "livekit")
    assert decode_pooled(encode(pooled)) == pooled
    for stored in segment_parts(fact, "k").values():
        assert decode_segment(encode(stored)) == stored


def test_the_names_of_facts_are_those_of_releases_before() -> None:
    """A store holds facts by them: told again after an update, they are still the same."""
    assert digest(Fact(kind=Kind.ROOM_STARTED, time=1, durable="lk@daily")) == "e4ac16144e3c1046bf3fd4f36cf6fd64"


def test_equal_parts_are_equal_bytes() -> None:
    """Whatever order their facts came in: stores are compared byte by byte."""
    cells = {"seen": Cell(1, "k"), "join/1": Cell(1, "k")}
    assert encode(Facts(first=cells)) == encode(Facts(first=dict(reversed(cells.items()))))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(TrackDetail(id="T1"), TrackDetail(id="T1", name="x"), True, id="a track by its id"),
        pytest.param(TrackDetail(id="T1"), TrackDetail(id="T2"), False, id="another track"),
        pytest.param(JobDetail(id="J1"), JobDetail(id="J1", status="running"), True, id="a job by its id"),
        pytest.param(ChatDetail(id="M1", text="a"), ChatDetail(id="M1", text="b"), True, id="a message by its id"),
        pytest.param(ChatDetail(id="", text="a"), ChatDetail(id="", text="b"), False, id="without one by what it says"),
        pytest.param(NoteDetail(id="a"), NoteDetail(id="a"), True, id="a note by what it says"),
        pytest.param(NoteDetail(id="a"), NoteDetail(id="b"), False, id="another note"),
    ],
)
def test_what_has_no_document_is_recognised_when_it_comes_again(one: object, other: object, same: bool) -> None:
    """By a name under which the store keeps that it was there."""
    parts = [item_part(named(Kind.TRACK_PUBLISHED, 1, detail)) for detail in (one, other)]  # type: ignore[arg-type]
    assert None not in parts
    assert (parts[0] == parts[1]) is same


def test_a_track_that_is_published_again_is_another_item() -> None:
    """Somebody who shares their screen twice is seen to do so twice; a message is written once, whenever it is told."""
    track, message = TrackDetail(id="T1"), ChatDetail(id="M1")
    times = (1, 2)
    assert len({item_part(named(Kind.TRACK_PUBLISHED, second, track)) for second in times}) == 2
    assert len({item_part(named(Kind.CHAT_MESSAGE, second, message)) for second in times}) == 1


@pytest.mark.parametrize("detail", [None, ParticipantDetail(id="PA1"), BotDetail(), TranscriptDetail()])
def test_what_has_a_document_is_no_item(detail: object) -> None:
    """Its own facts show whether it is new."""
    assert item_part(named(Kind.PARTICIPANT_JOINED, 1, detail)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("identity", ["", "x" * 500, "ä/~%\x00", "~item/", "a\nb"])
def test_ids_cannot_break_out_of_the_name_of_their_part(identity: str) -> None:
    """They are the provider's, and may be anything."""
    part = item_part(named(Kind.TRACK_PUBLISHED, 1, TrackDetail(id=identity)))
    assert part is not None
    assert part.isascii()
    assert part.count("/") == 3
    [segment] = segment_parts(of_bot(Kind.TRANSCRIPT_UPDATED, 1, speech(identity)), "k")
    assert segment.startswith(f"~segment/{'0' * 16}/")
    assert segment.isascii()


@pytest.mark.parametrize("identity", ["", "x" * 500, "ä/~%\x00", "\ud800"])
@pytest.mark.parametrize("detail", [TrackDetail, JobDetail, ChatDetail, NoteDetail, CaptureDetail])
def test_no_id_makes_a_part_that_cannot_be_looked_up(detail: type, identity: str) -> None:
    """All deliveries of a batch are looked up at once: one that cannot be must not keep the others from it."""
    facts = [
        named(Kind.TRACK_PUBLISHED, 1, detail(id=identity)),
        Fact(kind=Kind.STREAM_STARTED, time=1, detail=detail(id=identity)),
    ]
    asked = needs_of((delivery(*facts, key="k"),))
    assert all(part.isascii() and len(part) < 400 for _, part in asked.items)


def speech(*ids: str, whole: bool = False) -> TranscriptDetail:
    return TranscriptDetail(whole=whole, segments=tuple(Segment(id=one) for one in ids))


def test_a_whole_transcript_is_a_generation_of_its_own() -> None:
    """It replaces the one before it; live segments merge in the first."""
    live = segment_parts(of_bot(Kind.TRANSCRIPT_UPDATED, 1, speech("1", "2")), "k")
    whole = segment_parts(of_bot(Kind.TRANSCRIPT_COMPLETED, 2, speech("1", whole=True)), "k")
    assert set(live) == {f"~segment/{0:016d}/1", f"~segment/{0:016d}/2"}
    assert set(whole) == {f"~segment/{at(2):016d}/1"}


def needs(*facts: Fact, key: str = "k") -> object:
    return needs_of((delivery(*facts, key=key),))


def test_a_batch_asks_whether_its_deliveries_are_known() -> None:
    """By scope and key, also of those that state nothing."""
    batch = (delivery(key="a"), delivery(key="b", scope="meetingbaas/"))
    assert needs_of(batch).keys == {("livekit/", "a"), ("meetingbaas/", "b")}


def test_a_batch_asks_for_the_entities_that_its_facts_are_about() -> None:
    """A fact that names session and durable room needs both: the durable room may hold facts that now move."""
    asked = needs(named(Kind.ROOM_STARTED, 1), of_bot(Kind.BOT_JOINED, 1, BotDetail()))
    assert asked.subjects == {f"rooms/{SESSION}", f"rooms/{DURABLE}", f"bots/{BOT}"}
    assert asked.durables == {(f"rooms/{DURABLE}", Depth.TOLD)}
    assert asked.homed == {(f"rooms/{SESSION}", f"rooms/{DURABLE}")}
    assert asked.counted == {f"bots/{BOT}"}


@pytest.mark.parametrize(
    ("fact", "depth"),
    [
        pytest.param(named(Kind.ROOM_STARTED, 1), Depth.TOLD, id="a session's own"),
        pytest.param(nameless(Kind.ROOM_STARTED, 1), Depth.SHARED, id="of no session"),
        pytest.param(nameless(Kind.SCHEDULE_CREATED, 1, ScheduleDetail(id="P")), Depth.SHARED, id="a plan"),
        pytest.param(nameless(Kind.ROOM_UPDATED, 1, RoomDetail(featured=True)), Depth.CURRENT, id="a decision"),
        pytest.param(named(Kind.ROOM_ERASED, 1), Depth.SHARED, id="an erased session"),
        pytest.param(nameless(Kind.ROOM_ERASED, 1), Depth.WHOLE, id="an erased durable room"),
    ],
)
def test_a_batch_asks_for_no_more_of_a_durable_room_than_its_facts_can_change(fact: Fact, depth: Depth) -> None:
    """Most rooms have had many sessions; to load them costs."""
    assert needs(fact).durables == {(f"rooms/{DURABLE}", depth)}


def test_a_batch_asks_for_the_sessions_around_everything_that_it_tells() -> None:
    """A start takes facts from the session before it, which may be known by another time than this fact's."""
    asked = needs(named(Kind.PARTICIPANT_JOINED, 5, ParticipantDetail(id="ann"), session=Session(started_at=at(1))))
    rooms = (f"rooms/{SESSION}", f"rooms/{DURABLE}")
    assert asked.times == {(room, at(second)) for room in rooms for second in (1, 5)}


def test_a_batch_asks_whose_its_recordings_are() -> None:
    """What is told of one recording is of one session, and the store knows of which."""
    assert needs(captured(Kind.RECORDING_STARTED, 1, "EG1")).captures == {"recordings/livekit:EG1"}
    assert needs(captured(Kind.TRANSCRIPT_STARTED, 1, "T1")).captures == {"recordings/livekit:transcript:T1"}


def test_a_batch_that_is_about_nothing_asks_for_nothing() -> None:
    """What is about the source alone has no entity."""
    asked = needs(Fact(kind=Kind.CALENDAR_CHANGED, time=at(1), detail=NoteDetail(id="C1")))
    assert (asked.subjects, asked.durables, asked.counted) == (frozenset(), frozenset(), frozenset())
    assert len(asked.items) == 1


def test_a_batch_asks_for_items_and_segments_by_name() -> None:
    """There may be thousands; none is loaded that is not told again."""
    facts = named(Kind.TRACK_PUBLISHED, 1, TrackDetail(id="T1")), of_bot(Kind.TRANSCRIPT_UPDATED, 1, speech("1"))
    assert needs(*facts).items == {
        (f"rooms/{SESSION}", f"~item/track.published/T1/{at(1)}"),
        (f"bots/{BOT}", f"~segment/{0:016d}/1"),
    }


def test_items_of_two_sources_are_kept_apart() -> None:
    """Two accounts may say the same at the same moment, and each has viewers of its own."""
    fact = Fact(kind=Kind.CALENDAR_CHANGED, time=at(1), detail=NoteDetail(id="C1"))
    batches = [needs_of((delivery(fact, source=source),)) for source in ("bots-eu", "bots-us")]
    assert batches[0].items.isdisjoint(batches[1].items)


@given(deliveries=stories.tellings(FACTS))
@SEARCH
def test_the_needs_of_a_batch_are_those_of_its_deliveries(deliveries: list[Delivery]) -> None:
    """Whatever batch a delivery is in, it finds what it needs."""
    whole, single = needs_of(tuple(deliveries)), [needs_of((one,)) for one in deliveries]
    for field in msgspec.structs.fields(type(whole)):
        assert getattr(whole, field.name) == frozenset().union(*(getattr(one, field.name) for one in single))


def test_a_fact_that_names_no_session_is_kept_by_what_it_says() -> None:
    """Said again in another delivery it is the same fact."""
    one, same, other = nameless(Kind.ROOM_STARTED, 1), nameless(Kind.ROOM_STARTED, 1), nameless(Kind.ROOM_STARTED, 2)
    assert pooled_part(one) == pooled_part(same) != pooled_part(other)
    assert pooled_part(one).startswith("fact/")


def test_recordings_and_streams_of_one_id_are_two_parts() -> None:
    """An egress that records is no stream."""
    recording, stream = captured(Kind.RECORDING_STARTED, 1), captured(Kind.STREAM_STARTED, 1)
    assert set(room_parts(recording, "k", "livekit")) == {"", "recording/EG1"}
    assert set(room_parts(stream, "k", "livekit")) == {"", "stream/EG1"}


def test_a_participant_is_a_part_of_its_session() -> None:
    """By the id of the visit, so that a rejoin is another part."""
    assert set(room_parts(joined("PA1", 1), "k", "livekit")) == {"", "participant/PA1"}


def test_the_provider_is_the_one_of_the_account() -> None:
    """Two paths of one provider share their rooms."""
    assert provider_of(delivery(scope="livekit/eu", source="lk-2")) == "livekit"


def test_items_are_kept_with_what_they_are_about() -> None:
    """They go when it goes."""
    assert entity_of(named(Kind.CHAT_MESSAGE, 1), delivery()) == f"rooms/{SESSION}"
    assert entity_of(nameless(Kind.CHAT_MESSAGE, 1), delivery()) == f"rooms/{DURABLE}"
    assert entity_of(of_bot(Kind.CHAT_MESSAGE, 1), delivery()) == f"bots/{BOT}"
    assert entity_of(Fact(kind=Kind.CHAT_MESSAGE, time=at(1)), delivery(source="bots")) == "sources/bots"
