"""Somebody's presence in a room: one id, its visits, its role."""

import msgspec

from hub.events import Fact, Kind, ParticipantDetail, format_time
from hub.state.capture import Document
from hub.state.facts import Cell, Facts, Value
from hub.state.presence import Visit, visits

PEOPLE = ("human", "sip")
# Of what the hub did not find when it asked, with the time in the name. It is no news by itself: no slash.
GONE = "gone@"


class Ends(msgspec.Struct, frozen=True, gc=False):
    """When the room ended, in order, and what its participants are told. After a `final` end nobody comes."""

    times: tuple[int, ...] = ()
    closing_reason: str = ""
    final: bool = True
    # What is told of each of the times, where they differ.
    reasons: tuple[str, ...] = ()


class Presence(msgspec.Struct, frozen=True, gc=False):
    """What is computed of somebody's visits when it is asked for: how long they watched, what that costs."""

    # When each visit began and ended, in milliseconds since 1970, and why it ended; the last may go on (None).
    stays: tuple[tuple[int, int | None, str], ...] = ()
    # Whether this is a person: nobody pays for recorders and agents.
    counted: bool = True


class Participant(msgspec.Struct, frozen=True, gc=False):
    """What follows from the facts of one id; `document` is what is shown."""

    stays: tuple[Visit, ...]
    presence: Presence
    is_person: bool
    is_speaker: bool
    document: Document

    @property
    def active(self) -> bool:
        """Whether somebody is there by this id now."""
        return bool(self.stays) and self.stays[-1].end is None


def participant_facts(fact: Fact, detail: ParticipantDetail, key: str) -> Facts:
    """Return what a fact states of the participant it is about."""
    if fact.observed:
        return _observed_facts(fact, detail, key)
    first: dict[str, Cell] = {}
    if fact.kind is Kind.PARTICIPANT_JOINED:
        first[f"join/{fact.time}"] = Cell(fact.time, key)
    elif fact.kind is Kind.PARTICIPANT_LEFT:
        joined = _joined(fact, detail)
        first[f"leave/{fact.time}/{'' if joined is None else joined}"] = Cell(fact.time, key, detail.reason)
    elif fact.kind is Kind.PARTICIPANT_REJECTED:
        first[f"rejected/{fact.time}"] = Cell(fact.time, key, detail.reason)
    else:
        first[f"updated/{fact.time}"] = Cell(fact.time, key)
        if detail.joined_at is not None:
            # Whoever changed their role was there: the join may never have been told.
            first[f"join/{detail.joined_at}"] = Cell(detail.joined_at, key)
    told: dict[str, Value] = {
        "identity": detail.identity,
        "name": detail.name,
        "role": detail.role,
        "kind": detail.kind,
        "may_publish": detail.may_publish,
    }
    return Facts(
        first=first,
        latest={name: Cell(fact.time, key, value) for name, value in told.items() if value not in (None, "")},
    )


def _observed_facts(fact: Fact, detail: ParticipantDetail, key: str) -> Facts:
    if fact.kind is Kind.PARTICIPANT_LEFT:
        return Facts(first={f"{GONE}{fact.time}": Cell(fact.time, key, detail.reason)})
    return Facts(latest={"sighted": Cell(fact.time, key)})


def is_told_of(facts: Facts) -> bool:
    """Whether anybody but the hub, which only saw what was there, spoke of a participant."""
    return any(not name.startswith(GONE) for name in facts.first)


def participant(identity: str, room: str, facts: Facts, ends: Ends, speaker_roles: frozenset[str]) -> Participant:
    """Derive a participant from its facts and the ends of its room."""
    joins = [cell.time for _, cell in facts.named("join/")]
    leaves = [_leave(name) for name, _ in facts.named("leave/")]
    stays = _observed(tuple(visits(joins, leaves, ends.times, final=ends.final)), facts)
    kind = facts.text("kind") or "human"
    role = facts.text("role")
    speaks = role in speaker_roles if role else facts.told("may_publish") is True
    active = bool(stays) and stays[-1].end is None
    reasons = tuple(_reason(stay, facts, ends) for stay in stays)
    is_person = kind in PEOPLE
    return Participant(
        stays=stays,
        presence=Presence(
            tuple((stay.start, stay.end, why) for stay, why in zip(stays, reasons, strict=True)), counted=is_person
        ),
        is_person=is_person,
        is_speaker=speaks,
        document={
            "id": identity,
            "room": room,
            "identity": facts.text("identity") or None,
            "name": facts.text("name") or None,
            "role": role or None,
            "kind": kind,
            "active": active,
            "joined_at": format_time(stays[0].start) if stays else None,
            "left_at": None if active else format_time(_last_end(stays, facts)),
            "leave_reason": None if active else (reasons[-1] if stays else _last_reason(facts)) or None,
        },
    )


def _observed(stays: tuple[Visit, ...], facts: Facts) -> tuple[Visit, ...]:
    """End the visit that no leave ended when the hub first missed who it is of, if nothing later refutes it."""
    gone = [cell.time for _, cell in facts.named(GONE)]
    if not gone or not stays or not (stays[-1].end is None or stays[-1].cut):
        return stays
    cells = [cell for name, cell in facts.first.items() if not name.startswith(GONE)]
    last = max(cell.time for cell in (*cells, *facts.latest.values()))
    limit = next((time for time in gone if time >= last), None)
    *before, open_one = stays
    if limit is None or (open_one.end is not None and open_one.end <= limit):
        return stays
    return (*before, Visit(open_one.start, limit))


def _joined(fact: Fact, detail: ParticipantDetail) -> int | None:
    if detail.joined_at is not None:
        return detail.joined_at
    return None if detail.duration_ms is None else fact.time - detail.duration_ms


def _leave(name: str) -> tuple[int, int | None]:
    left, _, joined = name.partition("/")
    return int(left), int(joined) if joined else None


def _last_end(stays: tuple[Visit, ...], facts: Facts) -> int | None:
    if stays:
        return stays[-1].end
    # A leave without any join still tells when.
    return max((cell.time for _, cell in facts.named("leave/")), default=None)


def _reason(stay: Visit, facts: Facts, ends: Ends) -> str:
    if stay.end is None:
        return ""
    if stay.cut:
        return dict(zip(ends.times, ends.reasons, strict=False)).get(stay.end, ends.closing_reason)
    # Of several leaves the one that ended the visit tells why.
    decisive = [cell for _, cell in facts.named("leave/") if cell.time == stay.end]
    decisive = decisive or [cell for _, cell in facts.named(GONE) if cell.time == stay.end]
    return str(decisive[0].value or "") if decisive else _last_reason(facts)


def _last_reason(facts: Facts) -> str:
    leaves = facts.named("leave/") or facts.named("rejected/")
    return str(leaves[-1][1].value or "") if leaves else ""
