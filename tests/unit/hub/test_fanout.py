"""The fan-out: whatever happens in whichever order, every viewer sees every event of its topics once and in order."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from hub.desk import Grant, Wish
from hub.events import Event, Position
from hub.ingest import Ingest
from hub.notices import Notice
from hub.ports import Document
from hub.subscriber import Subscriber
from hub.wire import Form
from tests.contracts.plain import Folding, delivery
from tests.memory_bus import Air
from tests.memory_store import MemoryStore
from tests.searching import search
from tests.unit.hub.renaming import Renaming
from tests.unit.hub.viewing import NEVER, NOON, Hub, Link, LoopClock, in_no_time, turns, until
from tests.unit.hub.watching import ROOMS, Scene, said, scene
from tests.unit.hub.worlds import ENTITIES, WANTED, World

DELIVERIES = frozenset({"deliveries"})
SECOND_OF_NOON = NOON // 1000
DAY = 24 * 3600

ANYBODY, NODE = st.integers(0, 3), st.integers(0, 1)
GATES = st.sampled_from(("reads", "answers"))
SECONDS = st.sampled_from((0.5, 2))


def step(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(name), *arguments)


COMMIT = step("commit", st.text("".join(ENTITIES), min_size=1, max_size=5), st.none() | NODE)
CONNECT = step(
    "connect",
    ANYBODY,
    NODE,
    st.booleans(),
    st.sampled_from((0, 0, 200, 2000)),
    st.sampled_from((False,) * 9 + (True,)),
)
TURN = step("turn", st.integers(1, 12))
TAKE, POLL, RELEASE = step("take", ANYBODY, st.just(True)), step("poll", NODE), step("release", GATES)
PLAIN_STEPS = (
    *(COMMIT, TURN) * 12,
    *(CONNECT,) * 8,
    *(TAKE, POLL, RELEASE, step("leave", ANYBODY, st.booleans())) * 4,
    *(step("hear", NODE, st.integers(1, 4)), step("stall", ANYBODY), step("take", ANYBODY, st.just(False))) * 2,
    *(step("ask", ANYBODY, st.integers(0, len(WANTED) - 1)),) * 3,
    *(step("wait", SECONDS), step("trim", st.integers(1, 6)), step("hold", GATES)) * 2,
    step("forget", ANYBODY),
    step("fail", st.integers(0, 8)),
    step("restart", NODE),
    step("restore", st.integers(0, 20)),
)
ENDING_STEPS = (
    *(step("wait", st.sampled_from((5, 20, 40))), step("tick", NODE)) * 4,
    step("drain", NODE),
    step("restart", NODE),
)
BURST = step("burst", st.sampled_from(tuple(ENTITIES)), st.sampled_from((255, 256, 257, 600)), st.none() | NODE)


def viewers(lives: st.SearchStrategy[int | None]) -> st.SearchStrategy[list[tuple[int, Form, int | None]]]:
    one = st.tuples(st.integers(0, len(WANTED) - 1), st.sampled_from(tuple(Form)), lives)
    return st.lists(one, min_size=1, max_size=4)


def many(*choices: st.SearchStrategy[tuple[Any, ...]]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Draw long stories mostly: left alone, lists are short, and nothing happens in them."""
    # Some are there several times, because they shall be drawn more often; one_of would draw them all alike.
    one = st.integers(0, len(choices) - 1).flatmap(lambda place: choices[place])
    return st.lists(one, max_size=8) | st.lists(one, min_size=25, max_size=60) | st.lists(one, min_size=50, max_size=80)


def live(crowd: list[tuple[int, Form, int | None]], steps: list[tuple[Any, ...]], **limits: float) -> None:
    """Let a world live from beginning to end."""

    async def live_through() -> None:
        await World(crowd, **limits).live(steps)  # type: ignore[arg-type]  # some limits are whole

    with structlog.testing.capture_logs():
        asyncio.run(live_through())


