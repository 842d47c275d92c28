"""Snapshots: what topics hold at one position, in pages, read once for everybody who asks at about the same time."""

import asyncio
import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.errors import StorageUnavailable
from hub.events import Delivery, Fact, Kind, Position, ScheduleDetail, Segment, TranscriptDetail
from hub.fold import Batch, Rules
from hub.ports import Bus, Document, Store
from hub.present import Clockwork
from hub.snapshots import SEGMENTS, Pages, Snapshots
from hub.wire import Form, message
from storage.local import LocalBus
from storage.sqlite import SqliteStore
from tests.memory_bus import Air
from tests.memory_store import MemoryStore
from tests.unit.hub.browser import Block, read
from tests.unit.hub.fold.telling import BASE, BOT, DURABLE, SESSION, at, delivery, joined, left, named, of_bot
from tests.unit.hub.viewing import PATIENCE, Clock, turns

ROOMS, EVERYTHING = frozenset({"rooms"}), frozenset({"*"})
HOUR = 3600
SEGMENT_FIELDS = {"id", "bot", "speaker", "start", "end", "text", "final"}


def fold(deliveries: Sequence[Delivery]) -> Batch:
    return Batch(deliveries, Rules())


def planned(starts: float) -> Fact:
    plan = ScheduleDetail(id="P1", title="Daily", starts_at=at(starts), expected=(("ann", "Ann"),))
    return Fact(kind=Kind.SCHEDULE_CREATED, time=at(starts), durable=DURABLE, detail=plan)


def room(name: str, **fields: object) -> Document:
    topic = f"rooms/{name}"
    body = orjson.dumps({"id": name})
    return Document(**{"topic": topic, "collection": "rooms", "parent": topic, "body": body, **fields})


class Reading:
    """Snapshots of a store in memory, at a clock."""

    def __init__(self, page_size: int = 100, store: Store | None = None, bus: Bus | None = None) -> None:
        self.store = MemoryStore(fold)
        self.clock = Clock(BASE)
        self.snapshots = Snapshots(
            store or self.store, bus or LocalBus(), Clockwork(), self.clock, recent=HOUR, page_size=page_size
        )

    async def take(self, topics: frozenset[str] = ROOMS, at_least: int = 0) -> Pages:
        return await self.snapshots.take(topics, Position(epoch=self.store.kept.epoch, sequence=at_least))

    async def shown(self, *topics: str) -> dict[str, Any]:
        """Return what a viewer has when all pages are there."""
        return together(blocks(await self.take(frozenset(topics))))

    def begin(self, number: int, topics: frozenset[str] = ROOMS, at_least: int = 0) -> list[asyncio.Task[Pages]]:
        return [asyncio.create_task(self.take(topics, at_least)) for _ in range(number)]


def blocks(pages: Pages) -> list[Block]:
    return read(b"".join(pages.framed(Form.SSE_PLAIN))).blocks


