"""Streams for tests: a hub over a store in memory, and viewers of it by either transport."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import aiohttp
import orjson

from handlers.providers.arrival import Sample
from hub.app import serve_until
from hub.clock import now_ms
from hub.commands.send import signed, source_for
from hub.config import load
from hub.fold import Batch, Rules
from hub.settings import Settings
from hub.tokens import Claims, Tokens, Use
from tests.memory_store import MemoryStore
from tests.processes import NOWHERE, SECRETS
from tests.streams import Sent, parsed
from tests.waiting import PATIENCE, until

KEY = SECRETS["HUB_API_KEY"]
TOKENS = Tokens((SECRETS["HUB_TOKEN_SECRET"],))


@dataclass
class Streams:
    """A hub whose log a test writes itself."""

    url: str
    settings: Settings
    store: MemoryStore
    session: aiohttp.ClientSession
    now: Callable[[], int]

    @contextlib.asynccontextmanager
    async def open(self, *topics: str, key: str = KEY, last_id: str = "", **query: str) -> AsyncIterator["Followed"]:
        """Follow topics for the length of the block."""
        headers = _authorized(key) | ({"Last-Event-ID": last_id} if last_id else {})
        async with (
            self.session.get(f"{self.url}/api/stream", params=_asking(topics, query), headers=headers) as answer,
            _reading(Followed(answer)) as followed,
        ):
            yield followed

    @contextlib.asynccontextmanager
    async def talk(self, *topics: str, key: str = KEY, **query: str) -> AsyncIterator["Talked"]:
        """Follow topics by a WebSocket for the length of the block."""
        async with (
            self.session.ws_connect(
                f"{self.url}/api/ws",
                params=_asking(topics, query),
                headers=_authorized(key),
                protocols=("hub.v1",),
                max_msg_size=0,
            ) as socket,
            _reading(Talked(socket)) as talked,
        ):
            yield talked

    async def happen(self, room: str = "a", times: int = 1) -> None:
        """Let somebody join a room of the durable room `standup`; each is one event."""
        for _ in range(times):
            now = time.time_ns()
            payload = {
                "event": "participant_joined",
                "id": f"EV_{now}",
                "room": {"sid": f"RM_{room}", "name": "standup"},
                "participant": {"sid": f"PA_{now}"},
            }
            await self.post("livekit", Sample(payload=payload, dialect="webhook"))

    async def launch(self) -> None:
        """Let a bot be queued, which is one event."""
        status = {"code": "queued", "created_at": "2026-03-10T12:00:00Z"}
        payload = {"event": "bot.status_change", "data": {"bot_id": f"bot-{time.time_ns()}", "status": status}}
        await self.post("meetingbaas", Sample(payload=payload, dialect="v1"))

    async def post(self, provider: str, sample: Sample) -> None:
        """Send a webhook that is taken."""
        source, body = source_for(self.settings, provider), orjson.dumps(sample.payload)
        headers = signed(source, sample, body, self.now())
        async with self.session.post(self.url + source.path, data=body, headers=headers) as answer:
            assert answer.status == 200


@dataclass
class Seen:
    """What came over one connection so far."""

    seen: list[Sent] = field(default_factory=list, kw_only=True)
    is_over: bool = field(default=False, kw_only=True)

    async def until(self, condition: Callable[[list[Sent]], bool]) -> list[Sent]:
        """Return everything that came, once the condition holds."""
        await until(lambda: condition(self.seen))
        return self.seen

    async def named(self, name: str) -> Sent:
        """Return the first of a name, once it came."""
        await self.until(lambda seen: any(sent.name == name for sent in seen))
        return next(sent for sent in self.seen if sent.name == name)

    def last(self, name: str) -> Sent:
        """Return the last of a name so far."""
        return next(sent for sent in reversed(self.seen) if sent.name == name)

    async def ended(self) -> list[Sent]:
        """Return everything, once the hub ended the stream."""
        await until(lambda: self.is_over)
        return self.seen

    @property
    def names(self) -> list[str]:
        return [sent.name for sent in self.seen]

    @property
    def events(self) -> list[str]:
        return [sent.id for sent in self.seen if not sent.name]


@dataclass
class Followed(Seen):
    """An event stream."""

    answer: aiohttp.ClientResponse

    async def read(self) -> None:
        async for sent in parsed(self.answer.content):
            self.seen.append(sent)
        self.is_over = True


@dataclass
class Talked(Seen):
    """A WebSocket."""

    socket: aiohttp.ClientWebSocketResponse

    async def read(self) -> None:
        async for said in self.socket:
            told = orjson.loads(said.data)
            name = "" if told["event"] == "message" else told["event"]
            self.seen.append(Sent(name, told["id"] or "", told["data"]))
        self.is_over = True

    async def say(self, **action: object) -> None:
        """Send an action."""
        await self.socket.send_str(orjson.dumps(action).decode())

    async def ask(self, answer: str, **action: object) -> Sent:
        """Send an action and return the next answer of a name."""
        known = len(self.seen)
        await self.say(**action)
        await self.until(lambda seen: any(sent.name == answer for sent in seen[known:]))
        return next(sent for sent in self.seen[known:] if sent.name == answer)


Reading = TypeVar("Reading", "Followed", "Talked")


@contextlib.asynccontextmanager
async def _reading(viewer: Reading) -> AsyncIterator[Reading]:
    """Let a viewer note what comes for the length of the block."""
    reading = asyncio.create_task(viewer.read())
    try:
        yield viewer
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _asking(topics: tuple[str, ...], query: dict[str, str]) -> list[tuple[str, str]]:
    return [("topic", topic) for topic in topics] + list(query.items())


def _authorized(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


@contextlib.asynccontextmanager
async def streams(folder: Path, now: Callable[[], int] = now_ms, **overrides: str) -> AsyncIterator[Streams]:
    """Run a hub on a store in memory, by a clock."""
    environ = {
        **SECRETS,
        **NOWHERE,
        "PORT": "0",
        "DATABASE_URL": f"sqlite:///{folder}/none.db",
        "HUB_STREAM__DRAIN": "0.05",
        **overrides,
    }
    store = MemoryStore(lambda deliveries: Batch(deliveries, Rules(frozenset())))
    stopping = asyncio.Event()
    announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    settings = load(None, environ)
    serving = asyncio.create_task(
        serve_until(stopping, settings, lambda base, _: announced.set_result(base), store=store, now=now)
    )
    try:
        url = await asyncio.wait_for(announced, PATIENCE)
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield Streams(url, settings, store, session, now)
    finally:
        store.reads.release()
        store.answers.release()
        stopping.set()
        await serving


def token(*topics: str, seconds: float = 60, use: Use = Use.ACCESS) -> str:
    """Return a token for topics."""
    return TOKENS.mint(Claims(use=use, topics=topics, scope=("read",), exp=int(time.time() + seconds)))
