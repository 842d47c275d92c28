"""The writer: groups without a timer, answers in order, and whatever fails fails alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from handlers.webhooks import COMMIT_SECONDS
from hub.errors import Overloaded, StorageUnavailable
from hub.events import Delivery, Position, Verdict
from hub.feed import Feed
from hub.ingest import BATCH_LIMIT, BYTES_LIMIT, Ingest
from hub.ports import Committed, Outcome, Status
from hub.stores import make_epoch
from storage.local import LocalBus
from storage.sqlite import SqliteStore
from tests.contracts.plain import Folding, delivery
from tests.memory_spool import MemorySpool
from tests.memory_store import MemoryStore
from tests.searching import search
from tests.unit.hub.viewing import in_no_time

MIB = 1024 * 1024
# What all bodies in flight may hold together, by design.
MEMORY_LIMIT = 64 * MIB


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[structlog.typing.EventDict]]:
    """What was logged, instead of printing it."""
    with structlog.testing.capture_logs() as entries:
        yield entries


class Writing:
    """A writer on a store in memory, running."""

    def __init__(
        self,
        *,
        batch_limit: int = BATCH_LIMIT,
        capacity: int = 4096,
        spool: MemorySpool | None = None,
        store: MemoryStore | None = None,
    ) -> None:
        self.store = store or MemoryStore(Folding())
        self.feed = Feed(self.store, Position(epoch="epoch1", sequence=0), LocalBus(), make_epoch)
        self.spool = spool or MemorySpool()
        self.ingest = Ingest(self.store, self.feed, spool, batch_limit=batch_limit, capacity=capacity)

    async def take(self, one: Delivery) -> Outcome:
        """Hand in what a provider sent."""
        return await self.ingest.submit(one, may_be_spooled=True)

    def submit(self, *deliveries: Delivery) -> list[asyncio.Task[Outcome]]:
        """Hand deliveries in, in their order."""
        return [asyncio.create_task(self.ingest.submit(one)) for one in deliveries]

    async def blocked(self) -> asyncio.Task[Outcome]:
        """Hand one delivery in and return when its commit is held in the store."""
        self.store.commits.hold()
        [first] = self.submit(delivery("blocking"))
        await turns()
        assert self.store.commits.waiting == 1
        return first

    @property
    def batches(self) -> list[list[str]]:
        """The keys of every batch that the store got."""
        return [[one.key for one in batch] for batch in self.store.batches]


@contextlib.asynccontextmanager
async def writing(**parts: Any) -> AsyncIterator[Writing]:
    hub = Writing(**parts)
    running = [asyncio.create_task(work) for work in (hub.ingest.run(), hub.ingest.run_spool(), hub.feed.run())]
    yield hub
    for task in running:
        task.cancel()
    for ended in await asyncio.gather(*running, return_exceptions=True):
        assert ended is None or isinstance(ended, asyncio.CancelledError)


async def turns(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def answers(tasks: list[asyncio.Task[Outcome]]) -> list[Outcome | BaseException]:
    return await asyncio.gather(*tasks, return_exceptions=True)


class TestGrouping:
    """How large a commit is."""

    async def test_a_lone_delivery_is_committed_at_once(self):
        """There is no timer: an idle hub answers as fast as its disk."""
        async with writing() as hub:
            assert (await hub.ingest.submit(delivery("one"))).status is Status.ACCEPTED
            assert hub.batches == [["one"]]

    async def test_what_queued_up_while_a_commit_was_in_flight_is_the_next_one(self):
        """A burst is as large as the last commit was slow, so that a slow store gets fewer commits."""
        async with writing() as hub:
            first = await hub.blocked()
            burst = hub.submit(*(delivery(str(place)) for place in range(10)))
            await turns()
            hub.store.commits.release()
            await answers([first, *burst])
            assert hub.batches == [["blocking"], [str(place) for place in range(10)]]

    async def test_a_batch_is_at_most_so_many_deliveries(self):
        """A commit of any size would take any time."""
        async with writing() as hub:
            first = await hub.blocked()
            burst = hub.submit(*(delivery(str(place)) for place in range(2 * BATCH_LIMIT + 1)))
            await turns()
            hub.store.commits.release()
            await answers([first, *burst])
            assert [len(batch) for batch in hub.batches] == [1, BATCH_LIMIT, BATCH_LIMIT, 1]

    @pytest.mark.parametrize(
        "sizes",
        [
            (BYTES_LIMIT // 2, BYTES_LIMIT // 2, 1),
            (BYTES_LIMIT, 0, 1),
            (16 * MIB, 16 * MIB),
            (1, BYTES_LIMIT - 1, 16 * MIB),
            (BYTES_LIMIT - 1, 2, BYTES_LIMIT - 1),
        ],
    )
    async def test_a_batch_is_at_most_so_many_bytes_unless_it_is_a_single_delivery(self, sizes: tuple[int, ...]):
        """A transaction holds all of its bodies at once, and so does the journal of the store."""
        async with writing() as hub:
            first = await hub.blocked()
            burst = hub.submit(*(delivery(str(place), body=bytes(size)) for place, size in enumerate(sizes)))
            await turns()
            hub.store.commits.release()
            await answers([first, *burst])
            for batch in hub.store.batches:
                assert len(batch) == 1 or sum(len(one.body) for one in batch) <= BYTES_LIMIT

    @search(100)
    @given(
        steps=st.lists(
            st.integers(1, 12).map(lambda number: ("submit", number))
            | st.sampled_from((("hold", 0), ("release", 0), ("turns", 3))),
            max_size=20,
        ),
        batch_limit=st.integers(1, 5),
    )
    async def test_every_delivery_is_committed_once_and_in_the_order_of_arrival(
        self, steps: list[tuple[str, int]], batch_limit: int
    ):
        """The order of the log is the order in which webhooks came."""
        async with writing(batch_limit=batch_limit) as hub:
            waiting: list[asyncio.Task[Outcome]] = []
            for step, number in steps:
                if step == "submit":
                    waiting += hub.submit(*(delivery(str(len(waiting) + place)) for place in range(number)))
                elif step == "turns":
                    await turns(number)
                else:
                    getattr(hub.store.commits, step)()
            hub.store.commits.release()
            outcomes = await asyncio.gather(*waiting)
            keys = [key for batch in hub.batches for key in batch]
            assert keys == [str(place) for place in range(len(waiting))]
            assert [outcome.delivery for outcome in outcomes] == list(range(1, len(waiting) + 1))
            assert max(map(len, hub.batches), default=0) <= batch_limit


class TestAnswers:
    """What callers are told, and when."""

    async def test_every_caller_gets_its_own_outcome(self):
        """A duplicate among new ones, a dead one among good ones: none may get a neighbour's answer."""
        async with writing() as hub:
            first = await hub.blocked()
            dead = delivery("dead", verdict=Verdict.DEAD)
            burst = hub.submit(delivery("a"), delivery("a"), dead, delivery("blocking"), delivery("b"))
            await turns()
            hub.store.commits.release()
            await first
            found = [await task for task in burst]
            assert [(one.status, one.delivery) for one in found] == [
                (Status.ACCEPTED, 2),
                (Status.DUPLICATE, 2),
                (Status.DEAD, 3),
                (Status.DUPLICATE, 1),
                (Status.ACCEPTED, 4),
            ]

    async def test_nobody_is_answered_before_the_commit(self):
        """An answer promises that it is durable."""
        async with writing() as hub:
            first = await hub.blocked()
            await turns(100)
            assert not first.done()
            hub.store.commits.release()
            assert (await first).delivery == 1

    async def test_answers_are_on_their_way_before_viewers_are_told(self):
        """Providers give up after seconds, and viewers may be many: the answers are first in the loop's line."""
        async with writing() as hub:
            order: list[str] = []
            hub.feed.on_growth = lambda: asyncio.get_running_loop().call_soon(order.append, "viewers")

            async def ask(key: str) -> None:
                await hub.ingest.submit(delivery(key, "rooms"))
                order.append(key)

            hub.store.commits.hold()
            async with asyncio.TaskGroup() as asking:
                for key in ("lone", "a", "b", "c"):
                    asking.create_task(ask(key))
                    await turns()
                hub.store.commits.release()
            await turns()
            assert order == ["lone", "viewers", "a", "b", "c", "viewers"]

    async def test_what_is_committed_is_in_the_feed_as_soon_as_it_is_answered(self):
        """Viewers of this process need not wait for it to look at the store."""
        async with writing() as hub:
            await hub.ingest.submit(delivery("one", "rooms"))
            assert hub.feed.head == 1

    async def test_what_adds_no_event_disturbs_no_viewer(self):
        """Providers repeat themselves a lot."""
        async with writing() as hub:
            grown: list[int] = []
            hub.feed.on_growth = lambda: grown.append(hub.feed.head)
            for _ in range(5):
                await hub.ingest.submit(delivery("one", "rooms"))
            assert grown == [1]


