"""Pages of the log: whatever a viewer asks for, from wherever, it gets each matching event once and in order."""

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from hub.events import Event
from hub.ports import Store
from tests.contracts.plain import StoreRules, delivery
from tests.searching import search

TOPICS = ("rooms", "rooms/a", "rooms/b", "bots", "bots/a", "sources/s")
# The store stays between examples, and the suite runs on several.
EXAMPLES = search(
    60,
    # Examples are small as they are; making a failing one smaller would commit for minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class PageRules(StoreRules):
    """What a page holds."""

    @EXAMPLES
    @given(
        batches=st.lists(st.lists(st.sets(st.sampled_from(TOPICS)), max_size=5), max_size=5),
        wanted=st.sets(st.sampled_from((*TOPICS, "*", "rooms/none")), min_size=1),
        skipped=st.integers(0, 20),
        limit=st.integers(1, 6),
    )
    async def test_paging_yields_exactly_the_matching_events_once_and_in_order(
        self, store: Store, batches: list[list[set[str]]], wanted: set[str], skipped: int, limit: int
    ):
        """Resuming is nothing but this, so whatever this loses or repeats, a viewer loses or sees twice."""
        start = (await store.position()).sequence
        events: list[Event] = []
        for batch in batches:
            head = start + len(events)
            committed = await store.commit(
                [delivery(f"{head}/{place}", *sorted(topics)) for place, topics in enumerate(batch)]
            )
            events += committed.events
        after = start + skipped
        expected = [event for event in events if event.sequence > after and wanted & {*event.topics, "*"}]
        assert await _paged(store, frozenset(wanted), min(after, start + len(events)), limit) == expected

    async def test_a_full_page_reaches_to_its_last_event(self, store: Store):
        """Beyond it there may be more, so that is where the reader goes on."""
        await store.commit([delivery(str(place), "rooms") for place in range(5)])
        page = await store.page(frozenset({"rooms"}), 1, 2)
        assert [event.sequence for event in page.events] == [2, 3]
        assert (page.through, page.head) == (3, 5)

    async def test_a_page_that_is_not_full_reaches_to_the_head(self, store: Store):
        """A viewer of a quiet room stays near the head, so that it can resume after the log was trimmed."""
        await store.commit([delivery(str(place), "rooms") for place in range(5)])
        await store.commit([delivery("last", "bots")])
        page = await store.page(frozenset({"rooms"}), 3, 10)
        assert [event.sequence for event in page.events] == [4, 5]
        assert (page.through, page.head) == (6, 6)

    async def test_an_event_with_two_of_the_topics_is_there_once(self, store: Store):
        """Every event has its collection as a topic too."""
        await store.commit([delivery("one", "rooms/a", "rooms/s@a", "rooms"), delivery("two", "rooms/b", "rooms")])
        page = await store.page(frozenset({"rooms", "rooms/a", "rooms/s@a"}), 0, 2)
        assert [event.sequence for event in page.events] == [1, 2]

    @pytest.mark.parametrize("topic", ["rooms/a", "rooms/A", "rooms/ab", "rooms/", "room"])
    async def test_topics_match_whole(self, store: Store, topic: str):
        """Room `a` must not show what happens in `ab`."""
        await store.commit([delivery(name, f"rooms/{name}", "rooms") for name in ("a", "ab", "A")])
        page = await store.page(frozenset({topic}), 0, 10)
        assert {event.topics[0] for event in page.events} <= {topic}
        assert len(page.events) == (topic in ("rooms/a", "rooms/A", "rooms/ab"))

    async def test_a_hundred_topics_are_one_page(self, store: Store):
        """That many may be subscribed at once."""
        names = [f"rooms/{place}" for place in range(100)]
        await store.commit([delivery(f"{turn}{name}", name, "rooms") for turn in "ab" for name in names])
        page = await store.page(frozenset(names), 50, 120)
        assert [event.sequence for event in page.events] == list(range(51, 171))

    async def test_no_topic_is_an_empty_page_that_reaches_to_the_head(self, store: Store):
        """Who follows nothing for a moment keeps its place."""
        await store.commit([delivery("one", "rooms"), delivery("two", "bots")])
        page = await store.page(frozenset(), 0, 10)
        assert (page.events, page.through, page.head) == ((), 2, 2)

    async def test_an_event_of_no_topic_is_still_in_the_log(self, store: Store):
        """The log has no gap for those who read all of it."""
        await store.commit([delivery("one"), delivery("two", "*")])
        page = await store.page(frozenset({"*"}), 0, 10)
        assert [event.topics for event in page.events] == [(), ("*",)]


async def _paged(store: Store, topics: frozenset[str], after: int, limit: int) -> list[Event]:
    events: list[Event] = []
    while True:
        page = await store.page(topics, after, limit)
        assert len(page.events) <= limit
        events += page.events
        if page.through >= page.head:
            return events
        assert page.through > after
        after = page.through
