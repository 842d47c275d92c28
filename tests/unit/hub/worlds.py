"""Worlds to search in: a log, processes that follow it, and viewers that come, stall, vanish and come back.

Whatever a viewer receives is held against what happened: it must see every event of its topics once and in order, begin
where its snapshot ends, and lose its place only when that is gone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import orjson

from hub.desk import Grant, Wish
from hub.events import Event, Position
from hub.ports import Document
from hub.wire import Form
from tests.contracts.plain import Folding
from tests.memory_store import Gate, Kept, MemoryStore
from tests.unit.hub.browser import Block, read
from tests.unit.hub.viewing import NEVER, Clock, Hub, Link, turns

# What something may happen to, by a short name: the topics of its events, those that it is shown by first.
ENTITIES = {
    "a": ("rooms/a", "rooms/s@d", "rooms"),
    "b": ("rooms/b", "rooms"),
    "x": ("bots/x", "bots"),
    "s": ("sources/s", "sources"),
}
# What somebody may want to see.
WANTED = (
    frozenset({"*"}),
    frozenset({"rooms"}),
    frozenset({"rooms/a"}),
    frozenset({"rooms/s@d"}),
    frozenset({"rooms/a", "rooms/s@d"}),
    frozenset({"bots", "rooms/b"}),
    frozenset({"sources"}),
    frozenset({"rooms/nobody"}),
    frozenset(),
)
# What may be written to a connection that is behind: short, seldom, and not repeated.
_SHORT = {"hello", "reset", "bye", "token", "auth.expiring", "turned"}
_SHOWN_BY = {topics[0]: topics for topics in ENTITIES.values()}
# Enough for everybody to be told everything, once nothing is in the way.
_SETTLING = 160


def wants(topics: frozenset[str], shown_by: Iterable[str]) -> bool:
    """Whether who has these topics sees what is shown by those."""
    return "*" in topics or not topics.isdisjoint(shown_by)


@dataclass(frozen=True)
class Note:
    """How things were when something was written."""

    floor: int
    head: int
    ending: str
    now: int


class Call:
    """One connection of a viewer."""

    def __init__(self, world: "World", hub: Hub, link: Link, grant: Grant, wish: Wish) -> None:
        self.link = link
        self.wish = wish
        self.epoch = hub.feed.epoch
        self.hub = hub
        self._notes: list[Note] = []
        self._world = world
        link.on_write = self._note
        self.viewer, self.task = hub.connect(link, grant, wish)

    def _note(self) -> None:
        kept = self._world.store.kept
        self._notes.append(Note(kept.floor, kept.head, self.viewer.ending, self._world.clock.now))

    def received(self, length: int) -> Iterator[tuple[Block, Note]]:
        """Yield what arrived of so many bytes, each with how things were when it was written."""
        for piece, note in zip(self.link.pieces, self._notes, strict=True):
            for block in read(piece[: max(0, length)], self.link.form).blocks:
                yield block, note
            length -= len(piece)

    def check_writes(self) -> None:
        """Every write is whole, nothing is piled up, and who was told to go gets nothing but the goodbye."""
        separately = [block for piece in self.link.pieces for block in read(piece, self.link.form).blocks]
        assert separately == read(b"".join(self.link.pieces), self.link.form).blocks
        piled = [block.name for piece in self.link.piled for block in read(piece, self.link.form).blocks]
        assert set(piled) <= _SHORT, "written to a connection that is behind"


@dataclass
class Client:
    """Somebody who watches, over any number of connections, and what it takes from them."""

    world: "World"
    topics: frozenset[str]
    form: Form
    # For how many seconds it is permitted to watch each time it asks; None: for ever.
    life: int | None = None
    expires_at: int | None = None
    at: Position | None = None
    # What it shows: documents by topic, with the sequence that changed each; None while it does not know.
    documents: dict[str, int] | None = None
    call: Call | None = None
    # Connections that it left without a word.
    left: list[Call] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)

    def connect(self, hub: Hub, *, snapshot: bool, room: int, lost: bool) -> None:
        """Come, or come back."""
        if lost:
            # It sends something that nobody can read, so nobody can say which ids it has had.
            self.at = self.documents = None
        wish = Wish(self.at, lost=lost, snapshot=snapshot)
        now = self.world.clock.now // 1000
        if self.expires_at is None or self.expires_at <= now:
            self.expires_at = None if self.life is None else now + self.life
        self.call = Call(self.world, hub, Link(self.form, room=room), Grant(self.topics, self.expires_at), wish)

    def turn_to(self, topics: frozenset[str]) -> None:
        """Ask for other topics instead."""
        if self.call:
            self.call.viewer.turn_to(topics, "turned")
            self.call.hub.fanout.recall(self.call.viewer)

    def leave(self, *, unnoticed: bool = False) -> None:
        """Vanish; what was not read is lost."""
        call, self.call = self.call, None
        if call is None:
            return
        self._follow(call, call.link.close())
        if unnoticed:
            self.left.append(call)
        else:
            call.task.cancel()

    def _follow(self, call: Call, length: int) -> None:
        call.check_writes()
        story = _Story(self, call)
        for block, note in call.received(length):
            story.hear(block, note)


class _Story:
    """One connection as it is told to a client."""

    def __init__(self, client: Client, call: Call) -> None:
        self.client = client
        self.call = call
        self.world = client.world
        self.is_greeted = self.is_over = False
        # What it was told that is told once.
        self.told: list[str] = []
        self.expires_at = call.viewer.grant.expires_at
        # What it has asked for, as far as it was answered, and what it had before.
        self.asked = self.had = client.topics
        # It was told to forget what it shows, or has nothing yet, and was not shown the state.
        self.awaits_state = False
        # Or only the state of these topics, which it had not asked for before.
        self.added: frozenset[str] = frozenset()
        self.tokens = 0
        self.building: dict[str, int] | None = None

    def hear(self, block: Block, note: Note) -> None:
        assert not self.is_over, "something follows the goodbye"
        assert not note.ending or block.name == "bye", "something but the goodbye after it was told to go"
        assert self.is_greeted or block.name in ("hello", "bye"), "something before the greeting"
        is_permitted = self.expires_at is None or note.now < self.expires_at * 1000
        assert is_permitted or block.name in ("hello", "reset", "bye"), "something after its permission has ended"
        handler = {
            "hello": self.hello,
            "reset": self.reset,
            "snapshot": self.snapshot,
            "": self.message,
            "heartbeat": self.heartbeat,
            "token": self.token,
            "turned": self.turned,
            "auth.expiring": self.once,
            "bye": self.bye,
        }
        handler[block.name](block, note)

    def hello(self, block: Block, _: Note) -> None:
        assert not self.is_greeted
        self.is_greeted = True
        wish = self.call.wish
        if block.value["resumed"]:
            assert wish.position is not None
            assert wish.position.epoch == self.call.epoch
            assert block.id == str(wish.position)
            return
        self.awaits_state = wish.snapshot
        if wish.snapshot:
            assert block.id is None
        else:
            self.move(block.id)
            self.client.documents = None

    def reset(self, block: Block, note: Note) -> None:
        self.client.resets.append(block.value["reason"])
        self.check_reason(block.value["reason"], note)
        assert (block.id is None) == self.call.wish.snapshot
        self.building, self.added = None, frozenset()
        self.awaits_state = self.call.wish.snapshot
        if block.id is not None:
            self.move(block.id)
            self.client.documents = None

    def check_reason(self, reason: str, note: Note) -> None:
        wish, at = self.call.wish, self.client.at
        match reason:
            case "epoch_changed":
                assert wish.lost or (wish.position and wish.position.epoch != self.call.epoch), "the place is there"
            case "history_trimmed":
                place = wish.position if at is None or at.epoch != self.call.epoch else at
                # Without a snapshot the new place is told before the reset; the old one is in the wish.
                places = [one for one in (place, wish.position) if one]
                assert any(one.sequence < note.floor for one in places), "nothing was trimmed"
            case "lagging":
                assert at
                assert note.head - at.sequence > self.world.max_lag, "nobody lags"

    def snapshot(self, block: Block, _: Note) -> None:
        page = block.value
        assert self.awaits_state, "the state is shown to somebody who has it"
        topics = self.added or self.client.topics
        if self.building is None:
            self.building = {}
            wanted = {"bots", "rooms", "schedules"} if "*" in topics else topics & {"rooms", "bots"}
            assert wanted <= page.keys(), "the first page names all collections"
        for name in ("rooms", "bots"):
            self.building |= {f"{name}/{one['id']}": one["sequence"] for one in page.get(name, ())}
        assert (block.id is not None) == page["complete"]
        if block.id is None:
            return
        before = self.client.at
        self.move(block.id)
        assert self.client.at
        assert self.building == self.world.state(self.call.epoch, topics, self.client.at.sequence)
        if self.added:
            assert before
            assert self.world.missed(before, self.client.at.sequence, self.had) == [], "a state ahead of events"
            if self.client.documents is not None:
                kept = {one: at for one, at in self.client.documents.items() if not wants(self.added, _SHOWN_BY[one])}
                self.client.documents = kept | self.building
        else:
            self.client.documents = self.building
        self.building, self.awaits_state, self.added = None, False, frozenset()

    def message(self, block: Block, _: Note) -> None:
        assert not self.awaits_state, "an event before the state"
        before = self.client.at
        assert before, "an event before a place"
        self.move(block.id)
        assert self.client.at
        sequence = self.client.at.sequence
        event = self.world.happened[self.call.epoch][sequence - 1]
        assert block.value == orjson.loads(event.json(self.call.epoch))
        assert wants(self.client.topics, event.topics), "somebody else's event"
        assert self.world.missed(before, sequence - 1, self.client.topics) == []
        assert sequence > before.sequence, "an event twice"
        if self.client.documents is not None and not event.topics[0].startswith("sources/"):
            self.client.documents[event.topics[0]] = sequence

    def heartbeat(self, block: Block, _: Note) -> None:
        assert not self.awaits_state, "a heartbeat before the state"
        before = self.client.at
        assert before
        self.move(block.id)
        assert self.client.at
        assert self.world.missed(before, self.client.at.sequence, self.client.topics) == [], (
            "a heartbeat ahead of events"
        )

    def turned(self, block: Block, _: Note) -> None:
        assert not self.awaits_state, "other topics before the state of the first"
        client, topics = self.client, frozenset(block.value["topics"])
        before, self.had, self.added = client.at, client.topics, frozenset(block.value["added"])
        assert before
        assert self.added == (topics - self.asked if self.call.wish.snapshot else frozenset())
        self.awaits_state = bool(self.added)
        assert (block.id is None) == self.awaits_state
        if block.id is not None:
            self.move(block.id)
            assert self.world.missed(before, client.at.sequence, client.topics) == [], "a turn ahead of events"
        if client.documents is not None:
            client.documents = {one: at for one, at in client.documents.items() if wants(topics, _SHOWN_BY[one])}
            if not self.added and topics - self.asked:
                client.documents = None
        client.topics = self.asked = topics
        self.tokens += 1

    def token(self, block: Block, note: Note) -> None:
        if not self.tokens:
            self.once(block, note)
            return
        assert block.id is None
        assert block.value["reconnect_token"].startswith("+".join(sorted(self.asked)))
        self.tokens -= 1

    def once(self, block: Block, _: Note) -> None:
        assert block.id is None
        assert block.name not in self.told
        assert self.expires_at is not None
        self.told.append(block.name)

    def bye(self, block: Block, note: Note) -> None:
        assert block.id is None
        assert block.value["reason"] in ("overloaded", "drain", "expired")
        if block.value["reason"] == "expired":
            assert self.expires_at is not None
            assert note.now >= self.expires_at * 1000, "its permission has not ended"
        self.is_over = True

    def move(self, identity: str | None) -> None:
        """Take an id for the place; it must be of this log, and never before the last one."""
        assert identity, "no id"
        place = Position.parse(identity)
        assert place
        assert place.epoch == self.call.epoch
        before = self.client.at
        assert before is None or before.epoch != place.epoch or before.sequence <= place.sequence, "an id went back"
        self.client.at = place


class World:
    """A log, two processes that follow it, and viewers."""

    def __init__(
        self,
        viewers: Iterable[tuple[int, Form, int | None]],
        *,
        heartbeat: float = NEVER,
        tail: int = 3,
        page_size: int = 2,
        max_lag: float = NEVER,
    ) -> None:
        self.clock = Clock()
        self.max_lag = max_lag
        self.happened: dict[str, list[Event]] = {"epoch1": []}
        self.store = MemoryStore(Folding(), Kept(epoch="epoch1"))
        self.clients = [Client(self, WANTED[number], form, life) for number, form, life in viewers]
        self._limits = {"heartbeat": heartbeat, "tail": tail, "page_size": page_size, "max_lag": max_lag}
        self.hubs = [self._new_hub(), self._new_hub()]
        self.drained: set[int] = set()

    async def live(self, steps: Iterable[tuple[object, ...]]) -> None:
        """Let everybody come, take steps, then let everything settle, and judge."""
        try:
            for place, client in enumerate(self.clients):
                client.connect(self.hubs[place % 2], snapshot=place != 2, room=0, lost=False)
            await turns()
            for name, *rest in steps:
                await getattr(self, str(name))(*rest)
            await self.settle()
            self.judge()
        finally:
            for hub in self.hubs:
                await hub.stop()
        for hub in self.hubs:
            assert len(hub.fanout.roster) == 0

    def judge(self) -> None:
        """Hold what everybody has seen against what happened."""
        for client in self.clients:
            client.leave()
            assert client.at
            assert client.at.epoch == self.store.kept.epoch
            assert self.missed(client.at, self.store.kept.head, client.topics) == [], "somebody missed something"
            if self._limits["heartbeat"] == 0:
                assert client.at.sequence == self.store.kept.head
            if client.documents is not None:
                assert client.documents == self.state(client.at.epoch, client.topics, client.at.sequence)

    async def settle(self) -> None:
        """Take away all hindrances and let everybody come back and read."""
        for gate in (self.store.reads, self.store.answers):
            gate.release()
        # Who is being sent away because the store was, is to come back too.
        await turns()
        for node in tuple(self.drained):
            await self.restart(node)
        for client in self.clients:
            client.life = None
            if client.call and (client.expires_at is not None or client.call.task.done()):
                client.leave()
            if client.call is None:
                client.expires_at = None
                client.connect(self.hubs[0], snapshot=True, room=0, lost=False)
            assert client.call
            client.call.link.take()
        for hub in self.hubs:
            await hub.feed.catch_up()
        await turns(_SETTLING)

    async def commit(self, entities: str, heard_by: int | None) -> None:
        """Let things happen; the process that committed them hears of them at once."""
        events = [self._happen(entity) for entity in entities]
        if heard_by is not None:
            self.hubs[heard_by].feed.publish(events)

    async def burst(self, entity: str, number: int, heard_by: int | None) -> None:
        """Let much happen."""
        await self.commit(entity * number, heard_by)

    async def hear(self, node: int, number: int) -> None:
        """Let a process be told of the latest events by another."""
        self.hubs[node].feed.publish([event for event, _ in self.store.kept.events[-number:]])

    async def poll(self, node: int) -> None:
        """Let a process look at the store."""
        self.hubs[node].look()

    async def connect(self, viewer: int, node: int, snapshot: bool, room: int, lost: bool) -> None:
        """Let a viewer come, if it is not there."""
        client = self.client(viewer)
        if client.call and client.call.task.done():
            client.leave()
        if client.call is None:
            client.connect(self.hubs[node], snapshot=snapshot, room=room, lost=lost)

    async def forget(self, viewer: int) -> None:
        """Let a viewer begin anew, as a page that is loaded again."""
        client = self.client(viewer)
        client.leave()
        client.at = client.documents = None

    async def leave(self, viewer: int, unnoticed: bool) -> None:
        """Let a viewer vanish, with or without a word."""
        self.client(viewer).leave(unnoticed=unnoticed)

    async def stall(self, viewer: int) -> None:
        """Let a viewer read nothing."""
        if call := self.client(viewer).call:
            call.link.stall()

    async def take(self, viewer: int, again: bool) -> None:
        """Let a viewer read what there is, or all that comes."""
        if call := self.client(viewer).call:
            call.link.take(again=again)

    async def ask(self, viewer: int, wanted: int) -> None:
        """Let a viewer follow other topics."""
        self.client(viewer).turn_to(WANTED[wanted])

    async def turn(self, number: int) -> None:
        """Let the processes work."""
        await turns(number)

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    async def trim(self, number: int) -> None:
        """Forget old events; that is never done to what is a second old."""
        self.clock.advance(2)
        kept = self.store.kept
        self.store.raise_floor(min(kept.head, kept.floor + number))

    async def hold(self, gate: str) -> None:
        """Let reads wait, or their answers."""
        self.gate(gate).hold()

    async def release(self, gate: str) -> None:
        """Let them go."""
        self.gate(gate).release()

    async def fail(self, number: int) -> None:
        """Let the store be away for some turns."""
        self.store.problem = "away"
        await turns(number)
        self.store.problem = ""

    async def drain(self, node: int) -> None:
        """Let a process tell everybody to go, as it does before it stops."""
        self.drained.add(node)
        await self.hubs[node].fanout.drain(0)

    async def tick(self, node: int) -> None:
        """Let a process look at the clock."""
        self.hubs[node].tick()

    async def restart(self, node: int) -> None:
        """Kill a process and start it again."""
        self.drained.discard(node)
        hub = self.hubs[node]
        for client in self.clients:
            if client.call and client.call.hub is hub:
                client.leave()
        await hub.stop()
        self.hubs[node] = self._new_hub()

    async def restore(self, kept_events: int) -> None:
        """Replace the log by an older copy of it, under a new name."""
        old = self.store.kept
        for gate in (self.store.reads, self.store.answers):
            gate.release()
        for client in self.clients:
            client.leave()
        for hub in self.hubs:
            await hub.stop()
        self.drained.clear()
        epoch = f"epoch{len(self.happened) + 1}"
        self.happened[epoch] = self.happened[old.epoch][: max(old.floor, kept_events)]
        self.store = MemoryStore(Folding(), Kept(epoch=epoch, floor=old.floor))
        for event in self.happened[epoch]:
            if event.sequence > old.floor:
                self.store.kept.events.append((event, 0))
            self.store.kept.documents |= _documents(event)
        self.hubs = [self._new_hub(), self._new_hub()]

    def client(self, number: int) -> Client:
        """Return one of the viewers."""
        return self.clients[number % len(self.clients)]

    def gate(self, name: str) -> Gate:
        """Return one of the store's gates."""
        return {"reads": self.store.reads, "answers": self.store.answers}[name]

    def missed(self, after: Position, through: int, topics: frozenset[str]) -> list[int]:
        """Return what happened to topics after a place and up to a sequence."""
        stretch = self.happened[after.epoch][after.sequence : through]
        return [event.sequence for event in stretch if wants(topics, event.topics)]

    def state(self, epoch: str, topics: frozenset[str], sequence: int) -> dict[str, int]:
        """Return the documents of topics as they were at a sequence."""
        found: dict[str, int] = {}
        for event in self.happened[epoch][:sequence]:
            if wants(topics, event.topics) and not event.topics[0].startswith("sources/"):
                found[event.topics[0]] = event.sequence
        return found

    def _happen(self, entity: str) -> Event:
        topics = ENTITIES[entity]
        body = orjson.dumps({"type": "test", "data": {"number": self.store.kept.head + 1}})
        event = self.store.append(*topics, body=body)
        self.store.kept.documents |= _documents(event)
        self.happened[self.store.kept.epoch].append(event)
        return event

    def _new_hub(self) -> Hub:
        kept = self.store.kept
        start = Position(epoch=kept.epoch, sequence=kept.head)
        hub = Hub(self.store, start, self.clock, **self._limits)  # type: ignore[arg-type]  # some of them are whole
        hub.start()
        return hub


def _documents(event: Event) -> dict[str, Document]:
    topic = event.topics[0]
    collection, _, name = topic.partition("/")
    if collection == "sources":
        return {}
    durable = next((one for one in event.topics if "@" in one), "")
    body = orjson.dumps({"id": name, "sequence": event.sequence})
    return {topic: Document(topic=topic, collection=collection, parent=topic, durable=durable, body=body)}
