"""A viewer's socket, as a subscriber sees it, whichever transport frames what is written to it."""

import asyncio
import contextlib
import socket

from aiohttp import ClientError, web
from aiohttp.abc import AbstractStreamWriter

from hub.errors import Gone
from hub.wire import Form

SEND_BUFFER = 64 * 1024


class SocketConnection:
    """Takes bytes as they are. Raises Gone when it is already closed; `stall` is in seconds."""

    __slots__ = ("_protocol", "_stall", "_transport", "_waiting", "_writer", "form", "has_stalled")

    def __init__(self, request: web.Request, writer: AbstractStreamWriter, form: Form, stall: float) -> None:
        transport = request.transport
        if transport is None:
            raise Gone("the connection is closed")
        self.form = form
        self._transport = transport
        self._protocol = request.protocol
        self._writer = writer
        self._stall = stall
        self._waiting: asyncio.Task[None] | None = None
        # Whether it was closed because its peer read nothing for too long.
        self.has_stalled = False
        peer = transport.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                # Who vanished without a word never acknowledges: the system then gives it up after that time, in ms.
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(stall * 1000))

    def write(self, data: bytes, /) -> bool:
        """Hand bytes to the transport as they are; return whether it holds more than its high-water mark."""
        if not self._transport.is_closing():
            self._transport.write(data)
        return self._protocol.writing_paused

    def is_behind(self) -> bool:
        """Whether the transport holds more than its high-water mark."""
        return self._protocol.writing_paused

    async def drain(self) -> None:
        """Wait until the transport takes something again; raise Gone when the peer reads nothing for too long."""
        while not self._transport.is_closing():
            if not self._protocol.writing_paused:
                return
            unread = self._transport.get_write_buffer_size()
            done, _ = await asyncio.wait([self._draining()], timeout=self._stall)
            if not done and self._transport.get_write_buffer_size() >= unread:
                self.has_stalled = True
                self.abort()
                raise Gone("the peer reads nothing")
        raise Gone("the connection is closed")

    def _draining(self) -> asyncio.Task[None]:
        """Return what ends when the transport takes something, or is closed.

        All who wait share it, and none of them cancels it: aiohttp has one future for that, and whoever comes after it
        was cancelled would find it cancelled.
        """
        if self._waiting is None or self._waiting.done():
            self._waiting = asyncio.create_task(_settled(self._writer))
        return self._waiting

    def abort(self) -> None:
        """Close at once, with whatever the peer has not read."""
        self._transport.abort()


async def _settled(writer: AbstractStreamWriter) -> None:
    # That the connection was lost meanwhile is seen at the transport.
    with contextlib.suppress(ClientError, ConnectionError):
        await writer.drain()
