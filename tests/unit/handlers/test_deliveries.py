"""What arrived can be looked through by whoever administers the hub, and nothing of it is a secret."""

import base64
from collections.abc import Callable

import orjson
import pytest

from hub.events import format_time
from tests.unit.handlers.arriving import LIVEKIT, MEETINGBAAS, NOW_MS, OTHER, SECRET, Yard, joined, token, yard

PATHS = ("/api/deliveries", "/api/deliveries/1", "/api/deliveries/q1")


async def three(here: Yard) -> None:
    """Let one delivery be accepted, twice, one be dead, and one be refused, a second apart."""
    await here.sign(LIVEKIT, joined())
    here.now[0] += 1000
    await here.sign(LIVEKIT, joined())
    await here.sign(MEETINGBAAS, b'["not an object"]')
    here.now[0] += 1000
    await here.refuse(MEETINGBAAS, b'{"event": "bot.completed"}')


async def test_a_list_shows_what_became_of_everything_newest_first() -> None:
    """How late it came, how often, what it told, or why it did not."""
    async with yard() as here:
        await three(here)
        status, said = await here.get("/api/deliveries")
        assert (status, said["next"]) == (200, None)
        refused, dead, accepted = said["items"]
        assert accepted == {
            "id": "1",
            "source": "livekit",
            "provider_type": "participant_joined",
            "verdict": "accepted",
            "reason": None,
            "received_at": format_time(NOW_MS),
            "event_time": format_time(NOW_MS // 1000 * 1000 - 10_000),
            "late": 10.123,
            "copies": 1,
            "last_copy_at": format_time(NOW_MS + 1000),
            "events": 1,
            "size": len(joined()),
        }
        assert (dead["id"], dead["verdict"], dead["late"], dead["copies"]) == ("2", "dead", None, 0)
        assert dead["reason"]
        assert (refused["id"], refused["verdict"], refused["source"]) == ("q1", "refused", "meetingbaas")
        assert "x-mb-secret" in refused["reason"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?source=livekit", ["1"]),
        ("?source=meetingbaas", ["q1", "2"]),
        ("?source=unknown", []),
        ("?verdict=accepted", ["1"]),
        ("?verdict=dead", ["2"]),
        ("?verdict=refused", ["q1"]),
        ("?verdict=dead&source=livekit", []),
        ("?subject=rooms/livekit:RM_1", ["1"]),
        ("?subject=rooms/livekit@standup", ["1"]),
        ("?subject=rooms/livekit:RM_2", []),
        (f"?from={format_time(NOW_MS + 1000)}", ["q1", "2"]),
        (f"?to={format_time(NOW_MS + 1000)}", ["1"]),
        (f"?from={format_time(NOW_MS + 1)}&to={format_time(NOW_MS + 2000)}", ["2"]),
    ],
)
async def test_lists_can_be_narrowed(query: str, expected: list[str]) -> None:
    """By source, verdict, what it is about, and when it came."""
    async with yard() as here:
        await three(here)
        assert await here.ids(query) == expected