class TestEveryViewer:
    """The promise that everything else serves."""

    @search(300, suppress_health_check=[HealthCheck.too_slow])
    @given(
        crowd=viewers(st.none()),
        steps=many(*PLAIN_STEPS),
        heartbeat=st.sampled_from((0.0, NEVER)),
        tail=st.integers(1, 6),
        page_size=st.integers(1, 3),
    )
    def test_sees_everything_once_and_in_order_whatever_happens(
        self,
        crowd: list[tuple[int, Form, int | None]],
        steps: list[tuple[Any, ...]],
        heartbeat: float,
        tail: int,
        page_size: int,
    ):
        """Through stalls, cuts, restarts, trimming, lost messages and restored backups, at any node."""
        live(crowd, steps, heartbeat=heartbeat, tail=tail, page_size=page_size)

    @search(150, suppress_health_check=[HealthCheck.too_slow])
    @given(
        crowd=viewers(st.sampled_from((None, 10, 30, 100))),
        steps=many(*PLAIN_STEPS, *ENDING_STEPS),
        heartbeat=st.sampled_from((0.0, NEVER)),
        tail=st.integers(1, 6),
    )
    def test_sees_nothing_after_it_was_told_to_go_or_its_permission_has_ended(
        self,
        crowd: list[tuple[int, Form, int | None]],
        steps: list[tuple[Any, ...]],
        heartbeat: float,
        tail: int,
    ):
        """At whatever moment that is, and everything once and in order when it comes back."""
        live(crowd, steps, heartbeat=heartbeat, tail=tail)

    @search(60, suppress_health_check=[HealthCheck.too_slow])
    @given(
        crowd=viewers(st.none()),
        steps=many(*PLAIN_STEPS, BURST, BURST, BURST),
        heartbeat=st.sampled_from((0.0, NEVER)),
        tail=st.sampled_from((1, 100, 1000)),
        max_lag=st.sampled_from((1, 200, 300, NEVER)),
    )
    def test_loses_its_place_by_being_slow_only_when_it_is_far_behind(
        self,
        crowd: list[tuple[int, Form, int | None]],
        steps: list[tuple[Any, ...]],
        heartbeat: float,
        tail: int,
        max_lag: float,
    ):
        """Bursts larger than a page, than the memory and than the limit."""
        live(crowd, steps, heartbeat=heartbeat, tail=tail, max_lag=max_lag, page_size=100)


class TestDelivery:
    """Who is written what."""

    async def test_members_of_a_group_are_written_the_same_object(self):
        """Ten thousand viewers of one room are one encoding and one piece of memory."""
        async with scene() as now:
            links = [now.join(form=form) for form in Form for _ in range(3)]
            await turns()
            for _ in range(3):
                now.happen()
            await turns()
            for form in Form:
                pieces = {id(link.pieces[-1]) for link in links if link.form is form}
                assert len(pieces) == 1
            assert {tuple(link.names) for link in links} == {("hello", "1", "2", "3")}

    async def test_one_event_is_one_object_for_all_groups(self):
        """Whoever sees it, for whichever reason, sees the same bytes."""
        async with scene() as now:
            links = [now.join(topics) for topics in (ROOMS, frozenset({"*"}), frozenset({"rooms/a"}))]
            await turns()
            now.happen()
            await turns()
            assert len({id(link.pieces[-1]) for link in links}) == 1

    async def test_what_is_due_leaves_in_one_write(self):
        """Each write is a system call and a packet."""
        async with scene() as now:
            link = now.join()
            await turns()
            now.hub.feed.publish([now.store.append("rooms/a", "rooms") for _ in range(50)])
            await turns()
            assert len(link.pieces) == 2
            assert len(link.blocks) == 51

    async def test_an_event_that_matches_twice_is_written_once(self):
        """A session, its durable room and its collection are topics of the same event."""
        async with scene() as now:
            link = now.join(frozenset({"rooms/a", "rooms/s@d", "rooms/b"}))
            await turns()
            for _ in range(2):
                now.happen("rooms/a", "rooms/s@d", "rooms")
            await turns()
            assert link.names == ["hello", "1", "2"]

    async def test_what_does_not_match_is_not_written(self):
        """A viewer of one room must not learn of another."""
        async with scene() as now:
            link = now.join(frozenset({"rooms/a"}))
            await turns()
            for name in ("rooms/ab", "rooms/A", "bots/a", "rooms/a"):
                now.happen(name, name.partition("/")[0])
            await turns()
            assert link.names == ["hello", "4"]

    async def test_a_burst_that_memory_does_not_hold_is_read_from_the_store(self):
        """Everybody was live, and everybody misses it."""
        async with scene(tail=5) as now:
            links = [now.join() for _ in range(5)]
            await turns()
            now.hub.feed.publish([now.store.append("rooms/a", "rooms") for _ in range(600)])
            await turns(60)
            now.happen()
            await turns()
            for link in links:
                assert link.names == ["hello", *map(str, range(1, 602))]

    async def test_a_webhook_is_answered_before_its_first_viewer_is_written_to(self):
        """A provider gives up after seconds and sends again; a viewer waits."""
        async with scene() as now:
            link = now.join()
            order: list[str] = []
            link.on_write = lambda: order.append("viewer")
            await turns()
            ingest = Ingest(now.store, now.hub.feed)
            writing = asyncio.create_task(ingest.run())

            async def ask(key: str) -> None:
                await ingest.submit(delivery(key, "rooms"))
                # What a handler and its server take until the answer is written.
                await asyncio.sleep(0)
                order.append("answer")

            async with asyncio.TaskGroup() as asking:
                for place in range(5):
                    asking.create_task(ask(str(place)))
            await turns()
            writing.cancel()
            assert order == ["viewer", *["answer"] * 5, "viewer"]


