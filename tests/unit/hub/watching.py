"""A hub on a log in memory, and viewers who want to see what happens from now on."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from hub.desk import Grant, Wish
from hub.events import Position
from hub.wire import Form
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore
from tests.unit.hub.viewing import Clock, Hub, Link, until

ROOMS = frozenset({"rooms"})


class Scene:
    """A hub on a log, and viewers who want to see what happens from now on."""

    def __init__(self, **limits: Any) -> None:
        self.store = MemoryStore(Folding())
        self.clock = Clock()
        start = Position(epoch="epoch1", sequence=0)
        self.hub = Hub(self.store, start, self.clock, **limits)

    def happen(self, *topics: str) -> None:
        """Let something happen that this process hears of."""
        self.hub.feed.publish([self.store.append(*(topics or ("rooms/a", "rooms")))])

    def join(self, topics: frozenset[str] = ROOMS, form: Form = Form.SSE_PLAIN, expires_at: int | None = None) -> Link:
        """Let one come."""
        link = Link(form)
        self.hub.connect(link, Grant(topics, expires_at), Wish(snapshot=False))
        return link

    async def crowd(self, number: int, *, alone: bool = False, expires_at: int | None = None) -> list[Link]:
        """Let many come, with the same topics or each with some of its own."""
        links = [
            self.join(ROOMS | {f"bots/{place}"} if alone else ROOMS, expires_at=expires_at) for place in range(number)
        ]
        await until(lambda: all(link.pieces for link in links))
        return links


@contextlib.asynccontextmanager
async def scene(**limits: Any) -> AsyncIterator[Scene]:
    found = Scene(**limits)
    async with found.hub.running():
        yield found


def said(link: Link, name: str) -> list[Any]:
    return [block.value for block in link.blocks if block.name == name]
