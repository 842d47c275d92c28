"""A room session: when it began and ended, who is in it, and what follows from that."""

from collections.abc import Iterable, Mapping

import msgspec

from hub.events import Fact, Kind, NoteDetail, format_time
from hub.state.capture import Document
from hub.state.facts import Cell, Facts, Value
from hub.state.participant import Ends, Participant
from hub.state.presence import peak


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the clock-dependent numbers of a room are computed from; kept beside its document, never shown.

    Milliseconds of the visits that are over, the starts of those that are not, and the peak so far.
    """

    closed_ms: int = 0
    open_since: tuple[int, ...] = ()
    peak: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    # When the hub last received anything new about the room, whenever that happened.
    heard_at: int | None = None


def room_facts(fact: Fact, key: str, provider: str, heard_at: int | None = None) -> Facts:
    """Return what a fact states of the session it belongs to; `heard_at` is when the hub received it."""
    first: dict[str, Cell] = {"seen": Cell(fact.time, key)}
    told: dict[str, Value] = {"durable": fact.durable, "provider": provider}
    if fact.session:
        said = fact.session
        told |= {"name": said.name, "room_id": said.room_id, "session_id": said.session_id, "project": said.project}
        if said.started_at is not None:
            first["began"] = Cell(said.started_at, key)
    if fact.kind is Kind.ROOM_STARTED:
        first[f"start/{fact.time}"] = Cell(fact.time, key)
        first["began"] = min(first.get("began", Cell(fact.time, key)), Cell(fact.time, key), key=lambda cell: cell.time)
    if fact.kind is Kind.ROOM_ENDED:
        first[f"end/{fact.time}"] = Cell(fact.time, key, (fact.closing_reason, _reason(fact)))
    latest = {name: Cell(fact.time, key, value) for name, value in told.items() if value not in (None, "")}
    if heard_at is not None:
        latest["heard"] = Cell(heard_at, key)
    if not fact.replay:
        latest["active"] = Cell(fact.time, key)
    if fact.kind in (Kind.ROOM_STARTED, Kind.PARTICIPANT_JOINED):
        latest["begun"] = Cell(fact.time, key)
    return Facts(first=first, latest=latest)


def began_at(facts: Facts) -> int | None:
    """Return when the session began, as far as anybody said, else its earliest fact."""
    cell = facts.first.get("began") or facts.first.get("seen")
    return cell.time if cell else None


def own_end(facts: Facts) -> Ends:
    """Return the end of a named session: the first one told is final."""
    ends = facts.named("end/")
    if not ends:
        return Ends()
    return Ends(times=(ends[0][1].time,), closing_reason=_pair(ends[0][1].value)[0])


def all_ends(facts: Facts) -> list[tuple[int, str]]:
    """Return when a session without an id ended, and what its participants are told of each end."""
    return [(cell.time, _pair(cell.value)[0]) for _, cell in facts.named("end/")]


def room_document(
    identity: str, facts: Facts, ends: Ends, people: Mapping[str, Participant], *, featured: bool
) -> Document:
    """Derive a room's document from its facts and its participants."""
    present = [one for one in people.values() if one.is_person and one.active]
    speakers = sum(one.is_speaker for one in present)
    ended = None if _is_live(facts, ends) else ends.times[-1]
    last = facts.latest.get("active")
    return {
        "id": identity,
        "durable_room": facts.text("durable") or None,
        "provider": facts.text("provider"),
        "session_id": facts.text("session_id") or None,
        "room_id": facts.text("room_id") or None,
        "name": facts.text("name") or None,
        "project": facts.text("project") or None,
        "status": "live" if ended is None else "ended",
        "started_at": format_time(began_at(facts)),
        "ended_at": format_time(ended),
        "end_reason": _end_reason(facts, ended),
        "participant_count": len(present),
        "speaker_count": speakers,
        "listener_count": len(present) - speakers,
        "featured": featured,
        "last_active_at": format_time(last.time) if last else None,
        # A room that just got a fact is never stale; readers are told by the clock when they ask.
        "stale": False,
    }


def tally(facts: Facts, ends: Ends, people: Iterable[Participant]) -> Tally:
    """Sum up the visits of people for the numbers that depend on the clock."""
    stays = [stay for one in people if one.is_person for stay in one.stays]
    return Tally(
        closed_ms=sum(stay.end - stay.start for stay in stays if stay.end is not None),
        open_since=tuple(sorted(stay.start for stay in stays if stay.end is None)),
        peak=peak(stays),
        started_at=began_at(facts),
        ended_at=None if _is_live(facts, ends) else ends.times[-1],
        heard_at=facts.latest["heard"].time if "heard" in facts.latest else None,
    )


def _is_live(facts: Facts, ends: Ends) -> bool:
    if not ends.times:
        return True
    # A room whose sessions have no ids lives again when it starts, or somebody joins, after its last end.
    begun = facts.latest.get("begun")
    return not ends.final and begun is not None and begun.time > ends.times[-1]


def _end_reason(facts: Facts, ended: int | None) -> str | None:
    told = [cell for _, cell in facts.named("end/") if cell.time == ended]
    return _pair(told[0].value)[1] or None if told else None


def _reason(fact: Fact) -> str:
    said = dict(fact.detail.said) if isinstance(fact.detail, NoteDetail) else {}
    return said.get("reason", "")


def _pair(value: Value) -> tuple[str, str]:
    return (value[0], value[1]) if isinstance(value, tuple) and len(value) == 2 else ("", "")
