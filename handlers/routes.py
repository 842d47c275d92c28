"""All routes of the hub."""

from aiohttp import web

from handlers import health, pages, reads, sse
from handlers.webhooks import webhook_routes
from hub.settings import Source


def routes(sources: tuple[Source, ...]) -> list[web.RouteDef]:
    """Return every route: webhooks of the sources, streams, reads, health, and the page."""
    return [
        *webhook_routes(sources),
        web.get("/api/stream", sse.stream, allow_head=False),
        web.get("/api/bots", reads.bots),
        web.get("/api/bots/{id}", reads.bot),
        web.get("/api/rooms", reads.rooms),
        web.get("/api/rooms/{id}", reads.room),
        web.get("/api/rooms/{id}/participants", reads.participants),
        web.get("/api/events", reads.events),
        web.get("/healthz", health.healthz),
        web.get("/readyz", health.readyz),
        web.get("/", pages.dashboard),
        web.get("/static/{name}", pages.asset),
    ]
