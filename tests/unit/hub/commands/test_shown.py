"""Reading what a hub shows: what is there, what is not, and what it refuses."""

from pathlib import Path

import pytest

from hub.commands.asking import asking
from hub.commands.shown import Reads, good, items_of, listed
from hub.errors import HubError
from tests.hubs import API_KEY, running_hub


async def test_documents_people_and_usage_are_read(tmp_path: Path) -> None:
    """By ids that are written into addresses as they are."""
    async with running_hub(tmp_path) as hub, asking(hub.url, API_KEY) as asked:
        for event in ("room_started", "participant_joined", "room_finished"):
            await hub.send("livekit", event)
        reads, room = Reads(asked), "livekit:RM_hubsample001"
        document = await reads.one("rooms", room)
        assert document is not None
        assert document["durable_room"] == "livekit@daily-standup"
        assert [one["identity"] for one in await reads.participants(room, by_user=True)] == ["ann"]
        assert [one["id"] for one in await reads.participants(room, by_user=False)] == ["PA_hubsampleAnn"]
        usage = await reads.usage("provider", (1, 4_000_000_000_000))
        assert usage["livekit"]["meetings"] == 1


async def test_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    """A room that was never told is a difference, no failure."""
    async with running_hub(tmp_path) as hub, asking(hub.url, API_KEY) as asked:
        assert await Reads(asked).one("rooms", "livekit:RM_none") is None
        assert await Reads(asked).participants("livekit:RM_none", by_user=True) == []
        with pytest.raises(HubError, match="400"):
            await Reads(asked).usage("nonsense", (1, 2))


def test_answers_are_taken_for_what_they_are() -> None:
    """Objects in lists, and refusals as refusals."""
    assert items_of({"items": [{"a": 1}, 2, None]}) == [{"a": 1}] == listed([{"a": 1}])
    assert listed({"a": 1}) == []
    assert good(201, {"id": "x"}) == {"id": "x"}
    with pytest.raises(HubError, match="503: busy"):
        good(503, {"detail": "busy"})
