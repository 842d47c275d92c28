"""Usage by REST: what a caller may see of what was used, in the period and by the groups that it asks for."""

import asyncio

import pytest

from tests.unit.handlers.office import DAY, HOUR, MINUTE, Office

TOTAL = ("meetings", "participant_minutes", "cost", "peak_participants")


async def hold(desk: Office, ago: float, room: str, name: str = "daily", people: int = 1, lasts: float = HOUR) -> None:
    """Let people meet for some time."""
    await desk.start(ago, room, name)
    for number in range(people):
        await desk.join(f"p{number}", ago, sid=f"{room}_{number}", room=room, room_name=name)
    await desk.end(ago - lasts, room, name)


def numbers(said: dict[str, object]) -> list[object]:
    return [said[name] for name in TOTAL]


async def test_the_last_thirty_days_by_room_are_told_when_nothing_is_asked(desk: Office) -> None:
    """Who looks at the bill wants the month."""
    await hold(desk, 2 * DAY, "RM_1", people=2)
    await hold(desk, 3 * DAY, "RM_2", "weekly")
    await hold(desk, 40 * DAY, "RM_3")
    said = await desk.get("/api/usage")
    assert {item["room"]: numbers(item) for item in said["items"]} == {
        "livekit@daily": [1, 120.0, 0.48, 2],
        "livekit@weekly": [1, 60.0, 0.24, 1],
    }
    assert numbers(said["total"]) == [2, 180.0, 0.72, 2]
    assert (said["group_by"], said["next"]) == ("room", None)


async def test_a_period_and_a_group_can_be_asked_for(desk: Office) -> None:
    """From a moment on, up to another; also written with an offset, whose plus is a space in a query."""
    await hold(desk, 2 * DAY, "RM_1")
    await hold(desk, 5 * DAY, "RM_2")
    since, until = desk.when(2 * DAY - 30 * MINUTE), desk.when(DAY)
    said = await desk.get(f"/api/usage?from={since}&to={until}&group_by=provider")
    assert (said["from"], said["to"], said["group_by"]) == (since, until, "provider")
    assert [(item["provider"], *numbers(item)) for item in said["items"]] == [("livekit", 1, 30.0, 0.12, 1)]
    shifted = since.replace("Z", "+00:00")
    assert (await desk.get(f"/api/usage?from={shifted}&to={until}&group_by=provider"))["items"] == said["items"]


@pytest.mark.parametrize("by", ["room", "provider", "project", "day"])
async def test_items_are_named_by_their_group(desk: Office, by: str) -> None:
    """And add up to the total."""
    await hold(desk, 2 * DAY, "RM_1")
    await hold(desk, 5 * DAY, "RM_2", "weekly")
    said = await desk.get(f"/api/usage?group_by={by}")
    assert all(list(item) == [by, *TOTAL] for item in said["items"])
    # A meeting around midnight is of two days.
    minutes = round(sum(item["participant_minutes"] for item in said["items"]), 2)
    assert minutes == said["total"]["participant_minutes"] == 120


async def test_an_open_meeting_counts_up_to_now(desk: Office) -> None:
    """The bill grows while they talk."""
    await desk.start(HOUR)
    await desk.join("ann", HOUR)
    [daily] = (await desk.get("/api/usage"))["items"]
    assert daily["participant_minutes"] == pytest.approx(60, abs=0.6)


async def test_more_rooms_than_are_read_at_once_are_all_counted(desk: Office) -> None:
    """They are read two hundred at a time."""
    # Few at a time: all at once, the last of them may have waited too long on a busy machine.
    for first in range(0, 405, 45):
        few = range(first, first + 45)
        await asyncio.gather(*(desk.start(HOUR, f"RM_{number}", f"room{number}") for number in few))
    said = await desk.get("/api/usage?limit=1000")
    assert (len(said["items"]), said["total"]["meetings"]) == (405, 405)


async def test_groups_come_page_by_page_with_the_total_of_all(desk: Office) -> None:
    """A session that somebody dates back by decades would otherwise be an entry for each day of them."""
    await desk.start(40 * DAY)
    await desk.join("ann", 40 * DAY)
    await desk.end(DAY)
    whole = await desk.get(f"/api/usage?from={desk.when(60 * DAY)}&group_by=day")
    assert (len(whole["items"]), whole["next"]) == (40, None)
    query = f"/api/usage?from={desk.when(60 * DAY)}&group_by=day&limit=30"
    first = await desk.get(query)
    rest = await desk.get(f"{query}&cursor={first['next']}")
    assert [*first["items"], *rest["items"]] == whole["items"]
    assert (first["total"], rest["total"], rest["next"]) == (whole["total"], whole["total"], None)
    assert (await desk.ask("GET", f"/api/usage?cursor={first['next']}")).status == 400


async def test_a_token_is_told_what_its_own_rooms_used(desk: Office) -> None:
    """In groups and in the total: nothing tells what else there was."""
    await hold(desk, 2 * DAY, "RM_1", people=2)
    await hold(desk, 2 * DAY, "RM_2", "board")
    for topic in ("rooms/livekit@daily", "rooms/livekit:RM_1"):
        answer = await desk.ask("GET", "/api/usage", credential=desk.token(topic))
        assert [item["room"] for item in answer.said["items"]] == ["livekit@daily"]
        assert numbers(answer.said["total"]) == [1, 120.0, 0.48, 2]
    nothing = await desk.ask("GET", "/api/usage", credential=desk.token("bots"))
    assert (nothing.said["items"], numbers(nothing.said["total"])) == ([], [0, 0, 0, 0])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("from=yesterday", "from"),
        ("to=1", "to"),
        ("from=2026-03-10", ""),
        ("from=2026-03-10T12:00:00Z&to=2026-03-10T12:00:00Z", "from, to"),
        ("from=2026-03-11T00:00:00Z&to=2026-03-10T00:00:00Z", "from, to"),
        ("from=0001-01-01T00:00:00Z", "from"),
        ("group_by=user", "group_by"),
        ("group_by=", "group_by"),
    ],
)
async def test_what_is_no_period_or_group_is_refused_by_name(desk: Office, query: str, names: str) -> None:
    """A day is a time, too: its first moment."""
    answer = await desk.ask("GET", f"/api/usage?{query}")
    assert answer.status == (400 if names else 200)
    assert not names or names in answer.said["detail"]


async def test_who_may_not_read_is_told_nothing(desk: Office) -> None:
    """A key that launches bots need not know the bill."""
    assert (await desk.ask("GET", "/api/usage", credential=desk.token("*", scope=("launch",)))).status == 403
    assert (await desk.ask_with({}, "GET", "/api/usage")).status == 401


async def test_a_room_whose_start_was_lost_is_found_by_who_was_in_it(desk: Office) -> None:
    """It is stored by when it was named, which was later than the period that is asked for."""
    left = {"participant": {"sid": "PA_1", "identity": "ann", "joinedAt": str(desk.now - HOUR)}}
    await desk.livekit("participant_left", HOUR // 2, **left)
    await desk.end(HOUR // 2)
    answer = await desk.get(f"/api/usage?from={desk.when(HOUR)}&to={desk.when(HOUR - 10 * MINUTE)}")
    assert answer["total"]["participant_minutes"] == 10