async def test_pages_hold_everything_once() -> None:
    """However small they are."""
    async with yard() as here:
        await three(here)
        found, following = [], ""
        while following is not None:
            status, said = await here.get(f"/api/deliveries?limit=1&cursor={following}")
            assert status == 200
            found += [item["id"] for item in said["items"]]
            following = said["next"]
        assert found == ["q1", "2", "1"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("verdict=duplicate", "verdict"),
        ("subject=*", "subject"),
        ("subject=rooms", "subject"),
        ("subject=rooms/%00", "topic"),
        ("from=yesterday", "from"),
        ("to=5", "to"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(query: str, named: str) -> None:
    """Whoever asked must not take an empty list for an answer."""
    async with yard() as here:
        status, said = await here.get(f"/api/deliveries?{query}")
        assert status == 400
        assert str(said["detail"]).startswith(named)


async def test_one_is_shown_with_headers_body_and_the_events_that_it_became() -> None:
    """All there is to see what a provider really sends."""
    async with yard() as here:
        await three(here)
        status, said = await here.get("/api/deliveries/1")
        assert status == 200
        _, listed = await here.get("/api/deliveries")
        assert {**said, "events": len(said["events"])}.items() >= listed["items"][-1].items()
        assert orjson.loads(said["body"])["id"] == "EV_1"
        assert said["events"] == [
            {
                "id": "epoch1.1",
                "type": "participant.joined",
                "subject": "rooms/livekit:RM_1",
                "time": format_time(NOW_MS // 1000 * 1000 - 10_000),
            }
        ]
        assert said["headers"]["authorization"] == "redacted"
        assert said["headers"]["content-type"] == "application/webhook+json"


async def test_a_refused_one_is_shown_with_its_body_and_where_it_came_from() -> None:
    """Whoever set a webhook up wrongly recognises it by that."""
    async with yard() as here:
        await three(here)
        status, said = await here.get("/api/deliveries/q1")
        assert (status, said["body"], said["address"]) == (200, '{"event": "bot.completed"}', "127.0.0.1")
        assert (said["events"], said["headers"]["x-mb-secret"]) == ([], "redacted")
        assert len(said["body_sha256"]) == 64


async def test_bytes_that_are_no_text_are_shown_all_the_same() -> None:
    """Often they are what is wrong."""
    async with yard() as here:
        await here.sign(LIVEKIT, b"\xff\x00")
        _, said = await here.get("/api/deliveries/1")
        assert base64.b64decode(said["body_base64"]) == b"\xff\x00"
        assert "body" not in said
        await here.sign(LIVEKIT, b"\x00")
        _, said = await here.get("/api/deliveries/2")
        assert said["body"] == "\0"


async def test_a_body_that_was_not_kept_is_none() -> None:
    """Too large ones of strangers are not; their hash is."""
    async with yard() as here:
        await here.refuse(MEETINGBAAS, b"x" * 300_000)
        _, said = await here.get("/api/deliveries/q1")
        assert (said["body"], said["size"]) == (None, 300_000)


async def test_headers_that_came_twice_are_shown_together() -> None:
    """As HTTP reads them."""
    async with yard() as here:
        headers = [("Webhook-Id", "a"), ("Webhook-Id", "b"), ("X-Mb-Secret", SECRET)]
        async with here.client.post(MEETINGBAAS.path, data=b"{}", headers=headers) as answer:
            assert answer.status == 200
        _, said = await here.get("/api/deliveries/1")
        assert said["headers"]["webhook-id"] == "a, b"


async def test_no_secret_is_shown_anywhere() -> None:
    """Neither ours nor what somebody sent in its place, nor the hash of either."""
    async with yard() as here:
        await three(here)
        await here.sign(MEETINGBAAS, b'{"event": "x"}')
        for path in ("/api/deliveries", *(f"/api/deliveries/{one}" for one in await here.ids())):
            _, said = await here.get(path)
            assert not any(secret in str(said) for secret in (SECRET, OTHER, "sha256:", "eyJ"))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        ("reader", 403),
        ("launcher", 403),
        ("wrong", 401),
        (lambda: token("*", scope=("read", "launch")), 403),
        (lambda: token("rooms"), 403),
        (lambda: token("deliveries", "rooms", "bots"), 403),
        (lambda: token("*"), 200),
    ],
)
async def test_only_who_administers_everything_may_look(
    path: str, credential: str | Callable[[], str], expected: int
) -> None:
    """A delivery may be about any room, and holds what no document shows."""
    async with yard() as here:
        await three(here)
        status, _ = await here.get(path, credential if isinstance(credential, str) else credential())
        assert status == expected


@pytest.mark.parametrize("identity", ["9", "q9", "x", "q", "-1", "1%2F2", "%00", "1" * 100])
async def test_what_is_not_there_is_not_found(identity: str) -> None:
    """Whatever it is called."""
    async with yard() as here:
        await three(here)
        status, _ = await here.get(f"/api/deliveries/{identity}")
        assert status == 404
