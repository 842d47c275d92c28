"""A durable room in a batch: its sessions, the facts that name none of them, what was decided and what is planned."""

from typing import Self

import msgspec

from hub.events import Fact, Kind, RoomDetail, ScheduleDetail
from hub.fold.attachment import CAPTURES, Span, Timeline, attached, span_of
from hub.fold.derived import Basis, Derived
from hub.fold.parts import (
    HAS_POOL,
    OWN,
    SCHEDULE,
    Parts,
    PooledFact,
    capture_name,
    merge_into,
    pooled_part,
    room_parts,
    shared_parts,
)
from hub.fold.recall import Recall
from hub.state.capture import capture
from hub.state.facts import NOTHING, Facts, merged
from hub.state.participant import Ends, Participant, is_told_of, participant
from hub.state.room import (
    Tally,
    all_ends,
    began_at,
    is_live,
    observed_end,
    own_end,
    room_document,
    tally,
    told_end,
)
from hub.state.schedule import Plan, Run, assigned, plan_of, runs_between

_PARTICIPANT = "participant/"


class Household:
    """The sessions of one durable room; `durable` is empty for a session that never told its name."""

    def __init__(self, durable: str, speaker_roles: frozenset[str], recall: Recall | None = None) -> None:
        self.durable = durable
        self.sessions: dict[str, Parts] = {}
        self.pool: dict[str, PooledFact] = {}
        # What is neither a session's nor anybody's fact about one: decisions and schedules.
        self.shared: Parts = {}
        # What is known of sessions that are not here: those that nothing in this batch can change.
        self.siblings: dict[str, Tally] = {}
        # With which session the store keeps each fact of the pool.
        self.kept: dict[str, str] = {}
        self._roles = speaker_roles
        # Shared by all copies: what it holds is only reused for the very same facts.
        self._recall = recall or Recall()
        # Sessions as they are shown, and whose the pool's facts are, until a fact changes them.
        self._derived: dict[str, Derived | None] = {}
        self._owners: dict[str, str] | None = None
        self._pooled: dict[str, list[PooledFact]] = {}
        self._current: str | None = None
        self._plans: dict[str, Plan] | None = None

    def copy(self) -> Self:
        """Return one that can be changed without changing this one."""
        twin = type(self)(self.durable, self._roles, self._recall)
        twin.sessions = {session: dict(parts) for session, parts in self.sessions.items()}
        twin.pool = dict(self.pool)
        twin.shared = dict(self.shared)
        twin.siblings = self.siblings
        twin.kept = dict(self.kept)
        twin._plans = self.plans
        twin._derived = dict(self._derived)
        return twin

    def absorb(self, fact: Fact, key: str, provider: str, heard_at: int | None = None) -> bool:
        """Merge a fact, received at `heard_at`; return whether it tells anything that had not happened yet."""
        if isinstance(fact.detail, RoomDetail | ScheduleDetail) and not fact.room:
            self._derived = {}
            self._plans = None
            return merge_into(self.shared, shared_parts(fact, key))
        # A start or an end moves facts between all sessions, where there are facts that can be moved.
        self._owners = self._current = None
        moves = self.pool or self.is_featured or not fact.room
        self._derived = {} if moves else _without(self._derived, fact.room)
        if not fact.room:
            return self._absorb_nameless(PooledFact(fact, key, provider, heard_at))
        stated = room_parts(fact, key, provider, heard_at)
        return bool(stated) and merge_into(self.sessions.setdefault(fact.room, {}), stated)

    def adopt(self, session: str, other: Self) -> None:
        """Take in a session of another one that turned out to be of this durable room."""
        self.siblings = {name: one for name, one in self.siblings.items() if name != session}
        self.sessions[session] = dict(other.sessions.get(session, {}))
        self._derived = {}
        self._owners = self._current = None

    def without(self, session: str) -> Self:
        """Return one that a session has left."""
        twin = self.copy()
        twin.sessions.pop(session, None)
        twin._derived = {}
        return twin

    def forget(self, sessions: set[str], *, all_of_it: bool) -> set[str]:
        """Drop sessions, and with `all_of_it` what is shared by all; return the parts of facts that named none."""
        parts = {part for part, owner in self.attachments().items() if all_of_it or owner in sessions}
        self.pool = {part: pooled for part, pooled in self.pool.items() if part not in parts}
        self.sessions = {session: kept for session, kept in self.sessions.items() if session not in sessions}
        self.kept = {part: session for part, session in self.kept.items() if part not in parts}
        if all_of_it:
            self.shared, self._plans = {}, None
        self._derived = {}
        self._owners = self._current = None
        return parts

    @property
    def is_featured(self) -> bool:
        """Whether somebody featured the durable room."""
        return self.shared.get(OWN, NOTHING).told("featured") is True

    @property
    def plans(self) -> dict[str, Plan]:
        """Return what is planned here, by id."""
        if self._plans is None:
            planned = {part: facts for part, facts in self.shared.items() if part.startswith(SCHEDULE)}
            found = (plan_of(part.removeprefix(SCHEDULE), facts) for part, facts in planned.items())
            self._plans = {plan.id: plan for plan in found if plan}
        return self._plans

    def everybody(self) -> set[str]:
        """Return every session that is here, the one without a name too."""
        return self.sessions.keys() | self.owners()

    def current(self) -> str:
        """Return the session that stands for the durable room: what goes on, else what began last; empty for none."""
        if self._current is None:
            told = ((session, self.parts_of(session).get("", NOTHING)) for session in self.everybody())
            found = [(session, room) for session, room in told if "seen" in room.first]
            ranked = [(is_live(room, self._ends(name, room)), began_at(room) or 0, name) for name, room in found]
            ranked += [(one.ended_at is None, one.named_at or 0, name) for name, one in self.siblings.items()]
            self._current = max(ranked, default=(False, 0, ""))[2]
        return self._current

    def assigned(self) -> dict[str, tuple[Run, ...]]:
        """Return the meetings of every schedule, by its id."""
        plans = self.plans
        if not plans:
            return {}
        derived = (self.derive(session) for session in self.everybody())
        runs = [run for one in derived if one for run in one.runs]
        return assigned(plans, [*runs, *(self._run_of(session, one) for session, one in self.siblings.items())])

    def owner_of(self, fact: Fact) -> str:
        """Return the session that a fact belongs to, also one that names none."""
        if fact.room:
            return fact.room
        known = self.attachments().get(pooled_part(fact))
        # What changes nothing is not kept.
        return known or self._timeline().running(fact.time)

    def owners(self) -> set[str]:
        """Return every session that has facts of the pool."""
        return set(self.attachments().values())

    def derive(self, session: str) -> Derived | None:
        """Return a session as it is shown; None when no fact makes it one."""
        if session not in self._derived:
            self._derived[session] = self._derive(session)
        return self._derived[session]

    def _absorb_nameless(self, stated: PooledFact) -> bool:
        if stated.fact.kind is Kind.PROVIDER_EVENT:
            return False
        part = pooled_part(stated.fact)
        known = self.pool.get(part)
        self.shared.setdefault(HAS_POOL, NOTHING)
        if known is None or stated.key < known.key:
            self.pool[part] = stated
        return known is None

    def _derive(self, session: str) -> Derived | None:
        parts = self.parts_of(session)
        room = parts.get("", NOTHING)
        # Decisions and announcements alone make no session.
        if "seen" not in room.first:
            return None
        ends = self._ends(session, room)
        named = self.sessions.get(session, {}).get("", NOTHING)
        # They are one where the pool adds nothing.
        own = ends if room is named and session != self.durable else own_end(named)
        decided = self.is_featured and session == self.current()
        basis = Basis(parts, ends, own, featured=decided or room.told("featured") is True)
        known = self._recall.sessions.get(session)
        if known and known[0] == basis:
            derived = known[1]
        else:
            derived = self._derive_anew(session, basis, known)
            self._recall.sessions.put(session, (basis, derived))
        if session == self.durable:
            return derived
        return msgspec.structs.replace(derived, runs=(self._run_of(session, derived.tally),))

    def _derive_anew(self, session: str, basis: Basis, known: tuple[Basis, Derived] | None) -> Derived:
        """Return a session as it is shown; participants that are as they were known to be are not derived again."""
        room, ends = basis.parts[""], basis.ends
        people = self._people(session, basis, known)
        provider = room.text("provider")
        captures = {
            part: capture(f"{provider}:{capture_name(part)}", ("room", session), facts)
            for part, facts in basis.parts.items()
            if part.startswith(CAPTURES)
        }
        document = room_document(session, room, ends, people, featured=basis.featured)
        summed = tally(room, ends, people.values(), basis.own_end)
        if session != self.durable:
            return Derived(document, summed, people, captures)
        runs = _nameless_runs(session, room, ends, people)
        summed = msgspec.structs.replace(summed, meetings=tuple((run.start, run.end) for run in runs))
        return Derived(document, summed, people, captures, runs)

    def _people(self, session: str, basis: Basis, known: tuple[Basis, Derived] | None) -> dict[str, Participant]:
        before = known[0].parts if known and known[0].ends == basis.ends else {}
        derived = known[1].people if known else {}
        people = {}
        for part, facts in basis.parts.items():
            if not part.startswith(_PARTICIPANT):
                continue
            identity = part.removeprefix(_PARTICIPANT)
            if before.get(part) is facts:
                if identity in derived:
                    people[identity] = derived[identity]
            elif is_told_of(facts):
                people[identity] = participant(identity, session, facts, basis.ends, self._roles)
        return people

    def _run_of(self, session: str, summed: Tally) -> Run:
        """Return the meeting that a session with a name is."""
        began, ended = summed.started_at or 0, summed.ended_at
        if ended == began and not summed.peak:
            began = self._begun_before(ended)
        return Run(session, began, ended)

    def _begun_before(self, end: int) -> int:
        """Return when the nameless meeting began that ended at a time; some payloads name a session only at its end."""
        nameless = self.derive(self.durable) if self.durable else None
        return min((run.start for run in nameless.runs if run.end == end), default=end) if nameless else end

    def _ends(self, session: str, room: Facts) -> Ends:
        if session == self.durable:
            return self._nameless_ends(room)
        told = told_end(room)
        # What names no session cannot refute what was seen of one: whose it is depends on when sessions ended.
        return told if told.times else observed_end(self.sessions.get(session, {}).get("", NOTHING))

    def parts_of(self, session: str) -> Parts:
        """Return the facts of a session, those of the pool included, by part."""
        parts = self.sessions.get(session, {})
        if not self.pool:
            return parts
        self.attachments()
        parts = dict(parts)
        for pooled in self._pooled.get(session, ()):
            for part, stated in room_parts(pooled.fact, pooled.key, pooled.provider, pooled.heard_at).items():
                # When a session with a name began, only what names it can say.
                told = stated if part or session == self.durable else _without_beginning(stated)
                parts[part] = merged(parts.get(part, NOTHING), told)
        return parts

    def attachments(self) -> dict[str, str]:
        """Return the session of every fact of the pool, by part."""
        if self._owners is None:
            # Mostly every fact names its session, and who was running when decides nothing.
            self._owners = attached(self._timeline(), self.sessions, self.pool) if self.pool else {}
            self._pooled = {}
            for part, owner in self._owners.items():
                self._pooled.setdefault(owner, []).append(self.pool[part])
        return self._owners

    def _timeline(self) -> Timeline:
        spans = {session: Span(one.named_at or 0, one.closed_at) for session, one in self.siblings.items()}
        for session, parts in self.sessions.items():
            if span := span_of(parts):
                spans[session] = span
        return Timeline(self.durable, spans, self.pool.values())

    def _nameless_ends(self, room: Facts) -> Ends:
        """A nameless session ends with its own ends and with every end of the durable room's sessions."""
        here = (own_end(parts.get("", NOTHING)) for parts in self.sessions.values())
        others = [(time, ends.closing_reason) for ends in here for time in ends.times]
        others += [one.own_end for one in self.siblings.values() if one.own_end]
        told = dict(sorted(others)) | dict(all_ends(room))
        times = tuple(sorted(told))
        return Ends(times=times, reasons=tuple(told[time] for time in times), final=False)


def _nameless_runs(session: str, room: Facts, ends: Ends, people: dict[str, Participant]) -> tuple[Run, ...]:
    begun = [cell.time for _, cell in room.named("start/")]
    begun += [stay.start for one in people.values() for stay in one.stays]
    return runs_between(session, begun or [began_at(room) or 0], ends.times)


def _without_beginning(room: Facts) -> Facts:
    return Facts(
        first={name: cell for name, cell in room.first.items() if name not in ("began", "seen")}, latest=room.latest
    )


def _without(derived: dict[str, Derived | None], session: str) -> dict[str, Derived | None]:
    return {other: shown for other, shown in derived.items() if other != session}
