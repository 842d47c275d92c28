"""One viewer: greeted, shown the state, brought up to date at its own pace, and told to go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from hub.desk import Grant, Wish
from hub.events import Position
from hub.ports import Document
from hub.subscriber import Subscriber
from hub.wire import Form
from tests.contracts.plain import Folding
from tests.memory_store import Gate, MemoryStore
from tests.unit.hub.viewing import NOON, Clock, Hub, Link, turns, until

ROOMS = frozenset({"rooms"})
# More than is written to a viewer at once.
PAGE = 256


class Scene:
    """A hub on a store whose log has some events, and viewers of rooms."""

    def __init__(self, events: int = 0, **limits: float) -> None:
        self.store = MemoryStore(Folding())
        self.clock = Clock()
        self.happen(events)
        self.hub = Hub(self.store, self.position(events), self.clock, **limits)  # type: ignore[arg-type]  # some are whole

    def happen(self, number: int, *topics: str) -> None:
        """Let events be in the log of which this process has not heard."""
        for _ in range(number):
            name = f"rooms/{self.store.kept.head + 1}"
            document = Document(topic=name, collection="rooms", parent=name, body=orjson.dumps({"id": name}))
            self.store.append(*(topics or (name, "rooms")), documents=() if topics else (document,))

    def hear(self) -> None:
        """Let this process hear of all events."""
        self.hub.feed.publish([event for event, _ in self.store.kept.events])

    def position(self, sequence: int, epoch: str = "epoch1") -> Position:
        return Position(epoch=epoch, sequence=sequence)

    async def meet(
        self, wish: Wish | None = None, link: Link | None = None, grant: Grant | None = None
    ) -> tuple[Subscriber, Link, asyncio.Task[None]]:
        """Connect a viewer and let it be served as far as it goes."""
        link = link or Link()
        viewer, task = self.hub.connect(link, grant or Grant(ROOMS), wish or Wish())
        await turns()
        return viewer, link, task

    async def resume(self, sequence: int, epoch: str = "epoch1", **more: Any) -> tuple[Subscriber, Link]:
        wish = Wish(self.position(sequence, epoch), snapshot=more.pop("snapshot", True))
        viewer, link, _ = await self.meet(wish, **more)
        return viewer, link


@contextlib.asynccontextmanager
async def scene(events: int = 0, **limits: float) -> AsyncIterator[Scene]:
    found = Scene(events, **limits)
    async with found.hub.running():
        yield found


def reasons(link: Link) -> list[str]:
    return [block.value["reason"] for block in link.blocks if block.name == "reset"]


class TestGreeting:
    """The first words."""

    async def test_a_viewer_is_greeted_shown_the_state_and_then_told_what_happens(self):
        """What the state holds is not told again, and what happens after it is."""
        async with scene(3) as now:
            _, link, _ = await now.meet()
            now.happen(2)
            now.hear()
            await turns()
            assert link.names == ["hello", "snapshot", "snapshot", "4", "5"]
            assert [block.id for block in link.blocks] == [None, None, "epoch1.3", "epoch1.4", "epoch1.5"]

    async def test_hello_says_how_the_stream_behaves(self):
        """A client needs it before anything else happens; when to come back it must know from the first byte."""
        async with scene(heartbeat=25.0) as now:
            _, link, _ = await now.meet(grant=Grant(ROOMS, NOON // 1000 + 600))
            hello = link.blocks[0]
            assert hello.value == {
                "heartbeat": 25.0,
                "reconnect_token": f"rooms at {NOON}",
                "resumed": False,
                "expires_at": "2026-03-10T12:10:00Z",
            }
            assert hello.retry == 3000
            assert link.pieces[0].startswith(b"retry: ")

    async def test_who_cannot_expire_is_told_so(self):
        """API keys have no end."""
        async with scene() as now:
            _, link, _ = await now.meet()
            assert link.blocks[0].value["expires_at"] is None

    async def test_without_a_snapshot_the_position_is_in_the_greeting(self):
        """A viewer that sees nothing happen must still be able to come back."""
        async with scene(3) as now:
            _, link, _ = await now.meet(Wish(snapshot=False))
            now.happen(1)
            now.hear()
            await turns()
            assert [(block.name, block.id) for block in link.blocks] == [("hello", "epoch1.3"), ("", "epoch1.4")]

    async def test_every_form_says_the_same(self):
        """Behind a proxy that speaks HTTP/1.0 nothing is different."""
        async with scene(3) as now:
            links = [(await now.meet(link=Link(form)))[1] for form in (Form.SSE_PLAIN, Form.SSE_CHUNKED)]
            now.happen(2)
            now.hear()
            await turns()
            assert links[0].blocks == links[1].blocks

    async def test_what_happens_while_the_snapshot_is_read_is_told_once(self):
        """Before its position it is in it, after it, it follows."""
        async with scene(1) as now:
            now.store.answers.hold()
            _, link, _ = await now.meet()
            now.happen(1)
            now.hear()
            await turns()
            now.store.answers.release()
            now.store.reads.hold()
            _, late, _ = await now.meet(grant=Grant(frozenset({"*"})))
            now.happen(1)
            now.hear()
            now.store.reads.release()
            await turns()
            assert link.names == ["hello", "snapshot", "2", "3"]
            assert late.names == ["hello", "snapshot", "snapshot"]

    async def test_a_snapshot_ahead_of_the_feed_is_followed_by_what_comes_after_it(self):
        """Another process has committed what this one has not heard of."""
        async with scene(1) as now:
            now.happen(2)
            _, link, _ = await now.meet()
            assert link.blocks[-1].id == "epoch1.3"
            now.hear()
            now.happen(1)
            now.hear()
            await turns()
            assert link.names[-2:] == ["snapshot", "4"]


class TestResuming:
    """Coming back."""

    async def test_what_was_missed_is_told_and_no_state(self):
        """That is what a position is for."""
        async with scene() as now:
            now.happen(5)
            now.hear()
            _, link = await now.resume(2)
            assert link.names == ["hello", "3", "4", "5", "heartbeat"]
            assert (link.blocks[0].id, link.blocks[0].value["resumed"]) == ("epoch1.2", True)

    async def test_what_memory_does_not_hold_is_read_from_the_store(self):
        """The log reaches back for weeks."""
        async with scene(700) as now:
            now.happen(5)
            now.hear()
            _, link = await now.resume(2)
            assert link.names == ["hello", *map(str, range(3, 706)), "heartbeat"]

    async def test_only_what_matches_is_told(self):
        """Replay is authorised like everything else."""
        async with scene(3) as now:
            now.happen(2, "bots/a", "bots")
            now.happen(1)
            now.hear()
            for start in (0, 3):
                _, link = await now.resume(start)
                assert link.names == ["hello", *(str(one) for one in (1, 2, 3, 6) if one > start), "heartbeat"]

    @pytest.mark.parametrize("floor", [0, 5])
    async def test_a_position_at_the_head_can_always_be_resumed(self, floor: int):
        """A quiet room's viewer must not be reset because the log was trimmed to nothing."""
        async with scene(5) as now:
            now.store.raise_floor(floor)
            _, link = await now.resume(5)
            now.happen(1)
            now.hear()
            await turns()
            assert link.names == ["hello", "heartbeat", "6"]

    async def test_a_position_that_this_process_has_not_reached_waits_for_it(self):
        """It was given by another process, which was faster."""
        async with scene(1) as now:
            now.happen(3)
            _, link = await now.resume(4)
            _, behind = await now.resume(2)
            assert link.names == ["hello", "heartbeat"]
            assert link.blocks[0].id == "epoch1.4"
            now.hear()
            now.happen(1)
            now.hear()
            await turns()
            assert link.names == ["hello", "heartbeat", "5"]
            assert behind.names == ["hello", "heartbeat", "3", "4", "5"]

    async def test_who_has_all_that_it_missed_is_told_so_once(self):
        """How much that was it cannot know, and the next heartbeat of all may be half a minute away."""
        async with scene(5) as now:
            viewer, link = await now.resume(2)
            beat = link.blocks[-1]
            assert (beat.name, beat.id, beat.value["head"]) == ("heartbeat", "epoch1.5", "epoch1.5")
            now.hub.fanout.recall(viewer)
            now.happen(1)
            now.hear()
            await turns()
            assert link.names == ["hello", "3", "4", "5", "heartbeat", "6"]

    async def test_after_any_amount_of_other_traffic_nothing_is_reset(self):
        """A filter that hides everything for an hour must not cost a viewer its place."""
        async with scene(1, tail=10, max_lag=5) as now:
            now.happen(3 * PAGE, "bots/a", "bots")
            now.hear()
            now.happen(1)
            now.hear()
            _, link = await now.resume(1)
            assert link.names == ["hello", str(now.store.kept.head), "heartbeat"]

    async def test_the_last_position_that_is_kept_can_be_resumed(self):
        """Who has seen the last event that was trimmed has missed nothing."""
        async with scene(9) as now:
            now.store.raise_floor(5)
            _, link = await now.resume(5)
            assert link.names == ["hello", "6", "7", "8", "9", "heartbeat"]


