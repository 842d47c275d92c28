"""Committing: all of a batch or nothing, in order, and each thing once."""

import asyncio

import msgspec
import pytest

from hub.errors import StorageUnavailable
from hub.events import Verdict
from hub.ports import Query, Status, Store
from tests.contracts.plain import SUBJECT, Folding, Opener, StoreRules, delivery, document, needs, write

ALL = frozenset({"*"})


class CommitRules(StoreRules):
    """What a commit promises."""

    async def test_a_new_log_is_empty_and_has_a_name(self, store: Store):
        """A viewer that comes first must get a position that it can come back with."""
        position = await store.position()
        page = await store.page(ALL, 0, 10)
        assert position.sequence == 0
        assert position.epoch
        assert (page.events, page.through, page.floor, page.head, page.epoch) == ((), 0, 0, 0, position.epoch)

    async def test_sequences_have_no_gap_across_batches_and_restarts(self, open_store: Opener):
        """A reader that saw N takes N+2 as proof that N+1 is missing."""
        sequences: list[int] = []
        for opened in range(3):
            store = await open_store(Folding())
            for batch in range(3):
                committed = await store.commit([delivery(f"{opened}/{batch}/{one}", "rooms") for one in range(batch)])
                sequences += [event.sequence for event in committed.events]
            await store.close()
        assert sequences == list(range(1, 10))

    async def test_what_a_commit_returns_is_what_the_log_holds(self, store: Store):
        """Viewers get an event from the writer or from a page, and may not see a difference."""
        committed = await store.commit([delivery("one", "rooms/a", "rooms"), delivery("two", "bots/b", "bots")])
        page = await store.page(ALL, 0, 10)
        assert page.events == committed.events
        assert [event.topics for event in page.events] == [("rooms/a", "rooms"), ("bots/b", "bots")]

    async def test_outcomes_are_in_the_order_of_the_deliveries(self, store: Store):
        """Each waiting webhook is answered with the outcome at its own place."""
        dead = delivery("dead", verdict=Verdict.DEAD)
        committed = await store.commit([delivery("one"), dead, delivery("one"), delivery("two"), dead])
        assert [outcome.status for outcome in committed.outcomes] == [
            Status.ACCEPTED,
            Status.DEAD,
            Status.DUPLICATE,
            Status.ACCEPTED,
            Status.DUPLICATE,
        ]
        assert [outcome.delivery for outcome in committed.outcomes] == [1, 2, 1, 3, 2]

    async def test_a_key_is_known_after_a_restart(self, open_store: Opener):
        """Providers repeat deliveries for days, the hub restarts within them."""
        store = await open_store(Folding())
        await store.commit([delivery("one")])
        await store.close()
        store = await open_store(Folding())
        committed = await store.commit([delivery("one"), delivery("one", scope="other/")])
        assert [outcome.status for outcome in committed.outcomes] == [Status.DUPLICATE, Status.ACCEPTED]

    async def test_a_key_accepted_again_is_compared_with_its_latest_delivery(self, store: Store):
        """A window slides: the third equal delivery is judged by the second, not by the first."""
        for moment, status in ((0, Status.ACCEPTED), (100, Status.ACCEPTED), (150, Status.DUPLICATE)):
            committed = await store.commit([delivery("one", window_ms=60, received_at=moment)])
            assert committed.outcomes[0].status is status
        assert committed.outcomes[0].delivery == 2

    async def test_an_empty_batch_changes_nothing(self, store: Store):
        """Nothing to do is no reason to fail."""
        committed = await store.commit([])
        assert (committed.outcomes, committed.events) == ((), ())
        assert (await store.position()).sequence == 0

    async def test_a_fold_that_raises_leaves_nothing_behind(self, store: Store, folding: Folding):
        """Half a batch would be a state that no log explains."""
        before = await store.position()
        with pytest.raises(ZeroDivisionError):
            await write(store, folding, failure=ZeroDivisionError())
        assert await store.position() == before
        assert (await store.commit([delivery("next", "rooms")])).events[0].sequence == before.sequence + 1

    async def test_a_batch_that_cannot_be_written_leaves_nothing_behind(self, store: Store, folding: Folding):
        """The deliveries are written before the events: when these fail, those must go again, and their keys too."""
        await store.commit([delivery("one", "rooms")])
        folding.skew = -1
        folding.documents = (document("rooms/a"),)
        with pytest.raises(StorageUnavailable) as refusal:
            await store.commit([delivery("a very private key", "rooms")])
        assert "private" not in str(refusal.value)
        folding.skew, folding.documents = 0, ()
        folding.needs = needs(subjects={SUBJECT})
        committed = await store.commit([delivery("a very private key", "rooms")])
        assert committed.outcomes[0].status is Status.ACCEPTED
        assert committed.outcomes[0].delivery == 2
        assert folding.loaded.states.keys() == {(SUBJECT, "one")}
        assert (await store.read(Query(collection="rooms"))).documents == ()

    @pytest.mark.parametrize("body", [b"", b"\0", b"a\0b", bytes(range(256)), b"\xff\xfe", b"x" * 2**20])
    async def test_bytes_come_back_as_they_were(self, store: Store, folding: Folding, body: bytes):
        """Bodies are whatever a provider sent: a NUL or half a character must not cost the delivery."""
        await store.commit([delivery("one", "rooms", body=body)])
        await write(store, folding, needs=needs(subjects={SUBJECT}), documents=(document("rooms/a", body=body),))
        assert (await store.page(ALL, 0, 1)).events[0].body == body
        assert folding.loaded.states[SUBJECT, "one"] == body
        assert (await store.document("rooms/a")).documents[0].body == body

    async def test_texts_of_every_language_come_back_as_they_were(self, store: Store, folding: Folding):
        """Meetings have names."""
        name = "Überblick “会議” \U0001f600 'quoted' \"twice\" %s \\ \x7f \ue000"
        await store.commit([delivery(name, "rooms", scope=name)])
        await write(store, folding, documents=(document("rooms/a", name=name),), states={(name, name): b"state"})
        committed = await store.commit([delivery(name, "rooms", scope=name)])
        assert committed.outcomes[0].status is Status.DUPLICATE
        assert (await store.document("rooms/a")).documents[0].name == name
        await write(store, folding, needs=needs(subjects={name}))
        assert folding.loaded.states == {(name, name): b"state"}

    async def test_headers_may_hold_bytes_that_are_no_text(self, store: Store):
        """An HTTP server hands such bytes on as lone surrogates, which no database takes as text."""
        odd = msgspec.structs.replace(delivery("one"), headers=(("x-name", "caf\udce9"),))
        committed = await store.commit([odd])
        assert committed.outcomes[0].status is Status.ACCEPTED

    async def test_a_batch_of_three_hundred_is_one_commit(self, store: Store):
        """A burst is committed together: more than the writer's own limit must fit."""
        committed = await store.commit([delivery(str(number), "rooms", "rooms/a") for number in range(300)])
        assert [outcome.delivery for outcome in committed.outcomes] == list(range(1, 301))
        assert (await store.page(frozenset({"rooms/a"}), 0, 1000)).events == committed.events

    async def test_needs_and_changes_may_be_many(self, store: Store, folding: Folding):
        """Databases have a limit of parameters in a statement; a transcript of 40,000 pieces has not."""
        keys = [("bots/b", f"~segment/{1:016d}/{number}") for number in range(40_000)]
        await write(store, folding, states=dict.fromkeys(keys, b"said"))
        await write(store, folding, needs=needs(items=keys, keys={("plain/", str(one)) for one in range(40_000)}))
        assert folding.loaded.items == dict.fromkeys(keys, b"said")

    async def test_commits_of_many_callers_are_one_after_the_other(self, store: Store):
        """There is one writer at a time, whoever calls."""
        committed = await asyncio.gather(
            *(store.commit([delivery(f"{caller}/{one}", "rooms") for one in range(3)]) for caller in range(20))
        )
        batches = sorted([event.sequence for event in one.events] for one in committed)
        assert batches == [[first, first + 1, first + 2] for first in range(1, 61, 3)]

    async def test_a_closed_store_says_so(self, store: Store):
        """Who comes too late is told to try again, as with every other trouble of ours."""
        await store.close()
        await store.close()
        with pytest.raises(StorageUnavailable):
            await store.commit([delivery("one")])
        with pytest.raises(StorageUnavailable):
            await store.position()

    async def test_a_new_epoch_renames_the_log_and_keeps_it(self, open_store: Opener):
        """Positions of before are void, events and state are not."""
        store = await open_store(Folding())
        committed = await store.commit([delivery("one", "rooms")])
        await store.new_epoch("another")
        await store.close()
        store = await open_store(Folding())
        page = await store.page(ALL, 0, 10)
        assert (page.epoch, page.events) == ("another", committed.events)
        assert str(await store.position()) == "another.1"
