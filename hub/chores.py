"""Which chores a configuration asks for: what the hub does by itself, beside answering."""

from hub.ingest import Ingest
from hub.keeper import Chore
from hub.ports import Store
from hub.settings import Settings


def chores(settings: Settings, store: Store, ingest: Ingest) -> list[Chore]:
    """Return the chores of a hub."""
    del settings, store, ingest
    return []
