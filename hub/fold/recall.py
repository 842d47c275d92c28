"""What was worked out for earlier batches and holds as long as its bytes are the same.

A room's next webhook changes one of its participants; decoding and deriving all the others again would be most of a
commit. Everything here follows from stored bytes and is compared with them, so that it can be lost or outdated at any
moment, by a rolled-back transaction or by another writer, without anybody noticing.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

from hub.fold.parts import decode_facts, encode
from hub.ports import StateKey
from hub.state.facts import Facts
from hub.state.participant import Ends, Participant

# A part with what was derived of it takes 3 to 4 KiB.
LIMIT = 8192

Kept = TypeVar("Kept")


class Recent(Generic[Kept]):
    """A mapping that forgets what was not asked for the longest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    def get(self, key: tuple[str, str]) -> Kept | None:
        """Return what is kept, None when nothing is."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: tuple[str, str], value: Kept) -> None:
        """Keep something."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)


class Recall:
    """Decoded parts, and participants as they were derived of them. For one writer at a time."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.participants: Recent[tuple[Facts, Ends, Participant]] = Recent(limit)
        self._parts: Recent[tuple[bytes, Facts]] = Recent(limit)

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
