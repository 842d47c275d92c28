"""What arrived: lists of it, one of it whole, and the quarantine of what was refused."""

from collections.abc import Sequence

from hub.ports import REFUSED, REFUSED_PREFIX, ArrivalQuery, Arrivals, Arrived, Kept, Refusal, Traffic, TrafficQuery
from storage.plans import arrivals_plan, arrivals_values, number_of
from storage.postgres.reading import position
from storage.postgres.session import Session
from storage.rows import arrived_of, delivery_of, event_of, refusal_of, refusal_row
from storage.traffic import QUERIES, traffic_of, traffic_values


async def arrivals(session: Session, query: ArrivalQuery) -> Arrivals:
    """Return what arrived, newest first; of what came in the same millisecond, deliveries before refused requests."""
    async with session.reading():
        found: list[Arrived] = []
        if query.verdict != REFUSED:
            rows = await session.rows(arrivals_plan(query), **arrivals_values(query, refused=False))
            found += map(arrived_of, rows)
        if query.verdict in ("", REFUSED) and not query.subject:
            rows = await session.rows("arrivals_refused", **arrivals_values(query, refused=True))
            found += map(arrived_of, rows)
        # Sorting is stable, and each of the two is in order already.
        found.sort(key=lambda one: -one.received_at)
        return Arrivals(tuple(found[: query.limit]), await position(session))


async def arrival(session: Session, identity: str) -> Kept | None:
    """Return a delivery or a refused request whole, None when there is none by this id."""
    number = number_of(identity)
    if number is None:
        return None
    async with session.reading():
        if identity.startswith(REFUSED_PREFIX):
            return await _refusal(session, number)
        return await _delivery(session, number)


async def traffic(session: Session, query: TrafficQuery) -> Traffic:
    """Return how much arrived by some sources."""
    values = traffic_values(query, list(query.sources))
    async with session.reading():
        answers = {name: await session.rows(name, **values) for name in QUERIES}
        return traffic_of(query, answers, await position(session))


async def quarantine(session: Session, refusals: Sequence[Refusal], limit: int) -> tuple[str, ...]:
    """Keep refused requests, of each source the latest `limit`; return their ids."""
    rows = [refusal_row(refusal) for refusal in refusals]
    columns: dict[str, object] = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
    if not columns:
        return ()
    async with session.writing():
        kept = await session.rows("insert_refusals", **columns)
        await session.write("bound_quarantine", sources=sorted({one.source for one in refusals}), limit=limit)
    return tuple(f"{REFUSED_PREFIX}{row['id']}" for row in kept)


async def release(session: Session, identity: str) -> None:
    """Let a refused request go."""
    async with session.writing():
        await session.write("release", id=number_of(identity))


async def _delivery(session: Session, number: int) -> Kept | None:
    row = await session.row("arrival", id=number)
    if row is None:
        return None
    events = tuple(map(event_of, await session.rows("arrival_events", id=number)))
    return Kept(arrived=arrived_of(row), original=delivery_of(row), position=await position(session), events=events)


async def _refusal(session: Session, number: int) -> Kept | None:
    row = await session.row("refusal", id=number)
    if row is None:
        return None
    return Kept(arrived=arrived_of(row), original=refusal_of(row), position=await position(session))
