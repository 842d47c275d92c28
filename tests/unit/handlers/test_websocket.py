"""The stream over a WebSocket: the same as by server-sent events, and what a client may say while it is connected."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from handlers.websocket import MESSAGE_LIMIT, MESSAGES
from hub.clock import now_ms
from tests.streams import Sent
from tests.unit.handlers.streaming import KEY, Streams, Talked, streams, token
from tests.unit.hub.viewing import Clock
from tests.waiting import until

A, B = "rooms/livekit:RM_a", "rooms/livekit:RM_b"


def told(seen: list[Sent]) -> list[tuple[str, str, object]]:
    """Return what was said, but for what is another thing in each connection."""
    passing = {"reconnect_token", "time"}
    return [(one.name, one.id, {key: one.data[key] for key in one.data.keys() - passing}) for one in seen]


async def closed(viewer: Talked) -> int | None:
    """Return the code that the hub closed the connection with."""
    await viewer.ended()
    return viewer.socket.close_code


async def test_both_transports_tell_the_same(tmp_path: Path) -> None:
    """They share everything but the framing."""
    async with (
        streams(tmp_path, HUB_STREAM__HEARTBEAT="0.3") as hub,
        hub.open("rooms", "bots") as followed,
        hub.talk("rooms", "bots") as talked,
    ):
        for viewer in (followed, talked):
            await viewer.named("snapshot")
        await hub.happen(times=3)
        await hub.launch()
        for viewer in (followed, talked):
            await viewer.until(lambda seen: ("heartbeat", "epoch1.4") in [(one.name, one.id) for one in seen])
        plain = [[one for one in told(viewer.seen) if one[0] != "heartbeat"] for viewer in (followed, talked)]
        assert plain[0] == plain[1]
        assert [name for name, _, _ in plain[0]] == ["hello", "snapshot", "", "", "", ""]


async def test_the_subprotocol_is_answered_and_nothing_is_compressed(tmp_path: Path) -> None:
    """Each message would be compressed for each viewer, and every compressor keeps a window."""
    async with (
        streams(tmp_path) as hub,
        hub.session.ws_connect(
            f"{hub.url}/api/ws?topic=rooms",
            headers={"Authorization": f"Bearer {KEY}"},
            protocols=("other", "hub.v1"),
            compress=15,
        ) as socket,
    ):
        assert (socket.protocol, socket.compress) == ("hub.v1", 0)


async def test_a_position_is_resumed(tmp_path: Path) -> None:
    """As by Last-Event-ID, which no browser sends here."""
    async with streams(tmp_path) as hub:
        await hub.happen(times=5)
        async with hub.talk("rooms", last_event_id="epoch1.2") as viewer:
            await viewer.until(lambda _: len(viewer.events) == 3)
            assert (viewer.seen[0].id, viewer.seen[0].data["resumed"]) == ("epoch1.2", True)
            assert viewer.events == ["epoch1.3", "epoch1.4", "epoch1.5"]


async def test_a_reconnect_token_brings_back_what_was_followed_last(tmp_path: Path) -> None:
    """With the topics that were added, and with the permission to add more."""
    async with streams(tmp_path) as hub:
        async with hub.talk(A, key=token("rooms")) as viewer:
            await viewer.named("snapshot")
            await viewer.ask("subscribed", action="subscribe", topics=[B])
            reconnect = (await viewer.named("token")).data["reconnect_token"]
        async with hub.talk(key="", reconnect=str(reconnect)) as again:
            await again.named("snapshot")
            await hub.happen("b")
            await hub.happen("c")
            await hub.happen("a")
            await again.until(lambda _: len(again.events) == 2)
            assert again.events == ["epoch1.1", "epoch1.3"]
            added = await again.ask("subscribed", action="subscribe", topics=["rooms/livekit:RM_c"])
            assert added.data["topics"] == [A, B, "rooms/livekit:RM_c"]


async def test_an_added_topic_comes_with_its_state_and_then_its_events(tmp_path: Path) -> None:
    """Nothing is missed in between, and what was followed before goes on."""
    async with streams(tmp_path) as hub, hub.talk(A) as viewer:
        await viewer.named("snapshot")
        await hub.happen("b")
        await hub.happen("a")
        answer = await viewer.ask("subscribed", action="subscribe", topics=[B])
        assert answer.data == {"topics": [A, B], "added": [B]}
        await viewer.until(lambda _: viewer.names.count("snapshot") == 2)
        shown = viewer.last("snapshot")
        assert [room["id"] for room in shown.data["rooms"]] == ["livekit:RM_b"]  # type: ignore[attr-defined]  # JSON
        assert shown.id == "epoch1.2"
        await hub.happen("b")
        await hub.happen("a")
        await viewer.until(lambda _: len(viewer.events) == 3)
        assert viewer.events == ["epoch1.2", "epoch1.3", "epoch1.4"]


async def test_a_topic_that_is_followed_already_is_shown_and_told_once(tmp_path: Path) -> None:
    """A page that shows all rooms opens one of them: its participants are in no list of rooms."""
    async with streams(tmp_path) as hub, hub.talk("rooms") as viewer:
        await hub.happen("a")
        await viewer.until(lambda _: bool(viewer.events))
        await viewer.ask("subscribed", action="subscribe", topics=[A])
        await viewer.until(lambda _: viewer.names.count("snapshot") == 2)
        assert len(viewer.last("snapshot").data["participants"]) == 1  # type: ignore[arg-type]  # JSON
        await hub.happen("a")
        await hub.happen("b")
        await viewer.until(lambda _: len(viewer.events) >= 3)
        assert viewer.events == ["epoch1.1", "epoch1.2", "epoch1.3"]
        # And what is left when the wider topic goes.
        await viewer.ask("unsubscribed", action="unsubscribe", topics=["rooms"])
        await hub.happen("b")
        await hub.happen("a")
        await viewer.until(lambda _: len(viewer.events) >= 4)
        assert viewer.events[3:] == ["epoch1.5"]


async def test_what_is_unsubscribed_is_not_told_any_more(tmp_path: Path) -> None:
    """Not one event after the answer, and the rest goes on."""
    async with streams(tmp_path) as hub, hub.talk(A, B) as viewer:
        await viewer.named("snapshot")
        answer = await viewer.ask("unsubscribed", action="unsubscribe", topics=[A])
        assert (answer.id, answer.data) == ("epoch1.0", {"topics": [B], "added": []})
        await hub.happen("a")
        await hub.happen("b")
        await viewer.until(lambda _: bool(viewer.events))
        assert viewer.events == ["epoch1.2"]


async def test_who_follows_nothing_is_told_nothing_and_may_follow_something_later(tmp_path: Path) -> None:
    """A page goes from one room to the next; it must not get everything in between, nor when it comes back then."""
    async with streams(tmp_path) as hub:
        async with hub.talk(A) as viewer:
            await viewer.named("snapshot")
            await viewer.ask("unsubscribed", action="unsubscribe", topics=[A])
            await hub.happen("a")
            await viewer.until(lambda seen: any(one.name == "token" for one in seen))
            reconnect = str((await viewer.named("token")).data["reconnect_token"])
            await viewer.ask("pong", action="ping")
            assert viewer.events == []
        async with hub.talk(key="", reconnect=reconnect, last_event_id="epoch1.0") as viewer:
            await viewer.named("hello")
            await hub.happen("a")
            await viewer.ask("subscribed", action="subscribe", topics=[B])
            await hub.happen("b")
            await viewer.until(lambda _: bool(viewer.events))
            assert viewer.events == ["epoch1.3"]


async def test_without_snapshots_an_added_topic_begins_where_its_answer_says(tmp_path: Path) -> None:
    """Who asked for no state gets a place to come back to."""
    async with streams(tmp_path) as hub, hub.talk(A, snapshot="0") as viewer:
        await hub.happen("a")
        await viewer.until(lambda _: bool(viewer.events))
        answer = await viewer.ask("subscribed", action="subscribe", topics=[B])
        assert (answer.id, answer.data["added"]) == ("epoch1.1", [])
        await hub.happen("b")
        await viewer.until(lambda _: len(viewer.events) == 2)
        assert "snapshot" not in viewer.names


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("nonsense", "bad_request"),
        ("[]", "bad_request"),
        ("{}", "bad_request"),
        ('{"action": "dance"}', "bad_request"),
        ('{"action": "subscribe"}', "bad_request"),
        ('{"action": "subscribe", "topics": "rooms"}', "bad_request"),
        ('{"action": "subscribe", "topics": ["people"]}', "bad_request"),
        ('{"action": "subscribe", "topics": ["rooms/a b"]}', "bad_request"),
        ('{"action": "subscribe", "topics": ["bots"]}', "forbidden"),
        ('{"action": "subscribe", "topics": ["*"]}', "forbidden"),
        ('{"action": "subscribe", "topics": ["deliveries"]}', "forbidden"),
        ('{"action": "subscribe", "topics": ["rooms", "bots/x"]}', "forbidden"),
        ('{"action": "authenticate", "token": "x"}', "unauthorized"),
        ('{"action": "authenticate"}', "bad_request"),
        ('{"action": "ping", "\\ud800": ' + "[" * 2000, "bad_request"),
    ],
)
async def test_what_cannot_be_done_is_answered_and_changes_nothing(tmp_path: Path, said: str, code: str) -> None:
    """One wrong word of a page must not end its stream."""
    async with streams(tmp_path) as hub, hub.talk(A, key=token("rooms")) as viewer:
        await viewer.named("snapshot")
        await viewer.socket.send_str(said)
        error = await viewer.named("error")
        assert error.data["code"] == code
        assert error.data["message"]
        await hub.launch()
        await hub.happen("b")
        await hub.happen("a")
        await viewer.until(lambda _: bool(viewer.events))
        assert viewer.events == ["epoch1.3"]


async def test_bytes_are_answered_with_an_error(tmp_path: Path) -> None:
    """Everything here is text."""
    async with streams(tmp_path) as hub, hub.talk(A) as viewer:
        await viewer.socket.send_bytes(b"\0")
        assert (await viewer.named("error")).data["code"] == "bad_request"


async def test_a_reconnect_token_for_a_hundred_topics_fits_into_an_address(tmp_path: Path) -> None:
    """A page that shows a hundred bots comes back like any other."""
    topics = [f"bots/meetingbaas:{number:0>36}" for number in range(100)]
    async with streams(tmp_path) as hub:
        async with hub.talk(key=token(*topics)) as viewer:
            reconnect = str((await viewer.named("hello")).data["reconnect_token"])
        async with hub.talk(key="", reconnect=reconnect) as again:
            await again.named("snapshot")
            await again.ask("unsubscribed", action="unsubscribe", topics=topics[:1])
            longer = str((await again.named("token")).data["reconnect_token"])
        async with hub.talk(key="", reconnect=longer) as again:
            await again.named("snapshot")


async def test_a_hundred_topics_are_the_most(tmp_path: Path) -> None:
    """In one connection, however they came."""
    async with streams(tmp_path) as hub, hub.talk(*(f"rooms/{number}" for number in range(99))) as viewer:
        await viewer.named("snapshot")
        await viewer.ask("subscribed", action="subscribe", topics=["rooms/99"])
        await viewer.ask("error", action="subscribe", topics=["rooms/100"])
        await viewer.ask("subscribed", action="subscribe", topics=["rooms/0"])
        await viewer.ask("unsubscribed", action="unsubscribe", topics=["rooms/0"])
        await viewer.ask("subscribed", action="subscribe", topics=["rooms/100"])


async def test_another_token_prolongs_the_permission(tmp_path: Path) -> None:
    """Without a gap, and without the state once more."""
    clock = Clock(now_ms())
    async with streams(tmp_path, clock) as hub, hub.talk(A, key=token("rooms", seconds=2)) as viewer:
        await viewer.named("auth.expiring")
        answer = await viewer.ask("authenticated", action="authenticate", token=token("rooms", seconds=60))
        known = len(viewer.seen)
        await viewer.until(lambda seen: any(one.name == "token" for one in seen[known - 1 :]))
        for _ in range(10):
            await hub.happen("a")
            clock.advance(0.5)
        await viewer.until(lambda _: len(viewer.events) == 10)
        assert viewer.names.count("snapshot") == 1
        assert not viewer.is_over
        assert answer.data["expires_at"]


async def test_another_token_must_cover_what_is_followed(tmp_path: Path) -> None:
    """Else it would take topics away without saying which."""
    async with streams(tmp_path) as hub, hub.talk("rooms", key=token("rooms", seconds=60)) as viewer:
        await viewer.named("snapshot")
        error = await viewer.ask("error", action="authenticate", token=token(A))
        assert error.data["code"] == "forbidden"
        await hub.happen("b")
        await viewer.until(lambda _: bool(viewer.events))


async def test_another_token_changes_what_may_be_followed(tmp_path: Path) -> None:
    """From then on."""
    async with streams(tmp_path) as hub, hub.talk(A, key=token(A)) as viewer:
        await viewer.named("snapshot")
        assert (await viewer.ask("error", action="subscribe", topics=["bots"])).data["code"] == "forbidden"
        await viewer.ask("authenticated", action="authenticate", token=token("*"))
        await viewer.ask("subscribed", action="subscribe", topics=["bots"])


async def test_another_token_must_also_cover_what_is_still_followed(tmp_path: Path) -> None:
    """Topics go when the viewer gets there; until then it is told of them, by the permission that it has."""
    async with streams(tmp_path) as hub, hub.talk(A, key=token("rooms", seconds=60)) as viewer:
        await viewer.named("snapshot")
        hub.store.answers.hold()
        await viewer.say(action="subscribe", topics=[B])
        await viewer.say(action="unsubscribe", topics=[A])
        assert (await viewer.ask("error", action="authenticate", token=token(B))).data["code"] == "forbidden"
        hub.store.answers.release()
        await viewer.named("unsubscribed")
        await viewer.ask("authenticated", action="authenticate", token=token(B))


async def test_an_expired_permission_closes_with_4401_and_nothing_comes_after(tmp_path: Path) -> None:
    """A page has to know that coming back the same way is of no use."""
    clock = Clock(now_ms())
    async with streams(tmp_path, clock) as hub, hub.talk(A, key=token("rooms", seconds=30)) as viewer:
        await viewer.named("snapshot")
        for _ in range(32):
            await hub.happen()
            clock.advance(1)
        assert await closed(viewer) == 4401
        assert (viewer.seen[-1].name, viewer.seen[-1].data) == ("bye", {"reason": "expired", "reconnect": False})


async def test_a_full_hub_closes_with_1013(tmp_path: Path) -> None:
    """Later there may be room."""
    async with streams(tmp_path, HUB_STREAM__MAX_VIEWERS="1") as hub, hub.talk(A) as first:
        await first.named("snapshot")
        async with hub.talk(A) as second:
            assert await closed(second) == aiohttp.WSCloseCode.TRY_AGAIN_LATER
            assert [(one.name, one.data["reason"]) for one in second.seen] == [("bye", "overloaded")]


async def test_an_old_connection_ends_by_itself_and_may_come_back(tmp_path: Path) -> None:
    """So that viewers spread over processes that were started later, and over those that others left."""
    async with streams(tmp_path, HUB_STREAM__MAX_AGE="0.2") as hub, hub.talk(A) as viewer:
        assert await closed(viewer) == aiohttp.WSCloseCode.SERVICE_RESTART
        assert viewer.seen[-1].data == {"reason": "drain", "reconnect": True}


async def test_who_talks_without_end_is_shown_out_with_1008(tmp_path: Path) -> None:
    """Each word costs the others time."""
    async with streams(tmp_path) as hub, hub.talk(A) as viewer:
        await viewer.named("snapshot")
        for _ in range(MESSAGES + 1):
            await viewer.say(action="ping")
        assert await closed(viewer) == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_a_message_that_is_too_long_closes_with_1009(tmp_path: Path) -> None:
    """Nobody has that much to say, and it would be kept in memory."""
    async with streams(tmp_path) as hub, hub.talk(A) as viewer:
        await viewer.named("snapshot")
        await viewer.say(action="ping", filler="x" * MESSAGE_LIMIT)
        assert await closed(viewer) == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


@pytest.mark.parametrize(
    ("query", "key", "status"),
    [
        ("topic=rooms", "", 401),
        ("topic=rooms", "wrong", 401),
        ("topic=bots", "a token for rooms", 403),
        ("topic=people", KEY, 400),
        ("reconnect=x", "", 401),
    ],
)
async def test_who_may_not_is_refused_before_the_upgrade(tmp_path: Path, query: str, key: str, status: int) -> None:
    """With the answer of the event stream, so that a client learns the reason there."""
    async with streams(tmp_path) as hub:
        credential = token("rooms") if key == "a token for rooms" else key
        headers = {"Authorization": f"Bearer {credential}"} if key else {}
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await hub.session.ws_connect(f"{hub.url}/api/ws?{query}", headers=headers)
        assert refused.value.status == status


async def refused(hub: Streams, origin: str, more: str = "", **headers: str) -> int:
    """Return the status with which a page of an origin was refused, 0 when it was not."""
    url = f"{hub.url}/api/ws?topic=rooms{more}" + ("" if headers else f"&token={token('rooms')}")
    try:
        async with hub.session.ws_connect(url, headers={"Origin": origin, **headers}):
            return 0
    except aiohttp.WSServerHandshakeError as refusal:
        return refusal.status


async def test_pages_of_other_origins_need_leave_and_a_credential_of_their_own(tmp_path: Path) -> None:
    """No browser asks the hub before it opens a WebSocket, and every one sends the cookie along."""
    cookie = {"Cookie": f"hub_token={token('rooms')}"}
    async with streams(tmp_path, HUB_AUTH__ALLOW_ORIGINS="https://page.example") as hub:
        assert await refused(hub, hub.url) == 0
        assert await refused(hub, hub.url, **cookie) == 0
        assert await refused(hub, "https://page.example") == 0
        assert await refused(hub, "https://page.example", **cookie) == 403
        for foreign in ("https://evil.example", "null", "", hub.url.replace("http:", "https:") + ".evil.example"):
            assert await refused(hub, foreign) == 403
            assert await refused(hub, foreign, **cookie) == 403
        # Something that is no credential does not make the cookie one's own.
        assert await refused(hub, "https://page.example", **cookie, Authorization="Basic x") == 403
        assert await refused(hub, "https://page.example", "&reconnect=", **cookie) == 401


async def test_a_plain_request_is_told_what_this_path_takes(tmp_path: Path) -> None:
    """Somebody tries the address in a browser."""
    async with streams(tmp_path) as hub:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with hub.session.get(f"{hub.url}/api/ws", headers=headers) as answer:
            assert answer.status == 400
            assert "WebSocket" in (await answer.json(content_type=None))["detail"]


async def test_who_leaves_is_no_longer_a_viewer(tmp_path: Path) -> None:
    """With a goodbye or without one, and no task stays behind."""
    async with streams(tmp_path) as hub:
        before = len(asyncio.all_tasks())
        for place in range(10):
            async with hub.talk(A) as viewer:
                await viewer.named("snapshot")
                if place % 2:
                    transport = viewer.socket._response.connection.transport  # type: ignore[union-attr]
                    transport.abort()
        await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_a_store_that_fails_closes_so_that_clients_come_back(tmp_path: Path) -> None:
    """What is ours to mend must not look like a refusal."""
    async with streams(tmp_path) as hub:
        hub.store.problem = "gone"
        async with hub.talk(A) as viewer:
            assert await closed(viewer) == aiohttp.WSCloseCode.TRY_AGAIN_LATER


async def test_who_just_leaves_is_no_line_of_the_log_by_either_transport(tmp_path: Path) -> None:
    """People close tabs all day; a line is for who was cut off or lost."""
    with capture_logs() as logs:
        async with streams(tmp_path) as hub:
            async with hub.open("rooms") as followed, hub.talk("rooms") as talked:
                for viewer in (followed, talked):
                    await viewer.named("snapshot")
            async with hub.talk("rooms") as last:
                await last.named("snapshot")
    assert [line for line in logs if line["event"].startswith("viewer.")] == []
