"""A room session: when it began and ended, who is in it, and what follows from that."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from hub.events import Fact, Kind, NoteDetail, RoomDetail, format_time
from hub.state.capture import Document
from hub.state.facts import NOTHING, Cell, Facts, Value
from hub.state.participant import GONE, Ends, Participant
from hub.state.presence import peak

# What is told of a session when it may well be over: none of these makes it one that goes on.
_AFTERMATH = frozenset(
    {Kind.PARTICIPANT_REJECTED, Kind.RECORDING_STOPPED, Kind.RECORDING_COMPLETED, Kind.RECORDING_FAILED}
    | {Kind.STREAM_STOPPED, Kind.STREAM_FAILED, Kind.JOB_ENDED, Kind.TRACK_UNPUBLISHED}
    | {Kind.TRANSCRIPT_STARTED, Kind.TRANSCRIPT_UPDATED, Kind.TRANSCRIPT_COMPLETED, Kind.TRANSCRIPT_FAILED}
)


class Tally(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What the clock-dependent numbers of a room are computed from; kept beside its document, never shown.

    Milliseconds of the visits that are over, the starts of those that are not, and the peak so far.
    """

    closed_ms: int = 0
    open_since: tuple[int, ...] = ()
    peak: int = 0
    started_at: int | None = None
    # When it began as far as anybody named it; `started_at` is earlier where visits or totals say so.
    named_at: int | None = None
    ended_at: int | None = None
    # When the hub last received anything new about the room, whenever that happened.
    heard_at: int | None = None
    # When something last happened in it that was no replay.
    active_at: int | None = None
    # When an end, whoever told it, closed it; and the end that named it: when, and what its participants are told.
    closed_at: int | None = None
    own_end: tuple[int, str] | None = None
    # Of a session that meets again and again: when each meeting began and ended.
    meetings: tuple[tuple[int, int | None], ...] = ()
    # Totals as the provider reports them.
    told_ms: int | None = None
    told_present_ms: int | None = None
    told_peak: int | None = None


decode_tally = msgspec.msgpack.Decoder(Tally).decode


def room_facts(fact: Fact, key: str, provider: str, heard_at: int | None = None) -> Facts:
    """Return what a fact states of the session it belongs to; `heard_at` is when the hub received it."""
    if fact.observed:
        return _observed_facts(fact, key, heard_at)
    first: dict[str, Cell] = {"seen": Cell(fact.time, key)}
    told: dict[str, Value] = {"durable": fact.durable, "provider": provider}
    if fact.session:
        said = fact.session
        told |= {"name": said.name, "room_id": said.room_id, "session_id": said.session_id, "project": said.project}
        told |= {"end_reason": said.end_reason, "told_ms": said.duration_ms}
        told |= {"told_present_ms": said.participant_ms, "told_peak": said.peak}
        if said.started_at is not None:
            first["began"] = Cell(said.started_at, key)
    if fact.kind is Kind.ROOM_STARTED:
        first[f"start/{fact.time}"] = Cell(fact.time, key)
        first["began"] = min(first.get("began", Cell(fact.time, key)), Cell(fact.time, key), key=lambda cell: cell.time)
    if fact.kind is Kind.ROOM_ENDED:
        first[f"end/{fact.time}"] = Cell(fact.time, key, (fact.closing_reason, _reason(fact)))
    latest = {name: Cell(fact.time, key, value) for name, value in told.items() if value not in (None, "")}
    latest |= {name: Cell(fact.time, key) for name in _signs(fact)}
    if heard_at is not None:
        latest["heard"] = Cell(heard_at, key)
    return Facts(first=first, latest=latest)


def _observed_facts(fact: Fact, key: str, heard_at: int | None) -> Facts:
    """Return what the hub saw when it asked: that a session was there, or was not; it makes none by itself."""
    first: dict[str, Cell] = {}
    latest = {"durable": Cell(fact.time, key, fact.durable)} if fact.durable else {}
    if fact.kind is Kind.ROOM_ENDED:
        reason = fact.session.end_reason if fact.session else ""
        first[f"{GONE}{fact.time}"] = Cell(fact.time, key, (fact.closing_reason, reason))
    elif fact.kind is not Kind.PARTICIPANT_LEFT:
        latest["alive"] = Cell(fact.time, key)
        if heard_at is not None:
            latest["heard"] = Cell(heard_at, key)
    if fact.kind is Kind.ROOM_UPDATED:
        first[f"confirmed/{fact.time}"] = Cell(fact.time, key)
    return Facts(first=first, latest=latest)


def _signs(fact: Fact) -> Iterator[str]:
    """Yield of what a fact is a sign: that something happens, that it goes on, that it began anew."""
    if not fact.replay:
        yield "active"
    if fact.kind not in _AFTERMATH:
        yield "alive"
    if fact.kind in (Kind.ROOM_STARTED, Kind.PARTICIPANT_JOINED):
        yield "begun"


def announced_facts(fact: Fact, key: str) -> Facts:
    """Return why somebody is about to end the session: shown once it has ended."""
    reason = fact.session.end_reason if fact.session else ""
    if not reason:
        return NOTHING
    told = {"durable": fact.durable, "end_reason": reason}
    return Facts(latest={name: Cell(fact.time, key, value) for name, value in told.items() if value})


