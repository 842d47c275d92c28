"""Serves a hub, and stops it in an order in which nothing is lost."""

import asyncio
from collections.abc import Callable, Coroutine

import structlog
from aiohttp import web

from handlers.access import Access
from hub.assembly import Hub
from hub.clock import now_ms
from hub.errors import ConfigRefused, StorageUnavailable
from hub.events import Position
from hub.feed import Feed
from hub.ingest import BATCH_LIMIT
from hub.ports import Store
from hub.process import raise_open_files, spare_what_is_loaded, stop_with_parent, stopped_by_signals
from hub.settings import Settings
from hub.stores import Stores, make_epoch, open_stores
from hub.tokens import Tokens
from storage.local import LocalBus

_MS_PER_DAY = 24 * 3_600_000
_TRIM_SECONDS = 3600
# Counts expire after three times that.
_COUNT_SECONDS = 5.0
_REQUEST_LINE = 32 * 1024
# For requests to end; the server waits that long twice, and a webhook is answered after two seconds.
_SHUTDOWN_SECONDS = 2.5
# For what still waits for the store then. Nobody was told that it is taken, nor waits to be told any more.
_SETTLING_SECONDS = 3.0
# For launches that are under way: what a provider answers later is found out when a hub is started again.
_LAUNCH_SECONDS = 5.0
# What stopping takes at most, besides the time over which viewers are sent away.
GRACE_SECONDS = 20.0

log = structlog.get_logger()


Announce = Callable[[str, str], None]


async def serve(settings: Settings, announce: Announce, *, worker: int = 0) -> None:
    """Serve until SIGTERM or SIGINT, as `serve_until` does; a worker (1, 2, …) also until its supervisor is gone."""
    stopping = asyncio.Event()
    raise_open_files()
    spare_what_is_loaded()
    with stopped_by_signals(stopping):
        if not worker:
            await serve_until(stopping, settings, announce)
            return
        watching = asyncio.create_task(stop_with_parent(stopping))
        try:
            await serve_until(stopping, settings, announce, worker=worker)
        finally:
            watching.cancel()


async def serve_until(
    stopping: asyncio.Event,
    settings: Settings,
    announce: Announce,
    *,
    store: Store | None = None,
    batch_limit: int = BATCH_LIMIT,
    worker: int = 0,
    now: Callable[[], int] = now_ms,
) -> None:
    """Serve until told to stop, then let everything that was begun come to its end.

    A `worker` is one of several behind one port. `announce` is called once requests are taken, with the address as this
    machine reaches it and with the URL of the dashboard, login included. `now` is the clock of all that is served, in
    milliseconds since 1970. Raises ConfigRefused and StorageRefused before anything listens.
    """
    opened = (Stores(store, LocalBus()), await store.position()) if store else await _opened(stopping, settings)
    if opened is None:
        return
    stores, start = opened
    try:
        feed = Feed(stores.store, start, stores.bus, make_epoch, limit=settings.stream.tail)
        auth = settings.auth
        tokens = Tokens(auth.token_secrets)
        access = Access(auth.api_keys, tokens, now, settings.server.public_url, auth.allow_origins)
        hub = Hub(settings, stores, feed, access, batch_limit, worker, now)
        await _serve(hub, stopping, announce, shares_port=worker > 0)
    finally:
        await stores.close()


async def _opened(stopping: asyncio.Event, settings: Settings) -> tuple[Stores, Position] | None:
    """Open the stores, however long a server takes to answer; None when the hub is told to stop first."""
    opening = asyncio.create_task(open_stores(settings))
    waiting = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait([opening, waiting], return_when=asyncio.FIRST_COMPLETED)
        return opening.result() if opening.done() else None
    finally:
        for task in (opening, waiting):
            task.cancel()
        # What is half open is closed before the hub ends.
        await asyncio.wait([opening, waiting])