def notices(number: int, first: int = 1) -> list[Notice]:
    """Return what there is to show of some deliveries."""
    return [Notice(id=str(first + place), verdict="accepted", source="s", received_at=NOON) for place in range(number)]


def subjects(link: Link) -> list[str]:
    """Return the ids of the deliveries that a viewer was shown."""
    values = [block.value for block in link.blocks if not block.name and block.id is None]
    return [value["subject"].removeprefix("deliveries/") for value in values]


class TestDeliveries:
    """What just arrived, as it arrives."""

    async def test_who_follows_them_is_shown_each_once_and_in_order(self):
        """The same bytes to all of a form."""
        async with scene() as now:
            links = [now.join(DELIVERIES, form) for form in Form for _ in range(2)]
            await turns()
            now.hub.fanout.announce(notices(200))
            now.hub.fanout.announce(notices(1, first=201))
            await turns()
            for link in links:
                assert subjects(link) == [str(number) for number in range(1, 202)]
            for form in Form:
                assert len({id(link.pieces[-1]) for link in links if link.form is form}) == 1

    async def test_nobody_else_is(self):
        """Not even who follows everything: raw deliveries tell of every room."""
        async with scene() as now:
            links = [now.join(topics) for topics in (frozenset({"*"}), ROOMS, frozenset({"sources/s"}))]
            now.join(DELIVERIES)
            await turns()
            now.hub.fanout.announce(notices(3))
            await turns()
            assert {tuple(link.names) for link in links} == {("hello",)}

    async def test_when_nobody_listens_nothing_is_made(self):
        """It would be made for every webhook."""
        async with scene() as now:
            now.join(frozenset({"*"}))
            await turns()
            made: list[Notice] = []
            now.hub.fanout.announce(made.append(notice) or notice for notice in notices(3))
            assert made == []
            now.join(DELIVERIES)
            await turns()
            now.hub.fanout.announce(made.append(notice) or notice for notice in notices(3))
            assert len(made) == 3

    async def test_positions_are_those_of_the_log_alone(self):
        """Who also follows rooms resumes where it was in these."""
        async with scene(heartbeat=0) as now:
            link = now.join(DELIVERIES | ROOMS)
            await turns()
            for place in range(3):
                now.happen()
                now.hub.fanout.announce(notices(1, first=place))
                await turns()
            ids = [block.id for block in link.blocks if block.id is not None]
            assert ids == sorted(ids)
            assert [name for name in link.names if name.isdigit()] == ["1", "2", "3"]
            assert subjects(link) == ["0", "1", "2"]
            assert link.blocks[-1].id == "epoch1.3"

    async def test_who_is_behind_misses_them_and_nothing_else(self):
        """They are not kept for anybody: a stalled viewer costs nothing."""
        async with scene() as now:
            slow, quick = now.join(DELIVERIES | ROOMS), now.join(DELIVERIES | ROOMS)
            await turns()
            now.happen()
            await turns()
            slow.stall()
            now.hub.fanout.announce(notices(1))
            await turns()
            now.happen()
            now.hub.fanout.announce(notices(5, first=2))
            await turns()
            slow.take()
            await turns()
            now.happen()
            now.hub.fanout.announce(notices(1, first=7))
            await turns()
            assert subjects(quick) == [str(number) for number in range(1, 8)]
            assert subjects(slow) == ["1", "7"]
            assert slow.piled == []
            for link in (slow, quick):
                assert [block.id for block in link.blocks if block.id] == [
                    "epoch1.0",
                    "epoch1.1",
                    "epoch1.2",
                    "epoch1.3",
                ]

    async def test_a_flood_of_them_ends_where_a_connection_is_full(self):
        """What is written at once is little, so that little piles up."""
        async with scene() as now:
            link = now.join(DELIVERIES)
            await turns()
            link.stall()
            now.hub.fanout.announce(notices(100_000))
            await turns(200)
            assert len(link.pieces) == 2
            assert len(link.pieces[-1]) < 64 * 1024
            assert link.piled == []

    async def test_nothing_of_them_comes_after_the_end_of_a_permission(self):
        """Nor after a viewer was told to go."""
        async with scene() as now:
            link = now.join(DELIVERIES, expires_at=SECOND_OF_NOON + 10)
            await turns()
            now.clock.advance(10)
            now.hub.fanout.announce(notices(1))
            await turns()
            assert link.names[-1] == "bye"
            assert subjects(link) == []

    async def test_who_left_is_not_written_to_and_not_remembered(self):
        """Then nothing is made any more either."""
        async with scene() as now:
            link = Link()
            viewer, task = now.hub.connect(link, Grant(DELIVERIES), Wish(snapshot=False))
            await turns()
            task.cancel()
            await turns()
            made: list[Notice] = []
            now.hub.fanout.announce(made.append(notice) or notice for notice in notices(3))
            assert (made, subjects(link)) == ([], [])
            assert viewer.ending == ""