class TestLosingThePlace:
    """Resets."""

    @pytest.mark.parametrize(
        ("wish", "reason"),
        [
            (Wish(Position(epoch="epoch0", sequence=3)), "epoch_changed"),
            (Wish(Position(epoch="epoch1", sequence=10)), "epoch_changed"),
            (Wish(Position(epoch="epoch1", sequence=10**17)), "epoch_changed"),
            (Wish(None, lost=True), "epoch_changed"),
            (Wish(Position(epoch="epoch1", sequence=4)), "history_trimmed"),
            (Wish(Position(epoch="epoch1", sequence=0)), "history_trimmed"),
        ],
    )
    async def test_a_place_that_is_gone_is_told_and_the_state_is_shown(self, wish: Wish, reason: str):
        """A viewer that goes on as if nothing had happened would show what is not so."""
        async with scene(9, page_size=100) as now:
            now.store.raise_floor(5)
            _, link, _ = await now.meet(wish)
            assert link.names == ["hello", "reset", "snapshot"]
            assert [block.id for block in link.blocks] == [None, None, "epoch1.9"]
            assert link.blocks[0].value["resumed"] is False
            assert reasons(link) == [reason]

    async def test_without_a_snapshot_the_reset_says_where_the_viewer_is_now(self):
        """It would else come back with the same lost place, and be reset again and again."""
        async with scene(9) as now:
            _, link = await now.resume(3, "epoch0", snapshot=False)
            assert [(block.name, block.id) for block in link.blocks] == [("hello", "epoch1.9"), ("reset", "epoch1.9")]
            now.happen(1)
            now.hear()
            await turns()
            assert link.names[-1] == "10"

    async def test_a_place_that_is_lost_is_never_replaced_by_an_earlier_one(self):
        """This process may have heard less of the log than the viewer has; ids must not go back all the same."""
        async with scene(1) as now:
            now.happen(9)
            now.store.raise_floor(8)
            _, link = await now.resume(5, snapshot=False)
            assert reasons(link) == ["history_trimmed"]
            assert all(int(str(block.id).rpartition(".")[2]) >= 8 for block in link.blocks)

    async def test_a_viewer_that_trimming_overtakes_is_reset(self):
        """It was resumed in time, and too slow afterwards."""
        async with scene(3 * PAGE, page_size=10_000) as now:
            link = Link()
            link.stall()
            await now.resume(10, link=link)
            assert link.names == ["hello"]
            now.store.raise_floor(PAGE)
            link.take()
            now.clock.advance(2)
            await turns()
            # Nothing was read between the floor and where it was.
            assert link.names == ["hello", "reset", "snapshot"]
            assert reasons(link) == ["history_trimmed"]

    async def test_the_state_after_a_reset_is_one_that_can_be_followed(self):
        """A snapshot from before the trimming, shared for a second, would lead to the next reset at once."""
        async with scene(1, page_size=100, tail=1) as now:
            await now.meet()
            now.happen(20)
            now.hear()
            now.store.raise_floor(15)
            now.store.reads.hold(after=50)
            _, link = await now.resume(0)
            await turns()
            assert reasons(link) == ["history_trimmed"]
            assert link.blocks[-1].id == "epoch1.21"


