"""Participants by REST: visit by visit, user by user, and as a spreadsheet that cannot be made to do anything."""

import csv
import io
from urllib.parse import unquote

import pytest

from tests.unit.handlers.office import HOUR, MINUTE, Office

PATH = "/api/rooms/livekit:RM_1/participants"
COLUMNS = ["id", "identity", "name", "role", "kind", "active", "joined_at", "left_at", "watch_duration", "leave_reason"]
USER_COLUMNS = [
    *("identity", "name", "role", "active", "joined_at", "left_at", "watch_duration", "leave_reason", "visits")
]


async def two_devices(desk: Office) -> None:
    """Let Ann be there by phone and desk, both at once for half an hour, and Bob stay."""
    await desk.start(3 * HOUR)
    await desk.join("ann", 2 * HOUR, sid="PA_phone", name="Ann")
    await desk.join("ann", 1.5 * HOUR, sid="PA_desk", name="Ann")
    await desk.leave("ann", HOUR, sid="PA_phone")
    await desk.leave("ann", 0.5 * HOUR, sid="PA_desk", disconnectReason="CLIENT_INITIATED")
    await desk.join("bob", 0.25 * HOUR, name="Bob")


async def sheet(desk: Office, query: str = "?format=csv") -> list[list[str]]:
    answer = await desk.ask("GET", PATH + query)
    assert answer.status == 200
    assert answer.headers["Hub-Position"] == (await desk.ask("GET", PATH)).headers["Hub-Position"]
    return list(csv.reader(io.StringIO(answer.text)))


async def test_by_visit_a_users_devices_tell_what_the_user_watched_and_each_was_there(desk: Office) -> None:
    """`watch_duration` is the union of the user's visits, `duration` the device's own."""
    await two_devices(desk)
    items = {item["id"]: item for item in (await desk.get(PATH))["items"]}
    assert list(items) == ["PA_phone", "PA_desk", "PA_bob"]
    assert (items["PA_phone"]["watch_duration"], items["PA_phone"]["duration"]) == (5400, 3600)
    assert (items["PA_desk"]["watch_duration"], items["PA_desk"]["duration"]) == (5400, 3600)
    assert items["PA_bob"]["watch_duration"] == pytest.approx(900, abs=30)


async def test_every_stay_of_an_id_is_told(desk: Office) -> None:
    """Who comes and goes by one id was not there in between."""
    await desk.start(3 * HOUR)
    for joined, left in ((2, 1.5), (1, 0.5)):
        await desk.join("ann", joined * HOUR, sid="PA_1")
        await desk.leave("ann", left * HOUR, sid="PA_1", disconnectReason="CLIENT_INITIATED")
    (ann,) = (await desk.get(f"{PATH}?stays=1"))["items"]
    assert [(stay["joined_at"], stay["left_at"], stay["leave_reason"]) for stay in ann["stays"]] == [
        (desk.when(joined * HOUR), desk.when(left * HOUR), "client_initiated") for joined, left in ((2, 1.5), (1, 0.5))
    ]


async def test_by_user_everybody_is_there_once(desk: Office) -> None:
    """Who came first first, with all visits."""
    await two_devices(desk)
    said = await desk.get(f"{PATH}?by=user")
    ann, bob = said["items"]
    assert (ann["identity"], ann["watch_duration"], ann["visits"], ann["active"]) == ("ann", 5400, 2, False)
    assert (ann["joined_at"], ann["left_at"]) == (desk.when(2 * HOUR), desk.when(0.5 * HOUR))
    assert (bob["identity"], bob["visits"], bob["active"], bob["left_at"]) == ("bob", 1, True, None)
    assert said["next"] is None


async def test_recorders_are_listed_by_visit_and_do_not_attend(desk: Office) -> None:
    """They are participants, and not people."""
    await desk.join("eg", MINUTE, kind="EGRESS")
    assert [item["kind"] for item in (await desk.get(PATH))["items"]] == ["recorder"]
    assert (await desk.get(f"{PATH}?by=user"))["items"] == []


async def test_a_durable_rooms_id_means_its_current_session(desk: Office) -> None:
    """Whoever shows a room need not know its sessions."""
    await desk.join("ann", 3 * HOUR, room="RM_1")
    await desk.end(2 * HOUR, room="RM_1")
    await desk.join("bob", HOUR, room="RM_2")
    durable = "/api/rooms/livekit@daily"
    assert (await desk.get(durable))["id"] == "livekit:RM_2"
    assert [item["identity"] for item in (await desk.get(f"{durable}/participants"))["items"]] == ["bob"]
    await desk.end(0, room="RM_2")
    assert (await desk.get(durable))["id"] == "livekit:RM_2"
    assert [item["identity"] for item in (await desk.get(f"{durable}/participants?by=user"))["items"]] == ["bob"]


async def test_a_session_that_goes_on_is_current_though_later_ones_ended(desk: Office) -> None:
    """However many there were meanwhile: of two projects one may use a name that the other holds for long."""
    await desk.start(5 * HOUR, room="RM_long")
    for hour in (4, 3, 2):
        await desk.start(hour * HOUR, room=f"RM_{hour}")
        await desk.end(hour * HOUR - MINUTE, room=f"RM_{hour}")
    assert (await desk.get("/api/rooms/livekit@daily"))["id"] == "livekit:RM_long"