async def _serve(hub: Hub, stopping: asyncio.Event, announce: Announce, *, shares_port: bool) -> None:
    # handler_cancellation: a viewer that leaves must not wait for the next event to be noticed.
    runner = web.AppRunner(
        hub.web_app(),
        handler_cancellation=True,
        auto_decompress=False,
        access_log=None,
        # A token for a hundred topics stands in an address, or in a cookie.
        max_line_size=_REQUEST_LINE,
        max_field_size=_REQUEST_LINE,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await _listen(hub, runner, shares_port=shares_port)
        async with asyncio.TaskGroup() as tasks:
            # Should one of them fail, the others and with them the process end: a restart is better than half a hub.
            running = [tasks.create_task(work, name=name) for name, work in _work(hub)]
            announce(*_addresses(hub, runner))
            await stopping.wait()
            await _drain(hub, runner)
            for task in running:
                task.cancel()
    finally:
        await hub.launches.close()
        await runner.cleanup()


def _work(hub: Hub) -> list[tuple[str, Coroutine[None, None, None]]]:
    return [
        ("ingest", hub.ingest.run()),
        ("feed", hub.feed.run()),
        ("bus", hub.bus.run(hub.feed.hear)),
        ("fanout", hub.fanout.run()),
        ("counting", _count_viewers(hub)),
        ("spool", hub.ingest.run_spool()),
        ("quarantine", hub.quarantine.run()),
        ("keeper", hub.keeper.run()),
        ("retention", _keep_retention(hub)),
    ]


async def _listen(hub: Hub, runner: web.AppRunner, *, shares_port: bool) -> None:
    server = hub.settings.server
    try:
        await web.TCPSite(runner, server.host, server.port, backlog=4096, reuse_port=shares_port or None).start()
    except OSError as problem:
        place = f"{server.host}:{server.port}"
        raise ConfigRefused(f"server.host, server.port: cannot listen on {place}: {problem.strerror}") from problem
    hub.lifecycle.ready = True
    log.info("hub.serving", host=server.host, port=server.port, position=str(hub.feed.position))


async def _drain(hub: Hub, runner: web.AppRunner) -> None:
    """Readiness first, then viewers, then requests, then what waits for the store: nobody is cut off in the middle."""
    log.info("hub.draining", viewers=len(hub.fanout.roster))
    hub.lifecycle.draining = True
    await _send_away(hub)
    # No request comes after that, and those under way are answered: providers find the next worker, not a refusal.
    await runner.cleanup()
    await hub.launches.settle(_LAUNCH_SECONDS)
    try:
        async with asyncio.timeout(_SETTLING_SECONDS):
            await hub.ingest.close()
            await hub.quarantine.flush()
    except TimeoutError:
        log.warning("hub.unsettled", deliveries=hub.ingest.waiting)
    log.info("hub.stopped", position=str(hub.feed.position))


async def _send_away(hub: Hub) -> None:
    """Tell viewers to go; where others can take over, also stay as long as a balancer may need to notice."""
    seconds = hub.settings.stream.drain
    await asyncio.gather(hub.fanout.drain(seconds), asyncio.sleep(0 if hub.settings.bus.is_local else seconds))


def _addresses(hub: Hub, runner: web.AppRunner) -> tuple[str, str]:
    server = hub.settings.server
    # The port is only known now if it was left to the system.
    here = server.local_url(runner.addresses[0][1])
    return here, f"{server.public_url.rstrip('/') or here}/?token={hub.access.login_token()}"


async def _count_viewers(hub: Hub) -> None:
    while True:
        hub.bus.count(hub.fanout.roster.counts())
        await asyncio.sleep(_COUNT_SECONDS)


async def _keep_retention(hub: Hub) -> None:
    while True:
        before = hub.now() - hub.settings.storage.retention_days * _MS_PER_DAY
        try:
            trimmed = await hub.store.trim(before)
        except StorageUnavailable as problem:
            log.warning("retention.postponed", problem=str(problem))
        else:
            if trimmed:
                log.info("retention.trimmed", deliveries=trimmed)
        await asyncio.sleep(_TRIM_SECONDS)
