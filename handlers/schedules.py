"""Planned meetings: making, changing and cancelling plans, and who came."""

import secrets

import msgspec
import orjson
from aiohttp import web

from handlers.access import Caller
from handlers.answers import answer, asked, demanded, identity_of, moment_of, reader, room_filters, visible
from handlers.attendance import counted_until
from handlers.decisions import decided
from handlers.parts import CLOCKWORK, NOW, SETTINGS, STORE
from handlers.reads import documents
from hub.attendance import attendance
from hub.errors import BadRequest, Forbidden
from hub.events import NAME_LIMIT, Fact, Kind, ScheduleDetail, covers, escape_id, parse_time
from hub.ports import Document, Query, Reading
from hub.present import lives_until
from hub.redaction import harmless, pseudonym, room_key
from hub.state.schedule import Attended

_EXPECTED_LIMIT = 1000
FIELDS = ("title", "provider", "room_id", "starts_at", "expected_participants")
# Shorter words for the last of them.
_SYNONYMS = {"expected": "expected_participants", "participants": "expected_participants"}

_decode_attended = msgspec.msgpack.Decoder(Attended).decode


async def create(request: web.Request) -> web.Response:
    """`POST /api/schedules {title, provider, room_id, starts_at, expected_participants}` → 201 with the schedule."""
    caller = demanded(request, "launch")
    caller.narrowed(frozenset({"schedules"}))
    said = await _asked(request)
    for name in ("provider", "room_id", "starts_at"):
        if name not in said:
            raise BadRequest(f"{name}: expected a value, got none")
    detail = _detail(secrets.token_hex(8), said)
    place = _placed(request, detail)
    _check_room(caller, place[0])
    await _decide(request, Kind.SCHEDULE_CREATED, (place,), said)
    topic = f"schedules/{detail.id}"
    return await _shown(request, await request.app[STORE].document(topic), 201, {"Location": f"/api/{topic}"})


async def schedules(request: web.Request) -> web.Response:
    """`GET /api/schedules (?status= &provider= &room_id= &from= &to=)`: what begins in a period, the latest first."""
    wanted = room_filters(request, "status", "provider", "room_id")
    wanted["status"] = wanted["status"].upper()
    since, until = moment_of(request, "from"), moment_of(request, "to")
    return await documents(request, Query(collection="schedules", since=since, until=until, **wanted))


async def schedule(request: web.Request) -> web.Response:
    """`GET /api/schedules/{id}`: the plan, how far it is, and everybody's attendance."""
    return await _shown(request, await visible(request, reader(request), _topic(request)))


async def change(request: web.Request) -> web.Response:
    """`PATCH /api/schedules/{id}` with any of the fields that it was made with."""
    caller = demanded(request, "launch")
    reading = await visible(request, caller, _topic(request))
    known = orjson.loads(reading.documents[0].body)
    said = await _asked(request)
    detail = _detail(known["id"], said)
    if not said:
        raise BadRequest(f"the body: expected some of {', '.join(FIELDS)}")
    whole = ScheduleDetail(
        id=detail.id,
        title=known["title"] or "" if detail.title is None else detail.title,
        provider=detail.provider or known["provider"],
        room_id=detail.room_id or known["room_id"],
        starts_at=parse_time(known["starts_at"]) if detail.starts_at is None else detail.starts_at,
        expected=_attended(reading.documents[0]).expected if detail.expected is None else detail.expected,
    )
    places = [_placed(request, whole)]
    if places[0][0] != known["durable_room"]:
        _check_room(caller, places[0][0])
        # Told last, so that the schedule is never without a room.
        places.append((known["durable_room"], ScheduleDetail(id=detail.id, moved=True)))
    await _decide(request, Kind.SCHEDULE_UPDATED, tuple(places), said)
    return await _shown(request, await request.app[STORE].document(_topic(request)))


async def cancel(request: web.Request) -> web.Response:
    """`DELETE /api/schedules/{id}` → 204: it is off; who met all the same stays in the room's attendance."""
    reading = await visible(request, demanded(request, "launch"), _topic(request))
    known = orjson.loads(reading.documents[0].body)
    detail = ScheduleDetail(id=known["id"], cancelled=True)
    await _decide(request, Kind.SCHEDULE_CANCELLED, ((known["durable_room"], detail),), {})
    return web.Response(status=204, headers={"Hub-Position": str(await request.app[STORE].position())})


