"""Who watches."""

from aiohttp import web

from handlers.answers import answer, demanded
from handlers.parts import BUS, STORE
from hub.errors import NotFound
from hub.events import covers
from hub.redaction import meant_topic


async def viewers(request: web.Request) -> web.Response:
    """`GET /api/topics/{topic}/viewers`: how many streams follow exactly this topic, over all processes."""
    caller = demanded(request, "read")
    topic = meant_topic(request.match_info["topic"])
    if not covers(caller.topics, topic):
        raise NotFound("there is nothing by this name")
    said = {"topic": topic, "viewers": await request.app[BUS].viewers(topic)}
    return answer(said, await request.app[STORE].position())
