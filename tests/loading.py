"""What stores in memory load for a batch, by the words of `hub.ports.Needs`, on plain dicts."""

from collections.abc import Iterable, Mapping

from hub.ports import Depth, Document, Needs, StateKey

States = dict[StateKey, bytes]
Siblings = dict[str, dict[str, bytes]]


def needed(
    needs: Needs, states: Mapping[StateKey, bytes], documents: Mapping[str, Document]
) -> tuple[States, Siblings]:
    """Return the wanted parts, and what is kept beside the sessions of durable rooms that are shared."""
    return _Loading(needs, states, documents).done()


class _Loading:
    def __init__(self, needs: Needs, states: Mapping[StateKey, bytes], documents: Mapping[str, Document]) -> None:
        self._needs = needs
        self._states = states
        self._documents = documents
        self._rooms = [one for one in documents.values() if one.collection == "rooms"]
        self._homes = {topic: documents[topic].durable for topic, _ in needs.homed if topic in documents}

    def done(self) -> tuple[States, Siblings]:
        owners = {self._documents[topic].parent for topic in self._needs.captures if topic in self._documents}
        states = self._parts(
            self._needs.subjects | set(self._homes.values()) | {owner for owner in owners if owner.startswith("rooms/")}
        )
        durables = {topic for topic, _ in self._needs.durables} | set(self._homes.values()) - {""}
        shared = {topic: depth for topic in durables if (depth := self._depth(topic, states)) >= Depth.SHARED}
        siblings = {
            topic: {one.topic: one.hidden for one in self._rooms if one.durable == topic != one.topic}
            for topic in shared
        }
        sessions = {found for topic, depth in shared.items() for found in self._sessions(topic, depth)}
        return states | self._parts(sessions), siblings

    def _parts(self, subjects: Iterable[str]) -> States:
        wanted = frozenset(subjects)
        found = ((key, body) for key, body in self._states.items() if key[0] in wanted)
        return {key: body for key, body in found if not key[1].startswith("~")}

    def _depth(self, durable: str, states: States) -> Depth:
        asked = max((depth for topic, depth in self._needs.durables if topic == durable), default=Depth.TOLD)
        own = {part for subject, part in states if subject == durable}
        return max(asked, Depth.CURRENT if "own" in own else Depth.SHARED if own else Depth.TOLD)

    def _sessions(self, durable: str, depth: Depth) -> set[str]:
        here = [one for one in self._rooms if one.durable == durable]
        if depth is Depth.WHOLE:
            return {one.topic for one in here}
        named = {topic for topic, _ in self._needs.homed}
        found: set[str] = set()
        if depth is Depth.CURRENT:
            latest = max(here, key=lambda one: (one.began_at, one.topic), default=None)
            found = {one.topic for one in here if not one.over or one is latest}
        others = [one for one in here if one.topic != durable and one.topic not in named]
        for time in self._times(durable):
            begun = [one for one in others if one.began_at <= time]
            found |= {max(begun, key=lambda one: (one.began_at, one.topic)).topic} if begun else set()
        return found

    def _times(self, durable: str) -> set[int]:
        rooms = {topic for topic, told in self._needs.homed if durable in (told, self._homes.get(topic))}
        times = {time for topic, time in self._needs.times if topic == durable or topic in rooms}
        return times | {self._documents[topic].began_at for topic in rooms if topic in self._documents}
