"""Reading documents and the log: `{"items": […], "next": cursor}`, and `Hub-Position` with every answer."""

import base64
import binascii
from collections.abc import Sequence

import orjson
from aiohttp import web

from handlers.access import Caller
from handlers.parts import ACCESS, CLOCKWORK, FEED, NOW, STORE
from handlers.sse import without_nesting
from hub.errors import BadRequest, NotFound, PositionGone
from hub.events import Position, covers, parse_topic
from hub.ports import Document, Query, Reading
from hub.present import lives_until, presented

LONGEST_PAGE = 1000
USUAL_PAGE = 100
_SORTS = {"": "began", "last_active": "active"}


async def bots(request: web.Request) -> web.Response:
    """`GET /api/bots (?status= &provider=)`, the newest first."""
    return await _list(request, "bots", ("status", "provider"))


async def rooms(request: web.Request) -> web.Response:
    """`GET /api/rooms (?status= &provider= &name= &room_id= &sort=last_active)`, the newest first."""
    return await _list(request, "rooms", ("status", "provider", "name", "room_id"))


async def bot(request: web.Request) -> web.Response:
    """`GET /api/bots/{id}`."""
    return await _one(request, f"bots/{request.match_info['id']}")


async def room(request: web.Request) -> web.Response:
    """`GET /api/rooms/{id}`."""
    return await _one(request, f"rooms/{request.match_info['id']}")


async def participants(request: web.Request) -> web.Response:
    """`GET /api/rooms/{id}/participants`, who came first first."""
    topic = f"rooms/{request.match_info['id']}"
    room = (await _visible(request, _reader(request), topic)).documents[0]
    query = Query(collection="participants", parent=topic, sort="began", limit=_limit(request), after=_after(request))
    # Nobody watches longer than the room can be presumed to have lived.
    until = lives_until([room], request.app[CLOCKWORK]).get(topic)
    return _page(request, await request.app[STORE].read(query), query, until)


async def events(request: web.Request) -> web.Response:
    """`GET /api/events?topic=&after=<position>`: the log, oldest first; `next` is a position."""
    caller = _reader(request)
    asked = frozenset(parse_topic(text) for text in request.query.getall("topic", []))
    topics = without_nesting(caller.narrowed(asked))
    after, limit = request.query.get("after", ""), _limit(request)
    position = Position.parse(after) if after else None
    if after and position is None:
        raise BadRequest("after: expected a position, <epoch>.<sequence>")
    feed = request.app[FEED]
    if position and position.epoch != feed.epoch:
        raise PositionGone("epoch_changed")
    page = await request.app[STORE].page(topics, position.sequence if position else 0, limit)
    if position and position.sequence < page.floor:
        raise PositionGone("history_trimmed")
    items = [orjson.Fragment(event.json(page.epoch)) for event in page.events]
    following = f"{page.epoch}.{page.through}" if len(items) == limit and page.through < page.head else None
    return _answer({"items": items, "next": following}, Position(epoch=page.epoch, sequence=page.head))


async def _list(request: web.Request, collection: str, filters: Sequence[str]) -> web.Response:
    caller = _reader(request)
    sort = request.query.get("sort", "")
    if sort not in _SORTS:
        raise BadRequest("sort: expected last_active")
    query = Query(
        collection=collection,
        topics=caller.topics,
        sort=_SORTS[sort],
        limit=_limit(request),
        after=_after(request),
        **{name: request.query.get(name, "") for name in filters},
    )
    return _page(request, await request.app[STORE].read(query), query)


async def _one(request: web.Request, topic: str) -> web.Response:
    reading = await _visible(request, _reader(request), topic)
    body = presented(reading.documents[0], request.app[CLOCKWORK], request.app[NOW]()).body
    return _answer(orjson.Fragment(body), reading.position)


async def _visible(request: web.Request, caller: Caller, topic: str) -> Reading:
    """Return a document that is there and that the caller may see; what it may not see is not there either."""
    reading = await request.app[STORE].document(topic)
    if not reading.documents or not _may_see(caller, reading.documents[0]):
        raise NotFound("there is nothing by this id")
    return reading


def _may_see(caller: Caller, document: Document) -> bool:
    return covers(caller.topics, document.topic) or document.durable in caller.topics


def _reader(request: web.Request) -> Caller:
    caller = request.app[ACCESS].caller(request)
    caller.demand("read")
    return caller


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(USUAL_PAGE))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LONGEST_PAGE):
        raise BadRequest(f"limit: expected 1 to {LONGEST_PAGE}")
    return int(text)


def _after(request: web.Request) -> tuple[int, str] | None:
    cursor = request.query.get("cursor")
    if not cursor:
        return None
    try:
        value, topic = orjson.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError) as problem:
        raise BadRequest("cursor: expected the next of an earlier answer") from problem
    if not isinstance(value, int) or not isinstance(topic, str) or abs(value) >= 2**63:
        raise BadRequest("cursor: expected the next of an earlier answer")
    return value, topic


def _page(request: web.Request, reading: Reading, query: Query, until: int | None = None) -> web.Response:
    now, clockwork = request.app[NOW](), request.app[CLOCKWORK]
    now = now if until is None else min(now, until)
    items = [orjson.Fragment(presented(document, clockwork, now).body) for document in reading.documents]
    following = _cursor(reading.documents[-1], query) if len(items) == query.limit else None
    return _answer({"items": items, "next": following}, reading.position)


def _cursor(document: Document, query: Query) -> str:
    value = document.active_at if query.sort == "active" else document.began_at
    return base64.b64encode(orjson.dumps([value, document.topic]), altchars=b"-_").decode()


def _answer(value: object, position: Position) -> web.Response:
    headers = {"Hub-Position": str(position), "Cache-Control": "no-store"}
    return web.Response(body=orjson.dumps(value), content_type="application/json", headers=headers)
