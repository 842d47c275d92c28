"""One poison row never fails its batch: the writer, the fold and the store together, with nothing replaced."""

import asyncio
from pathlib import Path

import orjson
import pytest
import structlog

from handlers.providers.arrival import Arrival
from handlers.providers.registry import receive
from hub.events import Delivery, Fact, Kind, ParticipantDetail, Verdict
from hub.feed import Feed
from hub.fold import Batch, Rules
from hub.ingest import BATCH_LIMIT, Ingest
from hub.ports import ArrivalQuery, Changes, Loaded, Outcome, Status
from hub.settings import Source
from hub.stores import make_epoch
from storage.local import LocalBus
from storage.sqlite import SqliteStore

NOW = 1_773_151_300_000
SOURCE = Source(provider="livekit", name="livekit", path="/l", proof="none")
POISON = 128
# Fits no column and no message, so that folding it raises.
ABSURD = 10**30


def genuine(number: int) -> Delivery:
    """Return somebody's arrival in a room of its own, as LiveKit tells of it."""
    payload = {
        "event": "participant_joined",
        "id": f"EV_{number}",
        "createdAt": str(NOW // 1000),
        "room": {"sid": f"RM_{number}"},
        "participant": {"sid": f"PA_{number}", "joinedAt": str(NOW // 1000)},
    }
    return receive(SOURCE, Arrival(headers=(), body=orjson.dumps(payload), received_at=NOW))


def poisonous(number: int) -> Delivery:
    """Return a delivery whose second fact cannot be folded: the first one must go with it."""
    facts = [
        Fact(kind=kind, time=NOW, room=f"livekit:RM_{number}", detail=ParticipantDetail(id="PA", may_publish=value))
        for kind, value in ((Kind.PARTICIPANT_JOINED, None), (Kind.PARTICIPANT_UPDATED, ABSURD))
    ]
    one = genuine(number)
    return Delivery(source=one.source, scope=one.scope, key=one.key, received_at=NOW, body=one.body, facts=tuple(facts))


class Watched(Batch):
    """A batch that tells how large the batches were."""

    sizes: list[int]

    def fold(self, loaded: Loaded) -> Changes:
        self.sizes.append(len(self.deliveries))
        return super().fold(loaded)


@pytest.fixture
def sizes() -> list[int]:
    """How large the batches were that were folded."""
    return []


async def settled(folder: Path, batch: list[Delivery], sizes: list[int]) -> tuple[SqliteStore, list[Outcome]]:
    """Commit deliveries that queued up, and return what became of each."""

    def fold(deliveries: list[Delivery]) -> Batch:
        made = Watched(deliveries, Rules())
        made.sizes = sizes
        return made

    store = await SqliteStore.open(f"sqlite:///{folder}/hub.db", fold, lambda: "epoch")
    ingest = Ingest(store, Feed(store, await store.position(), LocalBus(), make_epoch))
    waiting = [asyncio.create_task(ingest.submit(one)) for one in batch]
    await asyncio.sleep(0)
    running = asyncio.create_task(ingest.run())
    try:
        with structlog.testing.capture_logs():
            return store, [await one for one in waiting]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_poison_row_in_the_middle_of_a_full_batch_costs_nobody_else_anything(
    tmp_path: Path, sizes: list[int]
) -> None:
    """255 other meetings are in that batch by chance: they are accepted, in the same transaction, with their events."""
    batch = [genuine(number) for number in range(BATCH_LIMIT)]
    batch[POISON - 1] = poisonous(POISON - 1)
    store, outcomes = await settled(tmp_path, batch, sizes)
    assert (BATCH_LIMIT, sizes) == (256, [256])
    dead = [outcome for outcome in outcomes if outcome.status is not Status.ACCEPTED]
    assert dead == [Outcome(Status.DEAD, POISON, "folding failed: OverflowError")]
    assert [outcome.delivery for outcome in outcomes] == list(range(1, 257))

    page = await store.page(frozenset({"*"}), 0, 1000)
    assert [event.sequence for event in page.events] == list(range(1, 256))
    told = {orjson.loads(event.body)["subject"] for event in page.events}
    assert told == {f"rooms/livekit:RM_{number}" for number in range(256) if number != POISON - 1}
    # Nothing of what came before the poison in the same delivery is there either.
    assert (await store.document(f"rooms/livekit:RM_{POISON - 1}")).documents == ()
    (kept,) = (await store.arrivals(ArrivalQuery(verdict="dead"))).items
    assert (kept.id, kept.reason, kept.events) == (str(POISON), "folding failed: OverflowError", 0)
    await store.close()


async def test_every_row_of_a_batch_may_be_poison(tmp_path: Path, sizes: list[int]) -> None:
    """A provider that changes something sends nothing else for a while; what comes with it is taken."""
    batch = [poisonous(number) for number in range(BATCH_LIMIT - 1)] + [genuine(BATCH_LIMIT)]
    store, outcomes = await settled(tmp_path, batch, sizes)
    assert [outcome.status for outcome in outcomes] == [Status.DEAD] * 255 + [Status.ACCEPTED]
    assert (await store.position()).sequence == 1
    await store.close()


async def test_what_was_poison_is_told_once_it_can_be_folded(tmp_path: Path, sizes: list[int]) -> None:
    """Its bytes were kept for that."""
    store, _ = await settled(tmp_path, [poisonous(1)], sizes)
    kept = await store.arrival("1")
    assert kept is not None
    assert isinstance(kept.original, Delivery)
    assert kept.original.verdict is Verdict.DEAD
    mended = genuine(1)
    again = Delivery(
        source=mended.source,
        scope=kept.original.scope,
        key=kept.original.key,
        received_at=kept.original.received_at,
        body=kept.original.body,
        facts=mended.facts,
        redrive=1,
    )
    committed = await store.commit([again])
    assert [outcome.status for outcome in committed.outcomes] == [Status.ACCEPTED]
    assert [event.topics[0] for event in committed.events] == ["rooms/livekit:RM_1"]
    await store.close()