class TestPermission:
    """Viewers whose permission ends."""

    @pytest.mark.parametrize("life", [3600, 600, 121, 100, 30])
    async def test_a_fresh_token_comes_at_half_its_life(self, life: int):
        """Late enough to be worth it, early enough to be there when the connection breaks."""
        async with scene() as now:
            link = now.join(expires_at=SECOND_OF_NOON + life)
            await turns()
            now.clock.advance(life / 2 - 1)
            now.hub.tick()
            await turns()
            assert said(link, "token") == []
            now.clock.advance(1)
            now.hub.tick()
            await turns()
            assert said(link, "token") == [{"reconnect_token": f"rooms at {now.clock.now}"}]

    async def test_who_has_no_end_gets_a_fresh_token_too(self):
        """An API key does not expire, the token that was given for it does."""
        async with scene() as now:
            link = now.join()
            await turns()
            for _ in range(3):
                now.clock.advance(DAY / 2)
                now.hub.tick()
                await turns()
            assert len(said(link, "token")) == 3

    @pytest.mark.parametrize(("life", "warned_after"), [(3600, 3540), (61, 1), (60, 0), (10, 0)])
    async def test_the_end_is_announced_a_minute_before(self, life: int, warned_after: int):
        """In time to bring a new token."""
        async with scene() as now:
            link = now.join(expires_at=SECOND_OF_NOON + life)
            await turns()
            if warned_after:
                now.clock.advance(warned_after - 1)
                now.hub.tick()
                await turns()
                assert said(link, "auth.expiring") == []
                now.clock.advance(1)
            now.hub.tick()
            await turns()
            [warning] = said(link, "auth.expiring")
            assert warning == {"expires_at": said(link, "hello")[0]["expires_at"]}

    async def test_at_the_end_there_is_a_goodbye_and_nothing_after_it(self):
        """Not even what happens in the same moment."""
        async with scene(heartbeat=0) as now:
            link, other = now.join(expires_at=SECOND_OF_NOON + 10), now.join()
            await turns()
            now.clock.advance(9.999)
            now.happen()
            await turns()
            assert "bye" not in link.names
            now.clock.advance(0.001)
            now.happen()
            await turns()
            now.happen()
            await turns()
            assert link.blocks[-1].name == "bye"
            assert link.blocks[-1].value == {"reason": "expired", "reconnect": False}
            assert [name for name in link.names if name.isdigit()] == ["1"]
            assert [name for name in other.names if name.isdigit()] == ["1", "2", "3"]

    async def test_a_look_that_comes_late_finds_the_end_before_anything_else(self):
        """A process that was stopped for an hour must not serve everybody once more."""
        async with scene(heartbeat=0) as now:
            link = now.join(expires_at=SECOND_OF_NOON + 3600)
            await turns()
            written = link.names
            now.clock.advance(3600)
            now.happen()
            await turns()
            assert [name for name in link.names[len(written) :] if name not in ("token", "auth.expiring")] == ["bye"]

    async def test_the_end_also_comes_to_who_is_behind(self):
        """What it has not read by then is not for it any more, even if nobody has looked at the clock since."""
        async with scene() as now:
            link = now.join(expires_at=SECOND_OF_NOON + 10)
            await turns()
            link.stall()
            now.happen()
            await turns()
            now.happen()
            await turns()
            now.clock.advance(10)
            link.take()
            await turns()
            now.hub.tick()
            await turns()
            assert link.names[-1] == "bye"
            assert "2" not in link.names

    async def test_each_deadline_is_met_once(self):
        """However often the clock is looked at, and when it is looked at late."""
        async with scene() as now:
            link = now.join(expires_at=SECOND_OF_NOON + 3600)
            for _ in range(80):
                await turns(8)
                now.clock.advance(50)
                now.hub.tick()
            await turns()
            assert link.names == ["hello", "token", "auth.expiring", "bye"]

    def test_deadlines_are_noticed_within_a_second_when_nothing_happens(self):
        """A permission must not last until the next event."""

        async def live() -> list[tuple[str, float]]:
            store, written = MemoryStore(Folding()), list[float]()
            hub = Hub(store, Position(epoch="epoch1", sequence=0), LoopClock())
            async with hub.running():
                link = Link()
                link.on_write = lambda: written.append(asyncio.get_running_loop().time())
                _, task = hub.connect(link, Grant(ROOMS, SECOND_OF_NOON + 600), Wish(snapshot=False))
                await task
                return list(zip(link.names, written, strict=True))

        found = in_no_time(live)
        assert [name for name, _ in found] == ["hello", "token", "auth.expiring", "bye"]
        for (_, moment), expected in zip(found, (0, 300, 540, 600), strict=True):
            assert expected <= moment <= expected + 1.1

    async def test_hello_is_the_first_word_whatever_is_due(self):
        """A client learns from it how to read the rest."""
        async with scene() as now:
            now.store.reads.hold()
            link = Link()
            wish = Wish(Position(epoch="epoch1", sequence=0))
            now.hub.connect(link, Grant(ROOMS, SECOND_OF_NOON + 100), wish)
            await turns()
            now.clock.advance(60)
            now.hub.tick()
            await turns()
            now.store.reads.release()
            await turns()
            assert link.names[0] == "hello"


