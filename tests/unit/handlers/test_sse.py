"""Streams over a store in memory: how they begin, what they carry, and how they end so that clients come back."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import now_ms
from hub.commands.send import source_for
from hub.events import covers, parse_time, without_nesting
from hub.tokens import Claims, Use
from tests.processes import SECRETS
from tests.unit.handlers.streaming import KEY, TOKENS, Followed, streams, token
from tests.unit.hub.viewing import Clock
from tests.waiting import PATIENCE, until

TOPICS = st.sampled_from(["*", "rooms", "bots", "rooms/a", "rooms/b", "bots/a", "rooms/s@a"])


@given(st.frozensets(TOPICS))
def test_topics_without_nesting_cover_the_same_and_none_covers_another(topics: frozenset[str]) -> None:
    """Everything is sent, and nothing twice."""
    left = without_nesting(topics)
    assert left <= topics
    assert all(covers(left, topic) for topic in topics)
    assert not any(covers(left - {topic}, topic) for topic in left)


async def test_a_stream_begins_with_a_greeting_and_the_state(tmp_path: Path) -> None:
    """What a client needs to come back stands first, before anything can go wrong."""
    async with streams(tmp_path) as hub, hub.open("rooms") as viewer:
        await viewer.named("snapshot")
        hello, snapshot = viewer.seen
        assert (hello.name, hello.id) == ("hello", "")
        assert (hello.data["resumed"], hello.data["expires_at"], hello.data["heartbeat"]) == (False, None, 30.0)
        assert hello.data["reconnect_token"]
        assert (snapshot.name, snapshot.id) == ("snapshot", "epoch1.0")
        assert snapshot.data["complete"] is True
        assert snapshot.data["rooms"] == []


async def test_the_answer_is_one_that_nothing_on_the_way_keeps_or_compresses(tmp_path: Path) -> None:
    """A proxy that buffers makes a live stream a dead one."""
    async with streams(tmp_path) as hub, hub.open("rooms") as viewer:
        headers = viewer.answer.headers
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["Cache-Control"] == "no-cache"
        assert "Content-Encoding" not in headers


async def test_events_of_the_topics_come_in_order_and_no_others(tmp_path: Path) -> None:
    """Each with its own position as id."""
    async with streams(tmp_path) as hub, hub.open("rooms/livekit:RM_a", "bots") as viewer:
        await viewer.named("snapshot")
        await hub.happen("a")
        await hub.happen("b")
        await hub.launch()
        await hub.happen("aa")
        await hub.happen("a")
        await viewer.until(lambda _: len(viewer.events) == 3)
        assert viewer.events == ["epoch1.1", "epoch1.3", "epoch1.5"]


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        (("rooms", "rooms/livekit:RM_a", "rooms"), ["epoch1.1", "epoch1.3"]),
        (("rooms/livekit:RM_a", "rooms/livekit@standup"), ["epoch1.1", "epoch1.3"]),
        (("*", "rooms", "bots", "rooms/livekit:RM_a"), ["epoch1.1", "epoch1.2", "epoch1.3"]),
        (("rooms", "bots"), ["epoch1.1", "epoch1.2", "epoch1.3"]),
    ],
)
async def test_topics_that_lie_within_each_other_bring_each_event_once(
    tmp_path: Path, topics: tuple[str, ...], expected: list[str]
) -> None:
    """A page that follows all rooms and one of them must not show it twice."""
    async with streams(tmp_path) as hub, hub.open(*topics) as viewer:
        await viewer.named("snapshot")
        await hub.happen()
        await hub.launch()
        await hub.happen()
        await viewer.until(lambda _: "epoch1.3" in viewer.events)
        assert viewer.events == expected


@pytest.mark.parametrize("where", ["header", "query"])
async def test_a_position_is_resumed_with_what_came_after_it_and_no_state(tmp_path: Path, where: str) -> None:
    """Nothing is lost and nothing comes again."""
    async with streams(tmp_path) as hub:
        await hub.happen(times=5)
        given_as = {"last_id": "epoch1.2"} if where == "header" else {"last_event_id": "epoch1.2"}
        async with hub.open("rooms", **given_as) as viewer:
            await viewer.until(lambda _: len(viewer.events) == 3)
            assert viewer.seen[0].data["resumed"] is True
            assert viewer.seen[0].id == "epoch1.2"
            assert viewer.events == ["epoch1.3", "epoch1.4", "epoch1.5"]
            assert "snapshot" not in viewer.names


async def test_the_header_wins_over_the_query(tmp_path: Path) -> None:
    """The browser keeps the header up to date, while the address stays what the page once wrote."""
    async with streams(tmp_path) as hub:
        await hub.happen(times=5)
        async with hub.open("rooms", last_id="epoch1.4", last_event_id="epoch1.1") as viewer:
            await viewer.until(lambda _: len(viewer.events) == 1)
            assert (viewer.seen[0].id, viewer.events) == ("epoch1.4", ["epoch1.5"])


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        ("another.2", "epoch_changed"),
        ("epoch1.99", "epoch_changed"),
        ("garbage", "epoch_changed"),
        ("epoch1.", "epoch_changed"),
        ("epoch1.-1", "epoch_changed"),
        ("0", "epoch_changed"),
        ("epoch1.1", "history_trimmed"),
    ],
)
async def test_a_lost_place_is_told_and_made_good_by_the_state(tmp_path: Path, position: str, reason: str) -> None:
    """A client that cannot resume must know that what it shows is old."""
    async with streams(tmp_path, HUB_STREAM__TAIL="1") as hub:
        await hub.happen(times=5)
        hub.store.raise_floor(3)
        async with hub.open("rooms", last_id=position) as viewer:
            snapshot = await viewer.named("snapshot")
            assert viewer.names[:2] == ["hello", "reset"]
            assert viewer.seen[0].data["resumed"] is False
            assert viewer.seen[1].data["reason"] == reason
            assert snapshot.id == "epoch1.5"


async def test_who_wants_no_state_gets_a_place_to_begin_at(tmp_path: Path) -> None:
    """Else nothing could be resumed before the first event."""
    async with streams(tmp_path) as hub:
        await hub.happen()
        async with hub.open("rooms", snapshot="0") as viewer:
            assert (await viewer.named("hello")).id == "epoch1.1"
            await hub.happen()
            await viewer.until(lambda _: bool(viewer.events))
            assert viewer.events == ["epoch1.2"]
            assert "snapshot" not in viewer.names


async def test_a_lost_place_without_the_state_is_told_with_the_new_place(tmp_path: Path) -> None:
    """Who asked for no snapshot gets none, but must be able to resume."""
    async with streams(tmp_path) as hub, hub.open("rooms", last_id="another.1", snapshot="0") as viewer:
        reset = await viewer.named("reset")
        assert reset.id == "epoch1.0"
        assert "snapshot" not in viewer.names


async def test_a_heartbeat_says_how_far_everything_was_sent(tmp_path: Path) -> None:
    """After a quiet hour a viewer must not have to read an hour of others' events."""
    async with streams(tmp_path, HUB_STREAM__HEARTBEAT="0.2") as hub, hub.open("bots") as viewer:
        await viewer.named("snapshot")
        await hub.happen()
        await viewer.until(lambda seen: any(sent.id == "epoch1.1" for sent in seen))
        beat = next(sent for sent in viewer.seen if sent.id == "epoch1.1")
        assert beat.name == "heartbeat"
        assert (beat.data["head"], beat.data["degraded"]) == ("epoch1.1", False)
        assert parse_time(str(beat.data["time"])) is not None


