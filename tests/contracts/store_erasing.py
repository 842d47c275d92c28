"""Erasing: what told of a topic loses its content and keeps its place, what was known of it goes, the rest stays."""

import orjson

from hub.events import BotDetail, Fact, Kind
from hub.ports import Erased, Query, Store
from tests.contracts.plain import Folding, StoreRules, delivery, document, needs, write

GONE, STAYS = "rooms/l:1", "rooms/l:2"


def told(topic: str) -> bytes:
    """Return an event's body as the fold makes it."""
    said = {"source": "/sources/plain", "type": "participant.joined", "subject": topic, "time": "2026-03-10T12:00:00Z"}
    return orjson.dumps({**said, "providertype": "x", "data": {"participant": {"name": "ann"}}})


async def told_of(store: Store, *topics: str) -> None:
    """Let an event of each topic into the log."""
    await store.commit([delivery(topic, topic, "rooms", body=told(topic)) for topic in topics])


class ErasingRules(StoreRules):
    """What a store promises of what was erased."""

    async def test_events_keep_their_places_and_lose_their_content(self, store: Store, folding: Folding):
        """The log has no gaps, and whoever reads it again learns that something was there."""
        await told_of(store, GONE, STAYS)
        await write(store, folding, erased=Erased(frozenset({GONE})))
        page = await store.page(frozenset({"*"}), 0, 10)
        assert [event.sequence for event in page.events] == [1, 2, 3]
        tombstone = orjson.loads(page.events[0].json("e"))
        assert (tombstone["type"], tombstone["subject"], tombstone["data"]) == ("room.erased", GONE, {"erased": True})
        assert b"ann" not in page.events[0].body
        assert page.events[0].topics == (GONE, "rooms")
        assert page.events[1].body == told(STAYS)

    async def test_events_of_bots_say_so(self, store: Store, folding: Folding):
        """A page that shows bots drops the right thing."""
        await told_of(store, "bots/m:1")
        await write(store, folding, erased=Erased(frozenset({"bots/m:1"})))
        page = await store.page(frozenset({"bots/m:1"}), 0, 10)
        assert [orjson.loads(event.json("e"))["type"] for event in page.events] == ["bot.erased"]

    async def test_deliveries_lose_their_bytes_and_headers(self, store: Store, folding: Folding):
        """Whether an event came of them or they only repeated what was known; their keys are still recognised."""
        await told_of(store, GONE, STAYS)
        silent = Fact(kind=Kind.BOT_QUEUED, time=1, room=GONE.partition("/")[2], detail=BotDetail())
        await store.commit([delivery("silent", facts=(silent,), body=b"ann again")])
        await write(store, folding, erased=Erased(frozenset({GONE})))
        kept = [await store.arrival(identity) for identity in ("1", "2", "3")]
        assert [one.original.body for one in kept] == [b"", told(STAYS), b""]
        assert kept[0].original.headers == ()
        assert [one.arrived.reason for one in kept] == ["erased", "", "erased"]
        (outcome,) = (await store.commit([delivery(GONE, GONE)])).outcomes
        assert outcome.status.value == "duplicate"

    async def test_state_goes_with_its_parts_and_with_those_that_are_named(self, store: Store, folding: Folding):
        """Items and segments are parts too; facts of a durable room go one by one."""
        states = {
            (GONE, ""): b"1",
            (GONE, "participant/ann"): b"2",
            (GONE, "~item/x"): b"3",
            ("rooms/l@d", "fact/1"): b"4",
            ("rooms/l@d", "fact/2"): b"5",
            (STAYS, ""): b"6",
        }
        await write(store, folding, states=states)
        await write(store, folding, erased=Erased(frozenset({GONE}), frozenset({("rooms/l@d", "fact/1")})))
        subjects = {GONE, STAYS, "rooms/l@d"}
        await write(store, folding, needs=needs(subjects=subjects, items={(GONE, "~item/x")}))
        assert folding.loaded.states == {("rooms/l@d", "fact/2"): b"5", (STAYS, ""): b"6"}
        assert folding.loaded.items == {}

    async def test_documents_go_with_those_that_are_part_of_them(self, store: Store, folding: Folding):
        """Participants and recordings are of a room."""
        person = document(f"{GONE}/participants/ann", collection="participants", parent=GONE)
        file = document("recordings/l:r", parent=GONE)
        await write(store, folding, documents=(document(GONE), document(STAYS), person, file))
        await write(store, folding, erased=Erased(frozenset({GONE})))
        assert [one.topic for one in (await store.read(Query(collection="rooms"))).documents] == [STAYS]
        assert (await store.people([GONE])).documents == ()
        assert (await store.document("recordings/l:r")).documents == ()

    async def test_what_is_written_with_it_stays(self, store: Store, folding: Folding):
        """The event that tells of the erasure is of the same topic."""
        folding.erased = Erased(frozenset({GONE}))
        await store.commit([delivery("now", GONE, body=told(GONE))])
        assert (await store.page(frozenset({GONE}), 0, 10)).events[0].body == told(GONE)
