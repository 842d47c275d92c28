"""Whether the hub lives, whether it should get traffic, and what it counts."""

import orjson
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from handlers.parts import HEALTH, LIFECYCLE, METRICS


async def healthz(_: web.Request) -> web.Response:
    """`GET /healthz`: 200 while the process answers."""
    return web.Response(body=b'{"status":"ok"}', content_type="application/json")


async def readyz(request: web.Request) -> web.Response:
    """`GET /readyz`: 503 only while starting or draining; `degraded` and why while something is broken.

    With PostgreSQL or Redis away a balancer could not find a better process: all have the same.
    """
    lifecycle = request.app[LIFECYCLE]
    if lifecycle.draining or not lifecycle.ready:
        return _answer(503, {"status": "draining" if lifecycle.draining else "starting"})
    reasons = request.app[HEALTH].reasons()
    return _answer(200, {"status": "ready", "degraded": bool(reasons), "reasons": reasons})


async def metrics(request: web.Request) -> web.Response:
    """`GET /metrics`: what this process counts, for Prometheus."""
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def _answer(status: int, value: dict[str, object]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")
