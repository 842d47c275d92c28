"""Who was in a room and how long, as JSON and as a spreadsheet."""

import csv
import io
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec
import orjson
from aiohttp import web

from handlers.answers import Cursor, after_of, cursor_of, limit_of, listed
from handlers.parts import CLOCKWORK, NOW, STORE
from handlers.reads import room_meant
from hub.attendance import Attendee, attendance
from hub.errors import BadRequest
from hub.events import Position, format_time
from hub.ports import Document, Reading
from hub.present import decode_presence, lives_until, presented, visits_of

_COLUMNS = (
    "id", "identity", "name", "role", "kind", "active", "joined_at", "left_at", "watch_duration", "leave_reason"
)  # fmt: skip
_USER_COLUMNS = tuple(field.name for field in msgspec.structs.fields(Attendee) if field.name != "expected")
_MARK = "\ufeff"
# What a spreadsheet would take for a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


async def participants(request: web.Request) -> web.Response:
    """`GET /api/rooms/{id}/participants`, who came first first; with `?by=user` one line for each user.

    With `?stays=1` each visit says when it went on. Also as `text/csv`, by `Accept` or `?format=csv`, and then all of
    them at once, with `?bom=1` as Excel reads names of any letters.
    """
    by = request.query.get("by", "")
    if by not in ("", "user"):
        raise BadRequest("by: expected user")
    for name in ("stays", "bom"):
        if request.query.get(name, "0") not in ("0", "1"):
            raise BadRequest(f"{name}: expected 0 or 1")
    room = (await room_meant(request)).documents[0]
    # Also where all of them are answered: whoever asks for a page wrongly is told.
    of = f"{room.topic}/participants"
    after, limit = after_of(request, of), limit_of(request)
    reading = await request.app[STORE].people([room.topic])
    if by == "user":
        items: list[object] = [*attendance(reading.documents, counted_until(request, [room]))]
    else:
        items = _by_visit(request, room, reading)
    if _wants_csv(request):
        is_marked = request.query.get("bom") == "1"
        return _spreadsheet(items, _USER_COLUMNS if by else _COLUMNS, room, reading.position, is_marked=is_marked)
    return _page(of, reading, items, after, limit) if not by else listed(items, None, reading.position)


def counted_until(request: web.Request, rooms: Sequence[Document]) -> Mapping[str, int]:
    """Return up to when an open visit counts, by topic of the room: nobody watches a room that cannot live any more."""
    now = request.app[NOW]()
    return {topic: min(now, until) for topic, until in lives_until(rooms, request.app[CLOCKWORK]).items()}


def _by_visit(request: web.Request, room: Document, reading: Reading) -> list[object]:
    clockwork, until = request.app[CLOCKWORK], counted_until(request, [room])[room.topic]
    visits = visits_of(reading.documents)
    bodies = [presented(one, clockwork, until, visits[one.topic]).body for one in reading.documents]
    if request.query.get("stays") != "1":
        return [orjson.Fragment(body) for body in bodies]
    return [_with_stays(one, body) for one, body in zip(reading.documents, bodies, strict=True)]


def _with_stays(participant: Document, body: bytes) -> orjson.Fragment:
    """Say when each stay of somebody began and ended: an id may come and go."""
    stays = decode_presence(participant.hidden).stays if participant.hidden else ()
    told = [
        {"joined_at": format_time(start), "left_at": format_time(end), "leave_reason": reason or None}
        for start, end, reason in stays
    ]
    return orjson.Fragment(body[:-1] + b',"stays":' + orjson.dumps(told) + b"}")


def _page(of: str, reading: Reading, items: list[object], after: Cursor | None, limit: int) -> web.Response:
    """Return the page that is asked for of all participants: a user's visits may be on another one."""
    places = [(one.began_at, one.topic) for one in reading.documents]
    first = next((place for place, at in enumerate(places) if after is None or at > after), len(places))
    last = first + limit
    following = cursor_of(of, *places[last - 1]) if last < len(places) else None
    return listed(items[first:last], following, reading.position)


def _wants_csv(request: web.Request) -> bool:
    wanted = request.query.get("format", "")
    if wanted not in ("", "csv", "json"):
        raise BadRequest("format: expected csv or json")
    return wanted == "csv" or (not wanted and "text/csv" in request.headers.get("Accept", ""))


def _spreadsheet(
    items: Sequence[object], columns: Sequence[str], room: Document, position: Position, *, is_marked: bool
) -> web.Response:
    # Excel takes what has no mark for another encoding.
    text = io.StringIO(_MARK if is_marked else "")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text)
    writer.writerow(columns)
    for item in items:
        said = orjson.loads(orjson.dumps(item, default=msgspec.to_builtins))
        writer.writerow([_cell(said.get(column)) for column in columns])
    headers = {"Content-Disposition": f"attachment; {_file_names(room)}", "Cache-Control": "no-store"}
    headers["Hub-Position"] = str(position)
    return web.Response(text=text.getvalue(), content_type="text/csv", charset="utf-8", headers=headers)


def _file_names(room: Document) -> str:
    """Name a file by the room's id and, for browsers that take any letter, by its name and day."""
    said = orjson.loads(room.body)
    plain = room.topic.partition("/")[2].replace(":", "-")
    day = (said["started_at"] or "").partition("T")[0]
    shown = " ".join(part for part in (said["name"] or plain, day) if part)
    return f"filename=\"{plain}.csv\"; filename*=UTF-8''{quote(shown, safe='')}.csv"


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    # A name may begin like a formula; spreadsheets show what follows an apostrophe as it is.
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
