"""The bus of a hub that is one process: there is nobody to tell."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from hub.events import Event
from hub.ports import Announcement


class LocalBus:
    """Implements `hub.ports.Bus` without any other process."""

    def __init__(self) -> None:
        self._viewers: Mapping[str, int] = {}

    @property
    def problem(self) -> str:
        """Nothing can go wrong."""
        return ""

    def follow(self, epoch: str) -> None:
        """Do nothing: there is nobody to speak to or to hear."""

    def publish(self, events: Sequence[Event]) -> None:
        """Do nothing: the only process knows already."""

    async def run(self, hear: Callable[[Announcement], None]) -> None:
        """Wait until cancelled; nothing is ever heard."""
        await asyncio.Event().wait()

    async def shared(self, topics: frozenset[str]) -> bytes | None:
        """Return None: no other process shares anything."""
        return None

    def share(self, topics: frozenset[str], snapshot: bytes) -> None:
        """Do nothing: there is nobody to share with."""

    def count(self, viewers: Mapping[str, int]) -> None:
        """Remember how many viewers each topic has."""
        self._viewers = dict(viewers)

    async def viewers(self, topic: str) -> int:
        """Return how many viewers a topic was said to have."""
        return self._viewers.get(topic, 0)

    async def close(self) -> None:
        """Do nothing: nothing is open."""
