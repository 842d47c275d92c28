"""Recordings and the way to their files: for those who may see them, while the provider's links are good."""

from typing import Any

import pytest

from hub.events import format_time
from tests.unit.handlers.office import HOUR, MINUTE, READ_KEY, Office, Said

BOT, RECORDING = "/api/bots/meetingbaas:B1", "/api/recordings/meetingbaas:B1"
FILES = {
    "video": "https://bucket.example/video.mp4?sig=secret-of-the-video",
    "audio": "https://bucket.example/audio.flac?sig=secret-of-the-audio",
    "transcription": "https://bucket.example/transcription.json?sig=secret-of-the-transcription",
    "raw_transcription": "https://bucket.example/raw.json?sig=secret-of-the-raw",
}
SESSION, ROOM_ID, BEAM, FILE = "S1", "R1", "BEAM1", "REC1"


async def complete(desk: Office, ago: float = 0, **files: str) -> None:
    """Let a bot come home with its files."""
    content = {"bot_id": "B1", "duration_seconds": 60, "sent_at": desk.when(ago), **(files or FILES)}
    await desk.sample("meetingbaas", "bot.completed", data=content)


async def record(desk: Office, signed_ago: float = 0) -> None:
    """Let a 100ms room be recorded, and its file be uploaded under an id of its own."""
    common: Said = {"room_id": ROOM_ID, "session_id": SESSION, "session_started_at": desk.when(2 * HOUR)}
    await _beam(desk, "beam.started.success", {**common, "beam_id": BEAM, "started_at": desk.when(HOUR)})
    signed = desk.when(signed_ago).replace("-", "").replace(":", "")
    link = f"https://bucket.example/beam.mp4?X-Amz-Date={signed}&X-Amz-Expires=3600&X-Amz-Signature=secret"
    done = {"recording_id": FILE, "recording_presigned_url": link, "duration": 58, "stopped_at": desk.when(MINUTE)}
    await _beam(desk, "beam.recording.success", {**common, "beam_id": BEAM, **done})


async def _beam(desk: Office, event: str, content: Any) -> None:
    await desk.sample("100ms", event, id=f"ev-{event}", timestamp=desk.when(0), data=content)


async def follow(desk: Office, path: str) -> tuple[int, str]:
    """Return the status and where the answer leads."""
    answer = await desk.ask("GET", path)
    return answer.status, answer.headers.get("Location", "")


async def test_a_recording_names_its_artifacts_and_leads_to_each(desk: Office) -> None:
    """By the hub's own addresses; what they lead to is not to be kept or passed on."""
    await complete(desk)
    recording = await desk.get(RECORDING)
    assert (recording["status"], recording["bot"], recording["duration"]) == ("completed", "meetingbaas:B1", 60)
    artifacts = {one["name"]: one["url"] for one in recording["artifacts"]}
    assert artifacts == {name: f"{RECORDING}/content?artifact={name}" for name in ("video", "audio")}
    for name, url in artifacts.items():
        answer = await desk.ask("GET", url)
        assert (answer.status, answer.headers["Location"]) == (302, FILES[name])
        assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
        assert answer.headers["Hub-Position"].endswith(f".{recording['sequence'] + 1}")
    assert await follow(desk, recording["url"]) == (302, FILES["video"])


async def test_a_transcripts_files_are_found_with_the_transcript(desk: Office) -> None:
    """They are no recording."""
    await complete(desk)
    transcript = await desk.get(f"{BOT}/transcript")
    artifacts = {one["name"]: one["url"] for one in transcript["artifacts"]}
    assert artifacts == {
        name: f"{BOT}/transcript/content?artifact={name}" for name in ("transcription", "raw_transcription")
    }
    for name, url in artifacts.items():
        assert await follow(desk, url) == (302, FILES[name])
    assert await follow(desk, f"{BOT}/transcript/content") == (302, FILES["transcription"])


async def test_links_are_in_no_event_and_no_document(desk: Office) -> None:
    """They are presigned: whoever has one has the file. Lists, streams and single documents are without."""
    await complete(desk)
    await record(desk)
    paths = ["/api/events", "/api/recordings", "/api/bots", "/api/rooms", RECORDING, BOT, f"{BOT}/transcript"]
    paths += ["/api/recordings/100ms:BEAM1", "/api/rooms/100ms:S1", "/api/rooms/100ms@R1"]
    for path in paths:
        answer = await desk.ask("GET", path)
        assert answer.status == 200, path
        assert "secret" not in answer.text, path
        assert "bucket.example" not in answer.text, path


