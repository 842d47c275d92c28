"""A store in memory, as `hub/ports.py` describes one: it keeps what a fold writes and answers what a fold needs."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from hub.events import Delivery, Event
from hub.fold import Batch, Recall, Rules
from hub.ports import Changes, DeliveryRow, Document, Known, Loaded, Needs, StateKey, Status
from tests.loading import needed

_SEGMENT = "~segment/"


class MemoryLog:
    """The log, the state and the documents in dicts. `commit` is the only way in, and there is no other writer."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self._recall = Recall()
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
        batch = Batch(tuple(deliveries), self.rules, self._recall)
        changes = batch.fold(self.load(batch.needs))
        self._write(changes)
        return changes

    def forget(self) -> None:
        """Remember nothing but what is stored, as a process that starts anew."""
        self._recall = Recall()

    def load(self, needs: Needs) -> Loaded:
        """Return what a batch needs to see."""
        states, siblings = needed(needs, self.states, self.documents)
        return Loaded(
            head=self.head,
            last_delivery=self.deliveries[-1].id if self.deliveries else 0,
            known={
                key: msgspec.structs.replace(known, copies=self.copies[known.delivery])
                for key, known in self._known.items()
                if key in needs.keys
            },
            states=states,
            siblings=siblings,
            items={key: self.states[key] for key in needs.items if key in self.states},
            segments={bot: self._generations(bot) for bot in needs.counted},
            dead=frozenset(row.id for row in self.deliveries if row.id in needs.redriven and row.status is Status.DEAD),
        )

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
        for key in changes.dropped:
            self.states.pop(key, None)
        self.states |= changes.states
        for topic in changes.gone:
            self.documents.pop(topic, None)
        self.documents |= changes.documents
        self.documents |= {topic: one.applied(self.documents[topic]) for topic, one in changes.refreshed.items()}
