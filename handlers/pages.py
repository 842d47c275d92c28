"""The dashboard: static files, and the login that makes a link's token the page's cookie."""

from pathlib import Path

from aiohttp import web

from handlers.access import COOKIE
from handlers.parts import ACCESS, NOW, SETTINGS
from hub.errors import TokenRefused
from hub.tokens import LONGEST_SECONDS

FOLDER = Path(__file__).resolve().parent.parent / "static"
_ASSETS = frozenset(file.name for file in FOLDER.iterdir() if file.is_file())
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


async def dashboard(request: web.Request) -> web.StreamResponse:
    """`GET /`: the page; with `?token=` first a cookie, so that the token does not stay in the address."""
    if "token" in request.query:
        return _log_in(request, request.query["token"])
    return web.FileResponse(FOLDER / "index.html", headers=_HEADERS)


async def asset(request: web.Request) -> web.StreamResponse:
    """`GET /static/{name}`: one of the page's files."""
    name = request.match_info["name"]
    # Looked up among what is there, so that no name can lead anywhere else.
    if name not in _ASSETS:
        raise web.HTTPNotFound
    return web.FileResponse(FOLDER / name, headers=_HEADERS)


def _log_in(request: web.Request, token: str) -> web.Response:
    response = web.Response(status=303, headers={"Location": "./", "Referrer-Policy": "no-referrer"})
    try:
        caller = request.app[ACCESS].logging_in(token)
    except TokenRefused:
        response.headers["Location"] = "./?login=refused"
        return response
    left = (caller.expires_at or 0) - request.app[NOW]() // 1000
    is_https = request.app[SETTINGS].server.public_url.startswith("https://")
    response.set_cookie(
        COOKIE, token, max_age=min(left, LONGEST_SECONDS), path="/", httponly=True, samesite="Lax", secure=is_https
    )
    return response
