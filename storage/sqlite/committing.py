"""A batch becomes durable: what it needs is loaded, it is folded, and all of it is written, in one transaction."""

from collections.abc import Callable, Iterable, Sequence

from hub.events import Delivery
from hub.ports import Changes, Committed, Erased, Foldable, Known, Loaded, Needs, StateKey
from storage.rows import delivery_row, document_row, event_row, redriven_row, subject_rows, topic_rows
from storage.sqlite.connection import Session
from storage.sqlite.loading import load_states

Folder = Callable[[Sequence[Delivery]], Foldable]


def commit(session: Session, folder: Folder, deliveries: Sequence[Delivery]) -> Committed:
    """Fold deliveries into the log and the state, or leave both as they were."""
    with session.writing():
        batch = folder(deliveries)
        epoch = session.one("place")["epoch"]
        changes = batch.fold(_load(session, batch.needs))
        _write(session, changes)
    if changes.erased.topics:
        session.settle()
    return Committed(outcomes=changes.outcomes, events=tuple(event for event, _ in changes.events), epoch=epoch)


def _load(session: Session, needs: Needs) -> Loaded:
    """Read what a batch needs.

    One prepared look-up per key is as fast as one statement for all of them, since SQLite is in this process,
    and it has no limit of parameters.
    """
    place, last = session.one("place"), session.one("last_delivery")
    states, siblings = load_states(session, needs)
    return Loaded(
        head=place["head"],
        last_delivery=last["id"],
        known=_known(session, needs.keys),
        states=states,
        items=_items(session, needs.items),
        segments={bot: _generations(session, bot) for bot in needs.counted},
        siblings=siblings,
        dead=frozenset(one for one in needs.redriven if session.row("is_dead", id=one)),
    )


def _known(session: Session, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Known]:
    found = ((scope, key, session.row("known", scope=scope, key=key)) for scope, key in keys)
    return {(scope, key): Known(row["delivery"], row["received_at"], row["copies"]) for scope, key, row in found if row}


def _items(session: Session, keys: Iterable[StateKey]) -> dict[StateKey, bytes]:
    found = ((subject, part, session.row("part", subject=subject, part=part)) for subject, part in keys)
    return {(subject, part): row["body"] for subject, part, row in found if row}


def _generations(session: Session, bot: str) -> dict[str, int]:
    return {row["generation"]: row["segments"] for row in session.rows("generations", subject=bot)}


def _erase(session: Session, erased: Erased) -> None:
    for topic in sorted(erased.topics):
        for query in ("erase_deliveries", "erase_events", "erase_state", "erase_documents"):
            session.write(query, topic=topic)
    session.write_all("erase_part", erased.parts)


def _write(session: Session, changes: Changes) -> None:
    _erase(session, changes.erased)
    session.write_all("insert_delivery", map(delivery_row, changes.deliveries))
    session.write_all(
        "remember_key",
        ((kept.delivery.scope, kept.delivery.key, kept.id, kept.delivery.received_at) for kept in changes.deliveries),
    )
    session.write_all("redrive_delivery", map(redriven_row, changes.redriven))
    session.write_all("insert_subject", subject_rows(changes))
    session.write_all("count_copy", ((received_at, delivery) for delivery, received_at in changes.copies))
    session.write_all("insert_event", (event_row(event, delivery) for event, delivery in changes.events))
    session.write_all("insert_topic", topic_rows(changes))
    session.write_all("drop_part", changes.dropped)
    session.write_all("put_state", ((*key, body) for key, body in changes.states.items()))
    session.write_all("delete_document", ((topic,) for topic in changes.gone))
    documents = [document_row(document) for document in changes.documents.values()]
    session.write_all("put_document", documents)
    session.write_all("move_document", documents)
    session.write_all("refresh_document", ((one.begun, one.hidden, topic) for topic, one in changes.refreshed.items()))
