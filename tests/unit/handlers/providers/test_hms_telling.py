"""What all 100ms events have in common: ids, the time of what happened, and texts without secrets."""

import pytest

from hub.events import FUTURE_LIMIT_MS, Session
from tests.unit.handlers.providers.hms_bodies import (
    RECEIVED_AT,
    Object,
    capture_of,
    changed,
    fact_of,
    participant_of,
    said_in,
    told,
    translated,
)

EARLY, LATE = "2026-03-10T12:00:00Z", "2026-03-10T12:00:05Z"
EARLY_MS, LATE_MS = 1_773_144_000_000, 1_773_144_005_000


@pytest.mark.parametrize(
    ("type_", "field"),
    [
        ("session.open.success", "session_started_at"),
        ("session.close.success", "session_stopped_at"),
        ("peer.join.success", "joined_at"),
        ("peer.joined", "joined_at"),
        ("peer.leave.success", "left_at"),
        ("peer.left", "left_at"),
        ("role.change.success", "role_changed_at"),
        ("beam.started.success", "started_at"),
        ("beam.stopped.success", "stopped_at"),
        ("beam.recording.success", "created_at"),
        ("hls.started.success", "started_at"),
        ("hls.stopped.success", "stopped_at"),
        ("hls.recording.success", "recording_created_at"),
        ("ingest.start.success", "started_at"),
        ("ingest.end.success", "completed_at"),
    ],
)
def test_the_time_is_that_of_what_happened(type_: str, field: str) -> None:
    """Deliveries are late and out of order, replays by days: neither arrival nor the envelope tells when it was."""
    payload = told(type_, peer_id="p", **{field: EARLY}, timestamp=LATE)
    assert fact_of({**payload, "timestamp": LATE}).time == EARLY_MS


@pytest.mark.parametrize(
    ("type_", "field"),
    [
        ("session.close.success", "session_started_at"),
        ("peer.leave.success", "joined_at"),
        ("peer.leave.failure", "joined_at"),
        ("role.change.failure", "joined_at"),
        ("room.end.success", "session_started_at"),
        ("beam.stopped.success", "started_at"),
        ("beam.recording.success", "started_at"),
        ("beam.recording.success", "stopped_at"),
        ("recording.success", "session_stopped_at"),
        ("ingest.end.success", "last_disconnected_at"),
    ],
)
def test_the_times_of_other_things_are_not_the_events(type_: str, field: str) -> None:
    """Most payloads repeat when the visit or the session began."""
    payload = told(type_, peer_id="p", **{field: EARLY})
    assert fact_of({**payload, "timestamp": LATE}).time == LATE_MS


@pytest.mark.parametrize(
    ("inner", "outer", "time"),
    [
        ({"timestamp": EARLY}, LATE, EARLY_MS),
        ({}, LATE, LATE_MS),
        ({"timestamp": "soon"}, LATE, LATE_MS),
        ({"joined_at": "0001-01-01T00:00:00Z"}, LATE, LATE_MS),
        ({"joined_at": "0001-01-01T00:00:00Z"}, None, RECEIVED_AT),
        ({}, 1_773_144_005, LATE_MS),
        ({"joined_at": "2026-03-10T12:00:00.12Z"}, LATE, EARLY_MS + 120),
        ({"joined_at": "2026-03-10T12:00:00.123456789Z"}, LATE, EARLY_MS + 123),
        ({"joined_at": "2026-03-10T14:00:00+02:00"}, LATE, EARLY_MS),
    ],
)
def test_without_a_time_of_its_own_the_envelope_tells(inner: Object, outer: object, time: int) -> None:
    """The schedule guide has `timestamp` in `data`, failures have Go's zero time, and digits vary from two to nine."""
    assert fact_of({**told("peer.join.success", peer_id="p", **inner), "timestamp": outer}).time == time