def together(pages: list[Block]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for page in pages:
        for name, value in page.value.items():
            if isinstance(value, list):
                found.setdefault(name, []).extend(value)
    return found


class TestSharing:
    """Who gets the same one."""

    async def test_everybody_within_a_second_gets_the_same(self):
        """Five thousand viewers that come back at once must not be five thousand reads."""
        reading = Reading()
        first = await reading.take()
        reading.store.append("rooms")
        reading.clock.advance(1)
        assert await reading.take() is first
        assert len(reading.store.snapshots) == 1

    async def test_everybody_who_waits_for_a_read_gets_that_one(self):
        """A slow store is asked once, not ever more often."""
        reading = Reading()
        reading.store.reads.hold()
        waiting = reading.begin(50)
        await turns()
        reading.store.reads.release()
        assert len({id(pages) for pages in await asyncio.gather(*waiting)}) == 1
        assert len(reading.store.snapshots) == 1

    async def test_after_a_second_it_is_read_again(self):
        """What changed meanwhile would have to be sent after it."""
        reading = Reading()
        first = await reading.take()
        reading.store.append("rooms")
        reading.clock.advance(1.001)
        second = await reading.take()
        assert (first.sequence, second.sequence) == (0, 1)

    async def test_a_clock_that_is_set_back_keeps_nothing_alive(self):
        """It would be shared until the clock is where it was: for an hour, when it was an hour ahead."""
        reading = Reading()
        await reading.take()
        reading.store.append("rooms")
        reading.clock.advance(-HOUR)
        await reading.take()
        reading.clock.advance(2)
        assert (await reading.take()).sequence == 1

    async def test_other_topics_have_their_own(self):
        """What a token does not allow must not be in what it gets."""
        reading = Reading()
        reading.store.append("rooms", documents=(room("a"), room("b")))
        assert (await reading.shown("rooms/a"))["rooms"] == [{"id": "a"}]
        assert (await reading.shown("rooms/b"))["rooms"] == [{"id": "b"}]
        assert (await reading.shown("bots")) == {"bots": []}

    async def test_what_nobody_is_shown_any_more_is_not_kept(self):
        """Each may hold all rooms, and every page follows other topics beside them."""
        reading = Reading()
        for number in range(50):
            await reading.take(frozenset({"rooms", f"bots/{number}"}))
            reading.clock.advance(2)
        assert len(reading.snapshots._shared) == 1

    async def test_it_is_never_older_than_asked_for(self):
        """A viewer that has seen event 3 must not be shown the state at 2."""
        reading = Reading()
        for sequence in range(1, 6):
            await reading.take()
            reading.store.append("rooms")
            assert (await reading.take(at_least=sequence)).sequence == sequence
            assert (await reading.take()).sequence == sequence

    async def test_whoever_needs_a_newer_one_shares_that_too(self):
        """All viewers that fell behind in one burst are reset in the same moment."""
        reading = Reading()
        reading.store.answers.hold()
        waiting = reading.begin(50, at_least=1)
        await turns()
        reading.store.append("rooms")
        reading.store.answers.release()
        assert {pages.sequence for pages in await asyncio.gather(*waiting)} == {1}
        assert len(reading.store.snapshots) == 2

    async def test_only_so_many_are_remembered(self):
        """Each viewer may have topics of its own."""
        reading = Reading()
        first = await reading.take(frozenset({"rooms/0"}))
        for number in range(1, 1000):
            await reading.take(frozenset({f"rooms/{number}"}))
        assert await reading.take(frozenset({"rooms/0"})) is not first


class Others:
    """Several processes that read the same store, and share over a bus."""

    def __init__(self, number: int = 2) -> None:
        self.air = Air()
        self.store = MemoryStore(fold)
        self.readings = [self._reading() for _ in range(number)]

    def share(self, shared: bytes, topics: frozenset[str] = ROOMS) -> None:
        """Let another process have shared these bytes."""
        self.air.snapshots["epoch1", topics] = shared

    def _reading(self) -> Reading:
        bus = self.air.bus()
        bus.follow("epoch1")
        return Reading(store=self.store, bus=bus)


class TestSharingWithOthers:
    """Several processes, one store."""

    async def test_what_one_process_read_all_others_show(self):
        """After a deploy the viewers of all of them come back in the same second."""
        others = Others(3)
        others.store.append("rooms", documents=(room("a"),))
        first, *rest = [await reading.take() for reading in others.readings]
        assert rest == [first, first]
        assert len(others.store.snapshots) == 1

    async def test_one_that_is_new_enough_is_shown_to_who_has_seen_as_much(self):
        """Equal is enough: what follows comes after it."""
        others = Others()
        others.store.append("rooms")
        await others.readings[0].take()
        others.store.append("rooms")
        assert (await others.readings[1].take(at_least=1)).sequence == 1
        assert len(others.store.snapshots) == 1

    async def test_one_that_is_too_old_is_replaced_for_everybody(self):
        """Ids must not go back, and the next who needs a newer one shall find it."""
        others = Others(3)
        await others.readings[0].take()
        others.store.append("rooms")
        assert (await others.readings[1].take(at_least=1)).sequence == 1
        assert (await others.readings[2].take(at_least=1)).sequence == 1
        assert len(others.store.snapshots) == 2

    async def test_other_topics_are_another_one(self):
        """What a token does not allow must not be in what it gets."""
        others = Others()
        others.store.append("rooms", documents=(room("a"), room("b")))
        await others.readings[0].take(frozenset({"rooms/a"}))
        assert (await others.readings[1].shown("rooms/b"))["rooms"] == [{"id": "b"}]

    async def test_one_of_another_log_is_not_shown(self):
        """A process that had not heard of the new name yet may have put it there."""
        others = Others()
        others.share(msgspec.msgpack.encode(Pages("epoch0", 99, (message("snapshot", 1),))))
        assert (await others.readings[0].take()).epoch == "epoch1"

    @given(shared=st.binary(max_size=60) | st.builds(msgspec.msgpack.encode, st.lists(st.text() | st.integers(0, 99))))
    @example(shared=msgspec.msgpack.encode({"epoch": "epoch1", "sequence": 9}))
    @example(shared=msgspec.msgpack.encode({"epoch": "epoch1", "sequence": "9", "pages": []}))
    @example(shared=b"\x83\xa5epoch\xa1\xff\xa8sequence\x09\xa5pages\x90")
    async def test_what_is_no_snapshot_of_this_version_is_not_shown(self, shared: bytes):
        """During a deploy two versions share a bus, and nothing that comes from outside is to be trusted."""
        others = Others()
        others.store.append("rooms", documents=(room("a"),))
        others.share(shared)
        assert (await others.readings[0].shown("rooms"))["rooms"] == [{"id": "a"}]

    async def test_a_bus_that_is_away_leaves_the_store(self):
        """It is for speed only."""
        others = Others()
        others.air.problem = "away"
        assert [(await reading.take()).sequence for reading in others.readings] == [0, 0]
        assert len(others.store.snapshots) == 2


class TestForgetting:
    """Something was erased."""

    async def test_what_was_read_before_is_not_shown_again(self):
        """Neither what this process has, nor what another shared."""
        others = Others()
        for reading in others.readings:
            await reading.take()
        others.store.append("rooms")
        for reading in others.readings:
            reading.snapshots.forget(Position(epoch="epoch1", sequence=1))
        found = [await reading.take() for reading in others.readings]
        assert [pages.sequence for pages in found] == [1, 1]

    async def test_a_read_that_was_under_way_is_not_shown_either(self):
        """It was made before, whenever it arrives."""
        reading = Reading()
        reading.store.answers.hold()
        [waiting] = reading.begin(1)
        await turns()
        reading.store.append("rooms")
        reading.snapshots.forget(Position(epoch="epoch1", sequence=1))
        reading.store.answers.release()
        assert (await waiting).sequence == 1

    async def test_a_place_in_another_log_holds_nothing_back(self):
        """The log of now may never get so far."""
        reading = Reading()
        reading.snapshots.forget(Position(epoch="epoch0", sequence=99))
        async with asyncio.timeout(PATIENCE):
            assert (await reading.take()).sequence == 0


class TestRenamed:
    """The log has another name than the one who asks thinks."""

    async def test_one_of_the_log_of_now_is_returned_however_short_that_is(self):
        """A backup ends before what a viewer has seen; to wait for more would be for ever, and at full speed."""
        reading = Reading()
        for _ in range(9):
            reading.store.append("rooms")
        reading.store.reads.hold()
        [waiting] = reading.begin(1, at_least=9)
        await turns()
        reading.store.kept.events = reading.store.kept.events[:3]
        await reading.store.new_epoch("epoch2")
        reading.store.reads.release()
        await turns(100)
        is_done = waiting.done()
        waiting.cancel()
        assert is_done
        assert (waiting.result().epoch, waiting.result().sequence) == ("epoch2", 3)


class TestFailures:
    """The store is away."""

    async def test_a_failure_is_not_shared_with_those_who_come_later(self):
        """The store may be back in the next moment."""
        reading = Reading()
        reading.store.problem = "away"
        with pytest.raises(StorageUnavailable):
            await reading.take()
        reading.store.problem = ""
        assert (await reading.take()).sequence == 0

    async def test_everybody_who_waits_hears_of_it(self):
        """Nobody is left waiting."""
        reading = Reading()
        reading.store.reads.hold()
        waiting = reading.begin(5)
        await turns()
        reading.store.problem = "away"
        reading.store.reads.release()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(one) for one in found} == {StorageUnavailable}

    async def test_a_failure_that_nobody_waits_for_is_no_error_of_the_program(self):
        """All who asked may have left by then; the log must not cry wolf."""
        reading = Reading()
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
        reading.store.reads.hold()
        [waiting] = reading.begin(1)
        await turns()
        waiting.cancel()
        await turns()
        reading.store.problem = "away"
        reading.store.reads.release()
        await turns()
        del reading
        gc.collect()
        assert complaints == []

    async def test_a_viewer_that_leaves_takes_it_from_nobody(self):
        """The one that asked first may be gone before the answer."""
        reading = Reading()
        reading.store.reads.hold()
        first, second = reading.begin(2)
        await turns()
        first.cancel()
        await turns()
        reading.store.reads.release()
        assert (await second).sequence == 0
        assert first.cancelled()
        assert len(reading.store.snapshots) == 1


