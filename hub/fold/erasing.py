"""Erasing what is known of a bot, a session or a durable room: what remains is that something was there."""

from collections.abc import Iterator

from hub.events import Fact
from hub.fold.bots import BotWork
from hub.fold.compose import Change, Entry
from hub.fold.household import Household
from hub.fold.parts import SCHEDULE, TOMBSTONE
from hub.fold.rooms import corrections, topics_of
from hub.ports import Erased, StateKey
from hub.state.capture import Document
from hub.state.facts import Cell, Facts


def erase_bot(fact: Fact, known: BotWork) -> Change:
    """Return the entry that tells of it; `gone` are its documents."""
    said: Document = {"bot": {"id": fact.bot, "erased": True}}
    also = (known.alias,) if known.alias else ()
    return Change(Entry(fact.kind, fact.entity, also, fact, said), gone=frozenset(known.documents()))


def tombstones(fact: Fact, known: BotWork) -> dict[StateKey, Facts]:
    """Return what is kept of an erased bot and its launch: what is told of them from now on is let go of."""
    that = Facts(first={TOMBSTONE: Cell(fact.time, "")})
    return {(topic, TOMBSTONE): that for topic in (fact.entity, known.alias) if topic}


def erase_room(fact: Fact, before: Household, after: Household) -> tuple[list[Change], Erased]:
    """Take a session, or all of a durable room, out of `after`; return what tells of it, and what else goes."""
    sessions = {fact.room} if fact.room else before.everybody() | {before.durable}
    gone = after.forget(sessions, all_of_it=not fact.room)
    parts = frozenset((f"rooms/{before.kept[part]}", part) for part in gone if part in before.kept)
    changes = [_erased(fact, session, before) for session in sorted(sessions)]
    changes += _others(fact, before, after, sessions)
    topics = {f"rooms/{session}" for session in sessions}
    if not fact.room:
        # What was planned says who was to come, also what is cancelled by now.
        planned = (part.removeprefix(SCHEDULE) for part in before.shared if part.startswith(SCHEDULE))
        topics |= {f"schedules/{identity}" for identity in planned}
    return changes, Erased(frozenset(topics), parts)


def _erased(fact: Fact, session: str, before: Household) -> Change:
    durable = before.durable
    also = (f"rooms/{durable}",) if durable and durable != session else ()
    said: Document = {"room": {"id": session, "durable_room": durable or None, "erased": True}}
    entry = Entry(fact.kind, f"rooms/{session}", also, fact, said)
    return Change(entry, gone=topics_of(before.derive(session)))


def _others(fact: Fact, before: Household, after: Household, erased: set[str]) -> Iterator[Change]:
    for session in sorted(before.everybody() - erased):
        yield from corrections(fact, session, before, after)