class TestDrain:
    """The hub stops."""

    async def test_everybody_is_told_and_whoever_still_comes(self):
        """Nobody may find out by a connection that breaks."""
        async with scene() as now:
            links = [now.join(topics) for topics in (ROOMS, frozenset({"*"}), frozenset({"rooms/a"}))]
            await turns()
            await now.hub.fanout.drain(0)
            late = now.join()
            now.happen()
            await turns()
            for link in (*links, late):
                assert said(link, "bye") == [{"reason": "drain", "reconnect": True}]
                assert link.names[-1] == "bye"
            assert late.names == ["bye"]
            assert len(now.hub.fanout.roster) == 0

    async def test_who_is_being_shown_the_state_is_told_too(self):
        """It would else be cut off in the middle."""
        async with scene() as now:
            now.store.reads.hold()
            link = Link()
            now.hub.connect(link, Grant(ROOMS), Wish())
            await turns()
            draining = asyncio.create_task(now.hub.fanout.drain(0))
            await turns()
            now.store.reads.release()
            await draining
            assert link.names == ["hello", "bye"]

    def test_who_reads_nothing_is_cut_off(self):
        """It comes back and resumes; waited for, it would keep the port from the next process."""

        async def live() -> tuple[float, list[bool], int]:
            hub = Hub(MemoryStore(Folding()), Position(epoch="epoch1", sequence=0), LoopClock())
            async with hub.running():
                links = [Link() for _ in range(3)]
                links[1].stall()
                for link in links:
                    hub.connect(link, Grant(ROOMS), Wish(snapshot=False))
                await turns()
                start = asyncio.get_running_loop().time()
                await hub.fanout.drain(3.0)
                seconds = asyncio.get_running_loop().time() - start
                await turns()
                return seconds, [link.is_closed for link in links], len(hub.fanout.roster)

        seconds, cut_off, left = in_no_time(live)
        assert seconds < 5.0
        assert cut_off == [False, True, False]
        assert left == 0

    def test_it_is_spread_over_the_time_that_there_is(self):
        """All viewers at once would come back to the next process at once."""

        async def live() -> list[float]:
            store, told = MemoryStore(Folding()), list[float]()
            hub = Hub(store, Position(epoch="epoch1", sequence=0), LoopClock())
            async with hub.running():
                links = [Link() for _ in range(100)]
                for link in links:
                    hub.connect(link, Grant(ROOMS), Wish(snapshot=False))
                await turns()
                start = asyncio.get_running_loop().time()
                for link in links:
                    link.on_write = lambda: told.append(asyncio.get_running_loop().time() - start)
                await hub.fanout.drain(3.0)
                await turns()
                return told

        told = in_no_time(live)
        assert len(told) == 100
        assert 2.5 < max(told) <= 3.0
        for second in range(3):
            assert 25 <= sum(second <= moment < second + 1 for moment in told) <= 45

    async def test_nobody_is_no_work(self):
        """An empty hub stops at once."""
        async with scene() as now:
            await now.hub.fanout.drain(1000)


