"""What handlers may use, by typed key."""

from collections.abc import Callable

import msgspec
from aiohttp import web

from handlers.access import Access
from handlers.bindings import Bindings
from handlers.bodies import BodyBudget
from handlers.limits import Rates
from handlers.metrics import Metrics
from handlers.overview import Overview
from handlers.quarantine import Quarantine
from hub.admission import Admission
from hub.desk import Desk
from hub.fanout import Fanout
from hub.feed import Feed
from hub.health import Health
from hub.ingest import Ingest
from hub.launches.launches import Launches
from hub.ports import Bus, Store
from hub.present import Clockwork
from hub.seals import Seals
from hub.settings import Settings


class Lifecycle(msgspec.Struct):
    """Where the hub is between starting and stopping: the one thing here that changes."""

    ready: bool = False
    draining: bool = False


SETTINGS = web.AppKey("SETTINGS", Settings)
STORE = web.AppKey("STORE", Store)
INGEST = web.AppKey("INGEST", Ingest)
FEED = web.AppKey("FEED", Feed)
FANOUT = web.AppKey("FANOUT", Fanout)
DESK = web.AppKey("DESK", Desk)
ADMISSION = web.AppKey("ADMISSION", Admission)
ACCESS = web.AppKey("ACCESS", Access)
BODIES = web.AppKey("BODIES", BodyBudget)
FAILURES = web.AppKey("FAILURES", Rates)
ARRIVALS = web.AppKey("ARRIVALS", Rates)
QUARANTINE = web.AppKey("QUARANTINE", Quarantine)
OVERVIEW = web.AppKey("OVERVIEW", Overview)
CLOCKWORK = web.AppKey("CLOCKWORK", Clockwork)
LIFECYCLE = web.AppKey("LIFECYCLE", Lifecycle)
HEALTH = web.AppKey("HEALTH", Health)
METRICS = web.AppKey("METRICS", Metrics)
LAUNCHES = web.AppKey("LAUNCHES", Launches)
BINDINGS = web.AppKey("BINDINGS", Bindings)
SEALS = web.AppKey("SEALS", Seals)
BUS = web.AppKey("BUS", Bus)
NOW: web.AppKey[Callable[[], int]] = web.AppKey("NOW")
