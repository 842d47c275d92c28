"""What arrived, as a store in memory remembers it."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from hub import ports
from hub.events import Delivery, Event, Position, Verdict


@dataclass
class Arrivals:
    """Deliveries, how often they came again, and the quarantine."""

    deliveries: dict[int, ports.DeliveryRow] = field(default_factory=dict)
    copies: Counter[int] = field(default_factory=Counter)
    last_copies: dict[int, int] = field(default_factory=dict)
    refusals: dict[str, ports.Refusal] = field(default_factory=dict)
    # How many requests were ever refused.
    refused: int = 0

    def write(self, changes: ports.Changes) -> None:
        """Take what a fold writes."""
        self.deliveries |= {row.id: row for row in (*changes.deliveries, *changes.redriven)}
        self.copies.update(delivery for delivery, _ in changes.copies)
        self.last_copies |= dict(changes.copies)

    def erase(self, topics: frozenset[str], told: set[int]) -> None:
        """Take the content out of what is about some topics, or was told of."""
        for identity, row in self.deliveries.items():
            if identity in told or topics & set(row.delivery.subjects):
                blank = msgspec.structs.replace(row.delivery, body=b"", headers=())
                self.deliveries[identity] = msgspec.structs.replace(row, delivery=blank, reason="erased")

    def dead(self, identities: frozenset[int]) -> frozenset[int]:
        """Return those of some deliveries that are dead."""
        found = (self.deliveries[one] for one in identities if one in self.deliveries)
        return frozenset(row.id for row in found if row.status is ports.Status.DEAD)

    def known(self, known: ports.Known) -> ports.Known:
        """Return a known delivery with its copies."""
        return msgspec.structs.replace(known, copies=self.copies[known.delivery])

    def quarantine(self, refusals: tuple[ports.Refusal, ...], limit: int) -> tuple[str, ...]:
        """Keep refused requests, of each source the latest."""
        first = self.refused + 1
        self.refused += len(refusals)
        identities = tuple(f"q{first + place}" for place in range(len(refusals)))
        self.refusals |= dict(zip(identities, refusals, strict=True))
        for source in {refusal.source for refusal in refusals}:
            of_source = [identity for identity, refusal in self.refusals.items() if refusal.source == source]
            for identity in of_source[: max(0, len(of_source) - limit)]:
                del self.refusals[identity]
        return identities

    def trim_refusals(self, before: int) -> None:
        """Forget requests that were refused before a time."""
        self.refusals = {
            identity: refusal for identity, refusal in self.refusals.items() if refusal.received_at >= before
        }

    def listed(self, query: ports.ArrivalQuery, events: list[tuple[Event, int]]) -> tuple[ports.Arrived, ...]:
        """Return what was asked for, newest first."""
        found = [self._arrived(row, events) for row in self.deliveries.values() if _is_about(row, query.subject)]
        if not query.subject:
            found += [_refused(identity, refusal) for identity, refusal in self.refusals.items()]
        wanted = [one for one in found if _is_wanted(one, query)]
        return tuple(sorted(wanted, key=_place, reverse=True)[: query.limit])

    def whole(self, identity: str, events: list[tuple[Event, int]], position: Position) -> ports.Kept | None:
        """Return one of them whole."""
        if refusal := self.refusals.get(identity):
            return ports.Kept(arrived=_refused(identity, refusal), original=refusal, position=position)
        row = self.deliveries.get(int(identity)) if identity.isascii() and identity.isdigit() else None
        if row is None:
            return None
        return ports.Kept(
            arrived=self._arrived(row, events),
            original=_without_facts(row),
            position=position,
            events=tuple(event for event, delivery in events if delivery == row.id),
        )

    def traffic(self, query: ports.TrafficQuery, position: Position) -> ports.Traffic:
        """Return how much arrived by some sources."""
        everything = [self._arrived(row, []) for row in self.deliveries.values()]
        within = [one for one in everything if query.since <= one.received_at <= query.until]
        counted = sorted(within, key=lambda one: -one.received_at)[: query.most]
        refused = [_refused(identity, refusal) for identity, refusal in self.refusals.items()]
        open_ones = [one for one in everything if one.verdict == "dead" and one.reason != "erased"]
        open_ones = sorted(open_ones, key=lambda one: one.received_at)[: query.most_dead] + refused
        return ports.Traffic(
            tuple(self._flow(name, query, counted, refused) for name in query.sources),
            counted[-1].received_at if len(counted) == query.most else query.since,
            ports.Unhandled(count=len(open_ones), oldest=min((one.received_at for one in open_ones), default=None)),
            position,
        )

    def _flow(
        self, source: str, query: ports.TrafficQuery, counted: list[ports.Arrived], refused: list[ports.Arrived]
    ) -> ports.Flow:
        mine = [one for one in counted if one.source == source]
        barred = [one for one in refused if one.source == source and query.since <= one.received_at <= query.until]
        minutes = Counter((one.received_at - query.first_minute) // 60_000 for one in mine)
        told = [one.received_at for row in self.deliveries.values() if (one := row.delivery).source == source]
        return ports.Flow(
            source=source,
            last_seen=max(told, default=None),
            received=len(mine),
            duplicates=sum(one.copies for one in mine),
            dead=sum(one.verdict == "dead" for one in mine),
            refused=len(barred),
            per_minute=tuple(minutes[minute] for minute in range(60)),
            reasons=_reasons([one for one in mine if one.verdict == "dead"] + barred),
        )

    def _arrived(self, row: ports.DeliveryRow, events: list[tuple[Event, int]]) -> ports.Arrived:
        delivery = row.delivery
        return ports.Arrived(
            id=str(row.id),
            source=delivery.source,
            verdict=row.status.value,
            reason=row.reason,
            received_at=delivery.received_at,
            size=len(delivery.body),
            provider_type=delivery.provider_type,
            event_time=delivery.event_time,
            copies=self.copies[row.id],
            last_copy_at=self.last_copies.get(row.id),
            events=sum(of == row.id for _, of in events),
        )


def _reasons(unusable: list[ports.Arrived]) -> tuple[ports.Reason, ...]:
    found: dict[tuple[str, str], list[ports.Arrived]] = {}
    for one in unusable:
        found.setdefault((one.verdict, one.reason), []).append(one)
    told = [
        ports.Reason(verdict=verdict, text=text, count=len(some), latest=max(some, key=lambda one: _rank(one.id)).id)
        for (verdict, text), some in found.items()
    ]
    return tuple(sorted(told, key=lambda one: (-one.count, one.verdict, one.text))[:5])


def _without_facts(row: ports.DeliveryRow) -> Delivery:
    one = row.delivery
    return Delivery(
        source=one.source,
        scope=one.scope,
        key=one.key,
        received_at=one.received_at,
        body=one.body,
        headers=one.headers,
        provider_type=one.provider_type,
        verdict=Verdict(row.status.value),
        reason=row.reason,
    )


def _refused(identity: str, refusal: ports.Refusal) -> ports.Arrived:
    return ports.Arrived(
        id=identity,
        source=refusal.source,
        verdict=ports.REFUSED,
        reason=refusal.reason,
        received_at=refusal.received_at,
        size=refusal.size,
    )


def _is_about(row: ports.DeliveryRow, subject: str) -> bool:
    return not subject or subject in row.delivery.subjects


def _is_wanted(one: ports.Arrived, query: ports.ArrivalQuery) -> bool:
    after = (query.after[0], _rank(query.after[1])) if query.after else None
    return (
        query.source in ("", one.source)
        and query.verdict in ("", one.verdict)
        and (query.since is None or one.received_at >= query.since)
        and (query.until is None or one.received_at < query.until)
        and (after is None or _place(one) < after)
    )


def _place(one: ports.Arrived) -> tuple[int, tuple[bool, int]]:
    return one.received_at, _rank(one.id)


def _rank(identity: str) -> tuple[bool, int]:
    # Of one millisecond, deliveries come before what was refused.
    return not identity.startswith(ports.REFUSED_PREFIX), int(identity.removeprefix(ports.REFUSED_PREFIX))
