"""Times are the provider's own where it tells them, and names lose what nobody may see."""

import pytest

from handlers.providers.meetingbaas_telling import name_of, read_telling
from handlers.providers.reading import Payload
from hub.events import BotDetail

NOW = 1_773_165_900_000
TOLD = "2026-03-10T17:00:00.250Z"
TOLD_MS = 1_773_162_000_250
LATER = "2026-03-10T17:30:00Z"
FUTURE = "2027-03-10T17:00:00Z"


def detail(**content: object) -> BotDetail:
    return read_telling({"event": "complete", "data": {"bot_id": "b", **content}}, NOW).bot_detail()


@pytest.mark.parametrize(
    "payload",
    [
        {"event": "bot.status_change", "data": {"status": {"created_at": TOLD}, "created_at": LATER}, "sent_at": LATER},
        {"event": "bot.status_change", "data": {"status": "queued", "created_at": TOLD}},
        {"event": "bot.completed", "data": {"sent_at": TOLD}, "sent_at": LATER},
        {"event": "bot.completed", "data": {"created_at": LATER}, "sent_at": TOLD},
        {"event": "bot.chat_message", "data": {"sent_at": TOLD_MS}},
        {"type": "transcription.updated", "data": {"timestamp": LATER}, "sent_at": TOLD},
        {"type": "transcription.updated", "data": {"timestamp": TOLD, "created_at": LATER}, "timestamp": LATER},
        {"type": "transcription.available", "data": {"time": TOLD_MS}, "timestamp": LATER},
        {"type": "meeting.started", "data": {"botId": "b"}, "created_at": TOLD},
        {"event": "meeting.completed", "data": {"created_at": TOLD}},
        {"type": "meeting.failed", "data": {"timestamp": 12.5}, "time": TOLD},
        {"type": "bot.status_change", "data": {"botId": "b", "status": {"code": "queued"}, "timestamp": TOLD}},
        {"event": "calendar.connection_created", "data": {"created_at": TOLD}},
        {"event": "calendar.connection_updated", "data": {"created_at": LATER, "updated_at": TOLD}},
        {"event": "calendar.connection_deleted", "data": {"deleted_at": TOLD}},
        {"event": "calendar.sync_events", "data": {"last_updated_ts": TOLD}},
    ],
)
def test_an_event_happened_when_its_payload_says(payload: Payload) -> None:
    """Deliveries overtake each other and come again hours later."""
    telling = read_telling(payload, NOW)
    assert (telling.time, telling.timed, telling.skewed) == (TOLD_MS, True, False)


@pytest.mark.parametrize(
    "payload",
    [
        {"event": "complete", "data": {"bot_id": "b"}},
        {"event": "bot.status_change", "data": {"status": {"created_at": "yesterday"}}},
        {"event": "bot.completed", "data": {"created_at": TOLD, "exited_at": TOLD}},
        {"event": "bot.completed", "data": {"timestamp": TOLD}, "timestamp": TOLD},
        {"type": "transcription.updated", "data": {"timestamp": 12.5, "time": "yesterday"}},
        {"type": "calendar.connection_error", "data": {"created_at": TOLD}},
        {"event": "calendar.connection_error", "data": {"created_at": TOLD}},
        {"event": "calendar.event_created", "data": {"instances": [{"start": LATER}]}},
    ],
)
def test_an_event_without_a_time_of_its_own_happened_when_it_came(payload: Payload) -> None:
    """Other times in it are about other things, and equal bytes may then be new facts."""
    telling = read_telling(payload, NOW)
    assert (telling.time, telling.timed) == (NOW, False)


def test_a_time_far_ahead_is_ours_and_flagged() -> None:
    """A wrong clock must not pin a bot to next year."""
    telling = read_telling({"event": "bot.completed", "data": {"sent_at": FUTURE}}, NOW)
    assert (telling.time, telling.timed, telling.skewed) == (NOW, True, True)
    assert detail(joined_at=FUTURE, exited_at=FUTURE) == BotDetail()


def test_what_a_payload_tells_about_its_bot_is_kept() -> None:
    """Enrichment merges, whichever event brings it."""
    told = detail(
        bot_name="Notes", meeting_url="https://ann:pw@zoom.example/j/1?pwd=x#y", joined_at=TOLD, exited_at=LATER
    )
    assert told == BotDetail(
        name="Notes", meeting_url="https://zoom.example/j/1", joined_at=TOLD_MS, ended_at=1_773_163_800_000
    )


@pytest.mark.parametrize(
    ("somebody", "name"),
    [
        ("Ann", "Ann"),
        ({"name": "Ann", "display_name": "A.", "profile_picture": "https://a.example/ann"}, "Ann"),
        ({"name": None, "display_name": "Ann"}, "Ann"),
        ("ann@acme.example", "ann@…"),
        ({"id": 5}, ""),
        (None, ""),
        (["Ann"], ""),
    ],
)
def test_people_are_known_by_their_names_only(somebody: object, name: str) -> None:
    """Some platforms use the e-mail address as the name."""
    assert name_of({"who": somebody}, "who") == name


def test_people_without_names_are_left_out_and_there_is_an_end_to_them() -> None:
    """A webinar has thousands, and an event is small."""
    assert detail(participants=["Ann", None, {}, "Bob"]).participants == ("Ann", "Bob")
    assert len(detail(speakers=["Ann"] * 5000).speakers) == 500