async def test_a_reconnect_token_opens_the_stream_again_without_anything_else(tmp_path: Path) -> None:
    """The page's own credential may be gone by then; topics, permission and end are in the token."""
    async with streams(tmp_path) as hub:
        async with hub.open("rooms/livekit:RM_a", key=token("rooms")) as viewer:
            hello = await viewer.named("hello")
        reconnect = str(hello.data["reconnect_token"])
        async with hub.open(key="", reconnect=reconnect) as again:
            await again.named("snapshot")
            await hub.happen("b")
            await hub.happen("a")
            await again.until(lambda _: len(again.events) >= 1)
            assert again.events == ["epoch1.2"]
            assert again.seen[0].data["expires_at"] == hello.data["expires_at"]


async def test_a_full_hub_sends_viewers_away_so_that_they_come_back(tmp_path: Path) -> None:
    """EventSource gives up for good on anything but 200."""
    async with streams(tmp_path, HUB_STREAM__MAX_VIEWERS="1") as hub, hub.open("rooms") as first:
        await first.named("snapshot")
        async with hub.open("rooms") as second:
            (bye,) = await second.ended()
            assert second.answer.status == 200
            assert (bye.name, bye.data) == ("bye", {"reason": "overloaded", "reconnect": True})
        async with hub.session.get(
            f"{hub.url}/api/stream?topic=rooms", headers={"Authorization": f"Bearer {KEY}"}
        ) as raw:
            assert (await raw.content.readline()).startswith(b"retry: ")
        await hub.happen()
        await first.until(lambda _: first.events == ["epoch1.1"])


