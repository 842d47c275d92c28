"""Whether the hub lives, and whether it should get traffic."""

import orjson
from aiohttp import web

from handlers.parts import INGEST, LIFECYCLE


async def healthz(_: web.Request) -> web.Response:
    """`GET /healthz`: 200 while the process answers."""
    return web.Response(body=b'{"status":"ok"}', content_type="application/json")


async def readyz(request: web.Request) -> web.Response:
    """`GET /readyz`: 503 only while starting or draining; `degraded` and why while something is broken."""
    lifecycle, problem = request.app[LIFECYCLE], request.app[INGEST].problem
    if lifecycle.draining or not lifecycle.ready:
        status = "draining" if lifecycle.draining else "starting"
        return _answer(503, {"status": status})
    reasons = [f"storage: {problem}"] if problem else []
    return _answer(200, {"status": "ready", "degraded": bool(reasons), "reasons": reasons})


def _answer(status: int, value: dict[str, object]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")
