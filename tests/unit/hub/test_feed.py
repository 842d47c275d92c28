"""The feed: the log's newest events without a gap, whichever way and in whichever order a process learns of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import StorageUnavailable
from hub.events import Event, Fact, Kind, Position
from hub.feed import HOLD_SECONDS, Feed
from hub.fold import Batch, Rules
from hub.ports import Announcement, Committed, Page
from hub.stores import make_epoch
from storage.local import LocalBus
from tests.contracts.plain import Folding
from tests.memory_bus import Air
from tests.memory_store import MemoryStore
from tests.searching import search
from tests.unit.hub.fold.telling import DURABLE, SESSION, at, named
from tests.unit.hub.fold.telling import delivery as telling
from tests.unit.hub.viewing import in_no_time
from tests.waiting import PATIENCE

NEVER = 1_000_000.0
BLANK = b'{"type":"room.erased","data":{"erased":true}}'
SECRET = b'{"type":"room.updated","data":{"secret":1}}'


def store_of(number: int, body: bytes = b"{}") -> MemoryStore:
    """Return a store whose log has so many events."""
    store = MemoryStore(Folding())
    for _ in range(number):
        store.append("rooms", body=body)
    return store


def feed_on(store: MemoryStore, start: int = 0, **limits: float) -> Feed:
    start_at = Position(epoch=store.kept.epoch, sequence=start)
    return Feed(store, start_at, LocalBus(), make_epoch, **limits)  # type: ignore[arg-type]  # limit is whole


def events_of(store: MemoryStore, first: int = 1, last: int | None = None) -> list[Event]:
    return [event for event, _ in store.kept.events if first <= event.sequence <= (last or event.sequence)]


def sequences(events: list[Event] | None) -> list[int] | None:
    return None if events is None else [event.sequence for event in events]


@contextlib.asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(feed.run())
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 -- turns of this very loop are what is waited for
            await asyncio.sleep(0)


async def turns(number: int = 50) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


class TestPublish:
    """What a process hears of."""

    def test_events_that_come_next_are_there(self):
        """A commit of this process is seen by its viewers at once."""
        store = store_of(5)
        feed = feed_on(store)
        feed.publish(events_of(store, 1, 2))
        feed.publish(events_of(store, 3, 5))
        assert feed.position == Position(epoch="epoch1", sequence=5)
        assert feed.since(0) == events_of(store)

    def test_a_start_is_where_the_log_was(self):
        """What was there before this process is read from the store."""
        store = store_of(5)
        feed = feed_on(store, 3)
        assert (feed.head, feed.since(3)) == (3, [])
        assert feed.since(2) is None
        feed.publish(events_of(store, 4))
        assert sequences(feed.since(3)) == [4, 5]

    def test_what_is_known_is_skipped(self):
        """An own commit comes back from the store, and from others, and must be seen once."""
        store = store_of(5)
        feed = feed_on(store)
        grown: list[int] = []
        feed.on_growth = lambda: grown.append(feed.head)
        feed.publish(events_of(store, 1, 3))
        feed.publish(events_of(store, 1, 3))
        feed.publish(events_of(store, 2, 2))
        feed.publish([])
        assert sequences(feed.since(0)) == [1, 2, 3]
        feed.publish(events_of(store, 2, 5))
        assert sequences(feed.since(0)) == [1, 2, 3, 4, 5]
        assert grown == [3, 5]

    def test_what_comes_too_early_is_not_shown(self):
        """A viewer that was shown 3 would never be shown 2."""
        store = store_of(5)
        feed = feed_on(store)
        grown: list[int] = []
        feed.on_growth = lambda: grown.append(feed.head)
        feed.publish(events_of(store, 2, 5))
        assert (feed.head, feed.since(0), grown) == (0, [], [])

    async def test_what_is_missing_is_read_from_the_store_at_once(self):
        """Nobody has to say that something was lost: the next sequence does."""
        store = store_of(5)
        feed = feed_on(store, poll=NEVER)
        async with running(feed):
            feed.publish(events_of(store, 4, 5))
            await until(lambda: feed.head == 5)
        assert sequences(feed.since(0)) == [1, 2, 3, 4, 5]

    @search(300)
    @given(
        number=st.integers(1, 12),
        heard=st.lists(st.frozensets(st.integers(1, 12), max_size=12), max_size=8),
        start=st.integers(0, 3),
    )
    def test_whatever_is_heard_the_tail_has_no_gap(self, number: int, heard: list[frozenset[int]], start: int):
        """Messages get lost, overtake each other and come twice, also in the middle of what arrives together."""
        number = max(number, start)
        store = store_of(number)
        feed = feed_on(store, start)
        for some in heard:
            feed.publish([event for event in events_of(store) if event.sequence in some])
            tail = sequences(feed.since(start))
            assert tail == list(range(start + 1, feed.head + 1))


class TestSince:
    """What viewers that come back may read from memory."""

    @given(
        number=st.integers(0, 30),
        start=st.integers(0, 10),
        after=st.integers(0, 45),
        limit=st.none() | st.integers(1, 20),
    )
    def test_it_is_exactly_what_follows_as_far_as_it_is_known(
        self, number: int, start: int, after: int, limit: int | None
    ):
        """One too many is a duplicate, one too few is lost."""
        store = store_of(start + number)
        feed = feed_on(store, start)
        feed.publish(events_of(store))
        if after < start:
            assert feed.since(after, limit) is None
            return
        assert sequences(feed.since(after, limit)) == list(range(after + 1, start + number + 1))[:limit]

    def test_what_is_returned_does_not_grow(self):
        """A viewer that reads slowly holds it while events arrive."""
        store = store_of(4)
        feed = feed_on(store)
        feed.publish(events_of(store, 1, 2))
        held = feed.since(0)
        feed.publish(events_of(store, 3))
        assert sequences(held) == [1, 2]


class TestMemory:
    """How much is kept."""

    @given(limit=st.integers(1, 20), batches=st.lists(st.integers(1, 15), max_size=30))
    def test_at_least_so_many_events_are_kept_and_at_most_twice_as_many(self, limit: int, batches: list[int]):
        """Less would send everybody who reconnects to the store, more would fill the memory of a hub that runs long."""
        store = store_of(sum(batches))
        feed = feed_on(store, limit=limit)
        for batch in batches:
            feed.publish(events_of(store, feed.head + 1, feed.head + batch))
            reach = [after for after in range(feed.head + 1) if feed.since(after) is not None]
            assert reach == list(range(reach[0], feed.head + 1))
            assert min(limit, feed.head) <= feed.head - reach[0] <= max(2 * limit, batch)

    def test_events_are_kept_by_their_size_too(self):
        """Ten thousand events of 64 KiB are 640 MB."""
        event_bytes, number = 64 * 1024, 3000
        body = bytes(event_bytes)
        feed = feed_on(store_of(0))
        for sequence in range(1, number + 1):
            feed.publish([Event(sequence=sequence, topics=("rooms",), body=body)])
            oldest = next(after for after in range(feed.head + 1) if feed.since(after, 1) is not None)
            assert (feed.head - oldest) * event_bytes <= 129 * 1024 * 1024
        assert feed.head == number
        assert sequences(feed.since(number - 500)) == list(range(number - 499, number + 1))


class TestRun:
    """How a process finds out what others did."""

    async def test_the_store_is_looked_at_even_if_nobody_said_anything(self):
        """The message about the last event of a quiet evening may be the one that was lost."""
        store = store_of(3)
        feed = feed_on(store, poll=0)
        async with running(feed):
            await until(lambda: feed.head == 3)
            store.append("rooms")
            await until(lambda: feed.head == 4)
        assert sequences(feed.since(0)) == [1, 2, 3, 4]

    async def test_a_log_of_many_pages_is_read_to_its_end(self):
        """A process that was stopped for an hour has thousands of events to read."""
        store = store_of(2500)
        feed = feed_on(store)
        await feed.catch_up()
        assert feed.head == 2500
        assert sequences(feed.since(0)) == list(range(1, 2501))

    async def test_viewers_are_woken_when_the_log_has_grown_and_only_then(self):
        """Each waking costs a walk through the viewers."""
        store = store_of(3)
        feed = feed_on(store)
        grown: list[int] = []
        feed.on_growth = lambda: grown.append(feed.head)
        await feed.catch_up()
        await feed.catch_up()
        store.append("rooms")
        await feed.catch_up()
        assert grown == [3, 4]

    async def test_what_is_committed_here_while_a_page_is_read_is_there_once(self):
        """The page may hold the same events, and may be older than they are."""
        store = store_of(3)
        feed = feed_on(store)
        store.answers.hold()
        reading = asyncio.create_task(feed.catch_up())
        await turns()
        feed.publish(events_of(store, 1, 2))
        store.append("rooms")
        feed.publish(events_of(store, 3, 4))
        store.answers.release()
        await reading
        assert sequences(feed.since(0)) == [1, 2, 3, 4]

    async def test_a_gap_that_shows_while_a_page_is_read_is_closed_as_well(self):
        """It must not wait for the next look, still less for ever."""
        store = store_of(2)
        feed = feed_on(store, poll=NEVER)
        async with running(feed):
            store.answers.hold()
            feed.publish(events_of(store, 2))
            await until(lambda: store.answers.waiting == 1)
            store.append("rooms")
            store.append("rooms")
            feed.publish(events_of(store, 4))
            store.answers.release()
            await until(lambda: feed.head == 4)
        assert sequences(feed.since(0)) == [1, 2, 3, 4]

    async def test_a_store_that_is_away_is_asked_again(self):
        """Viewers stay connected and see what they missed as soon as it is back."""
        store = store_of(2)
        store.problem = "away"
        feed = feed_on(store, poll=0)
        with pytest.raises(StorageUnavailable):
            await feed.catch_up()
        async with running(feed) as task:
            await turns()
            assert (feed.head, task.done()) == (0, False)
            store.problem = ""
            await until(lambda: feed.head == 2)

    @pytest.mark.parametrize("number", [8, 2500])
    async def test_a_process_that_was_away_longer_than_the_log_goes_on_with_what_is_left(self, number: int):
        """What was trimmed is gone, so its viewers are reset; waiting for it would be for ever, and at full speed."""
        store = store_of(number)
        store.raise_floor(5)
        feed = feed_on(store, 2)
        store.reads.hold(after=10)
        catching_up = asyncio.create_task(feed.catch_up())
        await turns()
        is_done = catching_up.done()
        catching_up.cancel()
        assert is_done
        assert feed.head == number
        assert feed.since(4) is None
        assert sequences(feed.since(number - 1)) == [number]


def committed(*events: Event, epoch: str = "epoch1") -> Committed:
    return Committed(outcomes=(), events=events, epoch=epoch)


def told(*events: Event, epoch: str = "epoch1") -> Announcement:
    return Announcement(epoch=epoch, first=events[0].sequence, last=events[-1].sequence, events=events)


def numbers(last: int, epoch: str = "epoch1") -> Announcement:
    return Announcement(epoch=epoch, first=last, last=last)


def erasure(store: MemoryStore) -> Event:
    """Let a room be erased: what was said of it before loses its content."""
    store.kept.events = [
        (Event(sequence=event.sequence, topics=event.topics, body=BLANK), delivery)
        for event, delivery in store.kept.events
    ]
    return store.append("rooms/a", "rooms", body=BLANK)


class Asked(MemoryStore):
    """A store that counts how often it is asked for a page."""

    pages = 0

    async def page(self, topics: frozenset[str], after: int, limit: int) -> Page:
        """Return a stretch of the log."""
        self.pages += 1
        return await super().page(topics, after, limit)


class Node:
    """One process of a hub: its feed, and what the feed said to it."""

    def __init__(self, hub: "Processes", start: int, **limits: float) -> None:
        self.hub = hub
        self.bus = hub.air.bus()
        start_at = Position(epoch=hub.store.kept.epoch, sequence=start)
        self.feed = Feed(hub.store, start_at, self.bus, hub.make_epoch, **limits)  # type: ignore[arg-type]  # limit is whole
        # The names that the log had, and how often something was to be forgotten.
        self.renamed: list[str] = []
        self.forgotten = 0
        self.feed.on_new_epoch = lambda: self.renamed.append(self.feed.epoch)
        self.feed.on_erasure = self._forget
        self.bus.listen(self.feed.hear)

    def commit(self, number: int = 1, body: bytes = b"{}") -> None:
        """Commit events as the writer does."""
        known = self.feed.position
        events = [self.hub.store.append("rooms", body=body) for _ in range(number)]
        self.feed.confirm(committed(*events, epoch=self.hub.store.kept.epoch), known)

    def _forget(self) -> None:
        self.forgotten += 1


class Processes:
    """Several processes on one log, joined by a bus that a test may spoil."""

    def __init__(self, number: int = 2, events: int = 0, start: int | None = None, **limits: float) -> None:
        self.air = Air(carries_bodies=bool(limits.pop("carries_bodies", True)))
        self.store = store_of(events)
        self.made: list[str] = []
        self.nodes = [Node(self, events if start is None else start, **limits) for _ in range(number)]

    def make_epoch(self) -> str:
        """Return a new name for the log."""
        self.made.append(f"made{len(self.made) + 1}")
        return self.made[-1]

    def restore(self, head: int) -> None:
        """Put an older backup in the place of the database; nobody is told."""
        self.store.kept.events = self.store.kept.events[:head]


PLACES = st.integers(0, 20)
NODES = st.integers(0, 1)
HAPPENINGS = st.one_of(
    st.tuples(st.just("commit"), NODES, st.integers(1, 3)),
    st.tuples(st.just("arrive"), PLACES),
    st.tuples(st.just("arrive"), PLACES),
    st.tuples(st.just("repeat"), PLACES),
    st.tuples(st.just("lose"), PLACES),
    st.tuples(st.just("poll"), NODES),
)


class TestTwoProcesses:
    """What the bus does to a log that two processes write."""

    @search(400)
    @given(happenings=st.lists(HAPPENINGS, max_size=60), carries_bodies=st.booleans())
    async def test_whatever_is_lost_repeated_or_overtaken_the_tail_is_the_log(
        self, happenings: list[tuple[str, int] | tuple[str, int, int]], carries_bodies: bool
    ):
        """The bus promises nothing, so nothing may depend on it but how soon events are seen."""
        hub = Processes(carries_bodies=carries_bodies)
        hub.air.hold()
        for name, *rest in happenings:
            match name:
                case "commit":
                    hub.nodes[rest[0]].commit(rest[1])
                case "arrive":
                    hub.air.arrive(rest[0])
                case "repeat":
                    hub.air.arrive(rest[0], again=True)
                case "lose":
                    hub.air.lose(rest[0])
                case "poll":
                    await hub.nodes[rest[0]].feed.catch_up()
            for node in hub.nodes:
                assert node.feed.since(0) == events_of(hub.store, 1, node.feed.head)[: node.feed.head]
        for node in hub.nodes:
            await node.feed.catch_up()
            assert node.feed.since(0) == events_of(hub.store)
            assert node.renamed == []
        assert hub.made == []

    @search(100)
    @given(happenings=st.lists(HAPPENINGS, max_size=40), head=st.integers(0, 20))
    async def test_a_log_that_lost_something_has_one_new_name_for_all_whoever_notices(
        self, happenings: list[tuple[str, int] | tuple[str, int, int]], head: int
    ):
        """Two names would tear the hub in two; none would tell events in places that were taken."""
        hub = Processes()
        hub.air.hold()
        for place in range(6):
            hub.nodes[place % 2].commit()
        for node in hub.nodes:
            await node.feed.catch_up()
        hub.restore(min(head, 5))
        for name, *rest in happenings:
            match name:
                case "commit":
                    hub.nodes[rest[0]].commit()
                    # A commit that goes past all that was lost before anybody looked shows nothing of it.
                    for node in hub.nodes:
                        await node.feed.catch_up()
                case "arrive" | "repeat":
                    hub.air.arrive(rest[0], again=name == "repeat")
                case "lose":
                    hub.air.lose(rest[0])
                case "poll":
                    await hub.nodes[rest[0]].feed.catch_up()
        for node in hub.nodes:
            await node.feed.catch_up()
            assert node.renamed == [hub.store.kept.epoch]
            assert node.feed.position == Position(epoch="made1", sequence=hub.store.kept.head)

    async def test_what_one_commits_the_other_sees_without_the_store(self):
        """That is what the bus is for."""
        hub = Processes()
        hub.store.reads.hold()
        hub.nodes[0].commit(3)
        await turns()
        assert hub.nodes[1].feed.since(0) == events_of(hub.store)
        assert hub.store.reads.waiting == 0

    async def test_who_begins_to_listen_is_told_how_far_the_log_is(self):
        """What was said before it listened is not said again; it would wait for the next event of a quiet evening."""
        hub = Processes(1)
        hub.nodes[0].commit(3)
        late = Node(hub, 0, poll=NEVER)
        listening = asyncio.create_task(late.bus.run(late.feed.hear))
        async with running(late.feed):
            await until(lambda: late.feed.head == 3)
        listening.cancel()


class TestTooEarly:
    """What is told before what comes before it."""

    def test_it_is_shown_as_soon_as_the_gap_closes_and_the_store_is_not_asked(self):
        """Messages of two processes overtake each other all the time; each read would be a read for every event."""

        async def live() -> tuple[list[int] | None, int]:
            hub = Processes(1)
            feed, store = hub.nodes[0].feed, hub.store
            first, second, third = (store.append("rooms") for _ in range(3))
            store.reads.hold()
            async with running(feed):
                feed.hear(told(third))
                await asyncio.sleep(HOLD_SECONDS / 4)
                feed.hear(told(second))
                await asyncio.sleep(HOLD_SECONDS / 4)
                assert feed.since(0) == []
                feed.hear(told(first))
                seen = sequences(feed.since(0))
                await asyncio.sleep(5 * HOLD_SECONDS)
                return seen, store.reads.waiting

        assert in_no_time(live) == ([1, 2, 3], 0)

    def test_what_does_not_come_in_that_time_is_read_from_the_store(self):
        """It was lost, and viewers wait for all that follows."""

        async def live() -> float:
            hub = Processes(1)
            feed = hub.nodes[0].feed
            events = [hub.store.append("rooms") for _ in range(3)]
            grown = asyncio.Event()
            feed.on_growth = grown.set
            async with running(feed):
                feed.hear(told(events[2]))
                await grown.wait()
                assert feed.since(0) == events
                return asyncio.get_running_loop().time()

        assert HOLD_SECONDS <= in_no_time(live) <= 2 * HOLD_SECONDS

    def test_numbers_alone_make_it_read_the_store(self):
        """Events that are too many bytes for a message are only counted in it."""

        async def live() -> float:
            hub = Processes(1, events=3, start=0)
            feed = hub.nodes[0].feed
            grown = asyncio.Event()
            feed.on_growth = grown.set
            async with running(feed):
                feed.hear(numbers(3))
                await grown.wait()
                assert sequences(feed.since(0)) == [1, 2, 3]
                return asyncio.get_running_loop().time()

        assert in_no_time(live) <= 2 * HOLD_SECONDS

    def test_only_so_much_of_it_waits(self):
        """A process that was stopped for a minute hears thousands of events and lacks the one before them."""
        store = store_of(20_000)
        feed = feed_on(store, limit=100_000)
        for event in events_of(store, 2):
            feed.hear(told(event))
        feed.hear(told(*events_of(store, 1, 1)))
        assert 1 < feed.head < 10_000

    async def test_what_did_not_fit_is_read_from_the_store(self):
        """A bound must cost time only."""
        store = store_of(20_000)
        feed = feed_on(store, limit=100_000)
        for event in events_of(store, 2):
            feed.hear(told(event))
        await feed.catch_up()
        assert feed.since(0) == events_of(store)

    async def test_what_is_told_of_another_log_is_ignored(self):
        """Its numbers are places in that log."""
        store = store_of(3)
        feed = feed_on(store, poll=NEVER)
        store.reads.hold()
        async with running(feed):
            feed.hear(told(*events_of(store), epoch="epoch0"))
            feed.hear(numbers(99, epoch="epoch0"))
            await turns()
        assert (feed.head, feed.since(0)) == (0, [])
        store.reads.release()
        await feed.catch_up()
        assert feed.epoch == "epoch1"


class TestLostLog:
    """A log that ends before what was seen of it."""

    @staticmethod
    def renamed(hub: Processes) -> None:
        """Hold that every process follows the log under its one new name, from its head on."""
        for node in hub.nodes:
            assert node.renamed == ["made1"]
            assert node.feed.position == Position(epoch="made1", sequence=hub.store.kept.head)
            assert node.feed.since(node.feed.head) == []
            assert node.bus.followed == ["epoch1", "made1"]
        assert hub.store.kept.epoch == "made1"

    async def test_one_that_ends_before_what_the_bus_was_told_gets_a_new_name(self):
        """The process that told it is gone, and what it told was seen by viewers."""
        hub = Processes(1, events=3)
        hub.nodes[0].feed.hear(numbers(4))
        await hub.nodes[0].feed.catch_up()
        self.renamed(hub)
        assert hub.made == ["made1"]

    async def test_one_that_ends_before_what_this_process_has_seen_gets_a_new_name(self):
        """Somebody put a backup in its place and forgot to say so."""
        hub = Processes(1, events=3)
        hub.restore(2)
        await hub.nodes[0].feed.catch_up()
        self.renamed(hub)

    async def test_an_own_commit_in_places_that_were_taken_gives_it_a_new_name(self):
        """By then the log may reach as far as before, and nothing else would show that it is another one."""
        hub = Processes(1, events=3)
        hub.restore(1)
        hub.nodes[0].commit(2)
        assert hub.nodes[0].feed.head == 3
        async with running(hub.nodes[0].feed):
            await until(lambda: bool(hub.nodes[0].renamed))
        self.renamed(hub)

    async def test_of_several_processes_one_renames_it(self):
        """Each new name resets every viewer."""
        hub = Processes(3, events=3)
        hub.restore(2)
        await asyncio.gather(*(node.feed.catch_up() for node in hub.nodes))
        self.renamed(hub)

    async def test_who_finds_that_somebody_renamed_it_follows(self):
        """A restore by the book: `hub migrate --new-epoch`, with the hub running."""
        hub = Processes(1, events=3)
        await hub.store.new_epoch("made1")
        await hub.nodes[0].feed.catch_up()
        self.renamed(hub)
        assert hub.made == []

    def test_a_process_that_commits_all_the_time_finds_out_as_well(self):
        """Each of its commits says that the log has another name; none may put off the look that it calls for."""

        async def live() -> float:
            hub = Processes(1, poll=1.0)
            [node] = hub.nodes
            await hub.store.new_epoch("epoch2")
            async with running(node.feed):
                for _ in range(500):
                    node.commit()
                    await asyncio.sleep(HOLD_SECONDS / 2)
                    if node.renamed:
                        return asyncio.get_running_loop().time()
            return NEVER

        assert in_no_time(live) < 0.5

    async def test_a_commit_that_began_in_the_log_of_before_is_no_sign_of_a_loss(self):
        """Its places were taken in that log; to rename this one would reset every viewer for nothing."""
        hub = Processes(1, events=9)
        [node] = hub.nodes
        known = node.feed.position
        hub.restore(3)
        await hub.store.new_epoch("epoch2")
        await node.feed.catch_up()
        node.feed.confirm(committed(hub.store.append("rooms"), epoch="epoch2"), known)
        await node.feed.catch_up()
        assert (hub.made, node.feed.position) == ([], Position(epoch="epoch2", sequence=4))

    async def test_a_commit_that_was_answered_late_does_not_rename_the_log_of_now(self):
        """It is of the log before, and that one has gone already."""
        hub = Processes(1, events=3)
        [node] = hub.nodes
        late = committed(hub.store.append("rooms"))
        await hub.store.new_epoch("epoch2")
        await node.feed.catch_up()
        node.feed.confirm(late, Position(epoch="epoch1", sequence=3))
        await node.feed.catch_up()
        assert (hub.made, node.renamed) == ([], ["epoch2"])

    @pytest.mark.parametrize("by_bus", [False, True])
    async def test_a_page_that_was_read_before_a_commit_is_no_sign_of_a_loss(self, by_bus: bool):
        """Reads and commits cross each other many times a second."""
        hub = Processes(2, events=3)
        reader, writer = hub.nodes
        hub.store.answers.hold()
        reading = asyncio.create_task(reader.feed.catch_up())
        await turns()
        (writer if by_bus else reader).commit(2)
        await turns()
        assert reader.feed.head == 5
        hub.store.answers.release()
        await reading
        assert (hub.made, reader.feed.position) == ([], Position(epoch="epoch1", sequence=5))

    async def test_what_was_held_of_the_log_of_before_is_not_shown_in_the_new_one(self):
        """It would be told in a place that is another event's."""
        hub = Processes(1, events=3)
        [node] = hub.nodes
        node.feed.hear(told(Event(sequence=5, topics=("rooms",), body=b'{"of":"before"}')))
        await hub.store.new_epoch("epoch2")
        await node.feed.catch_up()
        node.commit(2)
        assert [event.body for event in node.feed.since(3) or []] == [b"{}", b"{}"]

    async def test_a_store_that_goes_away_before_it_is_renamed_is_renamed_later(self):
        """What raised the doubt does not come again."""
        hub = Processes(1, events=3)
        hub.restore(1)
        hub.nodes[0].commit(2)
        hub.store.problem = "away"
        with pytest.raises(StorageUnavailable):
            await hub.nodes[0].feed.catch_up()
        hub.store.problem = ""
        await hub.nodes[0].feed.catch_up()
        self.renamed(hub)