class TestSettled:
    """Who follows what arrives."""

    async def test_is_told_of_each_delivery_with_its_outcome_in_order(self):
        """Copies and dead ones too; the log says nothing of these."""
        async with writing() as hub:
            told: list[tuple[str, Status]] = []
            hub.ingest.on_settled = lambda settled: told.extend((one.key, outcome.status) for one, outcome in settled)
            dead = delivery("dead", verdict=Verdict.DEAD)
            await answers(hub.submit(delivery("a", "rooms"), delivery("a"), dead))
            await turns()
            assert told == [("a", Status.ACCEPTED), ("a", Status.DUPLICATE), ("dead", Status.DEAD)]

    async def test_is_told_of_nothing_that_was_not_kept(self):
        """It will come again."""
        async with writing() as hub:
            told: list[str] = []
            hub.ingest.on_settled = lambda settled: told.extend(one.key for one, _ in settled)
            hub.store.problem = "the disk is full"
            await answers(hub.submit(delivery("a")))
            hub.store.problem = ""
            await answers(hub.submit(delivery("b")))
            await turns()
            assert told == ["b"]

    async def test_is_told_when_the_events_are_in_the_feed(self):
        """Who follows both sees an event and its delivery in one turn."""
        async with writing() as hub:
            heads: list[int] = []
            hub.ingest.on_settled = lambda settled: heads.append(hub.feed.head)
            await answers(hub.submit(delivery("a", "rooms")))
            await turns()
            assert heads == [1]


