"""What is done with bots besides reading: they leave, and somebody else's get keys."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from tests.hubs import API_KEY
from tests.meetingbaas_server import (
    HANG_BEFORE,
    Bot,
)
from tests.unit.handlers.launching import BOTH, Launching, launching
from tests.unit.handlers.office import LAUNCH_KEY, READ_KEY


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Launching]:
    async with launching(tmp_path) as opened:
        yield opened


async def test_extra_is_shown_to_api_keys_only(desk: Launching) -> None:
    """Backends say among themselves there which of their customers it is for."""
    said = await desk.launched()
    path = f"/api/bots/{said['bot']['launch_id']}"
    assert (await desk.get(path, READ_KEY))["extra"] == {"tenant": "acme-corp"}
    for token in (said["token"], desk.token("*", scope=("read", "launch", "admin"))):
        assert "extra" not in await desk.get(path, token)
    for other in ("/api/bots", "/api/events", "/api/deliveries"):
        assert "acme-corp" not in (await desk.ask("GET", other)).text


async def test_somebody_elses_bot_gets_a_url_of_its_own(desk: Launching) -> None:
    """Whoever launches with it need not share a secret with the hub."""
    said = (await desk.ask("POST", "/api/bots/webhooks", {})).said
    bot = Bot("theirs", {"meeting_url": "https://x.example/1", "webhook_url": said["url"]})
    assert await desk.provider.tell_v1(bot, "joining_call") == 200
    shown = await desk.get(f"/api/bots/{said['launch_id']}", said["token"])
    assert (shown["id"], shown["status"]) == ("meetingbaas:theirs", "joining")
    assert await desk.provider.tell_v1(Bot("other", bot.order), "joining_call") == 401
    answer = await desk.ask("POST", "/api/bots/webhooks", {"bot_id": "known"})
    assert (answer.status, answer.said["launch_id"]) == (201, None)
    order = {**bot.order, "webhook_url": answer.said["url"]}
    assert await desk.provider.tell_v1(bot, "call_ended") == 200
    assert await desk.provider.tell_v1(Bot("theirs", order), "call_ended") == 401
    assert await desk.provider.tell_v1(Bot("known", order), "joining_call") == 200
    # As documents call it, it is the same bot.
    again = (await desk.ask("POST", "/api/bots/webhooks", {"bot_id": "meetingbaas:known"})).said
    assert (again["key"], again["topic"]) == (answer.said["key"], "bots/meetingbaas:known")
    wrong_ids = (said["launch_id"], "", "meetingbaas:", "a\0b")
    for wrong in (*({"bot_id": one} for one in wrong_ids), {"bot": "x"}):
        assert (await desk.ask("POST", "/api/bots/webhooks", wrong)).status == 400


async def test_a_url_for_somebody_elses_bot_takes_over_none(desk: Launching) -> None:
    """Whoever may launch only would read any bot; of many who come at once by one URL one is its bot."""
    victim = (await desk.launched())["bot"]
    said = (await desk.ask("POST", "/api/bots/webhooks", {}, credential=LAUNCH_KEY)).said
    order = {"meeting_url": "https://x.example/1", "webhook_url": said["url"]}
    assert await desk.provider.tell_v1(Bot(victim["id"].partition(":")[2], order), "call_ended") == 401
    assert await desk.get(f"/api/bots/{victim['id']}") == victim | {"extra": {"tenant": "acme-corp"}}
    told = await asyncio.gather(*(desk.provider.tell_v1(Bot(f"race-{n}", order), "joining_call") for n in range(4)))
    assert sorted(told) == [200, 401, 401, 401]
    assert [bot["launch_id"] for bot in await desk.bots()] == [said["launch_id"], victim["launch_id"]]


async def test_a_url_for_a_known_bot_takes_a_key_that_may_read(tmp_path: Path) -> None:
    """The answer has a token to watch that bot; of one that nobody knows yet there is nothing to see."""
    alone = "launch-only-0123456789abcdef"
    async with launching(tmp_path, HUB_API_KEY=f"{API_KEY},{alone}:launch") as desk:
        bot_id = (await desk.launched())["bot"]["id"].partition(":")[2]
        ways = [(alone, bot_id), (alone, "unknown"), (API_KEY, bot_id)]
        answers = [await desk.ask("POST", "/api/bots/webhooks", {"bot_id": it}, credential=key) for key, it in ways]
        assert [answer.status for answer in answers] == [403, 201, 201]


async def test_who_may_not_read_is_not_shown_the_bot_that_leaves(tmp_path: Path) -> None:
    """A key that is good for launching would read any bot, one after the other."""
    alone = "launch-only-0123456789abcdef"
    async with launching(tmp_path, HUB_API_KEY=f"{API_KEY},{alone}:launch") as desk:
        bot = (await desk.launched())["bot"]
        answer = await desk.ask("DELETE", f"/api/bots/{bot['id']}", credential=alone)
        assert (answer.status, answer.said) == (202, {"bot": {"id": bot["id"], "status": "queued"}})


async def test_an_erased_bot_does_not_come_back(desk: Launching) -> None:
    """Its provider goes on telling of it; the key is nobody else's either."""
    said = (await desk.ask("POST", "/api/bots/webhooks", {})).said
    bot = Bot("theirs", {"meeting_url": "https://x.example/1", "webhook_url": said["url"]})
    assert await desk.provider.tell_v1(bot, "joining_call") == 200
    assert (await desk.ask("DELETE", f"/api/bots/{said['launch_id']}?erase=1")).status == 200
    assert await desk.provider.tell_v1(bot, "call_ended") == 401
    assert await desk.provider.tell_v1(Bot("another", bot.order), "joining_call") == 401
    assert await desk.bots() == []


