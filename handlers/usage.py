"""What meetings used up, and what that costs."""

from aiohttp import web

from handlers.answers import answer, may_see, moment_of, reader
from handlers.parts import CLOCKWORK, NOW, STORE
from hub.errors import BadRequest
from hub.events import format_time
from hub.ports import Document
from hub.usage import Grouping, Period, Usage

_ROOMS_AT_A_TIME = 200
_DAY_MS = 86_400_000
_USUAL_MS = 30 * _DAY_MS


async def usage(request: web.Request) -> web.Response:
    """`GET /api/usage?from=&to=&group_by=room|provider|project|day`; the last 30 days by room when nothing is said."""
    caller, now, store = reader(request), request.app[NOW](), request.app[STORE]
    period, grouping = _period(request, now), _grouping(request)
    counted = Usage(period, grouping, request.app[CLOCKWORK], now)
    after = ""
    while True:
        # Rooms are found by when somebody first named them; their visits may be older, by less than a day.
        reading = await store.overlapping(period.since, period.until + _DAY_MS, after, _ROOMS_AT_A_TIME)
        rooms = [room for room in reading.documents if may_see(caller, room)]
        people: dict[str, list[Document]] = {room.topic: [] for room in rooms}
        for one in (await store.people([*people])).documents if people else ():
            people[one.parent].append(one)
        for room in rooms:
            counted.add(room, people[room.topic])
        if len(reading.documents) < _ROOMS_AT_A_TIME:
            break
        after = reading.documents[-1].topic
    asked = {"from": format_time(period.since), "to": format_time(period.until), "group_by": grouping}
    return answer({**asked, **counted.shown()}, reading.position)


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
