"""Those who are compared: how each is viewed, and how it is given one message for everybody."""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import aiohttp

from bench.compiled import compiled
from bench.ingest import signed_join
from bench.nchan import nchan
from bench.stand import SECRETS, Server, running, server
from bench.viewers import MARKER, View, Viewers, watching
from tests.processes import free_port

# Few enough that all have begun, and many enough that none is full, while something is measured.
ROOMS = 50
WEBHOOK_PATH = "/api/livekit/webhook"
_KEY = f"Authorization: Bearer {SECRETS['HUB_API_KEY']}"
# A body and its headers, given the length of the message's filler.
Compose = Callable[[int], tuple[bytes, dict[str, str]]]
# What there is of one message: it was sent, and it was taken, in seconds of the monotonic clock.
Published = tuple[float, float]


class Contender:
    """A server under measurement."""

    def __init__(self, name: str, server: Server, view: View, publish: str, compose: Compose) -> None:
        self.name = name
        self.server = server
        self.view = view
        self.takes_webhooks = publish == WEBHOOK_PATH
        self._url = f"{server.url}{publish}"
        self._compose = compose
        self._filler = 500

    def viewed_by(
        self, number: int, view: View | None = None, *, at_once: int = 64
    ) -> contextlib.AbstractAsyncContextManager[Viewers]:
        """Connect so many viewers, so many at a time; they leave when the block ends."""
        return watching(self.server.port, view or self.view, number, at_once=at_once)

    async def publish(self, session: aiohttp.ClientSession) -> Published:
        """Give it one message; it has taken it on return."""
        body, headers = self._compose(self._filler)
        sent = time.perf_counter()
        async with session.post(self._url, data=body, headers=headers) as answer:
            answer.raise_for_status()
        return sent, time.perf_counter()

    async def match(self, session: aiohttp.ClientSession, viewers: Viewers, message_bytes: float) -> None:
        """Make its messages as many bytes at the viewer as another's; a first one is sent for that."""
        self._filler += round(message_bytes - await self.message_bytes(session, viewers, 1))

    async def message_bytes(self, session: aiohttp.ClientSession, viewers: Viewers, messages: int = 2 * ROOMS) -> float:
        """Return how many bytes a message is at the viewer, of so many that are sent for that."""
        before = await viewers.settled()
        for _ in range(messages):
            await self.publish(session)
        after = await viewers.settled()
        return (after.received_bytes - before.received_bytes) / messages / viewers.number


def event_stream(*lines: str, topic: str = "rooms", ready: str = "event: hello") -> View:
    """Return how the hub's server-sent events are viewed, with these lines in the request besides."""
    request = "\r\n".join((f"GET /api/stream?topic={topic}&snapshot=0 HTTP/1.1", "Host: x", _KEY, *lines))
    return View(f"{request}\r\n\r\n", ready)


def websocket() -> View:
    """Return how the hub is viewed by WebSocket."""
    lines = (
        "GET /api/ws?topic=rooms&snapshot=0 HTTP/1.1",
        "Host: x",
        _KEY,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: hub.v1",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    return View("\r\n".join(lines) + "\r\n\r\n", '{"event":"hello"')


@contextlib.contextmanager
def hub(environ: Mapping[str, str] = MappingProxyType({}), rooms: int = ROOMS) -> Iterator[Contender]:
    """Run the hub; its messages are webhooks about people who join so many rooms, signed as LiveKit does."""
    # As long as each other, so that messages are.
    numbers = itertools.count(100_000)
    with server("hub.cli", "serve", **environ) as running_hub:

        def webhook(_: int) -> tuple[bytes, dict[str, str]]:
            return signed_join(next(numbers), rooms)

        yield Contender("the hub", running_hub, event_stream(), WEBHOOK_PATH, webhook)


@contextlib.contextmanager
def websocket_hub() -> Iterator[Contender]:
    """Run the hub, viewed by WebSocket."""
    with hub() as contender:
        contender.name, contender.view = "the hub by WebSocket", websocket()
        yield contender


@contextlib.contextmanager
def nginx_nchan() -> Iterator[Contender]:
    """Run nginx with nchan."""
    with nchan() as server:
        view = View("GET /view HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        yield Contender("nginx + nchan", server, view, "/publish", lambda filler: (_message(filler), {}))


@contextlib.contextmanager
def plain() -> Iterator[Contender]:
    """Run the usual aiohttp-sse loop."""
    with server("bench.naive") as naive:
        view = View("GET /view HTTP/1.1\r\nHost: x\r\n\r\n")
        yield Contender("a plain aiohttp-sse loop", naive, view, "/publish", lambda filler: (_message(filler), {}))


@contextlib.contextmanager
def floor() -> Iterator[Contender]:
    """Run the loop in C that sends and does nothing else; it is given what it sends, framed."""
    port = free_port()
    with compiled("floor") as program, running([program, str(port)], port, "/", {}) as server:
        view = View("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        yield Contender("a C loop that only sends", server, view, "/", lambda filler: (_framed(_message(filler)), {}))


def _message(filler: int) -> bytes:
    return f'{MARKER}:"1.0","filler":"{"x" * filler}"}}'.encode()


def _framed(message: bytes) -> bytes:
    block = b"id: 1\ndata: %b\n\n" % message
    return b"%x\r\n%b\r\n" % (len(block), block)
