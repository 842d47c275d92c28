"""Which chores a configuration asks for: what the hub does by itself, beside answering."""

from handlers.providers.registry import PROVIDERS
from hub.clock import now_ms
from hub.ingest import Ingest
from hub.inquiries import inquiries
from hub.keeper import Chore
from hub.launches.launches import Launches
from hub.launches.polling import Polling
from hub.launches.recovery import Recovery
from hub.ports import Store
from hub.settings import Settings


def chores(settings: Settings, store: Store, ingest: Ingest, launches: Launches) -> list[Chore]:
    """Return the chores of a hub."""
    return [*launch_chores(launches, store), *inquiries(settings, store, ingest)]


def launch_chores(launches: Launches, store: Store) -> list[Chore]:
    """Return what is done about launches, if there can be any: what became of them is found out, and asked for."""
    if not launches.is_configured:
        return []
    found: list[Chore] = [Recovery(launches, store, now_ms)]
    observed = PROVIDERS[launches.dispatcher.provider].observed
    if launches.dispatcher.must_be_asked and observed:
        found.append(Polling(launches, store, observed, now_ms))
    return found
