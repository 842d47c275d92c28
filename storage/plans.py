"""Which query answers a question with the least to look through, and with which values; the same for every database."""

from collections.abc import Iterable

from hub.events import COLLECTIONS
from hub.ports import REFUSED_PREFIX, ArrivalQuery, Query

EVERYTHING = "*"
# What a collection's snapshot shows.
SHOWN = ("bots", "rooms", "schedules")
FIRST, LAST = -(2**63), 2**63 - 1
# Which collections the owners of a collection's documents are in.
_OWNERS = {"participants": ("rooms",), "recordings": ("bots", "rooms")}


def owners_of(topics: frozenset[str]) -> frozenset[str]:
    """Return the collections of which everything is asked for."""
    return frozenset(COLLECTIONS) if EVERYTHING in topics else topics & frozenset(COLLECTIONS)


def singles_of(topics: frozenset[str]) -> list[str]:
    """Return the single bots, rooms and schedules that are asked for, in order."""
    return sorted(topic for topic in topics if "/" in topic)


def list_plan(query: Query, owners: frozenset[str]) -> str:
    """Choose the query for a list of documents."""
    if query.parent:
        return "list_parts"
    wide = owners & set(_OWNERS.get(query.collection, (query.collection,)))
    if query.name or query.room_id or not wide:
        return "list_found"
    order = f"by_{query.sort}"
    return f"list_status_{order}" if query.status else f"list_{order}"


def list_values(query: Query, owners: Iterable[str], entities: Iterable[str]) -> dict[str, object]:
    """Return the values of a query for a list of documents."""
    value, topic = query.after or (FIRST if query.parent else LAST, "")
    return {
        "collection": query.collection,
        "status": query.status,
        "provider": query.provider,
        "name": query.name,
        "room_id": query.room_id,
        "parent": query.parent,
        "sort": query.sort,
        "since": query.since,
        "until": query.until,
        "limit": query.limit,
        "value": value,
        "topic": topic,
        "owners": sorted(owners),
        "entities": sorted(entities),
    }


def arrivals_plan(query: ArrivalQuery) -> str:
    """Choose the query for a list of deliveries."""
    if query.subject:
        return "arrivals_of_subject"
    if query.verdict == "dead":
        return "arrivals_dead"
    return "arrivals_of_source" if query.source else "arrivals"


def arrivals_values(query: ArrivalQuery, *, refused: bool) -> dict[str, object]:
    """Return the values of a query for a list of deliveries, or of refused requests."""
    value, identity = query.after or (LAST, "")
    return {
        "source": query.source,
        "verdict": query.verdict,
        "subject": query.subject,
        "since": FIRST if query.since is None else query.since,
        "until": LAST if query.until is None else query.until,
        "value": value,
        "id": _place(identity, refused=refused),
        "limit": query.limit,
    }


def number_of(identity: str) -> int | None:
    """Return the number of `17` or `q17`, None for anything else."""
    digits = identity.removeprefix(REFUSED_PREFIX)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def _place(identity: str, *, refused: bool) -> int:
    """Return the id below which a table goes on; deliveries of a millisecond come before its refused requests."""
    number = number_of(identity)
    if number is None:
        return LAST
    if identity.startswith(REFUSED_PREFIX) == refused:
        return number
    return LAST if refused else FIRST
