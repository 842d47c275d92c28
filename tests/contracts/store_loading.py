"""Loading: a batch sees exactly what it asked for, as it is under the writer lock."""

import pytest

from hub.events import (
    BotDetail,
    ChatDetail,
    Delivery,
    Fact,
    Kind,
    ParticipantDetail,
    Segment,
    Session,
    TranscriptDetail,
)
from hub.fold import Batch, Rules
from hub.ports import Known, Query, Store
from tests.contracts.plain import SUBJECT, Folding, Opener, StoreRules, delivery, document, needs, write

ROOM, DURABLE, BOT = "rooms/livekit:RM_1", "rooms/livekit@standup", "bots/meetingbaas:b1"


class LoadingRules(StoreRules):
    """What `Loaded` holds."""

    async def test_head_and_last_delivery_are_those_of_the_log(self, store: Store, folding: Folding):
        """The next sequence and the next id are one more."""
        await store.commit([delivery("one", "rooms"), delivery("two", "rooms")])
        await write(store, folding)
        assert (folding.loaded.head, folding.loaded.last_delivery) == (2, 2)

    async def test_known_keys_come_with_their_delivery_and_time(self, store: Store, folding: Folding):
        """Whether an equal key means the same delivery depends on when it was last seen."""
        await store.commit([delivery("one", received_at=17)])
        asked = needs(keys={("plain/", "one"), ("plain/", "two"), ("other/", "one")})
        await write(store, folding, needs=asked)
        assert folding.loaded.known == {("plain/", "one"): Known(delivery=1, received_at=17)}

    async def test_subjects_come_with_all_parts_but_items_and_segments(self, store: Store, folding: Folding):
        """A room has few parts that are always needed, and any number of tracks, chat messages and segments."""
        parts = {"": b"room", "participant/a": b"a", "fact/x": b"x", "\x7f": b"after the tilde", "é": b"far after"}
        rest = {"~item/track/t": b"", "~segment/0000000000000000/s": b"s"}
        other = {(f"{ROOM}0", ""): b"other", ("rooms/livekit:RM_", ""): b"other"}
        await write(store, folding, states={(ROOM, part): body for part, body in (parts | rest).items()} | other)
        await write(store, folding, needs=needs(subjects={ROOM, "rooms/livekit:unknown"}))
        assert folding.loaded.states == {(ROOM, part): body for part, body in parts.items()}

    async def test_items_come_by_their_exact_keys(self, store: Store, folding: Folding):
        """An empty part is there all the same: that it is, is all it says."""
        states = {(ROOM, "~item/a"): b"", (ROOM, "~item/ab"): b"", (ROOM, ""): b"room"}
        await write(store, folding, states=states)
        await write(store, folding, needs=needs(items={(ROOM, "~item/a"), (ROOM, "~item/b"), (BOT, "~item/a")}))
        assert folding.loaded.items == {(ROOM, "~item/a"): b""}
        assert folding.loaded.states == {}

    async def test_segments_are_counted_by_generation(self, store: Store, folding: Folding):
        """A bot's document tells how many there are; reading them all to count would cost more with each."""
        counts = {f"{0:016d}": 3, f"{1_773_144_000_000:016d}": 2}
        states = {(BOT, f"~segment/{name}/{one}"): b"s" for name, count in counts.items() for one in range(count)}
        await write(store, folding, states=states | {(BOT, "~item/x"): b"", (f"{BOT}2", f"~segment/{0:016d}/x"): b""})
        await write(store, folding, needs=needs(counted={BOT, "bots/meetingbaas:unknown"}))
        counted = {bot: dict(found) for bot, found in folding.loaded.segments.items() if found}
        assert counted == {BOT: counts}

    async def test_a_nameless_fact_brings_every_session_of_its_durable_room(self, store: Store, folding: Folding):
        """Which session it belongs to follows from all of their starts."""
        await _two_sessions(store, folding, {})
        await write(store, folding, needs=needs(nameless={DURABLE}))
        assert folding.loaded.states == {(ROOM, ""): b"1", (f"{ROOM}2", ""): b"2", (f"{ROOM}2", "participant/a"): b"a"}

    async def test_a_durable_room_that_holds_facts_brings_every_session(self, store: Store, folding: Folding):
        """A start that arrives late moves facts from one session to another."""
        pooled = {(DURABLE, "fact/x"): b"x"}
        await _two_sessions(store, folding, pooled)
        await write(store, folding, needs=needs(subjects={ROOM, DURABLE}))
        assert folding.loaded.states == {
            **pooled,
            (ROOM, ""): b"1",
            (f"{ROOM}2", ""): b"2",
            (f"{ROOM}2", "participant/a"): b"a",
        }

    async def test_a_durable_room_without_facts_brings_no_other_session(self, store: Store, folding: Folding):
        """A room that meets daily must not cost more every day."""
        await _two_sessions(store, folding, {(DURABLE, ""): b"durable"})
        await write(store, folding, needs=needs(subjects={ROOM, DURABLE}))
        assert folding.loaded.states == {(DURABLE, ""): b"durable", (ROOM, ""): b"1"}

    async def test_a_session_told_without_its_durable_room_brings_what_that_room_holds(
        self, store: Store, folding: Folding
    ):
        """Some webhooks name only the session, and its facts move those of the durable room all the same."""
        pooled = {(DURABLE, "fact/x"): b"x"}
        await _two_sessions(store, folding, pooled)
        await write(store, folding, needs=needs(subjects={ROOM}, homed={ROOM, "rooms/x", "rooms/unknown"}))
        assert folding.loaded.states == {
            **pooled,
            (ROOM, ""): b"1",
            (f"{ROOM}2", ""): b"2",
            (f"{ROOM}2", "participant/a"): b"a",
        }

    async def test_a_state_is_replaced_by_its_next_version(self, store: Store, folding: Folding):
        """Merging happened in the fold, the store only keeps."""
        for body in (b"first", b"second"):
            await write(store, folding, states={(SUBJECT, "x"): body})
        await write(store, folding, needs=needs(items={(SUBJECT, "x")}))
        assert folding.loaded.items == {(SUBJECT, "x"): b"second"}

    @pytest.mark.parametrize("size", [1, 3])
    async def test_how_deliveries_were_batched_leaves_no_trace(self, open_store: Opener, size: int):
        """Whatever the fold needs of earlier batches is loaded: else what came in two batches would differ."""
        together, apart = await open_store(_fold), await open_store(_fold, "apart")
        meeting = _meeting()
        await together.commit(meeting)
        for first in range(0, len(meeting), size):
            await apart.commit(meeting[first : first + size])
        everything = frozenset({"*"})
        assert (await together.page(everything, 0, 100)).events == (await apart.page(everything, 0, 100)).events
        for collection in ("bots", "rooms", "participants", "recordings"):
            query = Query(collection=collection, limit=100)
            expected = (await together.read(query)).documents
            assert expected or collection == "recordings"
            assert (await apart.read(query)).documents == expected


