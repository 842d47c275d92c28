"""Erasing a bot or a room: `DELETE /api/bots/{id}?erase=1`, `DELETE /api/rooms/{id}?erase=1`."""

from aiohttp import web

from handlers.answers import answer, bot_topic, demanded, identity_of, is_durable, may_see
from handlers.decisions import decided
from handlers.parts import LAUNCHES, NOW, STORE
from hub.errors import BadRequest, Conflict, NotFound
from hub.events import Fact, Kind, covers
from hub.launches.recovery import GRACE_MS


async def erase_bot(request: web.Request) -> web.Response:
    """Take away all that is known of a bot: events keep their places, deliveries that they came."""
    topic, _ = await _check(request, bot_topic(request), may_be_empty=False)
    await _check_settled(request, topic)
    # By the id of its launch, what that became.
    return await _erase(request, Fact(kind=Kind.BOT_ERASED, time=request.app[NOW](), bot=topic.partition("/")[2]))


async def erase_room(request: web.Request) -> web.Response:
    """Take away all that is known of a session; by the id of a durable room, of all its sessions, and its schedules."""
    identity = identity_of(request)
    is_of_all = is_durable(request, identity)
    # Of a durable room there may be plans and decisions only.
    _, durable = await _check(request, f"rooms/{identity}", may_be_empty=is_of_all)
    fact = Fact(
        kind=Kind.ROOM_ERASED,
        time=request.app[NOW](),
        room="" if is_of_all else identity,
        durable=identity if is_of_all else durable.partition("/")[2],
    )
    return await _erase(request, fact)


async def _check(request: web.Request, topic: str, *, may_be_empty: bool) -> tuple[str, str]:
    """Return the topic of what is to be erased, and its durable room. Raises NotFound and BadRequest."""
    caller = demanded(request, "admin")
    if request.query.get("erase") != "1":
        raise BadRequest("erase: expected 1, since this cannot be undone")
    documents = (await request.app[STORE].document(topic)).documents
    if not any(may_see(caller, one) for one in documents) and not (may_be_empty and covers(caller.topics, topic)):
        raise NotFound("there is nothing by this id")
    return (documents[0].topic, documents[0].durable) if documents else (topic, "")


async def _check_settled(request: web.Request, topic: str) -> None:
    """Raise Conflict while a bot is being launched: its provider may answer with one that nobody would know."""
    now = request.app[NOW]()
    for document in (await request.app[STORE].document(topic)).documents:
        is_at_it = request.app[LAUNCHES].running(topic.partition(":")[2]) or now - document.active_at < GRACE_MS
        if document.status == "requested" and is_at_it:
            raise Conflict("the bot is still being launched: erase it when what became of it is known, within minutes")


async def _erase(request: web.Request, fact: Fact) -> web.Response:
    outcome = await decided(request, fact.kind.value, (fact,), {})
    said = {"status": "erased", "delivery": str(outcome.delivery)}
    return answer(said, await request.app[STORE].position())
