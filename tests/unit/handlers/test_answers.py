"""What all reads and changes have in common: pages, times, bodies, and what is not there for whom."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from handlers.access import Caller
from handlers.answers import after_of, answer, cursor_of, filters, limit_of, may_see, moment_of
from hub.errors import BadRequest
from hub.events import Position
from hub.ports import Document
from tests.unit.handlers.office import Office

CHANGES = (
    ("PATCH", "/api/rooms/livekit@daily"),
    ("POST", "/api/schedules"),
)
KIB = 1024


def asked_for(query: str) -> web.Request:
    return make_mocked_request("GET", f"/x?{query}")


NOTHING_IS_CALLED = [
    *(
        ("GET", f"/api/{path}", 404)
        for path in ("rooms/a%00b", "rooms/%00/participants", "bots/%00", "bots/%00/transcript")
    ),
    *(("GET", f"/api/{path}", 404) for path in ("schedules/%00", "recordings/%00", "recordings/%00/content")),
    *(("GET", f"/api/{path}", 400) for path in ("rooms?name=%00", "bots?status=a%00", "schedules?room_id=%00")),
    *(
        ("GET", f"/api/{path}", 400)
        for path in ("deliveries?source=%00", "rooms?cursor=WyJyb29tcyBieSBiZWdhbiIsMSwiXHUwMDAwIl0=")
    ),
    *(("DELETE", f"/api/{path}", 404) for path in ("rooms/pulse@%00?erase=1", "bots/%00?erase=1", "schedules/%00")),
    *(("PATCH", f"/api/{path}", 404) for path in ("rooms/pulse@a%00b", "schedules/%00")),
]


@given(
    value=st.floats(-(2.0**62), 2.0**62) | st.integers(-(2**63) + 1, 2**63 - 1),
    name=st.text(st.characters(exclude_characters="\0"), max_size=20),
)
def test_a_cursor_comes_back_as_it_was_given(value: float, name: str) -> None:
    """To the last digit: a list goes on just there. Trending rooms are sorted by a number with a fraction."""
    try:
        cursor = cursor_of("rooms", value, name)
    except TypeError:
        # Half a character is in no topic.
        assert any("\ud800" <= letter <= "\udfff" for letter in name)
        return
    assert cursor.isascii()
    assert after_of(asked_for(f"cursor={cursor.replace('=', '%3D')}"), "rooms") == (value, name)


def test_without_a_cursor_a_list_begins_at_its_beginning() -> None:
    """An empty one is none."""
    assert after_of(asked_for(""), "rooms") is None
    assert after_of(asked_for("cursor="), "rooms") is None


@pytest.mark.parametrize("other", ["rooms by trending", "bots", ""])
def test_a_cursor_of_another_list_is_refused(other: str) -> None:
    """An empty page would pass for the end, and the first one for the next."""
    with pytest.raises(BadRequest, match=r"^cursor: expected .* of this list"):
        after_of(asked_for(f"cursor={cursor_of('rooms', 1, 'x')}"), other)


@pytest.mark.parametrize(("query", "limit"), [("", 100), ("limit=1", 1), ("limit=1000", 1000), ("limit=007", 7)])
def test_a_page_has_a_hundred_unless_asked_otherwise(query: str, limit: int) -> None:
    """Never more than a thousand."""
    assert limit_of(asked_for(query)) == limit


@pytest.mark.parametrize(
    ("query", "moment"),
    [
        ("", None),
        ("from=", None),
        ("from=2026-03-10T12:00:00Z", 1_773_144_000_000),
        ("from=2026-03-10T12:00:00.5Z", 1_773_144_000_500),
        ("from=2026-03-10T14:00:00%2B02:00", 1_773_144_000_000),
        ("from=2026-03-10T14:00:00+02:00", 1_773_144_000_000),
        ("from=2026-03-10", 1_773_100_800_000),
    ],
)
def test_a_time_may_be_written_in_any_zone(query: str, moment: int | None) -> None:
    """A plus in a query is a space, and is understood all the same."""
    assert moment_of(asked_for(query), "from") == moment


@pytest.mark.parametrize("text", ["now", "1773144000", "2026-03-10T25:00:00Z", "0001-01-01T00:00:00Z", "%00"])
def test_a_time_that_is_none_is_refused_by_name(text: str) -> None:
    """It would otherwise be as if none had been given."""
    with pytest.raises(BadRequest, match=r"^from: expected a time"):
        moment_of(asked_for(f"from={text}"), "from")


def test_filters_that_are_not_given_do_not_restrict() -> None:
    """And those that are not known are not looked at."""
    assert filters(asked_for("status=live&color=red"), "status", "name") == {"status": "live", "name": ""}


def test_an_answer_says_where_in_the_log_it_was_read_and_is_not_kept() -> None:
    """A viewer goes on from there; a proxy must not show one caller's answer to another."""
    made = answer({"a": 1}, Position(epoch="e", sequence=7), 201, {"Location": "/x"})
    assert (made.status, made.body, made.content_type) == (201, b'{"a":1}', "application/json")
    assert (made.headers["Hub-Position"], made.headers["Cache-Control"], made.headers["Location"]) == (
        *("e.7", "no-store", "/x"),
    )


@pytest.mark.parametrize(
    ("topics", "seen"),
    [
        ({"*"}, True),
        ({"rooms"}, True),
        ({"rooms/l:1"}, True),
        ({"rooms/s@a"}, True),
        ({"rooms/l:2"}, False),
        ({"rooms/s@"}, False),
        ({"bots"}, False),
        ({""}, False),
        (set(), False),
    ],
)
def test_a_part_is_seen_with_what_it_is_part_of(topics: set[str], seen: bool) -> None:
    """By its session, or by the durable room of that."""
    caller = Caller(scopes=frozenset({"read"}), topics=frozenset(topics))
    room = Document(topic="rooms/l:1", collection="rooms", parent="rooms/l:1", durable="rooms/s@a")
    assert may_see(caller, room) is seen
    part = Document(topic="rooms/l:1/participants/p", collection="participants", parent="rooms/l:1")
    assert may_see(caller, part) is (seen and topics != {"rooms/s@a"})


async def test_nothing_is_called_by_what_no_store_can_hold(desk: Office) -> None:
    """Whichever store it is: PostgreSQL refuses to look for a NUL, SQLite looks and finds nothing."""
    answers = [await desk.ask(method, path, {"featured": True}) for method, path, _ in NOTHING_IS_CALLED]
    assert [one.status for one in answers] == [status for _, _, status in NOTHING_IS_CALLED]
    assert all("title" in one.said for one in answers)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"5", b"\xff", b"[" * 5000])
async def test_a_body_that_is_no_json_object_is_refused(desk: Office, change: tuple[str, str], body: bytes) -> None:
    """With what was expected."""
    refused = await desk.ask(*change, body)
    assert (refused.status, "JSON" in refused.said["detail"]) == (400, True)
    assert (await desk.get("/api/events"))["items"] == []


@pytest.mark.parametrize("change", CHANGES)
async def test_a_body_that_is_too_large_is_refused(desk: Office, change: tuple[str, str]) -> None:
    """A quarter of a megabyte is more than anybody decides."""
    assert (await desk.ask(*change, b" " * (256 * KIB + 1))).status == 413
    assert (await desk.ask(*change, b" " * (256 * KIB))).status == 400
