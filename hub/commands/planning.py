"""Planning simulated meetings ahead, and comparing the attendance of each with its truth.

A plan tells the meetings of a room apart also where sessions have no names of their own.
"""

from collections.abc import Iterable, Sequence

import msgspec

from handlers.providers.story import RoomTruth
from hub.commands.asking import Hub
from hub.commands.casting import Performance
from hub.commands.compare import all_of
from hub.commands.comparison import Comparison
from hub.commands.expected import told_rooms, users_of
from hub.commands.shown import Shown, good, listed
from hub.events import format_time

_ABSENT = "nobody-came"
_MS_PER_MINUTE = 60_000


class Planned(msgspec.Struct, frozen=True):
    """A meeting that was planned: the schedule's id, who was expected, and what came of it."""

    id: str
    expected: tuple[str, ...]
    truth: RoomTruth


async def plan_ahead(hub: Hub, performances: Iterable[Performance]) -> list[Planned]:
    """Plan every meeting that is held in a room: every second of those who will come is expected, and one who won't.

    Raises HubError when the hub does not take a plan.
    """
    plans = []
    for number, (source, truth) in enumerate(told_rooms(performances), 1):
        coming = sorted({stay.identity for stay in truth.stays if stay.identity})
        expected = (*coming[::2], _ABSENT)
        body: dict[str, object] = {
            "title": f"Simulated meeting {number}",
            "provider": source.name,
            "room_id": truth.room,
            # Nobody plans to the second.
            "starts_at": format_time(truth.started - truth.started % _MS_PER_MINUTE),
            "expected_participants": list(expected),
        }
        said = good(*await hub.ask("POST", "/api/schedules", body=body))
        plans.append(Planned(str(said["id"]), expected, truth))
    return plans


async def compare_plans(shown: Shown, plans: Sequence[Planned], comparison: Comparison) -> None:
    """Compare how the plans turned out with the truth of their meetings."""
    await all_of(_compare(shown, plan, comparison) for plan in plans)


async def _compare(shown: Shown, plan: Planned, comparison: Comparison) -> None:
    truth, document = plan.truth, await shown.one("schedules", plan.id)
    true = {
        "status": "COMPLETED",
        "started_at": format_time(truth.started),
        "ended_at": format_time(truth.ended),
    }
    about = f"{plan.id} ({truth.room})"
    comparison.judge("schedules", about, document, true)
    came = listed((document or {}).get("participants"))
    comparison.judge_users(about, came, users_of(truth.stays, plan.expected))
