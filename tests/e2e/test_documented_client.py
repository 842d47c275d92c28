"""Whoever has nothing but docs/streams.md can follow a hub: its copy is what the hub says, whatever happens on the way.

The client here is the one of documented_client.py, which shares no code with the hub.
"""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import msgspec
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from hub.clock import now_ms
from hub.commands.casting import Line, Plan, cast, script
from hub.commands.send import post, sample_for, source_for, with_values
from hub.commands.simulate import play_and_compare
from hub.errors import ConfigRefused
from tests.e2e.documented_client import Client, Copy, Document, Message, Refused
from tests.hubs import RunningHub, running_hub
from tests.processes import SECRETS, HubProcess
from tests.unit.hub.viewing import Clock
from tests.waiting import PATIENCE, until

API_KEY = SECRETS["HUB_API_KEY"]
TRANSPORTS = ("events", "socket")
# Small pages and short heartbeats; a day that is over is still shown.
QUICK = {"HUB_STREAM__HEARTBEAT": "0.5", "HUB_STREAM__PAGE_SIZE": "3", "HUB_STREAM__RECENT": "100000"}
DAY = Plan(rooms=7, bots=3, rate=None, seed=5, chaos=True, day=True)
# What is computed when somebody reads: documents of events do not have it.
COMPUTED = {
    "rooms": {"duration", "peak_participants", "participant_minutes", "cost", "trending_score", "derived", "stale"},
    "participants": {"duration", "watch_duration"},
    "recordings": {"artifacts"},
    "schedules": {"stale"},
}
Served = HubProcess | RunningHub
Truth = dict[str, dict[tuple[str, ...], Document]]


