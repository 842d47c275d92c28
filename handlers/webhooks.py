"""Where providers post: verify, translate, commit, answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from handlers.addresses import client_address, is_within
from handlers.errors import problem_answer
from handlers.metrics import LIMITED, OVERSIZED, STALLED, UNAVAILABLE
from handlers.parts import ARRIVALS, BINDINGS, BODIES, FAILURES, INGEST, METRICS, NOW, QUARANTINE, SETTINGS
from handlers.providers.arrival import Arrival
from handlers.providers.binding import launch_of
from handlers.providers.registry import PROVIDERS, receive
from hub.errors import BodyTooLarge, Overloaded, ProofRefused, StorageUnavailable, TooMany
from hub.events import Delivery
from hub.fold.claims import ANOTHER, ERASED
from hub.ports import REFUSED, Outcome, Status
from hub.settings import Source

COMMIT_SECONDS = 2.0
FAILURES_A_MINUTE = 300
_LOOK_SECONDS = 0.4

log = structlog.get_logger()


def webhook_routes(sources: tuple[Source, ...]) -> list[web.RouteDef]:
    """Return the routes of all sources."""
    routes: list[web.RouteDef] = []
    for source in sources:
        paths, provider = [source.path], PROVIDERS[source.provider]
        if provider.takes_path_key:
            paths.append(source.path.rstrip("/") + "/{bot_key}")
        routes += [web.route(method, path, _handler(source)) for path in paths for method in provider.methods]
    return routes


def proved(source: Source, arrival: Arrival, address: str) -> Delivery:
    """Return the delivery that a genuine request is. Raises ProofRefused for any other."""
    if source.allow_ips and not is_within(address, source.allow_ips):
        raise ProofRefused(f"{source.path} takes requests from configured networks only (allow_ips)")
    return receive(source, arrival)


def soon() -> float:
    """Return until when an answer is due, by the loop's clock: providers do not wait for long."""
    return asyncio.get_running_loop().time() + COMMIT_SECONDS


async def commit(
    request: web.Request, delivery: Delivery, *, until: float | None = None, may_be_spooled: bool = False
) -> Outcome:
    """Return what became of a delivery, once that is durable: in the store or, where it may be, in the spool.

    Raises StorageUnavailable when that takes too long; it may become durable all the same.
    """
    try:
        async with asyncio.timeout_at(soon() if until is None else until):
            return await request.app[INGEST].submit(delivery, may_be_spooled=may_be_spooled)
    except TimeoutError:
        raise StorageUnavailable("the store is slow; whether this was kept is not known, so send it again") from None
    except Overloaded:
        log.warning("delivery.overloaded", source=delivery.source)
        raise


def _handler(source: Source) -> Handler:
    async def take_webhook(request: web.Request) -> web.StreamResponse:
        return await _take(request, source)

    return take_webhook


async def _take(request: web.Request, source: Source) -> web.Response:
    address = client_address(request, request.app[SETTINGS].server.trusted_proxies)
    async with _body(request, source, address) as body:
        arrival = Arrival(
            headers=tuple((name.lower(), value) for name, value in request.headers.items()),
            body=body,
            received_at=request.app[NOW](),
            path_key=request.match_info.get("bot_key", ""),
        )
        until = soon()
        try:
            verified = await _verified(request, source, arrival, address, until)
            delivery = await _settled(request, verified, until)
            outcome = await commit(request, delivery, until=until, may_be_spooled=True)
        except StorageUnavailable:
            request.app[METRICS].turned_away(source.name, UNAVAILABLE)
            raise
    _note(delivery, outcome)
    if delivery.path_key and outcome.reason in (ANOTHER, ERASED):
        # Another was faster, or it is gone: kept as dead, and told as what it is.
        raise ProofRefused(outcome.reason)
    return _answer(delivery, outcome)


@contextlib.asynccontextmanager
async def _body(request: web.Request, source: Source, address: str) -> AsyncIterator[bytes]:
    """Hold the body for the length of the block; say so where it is not read, as its sender may never come again."""
    turned_away = request.app[METRICS].turned_away
    async with contextlib.AsyncExitStack() as held:
        reading = request.app[BODIES].read(request, request.app[SETTINGS].server.max_body)
        try:
            body = await held.enter_async_context(reading)
        except BodyTooLarge:
            turned_away(source.name, OVERSIZED)
            log.warning("delivery.oversized", source=source.name, address=address)
            raise
        except Overloaded:
            turned_away(source.name, UNAVAILABLE)
            log.warning("delivery.overloaded", source=source.name)
            raise
        except TimeoutError:
            turned_away(source.name, STALLED)
            log.warning("delivery.stalled", source=source.name, address=address)
            raise
        yield body


