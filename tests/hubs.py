"""A whole hub inside the test's own event loop: real store, real sockets, nothing replaced."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson

from handlers.providers.arrival import Sample
from handlers.providers.registry import PROVIDERS
from hub.app import serve_until
from hub.clock import now_ms
from hub.commands.send import signed, source_for
from hub.config import load
from hub.settings import Settings
from tests.processes import NOWHERE, SECRETS, viewers_told
from tests.waiting import PATIENCE

API_KEY = SECRETS["HUB_API_KEY"]


@dataclass(frozen=True)
class RunningHub:
    """A hub that takes requests, and a client that is allowed everything."""

    url: str
    login_url: str
    settings: Settings
    session: aiohttp.ClientSession

    async def send(self, provider: str, event: str, **payload: object) -> tuple[int, dict[str, object]]:
        """Post one of the provider's samples, with top-level values of its payload replaced."""
        sample = PROVIDERS[provider].samples(time.time_ns() // 1_000_000)[event]
        return await self.post(provider, Sample(payload={**sample.payload, **payload}, dialect=sample.dialect))

    async def post(self, provider: str, sample: Sample) -> tuple[int, dict[str, object]]:
        """Post a signed webhook."""
        return await self.post_bytes(provider, orjson.dumps(sample.payload), sample.dialect)

    async def post_bytes(self, provider: str, body: bytes, dialect: str) -> tuple[int, dict[str, object]]:
        """Post any bytes with a right proof."""
        source = source_for(self.settings, provider)
        headers = signed(source, Sample(payload={}, dialect=dialect), body, time.time_ns() // 1_000_000)
        async with self.session.post(self.url + source.path, data=body, headers=headers) as answer:
            return answer.status, orjson.loads(await answer.read())

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, object]]:
        """Read something with the API key."""
        authorized = {"Authorization": f"Bearer {API_KEY}", **headers}
        async with self.session.get(self.url + path, headers=authorized) as answer:
            return answer.status, orjson.loads(await answer.read())

    async def viewers(self) -> int:
        """Return how many viewers it has at this moment."""
        async with self.session.get(f"{self.url}/metrics") as answer:
            return viewers_told(await answer.text())


@contextlib.asynccontextmanager
async def running_hub(folder: Path, now: Callable[[], int] = now_ms, **overrides: str) -> AsyncIterator[RunningHub]:
    """Run a hub on a port of the system's choice for the length of the block, then stop it as SIGTERM would."""
    environ = {
        **SECRETS,
        **NOWHERE,
        "PORT": "0",
        "DATABASE_URL": f"sqlite:///{folder}/hub.db",
        "HUB_STREAM__DRAIN": "0.05",
        **overrides,
    }
    settings = load(None, environ)
    announced: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()
    stopping = asyncio.Event()
    serving = asyncio.create_task(
        serve_until(stopping, settings, lambda base, url: announced.set_result((base, url)), now=now)
    )
    try:
        await asyncio.wait([announced, serving], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        base, login = announced.result()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
            yield RunningHub(base, login, settings, session)
    finally:
        stopping.set()
        await serving