async def test_an_expired_link_is_gone_and_says_until_when_it_was_good(desk: Office) -> None:
    """A redirect would lead to a page in the provider's words, or to nothing."""
    await complete(desk, ago=5 * HOUR)
    for path in (f"{RECORDING}/content", f"{BOT}/transcript/content"):
        answer = await desk.ask("GET", path)
        assert (answer.status, desk.when(HOUR) in answer.said["detail"]) == (410, True)
        assert "bucket" not in answer.text
    assert (await desk.get(RECORDING))["expires_at"] == desk.when(HOUR)


async def test_a_link_that_tells_its_own_expiry_is_good_until_then(desk: Office) -> None:
    """Presigned for an hour, and signed half an hour ago or two hours ago."""
    await record(desk, signed_ago=0.5 * HOUR)
    status, link = await follow(desk, "/api/recordings/100ms:BEAM1/content")
    assert (status, link.startswith("https://bucket.example/beam.mp4?")) == (302, True)
    assert (await desk.get("/api/recordings/100ms:BEAM1"))["expires_at"] == format_time((desk.now + 1800) * 1000)


async def test_an_artifact_that_is_not_there_is_refused_with_those_that_are(desk: Office) -> None:
    """Their names, not their links."""
    await complete(desk)
    for path, names in ((f"{RECORDING}/content", "video, audio"), (f"{BOT}/transcript/content", "transcription")):
        for wrong in ("chat", "", "video%00"):
            answer = await desk.ask("GET", f"{path}?artifact={wrong}")
            assert (answer.status, names in answer.said["detail"]) == (400, True)
            assert "bucket" not in answer.text


async def test_what_has_no_link_yet_leads_nowhere(desk: Office) -> None:
    """It is still being recorded, or the provider keeps it to itself."""
    await desk.livekit("egress_started", MINUTE, egressInfo={"egressId": "EG_1", "roomName": "daily", "roomId": "RM_1"})
    assert (await desk.get("/api/recordings/livekit:EG_1"))["url"] is None
    assert (await desk.ask("GET", "/api/recordings/livekit:EG_1/content")).status == 404
    await desk.sample("meetingbaas", "bot.status_change.joining_call")
    [bot] = (await desk.get("/api/bots"))["items"]
    assert (await desk.ask("GET", f"/api/bots/{bot['id']}/transcript/content")).status == 404


async def test_a_recording_is_found_by_the_id_that_its_file_has(desk: Office) -> None:
    """100ms calls a recording by one id while it runs, and its file by another."""
    await record(desk)
    by_beam = await desk.get("/api/recordings/100ms:BEAM1")
    assert (by_beam["id"], by_beam["alias"], by_beam["room"]) == ("100ms:BEAM1", "REC1", "100ms:S1")
    assert await desk.get("/api/recordings/100ms:REC1") == by_beam
    assert (await desk.ask("GET", "/api/recordings/100ms:REC1/content")).status == 302


async def test_recordings_are_listed_newest_first_and_by_status_and_provider(desk: Office) -> None:
    """By when they began."""
    await complete(desk)
    await record(desk)
    await desk.livekit("egress_started", MINUTE, egressInfo={"egressId": "EG_1", "roomName": "daily", "roomId": "RM_1"})
    everything = (await desk.ask("GET", "/api/recordings")).ids
    assert sorted(everything) == ["100ms:BEAM1", "livekit:EG_1", "meetingbaas:B1"]
    assert everything.index("livekit:EG_1") < everything.index("100ms:BEAM1")
    assert (await desk.ask("GET", "/api/recordings?provider=livekit")).ids == ["livekit:EG_1"]
    done = (await desk.ask("GET", "/api/recordings?status=completed")).ids
    assert sorted(done) == ["100ms:BEAM1", "meetingbaas:B1"]
    assert (await desk.ask("GET", "/api/recordings?status=completed&provider=100ms")).ids == ["100ms:BEAM1"]
    first = await desk.ask("GET", "/api/recordings?limit=2")
    rest = await desk.ask("GET", f"/api/recordings?limit=2&cursor={first.said['next']}")
    assert first.ids + rest.ids == everything


