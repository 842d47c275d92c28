"""A stand-in MeetingBaaS: a real server with both versions of its API, which keeps its bots, and all its faults."""

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from handlers.providers import meetingbaas_payloads as payloads
from handlers.providers.arrival import JsonObject
from handlers.providers.meetingbaas_payloads import SampleBot
from hub.clock import now_ms
from hub.events import format_time
from tests.processes import SECRETS

# What the hub says that it is reached by; it stands for wherever it really is.
PUBLIC_URL = "http://hub.test"
API_KEY = SECRETS["MEETINGBAAS_API_KEY"]
# What happens to the next request that launches; `Fault.then` is called when the provider has got that far.
NOTHING, BEFORE, AFTER, DROP, HANG_BEFORE, HANG_AFTER = "nothing", "before", "after", "drop", "hang", "hang after"


@dataclass
class Bot:
    """A bot that was really sent."""

    id: str
    order: dict[str, Any]
    status: str = "queued"
    updated_at: str = ""
    left: int = 0
    # What v1 says of its meeting.
    meeting: JsonObject = field(default_factory=dict)

    @property
    def sample(self) -> SampleBot:
        """As payloads speak of it."""
        return SampleBot(id=self.id, meeting_url=self.order["meeting_url"])


@dataclass
class Refusal:
    """What is answered instead."""

    status: int
    body: JsonObject = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class MeetingBaasServer:
    """Where the hub launches. What a test puts into `faults` happens to the next launches, one each."""

    url: str = ""
    hub: str = ""
    bots: dict[str, Bot] = field(default_factory=dict)
    faults: list[str | Refusal] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    # Called with a bot before its launch is answered: callbacks come before the answer.
    on_created: Callable[[Bot], Awaitable[None]] | None = None
    # Set when a launch hangs, and to be set to let it go on.
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    # Bots of which nothing is said but that something went wrong, and those of which nothing at all is.
    broken: set[str] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)
    # What is answered to those who ask how far a bot is.
    refusal: Refusal | None = None
    # Answers to webhooks that were sent.
    answers: list[int] = field(default_factory=list)
    # Answered instead of anything else, if anything.
    page: bytes = b""
    # Whether bots can be found by what was said with them.
    lists: bool = True

    @property
    def only(self) -> Bot:
        """The one bot there is."""
        (bot,) = self.bots.values()
        return bot

    def become(self, bot: Bot, status: str) -> None:
        """Let a bot get as far as that, and tell nobody but those who ask."""
        bot.status, bot.updated_at = status, format_time(now_ms()) or ""

    async def tell(self, payload: JsonObject, url: str, **headers: str) -> int:
        """Send a webhook; return how it was answered."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(url.replace(PUBLIC_URL, self.hub), data=orjson.dumps(payload), headers=headers) as answer,
        ):
            self.answers.append(answer.status)
            return answer.status

    async def tell_v1(self, bot: Bot, code: str, at: int | None = None) -> int:
        """Tell a status to the bot's own webhook, by the key in its path alone."""
        return await self.tell(payloads.v1_status(bot.sample, code, at or now_ms()), bot.order["webhook_url"])

    async def call_back(self, bot: Bot) -> int:
        """Tell v2's completion to the bot's callback, with its secret."""
        now, config = now_ms(), bot.order["callback_config"]
        said = payloads.v2_completed(bot.sample, now - 60_000, now - 1000, now)
        secret = {"x-mb-secret": config["secret"]} if "secret" in config else {}
        return await self.tell({**said, "extra": bot.order["extra"]}, config["url"], **secret)

    def app(self) -> web.Application:
        """Return its API."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_post("/bots/", self._launch_v1)
        app.router.add_get("/bots/bots_with_metadata", self._list_v1)
        app.router.add_get("/bots/meeting_data", self._meeting)
        app.router.add_delete("/bots/{id}", self._leave)
        app.router.add_get("/v2/bots", self._list_v2)
        app.router.add_post("/v2/bots", self._launch_v2)
        app.router.add_post("/v2/bots/{id}/leave", self._leave)
        app.router.add_get("/v2/bots/{id}/status", self._status)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        resource = request.match_info.route.resource
        self.calls[f"{request.method} {resource.canonical if resource else request.path}"] += 1
        if request.headers.get("x-meeting-baas-api-key") != API_KEY:
            return _json({"success": False, "error": "Forbidden", "code": "FST_ERR_FORBIDDEN"}, 403)
        return web.Response(body=self.page) if self.page else await handler(request)

    async def _launch_v1(self, request: web.Request) -> web.StreamResponse:
        return await self._launched(request, 200, lambda bot: {"bot_id": bot.id})

    async def _launch_v2(self, request: web.Request) -> web.StreamResponse:
        return await self._launched(request, 201, lambda bot: {"success": True, "data": {"bot_id": bot.id}})

    async def _launched(
        self, request: web.Request, status: int, told: Callable[[Bot], JsonObject]
    ) -> web.StreamResponse:
        order = await request.json()
        fault = self.faults.pop(0) if self.faults else NOTHING
        if isinstance(fault, Refusal):
            return web.Response(status=fault.status, body=orjson.dumps(fault.body), headers=fault.headers)
        if fault == BEFORE:
            return _json({"success": False, "error": "Internal"}, 500)
        if fault == HANG_BEFORE:
            await self._hang()
        bot = Bot(str(uuid.uuid4()), order, updated_at=format_time(now_ms()) or "")
        self.bots[bot.id] = bot
        if self.on_created:
            await self.on_created(bot)
        if fault == HANG_AFTER:
            await self._hang()
        if fault == DROP and request.transport:
            request.transport.abort()
        return _json({"error": "Internal"}, 500) if fault == AFTER else _json(told(bot), status)

    async def _hang(self) -> None:
        self.reached.set()
        await self.go_on.wait()

    async def _list_v1(self, request: web.Request) -> web.Response:
        name, _, value = request.query.get("filter_by_extra", "").partition(":")
        found = [bot for bot in self.bots.values() if bot.order["extra"].get(name) == value and self.lists]
        listed = [{"id": bot.id, "extra": bot.order["extra"], "name": bot.order["bot_name"]} for bot in found]
        return _json({"recent_bots": listed, "next_cursor": None})

    async def _list_v2(self, _: web.Request) -> web.Response:
        return _json({"success": True, "data": [{"bot_id": bot} for bot in self.bots]})

    async def _meeting(self, request: web.Request) -> web.Response:
        bot = self.bots.get(request.query["bot_id"])
        return _json(bot.meeting) if bot else _json({"error": "Bot not found"}, 404)

    async def _leave(self, request: web.Request) -> web.Response:
        bot = self.bots.get(request.match_info["id"])
        if bot is None:
            return _json({"success": False, "error": "Not Found", "code": "FST_ERR_BOT_NOT_FOUND_BY_ID"}, 404)
        if bot.id in self.broken:
            return _json({"success": False, "error": "Internal"}, 500)
        if bot.status in ("completed", "failed"):
            return _json({"success": False, "error": "Conflict", "code": "FST_ERR_BOT_STATUS"}, 409)
        bot.left += 1
        return _json({"ok": True})

    async def _status(self, request: web.Request) -> web.Response:
        if self.refusal:
            return web.Response(status=self.refusal.status, headers=self.refusal.headers)
        bot = self.bots.get(request.match_info["id"])
        if bot and bot.id in self.mute:
            await self._hang()
        if bot and bot.id in self.broken:
            return _json({"success": False, "error": "Internal"}, 500)
        if bot is None:
            return _json({"success": False, "code": "FST_ERR_BOT_NOT_FOUND_BY_ID"}, 404)
        told = {"bot_id": bot.id, "status": bot.status, "transcription_status": None, "updated_at": bot.updated_at}
        return _json({"success": True, "data": told})


@contextlib.asynccontextmanager
async def meetingbaas() -> AsyncIterator[MeetingBaasServer]:
    """Run one on a port of the system's choice for the length of the block."""
    server = MeetingBaasServer()
    runner = web.AppRunner(server.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.go_on.set()
        await runner.cleanup()


def _json(said: JsonObject, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(said), content_type="application/json")