class TestPace:
    """A viewer that reads slowly."""

    async def test_nothing_is_written_to_a_connection_that_takes_nothing(self):
        """What would pile up there would be the hub's memory."""
        async with scene() as now:
            _, link, _ = await now.meet()
            link.stall()
            for _ in range(50):
                now.happen(20)
                now.hear()
                await turns()
            # One write made it full.
            assert link.names == ["hello", "snapshot", *map(str, range(1, 21))]
            assert link.piled == []

    async def test_it_reads_on_where_it_stopped(self):
        """It was never fed from a queue, so nothing was dropped from one."""
        async with scene() as now:
            _, link, _ = await now.meet()
            link.stall()
            now.happen(3 * PAGE)
            now.hear()
            for _ in range(10):
                await turns()
                now.happen(PAGE)
                now.hear()
                link.take(again=False)
            link.take()
            await turns(200)
            assert link.names == ["hello", "snapshot", *map(str, range(1, 13 * PAGE + 1))]
            assert link.piled == []

    async def test_pages_of_a_snapshot_wait_for_it_too(self):
        """A snapshot may be larger than all that a connection holds."""
        async with scene(9) as now:
            link = Link()
            link.stall()
            now.hub.connect(link, Grant(ROOMS), Wish())
            for _ in range(3):
                await turns()
                assert link.piled == []
                link.take(again=False)
            link.take()
            await turns()
            assert link.names == ["hello", *["snapshot"] * 5]
            assert link.piled == []

    async def test_others_are_not_delayed(self):
        """A stalled viewer costs nobody else anything."""
        async with scene() as now:
            _, stalled, _ = await now.meet()
            _, other, _ = await now.meet()
            stalled.stall()
            for sequence in range(1, 10):
                now.happen(1)
                now.hear()
                await turns(8)
                assert other.names[-1] == str(sequence)

    async def test_past_a_limit_the_state_is_shown_instead_of_what_was_missed(self):
        """Nobody wants to read a day of events to see the rooms of now."""
        async with scene(1, max_lag=PAGE, page_size=10_000) as now:
            _, link, _ = await now.meet()
            link.stall()
            now.happen(1)
            now.hear()
            await turns()
            now.happen(20 * PAGE)
            now.hear()
            link.take()
            await turns(200)
            assert reasons(link) == ["lagging"]
            assert link.blocks[-1].id == f"epoch1.{now.store.kept.head}"
            assert len(link.blocks) < 4 * PAGE
            now.happen(1)
            now.hear()
            await turns()
            assert link.names[-2:] == ["snapshot", str(now.store.kept.head)]

    async def test_past_a_limit_who_wants_no_state_is_told_where_it_is(self):
        """It chose to learn only what happens from now on."""
        async with scene(1, max_lag=PAGE) as now:
            _, link, _ = await now.meet(Wish(snapshot=False))
            link.stall()
            now.happen(20 * PAGE)
            now.hear()
            await turns()
            now.happen(20 * PAGE)
            now.hear()
            link.take()
            await turns(200)
            assert reasons(link) == ["lagging"]
            assert (link.blocks[-1].name, link.blocks[-1].id) == ("reset", f"epoch1.{now.store.kept.head}")

    async def test_a_viewer_that_keeps_pace_just_behind_the_head_is_never_reset(self):
        """It is a few events behind, however many it has read since it was last at the head."""
        async with scene(max_lag=4 * PAGE) as now:
            _, link, _ = await now.meet()
            link.stall()
            now.happen(1)
            now.hear()
            await turns()
            now.happen(PAGE)
            for _ in range(20):
                now.happen(PAGE)
                now.hear()
                link.take(again=False)
                await turns()
            assert link.names == ["hello", "snapshot", *map(str, range(1, 20 * PAGE + 2))]


