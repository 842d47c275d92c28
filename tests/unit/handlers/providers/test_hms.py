"""What 100ms' webhooks are taken to mean: every event, both guides, sessions, and what is not known."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Spoken
from handlers.providers.hms_samples import samples
from hub.errors import Unusable
from hub.events import FUTURE_LIMIT_MS, CaptureDetail, Fact, Kind, NoteDetail, ParticipantDetail, Session
from tests.unit.handlers.providers.hms_bodies import (
    BEAM,
    DURABLE,
    FILES,
    PEER,
    RECEIVED_AT,
    SESSION,
    Object,
    changed,
    fact_of,
    read,
    said_in,
    told,
    translated,
)

NOTHING = ""
HLS = f"hls-{BEAM}"
# Which file states what, of whom, when.
TABLE: list[tuple[str, tuple[Kind, ...], str, str, int]] = [
    ("session.open.success", (Kind.ROOM_STARTED,), SESSION, NOTHING, 1_773_144_000_123),
    ("session.close.success", (Kind.ROOM_ENDED,), SESSION, NOTHING, 1_773_146_410_500),
    ("peer.join.success", (Kind.PARTICIPANT_JOINED,), SESSION, PEER, 1_773_144_001_001),
    ("peer.join.failure", (Kind.PARTICIPANT_REJECTED,), NOTHING, PEER, 1_773_144_030_000),
    ("peer.leave.success", (Kind.PARTICIPANT_LEFT,), SESSION, PEER, 1_773_146_405_500),
    ("peer.leave.failure", (Kind.PROVIDER_EVENT,), NOTHING, NOTHING, 1_773_146_406_000),
    ("room.end.success", (Kind.PROVIDER_EVENT,), SESSION, NOTHING, 1_773_146_408_000),
    ("room.end.failure", (Kind.PROVIDER_EVENT,), SESSION, NOTHING, 1_773_146_460_000),
    ("role.change.success", (Kind.PARTICIPANT_UPDATED,), SESSION, PEER, 1_773_144_300_417),
    ("role.change.failure", (Kind.PROVIDER_EVENT,), SESSION, NOTHING, 1_773_144_360_000),
    ("beam.started.success", (Kind.RECORDING_STARTED, Kind.STREAM_STARTED), SESSION, BEAM, 1_773_144_612_000),
    ("beam.stopped.success", (Kind.RECORDING_STOPPED, Kind.STREAM_STOPPED), SESSION, BEAM, 1_773_145_812_000),
    ("beam.recording.success", (Kind.RECORDING_COMPLETED,), SESSION, BEAM, 1_773_146_040_672),
    ("beam.failure", (Kind.RECORDING_FAILED, Kind.STREAM_FAILED), SESSION, BEAM, 1_773_145_915_000),
    ("hls.started.success", (Kind.STREAM_STARTED,), SESSION, HLS, 1_773_144_612_400),
    ("hls.stopped.success", (Kind.STREAM_STOPPED,), SESSION, HLS, 1_773_145_812_700),
    ("hls.failure", (Kind.STREAM_FAILED,), SESSION, HLS, 1_773_145_915_000),
    ("hls.recording.success", (Kind.RECORDING_COMPLETED,), SESSION, "65f0d5f6a7b8c9d0e1f20314", 1_773_146_040_672),
    ("recording.success", (Kind.RECORDING_COMPLETED,), SESSION, "sfu-65f0b3d4e5f6a7b8c9d0e1f2", 1_773_146_915_000),
    ("recording.failed", (Kind.RECORDING_FAILED,), SESSION, "sfu-65f0b3d4e5f6a7b8c9d0e1f2", 1_773_146_915_000),
    ("stream.recording.success", (Kind.RECORDING_COMPLETED,), SESSION, "65f0d5f6a7b8c9d0e1f20314", 1_773_146_536_000),
    ("stream.recording.failure", (Kind.RECORDING_FAILED,), SESSION, "65f0d5f6a7b8c9d0e1f20314", 1_773_146_536_000),
    *(
        (f"track.recording.{end}", (kind,), SESSION, "3c1e5e95-fdd1-49ba-bb08-66a0b7493b5b", 1_773_146_536_000)
        for end, kind in (
            ("started.success", Kind.RECORDING_STARTED),
            ("success", Kind.RECORDING_COMPLETED),
            ("failure", Kind.RECORDING_FAILED),
        )
    ),
    *(
        (f"transcription.{end}", (kind,), SESSION, "65f0e6a7b8c9d0e1f2031425", 1_773_147_159_000)
        for end, kind in (
            ("started.success", Kind.TRANSCRIPT_STARTED),
            ("success", Kind.TRANSCRIPT_COMPLETED),
            ("failure", Kind.TRANSCRIPT_FAILED),
        )
    ),
    ("ingest.start.success", (Kind.STREAM_STARTED,), NOTHING, "65f0f7b8c9d0e1f203142536", 1_773_144_908_000),
    ("ingest.end.success", (Kind.STREAM_STOPPED,), NOTHING, "65f0f7b8c9d0e1f203142536", 1_773_145_019_000),
    ("ingest.failure", (Kind.STREAM_FAILED,), NOTHING, "65f0f7b8c9d0e1f203142536", 1_773_146_536_000),
    ("ingest.start.failure", (Kind.STREAM_FAILED,), NOTHING, "ingest-65f0a1c2d3e4f5a6b7c8d9e0", 1_773_144_908_000),
]


def test_the_table_has_every_file() -> None:
    """A payload that nobody looked at may be taken for anything."""
    assert sorted(row[0] for row in TABLE) == FILES


@pytest.mark.parametrize(("name", "kinds", "room", "about", "time"), TABLE)
def test_each_event_has_its_kinds_its_session_its_subject_and_its_time(
    name: str, kinds: tuple[Kind, ...], room: str, about: str, time: int
) -> None:
    """Recorded payloads of all 32 events, in the units that each field has."""
    facts = translated(read(name)).facts
    assert tuple(fact.kind for fact in facts) == kinds
    assert {(fact.room, fact.durable, fact.time) for fact in facts} == {(room, DURABLE, time)}
    assert {getattr(fact.detail, "id", "") for fact in facts} == {about}
    assert not any(fact.replay or fact.skewed for fact in facts)


@pytest.mark.parametrize("name", FILES)
def test_a_delivery_is_known_by_the_id_in_its_body(name: str) -> None:
    """A retry carries the same id."""
    payload = read(name)
    spoken = translated(payload)
    assert (spoken.delivery_id, spoken.provider_type, spoken.timed) == (payload["id"], name, True)


def test_the_session_is_told_with_its_start() -> None:
    """Whichever event comes first must be enough to show the room."""
    assert fact_of(read("peer.leave.success")).session == Session(
        name="daily-standup",
        room_id="65f0a1c2d3e4f5a6b7c8d9e0",
        session_id="65f0b3d4e5f6a7b8c9d0e1f2",
        project="acme",
        started_at=1_773_144_000_123,
    )


def test_the_close_of_a_session_closes_everybody_and_tells_how_long_it_was() -> None:
    """100ms promises no leaves after it, and the total that it reports is its own."""
    fact = fact_of(read("session.close.success"))
    assert fact.closing_reason == "meeting_ended_by_100ms"
    assert fact.session
    assert fact.session.duration_ms == 2_410_000


def test_the_end_of_a_room_tells_why_ahead_of_the_close() -> None:
    """`room.end.success` says who pressed the button and why; the close that ends the session does not."""
    fact = fact_of(read("room.end.success"))
    assert fact.session
    assert fact.session.end_reason == "Class has ended"
    assert fact.closing_reason == ""
    assert said_in(read("room.end.success")) == {
        "event": "room.end.success",
        "reason": "Class has ended",
        "lock_room": "false",
        "source": "peer",
        "requested_by": "user-001",
    }


def test_an_end_that_failed_ends_nothing() -> None:
    """Its reason is why somebody wanted to."""
    fact, said = fact_of(read("room.end.failure")), said_in(read("room.end.failure"))
    assert fact.session
    assert fact.session.end_reason == ""
    assert (said["error"], said["error_code"]) == ("session not found", "404")


def test_what_was_said_is_sorted() -> None:
    """Equal notes have to be equal bytes."""
    detail = fact_of(read("room.end.failure")).detail
    assert isinstance(detail, NoteDetail)
    assert list(detail.said) == sorted(detail.said)


@pytest.mark.parametrize("event", ["room.started", "room.ended", "peer.joined", "peer.left", "track.updated"])
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_the_statistics_guides_events_are_of_the_durable_room(event: str, is_wrapped: bool) -> None:
    """They name no session; their fields may be at the top or in `data`."""
    fields: Object = {"room_id": "r/1", "peer": {"id": "p", "role": "speaker"}, "timestamp": "2026-03-10T12:00:00Z"}
    fact = fact_of({"event": event, "data": fields} if is_wrapped else {"event": event, **fields})
    kinds = {
        "room.started": Kind.ROOM_STARTED,
        "room.ended": Kind.ROOM_ENDED,
        "peer.joined": Kind.PARTICIPANT_JOINED,
        "peer.left": Kind.PARTICIPANT_LEFT,
        "track.updated": Kind.TRACK_UPDATED,
    }
    assert (fact.kind, fact.entity, fact.time) == (kinds[event], "rooms/100ms@r~2f1", 1_773_144_000_000)
    assert fact.closing_reason == ("meeting_ended_by_100ms" if event == "room.ended" else "")
    if isinstance(fact.detail, ParticipantDetail):
        assert (fact.detail.id, fact.detail.role) == ("p", "speaker")


def test_the_guides_fields_may_be_half_in_data() -> None:
    """Whoever writes such a sender may keep the room beside the event, and the peer in `data`."""
    payload = {"event": "peer.joined", "room_id": "r", "data": {"peer": {"id": "p"}}, "timestamp": 1_773_144_000}
    fact = fact_of(payload)
    assert (fact.durable, fact.time, getattr(fact.detail, "id", "")) == ("100ms@r", 1_773_144_000_000, "p")


def test_the_schedule_guides_close_ends_the_session_when_it_says() -> None:
    """Its time is `timestamp`, in `data`; there is no `session_stopped_at`."""
    payload = told("session.close.success", session_id="s", timestamp="2023-10-14T12:00:00Z")
    fact = fact_of({**payload, "timestamp": "2023-10-14T12:00:09Z"})
    assert (fact.kind, fact.room, fact.time) == (Kind.ROOM_ENDED, "100ms:s", 1_697_284_800_000)


def test_the_schedule_guides_curl_ends_the_session_when_it_comes() -> None:
    """It holds no time at all, and no id by which it could be recognised."""
    spoken = translated(told("session.close.success", session_id="test-session"))
    (fact,) = spoken.facts
    assert (fact.kind, fact.time, spoken.timed, spoken.delivery_id) == (Kind.ROOM_ENDED, RECEIVED_AT, False, "")


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"type": "session.open.success", "event": "room.ended"}, "session.open.success"),
        ({"type": "regular", "event": "peer.joined"}, "peer.joined"),
        ({"type": 5, "event": "peer.joined"}, "peer.joined"),
        ({"type": " ", "event": "peer.joined"}, "peer.joined"),
        ({"event": "session.open.success"}, "session.open.success"),
        ({"type": "room.started"}, "room.started"),
    ],
)
def test_the_event_is_whichever_of_type_and_event_is_one(payload: Object, name: str) -> None:
    """In flat bodies `type` may be the peer's."""
    assert translated({**payload, "room_id": "r", "peer_id": "p"}).provider_type == name


