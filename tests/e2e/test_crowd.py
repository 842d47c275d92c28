"""Many viewers of every kind: those who read nothing, those who vanish, and ten thousand who come and go."""

import asyncio
import base64
import contextlib
import gc
import os
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from handlers.connections import SocketConnection
from handlers.providers.registry import PROVIDERS
from hub.commands.send import with_values
from hub.subscriber import Subscriber
from tests.hubs import API_KEY, RunningHub, running_hub
from tests.processes import HubProcess
from tests.waiting import until

VIEWERS, STALLED, EVENTS = 1000, 100, 600
ROUNDS, WARMING, AT_ONCE = 1000, 100, 20
FILLER = "x" * 250
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_EVENT = re.compile(rb"\nid: [0-9a-z]+\.(\d+)\ndata: \{\"specversion\"")


def joining(number: int) -> tuple[str, list[str]]:
    """Return which sample to send, and with which values, to let somebody join: a long event."""
    values = [f"participant.sid=PA_{number}", f"id=EV_{number}", f"room.name={FILLER}"]
    return "participant_joined", [*values, f"participant.identity=i{number}{FILLER}", f"participant.name={FILLER}"]


def resident(pid: int | str) -> int:
    """Return the memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


class Reader(asyncio.Protocol):
    """A viewer that notes which events it got, or reads nothing at all."""

    def __init__(self, topics: str, *, reads: bool) -> None:
        self.received = b""
        self.numbers: list[int] = []
        self.is_greeted = self.is_lost = False
        self._topics = topics
        self._reads = reads

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(request(f"{self._topics}&snapshot=0").encode())
        if not self._reads:
            transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        self.is_greeted = True
        whole, end, rest = (self.received + data).rpartition(b"\n\n")
        self.numbers += [int(number) for number in _EVENT.findall(whole)]
        self.received = rest if end else self.received + data

    def connection_lost(self, _: Exception | None) -> None:
        self.is_lost = True


def request(query: str, *more: str, path: str = "/api/stream", version: str = "1.1", key: str = API_KEY) -> str:
    """Return what opens a stream."""
    lines = [f"GET {path}?{query} HTTP/{version}", "Host: x", f"Authorization: Bearer {key}", *more]
    return "\r\n".join([*lines, "", ""])


async def test_a_hundred_stalled_readers_among_a_thousand_cost_the_others_nothing(tmp_path: Path) -> None:
    """The others see everything, memory stays what it was, and whoever reads nothing is disconnected."""
    hub = HubProcess(tmp_path, HUB_STREAM__STALL="6", HUB_LOG__LEVEL="error")
    hub.start()
    try:
        loop = asyncio.get_running_loop()
        connected = []
        for place in range(VIEWERS):
            channel = socket.socket()
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096 if place < STALLED else 1 << 18)
            channel.setblocking(False)
            await loop.sock_connect(channel, ("127.0.0.1", hub.port))
            # Each has a topic of its own, so that the bytes of a burst are its own too.
            reader = Reader(f"topic=rooms&topic=bots/{place}", reads=place >= STALLED)
            connected.append(await loop.create_connection(lambda reader=reader: reader, sock=channel))
        stalled, healthy = ([one for _, one in connected[:STALLED]], [one for _, one in connected[STALLED:]])
        await until(lambda: all(one.is_greeted for one in healthy))
        before = resident(hub.pid)
        sample = PROVIDERS["livekit"].samples(1_773_144_000_000)
        async with asyncio.TaskGroup() as posting:
            gate = asyncio.Semaphore(8)

            async def post(number: int) -> None:
                name, values = joining(number)
                async with gate:
                    status, _ = await asyncio.to_thread(hub.post, "livekit", with_values(sample[name], values))
                assert status == 200

            for number in range(EVENTS):
                posting.create_task(post(number))
        await until(lambda: all(len(one.numbers) >= EVENTS for one in healthy))
        assert all(one.numbers == list(range(1, EVENTS + 1)) for one in healthy)
        # Had it kept for each of them what it did not read, that would be a hundred times some 900 kB.
        assert resident(hub.pid) - before < 40 * 1024 * 1024
        while await asyncio.to_thread(hub.viewers) > VIEWERS - STALLED:  # noqa: ASYNC110 -- the hub says so nowhere else
            await asyncio.sleep(0.05)
        for transport, _ in connected[:STALLED]:
            transport.resume_reading()
        await until(lambda: all(one.is_lost for one in stalled))
        assert all(len(one.numbers) < EVENTS for one in stalled)
        assert not any(one.is_lost for one in healthy)
        for transport, _ in connected:
            transport.abort()
    finally:
        hub.kill()


async def test_whoever_comes_and_goes_in_whichever_way_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ten thousand connections later there are as many tasks, viewers and bytes as before."""
    async with running_hub(tmp_path, HUB_STREAM__STALL="0.3", HUB_LOG__LEVEL="error") as hub:
        await _post(hub, 0)
        baseline = len(asyncio.all_tasks())
        for _ in range(WARMING // AT_ONCE):
            await _round(hub)
        await until(lambda: len(asyncio.all_tasks()) <= baseline)
        gc.collect()
        before = resident("self")
        for number in range(ROUNDS // AT_ONCE):
            await _round(hub)
            await _post(hub, number + 1)
        await until(lambda: len(asyncio.all_tasks()) <= baseline)
        gc.collect()
        left = [one for one in gc.get_objects() if isinstance(one, Subscriber | SocketConnection)]
        assert left == []
        assert resident("self") - before < 16 * 1024 * 1024


async def _round(hub: RunningHub) -> None:
    """Let some of each kind come and go."""
    async with asyncio.TaskGroup() as coming:
        for kind in KINDS:
            for _ in range(AT_ONCE):
                coming.create_task(_come(hub, kind))


async def _post(hub: RunningHub, number: int) -> None:
    name, values = joining(number)
    sample = PROVIDERS["livekit"].samples(1_773_144_000_000)[name]
    assert (await hub.post("livekit", with_values(sample, values)))[0] == 200


Kind = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _come(hub: RunningHub, kind: Kind) -> None:
    host, port = hub.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        with contextlib.suppress(ConnectionError):
            await kind(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Let the connection be reset instead of closed."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _watches(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(request("topic=rooms").encode())
    await reader.readuntil(b"event: snapshot")


async def _is_cut_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(request("topic=bots&snapshot=0").encode())
    await reader.readuntil(b"event: hello")
    _reset(writer)


async def _never_reads(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(request("topic=*").encode())
    await writer.drain()
    _reset(writer)


async def _leaves_in_the_middle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(request("topic=rooms").encode()[:-3])
    await writer.drain()


async def _speaks_the_old_protocol(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(request("topic=rooms&snapshot=0", version="1.0").encode())
    await reader.readuntil(b"event: hello")


async def _comes_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(request("topic=rooms", "Last-Event-ID: elsewhere.7").encode())
    await reader.readuntil(b"event: reset")


async def _may_not(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(request("topic=rooms", key="wrong").encode())
    await reader.readuntil(b" 401 ")


async def _asks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(request("topic=people").encode())
    await reader.readuntil(b" 400 ")


def _upgrade(query: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    more = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}")
    return request(query, *more, path="/api/ws").encode()


def _frame(opcode: int, payload: bytes) -> bytes:
    """Return a masked frame; the mask is zero, so that the payload stays what it is."""
    return bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload


async def _talks_and_says_goodbye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_upgrade("topic=rooms"))
    await reader.readuntil(b'"event":"snapshot"')
    writer.write(_frame(1, b'{"action":"subscribe","topics":["bots"]}'))
    await reader.readuntil(b'"event":"subscribed"')
    writer.write(_frame(8, b"\x03\xe8"))
    await reader.read()


async def _talks_and_is_cut_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_upgrade("topic=rooms&snapshot=0"))
    await reader.readuntil(b'"event":"hello"')
    writer.write(_frame(1, b'{"action":"unsubscribe","topics":["rooms"]}'))
    _reset(writer)


KINDS = (
    _watches,
    _is_cut_off,
    _never_reads,
    _leaves_in_the_middle,
    _speaks_the_old_protocol,
    _comes_back,
    _may_not,
    _asks_nonsense,
    _talks_and_says_goodbye,
    _talks_and_is_cut_off,
)