def decided_facts(fact: Fact, detail: RoomDetail, key: str) -> Facts:
    """Return what somebody decided about a room: no sign of life in it."""
    decided = detail.featured is not None
    return Facts(latest={"featured": Cell(fact.time, key, detail.featured)} if decided else {})


def began_at(facts: Facts) -> int | None:
    """Return when the session began, as far as anybody said, else its earliest fact."""
    cell = facts.first.get("began") or facts.first.get("seen")
    return cell.time if cell else None


def started_at(facts: Facts, ends: Ends, people: Iterable[Participant]) -> int | None:
    """Return when the session began: as told, else no later than its visits and its reported duration say."""
    if "began" in facts.first or not ends.final:
        return began_at(facts)
    begun = [stay.start for one in people for stay in one.stays]
    lasted = facts.whole("told_ms")
    begun += [ends.times[-1] - lasted] if ends.times and lasted is not None else []
    return min([*begun, *(cell.time for name, cell in facts.first.items() if name == "seen")], default=None)


def own_end(facts: Facts) -> Ends:
    """Return the end of a named session, as it was told, else as the hub saw it."""
    told = told_end(facts)
    return told if told.times else observed_end(facts)


def told_end(facts: Facts) -> Ends:
    """Return the end of a named session that the provider told: the first one is final."""
    return _end_of(cell for _, cell in facts.named("end/"))


def observed_end(facts: Facts) -> Ends:
    """Return the end that the hub concluded from asking: the earliest that nothing which happened later refutes."""
    if "seen" not in facts.first:
        # Of a session that nobody tells of there is none.
        return Ends()
    alive = facts.latest.get("alive")
    return _end_of(cell for _, cell in facts.named(GONE) if alive is None or cell.time >= alive.time)


def _end_of(cells: Iterable[Cell]) -> Ends:
    first = next(iter(cells), None)
    return Ends(times=(first.time,), closing_reason=_pair(first.value)[0]) if first else Ends()


def all_ends(facts: Facts) -> list[tuple[int, str]]:
    """Return when a session without an id ended, and what its participants are told of each end."""
    return [(cell.time, _pair(cell.value)[0]) for _, cell in facts.named("end/")]


def room_document(
    identity: str, facts: Facts, ends: Ends, people: Mapping[str, Participant], *, featured: bool
) -> Document:
    """Derive a room's document from its facts and its participants."""
    present = [one for one in people.values() if one.is_person and one.active]
    speakers = sum(one.is_speaker for one in present)
    ended = ended_at(facts, ends)
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
        "started_at": format_time(started_at(facts, ends, people.values())),
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


def tally(facts: Facts, ends: Ends, people: Iterable[Participant], own: Ends) -> Tally:
    """Sum up the visits of people for the numbers that depend on the clock; `own` is the end that named the session."""
    # A room whose sessions have no ids meets again and again: what was told of one meeting is not true of all.
    told = facts if ends.final else NOTHING
    people = list(people)
    stays = [stay for one in people if one.is_person for stay in one.stays]
    return Tally(
        closed_ms=sum(stay.end - stay.start for stay in stays if stay.end is not None),
        open_since=tuple(sorted(stay.start for stay in stays if stay.end is None)),
        peak=peak(stays),
        started_at=started_at(facts, ends, people),
        named_at=began_at(facts),
        ended_at=ended_at(facts, ends),
        heard_at=facts.latest["heard"].time if "heard" in facts.latest else None,
        active_at=facts.latest["active"].time if "active" in facts.latest else None,
        closed_at=ends.times[-1] if ends.times else None,
        own_end=(own.times[0], own.closing_reason) if own.times else None,
        told_ms=told.whole("told_ms"),
        told_present_ms=told.whole("told_present_ms"),
        told_peak=told.whole("told_peak"),
    )


def is_live(facts: Facts, ends: Ends) -> bool:
    """Whether a session goes on, as far as anybody said."""
    if not ends.times:
        return "alive" in facts.latest
    # A room whose sessions have no ids lives again when it starts, or somebody joins, after its last end.
    begun = facts.latest.get("begun")
    return not ends.final and begun is not None and begun.time > ends.times[-1]


def ended_at(facts: Facts, ends: Ends) -> int | None:
    """Return when a session ended, None while it goes on; without an end, when something was last told of it."""
    if is_live(facts, ends):
        return None
    return ends.times[-1] if ends.times else facts.latest["provider"].time


def _end_reason(facts: Facts, ended: int | None) -> str | None:
    told = [cell for _, cell in facts.named("end/") if cell.time == ended]
    if not told:
        # Nobody told an end: whoever asked says how it was known.
        told = [cell for _, cell in facts.named(GONE) if cell.time == ended]
    if not told:
        return None
    return _pair(told[0].value)[1] or facts.text("end_reason") or None


def _reason(fact: Fact) -> str:
    said = dict(fact.detail.said) if isinstance(fact.detail, NoteDetail) else {}
    return said.get("reason", "")


def _pair(value: Value) -> tuple[str, str]:
    return (value[0], value[1]) if isinstance(value, tuple) and len(value) == 2 else ("", "")
