"""How much arrived by each source, put together from rows; the same for every database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from hub.events import Position
from hub.ports import REFUSED, REFUSED_PREFIX, Flow, Reason, Traffic, TrafficQuery, Unhandled
from hub.ports.traffic import MINUTES
from storage.plans import FIRST
from storage.rows import Row

# Of a source, so many reasons are told.
_REASONS = 5
# Rows by the names of the queries that gave them.
Answers = Mapping[str, Sequence[Row]]
QUERIES = ("traffic", "last_seen", "reasons_dead", "reasons_refused", "unhandled")


def traffic_values(query: TrafficQuery, sources: object) -> dict[str, object]:
    """Return the values of the queries; `sources` are those asked for, as the database takes a list."""
    return {
        "sources": sources,
        "since": query.since,
        "until": query.until,
        "first_minute": query.first_minute,
        "first": FIRST,
        "most": query.most,
        "most_dead": query.most_dead,
    }


def traffic_of(query: TrafficQuery, answers: Answers, position: Position) -> Traffic:
    """Return the traffic that the rows tell of."""
    minutes, seen = _by_source(answers["traffic"]), {row["source"]: row["received_at"] for row in answers["last_seen"]}
    reasons = _by_source([*answers["reasons_dead"], *answers["reasons_refused"]])
    flows = tuple(_flow(name, seen.get(name), minutes[name], reasons[name]) for name in query.sources)
    return Traffic(flows, _since(query, answers["traffic"]), _unhandled(answers["unhandled"]), position)


def _by_source(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["source"]].append(row)
    return found


def _flow(source: str, last_seen: int | None, minutes: Sequence[Row], reasons: Sequence[Row]) -> Flow:
    received = {row["minute"]: row["received"] for row in minutes}
    told = sorted(map(_reason, reasons), key=lambda one: (-one.count, one.verdict, one.text))
    return Flow(
        source=source,
        last_seen=last_seen,
        received=sum(received.values()),
        duplicates=sum(row["duplicates"] for row in minutes),
        dead=sum(row["dead"] for row in minutes),
        refused=sum(one.count for one in told if one.verdict == REFUSED),
        per_minute=tuple(received.get(minute, 0) for minute in range(MINUTES)),
        reasons=tuple(told[:_REASONS]),
    )


def _reason(row: Row) -> Reason:
    prefix = REFUSED_PREFIX if row["verdict"] == REFUSED else ""
    return Reason(verdict=row["verdict"], text=row["reason"], count=row["count"], latest=f"{prefix}{row['latest']}")


def _since(query: TrafficQuery, rows: Sequence[Row]) -> int:
    is_cut = sum(row["received"] for row in rows) >= query.most
    return min(row["oldest"] for row in rows) if is_cut else query.since


def _unhandled(rows: Sequence[Row]) -> Unhandled:
    moments = [row["oldest"] for row in rows if row["oldest"] is not None]
    return Unhandled(count=sum(row["count"] for row in rows), oldest=min(moments, default=None))
