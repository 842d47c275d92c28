"""What REST would show of a log in memory: the hub's own computations, without a server."""

from collections.abc import Mapping, Sequence

import msgspec
import orjson

from hub.attendance import attendance
from hub.commands.shown import Document, Period
from hub.events import Delivery
from hub.ports import Document as Row
from hub.present import Clockwork, lives_until, presented
from hub.usage import Grouping, Usage
from hub.usage import Period as Counted
from tests.memory import MemoryLog


class ShownByLog:
    """Reads a log at a moment."""

    def __init__(self, now: int) -> None:
        self.log = MemoryLog()
        self._now = now
        self._clockwork = Clockwork()

    def take(self, *deliveries: Delivery) -> None:
        """Commit deliveries, each by itself."""
        for one in deliveries:
            self.log.commit([one])

    async def one(self, collection: str, identity: str) -> Document | None:
        row = self.log.documents.get(f"{collection}/{identity}")
        return orjson.loads(presented(row, self._clockwork, self._now).body) if row else None

    async def participants(self, room: str, *, by_user: bool) -> Sequence[Document]:
        people = self._people(f"rooms/{room}")
        if by_user:
            until = lives_until([self.log.documents[f"rooms/{room}"]], self._clockwork)
            return msgspec.to_builtins(attendance(people, until))
        return [orjson.loads(one.body) for one in people]

    async def usage(self, grouping: str, period: Period) -> Mapping[str, Document]:
        counted = Usage(Counted(*period), Grouping(grouping), self._clockwork, self._now)
        for row in self.log.documents.values():
            if row.collection == "rooms":
                counted.add(row, self._people(row.topic))
        items = orjson.loads(orjson.dumps(counted.shown()["items"]))
        return {item[grouping]: item for item in items}

    def _people(self, topic: str) -> list[Row]:
        return [row for row in self.log.documents.values() if (row.collection, row.parent) == ("participants", topic)]