class TestGoing:
    """The last words."""

    @pytest.mark.parametrize(("reason", "comes_back"), [("drain", True), ("overloaded", True), ("expired", False)])
    async def test_a_viewer_is_told_why_it_has_to_go_and_when_to_come_back(self, reason: str, comes_back: bool):
        """A connection that just ends would be opened again at once, by all at the same time."""
        async with scene() as now:
            viewer, link, task = await now.meet()
            viewer.end(reason)
            await turns()
            assert task.done()
            assert link.names == ["hello", "snapshot", "bye"]
            assert link.blocks[-1].value == {"reason": reason, "reconnect": comes_back}
            assert (link.blocks[-1].retry, link.blocks[-1].id) == (3000, None)

    async def test_the_first_reason_counts(self):
        """What expired must not be told that it may come back."""
        async with scene() as now:
            viewer, link, _ = await now.meet()
            viewer.end("expired")
            viewer.end("drain")
            await turns()
            assert [block.value["reason"] for block in link.blocks if block.name == "bye"] == ["expired"]

    async def test_who_comes_when_it_has_to_go_gets_nothing_else(self):
        """An answer of 200 that says come back later: EventSource stops for good at any other."""
        async with scene(3) as now:
            link = Link()
            viewer = Subscriber(now.hub.desk, link, Grant(ROOMS))
            viewer.end("overloaded")
            await viewer.serve(Wish(), now.hub.fanout.join)
            assert link.names == ["bye"]
            assert now.store.snapshots == []

    async def test_nothing_follows_the_goodbye(self):
        """A client that has read it closes."""
        async with scene() as now:
            viewer, link, _ = await now.meet()
            now.happen(1)
            now.hear()
            viewer.end("drain")
            now.happen(1)
            now.hear()
            await turns()
            assert link.names[-1] == "bye"

    @pytest.mark.parametrize(
        ("wish", "reads"),
        [
            (Wish(), 0),
            (Wish(lost=True), 0),
            (Wish(Position(epoch="epoch1", sequence=0)), 0),
            (Wish(Position(epoch="epoch1", sequence=0)), 1),
        ],
        ids=["snapshot", "reset", "position", "page"],
    )
    async def test_who_is_told_to_go_while_a_read_is_under_way_gets_none_of_it(self, wish: Wish, reads: int):
        """Its permission may have ended in the meantime."""
        async with scene(600, tail=1, page_size=1000) as now:
            now.store.answers.hold(after=reads)
            viewer, link, task = await now.meet(wish)
            assert now.store.answers.waiting == 1
            viewer.end("expired")
            now.store.answers.release()
            await until(task.done)
            assert [name for name in link.names if name not in ("hello", "reset")] == ["bye"]

    async def test_who_is_told_to_go_while_it_is_behind_gets_only_the_goodbye(self):
        """What it would read next is not for it any more."""
        async with scene() as now:
            viewer, link, task = await now.meet()
            link.stall()
            now.happen(2)
            now.hear()
            await turns()
            now.happen(2)
            now.hear()
            viewer.end("expired")
            link.take()
            await until(task.done)
            assert link.names == ["hello", "snapshot", "1", "2", "bye"]

    async def test_who_is_told_to_go_between_two_pages_gets_no_further_one(self):
        """A large snapshot to a slow reader takes minutes."""
        async with scene(9) as now:
            link = Link()
            link.stall()
            viewer, task = now.hub.connect(link, Grant(ROOMS), Wish())
            await turns()
            link.take(again=False)
            await turns()
            viewer.end("expired")
            link.take()
            await until(task.done)
            assert link.names == ["hello", "snapshot", "bye"]

    async def test_a_store_that_is_away_sends_viewers_away_for_a_while(self):
        """They come back by themselves, to this process or to another."""
        async with scene(3) as now:
            now.store.problem = "away"
            for wish in (Wish(), Wish(now.position(1))):
                _, link, task = await now.meet(wish)
                assert task.done()
                assert link.names[-1] == "bye"
                assert link.blocks[-1].value == {"reason": "overloaded", "reconnect": True}
            _, live, _ = await now.meet(Wish(snapshot=False))
            assert live.names == ["hello"]


