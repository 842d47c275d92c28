"""Where a bot is watched and told of: the token and the addresses for whoever launches it, or has it launched."""

from urllib.parse import quote

from aiohttp import web

from handlers.access import Caller
from handlers.parts import ACCESS, SETTINGS
from handlers.providers.registry import LAUNCHED_WITH
from hub.events import format_time
from hub.tokens import LONGEST_SECONDS, Claims, Use


def viewer_access(request: web.Request, caller: Caller, topics: tuple[str, ...]) -> dict[str, object]:
    """Return a token that lets somebody watch a bot, until when, and where: by the name that it has from the start."""
    access = request.app[ACCESS]
    expires_at = access.seconds() + LONGEST_SECONDS
    if caller.expires_at is not None:
        expires_at = min(expires_at, caller.expires_at)
    # Whoever sends a bot may have it watched, also with a key that is good for launching only.
    token = access.mint(Claims(use=Use.ACCESS, topics=tuple(sorted(topics)), scope=("read",), exp=expires_at))
    query = f"topic={quote(topics[0], safe=':/@')}&token={token}"
    base = base_url(request)
    return {
        "token": token,
        "expires_at": format_time(expires_at * 1000),
        "stream_url": f"{base}/api/stream?{query}",
        "websocket_url": f"{base.replace('http', 'ws', 1)}/api/ws?{query}",
    }


def base_url(request: web.Request) -> str:
    """Return how the hub is reached: as configured, else as it was for this request."""
    return request.app[SETTINGS].server.public_url.rstrip("/") or f"{request.scheme}://{request.host}"


def webhook_url(request: web.Request, key: str) -> str:
    """Return where the provider may post with a key; empty when no source takes that.

    It is what the configuration says: providers send secrets there, which a caller must not have sent elsewhere by
    the `Host` of a request.
    """
    settings = request.app[SETTINGS]
    source = settings.heard_by(LAUNCHED_WITH)
    return f"{settings.server.told_url}{source.path.rstrip('/')}/{key}" if source else ""
