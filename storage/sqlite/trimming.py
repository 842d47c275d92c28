"""Retention: the floor is raised first, then what lies below it goes, a little at a time."""

from storage.sqlite.connection import Session

CHUNK = 1000


def raise_floor(session: Session, before: int) -> None:
    """Promise nothing any more of what was received before a time."""
    with session.writing():
        last = session.one("last_received", before=before)
        session.write("raise_floor", delivery=last["id"])
        session.write("raise_trimmed", delivery=last["id"])


def trim_events(session: Session) -> int:
    """Delete some events below the floor; return how many went."""
    with session.writing():
        last = session.one("last_trimmed", limit=CHUNK)
        if last["sequence"] is None:
            return 0
        session.write("trim_topics", sequence=last["sequence"])
        return session.write("trim_events", sequence=last["sequence"])


def trim_deliveries(session: Session, before: int) -> int:
    """Delete some deliveries that were received before a time, with their keys; return how many went."""
    with session.writing():
        session.write("trim_keys", before=before, limit=CHUNK)
        session.write("trim_subjects", before=before, limit=CHUNK)
        return session.write("trim_deliveries", before=before, limit=CHUNK)


def trim_quarantine(session: Session, before: int) -> None:
    """Delete the requests without a valid proof that were received before a time."""
    with session.writing():
        session.write("trim_quarantine", before=before)