class TestSharingTheLoop:
    """Webhooks are answered while viewers are served."""

    @staticmethod
    def burden(links: list[Link]) -> list[str]:
        """Make every write slow, and let something else be ready to run from the first one on."""
        order: list[str] = []

        def write() -> None:
            if not order:
                asyncio.get_running_loop().call_soon(order.append, "something else")
            order.append("write")
            for _ in range(400):
                pass

        for link in links:
            link.on_write = write
        return order

    async def test_an_event_for_everybody_is_written_in_slices(self):
        """Ten thousand writes take longer than a webhook may wait."""
        async with scene() as now:
            order = self.burden(await now.crowd(5000))
            now.happen()
            await until(lambda: order.count("write") == 5000)
            assert order.index("something else") < 2500

    async def test_a_heartbeat_for_everybody_is_written_in_slices(self):
        """It is the same walk."""
        async with scene(heartbeat=0) as now:
            links = await now.crowd(5000)
            order = self.burden(links)
            await until(lambda: order.count("write") >= 5000)
            assert order.index("something else") < 2500

    async def test_deadlines_that_all_viewers_have_at_once_are_met_in_slices(self):
        """After a restart all viewers came in the same second, and half their lives end in the same second."""
        async with scene() as now:
            order = self.burden(await now.crowd(5000, expires_at=SECOND_OF_NOON + 3600))
            now.clock.advance(1800)
            now.hub.tick()
            await until(lambda: order.count("write") == 5000)
            assert order.index("something else") < 2500

    async def test_finding_out_who_gets_what_is_done_in_slices(self):
        """Viewers whose tokens differ are a group each, and a burst is hundreds of events for each of them."""
        async with scene() as now:
            links = await now.crowd(3000, alone=True)
            passed = 0
            at_first_write: list[int] = []
            for link in links:
                link.on_write = lambda: at_first_write.append(passed)
            now.hub.feed.publish([now.store.append("rooms/a", "rooms") for _ in range(500)])
            while not at_first_write:
                await asyncio.sleep(0)
                passed += 1
            # More turns than it takes to wake up: this is a tenth of a second's work.
            assert at_first_write[0] > 20


class TestMemory:
    """A hub runs for months."""

    async def test_nothing_is_left_of_viewers_that_are_gone(self):
        """Whether they left while live, while behind, or were told to go."""
        async with scene() as now:
            fanout, gone = now.hub.fanout, list[weakref.ref[Subscriber]]()
            for place in range(1000):
                link = Link()
                topics = frozenset({"rooms", f"bots/{place % 7}", f"sources/{place}"})
                viewer, task = now.hub.connect(link, Grant(topics, SECOND_OF_NOON + 600), Wish(snapshot=place % 3 == 0))
                gone.append(weakref.ref(viewer))
                await turns(place % 11)
                if place % 5 == 0:
                    link.stall()
                    now.happen()
                    await turns(place % 13)
                if place % 4 == 0:
                    viewer.end("drain")
                    link.take()
                    await until(task.done)
                else:
                    task.cancel()
                    await until(task.done)
            assert len(fanout.roster) == 0
            assert fanout.roster.counts() == {}
            now.hub.forget()
            del viewer, task, link
            gc.collect()
            assert [one for one in gone if one() is not None] == []