@dataclass
class Cutting:
    """A way to a hub that breaks in the middle of what it passes on, or passes on nothing more and stays open."""

    port: int
    # After how many bytes of the hub's a connection is cut; None: never.
    after: int | None = None
    # In the middle of which text the next one is cut.
    within: bytes = b""
    is_silent: bool = False
    cuts: int = 0
    url: str = ""
    open: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.open += 1
        with contextlib.suppress(ConnectionError):
            await self._pass_on(reader, writer)
        writer.transport.abort()
        self.open -= 1

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        above, upwards = await asyncio.open_connection("127.0.0.1", self.port)
        ways = [asyncio.create_task(self._up(reader, upwards)), asyncio.create_task(self._down(above, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for one in ways:
            one.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        upwards.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(65536):
            writer.write(said)

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while told := await reader.read(65536):
            if self.is_silent:
                continue
            passed += len(told)
            cut = self._cut(told, passed)
            writer.write(told[:cut])
            await writer.drain()
            if cut is not None:
                self.cuts += 1
                return

    def _cut(self, told: bytes, passed: int) -> int | None:
        if self.within and self.within in told:
            place = told.index(self.within) + len(self.within) // 2
            self.within = b""
            return place
        return len(told) // 2 if self.after is not None and passed > self.after else None


@contextlib.asynccontextmanager
async def cutting(hub: HubProcess, after: int | None = None) -> AsyncIterator[Cutting]:
    way = Cutting(hub.port, after)
    server = await asyncio.start_server(way.serve, "127.0.0.1", 0)
    way.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield way
    finally:
        server.close()
        await until(lambda: way.open == 0)


@dataclass
class Followed:
    """A client at work, what it saw, and for how long it wanted to wait before it came back."""

    client: Client
    seen: list[Message] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    def __getitem__(self, event: str) -> list[Message]:
        return [message for message in self.seen if message.event == event]

    @property
    def numbers(self) -> list[int]:
        """Return the places of the events that it saw."""
        return [int((one.id or "").rpartition(".")[2]) for one in self["message"]]

    async def saw(self, event: str, times: int = 1) -> Message:
        """Wait for an event, and return the last of its kind."""
        await until(lambda: self._is_over() or len(self[event]) >= times)
        return self[event][-1]

    async def holds(self, truth: Truth, *kinds: str) -> None:
        """Wait until the copy is what is true, of these kinds."""
        with contextlib.suppress(TimeoutError):
            await until(lambda: self._is_over() or not differences(self.client.copy.documents, truth, kinds))
        assert differences(self.client.copy.documents, truth, kinds) == []

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0.02)

    def _is_over(self) -> bool:
        return self.task is not None and self.task.done()


@contextlib.asynccontextmanager
async def followed(
    url: str,
    transport: str,
    topics: Iterable[str] = (),
    *tokens: str,
    position: str | None = None,
    copy: Copy | None = None,
) -> AsyncIterator[Followed]:
    """Follow topics for the length of the block, with each of the tokens in turn."""
    left = iter(tokens or (API_KEY,))

    async def credentials() -> str | None:
        return next(left, None)

    client = Client(url=url, topics=list(topics), credentials=credentials, transport=transport, position=position)  # type: ignore[arg-type]  # parameters of tests are text
    client.copy = copy or client.copy
    viewer = Followed(client)
    client.pause, client.observe = viewer.pause, viewer.seen.append
    viewer.task = asyncio.create_task(client.run())
    try:
        yield viewer
    finally:
        viewer.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await viewer.task


@contextlib.asynccontextmanager
async def speaking(
    hub: Served, *topics: str, token: str = API_KEY, origin: str = ""
) -> AsyncIterator[ClientConnection]:
    """Open a WebSocket without any client around it."""
    query = httpx.QueryParams({"topic": topics, "snapshot": "0"})
    async with connect(
        f"{hub.url.replace('http', 'ws', 1)}/api/ws?{query}",
        additional_headers={"Authorization": f"Bearer {token}"},
        origin=Origin(origin) if origin else None,
        subprotocols=[Subprotocol("hub.v1")],
        proxy=None,
        max_queue=None,
    ) as socket:
        yield socket


async def answered(socket: ClientConnection, event: str, said: object = None) -> Document:
    """Say something, and wait for an event; return its data."""
    if said is not None:
        await socket.send(said if isinstance(said, str | bytes) else json.dumps(said))
    async with asyncio.timeout(PATIENCE):
        while (told := json.loads(await socket.recv()))["event"] != event:
            pass
    return dict(told["data"])


async def closed(socket: ClientConnection) -> int | None:
    """Read to the end, and return the code that the hub closes with."""
    with contextlib.suppress(websockets.ConnectionClosed):
        async with asyncio.timeout(PATIENCE):
            while True:
                await socket.recv()
    return socket.close_code


def differences(held: Truth, true: Truth, kinds: Iterable[str]) -> list[tuple[Document | None, Document | None]]:
    """Return each document that is held but not true, with the one that is, leaving out what is computed."""

    def plain(kind: str, document: Document | None) -> Document | None:
        return document and {name: document[name] for name in document.keys() - COMPUTED.get(kind, set())}

    pairs = [
        (plain(kind, held[kind].get(key)), plain(kind, true[kind].get(key)))
        for kind in kinds
        for key in sorted(held[kind].keys() | true[kind].keys())
    ]
    return [pair for pair in pairs if pair[0] != pair[1]]


async def truth(hub: HubProcess) -> Truth:
    """Return all that the hub says by REST."""
    async with asking(hub) as http:

        async def every(path: str) -> list[Document]:
            page = (await http.get(path)).json()
            found: list[Document] = page["items"]
            while page["next"]:
                page = (await http.get(path, params={"cursor": page["next"]})).json()
                found += page["items"]
            return found

        lists = {kind: await every(f"/api/{kind}") for kind in ("bots", "rooms", "schedules", "recordings")}
        said: Truth = {kind: {(one["id"],): one for one in found} for kind, found in lists.items()}
        people = [one for room in lists["rooms"] for one in await every(f"/api/rooms/{room['id']}/participants")]
    return said | {"participants": {(one["room"], one["id"]): one for one in people}}


async def tell(hub: Served, lines: Iterable[Line], *, at_once: int = 8) -> None:
    """Post webhooks as providers do: again until they are taken."""
    left = iter(lines)

    async def work(session: aiohttp.ClientSession) -> None:
        for line in left:
            while not await is_taken(session, line):  # noqa: ASYNC110 -- nothing signals that a dead hub is back
                # A provider's own pause.
                await asyncio.sleep(0.05)

    async def is_taken(session: aiohttp.ClientSession, line: Line) -> bool:
        with contextlib.suppress(ConfigRefused):
            return (await post(session, hub.url, line.source, line.sample, time.time_ns() // 1_000_000)).status == 200
        return False

    async with aiohttp.ClientSession() as session, asyncio.timeout(2 * PATIENCE), asyncio.TaskGroup() as workers:
        for _ in range(at_once):
            workers.create_task(work(session))


def webhook(hub: Served, event: str, *values: str) -> Line:
    """Return a webhook of LiveKit's with some values of its own."""
    now = time.time_ns() // 1_000_000
    sample = with_values(sample_for("livekit", event, now), [f"id=EV_{event}_{'_'.join(values)}", *values])
    return Line(now, source_for(hub.settings, "livekit"), sample)


def visits(hub: Served, room: str, number: int, first: int = 0) -> Iterator[Line]:
    """Return webhooks of people who join a room, one after the other."""
    for visit in range(first, first + number):
        who = (f"participant.sid=PA_{visit}", f"participant.identity=user-{visit}")
        yield webhook(hub, "participant_joined", f"room.name={room}", f"room.sid=RM_{room}", *who)


def asking(hub: Served, credential: str = API_KEY) -> httpx.AsyncClient:
    """Return a client for everything but streams."""
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    return httpx.AsyncClient(base_url=hub.url, headers=headers, trust_env=False, timeout=PATIENCE)


async def token(hub: Served, *topics: str, ttl: int = 600, credential: str = API_KEY, **more: object) -> str:
    status, said = await minted(hub, credential, topics=topics, ttl=ttl, **more)
    assert status == 201, said
    return str(said["token"])


async def minted(hub: Served, credential: str = API_KEY, **order: object) -> tuple[int, Document]:
    async with asking(hub, credential) as http:
        answer = await http.post("/api/tokens", json=order)
    assert answer.is_success or answer.headers["Content-Type"].startswith("application/problem+json")
    return answer.status_code, answer.json()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub in which a wild day was told, with a plan for each meeting."""
    process = HubProcess(tmp_path_factory.mktemp("hub"), **QUICK)
    process.start()
    asyncio.run(play_and_compare(process.settings, process.url, API_KEY, DAY, print))
    yield process
    process.kill()


async def test_the_copies_are_true_through_a_kill_and_cut_frames(tmp_path: Path) -> None:
    """What is told while the hub dies is told again, and every event comes once and in order."""
    hub = HubProcess(tmp_path, **QUICK)
    hub.start()
    now = time.time_ns() // 1_000_000
    lines = script(cast(hub.settings, DAY, now), DAY, now)
    try:
        async with cutting(hub, after=60_000) as way, contextlib.AsyncExitStack() as stack:
            viewers = [await stack.enter_async_context(followed(way.url, by, ["*"])) for by in TRANSPORTS]
            for viewer in viewers:
                await viewer.saw("snapshot")
            telling = asyncio.create_task(tell(hub, lines))
            await until(lambda: all(len(viewer.numbers) > 40 for viewer in viewers))
            hub.kill()
            await asyncio.to_thread(hub.start)
            await telling
            said = await truth(hub)
            for viewer in viewers:
                await viewer.holds(said, *said)
                assert viewer.numbers == list(range(1, len(viewer.numbers) + 1))
                assert all(hello.data["resumed"] for hello in viewer["hello"][1:])
                assert not viewer["reset"] and len(viewer["snapshot"]) == 1
            async with speaking(hub) as socket:
                await answered(socket, "hello")
                stopping = asyncio.create_task(asyncio.to_thread(hub.stop))
                assert await answered(socket, "bye") == {"reason": "drain", "reconnect": True}
                assert await closed(socket) == 1012
            assert await stopping == 0
        assert way.cuts >= 4
    finally:
        hub.kill()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_snapshot_of_everything_is_what_is_true(hub: HubProcess, transport: str) -> None:
    """Its position comes with the last page only, so whoever is cut off before that begins anew."""
    async with followed(hub.url, transport, ["*"]) as viewer:
        await viewer.holds(await truth(hub), "bots", "rooms", "schedules")
    assert len(viewer["snapshot"]) > 2
    assert [page.data["complete"] for page in viewer["snapshot"]] == [*[False] * (len(viewer["snapshot"]) - 1), True]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_single_topics_show_people_and_recordings_too(hub: HubProcess, transport: str) -> None:
    """Sessions, bots, and plans with the rooms of their meetings."""
    said = await truth(hub)
    singles = [f"{kind}/{key}" for kind in ("bots", "rooms", "schedules") for (key,) in said[kind]]
    async with followed(hub.url, transport, singles) as viewer:
        await viewer.holds(said, *said)
        durable = {room["durable_room"] for room in said["rooms"].values()}
    async with followed(hub.url, transport, [f"rooms/{name}" for name in durable]) as viewer:
        await viewer.holds(said, "rooms", "participants")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_events_alone_lead_to_what_is_true(hub: HubProcess, transport: str) -> None:
    """Whoever comes back from the very beginning gets all of them, and no snapshot."""
    said = await truth(hub)
    async with followed(hub.url, transport, ["*"], position=f"{await epoch(hub)}.0") as viewer:
        await viewer.holds(said, *said)
    assert viewer["hello"][0].data["resumed"] is True
    assert viewer.numbers == list(range(1, len(viewer.numbers) + 1))
    assert not viewer["snapshot"] and not viewer["reset"]


@pytest.mark.parametrize("lost", ["00000000.7", "{epoch}.999999", "what is this"])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_lost_position_is_told_and_what_is_shown_stays_until_the_new_state_is_complete(
    hub: HubProcess, transport: str, lost: str
) -> None:
    """Another log's, one of the future, and none at all."""
    old = Copy()
    old.documents["rooms"]["gone",] = {"id": "gone", "sequence": 1}
    lost = lost.format(epoch=await epoch(hub))
    async with followed(hub.url, transport, ["rooms"], position=lost, copy=old) as viewer:
        shown: list[tuple[bool, bool]] = []

        def observe(message: Message) -> None:
            viewer.seen.append(message)
            if message.event == "snapshot":
                shown.append((message.data["complete"], ("gone",) in old.documents["rooms"]))

        viewer.client.observe = observe
        await viewer.holds(await truth(hub), "rooms")
    assert [reset.data["reason"] for reset in viewer["reset"]] == ["epoch_changed"]
    assert viewer["hello"][0].data["resumed"] is False
    assert len(shown) > 1 and all(complete is not held for complete, held in shown)


async def test_a_token_for_one_room_sees_nothing_of_any_other(hub: HubProcess) -> None:
    """Neither in its snapshot, nor in all that ever happened, nor by asking for more."""
    said = await truth(hub)
    start = f"{await epoch(hub)}.0"
    for (name,), room in said["rooms"].items():
        only = await token(hub, f"rooms/{name}")
        async with (
            followed(hub.url, "events", [], only) as fresh,
            followed(hub.url, "socket", [], only, position=start) as old,
        ):
            await fresh.saw("snapshot")
            people = {key: one for key, one in said["participants"].items() if one["room"] == name}
            own = said | {"rooms": {(name,): room}, "participants": people}
            await fresh.holds(own, "rooms", "participants")
            await old.holds(own, "rooms", "participants")
        for viewer in (fresh, old):
            others = {other for (other,) in said["rooms"]} - {name}
            told = json.dumps([message.data for message in viewer.seen if message.event in ("message", "snapshot")])
            assert not [other for other in others if f'"{other}"' in told]
            assert not viewer.client.copy.documents["bots"]


async def test_who_may_see_one_room_gets_no_other_by_asking(hub: HubProcess) -> None:
    """The refusal changes nothing: what was followed is followed on."""
    await tell(hub, [*visits(hub, "own", 1), *visits(hub, "foreign", 1)])
    only = await token(hub, "rooms/livekit:RM_own")
    async with followed(hub.url, "socket", [], only) as viewer:
        await viewer.saw("snapshot")
        wishes = (["rooms/livekit:RM_foreign"], ["rooms/livekit@foreign"], ["rooms"], ["*"], ["bots"], ["deliveries"])
        for count, topics in enumerate(wishes, 1):
            await viewer.client.send("subscribe", topics=topics)
            assert (await viewer.saw("error", count)).data["code"] == "forbidden"
        await tell(hub, [*visits(hub, "foreign", 3, first=1), *visits(hub, "own", 1, first=1)], at_once=1)
        await viewer.saw("message")
        assert [message.data["subject"] for message in viewer["message"]] == ["rooms/livekit:RM_own"]
        assert viewer.client.topics == []
    for topic in ("rooms/livekit:RM_foreign", "*"):
        async with followed(hub.url, "events", [topic], only) as stream:
            with pytest.raises(Refused, match="403"):
                await asyncio.wait_for(stream.task, PATIENCE)  # type: ignore[arg-type]  # it was just begun
            stream.task = asyncio.create_task(asyncio.sleep(0))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_token_is_renewed_without_losing_an_event(tmp_path: Path, transport: str) -> None:
    """While things happen, until long after the first token has ended."""
    clock = Clock(now_ms())
    async with running_hub(tmp_path, clock, **QUICK) as hub:
        first, second = await token(hub, "rooms", ttl=30), await token(hub, "rooms")
        async with followed(hub.url, transport, ["rooms"], first, second) as viewer:
            await viewer.saw("snapshot")
            telling = asyncio.create_task(tell(hub, visits(hub, "renewed", 40), at_once=2))
            await (viewer.saw("authenticated") if transport == "socket" else viewer.saw("hello", 2))
            clock.advance(60)
            await telling
            await tell(hub, visits(hub, "renewed", 4, first=40))
            await viewer.saw("message", 44)
            events = [one.data["data"]["participant"]["id"] for one in viewer["message"]]
            assert sorted(events) == sorted(f"PA_{visit}" for visit in range(44))
            assert viewer["auth.expiring"] and not viewer["bye"] and not viewer["reset"]
            assert len(viewer["authenticated"]) == (transport == "socket")
            assert len(viewer["hello"]) == 1 + (transport == "events")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_token_that_ends_ends_the_stream(tmp_path: Path, transport: str) -> None:
    """Nothing comes after `bye`, and its reconnect token has ended with it."""
    clock = Clock(now_ms())
    async with running_hub(tmp_path, clock, **QUICK) as hub:
        short = await token(hub, "rooms", ttl=30)
        async with followed(hub.url, transport, [], short) as viewer:
            spent = (await viewer.saw("hello")).data["reconnect_token"]
            clock.advance(30)
            assert (await viewer.saw("bye")).data == {"reason": "expired", "reconnect": False}
            await until(lambda: viewer.task is not None and viewer.task.done())
            before = len(viewer.seen)
            await tell(hub, visits(hub, "after", 1))
            assert viewer.seen[-1].event == "bye" and len(viewer.seen) == before
        async with asking(hub, credential="") as http:
            for query in ({"reconnect": spent}, {"token": short}, {}):
                assert (await http.get("/api/stream", params=query)).status_code == 401


async def test_a_socket_whose_token_ends_is_closed_with_4401(tmp_path: Path) -> None:
    clock = Clock(now_ms())
    async with running_hub(tmp_path, clock) as hub, contextlib.AsyncExitStack() as stack:
        socket = await stack.enter_async_context(speaking(hub, token=await token(hub, "rooms", ttl=30)))
        clock.advance(30)
        assert await closed(socket) == 4401


async def test_topics_change_while_things_happen(hub: HubProcess) -> None:
    """Every change brings the state of what is new, and the events of both sides of it, none twice."""
    async with followed(hub.url, "socket", ["rooms/livekit@even"]) as viewer:
        await viewer.saw("snapshot")
        rooms = [visits(hub, name, 60) for name in ("even", "odd")]
        telling = asyncio.create_task(tell(hub, itertools.chain.from_iterable(zip(*rooms, strict=True)), at_once=4))
        for count in range(1, 7):
            await viewer.client.send("subscribe", topics=["rooms/livekit:RM_odd", "schedules"])
            await viewer.client.send("unsubscribe", topics=["schedules"])
            await viewer.client.send("unsubscribe", topics=["rooms/livekit:RM_odd"])
            await viewer.client.send("subscribe", topics=["rooms/livekit@odd"])
            await viewer.saw("subscribed", 2 * count)
            await viewer.client.send(
                "unsubscribe", topics=["rooms/livekit@odd"] if count < 6 else ["rooms/livekit@even"]
            )
            await viewer.saw("unsubscribed", 3 * count)
        await telling
        said = await truth(hub)
        own = {
            "rooms": {key: one for key, one in said["rooms"].items() if one["durable_room"] == "livekit@odd"},
            "participants": {key: one for key, one in said["participants"].items() if one["room"] == "livekit:RM_odd"},
        }
        assert len(own["participants"]) == 60
        await viewer.holds(own, *own)
        assert viewer.numbers == sorted(set(viewer.numbers))
        assert not viewer["reset"] and not viewer["error"]


async def test_a_change_of_topics_that_is_cut_off_is_made_up_for(hub: HubProcess) -> None:
    """The position is already one of topics whose state never came."""
    await tell(hub, visits(hub, "cut", 3))
    async with cutting(hub) as way, followed(way.url, "socket", ["bots"]) as viewer:
        await viewer.saw("snapshot")
        way.within = b'"event":"snapshot"'
        await viewer.client.send("subscribe", topics=["rooms/livekit:RM_cut"])
        await viewer.saw("hello", 2)
        said = await truth(hub)
        people = {key: one for key, one in said["participants"].items() if one["room"] == "livekit:RM_cut"}
        await viewer.holds({"bots": said["bots"], "participants": people}, "bots", "participants")
        assert way.cuts == 1 and len(people) == 3


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_an_event_has_no_place_for_is_read_by_rest(hub: HubProcess, transport: str) -> None:
    """A meeting ends for more people than an event holds."""
    room = f"crowd-{transport}"
    long = f"participant.name={'x' * 250}"
    crowd = [msgspec.structs.replace(one, sample=with_values(one.sample, [long])) for one in visits(hub, room, 150)]
    await tell(hub, crowd)
    async with followed(hub.url, transport, [f"rooms/livekit:RM_{room}"]) as viewer:
        await viewer.saw("snapshot")
        await tell(hub, [webhook(hub, "room_finished", f"room.name={room}", f"room.sid=RM_{room}")])
        assert (await viewer.saw("message")).data["data"]["more"] is True
        people = {key: one for key, one in (await truth(hub))["participants"].items() if one["room"].endswith(room)}
        assert len(people) == 150 and not any(one["active"] for one in people.values())
        await viewer.holds({"participants": people}, "participants")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_is_cancelled_or_erased_is_forgotten(hub: HubProcess, transport: str) -> None:
    """A plan, and a room with its people."""
    room = f"erased-{transport}"
    async with followed(hub.url, transport, ["rooms", "schedules"]) as viewer:
        await viewer.saw("snapshot")
        await tell(hub, visits(hub, room, 2))
        plan = {"provider": "livekit", "room_id": room, "starts_at": "2026-03-10T12:00:00Z", "title": "Algebra"}
        async with asking(hub) as http:
            planned = (await http.post("/api/schedules", json=plan)).json()["id"]
            await until(lambda: (planned,) in viewer.client.copy.documents["schedules"])
            assert any(one["room"].endswith(room) for one in viewer.client.copy.documents["participants"].values())
            assert (await http.delete(f"/api/schedules/{planned}")).is_success
            assert (await http.delete(f"/api/rooms/livekit:RM_{room}?erase=1")).is_success
        await viewer.holds(await truth(hub), "rooms", "schedules")
        assert not any(one["room"].endswith(room) for one in viewer.client.copy.documents["participants"].values())


async def test_a_stream_that_falls_silent_is_left(hub: HubProcess) -> None:
    """Two and a half heartbeats without a word: the socket is open, but nobody is there."""
    async with cutting(hub) as way, contextlib.AsyncExitStack() as stack:
        viewers = [await stack.enter_async_context(followed(way.url, by, ["rooms"])) for by in TRANSPORTS]
        for viewer in viewers:
            await viewer.saw("heartbeat")
        way.is_silent = True
        await until(lambda: all(viewer.pauses for viewer in viewers))
        way.is_silent = False
        await tell(hub, visits(hub, "silence", 1))
        for viewer in viewers:
            await viewer.saw("message")
            assert viewer["hello"][-1].data["resumed"] is True
            assert viewer.pauses[0] == viewer["hello"][0].retry / 1000


async def test_tokens_are_made_for_some_of_what_their_maker_may_do(hub: HubProcess) -> None:
    """And end when it does; whatever else is asked for is refused with a problem."""
    status, said = await minted(hub, topics=["rooms", "bots"], ttl=60, name="wall")
    assert (status, said["topics"], said["scope"], said["name"]) == (201, ["bots", "rooms"], ["read"], "wall")
    wall = str(said["token"])
    status, less = await minted(hub, wall, topics=["rooms/livekit@own"], ttl=86_400)
    assert (status, less["expires_at"]) == (201, said["expires_at"])
    refused: list[tuple[int, str, dict[str, Any]]] = [
        (403, wall, {"topics": ["schedules"]}),
        (403, wall, {"topics": ["*"]}),
        (403, wall, {"topics": ["rooms"], "scope": ["admin"]}),
        (403, str(less["token"]), {"topics": ["rooms"]}),
        (400, API_KEY, {"topics": []}),
        (400, API_KEY, {}),
        (400, API_KEY, {"topics": ["nonsense"]}),
        (400, API_KEY, {"topics": ["rooms"], "ttl": 0}),
        (400, API_KEY, {"topics": ["rooms"], "ttl": 86_401}),
        (400, API_KEY, {"topics": ["rooms"], "scope": ["everything"]}),
        (401, "", {"topics": ["rooms"]}),
        (401, f"{wall}x", {"topics": ["rooms"]}),
    ]
    for status, credential, order in refused:
        assert ((await minted(hub, credential, **order))[0], order) == (status, order)


async def test_what_cannot_be_done_is_answered_and_changes_nothing(hub: HubProcess) -> None:
    """Whatever a client says, its stream goes on."""
    async with speaking(hub, "schedules", token=await token(hub, "schedules", "bots")) as socket:
        assert socket.subprotocol == "hub.v1"
        for said, code in (
            ("{", "bad_request"),
            (b"{}", "bad_request"),
            ([], "bad_request"),
            ({"action": "dance"}, "bad_request"),
            ({"action": "subscribe"}, "bad_request"),
            ({"action": "subscribe", "topics": ["nonsense"]}, "bad_request"),
            ({"action": "subscribe", "topics": [f"bots/{number}" for number in range(101)]}, "bad_request"),
            ({"action": "subscribe", "topics": ["rooms"]}, "forbidden"),
            ({"action": "authenticate", "token": await token(hub, "bots")}, "forbidden"),
            ({"action": "authenticate", "token": "nonsense"}, "unauthorized"),
        ):
            assert ((await answered(socket, "error", said))["code"], said) == (code, said)
        assert await answered(socket, "pong", {"action": "ping"}) == {}
        subscribed = await answered(socket, "subscribed", {"action": "subscribe", "topics": ["bots"]})
        assert subscribed == {"topics": ["bots", "schedules"], "added": []}


async def test_too_many_changes_at_once_are_refused(hub: HubProcess) -> None:
    async with speaking(hub, "schedules") as socket:
        for _ in range(100):
            await socket.send(json.dumps({"action": "unsubscribe", "topics": ["bots"]}))
        assert (await answered(socket, "error"))["code"] == "too_many"
        assert await answered(socket, "pong", {"action": "ping"}) == {}


@pytest.mark.parametrize(("said", "times", "code"), [('{"action": "ping"}', 201, 1008), ("x" * 65_537, 1, 1009)])
async def test_who_says_too_much_is_sent_away(hub: HubProcess, said: str, times: int, code: int) -> None:
    async with speaking(hub, "schedules") as socket:
        with contextlib.suppress(websockets.ConnectionClosed):
            for _ in range(times):
                await socket.send(said)
        assert await closed(socket) == code


async def test_a_page_of_another_origin_may_open_no_socket(hub: HubProcess) -> None:
    """No browser asks first, and every one sends the cookie along."""
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with speaking(hub, "rooms", origin="https://elsewhere.example"):
            pass
    assert refusal.value.response.status_code == 403
    assert refusal.value.response.headers["Content-Type"].startswith("application/problem+json")
    async with speaking(hub, "rooms", origin=hub.url):
        pass


async def epoch(hub: HubProcess) -> str:
    """Return the name of the hub's log, out of a position in it."""
    async with speaking(hub) as socket, asyncio.timeout(PATIENCE):
        return str(json.loads(await socket.recv())["id"]).rpartition(".")[0]