@pytest.mark.parametrize(
    ("type_", "began", "ended"),
    [("session.close.success", "session_started_at", "timestamp"), ("peer.leave.success", "joined_at", "timestamp")],
)
def test_an_end_does_not_come_before_its_start(type_: str, began: str, ended: str) -> None:
    """Envelopes have whole seconds: what lasts half a second would else end before it began."""
    payload = told(type_, peer_id="p", session_id="s", **{began: "2026-03-10T12:00:00.7Z", ended: EARLY})
    assert fact_of(payload).time == EARLY_MS + 700


@pytest.mark.parametrize(
    ("fields", "is_timed"), [({}, False), ({"joined_at": EARLY}, True), ({"timestamp": EARLY}, True)]
)
def test_only_a_body_with_a_time_is_the_same_for_ever(fields: Object, is_timed: bool) -> None:
    """Equal bytes without one may be said again tomorrow, and mean it."""
    assert translated(told("peer.join.success", peer_id="p", **fields)).timed is is_timed


def test_times_far_ahead_are_left_out() -> None:
    """A recording that starts after the last sign of its room cannot be shown."""
    capture = capture_of(changed("hls.stopped.success", started_at="2031-03-10T12:00:00Z"))
    assert capture.started_at is None
    assert capture.ended_at == 1_773_145_812_700


def test_a_room_without_an_id_is_known_by_its_name() -> None:
    """Names are chosen by people, who also use their addresses."""
    plain = fact_of({"type": "session.open.success", "data": {"room_name": "daily standup"}})
    address = fact_of({"type": "session.open.success", "data": {"room_name": "ann@example.com"}})
    assert plain.durable == "100ms@daily~20standup"
    assert "example" not in address.durable
    assert address.session
    assert address.session.name == "ann@…"


def test_the_id_of_a_room_goes_before_its_name() -> None:
    """Rooms are renamed."""
    assert fact_of(told("session.open.success", room_name="daily")).durable == "100ms@r"


def test_a_session_without_a_room_stands_alone() -> None:
    """Inventing a room would throw all such sessions together."""
    fact = fact_of({"type": "session.open.success", "data": {"session_id": "s/1"}})
    assert (fact.room, fact.durable) == ("100ms:s~2f1", "")
    assert fact.session == Session(session_id="s/1", project="acme")


def test_names_that_are_shown_are_short() -> None:
    """An event may not grow with what a user typed."""
    session = fact_of(told("session.open.success", room_name="x" * 300)).session
    assert session
    assert session.name == "x" * 256


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"error_type": "UPLOAD_ERROR", "error_message": "No bucket"}, "UPLOAD_ERROR: No bucket"),
        ({"error_type": "CONFIG_ERROR", "error": "INTERNAL_ERROR"}, "CONFIG_ERROR: INTERNAL_ERROR"),
        ({"error_type": "INTERNAL_ERROR", "error": "INTERNAL_ERROR"}, "INTERNAL_ERROR"),
        ({"error_message": "role not allowed"}, "role not allowed"),
        ({"error": {"code": 5}}, ""),
        ({"error_message": "cannot reach rtmp://u:p@a/key"}, "cannot reach rtmp://…"),
        ({"error_message": "ask ann@example.com"}, "ask ann@…"),
        ({"error_type": "x" * 300, "error_message": "y"}, "x" * 256),
    ],
)
def test_an_error_is_its_code_and_its_sentence(fields: Object, error: str) -> None:
    """Each event has other fields for it, and sentences may quote addresses."""
    assert participant_of(told("peer.join.failure", peer_id="p", **fields)).reason == error
    assert said_in(told("peer.leave.failure", peer_id="p", **fields)).get("error", "") == error


def test_a_clock_a_little_fast_is_believed() -> None:
    """Five minutes are allowed."""
    time = RECEIVED_AT + FUTURE_LIMIT_MS
    fact = fact_of(told("peer.join.success", peer_id="p", joined_at=time))
    assert (fact.time, fact.skewed) == (time, False)