class TestRenamedLog:
    """The log has another name, in the midst of whatever a viewer is doing."""

    @staticmethod
    async def rename(now: Scene, head: int, *, is_known: bool = True) -> None:
        """Put a backup in the place of the log; the process looks at it at once, or knows nothing yet."""
        kept = now.store.kept
        kept.events = kept.events[:head]
        kept.documents = {event.topics[0]: kept.documents[event.topics[0]] for event, _ in kept.events}
        await now.store.new_epoch("epoch2")
        if is_known:
            await now.hub.feed.catch_up()
            await turns()

    async def test_who_is_live_is_reset_once_and_shown_the_new_log(self):
        """And then told what happens in that."""
        async with scene(9, page_size=100) as now:
            _, link, _ = await now.meet()
            await self.rename(now, 5)
            now.happen(1)
            now.hear()
            await turns()
            assert link.names == ["hello", "snapshot", "reset", "snapshot", "6"]
            assert [block.id for block in link.blocks[-3:]] == [None, "epoch2.5", "epoch2.6"]
            assert reasons(link) == ["epoch_changed"]

    async def test_who_is_in_the_middle_of_the_state_is_shown_that_of_the_new_log_after_it(self):
        """Pages of both must never be put together."""
        async with scene(9) as now:
            link = Link()
            link.stall()
            now.hub.connect(link, Grant(ROOMS), Wish())
            await turns()
            link.take(again=False)
            await turns()
            assert link.names == ["hello", "snapshot"]
            await self.rename(now, 3)
            link.take()
            await turns()
            at = link.names.index("reset")
            assert reasons(link) == ["epoch_changed"]
            assert [block.value["complete"] for block in link.blocks[1:at]] == [False] * 4 + [True]
            assert link.names[at + 1 :] == ["snapshot", "snapshot"]
            assert [block.id for block in link.blocks[at:]] == [None, None, "epoch2.3"]

    async def test_who_waits_for_the_state_is_shown_that_of_the_new_log(self):
        """It has seen nothing of the old one, so there is nothing to forget."""
        async with scene(9, page_size=100) as now:
            now.store.answers.hold()
            _, link, _ = await now.meet()
            task = asyncio.create_task(self.rename(now, 3))
            await turns()
            now.store.answers.release()
            await task
            await turns()
            assert link.names == ["hello", "snapshot"]
            assert link.blocks[-1].id == "epoch2.3"

    async def test_who_is_shown_the_state_because_it_lagged_is_shown_that_of_a_shorter_log(self):
        """It has seen more than this log will have for a long time."""
        async with scene(1, max_lag=PAGE, page_size=10_000, tail=100_000) as now:
            _, link, _ = await now.meet()
            link.stall()
            now.happen(1)
            now.hear()
            await turns()
            now.happen(20 * PAGE)
            now.hear()
            now.store.reads.hold()
            link.take()
            await until(lambda: now.store.reads.waiting == 1)
            assert reasons(link) == ["lagging"]
            task = asyncio.create_task(self.rename(now, 1))
            await turns()
            now.store.reads.release()
            await turns(200)
            is_over, names = task.done(), link.names
            task.cancel()
            assert is_over
            assert names[-1] == "snapshot"
            assert link.blocks[-1].id == "epoch2.1"

    @pytest.mark.parametrize("snapshot", [True, False])
    @pytest.mark.parametrize("gate", ["reads", "answers"])
    @pytest.mark.parametrize("reads", [0, 1], ids=["greeting", "page"])
    async def test_who_comes_back_meanwhile_is_reset_once(self, reads: int, gate: str, snapshot: bool):
        """Whatever it is asked and told in that moment is of two logs."""
        async with scene(600, tail=1, page_size=1000) as now:
            held: Gate = getattr(now.store, gate)
            held.hold(after=reads)
            _, link = await now.resume(10, snapshot=snapshot)
            assert held.waiting == 1
            task = asyncio.create_task(self.rename(now, 20))
            await turns()
            held.release()
            await task
            now.happen(1)
            now.hear()
            await turns()
            at = link.names.index("reset")
            assert link.names[at:] == (["reset", "snapshot", "21"] if snapshot else ["reset", "21"])
            assert all(str(block.id).startswith("epoch1.") for block in link.blocks[:at])
            assert [block.id for block in link.blocks[at:] if block.id] == ["epoch2.20", "epoch2.21"]

    async def test_a_position_of_the_new_log_is_resumed_by_a_process_that_follows_the_old_one(self):
        """Another process knew first, and told the viewer."""
        async with scene(9) as now:
            await self.rename(now, 5, is_known=False)
            now.happen(3)
            _, link = await now.resume(6, "epoch2")
            assert (link.blocks[0].id, link.blocks[0].value["resumed"]) == ("epoch2.6", True)
            assert link.names == ["hello", "7", "8", "heartbeat"]
            assert {block.value["id"] for block in link.blocks[1:-1]} == {"epoch2.7", "epoch2.8"}

    async def test_others_of_that_process_are_reset_then(self):
        """It knows by now."""
        async with scene(9, page_size=100) as now:
            _, link, _ = await now.meet()
            await self.rename(now, 5, is_known=False)
            await now.resume(5, "epoch2")
            assert link.names == ["hello", "snapshot", "reset", "snapshot"]

    async def test_a_position_of_the_old_log_is_not_resumed_in_the_new_one(self):
        """The same number is another event."""
        async with scene(9, page_size=100) as now:
            await self.rename(now, 5)
            _, link = await now.resume(3)
            assert link.names == ["hello", "reset", "snapshot"]
            assert reasons(link) == ["epoch_changed"]

    async def test_a_restore_that_nobody_announced_is_noticed_and_told(self):
        """The log ends before what was seen of it."""
        async with scene(9, page_size=100) as now:
            _, link, _ = await now.meet()
            now.store.kept.events = now.store.kept.events[:5]
            await now.hub.feed.catch_up()
            await turns()
            assert link.names == ["hello", "snapshot", "reset", "snapshot"]
            assert link.blocks[-1].id == f"{now.store.kept.epoch}.5"
            assert now.store.kept.epoch != "epoch1"


