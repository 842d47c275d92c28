"""What arrived: lists of it, one of it whole, and the quarantine of what was refused."""

from collections.abc import Sequence

from hub.ports import (
    REFUSED,
    REFUSED_PREFIX,
    ArrivalQuery,
    Arrivals,
    Arrived,
    Kept,
    Refusal,
)
from storage.rows import arrived_of, delivery_of, event_of, refusal_of, refusal_row
from storage.sqlite.connection import Session
from storage.sqlite.reading import position

_FIRST, _LAST = -(2**63), 2**63 - 1


def arrivals(session: Session, query: ArrivalQuery) -> Arrivals:
    """Return what arrived, newest first; of what came in the same millisecond, deliveries before refused requests."""
    with session.reading():
        found: list[Arrived] = []
        if query.verdict != REFUSED:
            found += map(arrived_of, session.rows(_plan(query), **_values(query, refused=False)))
        if query.verdict in ("", REFUSED) and not query.subject:
            found += map(arrived_of, session.rows("arrivals_refused", **_values(query, refused=True)))
        # Sorting is stable, and each of the two is in order already.
        found.sort(key=lambda one: -one.received_at)
        return Arrivals(tuple(found[: query.limit]), position(session))


def arrival(session: Session, identity: str) -> Kept | None:
    """Return a delivery or a refused request whole, None when there is none by this id."""
    number = _number(identity)
    if number is None:
        return None
    with session.reading():
        return _refusal(session, number) if identity.startswith(REFUSED_PREFIX) else _delivery(session, number)


def quarantine(session: Session, refusals: Sequence[Refusal], limit: int) -> tuple[str, ...]:
    """Keep refused requests, of each source the latest `limit`; return their ids."""
    with session.writing():
        numbers = [session.one("insert_refusal", **refusal_row(refusal))["id"] for refusal in refusals]
        for source in {refusal.source for refusal in refusals}:
            session.write("bound_quarantine", source=source, limit=limit)
    return tuple(f"{REFUSED_PREFIX}{number}" for number in numbers)


def release(session: Session, identity: str) -> None:
    """Let a refused request go."""
    with session.writing():
        session.write("release", id=_number(identity))


def _delivery(session: Session, number: int) -> Kept | None:
    row = session.row("arrival", id=number)
    if row is None:
        return None
    events = tuple(map(event_of, session.rows("arrival_events", id=number)))
    return Kept(arrived=arrived_of(row), original=delivery_of(row), position=position(session), events=events)


def _refusal(session: Session, number: int) -> Kept | None:
    row = session.row("refusal", id=number)
    return None if row is None else Kept(arrived=arrived_of(row), original=refusal_of(row), position=position(session))


def _plan(query: ArrivalQuery) -> str:
    """Choose the query whose index leaves the least to look through."""
    if query.subject:
        return "arrivals_of_subject"
    if query.verdict == "dead":
        return "arrivals_dead"
    return "arrivals_of_source" if query.source else "arrivals"


def _values(query: ArrivalQuery, *, refused: bool) -> dict[str, object]:
    value, identity = query.after or (_LAST, "")
    return {
        "source": query.source,
        "verdict": query.verdict,
        "subject": query.subject,
        "since": _FIRST if query.since is None else query.since,
        "until": _LAST if query.until is None else query.until,
        "value": value,
        "id": _place(identity, refused=refused),
        "limit": query.limit,
    }


def _place(identity: str, *, refused: bool) -> int:
    """Return the id below which a table goes on; deliveries of a millisecond come before its refused requests."""
    number = _number(identity)
    if number is None:
        return _LAST
    if identity.startswith(REFUSED_PREFIX) == refused:
        return number
    return _LAST if refused else _FIRST


def _number(identity: str) -> int | None:
    digits = identity.removeprefix(REFUSED_PREFIX)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None
