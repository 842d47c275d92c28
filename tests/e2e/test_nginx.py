"""Streams through an nginx with default settings, which speaks HTTP/1.0 and buffers; and through the guide's."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.hubs import API_KEY, running_hub
from tests.nginx_server import guides_nginx, plain_nginx
from tests.processes import free_port
from tests.streams import Sent, Viewer
from tests.waiting import PATIENCE


async def test_events_pass_a_default_nginx_at_once_and_a_stream_resumes_through_it(tmp_path: Path) -> None:
    """Most hubs stand behind one; a stream that only works without is a stream that does not work."""
    async with running_hub(tmp_path, HUB_STREAM__HEARTBEAT="0.5") as hub:
        with plain_nginx(hub.url, tmp_path) as url:
            viewer = Viewer(url, API_KEY, ("rooms",))
            async with aiohttp.ClientSession() as session:
                first = await _collect(hub, viewer, session, "room_started")
                await hub.send("livekit", "participant_joined")
                second = await _collect(hub, viewer, session, "participant_left")

    assert [sent.data["type"] for sent in first if not sent.name] == ["room.started"]
    assert [sent.data["type"] for sent in second if not sent.name] == ["participant.joined", "participant.left"]
    assert second[0].name == "hello"
    assert second[0].data["resumed"] is True


async def _collect(hub, viewer: Viewer, session: aiohttp.ClientSession, event: str) -> list[Sent]:
    """Connect, send an event once the viewer is live, and return what it got up to the next heartbeat after it."""
    seen: list[Sent] = []
    async with asyncio.timeout(PATIENCE):
        async for sent in viewer.once(session):
            seen.append(sent)
            if sent.name == "heartbeat":
                if any(not one.name and one.data["providertype"] == event for one in seen):
                    break
                await hub.send("livekit", event)
    return seen


async def test_without_any_hub_the_guides_nginx_asks_viewers_to_come_back(tmp_path: Path) -> None:
    """EventSource gives up for good after a 502, and every hub is down at some time."""
    with guides_nginx([free_port(), free_port()], tmp_path) as url:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/api/stream?topic=rooms") as answer:
            assert (answer.status, answer.content_type) == (200, "text/event-stream")
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert await answer.text() == "retry: 3000\n\n"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_http_1_0_gets_a_plain_stream_and_http_1_1_a_chunked_one(tmp_path: Path, version: str) -> None:
    """HTTP/1.0 has no chunks: their sizes would stand between the events."""
    async with running_hub(tmp_path) as hub:
        host, port = hub.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        request = f"GET /api/stream?topic=rooms HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\r\n"
        writer.write(request.encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.readuntil(b'"complete":true')
        writer.close()
        await writer.wait_closed()

    is_chunked = version == "1.1"
    assert ("transfer-encoding: chunked" in head) is is_chunked
    assert ("connection: close" in head) is not is_chunked
    assert "content-type: text/event-stream" in head
    assert "x-accel-buffering: no" in head
    first_line = body.split(b"\n")[0].strip()
    assert int(first_line, 16) > 0 if is_chunked else first_line.startswith(b"retry: ")
