"""Batches simple enough to see through: each new delivery is one event, one part of a state, and what a test adds."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest

from hub.events import Delivery, Event, Fact, Verdict
from hub.ports import (
    Changes,
    Committed,
    DeliveryRow,
    Document,
    Erased,
    Foldable,
    Known,
    Loaded,
    Needs,
    Outcome,
    Refreshed,
    StateKey,
    Status,
    Store,
)

Folder = Callable[[Sequence[Delivery]], Foldable]
# Opens a store by the name of its data: the same name is the same data, however often it is opened and closed.
Opener = Callable[..., Awaitable[Store]]

SUBJECT = "rooms/plain:deliveries"


def delivery(
    key: str,
    *topics: str,
    body: bytes = b"{}",
    received_at: int = 1_000,
    window_ms: int | None = None,
    verdict: Verdict = Verdict.ACCEPTED,
    scope: str = "plain/",
    source: str = "plain",
    facts: tuple[Fact, ...] = (),
    redrive: int | None = None,
) -> Delivery:
    """Return a delivery that becomes one event of these topics with this body."""
    return Delivery(
        source=source,
        scope=scope,
        key=key,
        window_ms=window_ms,
        received_at=received_at,
        body=body,
        headers=tuple(("topic", topic) for topic in topics),
        verdict=verdict,
        facts=facts,
        redrive=redrive,
    )


@dataclass
class Folding:
    """Makes plain batches; a test says what else the next ones need and write, and sees what they were given."""

    needs: Needs = Needs(frozenset(), frozenset(), frozenset(), frozenset())
    states: dict[StateKey, bytes] = field(default_factory=dict)
    documents: tuple[Document, ...] = ()
    gone: frozenset[str] = frozenset()
    erased: Erased = Erased()
    dropped: frozenset[StateKey] = frozenset()
    refreshed: dict[str, Refreshed] = field(default_factory=dict)
    # Put where the next sequence should be, to make writing fail.
    skew: int = 0
    failure: Exception | None = None
    loaded: Loaded = Loaded(0, 0, {}, {}, {}, {})

    def __call__(self, deliveries: Sequence[Delivery]) -> Foldable:
        return _Plain(deliveries, self)


class _Plain:
    def __init__(self, deliveries: Sequence[Delivery], folding: Folding) -> None:
        self._deliveries = deliveries
        self._folding = folding
        keys = folding.needs.keys | {(one.scope, one.key) for one in deliveries}
        redriven = frozenset(one.redrive for one in deliveries if one.redrive is not None)
        self.needs = msgspec.structs.replace(folding.needs, keys=keys, redriven=redriven)

    def fold(self, loaded: Loaded) -> Changes:
        folding = self._folding
        folding.loaded = loaded
        if folding.failure:
            raise folding.failure
        outcomes, rows, copies = _deduplicated(self._deliveries, loaded)
        first = loaded.head + 1 + folding.skew
        redriven = tuple(row for row in rows if row.delivery.redrive is not None)
        accepted = [row for row in rows if row.status is Status.ACCEPTED]
        return Changes(
            outcomes=tuple(outcomes),
            deliveries=tuple(row for row in rows if row not in redriven),
            copies=tuple(copies),
            events=tuple((_event(row.delivery, sequence), row.id) for sequence, row in enumerate(accepted, first)),
            states={(SUBJECT, row.delivery.key): row.delivery.body for row in accepted} | folding.states,
            documents={document.topic: document for document in folding.documents},
            gone=folding.gone,
            redriven=redriven,
            erased=folding.erased,
            dropped=folding.dropped,
            refreshed=folding.refreshed,
        )


def _deduplicated(
    deliveries: Sequence[Delivery], loaded: Loaded
) -> tuple[list[Outcome], list[DeliveryRow], list[tuple[int, int]]]:
    known, last = dict(loaded.known), loaded.last_delivery
    outcomes: list[Outcome] = []
    rows: list[DeliveryRow] = []
    copies: list[tuple[int, int]] = []
    for one in deliveries:
        status = Status(one.verdict.value)
        if one.redrive is not None:
            is_dead = one.redrive in loaded.dead
            outcomes.append(Outcome(status if is_dead else Status.DUPLICATE, one.redrive, one.reason))
            rows += [DeliveryRow(one.redrive, one, status, one.reason)] if is_dead else []
            continue
        before = known.get((one.scope, one.key))
        if before and (one.window_ms is None or one.received_at - before.received_at <= one.window_ms):
            outcomes.append(Outcome(Status.DUPLICATE, before.delivery))
            copies.append((before.delivery, one.received_at))
            continue
        last += 1
        known[one.scope, one.key] = Known(last, one.received_at)
        outcomes.append(Outcome(status, last, one.reason))
        rows.append(DeliveryRow(last, one, status, one.reason))
    return outcomes, rows, copies


def _event(one: Delivery, sequence: int) -> Event:
    topics = tuple(topic for name, topic in one.headers if name == "topic")
    return Event(sequence=sequence, topics=topics, body=one.body)


class StoreRules:
    """The fixtures that rules of a store share."""

    @pytest.fixture
    def open_store(self) -> Opener:
        """Return a function that opens a store with a folder, and close at the end what is still open."""
        raise NotImplementedError

    @pytest.fixture
    def folding(self) -> Folding:
        """Return what makes the batches of `store`."""
        return Folding()

    @pytest.fixture
    async def store(self, open_store: Opener, folding: Folding) -> Store:
        """Return a new store that folds plainly."""
        return await open_store(folding)


async def write(store: Store, folding: Folding, **additions: object) -> Committed:
    """Commit one delivery that was never there, with additions to what its batch needs and writes."""
    before = {name: getattr(folding, name) for name in additions}
    for name, value in additions.items():
        setattr(folding, name, value)
    try:
        head = await store.position()
        return await store.commit([delivery(f"write/{head.sequence}", "rooms")])
    finally:
        for name, value in before.items():
            setattr(folding, name, value)


def document(topic: str, **fields: object) -> Document:
    """Return a document; its collection and parent follow from its topic unless they are given."""
    collection, _, _ = topic.partition("/")
    return Document(**{"topic": topic, "collection": collection, "parent": topic, "body": topic.encode(), **fields})


def needs(**wanted: object) -> Needs:
    """Return needs of which only some are given."""
    empty: dict[str, object] = dict.fromkeys(("keys", "subjects", "items", "counted"), frozenset())
    return Needs(**{**empty, **{name: frozenset(value) for name, value in wanted.items()}})