class TestManyWhoAsk:
    """Everybody who comes back with a position of another log wants to know whether that is the log of now."""

    @staticmethod
    async def asking(store: MemoryStore, feed: Feed, number: int) -> list[asyncio.Task[None]]:
        """Let many ask while the store is slow."""
        store.reads.hold()
        asking = [asyncio.create_task(feed.catch_up()) for _ in range(number)]
        await turns()
        return asking

    async def test_they_share_a_look(self):
        """After a restore all viewers of a hub do, in the same second; each look would wait for all before it."""
        hub = Processes(1)
        store = Asked(Folding(), hub.store.kept)
        feed = feed_on(store)
        asking = await self.asking(store, feed, 100)
        store.append("rooms")
        store.reads.release()
        await asyncio.gather(*asking)
        assert (feed.head, store.pages <= 3) == (1, True)

    async def test_nobody_gets_by_with_a_look_that_began_before(self):
        """It may have read before the log was what the question is about."""
        store = store_of(0)
        feed = feed_on(store)
        store.answers.hold()
        first = asyncio.create_task(feed.catch_up())
        await turns()
        store.append("rooms")
        second = asyncio.create_task(feed.catch_up())
        await turns()
        store.answers.release()
        await asyncio.gather(first, second)
        assert feed.head == 1

    async def test_they_share_its_failure(self):
        """A store that hangs answers each of them as late as the first, one after the other."""
        store = Asked(Folding())
        feed = feed_on(store)
        asking = await self.asking(store, feed, 100)
        store.problem = "away"
        store.reads.release()
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(one) for one in found} == {StorageUnavailable}
        assert len({id(one) for one in found}) == 100
        assert store.pages <= 3

    async def test_one_who_leaves_takes_it_from_nobody(self):
        """The viewer for whom it was begun may be gone before the answer."""
        store = store_of(3)
        feed = feed_on(store)
        asking = await self.asking(store, feed, 3)
        asking[0].cancel()
        store.reads.release()
        await asyncio.gather(*asking[1:])
        assert feed.head == 3


