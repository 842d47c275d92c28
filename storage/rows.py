"""Between what the hub speaks of and the rows in which stores keep it."""

import json
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from hub.events import Delivery, Event, Verdict
from hub.ports import REFUSED, REFUSED_PREFIX, Arrived, Changes, DeliveryRow, Document, Page, Refusal

_ARRIVED_COLUMNS = tuple(field.name for field in msgspec.structs.fields(Arrived) if field.name != "id")
_REFUSAL_COLUMNS = tuple(field.name for field in msgspec.structs.fields(Refusal))
_DOCUMENT_COLUMNS = tuple(field.name for field in msgspec.structs.fields(Document) if field.name != "over")


class Row(Protocol):
    """A row as every driver gives it."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401 -- Any: the schema says the type of a column
        """Return the value of a column."""
        ...


def delivery_row(kept: DeliveryRow) -> tuple[object, ...]:
    """Return a delivery in the order of `insert_delivery`."""
    delivery = kept.delivery
    return (
        kept.id,
        delivery.source,
        delivery.scope,
        delivery.key,
        delivery.received_at,
        kept.status.value,
        kept.reason,
        delivery.provider_type,
        delivery.event_time,
        json.dumps(delivery.subjects),
        headers_text(delivery.headers),
        delivery.body,
    )


def redriven_row(kept: DeliveryRow) -> dict[str, object]:
    """Return by column what changes of a delivery that was read once more."""
    return {
        "id": kept.id,
        "verdict": kept.status.value,
        "reason": kept.reason,
        "provider_type": kept.delivery.provider_type,
        "event_time": kept.delivery.event_time,
        "subjects": json.dumps(kept.delivery.subjects),
    }


def subject_rows(changes: Changes) -> Iterator[tuple[str, int, int]]:
    """Yield every topic that a delivery is about, with when that was received and its id."""
    for kept in (*changes.deliveries, *changes.redriven):
        yield from ((subject, kept.delivery.received_at, kept.id) for subject in kept.delivery.subjects)


def arrived_of(row: Row) -> Arrived:
    """Return what a list shows of a delivery or a refused request."""
    identity = f"{REFUSED_PREFIX if row['verdict'] == REFUSED else ''}{row['id']}"
    return Arrived(id=identity, **{name: row[name] for name in _ARRIVED_COLUMNS})


def delivery_of(row: Row) -> Delivery:
    """Return the delivery of a row, without its facts, which are not kept."""
    return Delivery(
        source=row["source"],
        scope=row["scope"],
        key=row["key"],
        received_at=row["received_at"],
        body=row["body"],
        headers=headers_of(row["headers"]),
        provider_type=row["provider_type"],
        verdict=Verdict(row["verdict"]),
        reason=row["reason"],
    )


def refusal_row(refusal: Refusal) -> dict[str, object]:
    """Return a refused request by column."""
    return msgspec.structs.asdict(refusal) | {"headers": headers_text(refusal.headers)}


def refusal_of(row: Row) -> Refusal:
    """Return the refused request of a row."""
    columns = {name: row[name] for name in _REFUSAL_COLUMNS}
    return Refusal(**{**columns, "headers": headers_of(row["headers"])})


def headers_text(headers: tuple[tuple[str, str], ...]) -> str:
    """Return headers as JSON in plain ASCII: their values may hold bytes that are no UTF-8."""
    return json.dumps(headers)


def headers_of(text: str) -> tuple[tuple[str, str], ...]:
    """Return headers as they were."""
    return tuple((name, value) for name, value in json.loads(text))


def event_row(event: Event, delivery: int) -> tuple[object, ...]:
    """Return an event in the order of `insert_event`."""
    return event.sequence, delivery, json.dumps(event.topics), event.body


def topic_rows(changes: Changes) -> Iterator[tuple[str, int]]:
    """Yield every topic of every event, but `*`, which is the whole log."""
    for event, _ in changes.events:
        yield from ((topic, event.sequence) for topic in dict.fromkeys(event.topics) if topic != "*")


def event_of(row: Row) -> Event:
    """Return the event of a row."""
    return Event(sequence=row["sequence"], topics=tuple(json.loads(row["topics"])), body=row["body"])


def page_of(events: tuple[Event, ...], limit: int, place: Row) -> Page:
    """Return a stretch of the log with where that begins and ends; it reaches to the end unless it was cut."""
    is_cut = len(events) == limit and events
    return Page(
        events=events,
        through=events[-1].sequence if is_cut else place["head"],
        floor=place["floor"],
        head=place["head"],
        epoch=place["epoch"],
    )


def document_row(document: Document) -> dict[str, object]:
    """Return a document by column."""
    return msgspec.structs.asdict(document) | {"over": int(document.over)}


def document_of(row: Row) -> Document:
    """Return the document of a row."""
    return Document(over=bool(row["over"]), **{name: row[name] for name in _DOCUMENT_COLUMNS})
