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
from hub.ports import Depth, Document, Known, Query, Store
from tests.contracts.plain import SUBJECT, Folding, Opener, StoreRules, delivery, document, needs, write

ROOM, DURABLE, BOT = "rooms/livekit:RM_1", "rooms/livekit@standup", "bots/meetingbaas:b1"
SECOND, THIRD = "rooms/livekit:RM_2", "rooms/livekit:RM_3"
SIBLINGS = {ROOM: b"1", SECOND: b"2", THIRD: b"3"}


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

    async def test_a_durable_room_that_was_only_told_brings_no_other_session(self, store: Store, folding: Folding):
        """A room that meets daily must not cost more every day."""
        await _three_sessions(store, folding)
        asked = needs(
            subjects={DURABLE, ROOM}, durables={(DURABLE, Depth.TOLD)}, homed={(ROOM, DURABLE)}, times={(ROOM, 99)}
        )
        await write(store, folding, needs=asked)
        assert _loaded(folding) == ({(ROOM, "")}, {})

    @pytest.mark.parametrize("part", ["pool", "schedule/P1"])
    async def test_a_durable_room_with_state_of_its_own_tells_of_all_its_sessions(
        self, store: Store, folding: Folding, part: str
    ):
        """What is kept beside their documents is enough to know when they were."""
        await _three_sessions(store, folding, {(DURABLE, part): b"x"})
        await write(store, folding, needs=needs(subjects={DURABLE}, durables={(DURABLE, Depth.TOLD)}))
        assert _loaded(folding) == ({(DURABLE, part)}, {DURABLE: SIBLINGS})

    @pytest.mark.parametrize(("time", "found"), [(5, set()), (10, {ROOM}), (19, {ROOM}), (20, {SECOND}), (99, {THIRD})])
    async def test_a_time_brings_the_session_that_began_last_before_it(
        self, store: Store, folding: Folding, time: int, found: set[str]
    ):
        """A fact that names none belongs to it, and a start takes facts from it."""
        await _three_sessions(store, folding)
        asked = needs(durables={(DURABLE, Depth.SHARED)}, times={(DURABLE, time)})
        await write(store, folding, needs=asked)
        assert _loaded(folding) == ({(one, "") for one in found}, {DURABLE: SIBLINGS})

    async def test_sessions_of_the_batch_are_left_aside(self, store: Store, folding: Folding):
        """They may begin at another time now: what they lose goes to who began before them."""
        await _three_sessions(store, folding)
        asked = needs(
            subjects={THIRD}, durables={(DURABLE, Depth.SHARED)}, homed={(THIRD, DURABLE)}, times={(THIRD, 15)}
        )
        await write(store, folding, needs=asked)
        # Around 15, and around 30, when it began as far as the store knows.
        assert _loaded(folding)[0] == {(ROOM, ""), (SECOND, ""), (THIRD, "")}

    async def test_a_session_brings_the_durable_room_that_the_store_knows(self, store: Store, folding: Folding):
        """Some webhooks name only the session, and its facts move those of the durable room all the same."""
        await _three_sessions(store, folding, {(DURABLE, "pool"): b"x"})
        asked = needs(subjects={SECOND}, homed={(SECOND, ""), ("rooms/unknown", "")}, times={(SECOND, 99)})
        await write(store, folding, needs=asked)
        assert _loaded(folding) == (
            {(SECOND, ""), (THIRD, ""), (ROOM, ""), (DURABLE, "pool")},
            {DURABLE: SIBLINGS},
        )

    async def test_a_session_that_is_told_of_another_durable_room_brings_both(self, store: Store, folding: Folding):
        """It leaves facts behind in one, and takes some in the other."""
        other = document(
            "rooms/livekit:RM_9", collection="rooms", durable="rooms/livekit@other", began_at=12, hidden=b"9"
        )
        await _three_sessions(store, folding, {("rooms/livekit@other", "pool"): b"y", (other.topic, ""): b"9"}, other)
        asked = needs(
            subjects={SECOND, "rooms/livekit@other"},
            durables={("rooms/livekit@other", Depth.TOLD)},
            homed={(SECOND, "rooms/livekit@other")},
        )
        await write(store, folding, needs=asked)
        assert _loaded(folding) == (
            {(SECOND, ""), (other.topic, ""), ("rooms/livekit@other", "pool")},
            {"rooms/livekit@other": {other.topic: b"9"}},
        )

    async def test_the_current_sessions_come_where_something_was_decided(self, store: Store, folding: Folding):
        """What goes on, and what began last: one of them stands for the room."""
        await _three_sessions(store, folding)
        for asked in (
            needs(durables={(DURABLE, Depth.CURRENT)}),
            needs(subjects={DURABLE}, durables={(DURABLE, Depth.TOLD)}),
        ):
            await write(store, folding, needs=asked)
            assert {key for key in _loaded(folding)[0] if key[0] != DURABLE} == {(SECOND, ""), (THIRD, "")}
            await write(store, folding, states={(DURABLE, "own"): b"featured"})

    async def test_a_whole_durable_room_brings_every_session(self, store: Store, folding: Folding):
        """It is about to be erased."""
        await _three_sessions(store, folding)
        await write(store, folding, needs=needs(durables={(DURABLE, Depth.WHOLE)}))
        assert _loaded(folding)[0] == {(ROOM, ""), (SECOND, ""), (THIRD, "")}

    async def test_a_recording_brings_the_session_that_it_is_of(self, store: Store, folding: Folding):
        """What is told of one recording is of one session; that of a bot is no room's."""
        of_room = document("recordings/livekit:EG_1", parent=ROOM)
        of_bot = document("recordings/meetingbaas:b1", parent=BOT)
        await write(store, folding, documents=(of_room, of_bot), states={(ROOM, ""): b"1", (BOT, ""): b"b"})
        captures = {"recordings/livekit:EG_1", "recordings/meetingbaas:b1", "recordings/livekit:unknown"}
        await write(store, folding, needs=needs(captures=captures))
        assert _loaded(folding) == ({(ROOM, "")}, {})

    async def test_a_part_that_is_kept_elsewhere_is_gone_from_where_it_was(self, store: Store, folding: Folding):
        """A fact that names no session is kept with the session that it belongs to by now."""
        await write(store, folding, states={(ROOM, "fact/x"): b"x", (ROOM, "fact/y"): b"y"})
        await write(store, folding, states={(SECOND, "fact/x"): b"x"}, dropped=frozenset({(ROOM, "fact/x")}))
        await write(store, folding, needs=needs(subjects={ROOM, SECOND}))
        assert folding.loaded.states == {(SECOND, "fact/x"): b"x", (ROOM, "fact/y"): b"y"}

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


async def _three_sessions(
    store: Store, folding: Folding, states: dict[tuple[str, str], bytes] | None = None, *more: Document
) -> None:
    """Keep three sessions of a durable room, the second of which goes on."""
    began = {ROOM: 10, SECOND: 20, THIRD: 30}
    rooms = [
        document(topic, durable=DURABLE, began_at=time, hidden=SIBLINGS[topic], over=topic != SECOND)
        for topic, time in began.items()
    ]
    nameless = document(DURABLE, durable=DURABLE, began_at=1, over=True)
    parts = {(topic, ""): b"room" for topic in (*began, "rooms/x")}
    await write(store, folding, states=parts | (states or {}), documents=(*rooms, nameless, document("rooms/x"), *more))


def _loaded(folding: Folding) -> tuple[set[tuple[str, str]], dict[str, dict[str, bytes]]]:
    return set(folding.loaded.states), folding.loaded.siblings


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