async def _decide(
    request: web.Request, kind: Kind, places: tuple[tuple[str, ScheduleDetail], ...], said: dict[str, object]
) -> None:
    now = request.app[NOW]()
    facts = tuple(Fact(kind=kind, time=now, durable=durable, detail=detail) for durable, detail in places)
    await decided(request, kind.value, facts, said)


async def _shown(
    request: web.Request, reading: Reading, status: int = 200, more: dict[str, str] | None = None
) -> web.Response:
    document = reading.documents[0]
    attended = _attended(document)
    store = request.app[STORE]
    topics = list(dict.fromkeys(f"rooms/{run.session}" for run in attended.runs))
    rooms = [room for topic in topics for room in (await store.document(topic)).documents]
    people = (await store.people(topics)).documents if topics else ()
    until = counted_until(request, rooms)
    came = attendance(people, until, meetings=attended.runs, expected=attended.expected)
    expected = [{"identity": identity, "name": name or None} for identity, name in attended.expected]
    lives = lives_until(rooms, request.app[CLOCKWORK])
    stale = any(not room.over and request.app[NOW]() > lives[room.topic] for room in rooms)
    body = {**orjson.loads(document.body), "stale": stale, "expected_participants": expected, "participants": came}
    return answer(body, reading.position, status, more)


def _check_room(caller: Caller, durable: str) -> None:
    """Who plans a meeting of a room sees who comes to it, so only those may who may see the room."""
    if not covers(caller.topics, f"rooms/{durable}"):
        raise Forbidden("the credential does not cover the room")


def _attended(document: Document) -> Attended:
    return _decode_attended(document.hidden)


def _topic(request: web.Request) -> str:
    return f"schedules/{identity_of(request)}"


def _placed(request: web.Request, detail: ScheduleDetail) -> tuple[str, ScheduleDetail]:
    """Return the durable room of a plan: as the first source of the provider calls it."""
    sources = request.app[SETTINGS].sources
    for source in sources:
        if detail.provider in (source.provider, source.name):
            durable = source.durable_room(escape_id(detail.room_id))
            return durable, msgspec.structs.replace(detail, provider=source.provider)
    names = ", ".join(dict.fromkeys(source.provider for source in sources))
    raise BadRequest(f"provider: expected one of {names}, or the name of a source")


async def _asked(request: web.Request) -> dict[str, object]:
    return {_SYNONYMS.get(name, name): value for name, value in (await asked(request)).items()}


def _detail(identity: str, said: dict[str, object]) -> ScheduleDetail:
    for name in said:
        if name not in FIELDS:
            raise BadRequest(f"{name}: expected one of {', '.join(FIELDS)}")
    return ScheduleDetail(
        id=identity,
        title=_title(said) if "title" in said else None,
        provider=_text(said, "provider") if "provider" in said else "",
        # As the providers' own webhooks name it: an address of somebody is never shown.
        room_id=room_key(_text(said, "room_id")) if "room_id" in said else "",
        starts_at=_time(said) if "starts_at" in said else None,
        expected=_expected(said["expected_participants"]) if "expected_participants" in said else None,
    )


def _title(said: dict[str, object]) -> str:
    # A title may be taken back.
    return "" if said["title"] is None else harmless(_text(said, "title"))


def _text(said: dict[str, object], name: str) -> str:
    value = said[name]
    if not isinstance(value, str) or not value.strip() or len(value) > NAME_LIMIT or "\0" in value:
        raise BadRequest(f"{name}: expected text of 1 to {NAME_LIMIT} characters without NUL")
    return value


def _time(said: dict[str, object]) -> int:
    value = said["starts_at"]
    time = parse_time(value) if isinstance(value, str) else None
    if time is None:
        raise BadRequest("starts_at: expected a time such as 2026-03-10T12:00:00Z")
    return time


def _expected(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list) or len(value) > _EXPECTED_LIMIT:
        raise BadRequest(f"expected_participants: expected a list of at most {_EXPECTED_LIMIT}")
    people = [_person(one) for one in value]
    return tuple({identity: (identity, name) for identity, name in people}.values())


def _person(value: object) -> tuple[str, str]:
    said = {"identity": value} if isinstance(value, str) else value
    if not isinstance(said, dict) or not {"identity"} <= said.keys() <= {"identity", "name"}:
        raise BadRequest('expected_participants: expected identities, or {"identity": …, "name": …}')
    # As identities and names are shown that providers tell: without e-mail addresses, and equal to them.
    name = "" if said.get("name") in (None, "") else harmless(_text(said, "name"))
    return pseudonym(_text(said, "identity")), name
