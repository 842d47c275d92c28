"""Snapshots: what topics hold at one position, each thing once."""

from hub.ports import Snapshot, Store
from tests.contracts.plain import Folding, StoreRules, document, write

LONG_AGO, EARLIER, RECENTLY, SINCE = 10, 20, 90, 50


class SnapshotRules(StoreRules):
    """What a snapshot holds."""

    async def test_a_collection_is_what_is_not_over_or_ended_lately(self, store: Store, folding: Folding):
        """A dashboard shows now, and what it has just seen end."""
        await write(store, folding, documents=_three("rooms") + _three("bots"))
        rooms = await store.snapshot(frozenset({"rooms"}), SINCE)
        everything = await store.snapshot(frozenset({"*"}), SINCE)
        assert _topics(rooms) == ["rooms/live", "rooms/recent"]
        assert _topics(everything) == ["bots/live", "bots/recent", "rooms/live", "rooms/recent"]

    async def test_a_collection_comes_without_the_parts_of_its_entities(self, store: Store, folding: Folding):
        """Whoever looks at all rooms does not look at all participants."""
        await write(store, folding, documents=(document("rooms/live"), *_parts("rooms/live")))
        assert _topics(await store.snapshot(frozenset({"rooms"}), SINCE)) == ["rooms/live"]

    async def test_the_moment_itself_is_still_lately(self, store: Store, folding: Folding):
        """A bound that is told is included."""
        ended = document("rooms/a", durable="rooms/s@home", over=True, ended_at=SINCE)
        await write(store, folding, documents=(ended, document("rooms/b", durable="rooms/s@home", began_at=EARLIER)))
        for topic in ("rooms", "rooms/s@home"):
            assert _topics(await store.snapshot(frozenset({topic}), SINCE)) == ["rooms/a", "rooms/b"]
            assert _topics(await store.snapshot(frozenset({topic}), SINCE + 1)) == ["rooms/b"]

    async def test_what_lives_again_is_there_again(self, store: Store, folding: Folding):
        """A room without sessions ends and begins any number of times."""
        for over, expected in ((True, []), (False, ["rooms/a"]), (True, [])):
            ended_at = LONG_AGO if over else None
            await write(store, folding, documents=(document("rooms/a", over=over, ended_at=ended_at),))
            assert _topics(await store.snapshot(frozenset({"*"}), SINCE)) == expected

    async def test_a_single_entity_is_there_whenever_it_ended_with_its_parts(self, store: Store, folding: Folding):
        """Who opens the page of a meeting wants that meeting."""
        for topic in ("rooms/old", "bots/old"):
            whole = (document(topic, over=True, ended_at=LONG_AGO), *_parts(topic))
            await write(store, folding, documents=(*whole, document(f"{topic}er"), *_parts(f"{topic}er")))
            snapshot = await store.snapshot(frozenset({topic}), SINCE)
            assert _topics(snapshot) == sorted(one.topic for one in whole)

    async def test_a_durable_room_is_its_current_sessions_with_their_parts(self, store: Store, folding: Folding):
        """Its name can be subscribed before any session exists, and must then show each session."""
        home = {"durable": "rooms/s@home"}
        await write(store, folding, documents=(*_three("rooms", **home), *_three("rooms/x", durable="rooms/s@other")))
        await write(store, folding, documents=(*_parts("rooms/live"), *_parts("rooms/old")))
        snapshot = await store.snapshot(frozenset({"rooms/s@home"}), SINCE)
        parts = [one.topic for one in _parts("rooms/live")]
        assert _topics(snapshot) == sorted(["rooms/live", "rooms/recent", *parts])

    async def test_a_durable_room_shows_its_latest_session_in_any_case(self, store: Store, folding: Folding):
        """An empty page would say that the room never was."""
        sessions = [
            document(f"rooms/{began}", durable="rooms/s@home", began_at=began, over=True, ended_at=LONG_AGO)
            for began in (3, 5, 4)
        ]
        await write(store, folding, documents=(*sessions, *_parts("rooms/5")))
        snapshot = await store.snapshot(frozenset({"rooms/s@home"}), SINCE)
        assert _topics(snapshot) == sorted(["rooms/5", *(one.topic for one in _parts("rooms/5"))])

    async def test_a_session_that_is_its_own_durable_room_is_there_once(self, store: Store, folding: Folding):
        """What nothing else identifies has the durable room's id."""
        session = document("rooms/s@home", durable="rooms/s@home")
        await write(store, folding, documents=(session, *_parts("rooms/s@home")))
        snapshot = await store.snapshot(frozenset({"rooms/s@home"}), SINCE)
        assert len(snapshot.documents) == 1 + len(_parts("rooms/s@home"))

    async def test_topics_that_overlap_show_nothing_twice(self, store: Store, folding: Folding):
        """A viewer replaces what it has by what it gets, and counts nothing twice."""
        rooms = _three("rooms", durable="rooms/s@home")
        await write(store, folding, documents=(*rooms, *_parts("rooms/live")))
        topics = frozenset({"*", "rooms", "rooms/live", "rooms/s@home", "rooms/old"})
        snapshot = await store.snapshot(topics, SINCE)
        assert _topics(snapshot) == sorted(one.topic for one in (*rooms, *_parts("rooms/live")))

    async def test_a_snapshot_tells_its_position(self, store: Store, folding: Folding):
        """The viewer goes on from there."""
        await write(store, folding, documents=(document("rooms/a"),))
        for topic in ("*", "rooms", "rooms/a", "rooms/unknown"):
            assert (await store.snapshot(frozenset({topic}), SINCE)).position == await store.position()

    async def test_unknown_topics_show_nothing(self, store: Store, folding: Folding):
        """A token for a room that is not there yet is no reason to fail."""
        await write(store, folding, documents=_three("rooms"))
        topics = frozenset({"rooms/l", "rooms/s@home", "bots/none", "schedules", "sources/x"})
        snapshot = await store.snapshot(topics, SINCE)
        assert (snapshot.documents, snapshot.segments) == ((), ())

    async def test_no_topic_shows_nothing(self, store: Store, folding: Folding):
        """Who follows nothing comes back, and its place is lost."""
        await write(store, folding, documents=_three("rooms"))
        snapshot = await store.snapshot(frozenset(), SINCE)
        assert (snapshot.documents, snapshot.segments) == ((), ())

    async def test_a_bot_comes_with_the_latest_generation_of_its_transcript(self, store: Store, folding: Folding):
        """A full transcript replaces what was transcribed live."""
        await write(store, folding, documents=(document("bots/m:a"),), states=_transcript("bots/m:a", 0, "one", "two"))
        live = await store.snapshot(frozenset({"bots/m:a"}), SINCE)
        assert sorted(live.segments) == [b"0 one", b"0 two"]
        await write(store, folding, states=_transcript("bots/m:a", 1_773_144_000_000, "whole"))
        await write(store, folding, states=_transcript("bots/m:ab", 1_773_144_000_001, "other"))
        whole = await store.snapshot(frozenset({"bots/m:a"}), SINCE)
        assert whole.segments == (b"1773144000000 whole",)

    async def test_a_launch_is_the_bot_that_it_became_with_all_that_it_heard(self, store: Store, folding: Folding):
        """Who followed the launch goes on without knowing the provider's id."""
        bot = document("bots/m:a", durable="bots/m:launch", over=True, ended_at=LONG_AGO)
        await write(store, folding, documents=(bot, *_parts("bots/m:a")), states=_transcript("bots/m:a", 0, "one"))
        snapshot = await store.snapshot(frozenset({"bots/m:launch"}), SINCE)
        assert _topics(snapshot) == sorted(one.topic for one in (bot, *_parts("bots/m:a")))
        assert snapshot.segments == (b"0 one",)

    async def test_only_single_bots_come_with_segments(self, store: Store, folding: Folding):
        """Nobody reads all transcripts at once."""
        await write(store, folding, documents=(document("bots/m:a"),), states=_transcript("bots/m:a", 0, "one"))
        assert (await store.snapshot(frozenset({"*"}), SINCE)).segments == ()
        assert (await store.snapshot(frozenset({"bots"}), SINCE)).segments == ()

    async def test_segments_are_not_more_than_can_be_sent(self, store: Store, folding: Folding):
        """A transcript may be of any length, a snapshot not."""
        names = [f"{place:05d}" for place in range(6_000)]
        await write(store, folding, documents=(document("bots/m:a"),), states=_transcript("bots/m:a", 0, *names))
        snapshot = await store.snapshot(frozenset({"bots/m:a"}), SINCE)
        assert len(snapshot.segments) == 5_000


def _three(prefix: str, **fields: object) -> tuple:
    separator = "" if "/" in prefix else "/"
    return (
        document(f"{prefix}{separator}live", **fields, began_at=EARLIER),
        document(f"{prefix}{separator}recent", **fields, began_at=EARLIER, over=True, ended_at=RECENTLY),
        document(f"{prefix}{separator}old", **fields, began_at=LONG_AGO, over=True, ended_at=EARLIER),
    )


def _parts(topic: str) -> tuple:
    # Whether a part of it is over does not matter: it belongs to what is shown.
    name = topic.partition("/")[2]
    return (
        document(f"{topic}/participants/p", collection="participants", parent=topic),
        document(f"recordings/{name}", parent=topic, over=True, ended_at=LONG_AGO),
    )


def _transcript(bot: str, generation: int, *names: str) -> dict[tuple[str, str], bytes]:
    return {(bot, f"~segment/{generation:016d}/{name}"): f"{generation} {name}".encode() for name in names}


def _topics(snapshot: Snapshot) -> list[str]:
    return sorted(one.topic for one in snapshot.documents)