class TestBounds:
    """What may wait."""

    async def test_more_than_fits_is_refused_at_once(self):
        """The provider gets 503 and sends it again; a queue without a bound would end in the kernel's hands."""
        async with writing(capacity=3) as hub:
            first = await hub.blocked()
            burst = hub.submit(*(delivery(str(place)) for place in range(5)))
            await turns()
            refused = [task for task in burst if task.done()]
            assert [type(task.exception()) for task in refused] == [Overloaded, Overloaded]
            assert refused == burst[3:]
            hub.store.commits.release()
            await answers([first, *burst[:3]])
            assert hub.batches == [["blocking"], ["0", "1", "2"]]

    async def test_there_is_room_again_when_the_store_is_back(self):
        """Being refused once says nothing about the next time."""
        async with writing(capacity=1) as hub:
            first = await hub.blocked()
            waiting, refused = hub.submit(delivery("waits"), delivery("refused"))
            await turns()
            assert isinstance(refused.exception(), Overloaded)
            hub.store.commits.release()
            await answers([first, waiting])
            assert (await hub.ingest.submit(delivery("refused"))).status is Status.ACCEPTED

    async def test_what_waits_is_bounded_in_bytes_whether_or_not_its_senders_still_wait(self):
        """Callers give up after two seconds and let go of their share of the memory; what they left here stays."""
        async with writing() as hub:
            first = await hub.blocked()
            body = bytes(MIB)
            accepted = 0
            for place in range(200):
                [task] = hub.submit(delivery(str(place), body=body))
                await turns(2)
                if task.done():
                    assert isinstance(task.exception(), Overloaded)
                    continue
                accepted += 1
                task.cancel()
            hub.store.commits.release()
            await first
            assert accepted * MIB <= MEMORY_LIMIT


class TestFailures:
    """The store does not take it."""

    async def test_every_waiter_of_a_batch_hears_that_the_store_is_away(self):
        """Nothing was promised, and each provider sends again."""
        async with writing() as hub:
            first = await hub.blocked()
            burst = hub.submit(*(delivery(str(place)) for place in range(5)))
            await turns()
            hub.store.problem = "the disk is full"
            hub.store.commits.release()
            found = await answers([first, *burst])
            assert [type(one) for one in found] == [StorageUnavailable] * 6
            assert len({id(one) for one in found}) == 6
            assert hub.ingest.problem == "the disk is full"

    async def test_the_writer_goes_on_after_a_failure(self):
        """A store comes back, and so must the hub, without being restarted."""
        async with writing() as hub:
            hub.store.problem = "locked"
            with pytest.raises(StorageUnavailable):
                await hub.ingest.submit(delivery("one"))
            hub.store.problem = ""
            assert (await hub.ingest.submit(delivery("one"))).status is Status.ACCEPTED
            assert hub.ingest.problem == ""

    async def test_a_caller_that_gave_up_disturbs_nobody(self):
        """Providers close connections; what they sent may be committed all the same."""
        async with writing() as hub:
            first = await hub.blocked()
            burst = hub.submit(*(delivery(str(place)) for place in range(5)))
            await turns()
            for task in (first, burst[0], burst[3]):
                task.cancel()
            await turns()
            hub.store.commits.release()
            found = await answers(burst)
            assert [one.delivery if isinstance(one, Outcome) else type(one) for one in found] == [
                asyncio.CancelledError,
                3,
                4,
                asyncio.CancelledError,
                6,
            ]
            assert (await hub.ingest.submit(delivery("0"))).status is Status.DUPLICATE

    async def test_a_caller_that_gave_up_does_not_spoil_a_failure_either(self):
        """The others still have to hear of it."""
        async with writing() as hub:
            first = await hub.blocked()
            burst = hub.submit(delivery("a"), delivery("b"))
            await turns()
            burst[0].cancel()
            hub.store.problem = "away"
            hub.store.commits.release()
            found = await answers([first, *burst])
            assert [type(one) for one in found] == [StorageUnavailable, asyncio.CancelledError, StorageUnavailable]