class TestStopping:
    """The process ends."""

    @pytest.mark.parametrize("part", ["feed", "fanout"])
    @pytest.mark.parametrize("between", range(8))
    async def test_a_part_that_is_cancelled_ends_whatever_happens_in_that_moment(self, part: str, between: int):
        """One that overhears it keeps the process alive until it is killed."""
        found = Scene()
        running = asyncio.create_task(found.hub.feed.run() if part == "feed" else found.hub.fanout.run())
        await turns()
        if part == "feed":
            found.store.append("rooms")
        found.happen()
        await turns(between)
        running.cancel()
        await turns(100)
        is_over = running.done()
        while not running.done():
            running.cancel()
            await asyncio.sleep(0)
        assert is_over


RENAMING = (
    *(step("commit", st.integers(1, 4), st.booleans()), step("turn", st.integers(1, 9))) * 8,
    *(step("come", st.booleans(), st.sampled_from((0, 300))), step("rename", st.integers(0, 5)), step("poll")) * 4,
    *(step("stall", ANYBODY), step("take", ANYBODY, st.booleans())) * 3,
    *(step("hold", GATES), step("release", GATES)) * 2,
    *(step("come_back", st.integers(0, 5), st.integers(0, 20), st.booleans()),) * 2,
)


class TestRenamed:
    """The log gets another name while viewers watch it."""

    @search(300, suppress_health_check=[HealthCheck.too_slow])
    @given(
        steps=many(*RENAMING),
        tail=st.integers(1, 6),
        page_size=st.integers(1, 3),
        max_lag=st.sampled_from((0, 3, NEVER)),
    )
    def test_whoever_watches_is_told_once_and_then_sees_the_new_log_alone(
        self, steps: list[tuple[Any, ...]], tail: int, page_size: int, max_lag: float
    ):
        """Live, catching up, stalled or in the middle of the state, at whatever moment it happens."""

        async def live_through() -> None:
            await Renaming(tail=tail, page_size=page_size, max_lag=max_lag).live(steps)

        with structlog.testing.capture_logs():
            asyncio.run(live_through())

    @staticmethod
    async def rename(now: Scene, head: int) -> None:
        """Put a backup in the place of the log."""
        now.store.kept.events = now.store.kept.events[:head]
        await now.store.new_epoch("epoch2")
        await now.hub.feed.catch_up()
        await turns()

    async def test_who_is_live_is_told_and_shown_the_state(self):
        """Its page would go on as if nothing had happened, and show what is lost."""
        async with scene() as now:
            link = Link()
            now.hub.connect(link, Grant(ROOMS), Wish())
            await turns()
            for _ in range(3):
                now.happen()
            await turns()
            await self.rename(now, 1)
            now.happen()
            await turns()
            assert link.names == ["hello", "snapshot", "1", "2", "3", "reset", "snapshot", "2"]
            assert [block.id for block in link.blocks[-3:]] == [None, "epoch2.1", "epoch2.2"]

    async def test_who_wants_no_state_is_told_where_it_is_now(self):
        """It must be able to come back."""
        async with scene() as now:
            link = now.join()
            await turns()
            for _ in range(3):
                now.happen()
            await turns()
            await self.rename(now, 1)
            now.happen()
            await turns()
            assert [(block.name, block.id) for block in link.blocks[-2:]] == [("reset", "epoch2.1"), ("", "epoch2.2")]
            assert said(link, "reset") == [{"reason": "epoch_changed"}]

    async def test_who_is_stalled_is_told_when_it_reads_again(self):
        """What it had not read of the old log is not for it any more."""
        async with scene() as now:
            link = now.join()
            await turns()
            link.stall()
            for _ in range(2):
                now.happen()
                await turns()
            await self.rename(now, 1)
            assert (link.names, link.piled) == (["hello", "1"], [])
            link.take()
            await turns()
            assert link.names == ["hello", "1", "reset"]

    async def test_heartbeats_are_of_the_log_of_now(self):
        """Their ids are places to come back to."""
        async with scene(heartbeat=0) as now:
            link = now.join()
            await turns()
            for _ in range(3):
                now.happen()
            await turns()
            await self.rename(now, 1)
            at = link.names.index("reset")
            assert {block.id for block in link.blocks[at:]} == {"epoch2.1"}
            assert {block.value["head"] for block in link.blocks[at:] if block.name == "heartbeat"} == {"epoch2.1"}

    async def test_who_is_not_told_yet_is_not_served_events_of_the_new_log(self):
        """A rename in the middle of a long walk through the viewers."""
        async with scene() as now:
            links = await now.crowd(3000, alone=True)
            now.hub.feed.publish([now.store.append("rooms/a", "rooms") for _ in range(300)])
            await turns(5)
            await self.rename(now, 1)
            await until(lambda: all("reset" in link.names[-1:] for link in links))
            now.happen()
            await until(lambda: all(link.names[-1] == "2" for link in links[:50]))
            for link in links[:50]:
                at = link.names.index("reset")
                assert link.names[1:at] == [str(number) for number in range(1, at)]
                assert [block.id for block in link.blocks[at:]] == ["epoch2.1", "epoch2.2"]


