"""Settling by hand a launch of which nobody knows what became: `PATCH /api/bots/{id}`."""

from aiohttp import web

from handlers.access import Caller
from handlers.answers import asked, bot_topic, demanded, may_see, visible
from handlers.bots import given_bot_id
from handlers.decisions import taken
from handlers.parts import LAUNCHES, NOW, STORE
from handlers.providers.registry import LAUNCHED_WITH
from handlers.reads import one
from hub.errors import BadRequest, Conflict
from hub.events import escape_id
from hub.launches.words import LAUNCH_ID, asked_of, is_none_found, none_found, settled
from hub.ports import Document

_TAKEN = "the bot is of another launch, or was erased"


async def settle(request: web.Request) -> web.Response:
    """`PATCH /api/bots/{launch_id} {bot_id}` → 200, the bot: the launch became that one; with null there is none.

    Whoever looked at the provider's says so. To say it again changes nothing.
    """
    caller = demanded(request, "launch")
    # What the launch becomes can be watched by whoever may watch the launch.
    caller.demand("read")
    caller.narrowed(frozenset({"bots"}))
    said = await asked(request)
    if said.keys() != {"bot_id"}:
        raise BadRequest('the body: expected {"bot_id": …}, or null when there is no bot')
    bot_id = given_bot_id(said["bot_id"])
    document = (await visible(request, caller, bot_topic(request))).documents[0]
    if not _is_settled(document, bot_id):
        await _settle(request, caller, document, bot_id)
    # By the name of the launch, which is good for what it became.
    reading = await visible(request, caller, document.durable or document.topic)
    if not _is_settled(reading.documents[0], bot_id):
        raise Conflict(_TAKEN if bot_id else "meanwhile the launch became a bot, or was erased")
    return one(request, reading)


async def _settle(request: web.Request, caller: Caller, document: Document, bot_id: str) -> None:
    """Say what became of a launch. Raises Conflict and ProviderProblem."""
    if not LAUNCH_ID.fullmatch(document.topic.partition(":")[2]) or document.status != "unknown":
        raise Conflict("only a launch of which nobody knows what became (unknown) can be settled")
    launch, now = asked_of(document), request.app[NOW]()
    if not bot_id:
        await taken(request, none_found(launch, now), document.topic)
        return
    for known in (await request.app[STORE].document(f"bots/{LAUNCHED_WITH}:{escape_id(bot_id)}")).documents:
        if asked_of(known).launch_id or not may_see(caller, known):
            raise Conflict(_TAKEN)
    await request.app[LAUNCHES].check(bot_id)
    await taken(request, settled(launch, bot_id, now), document.topic)


def _is_settled(document: Document, bot_id: str) -> bool:
    """Whether a launch became the bot, or without one none, because somebody said so."""
    if not bot_id:
        return is_none_found(document)
    return bool(document.durable) and document.topic == f"bots/{LAUNCHED_WITH}:{escape_id(bot_id)}"
