"""What meetings used up, and what that costs."""

import asyncio
from collections.abc import Mapping, Sequence

from aiohttp import web

from handlers.answers import after_of, answer, cursor_of, limit_of, may_see, moment_of, reader
from handlers.parts import CLOCKWORK, NOW, STORE
from hub.errors import BadRequest
from hub.events import format_time
from hub.ports import Document
from hub.usage import Grouping, Period, Usage

_ROOMS_AT_A_TIME = 200
_DAY_MS = 86_400_000
_USUAL_MS = 30 * _DAY_MS


async def usage(request: web.Request) -> web.Response:
    """`GET /api/usage?from=&to=&group_by=room|provider|project|day`; the last 30 days by room when nothing is said.

    A page of the groups, by name, and the total of all of them.
    """
    caller, now, store = reader(request), request.app[NOW](), request.app[STORE]
    period, grouping, limit = _period(request, now), _grouping(request), limit_of(request)
    of = f"usage by {grouping}"
    place = after_of(request, of)
    counted = Usage(period, grouping, request.app[CLOCKWORK], now)
    after = ""
    while True:
        # Rooms are found by when somebody first named them; their visits may be older, by less than a day.
        reading = await store.overlapping(period.since, period.until + _DAY_MS, after, _ROOMS_AT_A_TIME)
        rooms = [room for room in reading.documents if may_see(caller, room)]
        people: dict[str, list[Document]] = {room.topic: [] for room in rooms}
        for one in (await store.people([*people])).documents if people else ():
            people[one.parent].append(one)
        # In a thread: of a session that somebody dates back by decades every day is counted.
        await asyncio.to_thread(_count, counted, rooms, people)
        if len(reading.documents) < _ROOMS_AT_A_TIME:
            break
        after = reading.documents[-1].topic
    asked = {"from": format_time(period.since), "to": format_time(period.until), "group_by": grouping}
    said = await asyncio.to_thread(counted.shown, place[1] if place else None, limit)
    following = None if said["next"] is None else cursor_of(of, 0, str(said["next"]))
    return answer({**asked, **said, "next": following}, reading.position)


def _count(counted: Usage, rooms: Sequence[Document], people: Mapping[str, Sequence[Document]]) -> None:
    for room in rooms:
        counted.add(room, people[room.topic])


def _period(request: web.Request, now: int) -> Period:
    until = moment_of(request, "to") or now
    since = moment_of(request, "from") or until - _USUAL_MS
    if since >= until:
        raise BadRequest("from, to: expected a period that begins before it ends")
    return Period(since, until)


def _grouping(request: web.Request) -> Grouping:
    try:
        return Grouping(request.query.get("group_by", Grouping.ROOM))
    except ValueError:
        raise BadRequest(f"group_by: expected {', '.join(Grouping)}") from None
