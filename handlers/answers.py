"""What reads of the API have in common: who asks, which page, and how the answer is put."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TypedDict

import msgspec
import orjson
from aiohttp import web

from handlers.access import Caller
from handlers.parts import ACCESS, BODIES, SETTINGS, STORE
from handlers.providers.registry import LAUNCHED_WITH
from hub.errors import BadRequest, NotFound
from hub.events import NAME_LIMIT, Position, covers, parse_time
from hub.launches.words import LAUNCH_ID
from hub.ports import Document, Reading
from hub.redaction import meant_id, room_key, room_name

LONGEST_PAGE = 1000
USUAL_PAGE = 100
_BODY_LIMIT = 256 * 1024
# No text that is kept has one, and PostgreSQL refuses to look for it.
_NOWHERE = "\0"

Cursor = tuple[float, str]


class Filters(TypedDict, total=False):
    """To what lists can be restricted."""

    status: str
    provider: str
    name: str
    room_id: str


def reader(request: web.Request) -> Caller:
    """Return who may read. Raises Unauthenticated, TokenRefused or Forbidden."""
    return demanded(request, "read")


def demanded(request: web.Request, scope: str) -> Caller:
    """Return who has a scope. Raises Unauthenticated, TokenRefused or Forbidden."""
    caller = request.app[ACCESS].caller(request)
    caller.demand(scope)
    return caller


async def visible(request: web.Request, caller: Caller, topic: str) -> Reading:
    """Return a document that is there and that the caller may see.

    Raises NotFound: what it may not see is not there either.
    """
    reading = await request.app[STORE].document(topic)
    if not reading.documents or not may_see(caller, reading.documents[0]):
        raise NotFound("there is nothing by this id")
    return reading


def may_see(caller: Caller, document: Document) -> bool:
    """Whether a document, or the bot or room that it is part of, is among what a caller may see."""
    return covers(caller.topics, document.parent) or (bool(document.durable) and document.durable in caller.topics)


def identity_of(request: web.Request) -> str:
    """Return the `{id}` of a request, as documents have it. Raises NotFound for what nothing can be called."""
    identity = request.match_info["id"]
    if _NOWHERE in identity:
        raise NotFound("there is nothing by this id")
    return meant_id(identity)


def bot_topic(request: web.Request) -> str:
    """Return the topic that a request's `{id}` means: a launch's may be given without its provider."""
    identity = identity_of(request)
    return f"bots/{LAUNCHED_WITH}:{identity}" if LAUNCH_ID.fullmatch(identity) else f"bots/{identity}"


def is_durable(request: web.Request, identity: str) -> bool:
    """Whether an id is that of a durable room of one of the configured sources."""
    home, at, name = identity.partition("@")
    return bool(at and name) and home in {source.called_after for source in request.app[SETTINGS].sources}


def limit_of(request: web.Request) -> int:
    """Return `?limit=`. Raises BadRequest."""
    text = request.query.get("limit", str(USUAL_PAGE))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LONGEST_PAGE):
        raise BadRequest(f"limit: expected 1 to {LONGEST_PAGE}")
    return int(text)


def after_of(request: web.Request, of: str) -> Cursor | None:
    """Return the sort value and the name in `?cursor=` of a list, None at its beginning. Raises BadRequest."""
    cursor = request.query.get("cursor")
    if not cursor:
        return None
    try:
        named, value, name = orjson.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError) as problem:
        raise BadRequest("cursor: expected the next of an earlier answer") from problem
    if not isinstance(value, int | float) or not isinstance(name, str) or abs(value) >= 2**63 or _NOWHERE in name:
        raise BadRequest("cursor: expected the next of an earlier answer")
    if named != of:
        # What comes after a place of one list says nothing of another: that would look like its end, or its beginning.
        raise BadRequest("cursor: expected the next of an earlier answer of this list, in this order")
    return value, name


def cursor_of(of: str, value: float, name: str) -> str:
    """Return the cursor after which a list (one that is called so, in its order) goes on."""
    return base64.b64encode(orjson.dumps([of, value, name]), altchars=b"-_").decode()


def filters(request: web.Request, *names: str) -> Filters:
    """Return what a list is restricted to, by the parameters of these names. Raises BadRequest."""
    return {name: words_of(request, name) for name in names}  # type: ignore[return-value]  # names are keys of it


def room_filters(request: web.Request, *names: str) -> Filters:
    """Return the same of a list in which rooms are named: as documents name them, without addresses."""
    wanted = filters(request, *names)
    wanted["name"] = room_name(wanted.get("name", ""))[:NAME_LIMIT]
    wanted["room_id"] = room_key(wanted.get("room_id", ""))[:NAME_LIMIT]
    return wanted


def words_of(request: web.Request, name: str) -> str:
    """Return a text of the query that is looked for, empty when it is not given. Raises BadRequest."""
    words = request.query.get(name, "")
    if _NOWHERE in words:
        raise BadRequest(f"{name}: expected text without NUL")
    return words


def moment_of(request: web.Request, name: str) -> int | None:
    """Return a time of the query in milliseconds, None when it is not given. Raises BadRequest."""
    text = request.query.get(name, "")
    # A plus in a query means a space.
    moment = parse_time(text.replace(" ", "+")) if text else None
    if text and moment is None:
        raise BadRequest(f"{name}: expected a time such as 2026-03-10T12:00:00Z")
    return moment


def answer(
    value: object, position: Position | None, status: int = 200, more: Mapping[str, str] | None = None
) -> web.Response:
    """Return JSON with the position of the log at which it was read, if it was read there."""
    headers = {"Cache-Control": "no-store", **({"Hub-Position": str(position)} if position else {}), **(more or {})}
    return web.Response(status=status, body=_encoded(value), content_type="application/json", headers=headers)


def listed(items: Sequence[object], following: str | None, position: Position) -> web.Response:
    """Return a page of a list."""
    return answer({"items": items, "next": following}, position)


async def asked(request: web.Request) -> dict[str, object]:
    """Return the JSON object that a request brings. Raises BadRequest, and BodyTooLarge above 256 KiB."""
    async with request.app[BODIES].read(request, _BODY_LIMIT) as body:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as problem:
            raise BadRequest(f"the body is not JSON: {problem}") from problem
    if not isinstance(value, dict):
        raise BadRequest("the body: expected a JSON object")
    return value


def _encoded(value: object) -> bytes:
    return orjson.dumps(value, default=msgspec.to_builtins)