@pytest.mark.parametrize("place", ["top", "data"])
def test_a_replay_is_no_sign_of_life(place: str) -> None:
    """History comes again days later; where the flag stands is not documented."""
    payload = read("peer.join.success")
    (payload if place == "top" else payload["data"])["is_replay"] = True
    fact = fact_of(payload)
    assert (fact.replay, fact.time) == (True, 1_773_144_001_001)


@pytest.mark.parametrize(
    ("named", "entity"),
    [
        ({}, ""),
        ({"room_id": "r"}, "rooms/100ms@r"),
        ({"session_id": "s", "room_id": "r"}, "rooms/100ms:s"),
    ],
)
def test_unknown_events_are_kept_with_what_they_are_about(named: Object, entity: str) -> None:
    """100ms adds events; they are worth showing before they are understood."""
    fact = fact_of({"type": "poll.created", "timestamp": "2026-03-10T12:00:00Z", "data": {"question": "?", **named}})
    assert (fact.kind, fact.entity, fact.time) == (Kind.PROVIDER_EVENT, entity, 1_773_144_000_000)
    assert (fact.session is None) == (entity == "")
    assert fact.detail == NoteDetail(said=(("event", "poll.created"),))


@pytest.mark.parametrize(
    ("payload", "missing"),
    [
        ({}, "type"),
        ({"type": ""}, "type"),
        ({"type": ["session.open.success"]}, "type"),
        ({"data": {"type": "regular", "room_id": "r"}}, "type"),
        ({"type": "session.open.success"}, "room_id"),
        ({"type": "session.open.success", "data": {"room_id": {}}}, "room_id"),
        ({"type": "beam.started.success", "data": {"beam_id": "b"}}, "room_id"),
        ({"event": "room.started"}, "room_id"),
        ({"type": "peer.join.success", "data": {"room_id": "r"}}, "peer_id"),
        ({"type": "peer.leave.failure", "data": {"room_id": "r"}}, "peer_id"),
        ({"event": "peer.left", "room_id": "r", "peer": {"role": "host"}}, "peer_id"),
    ],
)
def test_what_says_nothing_is_unusable_and_says_what_is_missing(payload: Object, missing: str) -> None:
    """A fact about nobody cannot be shown; the delivery is kept with its reason instead."""
    with pytest.raises(Unusable, match=missing):
        translated(payload)


