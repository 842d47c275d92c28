"""What the hub shows of a provider's sessions, as far as it matters when the provider is asked."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
import orjson

from hub.events import HUB, Kind
from hub.ports import ArrivalQuery, Document, Query, Store
from hub.present import Clockwork, alive_until, decode_presence
from hub.reconcile.seen import HeldRoom, SeenRoom
from hub.state.room import decode_tally

_PAGE = 500
_ROOMS_AT_ONCE = 100


async def held_rooms(store: Store, provider: str, clockwork: Clockwork) -> dict[str, HeldRoom]:
    """Return the sessions that go on for all the hub knows, those included that it presumes to be over."""
    rooms: dict[str, HeldRoom] = {}
    after: tuple[float, str] | None = None
    while True:
        query = Query(collection="rooms", provider=provider, status="live", after=after, limit=_PAGE)
        documents = (await store.read(query)).documents
        # A meeting that only its durable room identifies cannot be asked for.
        rooms |= {one.room: one for one in (_held(row, clockwork) for row in documents) if one.room != one.durable}
        if len(documents) < _PAGE:
            return rooms
        after = (documents[-1].began_at, documents[-1].topic)


async def with_people(store: Store, rooms: Iterable[HeldRoom]) -> dict[str, HeldRoom]:
    """Return the sessions with everybody who is, or was, in them."""
    found = {one.room: one for one in rooms}
    names = sorted(found)
    for place in range(0, len(names), _ROOMS_AT_ONCE):
        some = names[place : place + _ROOMS_AT_ONCE]
        people = _by_room((await store.people([f"rooms/{name}" for name in some])).documents)
        found |= {name: _peopled(found[name], people[f"rooms/{name}"]) for name in some}
    return found


async def end_of(store: Store, room: str) -> tuple[str, int] | None:
    """Return why and when a session ended, as far as that is known; None when the hub does not know it."""
    documents = (await store.document(f"rooms/{room}")).documents
    if not documents:
        return None
    reason = str(orjson.loads(documents[0].body)["end_reason"] or "")
    return reason, decode_tally(documents[0].hidden).ended_at or 0


async def was_erased(store: Store, seen: SeenRoom) -> bool:
    """Whether a session that the hub does not know was there and was erased, by itself or with its durable room."""
    for topic in (f"rooms/{seen.room}", f"rooms/{seen.durable}"):
        decided = await store.arrivals(ArrivalQuery(subject=topic, source=HUB, since=seen.began_at))
        for one in decided.items:
            if one.provider_type == Kind.ROOM_ERASED.value and await _is_of(store, one.id, topic):
                return True
    return False


async def _is_of(store: Store, erasure: str, topic: str) -> bool:
    """Whether that is what was erased: of a durable room also the erasure of another session tells."""
    kept = await store.arrival(erasure)
    return kept is not None and any(event.topics[0] == topic for event in kept.events)


def _held(row: Document, clockwork: Clockwork) -> HeldRoom:
    tally = decode_tally(row.hidden)
    return HeldRoom(
        room=row.topic.partition("/")[2],
        durable=row.durable.partition("/")[2],
        active_at=max(tally.active_at or 0, row.began_at),
        lives_until=alive_until(tally, clockwork),
    )


def _by_room(people: Sequence[Document]) -> defaultdict[str, list[Document]]:
    rooms: defaultdict[str, list[Document]] = defaultdict(list)
    for one in people:
        rooms[one.parent].append(one)
    return rooms


def _peopled(room: HeldRoom, people: Iterable[Document]) -> HeldRoom:
    active: dict[str, int] = {}
    gone: dict[str, str] = {}
    gone_at: dict[str, int] = {}
    for one in people:
        shown = orjson.loads(one.body)
        stays = decode_presence(one.hidden).stays
        if shown["active"]:
            active[shown["id"]] = stays[-1][0]
        else:
            gone[shown["id"]] = shown["leave_reason"] or ""
            gone_at[shown["id"]] = max((end or 0 for _, end, _ in stays), default=0)
    return msgspec.structs.replace(room, active=active, gone=gone, gone_at=gone_at)
