"""The event stream: server-sent events, the same bytes to everyone."""

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp_sse import EventSourceResponse

from handlers.connections import SocketConnection
from handlers.parts import SETTINGS
from handlers.viewing import opening, seated, serve
from hub.errors import Gone
from hub.wire import Form


class Stream(EventSourceResponse):
    """aiohttp-sse's response without its own heartbeat: ours says more, and is written to all at once."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the headers. HTTP/1.0 knows no chunks: there the end of the connection is the end of the stream."""
        if request.version < (1, 1):
            self.headers["Connection"] = "close"
            self.force_close()
        writer = await super().prepare(request)
        # It is over before it began, and would be kept for as long as somebody watches.
        self._ping_task = None
        return writer

    async def _ping(self) -> None:
        return


async def stream(request: web.Request) -> web.StreamResponse:
    """`GET /api/stream?topic=…`: hello, snapshot, then every event of the topics, once and in order."""
    opened = opening(request)
    stall = request.app[SETTINGS].stream.stall
    # How long a peer may take for what it is sent is the connection's business.
    response = Stream(send_timeout=None)
    form = Form.SSE_PLAIN if request.version < (1, 1) else Form.SSE_CHUNKED
    try:
        writer = await response.prepare(request)
        if writer is None:
            return response
        connection = SocketConnection(request, writer, form, stall)
    except (ConnectionError, Gone):
        # It left before it was read: a process that was stopped for a while finds requests of people who are gone.
        return response
    with seated(request, connection, opened) as viewer:
        await serve(request, viewer, opened.wish)
    return response
