"""Whether the hub lives, whether it should get traffic, and what it counts."""

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from handlers.answers import answer
from handlers.parts import HEALTH, LIFECYCLE, METRICS


async def healthz(_: web.Request) -> web.Response:
    """`GET /healthz`: 200 while the process answers."""
    return answer({"status": "ok"}, None)


async def readyz(request: web.Request) -> web.Response:
    """`GET /readyz`: 503 only while starting or draining; `degraded` and why while something is broken.

    With PostgreSQL or Redis away a balancer could not find a better process: all have the same.
    """
    lifecycle = request.app[LIFECYCLE]
    if lifecycle.draining or not lifecycle.ready:
        return answer({"status": "draining" if lifecycle.draining else "starting"}, None, 503)
    reasons = request.app[HEALTH].reasons()
    return answer({"status": "ready", "degraded": bool(reasons), "reasons": reasons}, None)


async def metrics(request: web.Request) -> web.Response:
    """`GET /metrics`: what this process counts, for Prometheus."""
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