# Whatever 100ms' payloads keep that nobody may see, and where else it could turn up.
SECRETS = ("user_data", "rtmp", "meeting_url", "recording_path", "chat_recording_path", "account_id", "app_id", "token")
SENTENCES = ("reason", "message", "error_message", "error", "user_name", "room_name", "role", "source")


@pytest.mark.parametrize("name", FILES)
def test_facts_hold_no_secrets(name: str) -> None:
    """Facts are stored, streamed and logged; the payload is for administrators alone."""
    payload = read(name)
    payload["data"] |= dict.fromkeys(SECRETS, "hush-hush")
    payload["data"] |= {"rtmp": [{"url": "rtmp://hush/hush"}], "user_data": '{"email":"hush@hush.com","x":"hush"}'}
    payload["data"] |= dict.fromkeys(SENTENCES, "ask ann@hush.example or rtmp://u:hush@a/b?key=hush")
    payload["data"] |= {"user_id": "ann@hush.example"}
    encoded = msgspec.json.encode(translated(payload))
    assert b"hush" not in encoded
    assert b"rtmp://u" not in encoded


@pytest.mark.parametrize("name", FILES)
def test_links_are_nowhere_but_among_the_links(name: str) -> None:
    """They open the recording for whoever has them."""
    spoken = translated(read(name))
    details = [fact.detail for fact in spoken.facts]
    bare = [
        msgspec.structs.replace(detail, links=()) if isinstance(detail, CaptureDetail) else detail for detail in details
    ]
    assert b"http" not in msgspec.json.encode(bare)
    assert b"http" not in msgspec.json.encode([msgspec.structs.replace(fact, detail=None) for fact in spoken.facts])


