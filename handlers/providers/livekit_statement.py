"""What one LiveKit event says before it is settled where and when, and the readings that all events share."""

import re
from typing import NamedTuple

from handlers.providers.reading import Payload, text
from hub.events import FUTURE_LIMIT_MS, NAME_LIMIT, Detail, Kind, escape_id

# Longer than any id may be, so that ids which differ only at the end stay different until they are escaped.
ID_CHARACTERS = 4096
_ERROR_CHARACTERS = 4096
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)\S+")


class Statement(NamedTuple):
    """What an event says, apart from where; `time` is the payload's own time of it."""

    kind: Kind
    time: int | None
    detail: Detail | None = None
    closing_reason: str = ""


def past(time: int | None, received_at: int) -> int | None:
    """Drop a time that the sender's clock puts into the future: a start after its own end helps nobody."""
    return time if time is not None and time <= received_at + FUTURE_LIMIT_MS else None


def not_before(start: int | None, end: int | None) -> int | None:
    """Keep an end from preceding its start, which has milliseconds where `createdAt` has only seconds."""
    return max(start, end) if start is not None and end is not None else end


def identify(payload: Payload, *path: str) -> str:
    """Return the id at `path` as the hub writes it, empty when there is none."""
    return escape_id(text(payload, *path, limit=ID_CHARACTERS))


def read_error(payload: Payload, key: str = "error") -> str:
    """Return an error without what follows `://` in it: addresses of streams hold their keys."""
    return _ADDRESS.sub(r"\1…", text(payload, key, limit=_ERROR_CHARACTERS))[:NAME_LIMIT]
