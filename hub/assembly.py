"""The parts of a hub, put together and not yet served."""

import random
import secrets
from collections.abc import Callable, Iterable

from aiohttp import web

from handlers import parts
from handlers.access import Access
from handlers.bindings import Bindings
from handlers.bodies import BodyBudget
from handlers.errors import problems
from handlers.limits import Rates
from handlers.metrics import Gauges, Metrics
from handlers.origins import allow_origins
from handlers.overview import Overview
from handlers.quarantine import Quarantine
from handlers.routes import routes
from hub.admission import Admission
from hub.chores import chores
from hub.clients.meetingbaas import MISSING, dispatcher
from hub.clock import now_ms
from hub.desk import Desk
from hub.events import Delivery
from hub.fanout import Fanout
from hub.feed import Feed
from hub.health import Health
from hub.ingest import Ingest
from hub.keeper import Keeper
from hub.launches.launches import Launches
from hub.notices import refused_notices, settled_notices
from hub.ports import Outcome
from hub.present import Clockwork
from hub.seals import Seals
from hub.settings import Settings
from hub.snapshots import Snapshots
from hub.stores import Stores
from hub.wire import Encoder


class Hub:
    """A hub that is built and not yet served."""

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        feed: Feed,
        access: Access,
        batch_limit: int,
        worker: int = 0,
        now: Callable[[], int] = now_ms,
    ) -> None:
        self.settings = settings
        self.now = now
        self.store = store = stores.store
        self.bus = stores.bus
        self.feed = feed
        self.access = access
        self.lifecycle = parts.Lifecycle()
        self.clockwork = Clockwork.of(settings.rooms)
        self.ingest = Ingest(store, feed, stores.spool, batch_limit=batch_limit)
        self.health = Health(self.ingest, feed, stores.bus)
        self.launches = Launches(dispatcher(settings), self.ingest, now, missing=MISSING)
        tasks = chores(settings, store, self.ingest, self.launches)
        self.keeper = Keeper(store, tasks, secrets.token_hex(8), random.random)
        self.desk = _desk(settings, stores, feed, access, self.clockwork, now)
        self.fanout = Fanout(self.desk, troubles=self.health.troubles, is_more_coming=lambda: self.ingest.is_busy)
        counts = self.desk.counts
        self.metrics = Metrics(
            now,
            Gauges(self.health, feed, self.fanout, self.ingest, counts),
            sources=[source.name for source in settings.sources],
            worker=worker,
        )
        self.ingest.on_committed = self.metrics.committed
        self.ingest.on_settled = self._settled
        self.fanout.on_told = self.metrics.told
        self.quarantine = Quarantine(store, lambda kept: self.fanout.announce(refused_notices(kept)), counts)

    def _settled(self, settled: Iterable[tuple[Delivery, Outcome]]) -> None:
        known = list(settled)
        self.metrics.count(known)
        self.fanout.announce(settled_notices(known))

    def web_app(self) -> web.Application:
        """Return the application with everything its handlers use."""
        app = web.Application(middlewares=[problems])
        app[parts.SETTINGS] = self.settings
        app[parts.STORE] = self.store
        app[parts.INGEST] = self.ingest
        app[parts.FEED] = self.feed
        app[parts.FANOUT] = self.fanout
        app[parts.DESK] = self.desk
        app[parts.ADMISSION] = Admission(self.settings.stream.max_viewers, self.settings.stream.max_viewers_per_address)
        app[parts.ACCESS] = self.access
        app[parts.BODIES] = BodyBudget()
        app[parts.FAILURES] = Rates()
        app[parts.ARRIVALS] = Rates()
        app[parts.QUARANTINE] = self.quarantine
        app[parts.OVERVIEW] = Overview(self.store)
        app[parts.CLOCKWORK] = self.clockwork
        app[parts.LIFECYCLE] = self.lifecycle
        app[parts.HEALTH] = self.health
        app[parts.LAUNCHES] = self.launches
        app[parts.SEALS] = seals = Seals(self.settings.auth.token_secrets)
        app[parts.BINDINGS] = bindings = Bindings(self.store, seals)
        self.launches.on_answered = bindings.learn
        app[parts.BUS] = self.bus
        app[parts.METRICS] = self.metrics
        app[parts.NOW] = self.now
        app.add_routes(routes(self.settings.sources))
        allow_origins(app, self.settings.auth.allow_origins)
        return app


def _desk(
    settings: Settings, stores: Stores, feed: Feed, access: Access, clockwork: Clockwork, now: Callable[[], int]
) -> Desk:
    stream = settings.stream
    return Desk(
        store=stores.store,
        feed=feed,
        encoder=Encoder(feed.epoch),
        snapshots=Snapshots(stores.store, stores.bus, clockwork, now, recent=stream.recent, page_size=stream.page_size),
        heartbeat=stream.heartbeat,
        max_lag=stream.max_lag,
        max_age=stream.max_age,
        now=now,
        chance=random.random,
        reconnect_token=access.reconnect_token,
    )
