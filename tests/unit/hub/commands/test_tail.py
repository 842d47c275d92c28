"""Following topics in a terminal: one line for each event, through restarts, and nothing that a terminal would obey."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from handlers.providers.registry import PROVIDERS
from hub.commands.tail import tail
from hub.errors import HubError, Unauthenticated
from tests.hubs import API_KEY, RunningHub, running_hub
from tests.processes import free_port
from tests.waiting import PATIENCE, until

Lines = list[str]


@contextlib.asynccontextmanager
async def tailing(url: str, *topics: str) -> AsyncIterator[Lines]:
    """Follow topics for the length of the block."""
    lines: Lines = []
    task = asyncio.create_task(tail(url, API_KEY, topics or ("*",), lines.append))
    try:
        yield lines
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def connected(lines: Lines, times: int = 1) -> None:
    """Return when the terminal shows that it follows."""
    await until(lambda: sum("connected at" in line for line in lines) == times)


async def shown(lines: Lines, word: str) -> str:
    """Return the first line with a word, once it is there."""
    await until(lambda: any(word in line for line in lines))
    return next(line for line in lines if word in line)


async def test_an_event_is_a_line_with_its_time_type_subject_and_gist(tmp_path: Path) -> None:
    """Enough to see what happens without reading JSON."""
    async with running_hub(tmp_path) as hub, tailing(hub.url) as lines:
        await connected(lines)
        await hub.send("livekit", "participant_joined")
        line = await shown(lines, "participant.joined")
        assert "rooms/livekit:RM_hubsample001" in line
        assert "ann in" in line
        assert "live, 1 person" in line
        assert line.startswith(time.strftime("%Y-", time.gmtime()))


async def test_a_bots_line_shows_its_status(tmp_path: Path) -> None:
    """With the attempt, and the reason where there is one."""
    async with running_hub(tmp_path) as hub, tailing(hub.url, "bots") as lines:
        await connected(lines)
        await hub.send("meetingbaas", "bot.status_change.queued")
        await hub.send("livekit", "participant_joined")
        await hub.send("meetingbaas", "bot.failed")
        assert "queued (attempt 1)" in await shown(lines, "bot.queued")
        assert "BOT_NOT_ACCEPTED" in await shown(lines, "bot.failed")
        assert not any("participant" in line for line in lines)


async def test_every_sample_has_a_line(tmp_path: Path) -> None:
    """Kinds of events without a document of their own must not end the following."""
    async with running_hub(tmp_path) as hub, tailing(hub.url) as lines:
        await connected(lines)
        await _send_everything(hub)
        _, log = await hub.get("/api/events?limit=1000")
        await until(lambda: len(lines) == len(log["items"]) + 1)
        for event in log["items"]:
            assert any(event["type"] in line and event["subject"] in line for line in lines)


async def test_what_arrives_is_a_line_with_what_became_of_it(tmp_path: Path) -> None:
    """Refused and repeated ones too: this is where one looks when a webhook seems not to come."""
    async with running_hub(tmp_path) as hub, tailing(hub.url, "deliveries") as lines:
        await connected(lines)
        for _ in range(2):
            await hub.send("livekit", "participant_joined", id="EV_tail")
        await hub.post_bytes("livekit", b"[]", "webhook")
        async with hub.session.post(hub.url + "/api/livekit/webhook", data=b"{}") as answer:
            assert answer.status == 401
        assert "deliveries/1  livekit  participant_joined  1 events" in await shown(lines, "delivery.accepted")
        assert "deliveries/1  livekit  participant_joined  copy 1" in await shown(lines, "delivery.duplicate")
        assert "deliveries/2  livekit  [the body is a JSON array" in await shown(lines, "delivery.dead")
        assert "deliveries/q1  livekit  [there is no Authorization header" in await shown(lines, "delivery.refused")


async def test_following_goes_on_where_it_was_when_the_hub_comes_back(tmp_path: Path) -> None:
    """Whoever watches a deployment does not want to type anything."""
    port = str(free_port())
    async with contextlib.AsyncExitStack() as following:
        async with running_hub(tmp_path, PORT=port) as hub:
            lines = await following.enter_async_context(tailing(hub.url, "rooms"))
            await connected(lines)
            await hub.send("livekit", "participant_joined")
            await shown(lines, "participant.joined")
        assert "drain" in await shown(lines, "bye")
        async with running_hub(tmp_path, PORT=port) as hub:
            await hub.send("livekit", "participant_left")
            await connected(lines, times=2)
            await shown(lines, "participant.left")
            assert "(resumed)" in [line for line in lines if "connected" in line][1]
            assert sum("participant.joined" in line for line in lines) == 1


async def test_a_hub_that_does_not_answer_is_tried_again(tmp_path: Path) -> None:
    """With a line that says where, and what to do, not an end."""
    port = free_port()
    async with tailing(f"http://127.0.0.1:{port}") as lines:
        assert f"no hub answers on http://127.0.0.1:{port}: start it" in await shown(lines, "not connected")
        async with running_hub(tmp_path, PORT=str(port)):
            await connected(lines)


@pytest.mark.parametrize(
    ("credential", "topics", "refusal", "said"),
    [("wrong", ("*",), Unauthenticated, "401"), (API_KEY, ("nonsense",), HubError, "400")],
)
async def test_a_refusal_ends_the_command_with_what_the_hub_said(
    tmp_path: Path, credential: str, topics: tuple[str, ...], refusal: type[HubError], said: str
) -> None:
    """Trying again would not help."""
    async with running_hub(tmp_path) as hub:
        with pytest.raises(refusal, match=said) as raised:
            async with asyncio.timeout(PATIENCE):
                await tail(hub.url, credential, topics, print)
    assert type(raised.value) is refusal


@pytest.mark.parametrize(
    "name", ["ann\x1b]0;owned\x07", "\x1b[2J\x1b[H", "two\nlines", "back\x08\x08", "\x9b31m", "bell\r\x07"]
)
async def test_a_name_cannot_command_the_terminal_nor_make_lines_of_its_own(tmp_path: Path, name: str) -> None:
    """Whoever joins a meeting chooses the name, and somebody with privileges watches the terminal."""
    async with running_hub(tmp_path) as hub, tailing(hub.url) as lines:
        await connected(lines)
        participant = {"sid": "PA_1", "identity": name, "name": name}
        await hub.send("livekit", "participant_joined", participant=participant, room={"sid": "RM_1", "name": name})
        line = await shown(lines, "participant.joined")
        assert all(character.isprintable() for character in line), repr(line)


async def _send_everything(hub: RunningHub) -> None:
    for provider in PROVIDERS:
        for sample in PROVIDERS[provider].samples(time.time_ns() // 1_000_000).values():
            status, _ = await hub.post(provider, sample)
            assert status == 200
