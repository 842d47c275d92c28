"""The event stream: server-sent events, the same bytes to everyone."""

import asyncio
import socket
from collections.abc import Callable

import msgspec
import structlog
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp_sse import EventSourceResponse

from handlers.access import Caller
from handlers.parts import ACCESS, DESK, FANOUT, SETTINGS
from hub.errors import BadRequest, StorageUnavailable
from hub.events import DELIVERIES, Position, covers, parse_topic
from hub.subscriber import Gone, Grant, Subscriber, Wish
from hub.wire import Form

SEND_BUFFER = 64 * 1024
TOPIC_LIMIT = 100

log = structlog.get_logger()


class Stream(EventSourceResponse):
    """aiohttp-sse's response without its own heartbeat: ours says more, and is written to all at once."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the headers. HTTP/1.0 knows no chunks: there the end of the connection is the end of the stream."""
        if request.version < (1, 1):
            self.headers["Connection"] = "close"
            self.force_close()
        return await super().prepare(request)

    async def _ping(self) -> None:
        return


class SseConnection:
    """A browser's connection, as a subscriber sees it."""

    def __init__(self, request: web.Request, writer: AbstractStreamWriter, stall: float) -> None:
        transport = request.transport
        if transport is None:
            raise Gone("the connection is closed")
        self.form = Form.SSE_PLAIN if request.version < (1, 1) else Form.SSE_CHUNKED
        self._transport = transport
        self._protocol = request.protocol
        self._writer = writer
        self._stall = stall
        peer = transport.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def write(self, data: bytes, /) -> None:
        """Hand bytes to the transport as they are."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def is_behind(self) -> bool:
        """Whether the transport holds more than its high-water mark."""
        return self._protocol.writing_paused

    async def drain(self) -> None:
        """Wait until the transport takes something again; raise Gone when the peer reads nothing for too long."""
        while not self._transport.is_closing():
            if not self._protocol.writing_paused:
                return
            unread = self._transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(self._stall):
                    await self._writer.drain()
            except TimeoutError:
                if self._transport.get_write_buffer_size() >= unread:
                    self._transport.abort()
                    raise Gone("the peer reads nothing") from None
        raise Gone("the connection is closed")


async def stream(request: web.Request) -> web.StreamResponse:
    """`GET /api/stream?topic=…`: hello, snapshot, then every event of the topics, once and in order.

    `Last-Event-ID` (or `?last_event_id=`) resumes, `?reconnect=` stands for the credential and the topics,
    `?snapshot=0` leaves out the state.
    """
    caller = _caller(request)
    topics = _topics(request, caller)
    # What arrives is shown as it arrives: there is no state of it, and nothing to resume.
    wish = Wish(snapshot=False) if topics == {DELIVERIES} else _wish(request)
    settings, fanout = request.app[SETTINGS].stream, request.app[FANOUT]
    response = Stream(send_timeout=settings.stall)
    try:
        writer = await response.prepare(request)
    except ConnectionError:
        # It left before it was read: a process that was stopped for a while finds requests of people who are gone.
        return response
    if writer is None:
        return response
    viewer = Subscriber(
        request.app[DESK], SseConnection(request, writer, settings.stall), Grant(topics, caller.expires_at)
    )
    if fanout.viewers >= settings.max_viewers:
        viewer.end("overloaded")
    with fanout.attached(viewer):
        await _serve(viewer, wish, fanout.join)
    return response


async def _serve(viewer: Subscriber, wish: Wish, join: Callable[[Subscriber], None]) -> None:
    try:
        await viewer.serve(wish, join)
    except Gone as gone:
        log.info("viewer.gone", reason=str(gone))
    except StorageUnavailable as problem:
        # The client shall come back, and EventSource comes back only from a 200 that ended.
        log.warning("viewer.unserved", problem=str(problem))
        viewer.end("overloaded")
        viewer.say_goodbye()


def _caller(request: web.Request) -> Caller:
    token = request.query.get("reconnect")
    caller = request.app[ACCESS].reconnecting(token) if token else request.app[ACCESS].caller(request)
    caller.demand("read")
    return caller


def _topics(request: web.Request, caller: Caller) -> frozenset[str]:
    texts = request.query.getall("topic", [])
    if len(texts) > TOPIC_LIMIT:
        raise BadRequest(f"topic: at most {TOPIC_LIMIT} in one stream")
    asked = frozenset(text if text == DELIVERIES else parse_topic(text) for text in texts)
    # A reconnect token holds the topic only if whoever got it was permitted to see it.
    if DELIVERIES in (asked or caller.topics) and "reconnect" not in request.query:
        caller.demand_everything()
        caller = msgspec.structs.replace(caller, topics=caller.topics | {DELIVERIES})
    return without_nesting(caller.narrowed(asked))


def without_nesting(topics: frozenset[str]) -> frozenset[str]:
    """Leave out topics that another one covers, so that nothing is sent twice."""
    return frozenset(topic for topic in topics if not covers(topics - {topic}, topic))


def _wish(request: web.Request) -> Wish:
    text = request.headers.get("Last-Event-ID") or request.query.get("last_event_id", "")
    position = Position.parse(text) if text else None
    return Wish(position, lost=bool(text) and position is None, snapshot=request.query.get("snapshot") != "0")