async def _two_sessions(store: Store, folding: Folding, states: dict[tuple[str, str], bytes]) -> None:
    parts = {(ROOM, ""): b"1", (f"{ROOM}2", ""): b"2", (f"{ROOM}2", "participant/a"): b"a", ("rooms/x", ""): b"x"}
    rooms = (document(ROOM, durable=DURABLE), document(f"{ROOM}2", durable=DURABLE), document("rooms/x"))
    await write(store, folding, states=parts | states, documents=rooms)


def _fold(deliveries: list[Delivery]) -> Batch:
    return Batch(deliveries, Rules())


def _meeting() -> list[Delivery]:
    """Return a meeting in which much depends on what came before."""
    ann = ParticipantDetail(id="PA_1", name="Ann")
    later = Session(name="standup", session_id="RM_2", started_at=5_000)
    facts = [
        _in_room(Kind.ROOM_STARTED, 1_000, "RM_1"),
        _in_room(Kind.PARTICIPANT_JOINED, 1_100, "RM_1", detail=ann),
        # Names no session: belongs to the first, until it turns out that a second had begun.
        _in_room(Kind.PARTICIPANT_JOINED, 6_000, "", detail=ParticipantDetail(id="PA_2", name="Bob")),
        _in_room(Kind.PARTICIPANT_JOINED, 7_000, "RM_2", detail=ann, session=later),
        _in_room(Kind.CHAT_MESSAGE, 7_100, "RM_2", detail=ChatDetail(id="c", text="hello")),
        _in_room(Kind.CHAT_MESSAGE, 7_100, "RM_2", detail=ChatDetail(id="c", text="hello")),
        _without_home(Kind.PARTICIPANT_LEFT, 7_500, "RM_2", detail=ann),
        _in_room(Kind.ROOM_ENDED, 8_000, "RM_2"),
        _of_bot(Kind.BOT_JOINED, 1_000, BotDetail(name="Notes")),
        _of_bot(Kind.TRANSCRIPT_UPDATED, 2_000, _said("a", "b")),
        _of_bot(Kind.TRANSCRIPT_UPDATED, 2_000, _said("b", "c")),
        _of_bot(Kind.TRANSCRIPT_COMPLETED, 3_000, TranscriptDetail(whole=True, segments=_said("x").segments)),
        _of_bot(Kind.BOT_COMPLETED, 4_000, BotDetail()),
    ]
    return [
        Delivery(source="any", scope="any/", key=str(place), received_at=9_000, body=b"{}", facts=(fact,))
        for place, fact in enumerate(facts)
    ]


def _in_room(kind: Kind, time: int, room: str, **said: object) -> Fact:
    return Fact(kind=kind, time=time, room=f"livekit:{room}" if room else "", durable="livekit@standup", **said)


def _without_home(kind: Kind, time: int, room: str, **said: object) -> Fact:
    return Fact(kind=kind, time=time, room=f"livekit:{room}", **said)


def _of_bot(kind: Kind, time: int, detail: BotDetail | TranscriptDetail) -> Fact:
    return Fact(kind=kind, time=time, bot="meetingbaas:b1", detail=detail)


def _said(*names: str) -> TranscriptDetail:
    return TranscriptDetail(segments=tuple(Segment(id=name, text=name) for name in names))
