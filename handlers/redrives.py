"""What could not be used is read or verified once more, with today's code and secrets."""

import msgspec
import structlog
from aiohttp import web

from handlers.answers import answer
from handlers.deliveries import kept_of
from handlers.parts import ACCESS, BINDINGS, FEED, SETTINGS, STORE
from handlers.providers.arrival import Arrival
from handlers.providers.registry import read_again
from handlers.webhooks import commit, proved
from hub.errors import BadRequest, CannotRedrive, ProofRefused
from hub.events import Delivery, format_time
from hub.ports import Arrived, Kept, Outcome, Refusal, Status
from hub.settings import Source

log = structlog.get_logger()


async def redrive(request: web.Request) -> web.Response:
    """`POST /api/deliveries/{id}/redrive (?dry_run=1)`: read what is dead, or verify what was refused, once more.

    Both are done with today's code and secrets, at the clock of the arrival.
    """
    request.app[ACCESS].caller(request).demand_everything()
    kept = await kept_of(request)
    source = _source(request, kept.arrived.source)
    if isinstance(kept.original, Refusal):
        return await _verify_again(request, source, kept, kept.original)
    return await _read_again(request, source, kept, kept.original)


async def _read_again(request: web.Request, source: Source, kept: Kept, before: Delivery) -> web.Response:
    bindings = request.app[BINDINGS]
    delivery = await bindings.settled(read_again(source, before, await bindings.proven(source, before)))
    if _is_dry(request):
        return answer(_foretold(kept.arrived.id, delivery), kept.position)
    outcome = await commit(request, msgspec.structs.replace(delivery, redrive=int(kept.arrived.id)))
    if outcome.status is Status.DUPLICATE:
        # It is not dead, or not any more: nothing is told twice. Or it was trimmed meanwhile.
        kept = await kept_of(request)
        return answer(_as_it_is(kept.arrived), kept.position)
    return _settled(request, kept.arrived.id, outcome)


async def _verify_again(request: web.Request, source: Source, kept: Kept, refusal: Refusal) -> web.Response:
    if refusal.body is None:
        raise CannotRedrive(f"its body has {refusal.size} bytes and was not kept, so it cannot be verified")
    arrival = Arrival(
        headers=refusal.headers,
        body=refusal.body,
        received_at=refusal.received_at,
        path_key=refusal.path_key,
        hashed=True,
    )
    bindings = request.app[BINDINGS]
    try:
        arrival = await bindings.identified(source, arrival)
        delivery = await bindings.settled(proved(source, arrival, refusal.address))
        await bindings.check(delivery)
    except ProofRefused as problem:
        raise CannotRedrive(str(problem)) from problem
    if _is_dry(request):
        return answer(_foretold(kept.arrived.id, delivery), kept.position)
    outcome = await commit(request, delivery)
    # Should this be cut off in between, it is a duplicate the next time, and goes then.
    await request.app[STORE].release(kept.arrived.id)
    return _settled(request, kept.arrived.id, outcome)


def _settled(request: web.Request, identity: str, outcome: Outcome) -> web.Response:
    said: dict[str, object] = {"status": outcome.status, "delivery": str(outcome.delivery), "events": outcome.events}
    if outcome.reason:
        said["reason"] = outcome.reason
    log.info("delivery.redriven", redriven=identity, status=outcome.status.value, delivery=outcome.delivery)
    return answer(said, request.app[FEED].position)


def _as_it_is(arrived: Arrived) -> dict[str, object]:
    said: dict[str, object] = {"status": arrived.verdict, "delivery": arrived.id, "events": arrived.events}
    return {**said, "reason": arrived.reason} if arrived.reason else said


def _foretold(identity: str, delivery: Delivery) -> dict[str, object]:
    """Say what a delivery would become; how many events that adds depends on what is known by then."""
    said: dict[str, object] = {"status": delivery.verdict, "delivery": identity, "dry_run": True}
    if delivery.reason:
        said["reason"] = delivery.reason
    nameless = f"sources/{delivery.source}"
    said["facts"] = [
        {"type": fact.kind, "subject": fact.entity or nameless, "time": format_time(fact.time)}
        for fact in delivery.facts
    ]
    return said


def _source(request: web.Request, name: str) -> Source:
    for source in request.app[SETTINGS].sources:
        if source.name == name:
            return source
    raise CannotRedrive(f"its source {name} is not configured any more, or has no secrets")


def _is_dry(request: web.Request) -> bool:
    text = request.query.get("dry_run", "0")
    if text not in ("0", "1"):
        raise BadRequest("dry_run: expected 0 or 1")
    return text == "1"
