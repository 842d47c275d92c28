"""What a provider's module takes from a payload only after judging it: ids, times that can have been, errors."""

from handlers.providers.reading import Payload, text
from hub.events import FUTURE_LIMIT_MS, NAME_LIMIT, escape_id
from hub.redaction import harmless, pseudonym, without_addresses

# Longer than any id may be, so that ids which differ only at the end stay different until they are escaped.
ID_CHARACTERS = 4096
_ERROR_CHARACTERS = 4096


def identify(payload: Payload, *path: str) -> str:
    """Return the id at `path` as the hub writes it, empty when there is none."""
    return escape_id(text(payload, *path, limit=ID_CHARACTERS))


def identify_visit(participant: Payload, *fields: str) -> str:
    """Name a visit by the first id that these fields hold, as one identity may come twice; else by the identity."""
    if visit := next(filter(None, (identify(participant, field) for field in fields)), ""):
        return visit
    identity = pseudonym(text(participant, "identity", limit=ID_CHARACTERS))
    return escape_id(f"identity:{identity}") if identity else ""


def event_name(payload: Payload, field: str) -> str:
    """Return what the payload calls what happened, empty when that is no text."""
    return harmless(text(payload, field)).strip() if isinstance(payload.get(field), str) else ""


def first_text(payload: Payload, paths: tuple[tuple[str, ...], ...]) -> str:
    """Return the first text that stands at one of the paths, as long as an id may be."""
    found = (text(payload, *path, limit=ID_CHARACTERS) for path in paths)
    return next(filter(None, found), "")


def past(time: int | None, received_at: int) -> int | None:
    """Drop a time that the sender's clock puts into the future: a start after its own end helps nobody."""
    return time if time is not None and time <= received_at + FUTURE_LIMIT_MS else None


def not_before(start: int | None, end: int | None) -> int | None:
    """Keep an end from preceding its start, which may have milliseconds where the end has only seconds."""
    return max(start, end) if start is not None and end is not None else end


def read_error(payload: Payload, key: str = "error") -> str:
    """Return an error without what follows `://` in it: addresses of streams hold their keys."""
    return without_addresses(text(payload, key, limit=_ERROR_CHARACTERS))[:NAME_LIMIT]
