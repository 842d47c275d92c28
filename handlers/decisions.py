"""What callers of the API change goes the way that webhooks go: as a delivery, through the one writer."""

import secrets

import orjson
from aiohttp import web

from handlers.parts import NOW
from handlers.webhooks import commit
from hub.events import HUB, Delivery, Fact
from hub.ports import Outcome


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
    return await commit(request, delivery)
