"""A durable room in a batch: its sessions, and the facts that name none of them.

A fact without a session belongs to the session with the latest start not after it, and, before any
start, to a session that has the durable room's own id. Which one that is follows from the facts alone, so a
start that arrives late moves what it should have had from the beginning.
"""

from bisect import bisect_right
from typing import Self

import msgspec

from hub.events import CaptureDetail, Fact
from hub.fold.parts import Parts, PooledFact, capture_part, pooled_part, room_parts
from hub.state.capture import Document, capture_document
from hub.state.facts import NOTHING, Facts, is_news, merged
from hub.state.participant import Ends, Participant, participant
from hub.state.room import Tally, all_ends, began_at, own_end, room_document, tally

_CAPTURES = ("recording/", "stream/")


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
        # Sessions as they are shown, and whose the pool's facts are, until a fact changes them.
        self._derived: dict[str, Derived | None] = {}
        self._owners: dict[str, str] | None = None

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
        self._owners = None
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
        self._owners = None

    def owner(self, time: int) -> str:
        """Return the session that was running at a time."""
        return self._running(self._starts(), time)

    def owner_of(self, fact: Fact) -> str:
        """Return the session that a fact belongs to, also one that names none."""
        return fact.room or self._attached()[pooled_part(fact)]

    def owners(self) -> set[str]:
        """Return every session that has facts of the pool."""
        return set(self._attached().values())

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
        parts = self.parts_of(session)
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
            if part.startswith(_CAPTURES)
        }
        featured = self.own.told("featured") is True
        document = room_document(session, room, ends, people, featured=featured)
        return Derived(document, tally(room, ends, people.values()), people, captures)

    def parts_of(self, session: str) -> Parts:
        """Return the facts of a session, those of the pool included, by part."""
        parts = self.sessions.get(session, {})
        if not self.pool:
            return parts
        parts = dict(parts)
        for name, owner in self._attached().items():
            if owner != session:
                continue
            pooled = self.pool[name]
            for part, stated in room_parts(pooled.fact, pooled.key, pooled.provider, pooled.heard_at).items():
                parts[part] = merged(parts.get(part, NOTHING), stated)
        return parts

    def _attached(self) -> dict[str, str]:
        """Return the session of every fact of the pool, by part."""
        if self._owners is None:
            starts = self._starts()
            captures = self._captures()
            for pooled in sorted(self.pool.values(), key=lambda one: one.fact.time):
                # Of a recording that no payload gives to a session, its first word decides.
                captures.setdefault(_capture_of(pooled.fact), self._running(starts, pooled.fact.time))
            self._owners = {
                name: captures[capture]
                if (capture := _capture_of(pooled.fact))
                else self._running(starts, pooled.fact.time)
                for name, pooled in self.pool.items()
            }
        return self._owners

    def _starts(self) -> list[tuple[int, str]]:
        told = ((began_at(parts.get("", NOTHING)), session) for session, parts in self.sessions.items())
        return sorted((start, session) for start, session in told if start is not None)

    def _captures(self) -> dict[str, str]:
        """Return the sessions of recordings that some payload names; what is told of one is of one session."""
        named = ((part, session) for session, parts in self.sessions.items() for part in parts)
        return {part: session for part, session in sorted(named, reverse=True) if part.startswith(_CAPTURES)}

    def _running(self, starts: list[tuple[int, str]], time: int) -> str:
        """Return the session with the latest start not after a time."""
        place = bisect_right(starts, time, key=lambda start: start[0])
        return starts[place - 1][1] if place else self.durable

    def _nameless_ends(self, room: Facts) -> Ends:
        """A nameless session ends with its own ends and with every end of the durable room's sessions."""
        own = all_ends(room)
        others = (own_end(parts.get("", NOTHING)) for parts in self.sessions.values())
        told = {time: ends.closing_reason for ends in others for time in ends.times} | dict(own)
        times = tuple(sorted(told))
        return Ends(times=times, reasons=tuple(told[time] for time in times), final=False)

    def _participant(self, session: str, part: str, facts: Facts, ends: Ends) -> Participant:
        seen = self._seen.get((session, part))
        if seen and seen[0] is facts and seen[1] == ends:
            return seen[2]
        derived = participant(part.partition("/")[2], session, facts, ends, self._roles)
        self._seen[session, part] = (facts, ends, derived)
        return derived


def _without(derived: dict[str, Derived | None], session: str) -> dict[str, Derived | None]:
    return {other: shown for other, shown in derived.items() if other != session}


def _capture_of(fact: Fact) -> str:
    # Streams run again by the same id, recordings do not.
    part = capture_part(fact, fact.detail) if isinstance(fact.detail, CaptureDetail) else ""
    return part if part.startswith("recording/") else ""
