"""Recordings and transcripts, and the way to their files, for authorised readers and while the links are good."""

from urllib.parse import quote

from aiohttp import web

from handlers.answers import bot_topic, filters, identity_of, may_see, reader, visible
from handlers.parts import NOW, STORE
from handlers.reads import documents, one
from hub.errors import BadRequest, Expired, NotFound
from hub.events import format_time
from hub.ports import Query, Reading
from hub.present import decode_artifacts
from hub.redaction import meant_topic
from hub.state.capture import Artifacts

# What is left as it is in a link: an escape must not be escaped once more.
_PLAIN = "%/:?#[]@!$&'()*+,;=~-._"


async def recordings(request: web.Request) -> web.Response:
    """`GET /api/recordings (?status= &provider= &room= &bot=)`, the newest first; those of one, the oldest first."""
    parent = _owner(request)
    wanted = filters(request, "status", "provider")
    return await documents(request, Query(collection="recordings", parent=parent, **wanted))


async def recording(request: web.Request) -> web.Response:
    """`GET /api/recordings/{id}`, also by the other id that its provider has for it."""
    return one(request, await _meant(request))


async def content(request: web.Request) -> web.Response:
    """`GET /api/recordings/{id}/content (?artifact=)`: a redirect to the file, while its link is good."""
    return _redirect(request, await _meant(request))


async def transcript_content(request: web.Request) -> web.Response:
    """`GET /api/bots/{id}/transcript/content (?artifact=)`: a redirect to the transcript's file."""
    reading = await visible(request, reader(request), bot_topic(request))
    return _redirect(request, reading)


def _owner(request: web.Request) -> str:
    owners = [f"{name}s/{request.query[name]}" for name in ("room", "bot") if request.query.get(name)]
    if len(owners) > 1:
        raise BadRequest("room, bot: expected one of them")
    return meant_topic(owners[0]) if owners else ""


async def _meant(request: web.Request) -> Reading:
    caller, store, identity = reader(request), request.app[STORE], identity_of(request)
    reading = await store.document(f"recordings/{identity}")
    if not reading.documents:
        reading = await store.read(Query(collection="recordings", name=identity))
    for document in reading.documents:
        # Whoever may see the room or bot may see what was captured of it.
        owner = (await store.document(document.parent)).documents
        if may_see(caller, document) or any(may_see(caller, one) for one in owner):
            return Reading((document,), reading.position)
    raise NotFound("there is nothing by this id")


def _redirect(request: web.Request, reading: Reading) -> web.Response:
    document = reading.documents[0]
    kept = decode_artifacts(document.hidden) if document.hidden else Artifacts()
    if not kept.links:
        raise NotFound("the provider has told no link to this yet")
    name = request.query.get("artifact", next(iter(kept.links)))
    if name not in kept.links:
        raise BadRequest(f"artifact: expected one of {', '.join(kept.links)}")
    expire_at = kept.good_until(name)
    if expire_at is not None and expire_at <= request.app[NOW]():
        raise Expired(f"the provider's link was good until {format_time(expire_at)}")
    # As it was told, but for what no header may hold.
    location = quote(kept.links[name], safe=_PLAIN)
    headers = {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    headers["Hub-Position"] = str(reading.position)
    return web.Response(status=302, headers=headers)
