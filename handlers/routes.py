"""All routes of the hub."""

from aiohttp import web

from handlers import (
    attendance,
    bots,
    deliveries,
    erasure,
    health,
    launching,
    pages,
    reads,
    recordings,
    redrives,
    rooms,
    schedules,
    settling,
    sources,
    sse,
    tokens,
    usage,
    viewers,
    websocket,
)
from handlers.described.openapi import openapi
from handlers.webhooks import webhook_routes
from hub.settings import Source

# What is at a path of its own is no bot's id.
_BOT = "/api/bots/{id:(?!webhooks$)[^/]+}"


def routes(configured: tuple[Source, ...]) -> list[web.RouteDef]:
    """Return every route: webhooks of the sources, streams, reads, health, and the page."""
    return [
        *webhook_routes(configured),
        web.get("/api/stream", sse.stream, allow_head=False),
        web.get("/api/ws", websocket.websocket, allow_head=False),
        web.get("/api/bots", reads.bots),
        web.post("/api/bots", launching.launch),
        web.post("/api/bots/webhooks", bots.webhook),
        web.get(_BOT, bots.bot),
        web.patch(_BOT, settling.settle),
        web.delete(_BOT, bots.delete),
        web.get("/api/bots/{id}/transcript", reads.transcript),
        web.get("/api/bots/{id}/transcript/content", recordings.transcript_content),
        web.get("/api/rooms", reads.rooms),
        web.get("/api/rooms/{id}", reads.room),
        web.patch("/api/rooms/{id}", rooms.patch),
        web.delete("/api/rooms/{id}", erasure.erase_room),
        web.get("/api/rooms/{id}/participants", attendance.participants),
        web.get("/api/schedules", schedules.schedules),
        web.post("/api/schedules", schedules.create),
        web.get("/api/schedules/{id}", schedules.schedule),
        web.patch("/api/schedules/{id}", schedules.change),
        web.delete("/api/schedules/{id}", schedules.cancel),
        web.get("/api/recordings", recordings.recordings),
        web.get("/api/recordings/{id}", recordings.recording),
        web.get("/api/recordings/{id}/content", recordings.content),
        web.get("/api/usage", usage.usage),
        web.get("/api/events", reads.events),
        web.get("/api/deliveries", deliveries.deliveries),
        web.get("/api/deliveries/{id}", deliveries.delivery),
        web.post("/api/deliveries/{id}/redrive", redrives.redrive),
        web.get("/api/sources", sources.sources),
        web.get("/api/topics/{topic:.+}/viewers", viewers.viewers),
        web.post("/api/tokens", tokens.mint),
        web.get("/api/access", tokens.access),
        web.get("/healthz", health.healthz),
        web.get("/readyz", health.readyz),
        web.get("/metrics", health.metrics),
        web.get("/openapi.json", openapi),
        web.get("/", pages.dashboard),
        web.get("/static/{name}", pages.asset),
    ]
