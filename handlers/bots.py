"""What is done with bots besides reading them: asking one to leave, and keys for bots that somebody else launches."""

import re
import secrets

import orjson
from aiohttp import web

from handlers import erasure
from handlers.access import Caller
from handlers.answers import answer, asked, bot_topic, demanded, reader, visible
from handlers.parts import FEED, LAUNCHES, SEALS, STORE
from handlers.providers.path_keys import path_key
from handlers.providers.registry import LAUNCHED_WITH
from handlers.reads import one
from handlers.watching import viewer_access, webhook_url
from hub.errors import BadRequest, Conflict, NotFound
from hub.events import escape_id
from hub.launches.words import LAUNCH_ID, beside_of, launch_id_of
from hub.ports import Document

_NOT_YET = {
    "requested": "the bot is still being launched: ask again when its provider has given it an id",
    "unknown": "nobody knows whether this launch became a bot: look at the provider's, and say which one it is, or "
    "that there is none (PATCH); or make it leave there, and erase this (DELETE with ?erase=1)",
}


async def bot(request: web.Request) -> web.Response:
    """`GET /api/bots/{id}`, also by the id of its launch; with an API key also its `extra`."""
    caller = reader(request)
    reading = await visible(request, caller, bot_topic(request))
    document = reading.documents[0]
    extra = beside_of(document).extra if caller.is_key else ""
    if not extra:
        return one(request, reading)
    return answer({**orjson.loads(document.body), "extra": orjson.Fragment(extra)}, reading.position)


async def delete(request: web.Request) -> web.Response:
    """`DELETE /api/bots/{id}` → 202 `{bot}`: it is asked to leave. `?erase=1` erases what is known of it instead."""
    if "erase" in request.query:
        return await erasure.erase_bot(request)
    caller = demanded(request, "launch")
    document = (await visible(request, caller, bot_topic(request))).documents[0]
    identity = document.topic.partition("/")[2]
    _check(document, identity)
    await request.app[LAUNCHES].leave(identity)
    reading = await request.app[STORE].document(document.topic)
    shown = reading.documents[0] if reading.documents else document
    # Whoever may launch only is not shown whatever bot it asks to leave.
    brief = {"id": identity, "status": shown.status}
    return answer({"bot": orjson.Fragment(shown.body) if caller.has("read") else brief}, reading.position, 202)


async def webhook(request: web.Request) -> web.Response:
    """`POST /api/bots/webhooks {bot_id?}` → 201 `{url, key, launch_id, topic, token, …}`.

    For a bot that somebody else launches with this URL: what comes by it is that bot's. Without `bot_id` it is the
    bot that the first webhook by it names.
    """
    caller = demanded(request, "launch")
    caller.narrowed(frozenset({"bots"}))
    said = await asked(request)
    if said.keys() - {"bot_id"}:
        raise BadRequest('the body: expected {} or {"bot_id": …}')
    bot_id = escape_id(given_bot_id(said.get("bot_id")))
    await _check_known(request, caller, bot_id)
    launch_id = "" if bot_id else launch_id_of(secrets.token_hex(16))
    key = path_key(request.app[SEALS], launch_id=launch_id, bot=bot_id)
    url = webhook_url(request, key)
    if not url:
        raise Conflict(f"no source of {LAUNCHED_WITH} is configured, or none with a secret, so none takes webhooks")
    topic = f"bots/{LAUNCHED_WITH}:{bot_id or launch_id}"
    made = {"url": url, "key": key, "launch_id": launch_id or None, "bot_id": bot_id or None}
    return answer({**made, "topic": topic, **viewer_access(request, caller, (topic,))}, request.app[FEED].position, 201)


def given_bot_id(value: object) -> str:
    """Return the provider's id of a bot that is given by it, or as documents call it; empty for none.

    Raises BadRequest.
    """
    if value is None:
        return ""
    bot_id = value.removeprefix(f"{LAUNCHED_WITH}:") if isinstance(value, str) else ""
    if not re.fullmatch(r"[^\s\0]{1,200}", bot_id) or LAUNCH_ID.fullmatch(bot_id):
        raise BadRequest("bot_id: expected the provider's id of a bot")
    return bot_id


async def _check_known(request: web.Request, caller: Caller, bot_id: str) -> None:
    """Raise Forbidden where a bot is known already and the caller may not read: the answer has a token to watch it."""
    if bot_id and (await request.app[STORE].document(f"bots/{LAUNCHED_WITH}:{bot_id}")).documents:
        caller.demand("read")


def _check(document: Document, identity: str) -> None:
    """Raise Conflict or NotFound unless the bot is one that can be asked to leave."""
    if document.provider != LAUNCHED_WITH:
        raise NotFound(f"only bots of {LAUNCHED_WITH} can be asked to leave")
    if LAUNCH_ID.fullmatch(identity.partition(":")[2]) and document.status in _NOT_YET:
        raise Conflict(_NOT_YET[document.status])
    if document.over:
        raise Conflict(f"the bot is {document.status}: it is in no meeting")
