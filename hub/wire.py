"""An event as bytes: encoded once, and the same bytes for every viewer."""

from collections.abc import Iterable
from enum import Enum

import orjson

from hub.events import Event

_REMEMBERED = 4096


class Form(Enum):
    """How a stream's bytes are framed."""

    # Server-sent events in HTTP/1.1 chunks, each frame its own chunk, so that joined frames stay valid.
    SSE_CHUNKED = "sse-chunked"
    # Server-sent events as they are: HTTP/1.0, nginx's default towards upstreams.
    SSE_PLAIN = "sse-plain"


def message(name: str, value: object, *, position: str = "", retry_ms: int | None = None) -> bytes:
    """Return one server-sent event; without a name it is an ordinary message.

    `retry_ms` comes first, so that a client that is told to go knows already when to come back.
    """
    return _block(name, orjson.dumps(value), position, retry_ms)


def formed(form: Form, block: bytes) -> bytes:
    """Frame a server-sent event for a connection."""
    if form is Form.SSE_PLAIN:
        return block
    return b"%x\r\n%b\r\n" % (len(block), block)


class Encoder:
    """The frames of events, kept for as long as somebody is likely to want them again."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        # Each with what it says: who reads slowly may ask for an event as it was before it lost its content.
        self._frames: dict[tuple[int, Form], tuple[bytes, bytes]] = {}

    def begin_anew(self, epoch: str) -> None:
        """Encode events of a log of this name from now on."""
        self._epoch = epoch
        self.forget()

    def forget(self) -> None:
        """Keep no frame: events may have lost their content."""
        self._frames.clear()

    def joined(self, events: Iterable[Event], form: Form) -> bytes:
        """Return the frames of events, in order, as one piece."""
        frames = [self._frame(event, form) for event in events]
        return frames[0] if len(frames) == 1 else b"".join(frames)

    def _frame(self, event: Event, form: Form) -> bytes:
        known = self._frames.get((event.sequence, form))
        if known is not None and known[0] == event.body:
            return known[1]
        block = _block("", event.json(self._epoch), f"{self._epoch}.{event.sequence}", None)
        frame = formed(form, block)
        self._frames[event.sequence, form] = event.body, frame
        if len(self._frames) > _REMEMBERED:
            del self._frames[next(iter(self._frames))]
        return frame


def _block(name: str, encoded: bytes, position: str, retry_ms: int | None) -> bytes:
    lines = []
    if retry_ms is not None:
        lines.append(b"retry: %d\n" % retry_ms)
    if name:
        lines.append(b"event: %b\n" % name.encode())
    if position:
        lines.append(b"id: %b\n" % position.encode())
    # JSON has no raw line breaks, so one data line holds it.
    lines.append(b"data: %b\n\n" % encoded)
    return b"".join(lines)
