"""The payloads of samples and meetings: of the very shape that the guide prints and the public code sends."""

from pathlib import Path
from typing import Any

import pytest

from handlers.providers.arrival import Sample
from handlers.providers.pulse_payloads import Capture, Go, Guide, Room, Visit, curl
from handlers.providers.reading import parse_payload

FOLDER = Path(__file__).parents[3] / "samples"
BEGAN, ENDED = 1_737_282_600_000, 1_737_286_200_000
ROOM = Room(sid="RM_abc123xyz789", name="meeting-room-456", created_at=BEGAN)
VISIT = Visit(sid="PA_xyz789", identity="user123", name="John Doe", joined_at=BEGAN + 60_000, left_at=BEGAN + 2_700_000)
EGRESS = Capture(id="EG_abc123", began=BEGAN + 300_000, ended=BEGAN + 2_100_000)
INGRESS = Capture(id="IN_abc123", began=BEGAN + 400_000, ended=BEGAN + 1_400_000)
RECORDING = Capture(id="REC_abc123", began=BEGAN, ended=ENDED)
TRACK: dict[str, object] = {"sid": "TR_abc123", "type": "video", "source": "camera"}
GUIDE, GO = Guide(ROOM), Go(ROOM)
MADE = {
    "pulse/room.started": GUIDE.room_started(),
    "pulse/room.ended": GUIDE.room_ended(ENDED, [VISIT]),
    "pulse/participant.joined": GUIDE.joined(VISIT),
    "pulse/participant.left": GUIDE.left(VISIT),
    "pulse/track.published": GUIDE.published(VISIT.identity, TRACK),
    "pulse/track.unpublished": GUIDE.unpublished(VISIT.identity, TRACK),
    "pulse/egress.started": GUIDE.egress_started(EGRESS),
    "pulse/egress.ended": GUIDE.egress_ended(EGRESS),
    "pulse/recording.completed": GUIDE.recorded(RECORDING, ENDED),
    "pulse_go_impl/room_started": GO.room_started(),
    "pulse_go_impl/room_ended": GO.room_ended(ENDED, [VISIT]),
    "pulse_go_impl/participant_joined": GO.joined(VISIT),
    "pulse_go_impl/participant_left": GO.left(VISIT),
    "pulse_go_impl/egress_started": GO.egress_started(EGRESS),
    "pulse_go_impl/egress_ended": GO.egress_ended(EGRESS),
    "pulse_go_impl/ingress_started": GO.ingress_started(INGRESS),
    "pulse_go_impl/ingress_ended": GO.ingress_ended(INGRESS),
    "pulse_go_impl/recording_available": GO.recorded(RECORDING, ENDED + 60_000),
}
# What a story does not tell as the recorded bodies do: how many there were, and how big and where the file is.
FREE = ("email", "max_participants", "total_participant_minutes", "file_url", "url", "file_size", "file_size_bytes")


def without_free(value: Any) -> Any:  # walks JSON of any shape
    if not isinstance(value, dict):
        return value
    return {key: isinstance(inner, str) if key in FREE else without_free(inner) for key, inner in value.items()}


def test_there_is_one_for_every_recorded_body() -> None:
    """An event that cannot be made cannot be tried."""
    recorded = [path.relative_to(FOLDER).with_suffix("") for path in FOLDER.glob("pulse*/*.json")]
    assert {str(path) for path in recorded} == set(MADE)


@pytest.mark.parametrize(("name", "made"), MADE.items())
def test_what_is_made_is_what_was_recorded(name: str, made: Sample) -> None:
    """A sample with invented fields would teach the wrong thing."""
    assert without_free(made.payload) == without_free(parse_payload((FOLDER / f"{name}.json").read_bytes()))
    assert made.dialect == ("guide" if name.startswith("pulse/") else "go")


def test_the_totals_of_a_room_are_those_of_its_visits() -> None:
    """They are what a simulated meeting is checked by."""
    times = [(0, 600_000), (300_000, 900_000), (900_000, 930_500)]
    visits = [
        Visit(sid=str(start), identity="a", name="A", joined_at=BEGAN + start, left_at=BEGAN + end)
        for start, end in times
    ]
    totals: Any = GUIDE.room_ended(ENDED, visits).payload["data"]
    assert (totals["duration_seconds"], totals["max_participants"]) == (3600, 2)
    assert totals["total_participant_minutes"] == 20.5
    empty: Any = GUIDE.room_ended(ENDED, []).payload["data"]
    assert (empty["max_participants"], empty["total_participant_minutes"]) == (0, 0)


def test_failures_tell_why() -> None:
    """The code's dialect has a place for it."""
    for made, about in (
        (GO.egress_failed(EGRESS, "no space"), "egress"),
        (GO.ingress_ended(INGRESS, "lost"), "ingress"),
    ):
        told: Any = made.payload[about]
        assert told["error"]
        assert told["status"] in ("failed", "error")


def test_the_curl_of_the_guide_has_no_more_than_the_guide() -> None:
    """It is the first thing that people try."""
    told = {"room_name": "test-room", "room_sid": "RM_test123"}
    assert curl(BEGAN).payload == {"event": "room.started", "timestamp": "2025-01-19T10:30:00Z", "data": told}
