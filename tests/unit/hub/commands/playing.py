"""Sources with every secret, meetings as deliveries, and servers that are no hub, for tests of what is simulated."""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterable

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from handlers.providers.arrival import Arrival, Sample
from handlers.providers.registry import PROVIDERS, receive
from hub.commands.casting import Line
from hub.events import Delivery
from hub.settings import Settings, Source

NOW = 1_773_151_300_000
LIVEKIT = Source(provider="livekit", name="livekit", path="/l", keys={"key": ("s" * 40,)})
MEETINGBAAS = Source(
    provider="meetingbaas",
    name="m",
    path="/m",
    api_keys=("k",),
    webhook_secrets=("whsec_c2VjcmV0",),
    callback_secrets=("c",),
)
HMS = Source(provider="100ms", name="100ms", path="/h", headers={"X-Key": ("k",)}, signing_secrets=("s",))
# Another path of the same account.
HMS_ROOMS = Source(
    provider="100ms", name="100ms-rooms", path="/r", home="100ms", headers={"X-Key": ("k",)}, signing_secrets=("s",)
)
PULSE = Source(provider="pulse", name="pulse", path="/p", signing_secrets=("s",))
SETTINGS = Settings(sources=(LIVEKIT, MEETINGBAAS, HMS, HMS_ROOMS, PULSE))


def delivered(source: Source, sample: Sample, sent_at: int = NOW) -> Delivery:
    """Return what comes of a webhook that arrives when it was sent."""
    body = orjson.dumps(sample.payload)
    delivery_id = sample.delivery_id or f"msg_{hashlib.sha256(body).hexdigest()}"
    headers = PROVIDERS[source.provider].sign(source, body, sent_at, sample.dialect, delivery_id)
    named = tuple((name.lower(), value) for name, value in headers.items())
    return receive(source, Arrival(headers=named, body=body, received_at=sent_at))


def all_delivered(lines: Iterable[Line], sent_at: int = NOW) -> list[Delivery]:
    """Return what comes of a script."""
    return [delivered(line.source, line.sample, sent_at) for line in lines]


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve something that is no hub for the length of the block; yields its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")
