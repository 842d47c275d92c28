"""What was worked out for earlier batches and holds as long as its bytes are the same.

A room's next webhook changes one of its participants; decoding and deriving all the others again would be most of a
commit. Everything here follows from stored bytes and is compared with them, so that it can be lost or outdated at any
moment, by a rolled-back transaction or by another writer, without anybody noticing.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from hub.fold.derived import Basis, Derived
from hub.fold.parts import decode_facts, encode
from hub.ports import StateKey
from hub.state.facts import Facts

# A part with what was derived of it takes 3 to 4 KiB.
LIMIT = 8192

Key = TypeVar("Key")
Kept = TypeVar("Kept")


class Recent(Generic[Key, Kept]):
    """A mapping that forgets what was not asked for the longest, but for what was kept last."""

    def __init__(self, limit: int, weigh: Callable[[Kept], int] = lambda _: 1) -> None:
        self._limit = limit
        self._weigh = weigh
        self._weight = 0
        self._kept: OrderedDict[Key, Kept] = OrderedDict()

    def get(self, key: Key) -> Kept | None:
        """Return what is kept, None when nothing is."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: Key, value: Kept) -> None:
        """Keep something; what is kept weighs no more than the limit together."""
        if key in self._kept:
            self._weight -= self._weigh(self._kept.pop(key))
        self._kept[key] = value
        self._weight += self._weigh(value)
        while self._weight > self._limit and len(self._kept) > 1:
            self._weight -= self._weigh(self._kept.popitem(last=False)[1])


class Recall:
    """Decoded parts, and sessions as they were derived of them. For one writer at a time."""

    def __init__(self, limit: int = LIMIT) -> None:
        # A session weighs as much as all that is known of it.
        self.sessions: Recent[str, tuple[Basis, Derived]] = Recent(limit, lambda one: len(one[0].parts))
        self._parts: Recent[StateKey, tuple[bytes, Facts]] = Recent(limit)

    def decoded(self, key: StateKey, body: bytes) -> Facts:
        """Return the facts of a stored part: the very same object as long as the bytes are the same."""
        known = self._parts.get(key)
        if known and known[0] == body:
            return known[1]
        facts = decode_facts(body)
        self._parts.put(key, (body, facts))
        return facts

    def encoded(self, key: StateKey, facts: Facts) -> bytes:
        """Return facts as they are to be stored, and expect to see these bytes again."""
        body = encode(facts)
        self._parts.put(key, (body, facts))
        return body