class TestPoison:
    """One delivery that the store refuses for what it says."""

    @staticmethod
    def refuse(hub: Writing, *keys: str, even_dead: bool = False) -> None:
        hub.store.refuses = lambda one: one.key in keys and (even_dead or one.verdict is not Verdict.DEAD)

    async def test_it_is_kept_dead_and_its_neighbours_are_accepted(self):
        """Somebody else's webhook must not fail because of it, and its bytes are worth keeping."""
        async with writing() as hub:
            self.refuse(hub, "bad", "worse")
            first = await hub.blocked()
            burst = hub.submit(*(delivery(key, "rooms") for key in ("a", "bad", "b", "worse", "c")))
            await turns()
            hub.store.commits.release()
            await first
            found = [await task for task in burst]
            assert [one.status.value for one in found] == ["accepted", "dead", "accepted", "dead", "accepted"]
            assert [one.delivery for one in found] == [2, 3, 4, 5, 6]
            assert found[1].reason == "could not be stored: ValueError"
            kept = hub.store.kept.deliveries[3].delivery
            assert (kept.key, kept.verdict, kept.body) == ("bad", Verdict.DEAD, b"{}")
            assert hub.feed.head == 4

    async def test_it_is_known_when_it_comes_again(self):
        """A provider that repeats it hears duplicate, and nothing is tried in vain."""
        async with writing() as hub:
            self.refuse(hub, "bad")
            assert (await hub.ingest.submit(delivery("bad"))).status is Status.DEAD
            hub.store.refuses = lambda _: False
            assert (await hub.ingest.submit(delivery("bad"))).status is Status.DUPLICATE

    async def test_one_that_cannot_even_be_kept_fails_alone(self):
        """Its neighbours are as good as any, before it and behind it."""
        async with writing() as hub:
            self.refuse(hub, "bad", even_dead=True)
            first = await hub.blocked()
            burst = hub.submit(*(delivery(key, "rooms") for key in ("a", "bad", "b")))
            await turns()
            hub.store.commits.release()
            await first
            found = await answers(burst)
            assert [type(one) for one in found] == [Outcome, StorageUnavailable, Outcome]
            assert hub.feed.head == 3

    async def test_what_it_said_is_not_logged(self, logged: list[structlog.typing.EventDict]):
        """Logs are read by more people than may read what is said in a meeting."""
        async with writing() as hub:
            self.refuse(hub, "bad")
            await hub.ingest.submit(delivery("bad", body=b"a secret"))
            assert [entry["event"] for entry in logged] == ["ingest.refused"]
            assert "secret" not in str(logged)

    async def test_the_writer_goes_on_after_it(self):
        """Whatever bytes arrive, the next ones are served."""
        async with writing() as hub:
            self.refuse(hub, "bad", even_dead=True)
            with pytest.raises(StorageUnavailable):
                await hub.ingest.submit(delivery("bad"))
            assert (await hub.ingest.submit(delivery("good"))).status is Status.ACCEPTED

    async def test_a_store_that_goes_away_in_the_middle_leaves_nobody_waiting(self):
        """Who was committed before that may be told to send again, and is then known."""
        async with writing() as hub:

            def refuse(one: Delivery) -> bool:
                if one.key == "b" and len(hub.store.batches[-1]) == 1:
                    raise StorageUnavailable("away")
                return one.key == "bad" and one.verdict is not Verdict.DEAD

            hub.store.refuses = refuse
            first = await hub.blocked()
            burst = hub.submit(*(delivery(key, "rooms") for key in ("a", "bad", "b")))
            await turns()
            hub.store.commits.release()
            await first
            found = await answers(burst)
            assert {type(one) for one in found} <= {Outcome, StorageUnavailable}
            assert isinstance(found[2], StorageUnavailable)
            hub.store.refuses = lambda _: False
            again = [await hub.ingest.submit(delivery(key, "rooms")) for key in ("a", "bad", "b")]
            assert [one.status.value for one in again] == ["duplicate", "duplicate", "accepted"]


