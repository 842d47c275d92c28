"""Compares what a provider lists with what the hub shows, and tells the difference."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import msgspec
import structlog

from hub.events import Delivery
from hub.ingest import Ingest
from hub.ports import Store
from hub.present import Clockwork
from hub.reconcile.held import end_of, held_rooms, was_erased, with_people
from hub.reconcile.missing import PATIENCE_MS, Missing, Sign
from hub.reconcile.seen import HeldRoom, Lister, Listing, Looked, Said, SeenRoom
from hub.reconcile.telling import (
    NOT_LISTED,
    came_and_went,
    delivery_of,
    people_back,
    people_gone,
    room_alive,
    room_found,
    room_gone,
)

# Deliveries that are handed over together: they share commits, and webhooks still find room.
_AT_ONCE = 100
# Sessions that are asked about one by one in a round; the others have their turn in the next.
_ASKED_AT_ONCE = 200
# So long before a silent session would be taken for over it is said that it is not.
_MARGIN_MS = 30 * 60 * 1000

log = structlog.get_logger()


class ListedRooms:
    """Asks one provider which sessions go on, again and again, and keeps in mind what was missing the last time."""

    def __init__(
        self,
        lister: Lister,
        store: Store,
        ingest: Ingest,
        now: Callable[[], int],
        clockwork: Clockwork,
        *,
        again_after_ms: int = PATIENCE_MS,
    ) -> None:
        self._lister = lister
        self._store = store
        self._ingest = ingest
        self._now = now
        self._clockwork = clockwork
        # When the provider was asked last about sessions that it does not list.
        self._asked: dict[str, int] = {}
        self._rooms = Missing(again_after_ms)
        self._people = Missing(again_after_ms)

    async def look(self) -> Looked:
        """Ask once, and tell what the hub did not know. Raises Unanswered, and StorageUnavailable."""
        listing = await self._lister.listing()
        now = self._now()
        held = await held_rooms(self._store, self._lister.provider, self._clockwork)
        seen = _chosen(listing, held)
        # Each by itself: what is known is told, also if the provider does not answer what is asked next.
        await self._submit(await self._of_strangers(seen, held, now))
        await self._submit(await self._of_known(seen, held, now))
        await self._submit(await self._of_missing(listing, seen, held, now))
        return Looked(listing.problems, self._rooms.is_waiting or self._people.is_waiting)

    async def _of_strangers(
        self, seen: Mapping[str, SeenRoom], held: Mapping[str, HeldRoom], now: int
    ) -> list[Delivery]:
        """Tell of sessions that the hub does not know, or takes for over without anybody having said so."""
        deliveries: list[Delivery] = []
        for name in sorted(seen.keys() - held.keys()):
            end = await end_of(self._store, name)
            if end is None:
                # Who erased it did not want to have it back in the next round.
                deliveries += [] if await was_erased(self._store, seen[name]) else room_found(seen[name], now)
            elif end[0] == NOT_LISTED:
                deliveries.append(room_alive(seen[name], now, end[1]))
        return deliveries

    async def _of_known(self, seen: Mapping[str, SeenRoom], held: Mapping[str, HeldRoom], now: int) -> list[Delivery]:
        """Tell who came and went in sessions that both know."""
        both = await with_people(self._store, (held[name] for name in seen.keys() & held.keys()))
        missed = {
            f"{name}/{visit}": Sign(since, room.lives_until)
            for name, room in both.items()
            if seen[name].is_whole and not self._lister.tells_ends
            for visit, since in room.active.items()
            if visit not in seen[name].people and visit not in seen[name].arriving
        }
        twice = self._people.again(missed, now)
        deliveries: list[Delivery] = []
        for name, room in sorted(both.items()):
            deliveries += _differences(seen[name], room, now)
            gone = {visit: twice[f"{name}/{visit}"] for visit in room.active if f"{name}/{visit}" in twice}
            deliveries += people_gone(seen[name], gone, now)
        return deliveries

    async def _of_missing(
        self, listing: Listing, seen: Mapping[str, SeenRoom], held: Mapping[str, HeldRoom], now: int
    ) -> list[Delivery]:
        """Tell of sessions that are over, by the provider's own word, or because they are missing again."""
        unlisted = {name: held[name] for name in held.keys() - seen.keys() if held[name].home in listing.homes}
        if self._lister.tells_ends:
            return await self._ends_of(unlisted, now)
        signs = {name: Sign(room.active_at, room.lives_until) for name, room in unlisted.items()}
        twice = self._rooms.again(signs, now)
        return [
            room_gone(held[name], f"{self._lister.provider}/", _bound(held[name], bound, seen.values()), now)
            for name, bound in sorted(twice.items())
        ]

    async def _ends_of(self, unlisted: Mapping[str, HeldRoom], now: int) -> list[Delivery]:
        """Tell of sessions that are over as the provider says it; who was not asked about for longest is first."""
        self._asked = {name: asked for name, asked in self._asked.items() if name in unlisted}
        some = sorted(unlisted, key=lambda name: (self._asked.get(name, 0), name))[:_ASKED_AT_ONCE]
        peopled = await with_people(self._store, (unlisted[name] for name in some))
        self._asked |= dict.fromkeys(some, now)
        ends = [await self._lister.end_of(peopled[name]) for name in some]
        scope = f"{self._lister.provider}/"
        return [delivery_of("session.ended", scope, end.words, end.facts, now) for end in ends if end]

    async def _submit(self, deliveries: list[Delivery]) -> None:
        for place in range(0, len(deliveries), _AT_ONCE):
            some = deliveries[place : place + _AT_ONCE]
            outcomes = await asyncio.gather(*(self._ingest.submit(delivery) for delivery in some))
            for delivery, outcome in zip(some, outcomes, strict=True):
                log.info(
                    "reconcile.told",
                    provider=self._lister.provider,
                    type=delivery.provider_type,
                    delivery=outcome.delivery,
                    events=outcome.events,
                )


