"""Which chores a configuration asks for: what the hub does by itself, beside answering."""

from hub.clock import now_ms
from hub.ingest import Ingest
from hub.inquiries import inquiries, translated
from hub.keeper import Chore
from hub.launches.launches import Launches
from hub.launches.polling import Polling
from hub.launches.recovery import Recovery
from hub.ports import Store
from hub.settings import Settings, Source


def chores(settings: Settings, store: Store, ingest: Ingest, launches: Launches) -> list[Chore]:
    """Return the chores of a hub."""
    return [*launch_chores(settings, store, launches), *inquiries(settings, store, ingest, launches)]


def launch_chores(settings: Settings, store: Store, launches: Launches) -> list[Chore]:
    """Return what is done about launches, if there can be any: what became of them is found out, and asked for."""
    if not launches.is_configured:
        return []
    found: list[Chore] = [Recovery(launches, store, now_ms)]
    if launches.dispatcher.must_be_asked:
        provider = launches.dispatcher.provider
        # Without one that takes webhooks bots are launched, and asked for, all the same.
        source = settings.heard_by(provider) or Source(provider=provider, name=provider, path="")
        found.append(Polling(launches, source, translated, store, now_ms))
    return found
