"""Who is connected, live or catching up, and how many follow each topic."""

import asyncio
from collections import Counter
from collections.abc import Iterator

from hub.subscriber import Subscriber
from hub.wire import Form


class Roster:
    """All viewers of this process, each with the topics that it is counted under."""

    def __init__(self) -> None:
        self._followed: dict[Subscriber, frozenset[str]] = {}
        self._counts: dict[str, int] = {}
        self._departure = asyncio.Event()

    def __len__(self) -> int:
        """How many viewers there are."""
        return len(self._followed)

    def __iter__(self) -> Iterator[Subscriber]:
        """All of them, who came first first."""
        return iter(self._followed)

    def forms(self) -> dict[Form, int]:
        """Return how many viewers there are of each form."""
        return Counter(viewer.connection.form for viewer in self._followed)

    def counts(self) -> dict[str, int]:
        """Return how many viewers each topic has that somebody follows."""
        return dict(self._counts)

    def add(self, viewer: Subscriber) -> None:
        """Count a viewer that has come."""
        self._followed[viewer] = frozenset()
        self.count(viewer)

    def drop(self, viewer: Subscriber) -> None:
        """Forget a viewer that has left."""
        self._count(viewer, frozenset())
        del self._followed[viewer]
        self._departure.set()

    def count(self, viewer: Subscriber) -> None:
        """Count a viewer under the topics that it follows now, and under no others."""
        self._count(viewer, viewer.grant.topics)

    async def all_gone(self) -> None:
        """Wait until nobody is there."""
        while self._followed:
            self._departure.clear()
            await self._departure.wait()

    def _count(self, viewer: Subscriber, topics: frozenset[str]) -> None:
        before = self._followed[viewer]
        if before == topics:
            return
        self._followed[viewer] = topics
        for topic in before:
            self._counts[topic] -= 1
            if not self._counts[topic]:
                del self._counts[topic]
        for topic in topics:
            self._counts[topic] = self._counts.get(topic, 0) + 1
