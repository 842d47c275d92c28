"""A durable room in a batch: its sessions, and the facts that name none of them.

A fact without a session belongs to the session with the latest start not after it, and, before any
start, to a session that has the durable room's own id. Which one that is follows from the facts alone, so a
start that arrives late moves what it should have had from the beginning.
"""

from typing import Self

import msgspec

from hub.events import Fact
from hub.fold.parts import Parts, PooledFact, pooled_part, room_parts
from hub.state.capture import Document, capture_document
from hub.state.facts import NOTHING, Facts, is_news, merged
from hub.state.participant import Ends, Participant, participant
from hub.state.room import Tally, began_at, own_end, room_document, tally


class Derived(msgspec.Struct, frozen=True):
    """A session as it is shown: its room, its participants, its recordings and its streams."""

    room: Document
    tally: Tally
    people: dict[str, Participant]
    captures: dict[str, Document]


class Household:
    """The sessions of one durable room; `durable` is empty for a session that never told its name."""

    def __init__(self, durable: str, speaker_roles: frozenset[str]) -> None:
        self.durable = durable
        self.sessions: dict[str, Parts] = {}
        self.pool: dict[str, PooledFact] = {}
        self.own: Facts = NOTHING
        self._roles = speaker_roles
        # Shared by all copies: what it holds is only reused for the very same facts.
        self._seen: dict[tuple[str, str], tuple[Facts, Ends, Participant]] = {}
        # Sessions as they are shown, until a fact changes them.
        self._derived: dict[str, Derived | None] = {}

    def copy(self) -> Self:
        """Return one that can be changed without changing this one."""
        twin = type(self)(self.durable, self._roles)
        twin.sessions = {session: dict(parts) for session, parts in self.sessions.items()}
        twin.pool = dict(self.pool)
        twin.own = self.own
        twin._seen = self._seen
        twin._derived = dict(self._derived)
        return twin

    def absorb(self, fact: Fact, key: str, provider: str, heard_at: int | None = None) -> bool:
        """Merge a fact, received at `heard_at`; return whether it tells anything that had not happened yet."""
        # A start or an end moves facts between all sessions, where there are facts that can be moved.
        self._derived = {} if self.pool or not fact.room else _without(self._derived, fact.room)
        if not fact.room:
            return self._absorb_nameless(PooledFact(fact, key, provider, heard_at))
        parts = self.sessions.setdefault(fact.room, {})
        news = False
        for part, stated in room_parts(fact, key, provider, heard_at).items():
            known = parts.get(part, NOTHING)
            after = merged(known, stated)
            news |= is_news(known, after)
            parts[part] = after
        return news

    def adopt(self, other: Self) -> None:
        """Take in the sessions of one that turned out to be of the same durable room."""
        self.sessions |= {session: dict(parts) for session, parts in other.sessions.items()}
        self._derived = {}

    def owner(self, time: int) -> str:
        """Return the session that a fact without one belongs to."""
        started = ((began_at(parts.get("", NOTHING)), session) for session, parts in self.sessions.items())
        candidates = [(start, session) for start, session in started if start is not None and start <= time]
        return max(candidates)[1] if candidates else self.durable

    def owners(self) -> set[str]:
        """Return every session that has facts of the pool."""
        return {self.owner(pooled.fact.time) for pooled in self.pool.values()}

    def derive(self, session: str) -> Derived | None:
        """Return a session as it is shown; None when no fact makes it one."""
        if session not in self._derived:
            self._derived[session] = self._derive(session)
        return self._derived[session]

    def _absorb_nameless(self, stated: PooledFact) -> bool:
        part = pooled_part(stated.fact)
        known = self.pool.get(part)
        if known is None or stated.key < known.key:
            self.pool[part] = stated
        return known is None

    def _derive(self, session: str) -> Derived | None:
        parts = self._parts(session)
        if not parts:
            return None
        room = parts[""]
        ends = own_end(room) if session != self.durable else self._nameless_ends(room)
        people = {
            part.partition("/")[2]: self._participant(session, part, facts, ends)
            for part, facts in parts.items()
            if part.startswith("participant/")
        }
        provider = room.text("provider")
        captures = {
            part: capture_document(f"{provider}:{part.partition('/')[2]}", ("room", session), facts)
            for part, facts in parts.items()
            if part.startswith(("recording/", "stream/"))
        }
        featured = self.own.told("featured") is True
        document = room_document(session, room, ends, people, featured=featured)
        return Derived(document, tally(room, ends, people.values()), people, captures)

    def _parts(self, session: str) -> Parts:
        parts = self.sessions.get(session, {})
        if not self.pool:
            return parts
        parts = dict(parts)
        for pooled in self.pool.values():
            if self.owner(pooled.fact.time) != session:
                continue
            for part, stated in room_parts(pooled.fact, pooled.key, pooled.provider, pooled.heard_at).items():
                parts[part] = merged(parts.get(part, NOTHING), stated)
        return parts

    def _nameless_ends(self, room: Facts) -> Ends:
        """A nameless session ends with its own ends and with every end of the durable room's sessions."""
        told = [own_end(room), *(own_end(parts.get("", NOTHING)) for parts in self.sessions.values())]
        times = {cell.time for _, cell in room.named("end/")} | {time for ends in told for time in ends.times}
        reason = min(((ends.times, ends.closing_reason) for ends in told if ends.closing_reason), default=((), ""))[1]
        return Ends(times=tuple(sorted(times)), closing_reason=reason, final=False)

    def _participant(self, session: str, part: str, facts: Facts, ends: Ends) -> Participant:
        seen = self._seen.get((session, part))
        if seen and seen[0] is facts and seen[1] == ends:
            return seen[2]
        derived = participant(part.partition("/")[2], session, facts, ends, self._roles)
        self._seen[session, part] = (facts, ends, derived)
        return derived


def _without(derived: dict[str, Derived | None], session: str) -> dict[str, Derived | None]:
    return {other: shown for other, shown in derived.items() if other != session}