async def test_a_place_that_is_free_again_is_given_to_the_next(tmp_path: Path) -> None:
    """Viewers that were sent away, or left, must not count for ever."""
    async with streams(tmp_path, HUB_STREAM__MAX_VIEWERS="1") as hub:
        for _ in range(3):
            async with hub.open("rooms") as viewer:
                await viewer.until(lambda seen: bool(seen))
                is_in = viewer.names[0] == "hello"
        deadline = time.monotonic() + PATIENCE
        while not is_in:
            assert time.monotonic() < deadline
            async with hub.open("rooms") as viewer:
                await viewer.until(lambda seen: bool(seen))
                is_in = viewer.names[0] == "hello"


async def test_a_store_that_fails_sends_viewers_away_so_that_they_come_back(tmp_path: Path) -> None:
    """A 503 would end the page's stream for good."""
    async with streams(tmp_path) as hub:
        hub.store.problem = "gone"
        async with hub.open("rooms") as viewer:
            await viewer.ended()
            assert viewer.answer.status == 200
            assert viewer.names[-1] == "bye"
            assert viewer.seen[-1].data["reconnect"] is True
        hub.store.problem = ""
        async with hub.open("rooms") as viewer:
            await viewer.named("snapshot")


async def test_an_expired_permission_ends_the_stream_and_nothing_comes_after(tmp_path: Path) -> None:
    """Not even what was already on its way."""
    clock = Clock(now_ms())
    async with streams(tmp_path, clock) as hub, hub.open("rooms", key=token("rooms", seconds=30)) as viewer:
        await viewer.named("snapshot")
        for _ in range(32):
            await hub.happen()
            clock.advance(1)
        await viewer.ended()
        assert viewer.events
        assert viewer.seen[0].name == "hello"
        assert "auth.expiring" in viewer.names
        assert (viewer.seen[-1].name, viewer.seen[-1].data) == ("bye", {"reason": "expired", "reconnect": False})
        end = parse_time(str(viewer.seen[0].data["expires_at"]))
        assert all(parse_time(str(sent.data["receivedat"])) < end for sent in viewer.seen if not sent.name)


async def test_nothing_comes_before_the_greeting_however_slow_the_store_is(tmp_path: Path) -> None:
    """A client learns from it how to read everything else."""
    async with streams(tmp_path) as hub:
        await hub.happen(times=2)
        hub.store.reads.hold()
        # So near its end that a warning is due at once.
        async with hub.open("rooms", key=token("rooms", seconds=30), last_id="epoch1.1") as viewer:
            await until(lambda: hub.store.reads.waiting > 0)
            await hub.happen()
            hub.store.reads.release()
            await viewer.named("auth.expiring")
            await viewer.named("hello")
            assert viewer.names[0] == "hello"


async def test_a_fresh_reconnect_token_comes_at_half_the_life_of_the_old_one(tmp_path: Path) -> None:
    """However short that is: a connection that breaks shortly before the end must find a good token."""
    clock = Clock(now_ms())
    async with streams(tmp_path, clock) as hub, hub.open("rooms", key=token("rooms", seconds=3)) as viewer:
        await viewer.named("snapshot")
        assert "token" not in viewer.names
        clock.advance(1.5)
        await hub.happen()
        await viewer.named("token")
        assert not viewer.is_over


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_a_stream_is_only_to_be_had_by_get(tmp_path: Path, method: str) -> None:
    """A HEAD that opens a stream would never end."""
    async with (
        streams(tmp_path) as hub,
        hub.session.request(method, f"{hub.url}/api/stream", headers={"Authorization": f"Bearer {KEY}"}) as answer,
    ):
        assert answer.status == 405
        assert answer.content_type == "application/problem+json"


async def test_who_leaves_is_no_longer_a_viewer(tmp_path: Path) -> None:
    """Whether it had caught up or not."""
    async with streams(tmp_path, HUB_STREAM__MAX_VIEWERS="2") as hub:
        hub.store.answers.hold()
        async with hub.open("rooms") as waiting:
            await waiting.named("hello")
        hub.store.answers.release()
        for _ in range(5):
            async with hub.open("rooms") as viewer:
                assert (await viewer.named("hello")).data["resumed"] is False
                await viewer.named("snapshot")


def verdicts(viewer: Followed) -> list[str]:
    """Return what became of the deliveries that a viewer was shown."""
    return [str(sent.data["type"]) for sent in viewer.seen if str(sent.data.get("type", "")).startswith("delivery.")]