class TestClosing:
    """The hub stops."""

    async def test_everything_that_waits_is_settled_first(self):
        """A delivery that was taken in is not left behind by a deploy."""
        async with writing(batch_limit=2) as hub:
            first = await hub.blocked()
            burst = hub.submit(*(delivery(str(place)) for place in range(5)))
            await turns()
            closing = asyncio.create_task(hub.ingest.close())
            await turns()
            assert not closing.done()
            hub.store.commits.release()
            await closing
            await turns()
            assert [task.result().status for task in (first, *burst)] == [Status.ACCEPTED] * 6

    async def test_failures_count_as_settled(self):
        """A store that is away must not keep the hub from stopping."""
        async with writing() as hub:
            first = await hub.blocked()
            closing = asyncio.create_task(hub.ingest.close())
            await turns()
            hub.store.problem = "away"
            hub.store.commits.release()
            await closing
            assert isinstance((await answers([first]))[0], StorageUnavailable)

    async def test_nothing_more_is_taken(self):
        """It would wait for a writer that is about to go."""
        async with writing() as hub:
            await hub.ingest.close()
            with pytest.raises(Overloaded, match="stopping"):
                await hub.ingest.submit(delivery("late"))
            assert hub.batches == []


class TestOnSqlite:
    """The same with the store that is shipped."""

    async def test_deliveries_are_durable_and_in_the_feed(self, tmp_path: Path):
        """The parts fit."""
        folding = Folding()
        store = await SqliteStore.open(f"sqlite:///{tmp_path}/hub.db", folding, lambda: "epoch1")
        feed = Feed(store, await store.position(), LocalBus(), make_epoch)
        ingest = Ingest(store, feed)
        running = asyncio.create_task(ingest.run())
        outcomes = await asyncio.gather(*(ingest.submit(delivery(str(one), "rooms")) for one in range(600)))
        assert [one.delivery for one in outcomes] == list(range(1, 601))
        await ingest.close()
        running.cancel()
        await store.close()
        again = await SqliteStore.open(f"sqlite:///{tmp_path}/hub.db", folding, lambda: "epoch2")
        assert await again.position() == Position(epoch="epoch1", sequence=600) == feed.position
        await again.close()

    @pytest.mark.parametrize(
        "spoilt",
        [
            {"provider_type": "\ud800"},
            {"key": "\udcff"},
            {"key": "\0"},
            {"headers": (("topic", "rooms/\udcff"),)},
        ],
        ids=str,
    )
    async def test_values_that_no_column_takes_fail_alone(self, tmp_path: Path, spoilt: dict[str, object]):
        """Header values may be bytes that are no UTF-8; whatever arrives, its neighbours are kept."""
        store = await SqliteStore.open(f"sqlite:///{tmp_path}/hub.db", Folding(), lambda: "epoch1")
        ingest = Ingest(store, Feed(store, await store.position(), LocalBus(), make_epoch))
        batch = [
            delivery("a", "rooms"),
            msgspec.structs.replace(delivery("bad", "rooms"), **spoilt),
            delivery("b", "rooms"),
        ]
        waiting = [asyncio.create_task(ingest.submit(one)) for one in batch]
        await turns()
        running = asyncio.create_task(ingest.run())
        found = await answers(waiting)
        running.cancel()
        await store.close()
        assert [one.status for one in (found[0], found[2]) if isinstance(one, Outcome)] == [Status.ACCEPTED] * 2


def webhook(key: str, *topics: str, **fields: Any) -> Delivery:
    return delivery(key, *(topics or ("rooms",)), **fields)


class LosingAnswers(MemoryStore):
    """A store whose answers get lost: what it says is done, and nobody hears of it."""

    lost: Callable[[], Coroutine[None, None, None]] | None = None

    async def commit(self, deliveries: Sequence[Delivery]) -> Committed:
        """Commit, and let the answer get lost in the way that the test says."""
        answer = await super().commit(deliveries)
        if self.lost and deliveries:
            await self.lost()
        return answer


async def broken_off() -> None:
    raise StorageUnavailable("the connection broke")


async def never() -> None:
    await asyncio.Event().wait()


async def test_it_is_known_since_when_something_waits():
    """In memory or on the disk: somebody who looks wants to know how late things are."""
    async with writing(spool=MemorySpool()) as hub:
        assert hub.ingest.oldest is None
        await hub.blocked()
        waiting = hub.submit(delivery("first", received_at=8), delivery("second", received_at=9))
        await turns()
        assert hub.ingest.oldest == 8
        await hub.spool.append([delivery("spooled", received_at=7)])
        assert hub.ingest.oldest == 7
        hub.store.commits.release()
        await asyncio.gather(*waiting)


