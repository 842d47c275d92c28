"""A launch of which nobody knows is settled by whoever has looked at the provider's."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hubs import API_KEY
from tests.meetingbaas_server import BEFORE, DROP, Bot
from tests.unit.handlers.launching import ORDER, Launching, launching
from tests.unit.handlers.office import LAUNCH_KEY, READ_KEY

ALONE = "launch-only-0123456789abcdef"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Launching]:
    keys = f"{API_KEY},{READ_KEY}:read,{LAUNCH_KEY}:read+launch,{ALONE}:launch"
    async with launching(tmp_path, HUB_API_KEY=keys) as opened:
        yield opened


async def lost(desk: Launching, fault: str = DROP, key: str = "order-1") -> str:
    """Let the answer to a launch be lost; return where the launch is."""
    desk.provider.faults = [fault]
    return f"/api/bots/{(await desk.launch(key)).said['launch_id']}"


async def test_who_has_found_the_bot_says_which_it_is(desk: Launching) -> None:
    """From then on it is as if the provider had answered: also its own callback is taken, by the key of the launch."""
    path = await lost(desk)
    bot = desk.provider.only
    for said in (bot.id, f"meetingbaas:{bot.id}"):
        answer = await desk.ask("PATCH", path, {"bot_id": said}, credential=LAUNCH_KEY)
        assert (answer.status, answer.said["id"], answer.said["name"]) == (200, f"meetingbaas:{bot.id}", "Notes")
    told = [event["type"] for event in (await desk.get("/api/events"))["items"]]
    assert told == ["bot.requested", "bot.unknown", "bot.queued"]
    bot.order["extra"], bot.order["callback_config"]["secret"] = {}, "another"
    assert await desk.provider.call_back(bot) == 200
    assert (await desk.get(path))["status"] == "completed"
    assert (await desk.ask("PATCH", path, {"bot_id": None})).status == 409


async def test_who_has_found_none_lets_the_same_key_launch_again(desk: Launching) -> None:
    """Certainly nothing was sent."""
    path = await lost(desk, BEFORE)
    for _ in range(2):
        answer = await desk.ask("PATCH", path, {"bot_id": None})
        assert (answer.status, answer.said["status"], answer.said["reason"]["code"]) == (200, "failed", "no_bot")
    said = await desk.launched("order-1")
    assert (said["bot"]["id"], said["bot"]["attempt"]) == (f"meetingbaas:{desk.provider.only.id}", 2)


async def test_only_what_can_be_is_settled(desk: Launching) -> None:
    """What somebody got wrong stays as it was, and says why."""
    other = (await desk.launched("order-2"))["bot"]
    path = await lost(desk)
    ways: list[tuple[str, object, str, int]] = [
        (path, {"bot_id": "nobody-knows"}, API_KEY, 404),
        (path, {"bot_id": other["id"]}, API_KEY, 409),
        (path, {"bot_id": path.rpartition("/")[2]}, API_KEY, 400),
        (path, {"bot_id": 1}, API_KEY, 400),
        (path, {}, API_KEY, 400),
        (path, {"bot_id": None, "x": 1}, API_KEY, 400),
        (path, {"bot_id": None}, READ_KEY, 403),
        # Whoever may not read would get to read the bot by the name of the launch.
        (path, {"bot_id": None}, ALONE, 403),
        (path, {"bot_id": None}, desk.token("bots/" + path.rpartition("/")[2]), 403),
        (f"/api/bots/{other['id']}", {"bot_id": "x"}, API_KEY, 409),
        ("/api/bots/launch-" + "0" * 32, {"bot_id": "x"}, API_KEY, 404),
    ]
    for way, said, credential, status in ways:
        assert (await desk.ask("PATCH", way, said, credential=credential)).status == status, (way, said)
    assert (await desk.get(path))["status"] == "unknown"


async def test_a_bot_that_tells_of_itself_first_is_settled_as_what_it_is(desk: Launching) -> None:
    """Its account's webhook named it while somebody looked it up."""
    path = await lost(desk, BEFORE)
    bot = Bot("shy", {**ORDER, "extra": {}})
    desk.provider.bots[bot.id] = bot
    await desk.sample(
        "meetingbaas",
        "bot.status_change.joining_call",
        data={"bot_id": "shy", "status": {"code": "joining_call", "created_at": desk.when(5)}},
    )
    assert (await desk.ask("PATCH", path, {"bot_id": "shy"})).said["status"] == "joining"
    (shown,) = await desk.bots()
    assert (shown["id"], shown["name"]) == ("meetingbaas:shy", "Notes")


async def test_a_launch_that_becomes_another_bot_meanwhile_tells_nothing_of_the_one_that_was_named(
    desk: Launching,
) -> None:
    """Somebody else's bot would go by the name of this launch."""
    path = await lost(desk)
    bot = desk.provider.only
    desk.provider.bots["other"] = Bot("other", {**ORDER, "extra": {}})
    desk.provider.mute = {"other"}
    settling = asyncio.create_task(desk.ask("PATCH", path, {"bot_id": "other"}))
    await desk.provider.reached.wait()
    bot.order["extra"], bot.order["callback_config"]["secret"] = {}, "another"
    assert await desk.provider.call_back(bot) == 200
    desk.provider.go_on.set()
    assert (await settling).status == 409
    assert [shown["id"] for shown in await desk.bots()] == [f"meetingbaas:{bot.id}"]
