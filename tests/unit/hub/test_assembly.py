"""A hub is put together before anything is asked of anybody."""

from aiohttp import web

from handlers import parts
from handlers.access import Access
from hub.assembly import Hub
from hub.clock import now_ms
from hub.events import Position
from hub.feed import Feed
from hub.settings import Settings
from hub.stores import Stores, make_epoch
from hub.tokens import Tokens
from storage.local import LocalBus
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore


async def test_every_part_that_handlers_may_use_is_there() -> None:
    """One that is missing is noticed by the first request that needs it."""
    store, bus = MemoryStore(Folding()), LocalBus()
    feed = Feed(store, Position(epoch="epoch1", sequence=0), bus, make_epoch)
    access = Access(("key",), Tokens(("secret",)), now_ms, "", ())
    app = Hub(Settings(), Stores(store, bus), feed, access, 1).web_app()
    known = [key for key in vars(parts).values() if isinstance(key, web.AppKey)]
    assert known
    assert [key for key in known if key not in app] == []
