"""What arrived: lists of it, one of it whole, and the quarantine of what was refused."""

import json
from collections.abc import Sequence

from hub.ports import (
    REFUSED,
    REFUSED_PREFIX,
    ArrivalQuery,
    Arrivals,
    Arrived,
    Kept,
    Refusal,
    Traffic,
    TrafficQuery,
)
from storage.plans import arrivals_plan, arrivals_values, number_of
from storage.rows import arrived_of, delivery_of, event_of, refusal_of, refusal_row
from storage.sqlite.connection import Session
from storage.sqlite.reading import position
from storage.traffic import QUERIES, traffic_of, traffic_values


def arrivals(session: Session, query: ArrivalQuery) -> Arrivals:
    """Return what arrived, newest first; of what came in the same millisecond, deliveries before refused requests."""
    with session.reading():
        found: list[Arrived] = []
        if query.verdict != REFUSED:
            found += map(arrived_of, session.rows(arrivals_plan(query), **arrivals_values(query, refused=False)))
        if query.verdict in ("", REFUSED) and not query.subject:
            found += map(arrived_of, session.rows("arrivals_refused", **arrivals_values(query, refused=True)))
        # Sorting is stable, and each of the two is in order already.
        found.sort(key=lambda one: -one.received_at)
        return Arrivals(tuple(found[: query.limit]), position(session))


def arrival(session: Session, identity: str) -> Kept | None:
    """Return a delivery or a refused request whole, None when there is none by this id."""
    number = number_of(identity)
    if number is None:
        return None
    with session.reading():
        return _refusal(session, number) if identity.startswith(REFUSED_PREFIX) else _delivery(session, number)


def traffic(session: Session, query: TrafficQuery) -> Traffic:
    """Return how much arrived by some sources."""
    values = traffic_values(query, json.dumps(query.sources))
    with session.reading():
        answers = {name: session.rows(name, **values) for name in QUERIES}
        return traffic_of(query, answers, position(session))


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
        session.write("release", id=number_of(identity))


def _delivery(session: Session, number: int) -> Kept | None:
    row = session.row("arrival", id=number)
    if row is None:
        return None
    events = tuple(map(event_of, session.rows("arrival_events", id=number)))
    return Kept(arrived=arrived_of(row), original=delivery_of(row), position=position(session), events=events)


def _refusal(session: Session, number: int) -> Kept | None:
    row = session.row("refusal", id=number)
    return None if row is None else Kept(arrived=arrived_of(row), original=refusal_of(row), position=position(session))
