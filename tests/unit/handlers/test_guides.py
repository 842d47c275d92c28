"""The five guides that the hub replaces: every body word for word, and every event that they name without a body.

The bodies are in tests/samples/guides/, as they stand in the guides. Where a guide shows none, `SHAPES` has one in the
form of its others; where it gives no proof, the right one is added.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import aiohttp
import orjson
import pytest

from handlers.providers.arrival import Sample
from hub.commands.send import signed
from hub.events import format_time
from tests.hubs import API_KEY, RunningHub, running_hub
from tests.waiting import PATIENCE

FOLDER = Path(__file__).parents[2] / "samples" / "guides"
HOUR_MS = 3_600_000
ME = {"Authorization": f"Bearer {API_KEY}"}
Said = dict[str, object]

# Where each guide has its provider post, and how this is proved.
PATHS = {
    "meetingbaas": ("/api/meeting-bot/webhook", "guide"),
    "livekit": ("/api/livekit/webhook", "webhook"),
    "100ms-schedule": ("/schedule/webhook/100ms", "header"),
    "100ms-room-statistics": ("/functions/v1/hms-webhook", "guide"),
    "pulse": ("/webhooks/pulse", "guide"),
}


def of_bot(kind: str, **said: object) -> Said:
    return {"type": kind, "data": {"botId": "test-123", **said}}


def of_room(event: str, **said: object) -> Said:
    return {"event": event, "room_id": "room-1", **said}


def of_livekit(event: str, **said: object) -> Said:
    return {"event": event, "room": {"name": "example-room", "numParticipants": 2}, **said}


SPEAKER = {"peer": {"id": "peer-1", "role": "speaker"}}
SHAPES: Mapping[str, Said] = {
    "meetingbaas/meeting.started": of_bot("meeting.started"),
    "meetingbaas/meeting.completed": of_bot("meeting.completed"),
    "meetingbaas/meeting.failed": of_bot("meeting.failed", error="BotNotAccepted"),
    "meetingbaas/transcription.available": of_bot("transcription.available"),
    "meetingbaas/transcription.updated": of_bot("transcription.updated", speaker="Ann", start=1.5, text="Hello"),
    "meetingbaas/bot.status_change": of_bot("bot.status_change", status="in_call_recording"),
    "livekit/room_started": of_livekit("room_started"),
    "livekit/participant_left": of_livekit("participant_left", participant={"identity": "user123"}),
    "livekit/room_finished": of_livekit("room_finished"),
    "livekit/egress_ended": {
        "event": "egress_ended",
        "egressInfo": {"egressId": "EG_1", "roomName": "example-room", "status": "EGRESS_COMPLETE"},
    },
    "100ms-schedule/beam.stopped.success": {
        "type": "beam.stopped.success",
        "data": {"room_id": "room-abc-123", "session_id": "session-def-456", "timestamp": "2023-10-14T12:00:00Z"},
    },
    "100ms-room-statistics/room.started": of_room("room.started"),
    "100ms-room-statistics/peer.joined": of_room("peer.joined", **SPEAKER),
    "100ms-room-statistics/track.updated": of_room("track.updated", **SPEAKER),
    "100ms-room-statistics/peer.left": of_room("peer.left", **SPEAKER),
    "100ms-room-statistics/room.ended": of_room("room.ended"),
    # What the guide's own unit tests send.
    "pulse/unit test": {"event": "room.started", "data": {"room_name": "test-room"}},
    "pulse/unknown": {"event": "test"},
}


class Row(NamedTuple):
    """What comes of one body, sent to a hub that knows nothing yet: all documents, and what matters in them."""

    kinds: str
    documents: Mapping[str, Said]


BOT, ROOM, SESSION = "bots/meetingbaas:test-123", "rooms/100ms@room-abc-123", "rooms/100ms:session-def-456"
STATS, NAMED, PULSE = "rooms/100ms@room-1", "rooms/livekit@example-room", "rooms/pulse:RM_abc123xyz789"
PULSE_NAME = "rooms/pulse@meeting-room-456"
NOBODY = {"participant_count": 0, "speaker_count": 0, "listener_count": 0}
ROWS: Mapping[str, Row] = {
    "meetingbaas/meeting.started": Row("bot.joined", {BOT: {"status": "in_call", "reason": None}}),
    "meetingbaas/meeting.completed": Row(
        "bot.completed transcript.completed",
        {BOT: {"status": "completed", "transcript": {"status": "completed", "segments_count": 0}}},
    ),
    "meetingbaas/meeting.failed": Row(
        "bot.failed",
        {
            BOT: {
                "status": "failed",
                "reason": {
                    "code": "BotNotAccepted",
                    "group": "host",
                    "message": "Nobody let the bot into the meeting.",
                },
            }
        },
    ),
    "meetingbaas/transcription.available": Row(
        "transcript.completed", {BOT: {"status": "unknown", "transcript": {"status": "completed", "segments_count": 0}}}
    ),
    "meetingbaas/transcription.updated": Row(
        "transcript.updated",
        {
            BOT: {"status": "unknown", "transcript": {"status": "live", "segments_count": 1}},
            f"{BOT}/transcript/1.5:Ann": {"speaker": "Ann", "start": 1.5, "text": "Hello", "final": True},
        },
    ),
    "meetingbaas/bot.status_change": Row(
        "recording.started",
        {BOT: {"status": "recording"}, "recordings/meetingbaas:test-123": {"status": "recording"}},
    ),
    "livekit/room_started": Row("room.started", {NAMED: {"status": "live", "name": "example-room", **NOBODY}}),
    # It says that two are there: such numbers are late, so that only who joined counts.
    "livekit/participant_joined": Row(
        "participant.joined",
        {
            NAMED: {"status": "live", "participant_count": 1},
            f"{NAMED}/participants/identity:user123": {"identity": "user123", "active": True, "kind": "human"},
        },
    ),
    "livekit/participant_left": Row(
        "participant.left",
        {NAMED: NOBODY, f"{NAMED}/participants/identity:user123": {"identity": "user123", "active": False}},
    ),
    "livekit/room_finished": Row("room.ended", {NAMED: {"status": "ended", **NOBODY}}),
    "livekit/egress_ended": Row(
        "recording.completed",
        {
            NAMED: {"status": "ended"},
            "recordings/livekit:EG_1": {"status": "completed", "room": "livekit@example-room"},
        },
    ),
    "100ms-schedule/peer.join.success": Row(
        "participant.joined",
        {
            ROOM: {"status": "live", "started_at": "2023-10-14T12:00:00Z", "speaker_count": 1, "session_id": None},
            f"{ROOM}/participants/peer-xyz-456": {
                "identity": "user-123",
                "role": "host",
                "active": True,
                "joined_at": "2023-10-14T12:00:00Z",
            },
        },
    ),
    "100ms-schedule/peer.leave.success": Row(
        "participant.left",
        {
            ROOM: NOBODY,
            f"{ROOM}/participants/peer-ghi-789": {
                "identity": "user-123",
                "active": False,
                "left_at": "2023-10-14T12:00:00Z",
                "leave_reason": "peer_left_100ms",
            },
        },
    ),
    "100ms-schedule/session.close.success": Row(
        "room.ended",
        {
            SESSION: {
                "status": "ended",
                "ended_at": "2023-10-14T12:00:00Z",
                "session_id": "session-def-456",
                "room_id": "room-abc-123",
                "durable_room": "100ms@room-abc-123",
            }
        },
    ),
    "100ms-schedule/beam.stopped.success": Row(
        "recording.stopped",
        {SESSION: {"room_id": "room-abc-123"}, "recordings/100ms:beam-session-def-456": {"status": "stopped"}},
    ),
    "100ms-room-statistics/room.started": Row("room.started", {STATS: {"status": "live", "room_id": "room-1"}}),
    "100ms-room-statistics/peer.joined": Row(
        "participant.joined",
        {
            STATS: {"speaker_count": 1, "listener_count": 0},
            f"{STATS}/participants/peer-1": {"role": "speaker", "active": True},
        },
    ),
    "100ms-room-statistics/track.updated": Row("track.updated", {STATS: {"status": "live", **NOBODY}}),
    "100ms-room-statistics/peer.left": Row(
        "participant.left", {STATS: NOBODY, f"{STATS}/participants/peer-1": {"active": False}}
    ),
    "100ms-room-statistics/room.ended": Row("room.ended", {STATS: {"status": "ended", **NOBODY}}),
    "pulse/room.started": Row(
        "room.started",
        {
            PULSE: {
                "status": "live",
                "started_at": "2025-01-19T10:30:00Z",
                "name": "meeting-room-456",
                "session_id": "RM_abc123xyz789",
                "project": "507f1f77bcf86cd799439012",
                "durable_room": "pulse@meeting-room-456",
            }
        },
    ),
    "pulse/room.ended": Row(
        "room.ended",
        {
            PULSE: {
                "status": "ended",
                "ended_at": "2025-01-19T11:30:00Z",
                "duration": 3600.0,
                "peak_participants": 5,
                "participant_minutes": 300.0,
                "cost": 1.2,
            }
        },
    ),
    "pulse/participant.joined": Row(
        "participant.joined",
        {
            PULSE: {"participant_count": 1},
            f"{PULSE}/participants/PA_xyz789": {
                "identity": "user123",
                "name": "John Doe",
                "active": True,
                "joined_at": "2025-01-19T10:31:00Z",
            },
        },
    ),
    "pulse/participant.left": Row(
        "participant.left",
        {
            PULSE: NOBODY,
            # It tells how long the visit was, so that its beginning is known too.
            f"{PULSE}/participants/PA_xyz789": {
                "identity": "user123",
                "joined_at": "2025-01-19T10:31:00Z",
                "left_at": "2025-01-19T11:15:00Z",
                "watch_duration": 2640.0,
            },
        },
    ),
    "pulse/track.published": Row("track.published", {PULSE_NAME: {"name": "meeting-room-456", "status": "live"}}),
    "pulse/track.unpublished": Row("track.unpublished", {PULSE_NAME: {"name": "meeting-room-456"}}),
    "pulse/egress.started": Row("stream.started", {PULSE_NAME: {"started_at": "2025-01-19T10:35:00Z"}}),
    "pulse/egress.ended": Row("stream.stopped", {PULSE_NAME: {"last_active_at": "2025-01-19T11:05:00Z"}}),
    "pulse/recording.completed": Row(
        "recording.completed",
        {
            PULSE_NAME: {"name": "meeting-room-456"},
            "recordings/pulse:REC_abc123": {
                "status": "completed",
                "duration": 3600.0,
                "size": 524288000,
                "url": "/api/recordings/pulse:REC_abc123/content",
            },
        },
    ),
    "pulse/unit test": Row("room.started", {"rooms/pulse@test-room": {"status": "live", "name": "test-room"}}),
    "pulse/unknown": Row("provider.event", {}),
}


def body_of(name: str) -> bytes:
    """Return a body as it stands in its guide, or in the shape of the guide's others."""
    return orjson.dumps(SHAPES[name]) if name in SHAPES else (FOLDER / f"{name}.json").read_bytes()