class TestFromMemory:
    """Who comes back after a moment."""

    async def test_what_memory_holds_is_told_while_the_store_is_away(self):
        """All viewers reconnect when the network hiccups, and that is when the store is away too."""
        async with scene() as now:
            now.happen(5)
            now.hear()
            now.store.problem = "away"
            for start in (0, 3, 5):
                _, link = await now.resume(start)
                assert link.names == ["hello", *(str(one) for one in range(start + 1, 6)), "heartbeat"]
                assert link.blocks[0].value["resumed"] is True

    async def test_a_store_that_hangs_is_not_waited_for_either(self):
        """It answers as late as one that is away does not."""
        async with scene() as now:
            now.happen(5)
            now.hear()
            now.store.reads.hold()
            _, link = await now.resume(2)
            assert link.names == ["hello", "3", "4", "5", "heartbeat"]

    async def test_what_is_known_to_be_trimmed_is_not_told_from_memory(self):
        """It is gone for everybody, whoever still happens to have it."""
        async with scene(page_size=100) as now:
            now.happen(9)
            now.hear()
            now.store.raise_floor(5)
            await now.hub.feed.catch_up()
            for start in range(10):
                _, link = await now.resume(start)
                assert reasons(link) == (["history_trimmed"] if start < 5 else [])

    async def test_without_the_store_a_position_of_another_log_sends_the_viewer_away(self):
        """Nobody can tell which of the two is the newer one."""
        async with scene(3) as now:
            now.store.problem = "away"
            _, link = await now.resume(3, "epoch2")
            assert link.names == ["bye"]
            assert link.blocks[-1].value == {"reason": "overloaded", "reconnect": True}