async def test_deliveries_are_shown_as_they_arrive_without_a_state_before(tmp_path: Path) -> None:
    """Accepted, repeated, dead and refused ones; what was before is to be had by REST."""
    async with streams(tmp_path) as hub:
        await hub.happen()
        async with hub.open("deliveries") as viewer:
            await viewer.named("hello")
            await hub.launch()
            await viewer.until(lambda _: verdicts(viewer) == ["delivery.accepted"])
            url = hub.url + source_for(hub.settings, "meetingbaas").path
            key = {"x-meeting-baas-api-key": SECRETS["MEETINGBAAS_API_KEY"]}
            for headers in (key, key, {}):
                async with hub.session.post(url, data=b"[]", headers=headers):
                    pass
            await viewer.until(lambda _: len(verdicts(viewer)) == 4)
            assert verdicts(viewer)[1:] == ["delivery.dead", "delivery.duplicate", "delivery.refused"]
            assert viewer.names == ["hello", "", "", "", ""]
            assert [sent.id for sent in viewer.seen[1:]] == [""] * 4


async def test_deliveries_are_not_resumed(tmp_path: Path) -> None:
    """Wherever somebody says to have been: there is no such place."""
    async with streams(tmp_path) as hub:
        await hub.happen(times=3)
        for place in ("epoch1.1", "other.7", "nonsense"):
            async with hub.open("deliveries", last_id=place) as viewer:
                assert (await viewer.named("hello")).data["resumed"] is False
                await hub.launch()
                await viewer.until(lambda _, viewer=viewer: len(verdicts(viewer)) == 1)
                assert viewer.names == ["hello", ""]


async def test_deliveries_and_rooms_may_be_followed_together(tmp_path: Path) -> None:
    """Rooms with their state and their positions, as ever."""
    async with streams(tmp_path) as hub:
        await hub.happen()
        async with hub.open("deliveries", "rooms", last_id="epoch1.0") as viewer:
            await viewer.until(lambda seen: "epoch1.1" in [sent.id for sent in seen])
            await hub.launch()
            await hub.happen()
            await viewer.until(lambda seen: "epoch1.3" in [sent.id for sent in seen])
            await viewer.until(lambda _: len(verdicts(viewer)) == 2)
            assert "snapshot" not in viewer.names
        async with hub.open("deliveries", "rooms") as viewer:
            assert (await viewer.named("snapshot")).data.keys() == {"rooms", "complete", "time", "recent"}


async def test_everything_is_without_deliveries(tmp_path: Path) -> None:
    """Who follows the log would see each event twice."""
    async with streams(tmp_path) as hub, hub.open("*") as viewer, hub.open("deliveries", "*") as both:
        await both.named("snapshot")
        await viewer.named("snapshot")
        await hub.happen()
        await hub.happen()
        await both.until(lambda _: len(verdicts(both)) == 2)
        await viewer.until(lambda _: len(viewer.events) == 2)
        assert verdicts(viewer) == []


def granted(*topics: str, scope: tuple[str, ...], use: Use = Use.ACCESS) -> str:
    """Return a token for topics with scopes."""
    return TOKENS.mint(Claims(use=use, topics=topics, scope=scope, exp=int(time.time() + 60)))


@pytest.mark.parametrize(
    ("had", "scope"),
    [
        (("*",), ("read", "launch")),
        (("rooms",), ("admin",)),
        (("rooms", "deliveries"), ("read",)),
        (("rooms", "deliveries"), ("admin",)),
    ],
)
async def test_deliveries_are_for_who_administers_everything(
    tmp_path: Path, had: tuple[str, ...], scope: tuple[str, ...]
) -> None:
    """They are about every room, and tell what was wrong with proofs."""
    key = granted(*had, scope=scope)
    async with streams(tmp_path) as hub:
        for topics in (("deliveries",), ("deliveries", "rooms")):
            async with hub.open(*topics, key=key) as viewer:
                assert viewer.answer.status == 403


async def test_a_reconnect_token_brings_deliveries_back_to_who_had_them_and_to_nobody_else(tmp_path: Path) -> None:
    """It carries topics, and they were permitted when it was made."""
    async with streams(tmp_path) as hub:
        async with hub.open("deliveries") as viewer:
            reconnect = str((await viewer.named("hello")).data["reconnect_token"])
        async with hub.open(key="", reconnect=reconnect) as viewer:
            await viewer.named("hello")
            await hub.launch()
            await viewer.until(lambda _: len(verdicts(viewer)) == 1)
        async with hub.open("*") as viewer:
            reconnect = str((await viewer.named("hello")).data["reconnect_token"])
        async with hub.open("deliveries", key="", reconnect=reconnect) as viewer:
            assert viewer.answer.status == 403