class TestSpool:
    """The store is away, and providers do not wait."""

    async def test_a_webhook_is_accepted_without_a_number(self):
        """It is on the disk; its number is the store's to give."""
        async with writing(spool=MemorySpool()) as hub:
            hub.store.problem = "away"
            assert await hub.take(webhook("a")) == Outcome(Status.ACCEPTED, 0)
            assert (hub.spool.keys, hub.ingest.spooled) == (["a"], 1)

    async def test_what_is_dead_is_answered_as_dead(self):
        """A sender whose body is not JSON hears of it whether or not the store is there."""
        async with writing(spool=MemorySpool()) as hub:
            hub.store.problem = "away"
            dead = webhook("a", verdict=Verdict.DEAD)
            dead = msgspec.structs.replace(dead, reason="the body is not JSON")
            assert await hub.take(dead) == Outcome(Status.DEAD, 0, "the body is not JSON")

    async def test_what_may_not_be_spooled_hears_that_the_store_is_away(self):
        """Somebody who changes something wants to see it changed."""
        async with writing(spool=MemorySpool()) as hub:
            hub.store.problem = "away"
            for _ in range(2):
                with pytest.raises(StorageUnavailable, match="away"):
                    await hub.ingest.submit(webhook("a"))
            assert hub.spool.keys == []

    async def test_each_of_a_batch_is_answered_for_itself(self):
        """They met by chance."""
        async with writing(spool=MemorySpool(limit=2)) as hub:
            first = await hub.blocked()
            burst = [
                asyncio.create_task(hub.ingest.submit(webhook(str(place)), may_be_spooled=place != 1))
                for place in range(4)
            ]
            await turns()
            hub.store.problem = "away"
            hub.store.commits.release()
            found = await answers([first, *burst])
            shown = [type(one) if isinstance(one, BaseException) else one.delivery for one in found]
            assert shown == [StorageUnavailable, 0, StorageUnavailable, 0, Overloaded]

    async def test_a_full_spool_refuses_as_everything_that_is_full(self):
        """The disk is the hub's too, and its owner must see which of both is at its end."""
        async with writing(spool=MemorySpool(limit=1)) as hub:
            hub.store.problem = "away"
            await hub.take(webhook("a"))
            with pytest.raises(Overloaded, match="full"):
                await hub.take(webhook("b"))

    async def test_a_disk_that_does_not_take_it_either_is_our_trouble(self):
        """200 would be a lie."""
        async with writing(spool=MemorySpool()) as hub:
            hub.store.problem, hub.spool.problem = "away", "the disk is broken"
            with pytest.raises(StorageUnavailable, match="the disk is broken"):
                await hub.take(webhook("a"))

    def test_a_store_that_is_slow_is_waited_for_and_no_longer_than_providers_wait(self):
        """They give up after a few seconds, and a store that is merely busy keeps the order of what arrives."""

        async def live() -> tuple[float, Outcome]:
            async with writing(spool=MemorySpool()) as hub:
                hub.store.commits.hold()
                outcome = await hub.take(webhook("a"))
                return asyncio.get_running_loop().time(), outcome

        waited, outcome = in_no_time(live)
        assert outcome == Outcome(Status.ACCEPTED, 0)
        assert 1.0 <= waited <= 1.5 < COMMIT_SECONDS

    def test_a_store_that_answers_in_that_time_keeps_it_itself(self):
        """One second is a slow store, not one that is away."""

        async def live() -> Outcome:
            async with writing(spool=MemorySpool()) as hub:
                hub.store.commits.hold()
                asyncio.get_running_loop().call_later(1.0, hub.store.commits.release)
                return await hub.take(webhook("a"))

        assert in_no_time(live) == Outcome(Status.ACCEPTED, 1)

    def test_everybody_is_answered_in_time_while_the_store_hangs(self):
        """One that hangs takes every question and answers none, also the question whether it is back."""

        async def live() -> list[float]:
            waited = []
            async with writing(spool=MemorySpool()) as hub:
                hub.store.commits.hold()
                for place in range(30):
                    begun = asyncio.get_running_loop().time()
                    assert (await hub.take(webhook(str(place)))).delivery == 0
                    waited.append(asyncio.get_running_loop().time() - begun)
                    await asyncio.sleep(1.37)
            return waited

        assert max(in_no_time(live)) < COMMIT_SECONDS

    def test_a_store_that_is_known_to_be_away_is_not_tried_with_each_batch(self):
        """Each try would cost a provider more than a second."""

        async def live() -> tuple[list[float], int]:
            waited = []
            async with writing(spool=MemorySpool()) as hub:
                hub.store.problem = "away"
                await hub.take(webhook("first"))
                for place in range(20):
                    begun = asyncio.get_running_loop().time()
                    await hub.take(webhook(str(place)))
                    waited.append(asyncio.get_running_loop().time() - begun)
                return waited, sum(map(len, hub.store.batches))

        waited, tried = in_no_time(live)
        assert (max(waited), tried) == (0, 1)

    def test_when_the_store_is_back_it_gets_what_was_spooled(self):
        """And viewers see it, in the order in which it came."""

        async def live() -> None:
            async with writing(spool=MemorySpool()) as hub:
                hub.store.problem = "away"
                for key in "abc":
                    await hub.take(webhook(key, body=b'{"of":"%b"}' % key.encode()))
                hub.store.problem = ""
                await asyncio.sleep(2.5)
                assert [event.body for event in hub.feed.since(0) or []] == [
                    b'{"of":"%b"}' % key for key in (b"a", b"b", b"c")
                ]
                assert (hub.ingest.spooled, hub.ingest.problem) == (0, "")
                assert await hub.take(webhook("d")) == Outcome(Status.ACCEPTED, 4)

        in_no_time(live)

    def test_what_was_there_already_is_a_duplicate(self):
        """The provider sent it to another process as well, or once more when the store was back."""

        async def live() -> None:
            async with writing(spool=MemorySpool()) as hub:
                await hub.take(webhook("a"))
                hub.store.problem = "away"
                for key in ("a", "b", "b"):
                    await hub.take(webhook(key))
                hub.store.problem = ""
                await asyncio.sleep(2.5)
                assert [known.delivery for known in hub.store.kept.known.values()] == [1, 2]
                assert (hub.feed.head, await hub.take(webhook("b"))) == (2, Outcome(Status.DUPLICATE, 2))

        in_no_time(live)

    @pytest.mark.parametrize("lost", [broken_off, never])
    def test_what_was_committed_though_the_answer_was_lost_is_one_event(
        self, lost: Callable[[], Coroutine[None, None, None]]
    ):
        """It is spooled too, because nobody could know."""

        async def live() -> None:
            store = LosingAnswers(Folding())
            async with writing(spool=MemorySpool(), store=store) as hub:
                store.lost = lost
                assert (await hub.take(webhook("a"))).delivery == 0
                assert store.kept.head == 1
                store.lost = None
                await asyncio.sleep(4)
                assert (store.kept.head, hub.feed.head, hub.ingest.spooled) == (1, 1, 0)

        in_no_time(live)

    @pytest.mark.parametrize("even_dead", [False, True])
    def test_one_that_the_store_refuses_does_not_keep_the_others_from_it(self, even_dead: bool):
        """It came while the store was away, so nobody could know; behind it lie hours of webhooks."""

        async def live() -> None:
            async with writing(spool=MemorySpool()) as hub:
                TestPoison.refuse(hub, "bad", even_dead=even_dead)
                hub.store.problem = "away"
                for place in range(300):
                    await hub.take(webhook(str(place)))
                    if place == 10:
                        await hub.take(webhook("bad"))
                hub.store.problem = ""
                await asyncio.sleep(5)
                assert hub.feed.head == 300
                assert await hub.take(webhook("next")) == Outcome(Status.ACCEPTED, 301 if even_dead else 302)

        in_no_time(live)

    def test_one_that_the_store_refuses_for_ever_is_not_let_go(self):
        """Its sender was told that it is kept; the next version of the hub may know what to do with it."""

        async def live() -> None:
            async with writing(spool=MemorySpool()) as hub:
                TestPoison.refuse(hub, "bad", even_dead=True)
                hub.store.problem = "away"
                await hub.take(webhook("bad"))
                hub.store.problem = ""
                await asyncio.sleep(5)
                assert hub.spool.keys == ["bad"]
                hub.store.refuses = lambda _: False
                await asyncio.sleep(62)
                assert (hub.spool.keys, hub.feed.head) == ([], 1)

        in_no_time(live)

    def test_what_takes_too_long_together_is_handed_over_in_parts(self):
        """The same again would take as long again, and hold up all others each time."""

        async def live() -> int:
            async with writing(spool=MemorySpool()) as hub:
                hub.store.problem = "away"
                await asyncio.gather(*(hub.take(webhook(f"one{number}")) for number in range(100)))
                hub.store.problem = ""
                hub.store.slow_above = 20
                await asyncio.sleep(60)
                assert hub.spool.keys == []
                return hub.feed.head

        assert in_no_time(live) == 100

    async def test_one_that_the_store_refuses_while_it_works_is_not_spooled(self):
        """It would be answered for and never be in the log; now its sender knows."""
        async with writing(spool=MemorySpool()) as hub:
            TestPoison.refuse(hub, "bad", even_dead=True)
            with pytest.raises(StorageUnavailable):
                await hub.take(webhook("bad"))
            assert (hub.spool.keys, hub.ingest.problem) == ([], "")
            assert await hub.take(webhook("good")) == Outcome(Status.ACCEPTED, 1)

    def test_a_spool_that_does_not_work_is_no_trouble_of_the_store(self):
        """A store that works must not be left alone because of a disk that nobody needs while it does."""

        async def live() -> list[int]:
            async with writing(spool=MemorySpool()) as hub:
                hub.spool.problem = "the disk is broken"
                numbers = []
                for place in range(40):
                    numbers.append((await hub.take(webhook(str(place)))).delivery)
                    await asyncio.sleep(0.1)
                assert (hub.ingest.problem, hub.ingest.spool_problem) == ("", "the disk is broken")
                hub.spool.problem = ""
                await asyncio.sleep(1.5)
                assert hub.ingest.spool_problem == ""
                return numbers

        assert in_no_time(live) == list(range(1, 41))

    def test_a_store_that_goes_away_while_it_is_handed_over_gets_all_of_it_later(self):
        """What was not taken is still in the file."""

        async def live() -> None:
            async with writing(spool=MemorySpool()) as hub:
                hub.store.problem = "away"
                for place in range(600):
                    await hub.take(webhook(str(place)))
                going = ["away again"]

                def go_away(one: Delivery) -> bool:
                    if one.key == "400" and going:
                        hub.store.problem = going.pop()
                        raise StorageUnavailable(hub.store.problem)
                    return False

                hub.store.refuses, hub.store.problem = go_away, ""
                await asyncio.sleep(2.5)
                assert (hub.ingest.problem, 0 < hub.store.kept.head < 600) == ("away again", True)
                hub.store.problem = ""
                await asyncio.sleep(3)
                assert (hub.store.kept.head, hub.feed.head, hub.spool.keys) == (600, 600, [])

        in_no_time(live)

    def test_whoever_follows_what_arrives_is_told_once_it_has_a_number(self):
        """Without one nobody could look it up."""

        async def live() -> list[tuple[str, int]]:
            told: list[tuple[str, int]] = []
            async with writing(spool=MemorySpool()) as hub:
                hub.ingest.on_settled = lambda settled: told.extend((one.key, what.delivery) for one, what in settled)
                hub.store.problem = "away"
                await hub.take(webhook("a"))
                await turns()
                assert told == []
                hub.store.problem = ""
                await asyncio.sleep(2.5)
            return told

        assert in_no_time(live) == [("a", 1)]

    async def test_without_one_a_webhook_hears_that_the_store_is_away(self):
        """The provider sends it again."""
        async with writing() as hub:
            hub.store.problem = "away"
            with pytest.raises(StorageUnavailable):
                await hub.take(webhook("a"))
            assert hub.ingest.spooled == 0