@BOTH
async def test_a_bot_leaves_when_it_is_asked_to(tmp_path: Path, version: str) -> None:
    """That it has left is told by the provider, later."""
    async with launching(tmp_path, version) as desk:
        said = await desk.launched()
        path = f"/api/bots/{said['bot']['launch_id']}"
        assert (await desk.ask("DELETE", path, credential=READ_KEY)).status == 403
        answer = await desk.ask("DELETE", path, credential=LAUNCH_KEY)
        assert (answer.status, answer.said["bot"]["reason"]["message"]) == (202, "asked through the hub")
        assert desk.provider.only.left == 1
        # Whoever obeys a no would leave it in the meeting; asked twice it leaves once.
        desk.provider.broken = {desk.provider.only.id}
        lost = await desk.ask("DELETE", path)
        assert (lost.status, lost.said["fault"], lost.said["retry"]) == (502, "provider", True)
        desk.provider.broken = set()
        desk.provider.only.status = "failed"
        assert (await desk.ask("DELETE", path)).status == 409
        desk.provider.bots.clear()
        gone = await desk.ask("DELETE", path)
        assert (gone.status, gone.said["fault"]) == (404, "caller")


async def test_a_bot_that_is_over_is_not_asked_to_leave(desk: Launching) -> None:
    """The hub knows that itself."""
    said = await desk.launched()
    await desk.provider.call_back(desk.provider.only)
    assert (await desk.ask("DELETE", f"/api/bots/{said['bot']['id']}")).status == 409
    assert desk.provider.only.left == 0
    erased = await desk.ask("DELETE", f"/api/bots/{said['bot']['launch_id']}?erase=1")
    assert erased.status == 200
    assert await desk.bots() == []
    assert b"Notes" not in orjson.dumps(await desk.get("/api/events"))


async def test_a_bot_that_is_still_being_launched_cannot_leave(desk: Launching) -> None:
    """There is no id to ask by."""
    desk.provider.faults = [HANG_BEFORE]
    calling = asyncio.create_task(desk.launch("order-1"))
    await desk.provider.reached.wait()
    (shown,) = await desk.bots()
    assert (await desk.ask("DELETE", f"/api/bots/{shown['id']}")).status == 409
    # Nor can it be erased: there would be a bot that nobody knows of.
    assert (await desk.ask("DELETE", f"/api/bots/{shown['id']}?erase=1")).status == 409
    desk.provider.go_on.set()
    assert (await calling).status == 201
