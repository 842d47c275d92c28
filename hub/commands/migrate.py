"""Bringing a store to this version, or to a new epoch."""

from hub.settings import Settings
from hub.stores import make_epoch, open_store


async def migrate(settings: Settings, *, new_epoch: bool) -> str:
    """Bring the store to this version and return where the log is.

    With `new_epoch` the log gets a new name first, so that every viewer begins anew. Raises StorageRefused and
    StorageUnavailable.
    """
    store = await open_store(settings, migrates=True)
    try:
        if new_epoch:
            await store.new_epoch(make_epoch())
        return str(await store.position())
    finally:
        await store.close()