class TestProbing:
    """Whether the store is back."""

    @pytest.mark.parametrize("with_spool", [False, True])
    def test_it_is_found_out_although_nothing_arrives(self, with_spool: bool):
        """A balancer and every viewer are told that something is broken until it is."""

        async def live() -> str:
            async with writing(spool=MemorySpool() if with_spool else None) as hub:
                hub.store.problem = "away"
                await answers([asyncio.create_task(hub.ingest.submit(webhook("a")))])
                assert hub.ingest.problem == "away"
                hub.store.problem = ""
                await asyncio.sleep(2.5)
                return hub.ingest.problem

        assert in_no_time(live) == ""


class TestRefusals:
    """How many callers were not told that their delivery is taken."""

    async def test_who_gives_up_and_who_is_refused_are_counted(self):
        """Their webhooks may be lost: providers are asked what they told, once the store is back."""
        async with writing(capacity=1) as hub:
            first = await hub.blocked()
            [given_up] = hub.submit(delivery("given up"))
            await turns()
            with pytest.raises(Overloaded):
                await hub.ingest.submit(delivery("one too many"))
            assert hub.ingest.refused == 1
            given_up.cancel()
            await turns()
            assert hub.ingest.refused == 2
            hub.store.commits.release()
            await first
            assert hub.ingest.refused == 2