class TestErasure:
    """Something loses its content."""

    async def test_frames_that_were_remembered_are_not_sent_again(self):
        """Everybody who comes back would be sent them, instead of what the log holds now."""
        async with scene(tail=1000) as now:
            now.join()
            await turns()
            secret = now.store.append("rooms/a", "rooms", body=b'{"type":"room.updated","data":{"secret":1}}')
            now.hub.feed.publish([secret])
            await turns()
            blank = b'{"type":"room.erased","data":{"erased":true}}'
            now.store.kept.events = [(Event(sequence=1, topics=("rooms/a", "rooms"), body=blank), 0)]
            now.hub.feed.publish([now.store.append("rooms/a", "rooms", body=blank)])
            await turns()
            late = Link()
            now.hub.connect(late, Grant(ROOMS), Wish(Position(epoch="epoch1", sequence=0)))
            await turns()
            assert late.names == ["hello", "1", "2", "heartbeat"]
            assert b"secret" not in b"".join(late.pieces)

    async def test_a_page_that_was_read_before_is_not_remembered_either(self):
        """Whoever asked for it may get it, nobody else."""
        async with scene(tail=1) as now:
            body = b'{"type":"room.updated","data":{"secret":1}}'
            now.hub.feed.publish([now.store.append("rooms/a", "rooms", body=body) for _ in range(9)])
            now.store.answers.hold(after=1)
            slow, late = Link(), Link()
            wish = Wish(Position(epoch="epoch1", sequence=0))
            now.hub.connect(slow, Grant(ROOMS), wish)
            await turns()
            assert now.store.answers.waiting == 1
            blank = b'{"type":"room.erased","data":{"erased":true}}'
            now.store.kept.events = [
                (Event(sequence=event.sequence, topics=event.topics, body=blank), 0)
                for event, _ in now.store.kept.events
            ]
            now.hub.feed.publish([now.store.append("rooms/a", "rooms", body=blank)])
            now.store.answers.release()
            await turns()
            now.hub.connect(late, Grant(ROOMS), wish)
            await turns()
            assert late.names == ["hello", *map(str, range(1, 11)), "heartbeat"]
            assert b"secret" not in b"".join(late.pieces)

    async def test_the_state_of_before_is_not_shown_to_who_comes_then(self):
        """It is shared for a second, by all processes."""
        air = Air()
        async with scene(bus=air.bus()) as now:
            first = Link()
            document = Document(topic="rooms/a", collection="rooms", parent="rooms/a", body=b'{"secret":1}')
            now.hub.feed.publish([now.store.append("rooms/a", "rooms", documents=(document,))])
            now.hub.connect(first, Grant(ROOMS), Wish())
            await turns()
            assert b"secret" in b"".join(first.pieces)
            now.store.kept.documents.clear()
            blank = b'{"type":"room.erased","data":{"erased":true}}'
            now.hub.feed.publish([now.store.append("rooms/a", "rooms", body=blank)])
            late = Link()
            now.hub.connect(late, Grant(ROOMS), Wish())
            await turns()
            assert late.names == ["hello", "snapshot"]
            assert b"secret" not in b"".join(late.pieces)
