"""A store in memory, as `hub/ports.py` describes one: it keeps what a fold writes and answers what a fold needs."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from hub.events import Delivery, Event
from hub.fold import Batch, Rules
from hub.ports import Changes, DeliveryRow, Document, Known, Loaded, Needs, StateKey, Status

_SHARED, _HIDDEN, _SEGMENT = ("fact/", "own", "schedule/"), "~", "~segment/"


class MemoryLog:
    """The log, the state and the documents in dicts. `commit` is the only way in, and there is no other writer."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.events: list[Event] = []
        self.deliveries: list[DeliveryRow] = []
        self.copies: Counter[int] = Counter()
        self.documents: dict[str, Document] = {}
        self.states: dict[StateKey, bytes] = {}
        self._known: dict[tuple[str, str], Known] = {}

    @property
    def head(self) -> int:
        """The sequence of the last event."""
        return self.events[-1].sequence if self.events else 0

    def commit(self, deliveries: Iterable[Delivery]) -> Changes:
        """Fold a batch into the log, or raise and leave everything as it was."""
        batch = Batch(tuple(deliveries), self.rules)
        changes = batch.fold(self.load(batch.needs))
        self._write(changes)
        return changes

    def load(self, needs: Needs) -> Loaded:
        """Return what a batch needs to see."""
        return Loaded(
            head=self.head,
            last_delivery=self.deliveries[-1].id if self.deliveries else 0,
            known={
                key: msgspec.structs.replace(known, copies=self.copies[known.delivery])
                for key, known in self._known.items()
                if key in needs.keys
            },
            states=self._needed_states(needs),
            items={key: self.states[key] for key in needs.items if key in self.states},
            segments={bot: self._generations(bot) for bot in needs.counted},
            dead=frozenset(row.id for row in self.deliveries if row.id in needs.redriven and row.status is Status.DEAD),
        )

    def _needed_states(self, needs: Needs) -> dict[StateKey, bytes]:
        homes = {self.documents[topic].durable for topic in needs.homed if topic in self.documents}
        states = self._parts(needs.subjects | needs.nameless | homes)
        pooled = {subject for subject, part in states if part.startswith(_SHARED)}
        return states | self._parts(self._sessions(needs.nameless | pooled))

    def _parts(self, subjects: Iterable[str]) -> dict[StateKey, bytes]:
        wanted = frozenset(subjects)
        return {
            (subject, part): body
            for (subject, part), body in self.states.items()
            if subject in wanted and not part.startswith(_HIDDEN)
        }

    def _sessions(self, durables: Iterable[str]) -> set[str]:
        wanted = frozenset(durables)
        return {
            document.topic
            for document in self.documents.values()
            if document.collection == "rooms" and document.durable in wanted
        }

    def _generations(self, bot: str) -> dict[str, int]:
        return Counter(
            part.removeprefix(_SEGMENT).partition("/")[0]
            for subject, part in self.states
            if subject == bot and part.startswith(_SEGMENT)
        )

    def _erase(self, changes: Changes) -> None:
        topics = changes.erased.topics
        self.states = {
            key: body for key, body in self.states.items() if key[0] not in topics and key not in changes.erased.parts
        }
        self.documents = {topic: one for topic, one in self.documents.items() if not topics & {one.topic, one.parent}}

    def _write(self, changes: Changes) -> None:
        self._erase(changes)
        for kept in changes.deliveries:
            self.deliveries.append(kept)
            delivery = kept.delivery
            self._known[delivery.scope, delivery.key] = Known(kept.id, delivery.received_at)
        for redriven in changes.redriven:
            self.deliveries[redriven.id - 1] = redriven
        self.copies.update(delivery for delivery, _ in changes.copies)
        self.events += [event for event, _ in changes.events]
        self.states |= changes.states
        for topic in changes.gone:
            self.documents.pop(topic, None)
        self.documents |= changes.documents
