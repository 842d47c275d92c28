"""A log that gets other names while viewers watch it, and what each of them may be told then."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.desk import Grant, Wish
from hub.events import Event, Position
from hub.ports import Committed, Document
from tests.contracts.plain import Folding
from tests.memory_store import Gate, MemoryStore
from tests.unit.hub.browser import Block
from tests.unit.hub.viewing import Clock, Hub, Link, turns

ROOMS = frozenset({"rooms"})
_SETTLING = 200


@dataclass
class Watcher:
    """One connection, and what it has seen of which log."""

    link: Link
    wish: Wish
    # Which name of the log the process knew when it came.
    came_at: int
    at: Position | None = None
    awaits_state: bool = False
    shown: list[str] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)


class Renaming:
    """One process, its viewers, and everything that ever happened under each name of the log."""

    def __init__(self, **limits: Any) -> None:
        self.store = MemoryStore(Folding())
        self.happened: dict[str, list[Event]] = {"epoch1": []}
        self.hub = Hub(self.store, Position(epoch="epoch1", sequence=0), Clock(), **limits)
        self.watchers: list[Watcher] = []
        self._number = 0

    @property
    def names(self) -> list[str]:
        """Every name of the log, in order."""
        return list(self.happened)

    async def live(self, steps: Iterable[tuple[Any, ...]]) -> None:
        """Take steps, let everything settle, and judge."""
        async with self.hub.running():
            for name, *rest in steps:
                await getattr(self, name)(*rest)
            await self.settle()
            self.judge()

    def happen(self) -> Event:
        """Let something happen in a room of its own."""
        self._number += 1
        name = f"rooms/{self._number}"
        said = orjson.dumps({"id": str(self._number)})
        document = Document(topic=name, collection="rooms", parent=name, sequence=self.store.kept.head + 1, body=said)
        event = self.store.append(name, "rooms", body=said, documents=(document,))
        self.happened[self.store.kept.epoch].append(event)
        return event

    async def commit(self, number: int, is_own: bool) -> None:
        """Let things happen; of its own commits the process hears at once."""
        known = self.hub.feed.position
        events = tuple(self.happen() for _ in range(number))
        if is_own:
            self.hub.feed.confirm(Committed((), events, self.store.kept.epoch), known)

    async def rename(self, lost: int) -> None:
        """Put a backup that lacks the last events in the place of the log, under a new name."""
        kept = self.store.kept
        kept.events = kept.events[: max(0, len(kept.events) - lost)]
        kept.documents = {topic: one for topic, one in kept.documents.items() if one.sequence <= kept.head}
        await self.store.new_epoch(f"epoch{len(self.happened) + 1}")
        self.happened[kept.epoch] = [event for event, _ in kept.events]

    async def come(self, snapshot: bool, room: int) -> None:
        """Let somebody come."""
        self._connect(Wish(snapshot=snapshot), room)

    async def come_back(self, name: int, sequence: int, snapshot: bool) -> None:
        """Let somebody come with a position of any of the logs."""
        epoch = self.names[name % len(self.names)]
        place = min(sequence, len(self.happened[epoch]))
        self._connect(Wish(Position(epoch=epoch, sequence=place), snapshot=snapshot), 0)

    async def stall(self, who: int) -> None:
        """Let somebody read nothing any more."""
        for watcher in self._chosen(who):
            watcher.link.stall()

    async def take(self, who: int, again: bool) -> None:
        """Let somebody read."""
        for watcher in self._chosen(who):
            watcher.link.take(again=again)

    async def poll(self) -> None:
        """Let the process look at the log."""
        self.hub.look()

    async def turn(self, number: int) -> None:
        """Let time pass."""
        await turns(number)

    async def hold(self, name: str) -> None:
        """Let the store answer nobody."""
        gate: Gate = getattr(self.store, name)
        gate.hold()

    async def release(self, name: str) -> None:
        """Let the store answer."""
        gate: Gate = getattr(self.store, name)
        gate.release()

    async def settle(self) -> None:
        """Take away all hindrances."""
        self.store.reads.release()
        self.store.answers.release()
        for watcher in self.watchers:
            watcher.link.take()
        await turns()
        await self.hub.feed.catch_up()
        await turns(_SETTLING)

    def judge(self) -> None:
        """Hold what everybody was told against what happened."""
        for watcher in self.watchers:
            for block in watcher.link.blocks:
                self._hear(watcher, block)
            kept = self.store.kept
            assert watcher.at == Position(epoch=kept.epoch, sequence=kept.head), "somebody is not where the log is"
            assert not watcher.awaits_state
            changes = len(self.names) - 1 - watcher.came_at
            if watcher.wish.position is not None:
                changes += 1
            assert watcher.resets.count("epoch_changed") <= changes, "somebody was told more often than it happened"

    def _connect(self, wish: Wish, room: int) -> None:
        link = Link(room=room)
        self.watchers.append(Watcher(link, wish, self.names.index(self.hub.feed.epoch)))
        self.hub.connect(link, Grant(ROOMS), wish)

    def _chosen(self, who: int) -> list[Watcher]:
        return self.watchers[who % len(self.watchers) :][:1] if self.watchers else []

    def _hear(self, watcher: Watcher, block: Block) -> None:
        hear = {"hello": self._hello, "reset": self._reset, "snapshot": self._snapshot, "": self._event}
        hear.get(block.name, self._beat)(watcher, block)

    def _hello(self, watcher: Watcher, block: Block) -> None:
        resumed = block.value["resumed"]
        watcher.awaits_state = watcher.wish.snapshot and not resumed
        if block.id is not None:
            watcher.at = Position.parse(block.id)
        assert not resumed or watcher.at == watcher.wish.position

    def _reset(self, watcher: Watcher, block: Block) -> None:
        assert block.value["reason"] in ("epoch_changed", "lagging")
        assert (block.id is None) == watcher.wish.snapshot
        watcher.resets.append(block.value["reason"])
        watcher.shown = []
        watcher.awaits_state = watcher.wish.snapshot
        if block.id is not None:
            self._move(watcher, block, is_told=True)

    def _snapshot(self, watcher: Watcher, block: Block) -> None:
        assert watcher.awaits_state, "the state is shown to somebody who has it"
        watcher.shown += [one["id"] for one in block.value["rooms"]] if "rooms" in block.value else []
        if not block.value["complete"]:
            return
        self._move(watcher, block, is_told=True)
        assert watcher.at
        expected = [orjson.loads(one.body)["id"] for one in self._log(watcher.at)[: watcher.at.sequence]]
        assert sorted(watcher.shown) == sorted(expected), "another state than that of the place"
        watcher.awaits_state = False

    def _event(self, watcher: Watcher, block: Block) -> None:
        assert not watcher.awaits_state, "an event before the state"
        before = watcher.at
        assert before
        self._move(watcher, block, is_told=False)
        assert watcher.at
        assert watcher.at.sequence == before.sequence + 1, "not the next event"
        event = self._log(watcher.at)[watcher.at.sequence - 1]
        assert block.value == orjson.loads(event.json(watcher.at.epoch)), "an event of another log"

    def _beat(self, watcher: Watcher, block: Block) -> None:
        assert block.name == "heartbeat"
        assert not watcher.awaits_state, "who has no state was told that nothing is missing"
        assert Position.parse(str(block.id)) == watcher.at, "the place of a heartbeat is not that of who hears it"

    def _move(self, watcher: Watcher, block: Block, *, is_told: bool) -> None:
        place = Position.parse(str(block.id))
        assert place
        before, watcher.at = watcher.at, place
        if before is None:
            return
        if before.epoch == place.epoch:
            assert before.sequence <= place.sequence or is_told
            return
        assert is_told, "the log changed without a word"
        assert watcher.resets, "the log changed without a reset"
        if watcher.resets[1:]:
            assert self.names.index(before.epoch) < self.names.index(place.epoch), "back to a log of before"

    def _log(self, place: Position) -> list[Event]:
        return self.happened[place.epoch]
