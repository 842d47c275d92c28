"""What a browser makes of the bytes of a stream: chunks as RFC 9112, events as WHATWG HTML §9.2, frames as RFC 6455.

No code of the hub.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.wire import Form

_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True)
class Block:
    """What one block of a stream said; `id` is its own, None where it had none."""

    name: str
    id: str | None
    text: str
    retry: int | None = None

    @property
    def value(self) -> Any:  # Any: whatever JSON holds
        """The data as JSON."""
        return orjson.loads(self.text)


@dataclass
class EventSource:
    """A stream as far as it was read."""

    blocks: list[Block] = field(default_factory=list)
    # What would be sent as Last-Event-ID.
    last_id: str = ""
    # How long to wait before coming back, None as long as nobody said.
    retry: int | None = None


def read(received: bytes, form: Form = Form.SSE_PLAIN) -> EventSource:
    """Return what was dispatched; what is incomplete at the end is dropped, as the standards say."""
    if form is Form.WEBSOCKET:
        return _read_frames(received)
    content = unchunked(received) if form is Form.SSE_CHUNKED else received
    # A character that is cut off at the end belongs to a block that is dropped.
    lines = _LINE_END.split(content.decode("utf-8", "replace").removeprefix("\ufeff"))
    source = EventSource()
    name, data, own_id, retry = "", list[str](), None, None
    # The rest after the last line end is no line.
    for line in lines[:-1]:
        if line == "":
            source.last_id = source.last_id if own_id is None else own_id
            if data:
                source.blocks.append(Block(name, own_id, "\n".join(data), retry))
            name, data, own_id, retry = "", [], None, None
            continue
        field_name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field_name:
            case "event":
                name = value
            case "data":
                data.append(value)
            case "id" if "\0" not in value:
                own_id = value
            case "retry" if value.isascii() and value.isdigit():
                source.retry = retry = int(value)
    return source


def _read_frames(received: bytes) -> EventSource:
    source = EventSource()
    for text in texts(received):
        told = orjson.loads(text)
        assert told.keys() - {"retry"} == {"event", "id", "data"}
        name = "" if told["event"] == "message" else told["event"]
        source.last_id = told["id"] or source.last_id
        source.retry = told.get("retry", source.retry)
        source.blocks.append(Block(name, told["id"], orjson.dumps(told["data"]).decode(), told.get("retry")))
    return source


def texts(received: bytes) -> list[bytes]:
    """Return the whole text frames at the beginning of what a server sent; raise ValueError when there are others."""
    found = []
    while len(received) >= 2:
        if received[0] != 0x81 or received[1] & 0x80:
            raise ValueError(f"no final, unmasked text frame: {received[:2]!r}")
        short = received[1]
        extended = {126: 2, 127: 8}.get(short, 0)
        length = int.from_bytes(received[2 : 2 + extended], "big") if extended else short
        if len(received) < 2 + extended + length:
            break
        if extended and length < {2: 126, 8: 1 << 16}[extended]:
            raise ValueError("a length that is longer than it has to be")
        found.append(received[2 + extended : 2 + extended + length])
        received = received[2 + extended + length :]
    return found


def unchunked(received: bytes) -> bytes:
    """Return the content of chunks, of the last one as much as there is; raise ValueError when they are not valid."""
    content = b""
    while received:
        header, end, rest = received.partition(b"\r\n")
        if not end:
            break
        if not re.fullmatch(rb"[0-9a-fA-F]+", header):
            raise ValueError(f"no chunk size: {header!r}")
        size = int(header, 16)
        if size == 0:
            raise ValueError("the last chunk ends the response")
        content += rest[:size]
        trailer, received = rest[size : size + 2], rest[size + 2 :]
        if not b"\r\n".startswith(trailer):
            raise ValueError(f"no chunk end: {trailer!r}")
    return content
