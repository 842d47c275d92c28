"""What callers of the API change goes the way that webhooks go: as a delivery, through the one writer."""

import secrets

import orjson
import structlog
from aiohttp import web

from handlers.parts import NOW
from handlers.webhooks import commit
from hub.errors import BadRequest
from hub.events import HUB, Delivery, Fact, ScheduleDetail
from hub.ports import Outcome, Status

log = structlog.get_logger()


async def decided(request: web.Request, name: str, facts: tuple[Fact, ...], said: object) -> Outcome:
    """Make what a caller decided durable; `name` is the delivery's type.

    Raises StorageUnavailable when it is not known to be, and BadRequest when it says what cannot be kept.
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
    outcome = await taken(request, delivery, _about(facts[0]))
    if outcome.status is Status.DEAD:
        raise BadRequest(f"nothing was changed: {outcome.reason}")
    return outcome


async def taken(request: web.Request, delivery: Delivery, about: str) -> Outcome:
    """Make a decision about something durable, and log it. Raises StorageUnavailable when it is not known to be."""
    outcome = await commit(request, delivery)
    kind, status = delivery.provider_type, outcome.status.value
    log.info("decision.taken", type=kind, about=about, status=status, delivery=outcome.delivery)
    return outcome


def _about(fact: Fact) -> str:
    detail = fact.detail
    return f"schedules/{detail.id}" if isinstance(detail, ScheduleDetail) else fact.entity