def _chosen(listing: Listing, held: Mapping[str, HeldRoom]) -> dict[str, SeenRoom]:
    """Return every session once: several API keys may list it, and its webhooks come by one of them."""
    chosen: dict[str, SeenRoom] = {}
    for one in listing.rooms:
        is_as_told = one.room in held and held[one.room].durable == one.durable
        if one.room not in chosen or is_as_told:
            chosen[one.room] = one
    # A session goes on being of the durable room that its webhooks named.
    durables = {
        name: held[name].durable or one.durable if name in held else one.durable for name, one in chosen.items()
    }
    return {
        name: one if durables[name] == one.durable else _renamed(one, durables[name]) for name, one in chosen.items()
    }


def _renamed(seen: SeenRoom, durable: str) -> SeenRoom:
    def renamed(said: Said) -> Said:
        return Said(said.words, tuple(msgspec.structs.replace(fact, durable=durable) for fact in said.facts))

    return msgspec.structs.replace(
        seen,
        durable=durable,
        start=renamed(seen.start),
        people={visit: renamed(said) for visit, said in seen.people.items()},
        left={visit: renamed(said) for visit, said in seen.left.items()},
    )


def _differences(seen: SeenRoom, held: HeldRoom, now: int) -> list[Delivery]:
    known = held.active.keys() | held.gone.keys()
    news = {visit: said for visit, said in {**seen.left, **seen.people}.items() if visit not in known}
    news |= {visit: said for visit, said in seen.left.items() if visit in held.active}
    returned = {visit: held.gone_at[visit] for visit in sorted(seen.people) if held.gone.get(visit) == NOT_LISTED}
    deliveries = [*came_and_went(seen, news, now), *people_back(seen, returned, now)]
    if now > held.lives_until - _MARGIN_MS:
        deliveries.append(room_alive(seen, now))
    return deliveries


def _bound(held: HeldRoom, bound: int, seen: Iterable[SeenRoom]) -> int:
    """Return when a session had ended at the latest: before its name was given to another one, too."""
    successors = [one.began_at for one in seen if held.durable and one.durable == held.durable]
    return min([bound, *(began for began in successors if began >= held.active_at)])
