"""Pages of other origins: which may use the hub, and what a browser has to be told for that."""

from collections.abc import Sequence

from aiohttp import web

_ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
_EXPOSED_HEADERS = "Hub-Position, Retry-After"


def allow_origins(app: web.Application, origins: Sequence[str]) -> None:
    """Let pages of these origins (`*`: of all) read the API with a credential of their own, never with the cookie."""

    async def tell_browser(request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get("Origin", "")
        if not request.path.startswith("/api/") or not (origin in origins or "*" in origins):
            return
        response.headers["Access-Control-Allow-Origin"] = origin or "*"
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
        response.headers["Vary"] = "Origin"

    if origins:
        app.on_response_prepare.append(tell_browser)
        app.router.add_route("OPTIONS", "/api/{path:.*}", _preflight)


async def _preflight(_: web.Request) -> web.Response:
    """`OPTIONS /api/…`: what a page may send; whether it may at all, the origin decides."""
    headers = {
        "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
        "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
        "Access-Control-Max-Age": "600",
    }
    return web.Response(status=204, headers=headers)
