"""Reading what providers send without believing any of it.

Payloads are dicts of unknown shape. These functions take what is there in the form that is wanted and
leave out the rest; nothing here raises for a wrong type, because one odd field must not cost a delivery.
"""

import json
import math
from collections.abc import Mapping
from typing import NoReturn

import orjson

from hub.errors import NotJson, Unusable
from hub.events import NAME_LIMIT, parse_time
from hub.redaction import clean

Payload = Mapping[str, object]

_NO_PAYLOAD: Payload = {}
_LONGEST_INTEGER = 40
_NANOSECONDS_FROM = 10**17
_MICROSECONDS_FROM = 10**14
_MILLISECONDS_FROM = 10**11


def parse_payload(body: bytes) -> Payload:
    """Decode a JSON object.

    Raises NotJson when the bytes are not JSON, and Unusable when they are, but no object or nested too deep.
    """
    value = _decode(body)
    if not isinstance(value, dict):
        raise Unusable(f"the body is a JSON {_name_of(value)}, not an object")
    return value


def mapping(payload: Payload, *path: str) -> Payload:
    """Return the object at `path`, empty when there is none."""
    value = _at(payload, path)
    return value if isinstance(value, dict) else _NO_PAYLOAD


def listing(payload: Payload, *path: str) -> list[object]:
    """Return the array at `path`, empty when there is none."""
    value = _at(payload, path)
    return value if isinstance(value, list) else []


def text(payload: Payload, *path: str, limit: int = NAME_LIMIT) -> str:
    """Return the text (or number, as text) at `path`, cleaned, at most `limit` characters; empty when there is none."""
    value = _at(payload, path)
    if isinstance(value, str):
        return clean(value, limit)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[:limit]
    return ""


def number(payload: Payload, *path: str) -> float | None:
    """Return the finite number at `path`, also when it is written as text (protojson's int64), else None."""
    value = _at(payload, path)
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if abs(value) < 2**63 else None


def whole(payload: Payload, *path: str) -> int | None:
    """Return the integer at `path` exactly (protojson's int64 is text), a fraction rounded down, else None."""
    value = _at(payload, path)
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.removeprefix("-").isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 2**63 else None
    found = number(payload, *path)
    return None if found is None or abs(found) >= 2**63 else math.floor(found)


def flag(payload: Payload, *path: str) -> bool | None:
    """Return the boolean at `path`, else None."""
    value = _at(payload, path)
    return value if isinstance(value, bool) else None


def moment(payload: Payload, *path: str) -> int | None:
    """Return the time at `path` in milliseconds since 1970, else None.

    Takes RFC 3339 text and numbers (also as text) of seconds, milliseconds, microseconds or nanoseconds:
    providers mix the units, sometimes for one field, so they are told apart by magnitude.
    """
    value = _at(payload, path)
    # Digits alone are a number: as a compact date they would be some other time.
    if isinstance(value, str) and not value.strip().isdigit() and (parsed := parse_time(value)) is not None:
        return parsed
    exact = whole(payload, *path)
    if exact is None or exact <= 0:
        return None
    if exact >= _NANOSECONDS_FROM:
        return exact // 1_000_000
    if exact >= _MICROSECONDS_FROM:
        return exact // 1_000
    if exact >= _MILLISECONDS_FROM:
        return exact
    seconds = number(payload, *path)
    return None if seconds is None else round(seconds * 1000)


def _at(payload: object, path: tuple[str, ...]) -> object:
    for step in path:
        if not isinstance(payload, dict):
            return None
        payload = payload.get(step)
    return payload


def _decode(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # orjson is stricter than RFC 8259: no lone surrogates, huge numbers, deep nesting or byte order mark.
        return _decode_leniently(body)


def _decode_leniently(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_int=_parse_int, parse_constant=_refuse_constant)
    except RecursionError:
        raise Unusable("the body is nested too deep") from None
    except ValueError as problem:
        raise NotJson(f"the body is not JSON: {type(problem).__name__}") from problem


def _parse_int(digits: str) -> int | float:
    # Python refuses to convert thousands of digits; a float takes any number of them.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _name_of(value: object) -> str:
    if value is None:
        return "null"
    return {list: "array", str: "string", bool: "boolean"}.get(type(value), "number")
