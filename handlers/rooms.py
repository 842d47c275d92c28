"""Changing rooms: `PATCH /api/rooms/{id}`."""

from aiohttp import web

from handlers.access import Caller
from handlers.answers import answer, asked, demanded, identity_of, is_durable
from handlers.decisions import decided
from handlers.parts import NOW
from handlers.reads import current_session, one, room_meant
from hub.errors import BadRequest, Forbidden, NotFound
from hub.events import Fact, Kind, RoomDetail, covers, parse_topic


async def patch(request: web.Request) -> web.Response:
    """`PATCH /api/rooms/{id} {"featured": true|false}`: of the durable room, whichever session's id is given.

    A durable room can be featured before anybody met in it.
    """
    caller = demanded(request, "launch")
    said = await asked(request)
    featured = said.get("featured")
    if set(said) != {"featured"} or not isinstance(featured, bool):
        raise BadRequest('the body: expected {"featured": true} or {"featured": false}')
    session, durable = await _meant(request, caller)
    # What is decided shows in every session to come.
    if durable and not covers(caller.topics, parse_topic(f"rooms/{durable}")):
        raise Forbidden("the credential does not cover the durable room")
    fact = Fact(
        kind=Kind.ROOM_UPDATED,
        time=request.app[NOW](),
        room="" if durable else session,
        durable=durable,
        detail=RoomDetail(featured=featured),
    )
    await decided(request, "room.patch", (fact,), said)
    if not durable:
        return one(request, await room_meant(request, caller))
    # What was decided shows in the session that goes on, or was the last, whichever one's id was given.
    current = await current_session(request, f"rooms/{durable}")
    if not current.documents:
        return answer({"id": durable, "durable_room": durable, "featured": featured}, current.position)
    return one(request, current)


async def _meant(request: web.Request, caller: Caller) -> tuple[str, str]:
    """Return the ids of the session and of the durable room, empty for none. Raises NotFound."""
    identity = identity_of(request)
    try:
        meant = (await room_meant(request, caller)).documents[0]
    except NotFound:
        # Only a durable room is known before its first session.
        if not is_durable(request, identity) or not covers(caller.topics, parse_topic(f"rooms/{identity}")):
            raise
        return "", identity
    return meant.topic.partition("/")[2], meant.durable.partition("/")[2]