class TestProblem:
    """What is said of the store."""

    def test_it_is_there_while_the_store_is_away_and_gone_when_it_is_back(self):
        """Viewers are told that what they see may be late, and when it no longer is."""

        async def live() -> list[str]:
            hub = Processes(1, poll=1.0)
            [node] = hub.nodes
            found = []
            async with running(node.feed):
                for problem in ("", "away", ""):
                    hub.store.problem = problem
                    await asyncio.sleep(3)
                    found.append(node.feed.problem)
            return found

        with structlog.testing.capture_logs():
            assert in_no_time(live) == ["", "away", ""]

    def test_the_store_is_asked_once_a_second_however_much_is_missing(self):
        """A store that comes back must not be met by all processes as fast as they can."""

        async def live() -> int:
            store = Asked(Folding())
            store.problem = "away"
            feed = feed_on(store, poll=1.0)
            async with running(feed):
                for _ in range(1000):
                    feed.hear(numbers(9))
                    await asyncio.sleep(0.01)
            return store.pages

        with structlog.testing.capture_logs():
            assert in_no_time(live) <= 11


class TestErasure:
    """What was said before is not to be said again."""

    @pytest.mark.parametrize("by_bus", [False, True])
    async def test_everything_before_is_read_from_the_store_from_then_on(self, by_bus: bool):
        """There it has lost its content; in memory it has not."""
        hub = Processes()
        here, there = hub.nodes
        here.commit(2, SECRET)
        await turns()
        (there if by_bus else here).feed.publish([erasure(hub.store)])
        await turns()
        assert here.feed.head == 3
        assert [here.feed.since(after) for after in (0, 1)] == [None, None]
        assert here.forgotten == 1

    async def test_what_comes_together_with_it_is_forgotten_too(self):
        """The bus was faster with the erasure than with what it erases: both become known in one moment."""
        hub = Processes(1)
        [node] = hub.nodes
        secret = hub.store.append("rooms/a", "rooms", body=SECRET)
        blank = erasure(hub.store)
        node.feed.hear(told(blank))
        node.feed.hear(told(secret))
        assert node.feed.head == 2
        assert node.feed.since(0) is None
        assert node.feed.since(1) == [blank]

    async def test_what_follows_is_kept(self):
        """It is of now."""
        hub = Processes(1)
        [node] = hub.nodes
        node.commit(1, SECRET)
        node.feed.publish([erasure(hub.store)])
        node.commit(2)
        assert sequences(node.feed.since(2)) == [3, 4]

    async def test_whoever_is_told_of_it_knows_how_far_it_reaches(self):
        """What others share is compared with that place."""
        hub = Processes(1)
        [node] = hub.nodes
        heads: list[int] = []
        node.feed.on_erasure = lambda: heads.append(node.feed.head)
        node.commit(2, SECRET)
        node.feed.publish([erasure(hub.store)])
        assert heads == [3]

    async def test_an_erasure_of_the_fold_is_known_as_one(self):
        """It is known by what its bytes say, which the fold decides."""
        store = MemoryStore(lambda deliveries: Batch(deliveries, Rules()))
        feed = feed_on(store)
        forgotten: list[int] = []
        feed.on_erasure = lambda: forgotten.append(feed.head)
        erased = Fact(kind=Kind.ROOM_ERASED, time=at(2), room=SESSION, durable=DURABLE)
        for fact in (named(Kind.ROOM_STARTED, 0), erased):
            known = feed.position
            feed.confirm(await store.commit([telling(fact)]), known)
        assert len(forgotten) == 1

    async def test_a_name_that_looks_like_one_is_none(self):
        """Anybody may call themselves so, and everything would be forgotten at each of their steps."""
        hub = Processes(1)
        [node] = hub.nodes
        node.commit()
        for name in ("room.erased", '"type":"room.erased"'):
            node.commit(1, orjson.dumps({"type": "participant.joined", "data": {"participant": {"name": name}}}))
        assert node.forgotten == 0
        assert sequences(node.feed.since(0)) == [1, 2, 3]