async def test_recordings_can_be_those_of_one_room_or_bot(desk: Office) -> None:
    """What a page of the room shows; a reader of another room sees none of them."""
    await complete(desk)
    await record(desk)
    assert (await desk.ask("GET", "/api/recordings?room=100ms:S1")).ids == ["100ms:BEAM1"]
    assert (await desk.ask("GET", "/api/recordings?bot=meetingbaas:B1")).ids == ["meetingbaas:B1"]
    other = desk.token("rooms/100ms:S2")
    assert (await desk.ask("GET", "/api/recordings?room=100ms:S1", credential=other)).ids == []
    assert (await desk.ask("GET", "/api/recordings?room=a&bot=b")).status == 400


@pytest.mark.parametrize("path", ["", "/content"])
async def test_a_token_sees_the_recordings_of_its_rooms_and_bots(desk: Office, path: str) -> None:
    """By session, by durable room, by bot; what is not its own is not there, by either id."""
    await complete(desk)
    await record(desk)
    own = {
        "100ms:BEAM1": ("rooms", "rooms/100ms:S1", "rooms/100ms@R1", "*"),
        "100ms:REC1": ("rooms/100ms:S1", "rooms/100ms@R1"),
        "meetingbaas:B1": ("bots", "bots/meetingbaas:B1"),
    }
    found = 302 if path else 200
    for recording, topics in own.items():
        for topic in topics:
            answer = await desk.ask("GET", f"/api/recordings/{recording}{path}", credential=desk.token(topic))
            assert answer.status == found, (recording, topic)
        other = desk.token("rooms/100ms:S2", "rooms/100ms@R2", "bots/meetingbaas:B2", "schedules")
        hidden = await desk.ask("GET", f"/api/recordings/{recording}{path}", credential=other)
        missing = await desk.ask("GET", f"/api/recordings/100ms:none{path}", credential=other)
        assert (hidden.status, hidden.said) == (missing.status, missing.said) == (404, hidden.said)


async def test_a_list_holds_what_a_token_may_see(desk: Office) -> None:
    """Recordings are of bots and of rooms."""
    await complete(desk)
    await record(desk)
    for topics, ids in (
        (("bots",), ["meetingbaas:B1"]),
        (("rooms/100ms@R1",), ["100ms:BEAM1"]),
        (("rooms/100ms:S1", "bots/meetingbaas:B2"), ["100ms:BEAM1"]),
        (("schedules",), []),
    ):
        assert (await desk.ask("GET", "/api/recordings", credential=desk.token(*topics))).ids == ids


async def test_who_may_not_read_gets_no_file(desk: Office) -> None:
    """A key that only reads does, one that only launches does not."""
    await complete(desk)
    for path in (RECORDING, f"{RECORDING}/content", f"{BOT}/transcript/content"):
        assert (await desk.ask("GET", path, credential=READ_KEY)).status in (200, 302)
        assert (await desk.ask("GET", path, credential=desk.token("*", scope=("launch",)))).status == 403
        assert (await desk.ask_with({}, "GET", path)).status == 401


async def test_a_transcript_of_another_bot_is_not_there(desk: Office) -> None:
    """Nor is its file."""
    await complete(desk)
    other = desk.token("bots/meetingbaas:B2")
    for path in (f"{BOT}/transcript", f"{BOT}/transcript/content"):
        assert (await desk.ask("GET", path, credential=other)).status == 404
        assert (await desk.ask("GET", path, credential=desk.token("bots/meetingbaas:B1"))).status in (200, 302)


@pytest.mark.parametrize(
    ("told", "location"),
    [
        ("https://a.example/b\r\nX-Evil: 1", "https://a.example/b%0D%0AX-Evil:%201"),
        ("https://a.example/ü b?x=%20y&sig=a%2Bb/c==", "https://a.example/%C3%BC%20b?x=%20y&sig=a%2Bb/c=="),
    ],
)
async def test_a_link_is_followed_whatever_characters_it_holds(desk: Office, told: str, location: str) -> None:
    """No header may hold them, and escapes that are there already are part of the signature."""
    await complete(desk, video=told)
    assert await follow(desk, f"{RECORDING}/content") == (302, location)
