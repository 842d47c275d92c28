"""An event as bytes: encoded once, and the same bytes for every viewer."""

from collections.abc import Iterable
from enum import IntEnum

import msgspec
import orjson

from hub.events import Event

_REMEMBERED = 4096
_FINAL_TEXT = 0x81
_SHORT_FRAME = 126
_LONG_FRAME = 1 << 16


class Form(IntEnum):
    """How a stream's bytes are framed. A number, because every write looks frames up by it."""

    # Server-sent events in HTTP/1.1 chunks, each frame its own chunk, so that joined frames stay valid.
    SSE_CHUNKED = 0
    # Server-sent events as they are: HTTP/1.0, nginx's default towards upstreams.
    SSE_PLAIN = 1
    # A text frame of the server, RFC 6455: `{"event", "id", "data"}`, and `retry` where there is one.
    WEBSOCKET = 2

    @property
    def transport(self) -> str:
        """What it goes by, as those who look after a hub know it."""
        return "websocket" if self is Form.WEBSOCKET else "sse"


class Message(msgspec.Struct, frozen=True):
    """One thing that viewers are told; without a name it is an event of the log."""

    name: str
    # JSON
    data: bytes
    # `<epoch>.<sequence>`, empty where the place of the viewer stays what it is.
    position: str = ""
    # When to come back after the connection has ended.
    retry_ms: int | None = None

    def framed(self, form: Form) -> bytes:
        """Return the bytes for a connection."""
        if form is Form.WEBSOCKET:
            return _text_frame(self._json())
        block = self._block()
        return block if form is Form.SSE_PLAIN else b"%x\r\n%b\r\n" % (len(block), block)

    def _block(self) -> bytes:
        lines = []
        if self.retry_ms is not None:
            # First, so that a client that is told to go knows already when to come back.
            lines.append(b"retry: %d\n" % self.retry_ms)
        if self.name:
            lines.append(b"event: %b\n" % self.name.encode())
        if self.position:
            lines.append(b"id: %b\n" % self.position.encode())
        # JSON has no raw line breaks, so one data line holds it.
        lines.append(b"data: %b\n\n" % self.data)
        return b"".join(lines)

    def _json(self) -> bytes:
        told = {"event": self.name or "message", "id": self.position or None, "data": orjson.Fragment(self.data)}
        return orjson.dumps(told if self.retry_ms is None else told | {"retry": self.retry_ms})


def message(name: str, value: object, *, position: str = "", retry_ms: int | None = None) -> Message:
    """Return what is told by a value."""
    return Message(name, orjson.dumps(value), position, retry_ms)


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
        frame = Message("", event.json(self._epoch), f"{self._epoch}.{event.sequence}").framed(form)
        self._frames[event.sequence, form] = event.body, frame
        if len(self._frames) > _REMEMBERED:
            del self._frames[next(iter(self._frames))]
        return frame


def _text_frame(payload: bytes) -> bytes:
    """Return a whole, final, unmasked text frame (RFC 6455 §5.2)."""
    length = len(payload)
    if length < _SHORT_FRAME:
        header = bytes((_FINAL_TEXT, length))
    elif length < _LONG_FRAME:
        header = bytes((_FINAL_TEXT, 126)) + length.to_bytes(2, "big")
    else:
        header = bytes((_FINAL_TEXT, 127)) + length.to_bytes(8, "big")
    return header + payload
