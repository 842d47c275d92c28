"""The feed: the log's newest events without a gap, whichever way and in whichever order a process learns of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import StorageUnavailable
from hub.events import Event, Position
from hub.feed import Feed
from hub.stores import make_epoch
from storage.local import LocalBus
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore

# The longest that a test waits for what should happen at once.
PATIENCE = 10.0
NEVER = 1_000_000.0


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

    @settings(max_examples=300)
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
