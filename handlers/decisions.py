"""What callers of the API change goes the way that webhooks go: as a delivery, through the one writer."""

import asyncio
import secrets

import orjson
from aiohttp import web

from handlers.parts import INGEST, NOW
from handlers.webhooks import COMMIT_SECONDS
from hub.errors import StorageUnavailable
from hub.events import Delivery, Fact
from hub.ports import Outcome

HUB = "hub"


async def decided(request: web.Request, name: str, facts: tuple[Fact, ...], said: object) -> Outcome:
    """Make what a caller decided durable; `name` is the delivery's type.

    Raises StorageUnavailable when it is not known to be.
    """
    delivery = Delivery(
        source=HUB,
        scope=HUB,
        key=f"id:{secrets.token_hex(16)}",
        received_at=request.app[NOW](),
        body=orjson.dumps(said),
        provider_type=name,
        facts=facts,
    )
    try:
        async with asyncio.timeout(COMMIT_SECONDS):
            return await request.app[INGEST].submit(delivery)
    except TimeoutError:
        raise StorageUnavailable("the store is slow; whether this was kept is not known") from None
