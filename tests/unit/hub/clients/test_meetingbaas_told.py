"""What MeetingBaaS answers about a bot is said in the words of the webhooks of that version."""

import pytest

from hub.clients.meetingbaas_told import Answer, outcome, status

ENDED = "2026-03-10T12:05:00.123456"


def test_v2_says_its_status_and_since_when() -> None:
    """It is then read as a status webhook."""
    answer = {"bot_id": "b1", "status": "in_call_recording", "updated_at": ENDED}
    expected = {"bot_id": "b1", "status": {"code": "in_call_recording", "created_at": ENDED}}
    assert status("b1", answer) == {"event": "bot.status_change", "data": expected}
    assert status("b1", {"bot_id": "b1"}) == {}


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        ({"bot_data": {"bot": {"ended_at": None}}, "mp4": ""}, None),
        ({"bot_data": {"bot": {"ended_at": ENDED, "errors": None}}, "mp4": ""}, None),
        ({"bot_data": {"bot": {"ended_at": ENDED, "errors": None}}, "mp4": "https://x/1.mp4"}, "complete"),
        ({"bot_data": {"bot": {"ended_at": ENDED, "errors": "BotNotAccepted"}}, "mp4": ""}, "failed"),
        ({"bot_data": "?"}, None),
    ],
)
def test_v1_says_the_end_once_there_is_one(answer: Answer, event: str | None) -> None:
    """Without a file, and without an error, a meeting that ended may still be worked on."""
    assert outcome("b1", answer).get("event") == event
