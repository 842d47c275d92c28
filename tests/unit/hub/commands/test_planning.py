"""Meetings are planned before they take place, and compared with what came of them."""

from pathlib import Path

import msgspec
import pytest

from handlers.providers.story import RoomTruth
from hub.commands.asking import asking
from hub.commands.casting import Plan, cast
from hub.commands.comparison import Comparison
from hub.commands.planning import compare_plans, plan_ahead
from hub.commands.shown import Reads
from hub.errors import HubError
from tests.hubs import API_KEY, running_hub
from tests.unit.hub.commands.playing import NOW

DAY = Plan(rooms=8, bots=1, day=True, rate=None, seed=2)


async def test_every_meeting_in_a_room_is_planned_before_it_begins(tmp_path: Path) -> None:
    """By the names that the hub has for its rooms, each for a minute of its own."""
    async with running_hub(tmp_path) as hub, asking(hub.url, API_KEY) as asked:
        performances = cast(hub.settings, DAY, NOW)
        plans = await plan_ahead(asked, performances)
        _, kept = await hub.get("/api/schedules?limit=1000")
    told = {str(one["id"]): one for one in kept["items"]}
    assert len(plans) == len(told) == 8
    truths = [one.meeting.truth for one in performances if isinstance(one.meeting.truth, RoomTruth)]
    assert [plan.truth for plan in plans] == truths
    assert {told[plan.id]["room_id"] for plan in plans} == {truth.room for truth in truths}
    assert len({(one["durable_room"], one["starts_at"]) for one in told.values()}) == 8
    assert all(told[plan.id]["expected_count"] == len(plan.expected) for plan in plans)
    assert all("nobody-came" in plan.expected for plan in plans)


async def test_a_plan_that_nothing_came_of_differs_from_the_truth(tmp_path: Path) -> None:
    """In its status and in everybody who should have come."""
    comparison = Comparison()
    async with running_hub(tmp_path) as hub, asking(hub.url, API_KEY) as asked:
        plans = await plan_ahead(asked, cast(hub.settings, DAY, NOW))
        await compare_plans(Reads(asked), plans, comparison)
    assert "0 of 8 schedules" in comparison.lines()[-1]
    assert all(any(plan.id in line for line in comparison.differences) for plan in plans)
    # Only of who was not to come it was right that nobody came.
    users = sum(len({stay.identity or stay for stay in plan.truth.stays}) + 1 for plan in plans)
    assert f"8 of {users} users" in comparison.lines()[-1]


async def test_a_plan_that_is_not_taken_is_told(tmp_path: Path) -> None:
    """The hub says what it misses."""
    async with running_hub(tmp_path) as hub, asking(hub.url, API_KEY) as asked:
        performances = cast(hub.settings, DAY, NOW)
        strange = msgspec.structs.replace(performances[0].source, name="nobody's")
        with pytest.raises(HubError, match="provider"):
            await plan_ahead(asked, [msgspec.structs.replace(performances[0], source=strange)])
