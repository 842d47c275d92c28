"""Retention: the floor tells what can no longer be resumed, and nothing above it is lost."""

import asyncio

from hub.events import Verdict
from hub.ports import Status, Store
from tests.contracts.plain import SUBJECT, Folding, Opener, StoreRules, delivery, document, needs, write

ALL = frozenset({"*"})


class RetentionRules(StoreRules):
    """What trimming promises."""

    async def test_the_floor_is_the_last_event_that_went(self, store: Store):
        """A viewer that has seen it misses nothing, one that has not is reset."""
        await store.commit([delivery(str(moment), "rooms", received_at=moment) for moment in range(10)])
        assert await store.trim(4) == 4
        page = await store.page(ALL, 0, 100)
        assert (page.floor, page.head) == (4, 10)
        assert [event.sequence for event in page.events] == [5, 6, 7, 8, 9, 10]
        assert (await store.page(frozenset({"rooms"}), 0, 100)).events == page.events

    async def test_trimming_nothing_changes_nothing(self, store: Store):
        """It runs every few minutes."""
        await store.commit([delivery("one", "rooms", received_at=5)])
        assert await store.trim(5) == 0
        assert (await store.page(ALL, 0, 100)).floor == 0

    async def test_trimming_twice_is_trimming_once(self, store: Store):
        """The floor never sinks."""
        await store.commit([delivery(str(moment), "rooms", received_at=moment) for moment in range(10)])
        assert [await store.trim(6), await store.trim(6), await store.trim(3)] == [6, 0, 0]
        assert (await store.page(ALL, 0, 100)).floor == 6

    async def test_more_than_one_step_is_trimmed_whole(self, store: Store):
        """What goes, goes in steps, so that webhooks get in between."""
        for batch in range(9):
            await store.commit([delivery(f"{batch}/{one}", "rooms", received_at=batch) for one in range(300)])
        assert await store.trim(8) == 2400
        page = await store.page(frozenset({"rooms"}), 0, 1000)
        assert (page.floor, page.head, len(page.events)) == (2400, 2700, 300)

    async def test_the_floor_rises_before_anything_is_deleted(self, store: Store):
        """Else a viewer that resumes in between would take a page with a hole for the whole."""
        for batch in range(9):
            await store.commit([delivery(f"{batch}/{one}", "rooms", received_at=batch) for one in range(300)])
        trimming = asyncio.create_task(store.trim(8))
        while not trimming.done():
            page = await store.page(ALL, 0, 10)
            assert page.events[0].sequence - 1 <= page.floor
        await trimming

    async def test_commits_during_trimming_are_kept(self, store: Store):
        """Webhooks do not wait for housekeeping."""
        await store.commit([delivery(str(one), "rooms", received_at=1) for one in range(2500)])
        commits = (store.commit([delivery(f"late/{one}", "rooms", received_at=9)]) for one in range(20))
        await asyncio.gather(store.trim(5), *commits)
        page = await store.page(frozenset({"rooms"}), 2500, 100)
        assert [event.sequence for event in page.events] == list(range(2501, 2521))
        assert page.floor == 2500

    async def test_an_empty_log_goes_on_where_it_was(self, open_store: Opener):
        """Sequences and ids of deliveries are never given out again, or old positions would mean new events."""
        folding = Folding()
        store = await open_store(folding)
        await store.commit([delivery(str(moment), "rooms", received_at=moment) for moment in range(5)])
        assert await store.trim(100) == 5
        await store.close()
        store = await open_store(folding)
        page = await store.page(ALL, 5, 10)
        assert (page.events, page.through, page.floor, page.head) == ((), 5, 5, 5)
        committed = await store.commit([delivery("next", "rooms", received_at=200)])
        assert (committed.events[0].sequence, committed.outcomes[0].delivery) == (6, 6)

    async def test_state_stays(self, store: Store, folding: Folding):
        """What the log said is in the state; only the saying is forgotten."""
        await store.commit([delivery("one", "rooms", received_at=1)])
        await write(store, folding, documents=(document("rooms/a"),))
        await store.trim(5_000)
        await write(store, folding, needs=needs(subjects={SUBJECT}))
        assert (SUBJECT, "one") in folding.loaded.states
        assert (await store.document("rooms/a")).documents == (document("rooms/a"),)

    async def test_keys_go_with_their_deliveries(self, store: Store):
        """Else they would be all that is ever kept for good."""
        await store.commit([delivery("old", received_at=1), delivery("new", received_at=9)])
        await store.trim(5)
        committed = await store.commit([delivery("old", received_at=10), delivery("new", received_at=10)])
        assert [outcome.status for outcome in committed.outcomes] == [Status.ACCEPTED, Status.DUPLICATE]

    async def test_a_key_that_came_again_stays_with_its_latest_delivery(self, store: Store):
        """Trimming the first of two deliveries with one key must not make the second one unknown."""
        await store.commit([delivery("one", received_at=1, window_ms=2)])
        await store.commit([delivery("one", received_at=9, window_ms=2)])
        await store.trim(5)
        committed = await store.commit([delivery("one", received_at=10, window_ms=2)])
        assert committed.outcomes[0].status is Status.DUPLICATE

    async def test_deliveries_without_events_do_not_move_the_floor(self, store: Store):
        """What told nothing has no place in the log, so nobody misses it."""
        await store.commit([delivery("dead", received_at=1, verdict=Verdict.DEAD)])
        await store.commit([delivery("one", "rooms", received_at=9)])
        assert await store.trim(5) == 1
        page = await store.page(ALL, 0, 10)
        assert (page.floor, len(page.events)) == (0, 1)
