"""Those whose fan-out is compared: how each is viewed, and how it is given one message for everybody."""

import contextlib
import itertools
from collections.abc import Callable, Iterator

import aiohttp

from bench.compiled import compiled
from bench.ingest import signed_join
from bench.nchan import nchan
from bench.stand import SECRETS, Server, running, server
from bench.viewers import HEADERS_END, MARKER, Viewers
from tests.processes import free_port

# Few enough that all have begun, and many enough that none is full, while something is measured.
ROOMS = 50
HUB_READY = "event: hello"
# A body and its headers, given the length of the message's filler.
Compose = Callable[[int], tuple[bytes, dict[str, str]]]


class Contender:
    """A server under measurement."""

    def __init__(self, name: str, server: Server, view: str, publish: str, compose: Compose) -> None:
        self.name = name
        self.server = server
        # What a viewer sends, and what it has got when it is subscribed.
        self.request = view
        self.ready = HUB_READY if view.startswith("GET /api/") else HEADERS_END
        self._url = f"{server.url}{publish}"
        self._compose = compose
        self._filler = 500

    async def publish(self, session: aiohttp.ClientSession) -> None:
        """Give it one message; it has taken it on return."""
        body, headers = self._compose(self._filler)
        async with session.post(self._url, data=body, headers=headers) as answer:
            answer.raise_for_status()

    async def match(self, session: aiohttp.ClientSession, viewers: Viewers, message_bytes: float) -> None:
        """Make its messages as many bytes at the viewer as another's; a first one is sent for that."""
        before = await viewers.settled()
        await self.publish(session)
        after = await viewers.settled()
        self._filler += round(message_bytes - (after.received_bytes - before.received_bytes) / viewers.number)


@contextlib.contextmanager
def hub(*, rooms: int = ROOMS, **environ: str) -> Iterator[Contender]:
    """Run the hub; its messages are webhooks about people who join so many rooms, signed as LiveKit does."""
    numbers = itertools.count()
    with server("hub.cli", "serve", **environ) as running_hub:
        yield Contender(
            "the hub",
            running_hub,
            hub_view("rooms"),
            "/api/livekit/webhook",
            lambda _: signed_join(next(numbers), rooms),
        )


def hub_view(topic: str) -> str:
    """Return what a viewer of a topic sends."""
    key = f"Authorization: Bearer {SECRETS['HUB_API_KEY']}"
    return f"GET /api/stream?topic={topic}&snapshot=0 HTTP/1.1\r\nHost: x\r\n{key}\r\n\r\n"


@contextlib.contextmanager
def nginx_nchan() -> Iterator[Contender]:
    """Run nginx with nchan."""
    with nchan() as server:
        view = "GET /view HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
        yield Contender("nginx + nchan", server, view, "/publish", lambda filler: (_message(filler), {}))


@contextlib.contextmanager
def plain() -> Iterator[Contender]:
    """Run the usual aiohttp-sse loop."""
    with server("bench.naive") as naive:
        view = "GET /view HTTP/1.1\r\nHost: x\r\n\r\n"
        yield Contender("a plain aiohttp-sse loop", naive, view, "/publish", lambda filler: (_message(filler), {}))


@contextlib.contextmanager
def floor() -> Iterator[Contender]:
    """Run the loop in C that sends and does nothing else; it is given what it sends, framed."""
    port = free_port()
    with compiled("floor") as program, running([program, str(port)], port, "/", {}) as server:
        view = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        yield Contender("a C loop that only sends", server, view, "/", lambda filler: (_framed(_message(filler)), {}))


def _message(filler: int) -> bytes:
    return f'{MARKER}:"1.0","filler":"{"x" * filler}"}}'.encode()


def _framed(message: bytes) -> bytes:
    block = b"id: 1\ndata: %b\n\n" % message
    return b"%x\r\n%b\r\n" % (len(block), block)
