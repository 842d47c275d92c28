"""Launching bots: `POST /api/bots`."""

import asyncio
import contextlib

import msgspec
import orjson
from aiohttp import web

from handlers.access import Caller
from handlers.answers import answer, demanded
from handlers.orders import Ordered, is_other, ordered, shown_options
from handlers.parts import LAUNCHES, NOW, SEALS, STORE
from handlers.watching import viewer_access
from hub.errors import Expired, OtherOrder, StorageUnavailable, UnderWay
from hub.events import Position
from hub.launches.words import Asked, asked_of, launched_document, may_be_repeated
from hub.ports import Document, Reading

_OTHER = "this Idempotency-Key was given before with another order: what differs needs another key"
# For a launch that is under way, before somebody who asks for it again is told to come back.
_WAIT_SECONDS = 3.0
_LOOK_SECONDS = 0.25


async def launch(request: web.Request) -> web.Response:
    """`POST /api/bots {meeting_url, bot_name, extra?, …}` → 201 `{bot, token, expires_at, stream_url, websocket_url}`.

    With an `Idempotency-Key` that was given before → 200 and the bot of then. What is not `meeting_url`, `bot_name` or
    `extra` is an option of the provider's, and handed on.
    """
    caller = demanded(request, "launch")
    caller.narrowed(frozenset({"bots"}))
    return await _launched(request, caller, await ordered(request))


async def _launched(request: web.Request, caller: Caller, given: Ordered) -> web.Response:
    wanted = given.wanted
    known = await _known(request, given)
    if known and not may_be_repeated(known):
        return _answer(request, caller, await _settled(request, wanted, known), 200)
    if known:
        wanted = msgspec.structs.replace(wanted, attempt=asked_of(known).attempt + 1)
    body = orjson.dumps(
        {"launch_id": wanted.launch_id, "meeting_url": wanted.meeting_url, "bot_name": wanted.name}
        | {"options": shown_options(given.order.options)}
    )
    # It goes on when the caller hangs up.
    running = request.app[LAUNCHES].begin(wanted, given.order, body)
    if running.asked.mark != wanted.mark:
        raise OtherOrder(_OTHER)
    if bot := await asyncio.shield(running.task):
        return await _sent(request, caller, running.asked, bot, 201 if running.asked is wanted else 200)
    # Another process was faster, or what came of it is gone.
    known = await _known(request, given)
    if known is None:
        raise Expired("what was launched by this Idempotency-Key was erased: launch with another one")
    return _answer(request, caller, await _settled(request, wanted, known), 200)


async def _sent(request: web.Request, caller: Caller, sent: Asked, bot: str, status: int) -> web.Response:
    """Answer with a bot that was sent: whoever was told to try again, because the store is away, would get another."""
    reading = None
    with contextlib.suppress(StorageUnavailable):
        reading = await request.app[STORE].document(f"bots/{sent.id}")
    if reading and [document.status for document in reading.documents] != ["requested"]:
        return _answer(request, caller, reading, status)
    # What the provider answered is spooled, and not shown yet.
    said = {**launched_document(sent, bot, request.app[NOW]()), "sequence": 0}
    kept = Document(
        topic=f"bots/{said['id']}", collection="bots", parent="", durable=f"bots/{sent.id}", body=orjson.dumps(said)
    )
    return _answered(request, caller, kept, reading.position if reading else None, status)


async def _known(request: web.Request, given: Ordered) -> Document | None:
    """Return what is known of a launch, if anything is. Raises OtherOrder when another one was meant."""
    seals, wanted = request.app[SEALS], given.wanted
    running = request.app[LAUNCHES].running(wanted.launch_id)
    documents = (await request.app[STORE].document(f"bots/{wanted.id}")).documents
    known = [running.asked] if running else []
    known += [asked_of(document) for document in documents]
    if any(is_other(seals, one, given) for one in known if one.mark):
        raise OtherOrder(_OTHER)
    return documents[0] if documents else None


async def _settled(request: web.Request, wanted: Asked, known: Document) -> Reading:
    """Return a launch as soon as it is no longer under way, in whichever process. Raises UnderWay after a while."""
    until = asyncio.get_running_loop().time() + _WAIT_SECONDS
    while True:
        reading = await request.app[STORE].document(f"bots/{wanted.id}")
        document = reading.documents[0] if reading.documents else known
        if document.status != "requested":
            return reading
        if asyncio.get_running_loop().time() > until:
            raise UnderWay(
                "this launch is under way, or was when the hub stopped: ask again in a while with the same key; "
                "what became of it will be known within minutes"
            )
        await asyncio.sleep(_LOOK_SECONDS)


def _answer(request: web.Request, caller: Caller, reading: Reading, status: int) -> web.Response:
    if not reading.documents:
        raise Expired("what was launched was erased")
    return _answered(request, caller, reading.documents[0], reading.position, status)


def _answered(
    request: web.Request, caller: Caller, document: Document, position: Position | None, status: int
) -> web.Response:
    alias = document.durable or document.topic
    access = viewer_access(request, caller, tuple(dict.fromkeys((alias, document.topic))))
    said = {"bot": orjson.Fragment(document.body), **access}
    return answer(said, position, status, {"Location": f"/api/{alias}"} if status == 201 else None)
