"""What a browser makes of the bytes of a stream: chunks as RFC 9112, events as WHATWG HTML §9.2; no code of the hub."""

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
    """Return what was dispatched; what is incomplete at the end is dropped, as the standard says."""
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