class TestPages:
    """How it is cut."""

    @given(rooms=st.integers(0, 12), bots=st.integers(0, 4), page_size=st.integers(1, 6))
    async def test_everything_is_in_exactly_one_page(self, rooms: int, bots: int, page_size: int):
        """The client puts pages together and swaps: what is in none is gone, what is in two is there twice."""
        reading = Reading(page_size)
        documents = [room(str(number)) for number in range(rooms)]
        documents += [room(str(number), topic=f"bots/{number}", collection="bots") for number in range(bots)]
        reading.store.append("rooms", documents=documents)
        pages = blocks(await reading.take(EVERYTHING))
        found = together(pages)
        assert [one["id"] for one in found["rooms"]] == [str(number) for number in range(rooms)]
        assert [one["id"] for one in found["bots"]] == [str(number) for number in range(bots)]
        sizes = [sum(len(value) for value in page.value.values() if isinstance(value, list)) for page in pages]
        assert all(size <= page_size for size in sizes)
        assert len(pages) == max(1, -(-(rooms + bots) // page_size))

    @given(rooms=st.integers(0, 9), page_size=st.integers(1, 4))
    async def test_only_the_last_page_is_complete_and_has_the_position(self, rooms: int, page_size: int):
        """A viewer that is cut off between pages must come back to where it was, not to a state that it has not got."""
        reading = Reading(page_size)
        reading.store.append("rooms", documents=[room(str(number)) for number in range(rooms)])
        pages = blocks(await reading.take())
        assert {page.name for page in pages} == {"snapshot"}
        assert [page.value["complete"] for page in pages] == [False] * (len(pages) - 1) + [True]
        assert [page.id for page in pages] == [None] * (len(pages) - 1) + ["epoch1.1"]

    @pytest.mark.parametrize(
        ("topics", "collections"),
        [
            ("*", {"bots", "rooms", "schedules"}),
            ("rooms", {"rooms"}),
            ("bots", {"bots"}),
            ("schedules", {"schedules"}),
            ("rooms/a", {"rooms", "participants", "recordings"}),
            ("rooms/src@a", {"rooms", "participants", "recordings"}),
            ("bots/a", {"bots", "recordings", "segments"}),
            ("rooms bots/a", {"rooms", "bots", "recordings", "segments"}),
            ("schedules/a", {"schedules", "rooms", "participants", "recordings"}),
        ],
    )
    async def test_the_first_page_names_every_collection(self, topics: str, collections: set[str]):
        """An empty list says that there is nothing; a list that is missing would leave what was shown before."""
        reading = Reading(page_size=1)
        reading.store.append("rooms", documents=[room("a", durable="rooms/src@a"), room("b")])
        first = blocks(await reading.take(frozenset(topics.split())))[0]
        assert {name for name, value in first.value.items() if isinstance(value, list)} == collections

    async def test_every_form_says_the_same(self):
        """A proxy that speaks HTTP/1.0 shows the same page as a browser."""
        reading = Reading(page_size=2)
        reading.store.append("rooms", documents=[room(str(number)) for number in range(5)])
        pages = await reading.take()
        plain, chunked = (read(b"".join(pages.framed(form)), form) for form in (Form.SSE_PLAIN, Form.SSE_CHUNKED))
        assert plain == chunked


class TestContents:
    """What is in it."""

    async def test_what_ended_within_the_last_hour_is_still_there(self):
        """Somebody who looks at a meeting that has just ended must see that it has."""
        reading = Reading()
        ends = {"just": BASE - 1, "within": BASE - HOUR * 1000, "before": BASE - HOUR * 1000 - 1}
        reading.store.append("rooms", documents=[room(name, over=True, ended_at=end) for name, end in ends.items()])
        assert [one["id"] for one in (await reading.shown("rooms"))["rooms"]] == ["just", "within"]

    async def test_a_room_that_must_have_ended_is_shown_only_to_who_asks_for_it(self):
        """Collections show what lives; its own page says that nothing was heard of it."""
        reading = Reading()
        await reading.store.commit([delivery(joined("p", 0), received_at=BASE)])
        reading.clock.advance(12 * HOUR + 1)
        assert (await reading.shown("rooms"))["rooms"] == []
        assert (await reading.shown("*"))["rooms"] == []
        for topic in (f"rooms/{SESSION}", f"rooms/{DURABLE}"):
            [found] = (await reading.shown(topic))["rooms"]
            assert (found["id"], found["stale"]) == (SESSION, True)

    async def test_numbers_are_those_of_the_moment(self):
        """A client goes on counting from there."""
        reading = Reading()
        await reading.store.commit([delivery(named(Kind.ROOM_STARTED, 0)), delivery(joined("p", 0))])
        reading.clock.advance(60)
        found = await reading.shown(f"rooms/{SESSION}")
        assert (found["rooms"][0]["duration"], found["participants"][0]["watch_duration"]) == (60, 60)

    async def test_nobody_watches_longer_than_the_room_can_have_lived(self):
        """A visit without an end counts to the room's last sign of life and twelve hours more, for its people too."""
        reading = Reading()
        facts = {joined("p", 0): 0, joined("q", 0): 0, left("q", 10): 10}
        told = [delivery(fact, received_at=BASE + second * 1000) for fact, second in facts.items()]
        await reading.store.commit(told)
        reading.clock.advance(1000 * HOUR)
        found = await reading.shown(f"rooms/{SESSION}")
        assert found["rooms"][0]["duration"] == 12 * HOUR + 10
        watched = {one["id"]: one["watch_duration"] for one in found["participants"]}
        assert watched == {"p": 12 * HOUR + 10, "q": 10}

    async def test_who_watches_on_two_devices_watches_once(self):
        """`watch_duration` is the user's, `duration` the device's own."""
        reading = Reading()
        facts = (joined("phone", 0, identity="ann"), joined("desk", 30, identity="ann"), left("phone", 60))
        await reading.store.commit([delivery(fact) for fact in facts])
        reading.clock.advance(90)
        found = (await reading.shown(f"rooms/{SESSION}"))["participants"]
        numbers = {one["id"]: (one["watch_duration"], one["duration"]) for one in found}
        assert numbers == {"phone": (90, 60), "desk": (90, 60)}

    async def test_a_schedule_is_shown_with_its_meeting_and_who_is_there(self):
        """Whoever watches the schedule needs no other topic; who is expected is for those who ask by REST."""
        reading = Reading()
        await reading.store.commit([delivery(planned(0)), delivery(named(Kind.ROOM_STARTED, 0))])
        await reading.store.commit([delivery(joined("ann", 10))])
        reading.clock.advance(70)
        found = await reading.shown("schedules/P1")
        assert [(one["id"], one["status"]) for one in found["schedules"]] == [("P1", "LIVE")]
        assert [one["id"] for one in found["rooms"]] == [SESSION]
        assert [(one["id"], one["watch_duration"]) for one in found["participants"]] == [("ann", 60)]
        assert "expected" not in found["schedules"][0]

    async def test_a_plan_that_nobody_came_to_is_shown_only_to_who_asks_for_it(self):
        """Collections show what is to come; a meeting may begin half a day late, and then it does not any more."""
        reading = Reading()
        await reading.store.commit([delivery(planned(0))])
        reading.clock.advance(12 * HOUR)
        assert len((await reading.shown("schedules"))["schedules"]) == 1
        reading.clock.advance(2)
        for topic in ("schedules", "*"):
            assert (await reading.shown(topic))["schedules"] == []
        assert [one["status"] for one in (await reading.shown("schedules/P1"))["schedules"]] == ["SCHEDULED"]


class TestSharingTheLoop:
    """Webhooks are answered while snapshots are made."""

    async def test_many_rooms_are_encoded_in_slices(self):
        """Two thousand of them take a tenth of a second, and viewers ask for them each second."""
        reading = Reading()
        rooms = (delivery(joined("p", 0, room=f"livekit:{place}", durable=f"lk@{place}")) for place in range(2000))
        await reading.store.commit(list(rooms))
        [waiting] = reading.begin(1)
        passed = 0
        while not waiting.done():
            await asyncio.sleep(0)
            passed += 1
        assert len(together(blocks(await waiting))["rooms"]) == 2000
        # More turns than waiting for the store takes.
        assert passed > 15


class TestSegments:
    """The latest speech of bots."""

    @staticmethod
    def spoken(number: int, bot: str = BOT) -> Delivery:
        segments = tuple(
            Segment(id=f"{place:04}", speaker="Ann", start=place / 2, end=place / 2 + 0.5, text=f"{bot} {place}")
            for place in range(number)
        )
        return delivery(of_bot(Kind.TRANSCRIPT_UPDATED, 1, TranscriptDetail(segments=segments), bot=bot))

    async def test_the_last_ones_are_there_in_order(self):
        """A transcript may be hours long; the whole of it is read by REST."""
        reading = Reading()
        await reading.store.commit([self.spoken(SEGMENTS + 30)])
        found = (await reading.shown(f"bots/{BOT}"))["segments"]
        assert [one["text"] for one in found] == [f"{BOT} {place}" for place in range(30, SEGMENTS + 30)]

    async def test_a_collection_has_none(self):
        """Whoever looks at all bots reads none of their meetings."""
        reading = Reading()
        await reading.store.commit([self.spoken(3)])
        assert "segments" not in await reading.shown("bots")

    async def test_each_says_whose_it_is_and_leaves_nothing_out(self):
        """A viewer of two bots must not put the words of one into the mouth of the other."""
        reading = Reading()
        bare = Segment(id="1")
        other = "meetingbaas:B2"
        detail = TranscriptDetail(segments=(bare,))
        await reading.store.commit([delivery(of_bot(Kind.TRANSCRIPT_UPDATED, 1, detail)), self.spoken(1, other)])
        found = (await reading.shown(f"bots/{BOT}", f"bots/{other}"))["segments"]
        assert [set(one) for one in found] == [SEGMENT_FIELDS] * 2
        assert {one["bot"] for one in found} == {BOT, other}

    async def test_every_bot_has_its_own_last_ones(self):
        """The one that speaks more must not push the other out."""
        reading = Reading()
        other = "meetingbaas:B2"
        await reading.store.commit([self.spoken(5), self.spoken(3 * SEGMENTS, other)])
        found = (await reading.shown(f"bots/{BOT}", f"bots/{other}"))["segments"]
        assert sum(one["text"].startswith(f"{BOT} ") for one in found) == 5


class TestOnSqlite:
    """The same with the store that is shipped."""

    async def test_a_meeting_is_shown_at_its_position(self, tmp_path: Path):
        """The parts fit."""
        store = await SqliteStore.open(f"sqlite:///{tmp_path}/hub.db", fold, lambda: "epoch1")
        committed = await store.commit([delivery(named(Kind.ROOM_STARTED, 0)), delivery(joined("p", 1))])
        reading = Reading(store=store)
        reading.clock.now = at(61)
        pages = await reading.take(frozenset({f"rooms/{SESSION}"}))
        assert pages.sequence == committed.events[-1].sequence
        assert blocks(pages)[-1].id == str(Position(epoch="epoch1", sequence=pages.sequence))
        found = together(blocks(pages))
        assert [one["watch_duration"] for one in found["participants"]] == [60]
        await store.close()
