"""Between what the hub speaks of and the rows in which stores keep it."""

import json
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from hub.events import Delivery, Event
from hub.ports import Changes, DeliveryRow, Document

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
        headers_text(delivery),
        delivery.body,
    )


def headers_text(delivery: Delivery) -> str:
    """Return the headers as JSON in plain ASCII: header values may hold bytes that are no UTF-8."""
    return json.dumps(delivery.headers)


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


def document_row(document: Document) -> dict[str, object]:
    """Return a document by column."""
    return msgspec.structs.asdict(document) | {"over": int(document.over)}


def document_of(row: Row) -> Document:
    """Return the document of a row."""
    return Document(over=bool(row["over"]), **{name: row[name] for name in _DOCUMENT_COLUMNS})
