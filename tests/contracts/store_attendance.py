"""What attendance, usage and transcripts are computed from: everybody of some rooms, rooms of a period, segments."""

from hypothesis import given
from hypothesis import strategies as st

from hub.ports import Document, Store
from tests.contracts.plain import Folding, StoreRules, document, write
from tests.contracts.store_pages import EXAMPLES

LAST = 2**63 - 1
_MOMENTS = st.integers(0, 6)
_ROOMS = st.lists(
    st.tuples(st.sampled_from("abcdefg"), _MOMENTS, st.none() | _MOMENTS), unique_by=lambda room: room[0], max_size=6
)


class AttendanceRules(StoreRules):
    """What is read whole, to be counted."""

    async def test_people_are_those_of_the_rooms_room_by_room_who_came_first_first(
        self, store: Store, folding: Folding
    ):
        """Of equal times in the order of topics; nothing else that is part of a room is among them."""
        people = [
            *(_participant("rooms/b", name, began) for name, began in (("z", 1), ("y", 2), ("x", 2))),
            *(_participant("rooms/a", name, began) for name, began in (("q", 9), ("p", 8))),
        ]
        others = (_participant("rooms/c", "o", 1), _participant("rooms/ab", "n", 1))
        recording = document("recordings/r", parent="rooms/a")
        await write(store, folding, documents=(*map(document, ("rooms/a", "rooms/b")), recording, *people, *others))
        reading = await store.people(["rooms/b", "rooms/a", "rooms/none"])
        assert [one.topic.replace("participants/", "") for one in reading.documents] == [
            f"rooms/{name}" for name in ("a/p", "a/q", "b/z", "b/x", "b/y")
        ]
        assert reading.position == await store.position()
        assert all(one in people for one in reading.documents)

    async def test_nobody_is_in_no_room(self, store: Store, folding: Folding):
        """Nor in a bot, whose participants are in its document."""
        await write(store, folding, documents=(document("rooms/a"), _participant("rooms/a", "p", 1)))
        for rooms in ([], ["rooms/none"], ["rooms"], ["*"], ["bots/a"]):
            assert (await store.people(rooms)).documents == ()

    async def test_more_rooms_than_a_statement_has_parameters_are_no_trouble(self, store: Store, folding: Folding):
        """A month of a busy account."""
        people = tuple(_participant(f"rooms/{number:05d}", "p", 1) for number in range(0, 40_000, 4_000))
        await write(store, folding, documents=people)
        reading = await store.people([f"rooms/{number:05d}" for number in range(40_000)])
        assert reading.documents == people

    async def test_rooms_of_a_period_began_before_its_end_and_had_not_ended_before_it(
        self, store: Store, folding: Folding
    ):
        """What goes on may have begun long ago; the period is without its end, an end at its beginning is in it."""
        rooms = {
            "before": (1, 4),
            "until": (1, 5),
            "into": (1, 7),
            "within": (6, 7),
            "out-of": (8, 12),
            "over": (1, 12),
            "at-the-end": (9, 12),
            "after": (10, 12),
            "going-on": (1, None),
            "begun-later": (10, None),
        }
        found = tuple(_room(name, began, ended) for name, (began, ended) in rooms.items())
        bot = document("bots/b", began_at=6, over=True, ended_at=7)
        await write(store, folding, documents=(*found, bot, _participant("rooms/into", "p", 6)))
        reading = await store.overlapping(5, 10, "", 100)
        assert [one.topic for one in reading.documents] == [
            f"rooms/{name}" for name in ("at-the-end", "going-on", "into", "out-of", "over", "until", "within")
        ]
        assert reading.position == await store.position()

    @EXAMPLES
    @given(rooms=_ROOMS, since=_MOMENTS, until=_MOMENTS, limit=st.integers(1, 3))
    async def test_rooms_of_a_period_come_page_by_page_once_and_by_topic(
        self,
        store: Store,
        folding: Folding,
        rooms: list[tuple[str, int, int | None]],
        since: int,
        until: int,
        limit: int,
    ):
        """A bill leaves out no room and counts none twice."""
        gone = frozenset(f"rooms/{name}" for name in "abcdefg")
        await write(store, folding, gone=gone)
        await write(store, folding, documents=tuple(_room(*room) for room in rooms))
        found: list[Document] = []
        while page := (await store.overlapping(since, until, found[-1].topic if found else "", limit)).documents:
            assert len(page) <= limit
            found += page
        expected = sorted(
            f"rooms/{name}" for name, began, ended in rooms if began < until and (ended is None or ended >= since)
        )
        assert [one.topic for one in found] == expected

    async def test_a_room_that_lives_again_is_in_the_periods_that_follow(self, store: Store, folding: Folding):
        """A room without sessions ends and begins any number of times."""
        for ended, later in ((5, 0), (None, 1), (6, 0)):
            await write(store, folding, documents=(_room("a", 1, ended),))
            assert len((await store.overlapping(50, 60, "", 9)).documents) == later

    async def test_a_transcript_is_every_segment_of_its_latest_generation(self, store: Store, folding: Folding):
        """However many there are: whoever asks for the transcript wants all of it."""
        names = [f"{place:05d}" for place in range(6_000)]
        live = {("bots/m:a", f"~segment/{0:016d}/{name}"): name.encode() for name in names}
        await write(store, folding, documents=(document("bots/m:a"),), states=live)
        assert sorted(await store.transcript("bots/m:a")) == sorted(live.values())
        whole = {("bots/m:a", f"~segment/{1_773_144_000_000:016d}/w"): b"whole", ("bots/m:a", "~segmentz"): b"other"}
        others = {("bots/m:ab", f"~segment/{1_773_144_000_001:016d}/x"): b"another bot's", ("bots/m:a", "~item/x"): b""}
        await write(store, folding, states=whole | others)
        assert await store.transcript("bots/m:a") == (b"whole",)

    async def test_who_said_nothing_has_no_transcript(self, store: Store, folding: Folding):
        """Nor has a bot that is not there."""
        await write(store, folding, documents=(document("bots/m:a"),), states={("bots/m:a", "~item/x"): b"item"})
        assert await store.transcript("bots/m:a") == ()
        assert await store.transcript("bots/none") == ()

    async def test_a_schedule_comes_with_its_meetings_and_their_people(self, store: Store, folding: Folding):
        """Who subscribes to it sees who is there, whenever the meetings were; a collection is plans only."""
        plan = document("schedules/p", body=b'{"id":"p","sessions":["l:1","l:2"]}', began_at=5)
        bare = document("schedules/q", body=b'{"id":"q","sessions":[]}')
        parts = (_participant("rooms/l:1", "ann", 1), document("recordings/r", parent="rooms/l:2"))
        rooms = (_room("l:1", 1, 2), _room("l:2", 3, 4), _room("l:3", 5, None))
        strangers = (_participant("rooms/l:3", "bob", 5),)
        await write(store, folding, documents=(plan, bare, *rooms, *parts, *strangers))
        whole = await store.snapshot(frozenset({"schedules/p"}), LAST)
        assert {one.topic for one in whole.documents} == {
            *("schedules/p", "rooms/l:1", "rooms/l:2", "rooms/l:1/participants/ann", "recordings/r")
        }
        assert [one.topic for one in (await store.snapshot(frozenset({"schedules/q"}), 0)).documents] == ["schedules/q"]
        assert (await store.snapshot(frozenset({"schedules/none"}), 0)).documents == ()

    async def test_schedules_are_shown_while_they_are_not_long_over(self, store: Store, folding: Folding):
        """As bots and rooms are, by their collection and with everything."""
        plans = [
            document("schedules/ahead", body=b'{"sessions":[]}'),
            document("schedules/recent", body=b'{"sessions":["l:1"]}', over=True, ended_at=90),
            document("schedules/old", body=b'{"sessions":[]}', over=True, ended_at=10),
        ]
        await write(store, folding, documents=(*plans, _room("l:1", 1, 5)))
        for topic in ("schedules", "*"):
            found = await store.snapshot(frozenset({topic}), 50)
            assert sorted(one.topic for one in found.documents) == ["schedules/ahead", "schedules/recent"]


def _room(name: str, began: int, ended: int | None) -> Document:
    return document(f"rooms/{name}", began_at=began, over=ended is not None, ended_at=ended)


def _participant(room: str, name: str, began: int) -> Document:
    return document(f"{room}/participants/{name}", collection="participants", parent=room, began_at=began)