async def _settled(request: web.Request, delivery: Delivery, until: float) -> Delivery:
    """Return the delivery with what is known of the launches that it tells of, if the store can be asked."""
    if not any(map(launch_of, delivery.facts)):
        return delivery
    try:
        # What it adds can be told later, too: the rest of the time is for keeping the delivery.
        async with asyncio.timeout_at(min(until, asyncio.get_running_loop().time() + _LOOK_SECONDS)):
            return await request.app[BINDINGS].settled(delivery)
    except (StorageUnavailable, TimeoutError):
        return delivery


async def _identified(request: web.Request, source: Source, arrival: Arrival, until: float) -> tuple[Arrival, bool]:
    """Return the request with what the key in its path proves, and whether that could be found out."""
    if not arrival.path_key:
        return arrival, True
    try:
        async with asyncio.timeout_at(until):
            return await request.app[BINDINGS].identified(source, arrival), True
    except (StorageUnavailable, TimeoutError):
        return arrival, False


async def _checked(request: web.Request, delivery: Delivery, until: float) -> Delivery:
    """Return a delivery whose key may tell of its bot. Raises ProofRefused; where that is not known, the fold knows."""
    if delivery.path_key:
        with contextlib.suppress(StorageUnavailable, TimeoutError):
            async with asyncio.timeout_at(min(until, asyncio.get_running_loop().time() + _LOOK_SECONDS)):
                await request.app[BINDINGS].check(delivery)
    return delivery


async def _verified(request: web.Request, source: Source, arrival: Arrival, address: str, until: float) -> Delivery:
    """Return the delivery of a genuine request; refuse others, more shortly when they come too often."""
    arrival, is_certain = await _identified(request, source, arrival, until)
    try:
        delivery = await _checked(request, proved(source, arrival, address), until)
    except ProofRefused as refusal:
        if not is_certain:
            raise StorageUnavailable("the store did not say whose key that is, so send it again") from refusal
        request.app[METRICS].turned_away(source.name, REFUSED)
        request.app[QUARANTINE].offer(source, arrival, address, str(refusal))
        failures = request.app[FAILURES].count((address, source.name), arrival.received_at)
        log.warning("delivery.refused", source=source.name, address=address, reason=str(refusal))
        if failures > FAILURES_A_MINUTE:
            raise TooMany("too many requests without a valid proof") from refusal
        raise
    arrivals = request.app[ARRIVALS].count((source.name,), arrival.received_at)
    if source.rate_limit and arrivals > source.rate_limit:
        request.app[METRICS].turned_away(source.name, LIMITED)
        if arrivals == source.rate_limit + 1:
            # Once a minute: a line for each would add to the flood.
            log.warning("delivery.limited", source=source.name, limit=source.rate_limit)
        raise TooMany(f"more than {source.rate_limit} deliveries a minute (rate_limit of this source)")
    return delivery


def _note(delivery: Delivery, outcome: Outcome) -> None:
    """Say what became of a webhook; louder of one that is of no use: the provider has changed, or the hub is wrong."""
    source, kind = delivery.source, delivery.provider_type or None
    identity, status, reason = outcome.delivery or None, outcome.status.value, outcome.reason or None
    if outcome.status is Status.DEAD:
        log.warning("delivery.dead", source=source, type=kind, delivery=identity, reason=reason)
    else:
        log.info("delivery.taken", source=source, type=kind, status=status, delivery=identity, reason=reason)


def _answer(delivery: Delivery, outcome: Outcome) -> web.Response:
    # What is spooled gets its number when the store is back.
    said: dict[str, object] = {"delivery": str(outcome.delivery)} if outcome.delivery else {}
    if delivery.malformed and outcome.status is Status.DEAD:
        # Kept all the same, and told where.
        return problem_answer(400, "The body is not JSON", outcome.reason, said)
    said["status"] = outcome.status
    if outcome.reason:
        said["reason"] = outcome.reason
    return web.Response(body=orjson.dumps(said), content_type="application/json")