CHARACTERS = st.sampled_from('aZ0_-:/ .@?=\0\n"é\ud800\U0001f600')
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(CHARACTERS, max_size=20)
    | st.sampled_from(["0001-01-01T00:00:00Z", '{"userId": 5}', "[" * 2000, "x" * 5000, 2**63, -1, 1e308, "failure: x"])
    | st.sampled_from(["https://[", "https://a?X-Amz-Date=1&X-Amz-Expires=9", "2026-03-10T12:00:00.123456789Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=5), inner, max_size=3),
    max_leaves=5,
)
PAYLOADS = [sample.payload for sample in samples(RECEIVED_AT).values()] + [read(name) for name in FILES]


@st.composite
def bent_payloads(draw: st.DrawFn) -> Object:
    """Return a sample with up to four of its values replaced by any JSON, or dropped."""
    payload: Object = msgspec.json.decode(msgspec.json.encode(draw(st.sampled_from(PAYLOADS))))
    for _ in range(draw(st.integers(1, 4))):
        holder: Any = payload  # descends through JSON of any shape
        while True:
            at = draw(st.sampled_from(keys_of(holder)))
            if not isinstance(holder[at], dict | list) or not holder[at] or draw(st.integers(0, 3)) == 0:
                break
            holder = holder[at]
        if draw(st.integers(0, 4)) == 0 and len(holder) > 1:
            del holder[at]
        else:
            holder[at] = draw(JSON)
    return payload


def keys_of(holder: Any) -> list[Any]:  # names of an object, places of an array
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))


@given(payload=bent_payloads() | st.dictionaries(st.sampled_from(["type", "event", "data", "room_id", "id"]), JSON))
def test_any_json_is_translated_or_unusable(payload: Object) -> None:
    """Any other error would cost the delivery its meaning."""
    try:
        spoken = translated(payload)
    except Unusable:
        return
    assert msgspec.json.decode(msgspec.json.encode(spoken), type=Spoken) == spoken
    assert b"\\u0000" not in msgspec.json.encode(spoken)
    assert spoken.facts
    for fact in spoken.facts:
        assert_sane(fact)


def assert_sane(fact: Fact) -> None:
    """Check what storage, topics and documents rely on."""
    assert 0 < fact.time <= RECEIVED_AT + FUTURE_LIMIT_MS
    assert len(fact.entity) <= 420
    assert fact.entity.isascii()
    if isinstance(fact.detail, ParticipantDetail):
        assert fact.detail.id
        assert fact.detail.duration_ms is None or 0 < fact.detail.duration_ms < fact.time + FUTURE_LIMIT_MS
    if isinstance(fact.detail, CaptureDetail):
        assert fact.detail.id
        assert fact.detail.size is None or 0 <= fact.detail.size < 2**63


def test_a_clock_far_ahead_is_not_believed() -> None:
    """It would keep the room at the top of every list, and its visits would end before they begin."""
    received_at = 1_773_144_000_000 - 2 * FUTURE_LIMIT_MS
    fact = fact_of(read("peer.leave.success"), received_at)
    assert (fact.time, fact.skewed) == (received_at, True)
    assert isinstance(fact.detail, ParticipantDetail)
    assert fact.detail.joined_at is None
    assert fact.session
    assert fact.session.started_at is None


def test_a_session_that_lasted_absurdly_long_tells_no_length() -> None:
    """A wrong total would be spread over every report."""
    session = fact_of(changed("session.close.success", session_duration=10**12)).session
    assert session
    assert session.duration_ms is None
