"""Launching from a terminal."""

from pathlib import Path

import pytest

from hub.commands.launch import launch, ordered
from hub.errors import BadRequest
from tests.hubs import API_KEY
from tests.meetingbaas_server import Refusal
from tests.unit.handlers.launching import launching

URL = "https://meet.example/1"


async def test_a_bot_is_sent_once_by_its_key_and_a_refusal_is_told(tmp_path: Path) -> None:
    """What to do about it is told too: the same key is never a second bot."""
    async with launching(tmp_path) as desk:
        shown: list[str] = []
        order = ordered(URL, "Notes", ["recording_mode=audio_only"])
        for _ in range(2):
            assert await launch(desk.hub.url, API_KEY, order, "key-1", shown.append)
        assert shown[0] == shown[2] == f"meetingbaas:{desk.provider.only.id} is queued"
        assert "/api/stream?topic=bots/meetingbaas:launch-" in shown[1]
        desk.provider.faults = [Refusal(402)]
        assert not await launch(desk.hub.url, API_KEY, order, "key-2", shown.append)
        assert shown[4].startswith("402 The account")
        assert "--key key-2" in shown[5]


async def test_an_order_that_is_wrong_is_not_offered_again(tmp_path: Path) -> None:
    """The same would be refused in the same words."""
    async with launching(tmp_path) as desk:
        shown: list[str] = []
        assert not await launch(desk.hub.url, API_KEY, ordered("nonsense", "Notes", []), "key-1", shown.append)
        desk.provider.faults = [Refusal(422)]
        assert not await launch(desk.hub.url, API_KEY, ordered(URL, "Notes", []), "key-2", shown.append)
        assert [line.partition(" ")[0] for line in shown] == ["400", "422"]


def test_options_are_json_or_else_text() -> None:
    """`true` is no text, and nobody quotes a word in a terminal."""
    order = ordered(URL, "N", ["allow_multiple_bots=true", 'extra={"a": 1}', "recording_mode=audio_only", "x=a=b"])
    assert order == {
        "meeting_url": URL,
        "bot_name": "N",
        "allow_multiple_bots": True,
        "extra": {"a": 1},
        "recording_mode": "audio_only",
        "x": "a=b",
    }
    with pytest.raises(BadRequest):
        ordered(URL, "N", ["recording_mode"])
