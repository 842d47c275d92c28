"""Whom a configuration lets the hub ask about what webhooks did not tell."""

import random
import time
from collections.abc import Iterator
from uuid import uuid4

from handlers.providers.registry import PROVIDERS
from hub.clients.hms import HmsAccount
from hub.clients.livekit import LiveKitServer, pairs_of
from hub.clock import now_ms
from hub.events import Fact
from hub.ingest import Ingest
from hub.launches.launches import Launches
from hub.launches.polling import is_polled
from hub.ports import Document, Store
from hub.present import Clockwork
from hub.reconcile.bots import SilentBots
from hub.reconcile.missing import PATIENCE_MS
from hub.reconcile.replays import Replays
from hub.reconcile.rooms import ListedRooms
from hub.reconcile.rounds import Look, Rounds, one_after_the_other
from hub.reconcile.seen import Lister, Words
from hub.settings import Settings, Source

# A period is at least so many looks at what was missing once; a minute between them is enough in any case.
_LOOKS = 5


def inquiries(settings: Settings, store: Store, ingest: Ingest, launches: Launches) -> list[Rounds]:
    """Return the chores of asking, one for each provider that is configured."""
    period = settings.reconcile.period
    again_after = _again_after(settings)
    return [
        Rounds(name, look, ingest, random.random, time.monotonic, period=period, again_after=again_after)
        for name, look in _looks(settings, store, ingest, launches)
    ]


def livekit_server(settings: Settings) -> LiveKitServer | None:
    """Return the LiveKit server that is to be asked, None when none is configured."""
    pairs = pairs_of(settings)
    return LiveKitServer(settings.livekit.url, pairs, translated, now_ms) if settings.livekit.url and pairs else None


def hms_account(settings: Settings) -> HmsAccount | None:
    """Return the 100ms account that is to be asked, None when none is configured."""
    if not (settings.heard_by("100ms") and settings.hms.access_key and settings.hms.app_secret):
        return None
    return HmsAccount(settings.hms, settings.sources, translated, now_ms, lambda: str(uuid4()))


def translated(source: Source, payload: Words, now: int) -> tuple[Fact, ...]:
    """Return what a payload states, read as a webhook of the source. Raises Unusable."""
    return PROVIDERS[source.provider].translate(source, payload, now).facts


def _looks(settings: Settings, store: Store, ingest: Ingest, launches: Launches) -> Iterator[tuple[str, Look]]:
    def listed(lister: Lister) -> Look:
        patience = round(_again_after(settings) * 1000)
        return ListedRooms(lister, store, ingest, now_ms, Clockwork.of(settings.rooms), again_after_ms=patience).look

    if server := livekit_server(settings):
        yield "livekit", listed(server)
    if account := hms_account(settings):
        sources = [source.name for source in settings.sources if source.provider == "100ms"]
        yield "100ms", one_after_the_other(listed(account), Replays(account, sources, store, ingest, now_ms).look)
    if launches.is_configured and (source := settings.heard_by(launches.dispatcher.provider)):
        account_of_bots = launches.dispatcher
        is_asked_for = is_polled if account_of_bots.must_be_asked else _by_nobody
        yield source.provider, SilentBots(source, account_of_bots, translated, store, ingest, now_ms, is_asked_for).look


def _by_nobody(_bot: Document, _now: int) -> bool:
    return False


def _again_after(settings: Settings) -> float:
    return min(PATIENCE_MS / 1000, settings.reconcile.period / _LOOKS)
