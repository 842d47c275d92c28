"""The state that a batch has to see: what it names, and of durable rooms no more than it can change."""

import json
from collections.abc import Iterable, Mapping

from hub.ports import Depth, Needs, StateKey
from storage.rows import Row
from storage.sqlite.connection import Session

_DECIDED = "own"

States = dict[StateKey, bytes]
Siblings = dict[str, dict[str, bytes]]


def load_states(session: Session, needs: Needs) -> tuple[States, Siblings]:
    """Return the parts of everything that is wanted, and what is kept beside the sessions of shared durable rooms."""
    homes = {topic: row for topic, _ in needs.homed if (row := session.row("home", topic=topic))}
    owners = {row["parent"] for topic in needs.captures if (row := session.row("owner", topic=topic))}
    subjects = needs.subjects | owners | {row["durable"] for row in homes.values()} - {""}
    states = _parts(session, subjects)
    durables = _depths(needs, homes.values(), states)
    siblings = {
        topic: {row["topic"]: row["hidden"] for row in session.rows("siblings", durable=topic)}
        for topic, depth in durables.items()
        if depth >= Depth.SHARED
    }
    wanted = {found for topic in siblings for found in _sessions(session, topic, durables[topic], needs, homes)}
    return states | _parts(session, wanted - subjects), siblings


def _depths(needs: Needs, homes: Iterable[Row], states: States) -> dict[str, Depth]:
    """Return how much is wanted of each durable room."""
    depths = {row["durable"]: Depth.TOLD for row in homes if row["durable"]}
    for topic, depth in needs.durables:
        depths[topic] = max(depth, depths.get(topic, depth))
    for subject, part in states:
        if subject in depths:
            depths[subject] = max(depths[subject], Depth.CURRENT if part == _DECIDED else Depth.SHARED)
    return depths


def _sessions(session: Session, durable: str, depth: Depth, needs: Needs, homes: Mapping[str, Row]) -> set[str]:
    if depth is Depth.WHOLE:
        return {row["topic"] for row in session.rows("sessions", durable=durable)}
    found = {row["topic"] for row in session.rows("current_here", durable=durable)} if depth is Depth.CURRENT else set()
    named = json.dumps(sorted({topic for topic, _ in needs.homed}))
    for time in _times(durable, needs, homes):
        found |= {row["topic"] for row in session.rows("begun_before", durable=durable, time=time, named=named)}
    return found


def _times(durable: str, needs: Needs, homes: Mapping[str, Row]) -> set[int]:
    """Return when something happened in a durable room, and when the batch's sessions began that are of it."""
    rooms = {topic for topic, told in needs.homed if durable == told or durable == _home(topic, homes)}
    times = {time for topic, time in needs.times if topic == durable or topic in rooms}
    return times | {homes[topic]["began_at"] for topic in rooms if topic in homes}


def _home(topic: str, homes: Mapping[str, Row]) -> str:
    return str(homes[topic]["durable"]) if topic in homes else ""


def _parts(session: Session, subjects: Iterable[str]) -> States:
    return {
        (subject, row["part"]): row["body"] for subject in subjects for row in session.rows("parts", subject=subject)
    }