async def post(hub: RunningHub, guide: str, body: bytes) -> tuple[int, Said]:
    """Send bytes to a guide's path, with a proof that this path takes."""
    path, dialect = PATHS[guide]
    (source,) = (source for source in hub.settings.sources if source.path == path)
    headers = signed(source, Sample(payload={}, dialect=dialect), body, time.time_ns() // 1_000_000)
    async with hub.session.post(hub.url + path, data=body, headers=headers) as answer:
        return answer.status, orjson.loads(await answer.read())


async def tell(hub: RunningHub, guide: str, *bodies: Mapping[str, object]) -> None:
    """Send what was never sent before."""
    for body in bodies:
        status, said = await post(hub, guide, orjson.dumps(body))
        assert (status, said["status"]) == (200, "accepted"), said


async def ask(hub: RunningHub, method: str, path: str, body: object) -> Said:
    """Have something planned or changed."""
    async with hub.session.request(method, hub.url + path, json=body, headers=ME) as answer:
        assert answer.status in (200, 201), await answer.text()
        return orjson.loads(await answer.read())


async def items(hub: RunningHub, path: str) -> list[Said]:
    status, said = await hub.get(path)
    assert status == 200, said
    return said["items"]


async def documents(hub: RunningHub) -> dict[str, Said]:
    """Return everything that a reader finds, by topic."""
    found = {
        f"{name}/{one['id']}": one
        for name in ("bots", "rooms", "recordings")
        for one in await items(hub, f"/api/{name}")
    }
    parts = {"bots": "transcript", "rooms": "participants"}
    for topic in [topic for topic in found if topic.partition("/")[0] in parts]:
        part = f"{topic}/{parts[topic.partition('/')[0]]}"
        found |= {f"{part}/{one['id']}": one for one in await items(hub, f"/api/{part}")}
    return found


@pytest.mark.parametrize("name", ROWS)
async def test_a_body_of_a_guide_becomes_what_it_says_and_once(name: str, tmp_path: Path) -> None:
    """Whoever built by a guide changes the address, nothing else; and a provider that repeats itself adds nothing."""
    row, body = ROWS[name], body_of(name)
    async with running_hub(tmp_path) as hub:
        guide = name.partition("/")[0]
        assert await post(hub, guide, body) == (200, {"delivery": "1", "status": "accepted"})
        assert await post(hub, guide, body) == (200, {"delivery": "1", "status": "duplicate"})
        assert [event["type"] for event in await items(hub, "/api/events")] == row.kinds.split()
        found = await documents(hub)
        assert found.keys() == row.documents.keys()
        shown = {topic: {field: found[topic][field] for field in wanted} for topic, wanted in row.documents.items()}
        assert shown == row.documents


def test_no_body_of_the_guides_is_left_out() -> None:
    """A sample that nobody sends proves nothing."""
    kept = {path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("*/*.json")}
    assert kept | SHAPES.keys() == ROWS.keys()
    assert len(kept) == 13


@pytest.mark.parametrize(
    ("guide", "what_to_add"),
    [
        ("meetingbaas", "x-meeting-baas-api-key"),
        ("livekit", "Authorization"),
        ("100ms-schedule", "X-100ms-Key is missing"),
        ("100ms-room-statistics", "x-100ms-signature is missing"),
        ("pulse", "X-Webhook-Signature"),
    ],
)
async def test_a_path_without_a_proof_says_what_to_add(guide: str, what_to_add: str, tmp_path: Path) -> None:
    """Two guides show requests that prove nothing: the answer is all that their reader will see."""
    async with running_hub(tmp_path) as hub:
        async with hub.session.post(hub.url + PATHS[guide][0], data=b"{}") as answer:
            assert answer.status == 401
            assert what_to_add in (await answer.json(content_type=None))["detail"]
        assert await documents(hub) == {}


PLAN = {
    "title": "Algebra",
    "provider": "100ms",
    "room_id": "room-abc-123",
    "starts_at": "2023-10-14T12:00:00Z",
    "expected_participants": [{"identity": "user-123", "name": "Ann"}],
}


async def test_the_schedule_guides_own_bodies_complete_a_planned_meeting(tmp_path: Path) -> None:
    """Its table ends with COMPLETED and endedAt; its join and its leave are of two peers: the end closes the join."""
    async with running_hub(tmp_path) as hub:
        plan = await ask(hub, "POST", "/api/schedules", PLAN)
        assert plan["status"] == "SCHEDULED"
        for name, status in (("peer.join", "LIVE"), ("peer.leave", "LIVE"), ("session.close", "COMPLETED")):
            answered, _ = await post(hub, "100ms-schedule", body_of(f"100ms-schedule/{name}.success"))
            _, shown = await hub.get(f"/api/schedules/{plan['id']}")
            assert (answered, shown["status"]) == (200, status)
        assert shown["ended_at"] == "2023-10-14T12:00:00Z"
        (ann,) = shown["participants"]
        assert (ann["identity"], ann["leave_reason"]) == ("user-123", "meeting_ended_by_100ms")


async def test_a_meeting_by_the_schedule_guide_gives_its_table_of_participants(tmp_path: Path) -> None:
    """`watchDuration` is leftAt - joinedAt in seconds, `leaveReason` one of two, and who is told apart by userId."""

    def of(event: str, minute: int, field: str = "timestamp", **said: str) -> Said:
        return {"type": event, "data": {"room_id": "room-abc-123", field: f"2023-10-14T12:{minute:02}:00Z", **said}}

    def peer(number: int) -> dict[str, str]:
        return {"peer_id": f"peer-{number}", "user_data": f'{{"userId":"user-{number}"}}', "role": "host"}

    async with running_hub(tmp_path) as hub:
        plan = await ask(hub, "POST", "/api/schedules", PLAN)
        await tell(
            hub,
            "100ms-schedule",
            of("peer.join.success", 0, "joined_at", **peer(123)),
            of("peer.join.success", 5, "joined_at", **peer(456)),
            of("peer.leave.success", 20, **peer(456)),
            of("session.close.success", 45, session_id="session-def-456"),
        )
        _, shown = await hub.get(f"/api/schedules/{plan['id']}")
    fields = ("identity", "joined_at", "left_at", "watch_duration", "leave_reason", "expected")
    day = "2023-10-14T12"
    assert [tuple(one[field] for field in fields) for one in shown["participants"]] == [
        ("user-123", f"{day}:00:00Z", f"{day}:45:00Z", 2700.0, "meeting_ended_by_100ms", True),
        ("user-456", f"{day}:05:00Z", f"{day}:20:00Z", 900.0, "peer_left_100ms", False),
    ]
    assert (shown["status"], shown["ended_at"]) == ("COMPLETED", f"{day}:45:00Z")


async def test_a_room_has_the_columns_of_the_statistics_guides_table(tmp_path: Path) -> None:
    """The guide counts up and down; here the same numbers follow from who came and went, in whatever order."""
    now = time.time_ns() // 1_000_000 // 1000 * 1000
    then = format_time(now - 6 * HOUR_MS)

    def peer(number: int, role: str) -> Said:
        return of_room("peer.joined", peer={"id": f"peer-{number}", "role": role}, timestamp=then)

    async with running_hub(tmp_path) as hub:
        joined = [peer(1, "speaker"), peer(2, "listener"), peer(3, "listener"), peer(4, "listener")]
        left = of_room("peer.left", peer={"id": "peer-4", "role": "listener"}, timestamp=then)
        await tell(hub, "100ms-room-statistics", left, *joined, of_room("room.started", timestamp=then))
        await ask(hub, "PATCH", "/api/rooms/100ms@room-1", {"featured": True})
        _, room = await hub.get("/api/rooms/100ms@room-1")
        wanted = {"room_id": "room-1", "status": "live", "listener_count": 2, "speaker_count": 1, "featured": True}
        assert {name: room[name] for name in wanted} == wanted
        assert room["last_active_at"] == then
        # (2·1 + 1·3 + 5) · 0.5 ^ (6 h / 6 h)
        assert room["trending_score"] == pytest.approx(5.0, abs=0.01)
        await tell(hub, "100ms-room-statistics", of_room("track.updated", timestamp=format_time(now), **SPEAKER))
        _, room = await hub.get("/api/rooms/100ms@room-1")
        assert (room["last_active_at"], room["trending_score"]) == (format_time(now), pytest.approx(10.0, abs=0.05))
        await tell(hub, "100ms-room-statistics", of_room("room.ended"))
        _, room = await hub.get("/api/rooms/100ms@room-1")
        ended = {"status": "ended", "listener_count": 0, "speaker_count": 0, "featured": True}
        assert {name: room[name] for name in ended} == ended


async def test_the_statistics_guides_query_is_one_list_of_rooms(tmp_path: Path) -> None:
    """`ORDER BY last_active_at DESC LIMIT 10`."""
    async with running_hub(tmp_path) as hub:
        now = time.time_ns() // 1_000_000
        for number in (3, 1, 12, *range(4, 12), 2):
            at = format_time(now - number * 60_000)
            await tell(
                hub, "100ms-room-statistics", {"event": "room.started", "room_id": f"room-{number}", "timestamp": at}
            )
        listed = await items(hub, "/api/rooms?sort=last_active&limit=10")
        assert [room["room_id"] for room in listed] == [f"room-{number}" for number in range(1, 11)]
        columns = {
            "room_id",
            "status",
            "listener_count",
            "speaker_count",
            "trending_score",
            "last_active_at",
            "featured",
        }
        assert all(columns <= room.keys() for room in listed)


async def test_a_meeting_by_the_pulse_guide_gives_what_its_handlers_store(tmp_path: Path) -> None:
    """Rooms, billing, attendance and the recording, of which its example keeps a table each."""
    told = ("room.started", "participant.joined", "track.published", "egress.started", "egress.ended")
    then = ("track.unpublished", "participant.left", "room.ended", "recording.completed")
    async with running_hub(tmp_path) as hub:
        for name in (*told, *then):
            assert (await post(hub, "pulse", body_of(f"pulse/{name}")))[0] == 200
        found = await documents(hub)
        assert found.keys() == {PULSE, f"{PULSE}/participants/PA_xyz789", "recordings/pulse:REC_abc123"}
        billed = {"duration": 3600.0, "participant_minutes": 300.0, "cost": 300 * 0.004}
        assert {name: found[PULSE][name] for name in billed} == billed
        assert found[f"{PULSE}/participants/PA_xyz789"]["duration"] == 2640.0
        assert found["recordings/pulse:REC_abc123"]["room"] == "pulse:RM_abc123xyz789"
        _, usage = await hub.get("/api/usage?from=2025-01-19T00:00:00Z&to=2025-01-20T00:00:00Z&group_by=day")
        assert [(day["day"], day["participant_minutes"], day["cost"]) for day in usage["items"]] == [
            ("2025-01-19", 300.0, 1.2)
        ]
        address = f"{hub.url}/api/recordings/pulse:REC_abc123/content"
        async with hub.session.get(address, headers=ME, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (
                302,
                "https://storage.pulse.io/recordings/abc123.mp4",
            )


async def test_two_who_join_in_one_second_are_two_where_the_pulse_guides_key_sees_one(tmp_path: Path) -> None:
    """Its key is `event_timestamp_room_sid`: the second person, and every second track of a day, would be dropped."""
    joined = orjson.loads(body_of("pulse/participant.joined"))
    other = {**joined["data"], "participant": {"identity": "user456", "sid": "PA_other"}}
    track = orjson.loads(body_of("pulse/track.published"))
    second = {**track["data"], "track": {"sid": "TR_other", "type": "audio", "source": "microphone"}}
    async with running_hub(tmp_path) as hub:
        await tell(hub, "pulse", joined, {**joined, "data": other}, track, {**track, "data": second})
        assert (await documents(hub))[PULSE]["participant_count"] == 2
        assert [event["type"] for event in await items(hub, "/api/events")][2:] == ["track.published"] * 2


async def test_a_bot_by_the_meetingbaas_guide_goes_from_joining_to_its_transcript(tmp_path: Path) -> None:
    """Live segments replace each other by their ids, else by start and speaker; the end keeps what was said."""

    def speech(text: str, **said: object) -> Said:
        return of_bot("transcription.updated", speaker="Ann", start=1.5, text=text, **said)

    async with running_hub(tmp_path) as hub:
        await tell(
            hub,
            "meetingbaas",
            of_bot("meeting.started"),
            speech("Hel", final=False),
            speech("Hello."),
            speech("Good m", id="s2", final=False),
            speech("Good morning.", id="s2"),
            of_bot("meeting.completed"),
        )
        found = await documents(hub)
        assert found[BOT]["status"] == "completed"
        assert found[BOT]["transcript"] == {"status": "completed", "segments_count": 2}
        spoken = {topic.rpartition("/")[2]: one["text"] for topic, one in found.items() if "/transcript/" in topic}
        assert spoken == {"1.5:Ann": "Hello.", "s2": "Good morning."}


async def test_a_session_survives_the_page_and_the_stream_says_what_the_guide_broadcasts(tmp_path: Path) -> None:
    """The MeetingBaaS guide keeps sessions for page refreshes and broadcasts over SSE, with a heartbeat every 30 s."""
    async with running_hub(tmp_path) as hub:
        await tell(hub, "meetingbaas", of_bot("meeting.started"))
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with hub.session.get(f"{hub.url}/api/stream?topic=bots", headers=ME, timeout=timeout) as answer:
            frames = (await answer.content.readuntil(b'"complete":true')).decode()
        assert '"heartbeat":30.0' in frames
        assert '"id":"meetingbaas:test-123"' in frames


async def test_a_meeting_by_the_livekit_guide_is_more_than_log_lines(tmp_path: Path) -> None:
    """Its five events are only logged there: here they make a room, somebody in it, and a recording."""
    async with running_hub(tmp_path) as hub:
        for name in ("room_started", "participant_joined", "participant_left", "room_finished", "egress_ended"):
            assert (await post(hub, "livekit", body_of(f"livekit/{name}")))[1]["status"] == "accepted"
        found = await documents(hub)
        assert found.keys() == {NAMED, f"{NAMED}/participants/identity:user123", "recordings/livekit:EG_1"}
        assert (found[NAMED]["status"], found[NAMED]["peak_participants"]) == ("ended", 1)


async def test_an_event_of_a_recording_that_names_none_is_kept_and_said_to_be_of_no_use(tmp_path: Path) -> None:
    """LiveKit tells of recordings in `egressInfo`; the guide's form of a body has no place for it."""
    async with running_hub(tmp_path) as hub:
        status, said = await post(hub, "livekit", orjson.dumps(of_livekit("egress_ended")))
        assert (status, said["status"], said["reason"]) == (200, "dead", "egress_ended names no egress")
        assert await documents(hub) == {}
