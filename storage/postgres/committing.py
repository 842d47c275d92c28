"""A batch becomes durable in four round trips: lock, load, write, commit."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial

import asyncpg
import msgspec

from hub.events import Delivery
from hub.ports import Changes, Committed, Document, Erased, Foldable
from storage.postgres.loading import asked, columns, loaded_of, place_of
from storage.postgres.session import Session
from storage.rows import delivery_row, event_row, redriven_row, subject_rows, topic_rows

Folder = Callable[[Sequence[Delivery]], Foldable]

_DOCUMENT = tuple(field.name for field in msgspec.structs.fields(Document))
_DELIVERY = (
    "ids", "sources", "scopes", "keys", "received", "verdicts", "reasons", "types", "event_times", "about", "headers",
    "bodies",
)  # fmt: skip
_REDRIVEN = ("redriven", "new_verdicts", "new_reasons", "new_types", "new_times", "new_about")


async def commit(
    session: Session, thread: Executor, folder: Folder, make_epoch: Callable[[], str], deliveries: Sequence[Delivery]
) -> Committed:
    """Fold deliveries into the log and the state, or leave both as they were.

    A database that was restored, or has a new primary, may lack what the log had told already: it gets a new name.
    """
    loop = asyncio.get_running_loop()
    async with session.writing():
        batch = folder(deliveries)
        rows = await session.rows("load", **asked(batch.needs))
        place = place_of(rows)
        epoch = make_epoch() if place.is_restored else place.epoch
        # In a thread: it takes milliseconds, and viewers are to be served meanwhile.
        changes, values = await loop.run_in_executor(thread, partial(_folded, batch, rows))
        if place.is_restored:
            await session.write("name_log", epoch=epoch)
        if changes.erased != Erased():
            await _erase(session, changes.erased)
        if deliveries:
            await session.write("write", **values)
    return Committed(outcomes=changes.outcomes, events=tuple(event for event, _ in changes.events), epoch=epoch)


def _folded(batch: Foldable, rows: Sequence[asyncpg.Record]) -> tuple[Changes, dict[str, object]]:
    changes = batch.fold(loaded_of(rows))
    return changes, _written(changes)


async def _erase(session: Session, erased: Erased) -> None:
    topics = list(erased.topics)
    for query in ("erase_deliveries", "erase_events", "erase_state", "erase_documents"):
        await session.write(query, topics=topics)
    subjects, parts = columns(erased.parts, 2)
    await session.write("erase_parts", subjects=subjects, parts=parts)


def _written(changes: Changes) -> dict[str, object]:
    """Return everything to be written as the values of `write`: a list for each column."""
    values: dict[str, object] = {"gone": list(changes.gone)}
    values |= _named(_DELIVERY, [delivery_row(kept) for kept in changes.deliveries])
    # Who was read twice ends as the second time says; so does whose key came twice.
    redriven = {kept.id: tuple(redriven_row(kept).values()) for kept in changes.redriven}
    values |= _named(_REDRIVEN, redriven.values())
    keys = {(kept.delivery.scope, kept.delivery.key): kept for kept in changes.deliveries}
    known = [(*key, kept.id, kept.delivery.received_at) for key, kept in keys.items()]
    values |= _named(("known_scopes", "known_keys", "known_ids", "known_at"), known)
    values |= _named(("copied", "copies", "copied_at"), _copies(changes))
    values |= _named(("subjects", "subjects_at", "subjects_of"), subject_rows(changes))
    events = [event_row(event, delivery) for event, delivery in changes.events]
    values |= _named(("sequences", "event_of", "event_topics", "event_bodies"), events)
    values |= _named(("topics", "topic_sequences"), topic_rows(changes))
    values |= _named(("dropped", "dropped_parts"), changes.dropped)
    states = [(*key, body) for key, body in changes.states.items()]
    values |= _named(("state_subjects", "state_parts", "state_bodies"), states)
    refreshed = [(topic, one.begun, one.hidden) for topic, one in changes.refreshed.items()]
    values |= _named(("refreshed", "begun", "beside"), refreshed)
    documents = list(changes.documents.values())
    values |= {f"d_{name}": [getattr(one, name) for one in documents] for name in _DOCUMENT}
    return values


def _copies(changes: Changes) -> list[tuple[object, ...]]:
    """Return of each delivery that came again how often, and when for the last time."""
    counted: dict[int, tuple[int, int]] = {}
    for delivery, received_at in changes.copies:
        counted[delivery] = (counted.get(delivery, (0, 0))[0] + 1, received_at)
    return [(delivery, *told) for delivery, told in counted.items()]


def _named(names: Sequence[str], rows: Iterable[tuple[object, ...]]) -> dict[str, object]:
    return dict(zip(names, columns(rows, len(names)), strict=True))