async def test_pages_of_participants_hold_everybody_once(desk: Office) -> None:
    """And a user's other device may be on another page: what they watched is told all the same."""
    await two_devices(desk)
    found, following = [], ""
    while following is not None:
        said = await desk.get(f"{PATH}?limit=1&cursor={following}")
        found += [(item["id"], item["watch_duration"]) for item in said["items"]]
        following = said["next"]
    assert [name for name, _ in found] == ["PA_phone", "PA_desk", "PA_bob"]
    assert [watched for _, watched in found[:2]] == [5400, 5400]


async def test_a_spreadsheet_has_a_line_for_each_visit_or_user(desk: Office) -> None:
    """All at once, whatever the limit: nobody pages through a file."""
    await two_devices(desk)
    header, *lines = await sheet(desk, "?format=csv&limit=1")
    assert header == COLUMNS
    assert [line[:3] for line in lines] == [
        ["PA_phone", "ann", "Ann"],
        ["PA_desk", "ann", "Ann"],
        ["PA_bob", "bob", "Bob"],
    ]
    assert lines[0][5:9] == ["false", desk.when(2 * HOUR), desk.when(HOUR), "5400.0"]
    assert lines[2][5] == "true"
    assert lines[2][7] == ""
    header, *lines = await sheet(desk, "?format=csv&by=user")
    assert header == USER_COLUMNS
    assert [(line[0], line[-1]) for line in lines] == [("ann", "2"), ("bob", "1")]


@pytest.mark.parametrize(
    ("accept", "query", "kind"),
    [
        ("text/csv", "", "text/csv"),
        ("text/csv, */*;q=0.1", "?by=user", "text/csv"),
        ("*/*", "", "application/json"),
        ("text/csv", "?format=json", "application/json"),
        ("application/json", "?format=csv", "text/csv"),
    ],
)
async def test_the_form_is_what_was_asked_for_and_the_query_decides(
    desk: Office, accept: str, query: str, kind: str
) -> None:
    """A link cannot say what it accepts, a program should not have to change its address."""
    await desk.join("ann", MINUTE)
    headers = {"Authorization": f"Bearer {desk.token('*')}", "Accept": accept}
    answer = await desk.ask_with(headers, "GET", PATH + query)
    assert answer.headers["Content-Type"].partition(";")[0] == kind
    assert answer.headers["Cache-Control"] == "no-store"
    if kind == "text/csv":
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="livekit-RM_1.csv"; ')
        assert not answer.text.startswith("\ufeff")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=x", '=HYPERLINK("https://evil")'])
async def test_a_name_cannot_be_a_formula(desk: Office, name: str) -> None:
    """Anybody may call themselves anything, and a spreadsheet would run it."""
    await desk.join("ann", MINUTE, name=name)
    text = (await desk.ask("GET", f"{PATH}?format=csv")).text
    [line] = list(csv.DictReader(io.StringIO(text, newline="")))
    assert line["name"].startswith("'")
    assert line["name"].lstrip("'") == name


async def test_a_sheet_for_excel_is_marked_and_called_by_the_rooms_name(desk: Office) -> None:
    """Without a mark Excel shows Zoë as ZoÃ«; and by an id nobody finds what they have kept."""
    await desk.start(HOUR, name='Größe "1"')
    answer = await desk.ask("GET", f"{PATH}?format=csv&bom=1")
    assert answer.text.startswith("\ufeffid,")
    named = answer.headers["Content-Disposition"].partition("; filename*=UTF-8''")[2]
    assert unquote(named).startswith('Größe "1" 20')
    assert (await desk.ask("GET", f"{PATH}?bom=yes")).status == 400


async def test_a_name_may_hold_what_separates_cells(desk: Office) -> None:
    """Commas, quotes, lines and letters of any kind."""
    name = 'Ann, "the one"\nfrom Zürich 🎉'
    await desk.join("ann", MINUTE, name=name)
    _, line = await sheet(desk)
    assert line[2] == name


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?by=room", "by"),
        ("?format=xml", "format"),
        ("?limit=0", "limit"),
        ("?limit=0&by=user", "limit"),
        ("?cursor=x&format=csv", "cursor"),
    ],
)
async def test_what_cannot_be_answered_is_refused_by_name(desk: Office, query: str, names: str) -> None:
    """Another answer than the asked one would pass for it."""
    await desk.join("ann", MINUTE)
    answer = await desk.ask("GET", PATH + query)
    assert (answer.status, names in answer.said["detail"]) == (400, True)


@pytest.mark.parametrize("query", ["", "?by=user", "?format=csv"])
async def test_a_token_sees_only_who_is_in_its_rooms(desk: Office, query: str) -> None:
    """In any form."""
    await desk.join("ann", MINUTE)
    own, other = desk.token("rooms/livekit@daily"), desk.token("rooms/livekit@other")
    assert (await desk.ask("GET", PATH + query, credential=own)).status == 200
    hidden = await desk.ask("GET", PATH + query, credential=other)
    missing = await desk.ask("GET", "/api/rooms/livekit:RM_9/participants" + query, credential=other)
    assert (hidden.status, hidden.said) == (missing.status, missing.said) == (404, hidden.said)
    assert (await desk.ask("GET", PATH + query, credential=desk.token("*", scope=("launch",)))).status == 403
