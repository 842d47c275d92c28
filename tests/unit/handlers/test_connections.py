"""A viewer's socket: what it holds, when it is behind, and how long it waits for somebody who reads nothing."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from handlers.connections import SEND_BUFFER, SocketConnection
from hub.errors import Gone
from hub.wire import Form

PIECE = b"x" * 32 * 1024


@dataclass
class Meeting:
    """Both ends of a connection, the hub's as a subscriber sees it."""

    connection: SocketConnection
    request: web.Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def fill(self) -> int:
        """Write until the connection is behind; return how many bytes that took."""
        written = len(PIECE)
        while not self.connection.write(PIECE):
            written += len(PIECE)
        return written


@contextlib.asynccontextmanager
async def meeting(stall: float = 25.0) -> AsyncIterator[Meeting]:
    met: asyncio.Future[tuple[SocketConnection, web.Request]] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def meet(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        writer = await response.prepare(request)
        assert writer
        met.set_result((SocketConnection(request, writer, Form.SSE_PLAIN, stall), request))
        await over.wait()
        return response

    app = web.Application()
    app.router.add_get("/", meet)
    async with TestServer(app, handler_cancellation=True) as server:
        channel = socket.socket()
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        channel.setblocking(False)
        await asyncio.get_running_loop().sock_connect(channel, ("127.0.0.1", server.port))
        reader, writer = await asyncio.open_connection(sock=channel, limit=4096)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            yield Meeting(*await met, reader, writer)
        finally:
            over.set()
            writer.transport.abort()


async def test_the_system_holds_little_and_gives_up_who_does_not_acknowledge() -> None:
    """Who vanished without a word: a laptop that was shut, a phone in a tunnel."""
    async with meeting() as now:
        assert now.request.transport
        peer = now.request.transport.get_extra_info("socket")
        # In milliseconds; Linux doubles what is asked for as a buffer.
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 25_000
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * SEND_BUFFER


async def test_a_connection_is_behind_when_it_holds_more_than_its_peer_takes() -> None:
    """From then on nothing is written to it, so that what it holds stays that little."""
    async with meeting() as now:
        assert not now.connection.is_behind()
        written = now.fill()
        assert now.connection.is_behind()
        assert written < 1024 * 1024
        now.connection.write(PIECE)
        assert now.connection.is_behind()


async def test_who_reads_again_is_waited_for() -> None:
    """It was slow, not gone."""
    async with meeting(stall=10) as now:
        written = now.fill()
        draining = asyncio.create_task(now.connection.drain())
        received = 0
        while received < written:
            received += len(await now.reader.read(65536))
        await draining
        assert not now.connection.is_behind()


async def test_a_connection_that_is_lost_while_it_is_waited_for_is_gone() -> None:
    """However the system words it."""
    async with meeting() as now:
        now.fill()
        draining = asyncio.create_task(now.connection.drain())
        await asyncio.sleep(0)
        now.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        now.writer.transport.abort()
        with pytest.raises(Gone):
            await draining
        assert not now.connection.has_stalled


async def test_one_who_stops_waiting_leaves_the_others_waiting() -> None:
    """A viewer over a WebSocket is waited for by who writes and by who listens; one of them may give up first."""
    async with meeting() as now:
        written = now.fill()
        first, second = (asyncio.create_task(now.connection.drain()) for _ in range(2))
        await asyncio.wait([first, second], timeout=0.01)
        first.cancel()
        third = asyncio.create_task(now.connection.drain())
        received = 0
        while received < written:
            received += len(await now.reader.read(65536))
        await second
        await third
        assert first.cancelled()


async def test_who_reads_nothing_is_given_up() -> None:
    """And cut off: there is no goodbye that it would read."""
    async with meeting(stall=0.05) as now:
        now.fill()
        with pytest.raises(Gone, match="reads nothing"):
            await now.connection.drain()
        assert now.connection.has_stalled
        assert now.request.transport is None or now.request.transport.is_closing()


async def test_what_is_written_to_a_closed_connection_is_dropped() -> None:
    """Whoever left in the middle of a delivery is no fault of the delivery."""
    async with meeting() as now:
        now.connection.abort()
        for _ in range(10):
            now.connection.write(PIECE)
        with pytest.raises(Gone):
            await now.connection.drain()
