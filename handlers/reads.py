"""Reading bots, rooms and the log."""

import msgspec
import orjson
from aiohttp import web

from handlers.access import Caller
from handlers.answers import (
    Cursor,
    after_of,
    answer,
    bot_topic,
    cursor_of,
    filters,
    identity_of,
    limit_of,
    listed,
    may_see,
    reader,
    room_filters,
    visible,
)
from handlers.parts import CLOCKWORK, FEED, NOW, STORE
from hub.errors import BadRequest, NotFound, PositionGone
from hub.events import Position, without_nesting
from hub.fold.parts import decode_segment, segment_document
from hub.ports import Document, Query, Reading
from hub.present import decode_artifacts, presented
from hub.redaction import meant_topic

_SORTS = {"": "began", "last_active": "active", "trending": "trending"}


async def bots(request: web.Request) -> web.Response:
    """`GET /api/bots (?status= &provider=)`, the newest first."""
    return await documents(request, Query(collection="bots", **filters(request, "status", "provider")))


async def rooms(request: web.Request) -> web.Response:
    """`GET /api/rooms (?status= &provider= &name= &room_id= &sort=trending|last_active)`, else the newest first."""
    sort = request.query.get("sort", "")
    if sort not in _SORTS:
        raise BadRequest("sort: expected trending or last_active")
    wanted = room_filters(request, "status", "provider", "name", "room_id")
    return await documents(request, Query(collection="rooms", sort=_SORTS[sort], **wanted))


async def room(request: web.Request) -> web.Response:
    """`GET /api/rooms/{id}`: a session, or of a durable room the session that goes on, else the last one."""
    return one(request, await room_meant(request))


async def transcript(request: web.Request) -> web.Response:
    """`GET /api/bots/{id}/transcript`: the segments in the order in which they were spoken, and the artifacts."""
    reading = await visible(request, reader(request), bot_topic(request))
    bodies = await request.app[STORE].transcript(reading.documents[0].topic)
    spoken = sorted((segment_document(decode_segment(body)) for body in bodies), key=_spoken)
    spoken_by = f"{reading.documents[0].topic}/transcript"
    after, limit = after_of(request, spoken_by), limit_of(request)
    items = [segment for segment in spoken if after is None or _spoken(segment) > after][:limit]
    more = bool(items) and items[-1] is not spoken[-1]
    bot = orjson.loads(reading.documents[0].body)
    said = {
        "items": items,
        "next": cursor_of(spoken_by, *_spoken(items[-1])) if more else None,
        "bot": bot["id"],
        "status": (bot["transcript"] or {}).get("status"),
        "artifacts": _artifacts(reading.documents[0]),
    }
    return answer(said, reading.position)


async def events(request: web.Request) -> web.Response:
    """`GET /api/events?topic=&after=<position>`: the log, oldest first; `next` is a position."""
    caller = reader(request)
    asked = frozenset(meant_topic(text) for text in request.query.getall("topic", []))
    topics = without_nesting(caller.narrowed(asked))
    after, limit = request.query.get("after", ""), limit_of(request)
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
    return listed(items, following, Position(epoch=page.epoch, sequence=page.head))


async def room_meant(request: web.Request, caller: Caller | None = None) -> Reading:
    """Return the session that a request's `{id}` means, for a caller who may else read. Raises NotFound."""
    caller, topic = caller or reader(request), f"rooms/{identity_of(request)}"
    reading = await request.app[STORE].document(topic)
    if not reading.documents:
        reading = await current_session(request, topic)
    if not reading.documents or not may_see(caller, reading.documents[0]):
        raise NotFound("there is nothing by this id")
    return reading


async def current_session(request: web.Request, durable: str) -> Reading:
    """Return the session that stands for a durable room (its topic): what goes on, else what began last, if any."""
    wanted = Query(collection="rooms", topics=frozenset({durable}), status="live", limit=1)
    going_on = await request.app[STORE].read(wanted)
    if going_on.documents:
        return going_on
    return await request.app[STORE].read(msgspec.structs.replace(wanted, status=""))


def one(request: web.Request, reading: Reading) -> web.Response:
    """Return the only document of a reading."""
    body = presented(reading.documents[0], request.app[CLOCKWORK], request.app[NOW]()).body
    return answer(orjson.Fragment(body), reading.position)


async def documents(request: web.Request, query: Query) -> web.Response:
    """Return the page of a list that a request asks for, as far as the caller may see it."""
    of = f"{query.parent}/{query.collection}" if query.parent else f"{query.collection} by {query.sort}"
    query = msgspec.structs.replace(
        query, topics=reader(request).topics, limit=limit_of(request), after=after_of(request, of)
    )
    reading = await request.app[STORE].read(query)
    now, clockwork = request.app[NOW](), request.app[CLOCKWORK]
    items = [orjson.Fragment(presented(document, clockwork, now).body) for document in reading.documents]
    following = cursor_of(of, *_place(reading.documents[-1], query)) if len(items) == query.limit else None
    return listed(items, following, reading.position)


def _place(document: Document, query: Query) -> Cursor:
    values = {"began": document.began_at, "active": document.active_at, "trending": document.trending}
    return values[query.sort], document.topic


def _spoken(segment: dict[str, object]) -> Cursor:
    start = segment["start"]
    return (start if isinstance(start, int | float) else 0.0), str(segment["id"])


def _artifacts(bot: Document) -> list[dict[str, object]]:
    kept = decode_artifacts(bot.hidden) if bot.hidden else None
    base = f"/api/{bot.topic}/transcript/content"
    return [{"name": name, "url": f"{base}?artifact={name}"} for name in kept.links] if kept else []
