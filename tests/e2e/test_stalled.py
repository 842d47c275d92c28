"""A viewer that stops reading costs nobody else anything, and loses nothing itself."""

import asyncio
import contextlib
import re
import socket
from pathlib import Path

from structlog.testing import capture_logs

from handlers.providers.registry import PROVIDERS
from hub.commands.send import with_values
from tests.hubs import API_KEY, RunningHub, running_hub
from tests.streams import Viewer
from tests.waiting import PATIENCE, until

EVENTS, AT_ONCE = 400, 20
FILLER = "x" * 200


async def test_a_stalled_viewer_is_cut_off_and_resumes_while_the_others_see_everything(tmp_path: Path) -> None:
    """It is left behind as a cursor: no queue grows for it, and it reads on from where it was."""
    async with contextlib.AsyncExitStack() as stack:
        logs = stack.enter_context(capture_logs())
        # Long enough for all events to be written first: a system that gives up a viewer of whom the hub holds little
        # looks like a viewer that leaves.
        hub = await stack.enter_async_context(running_hub(tmp_path, HUB_STREAM__STALL="4", HUB_STREAM__HEARTBEAT="0.5"))
        healthy = Viewer(hub.url, API_KEY, ("rooms",))
        following = asyncio.create_task(healthy.follow())
        stalled = await _connect_and_never_read(hub)
        await until(lambda: len(healthy.statuses) == 1)
        for first in range(0, EVENTS, AT_ONCE):
            await asyncio.gather(*(_join(hub, number) for number in range(first, first + AT_ONCE)))
        await until(lambda: len(healthy.sequences) == EVENTS)
        while await hub.viewers() > 1:  # noqa: ASYNC110 -- the hub says so nowhere else
            await asyncio.sleep(0.05)
        received = await _drained(stalled)
        resumed = Viewer(hub.url, API_KEY, ("rooms",), last_id=received[-1].decode())
        catching_up = asyncio.create_task(resumed.follow())
        seen = [int(identity.rpartition(b".")[2]) for identity in received]
        await until(lambda: len(resumed.sequences) == EVENTS - seen[-1])
        for task in (following, catching_up):
            task.cancel()
        await asyncio.gather(following, catching_up, return_exceptions=True)

    assert healthy.sequences == list(range(1, EVENTS + 1))
    assert seen[-1] < EVENTS
    assert resumed.sequences == list(range(seen[-1] + 1, EVENTS + 1))
    assert resumed.resets == []
    # Either the hub or the system gave it up first.
    (gone,) = (line for line in logs if line["event"].startswith("viewer."))
    assert gone["reason"] in ("the peer reads nothing", "the connection was lost while it was behind")
    assert (gone["address"], gone["transport"]) == ("127.0.0.1", "sse")


async def _connect_and_never_read(hub: RunningHub) -> socket.socket:
    host, port = hub.url.removeprefix("http://").split(":")
    viewer = socket.socket()
    viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    viewer.connect((host, int(port)))
    request = f"GET /api/stream?topic=rooms&snapshot=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\r\n"
    viewer.sendall(request.encode())
    return viewer


async def _join(hub: RunningHub, number: int) -> None:
    sample = PROVIDERS["livekit"].samples(1_773_144_000_000 + number * 1000)["participant_joined"]
    values = [f"participant.sid=PA_{number}", f"id=EV_{number}", f"participant.name={FILLER}", "room.name=" + FILLER]
    # Told to come again, as a hub does on a machine that stalls, a provider comes again.
    while (status := (await hub.post("livekit", with_values(sample, values)))[0]) == 503:
        pass
    assert status == 200


async def _drained(viewer: socket.socket) -> list[bytes]:
    """Read what the hub had sent before it gave the viewer up; return the ids of the complete events."""
    viewer.setblocking(False)
    loop = asyncio.get_running_loop()
    received = b""
    async with asyncio.timeout(PATIENCE):
        try:
            while chunk := await loop.sock_recv(viewer, 65536):
                received += chunk
        except ConnectionResetError:
            pass
    viewer.close()
    complete = received.rpartition(b"\n\n")[0]
    return re.findall(rb"\nid: (\S+)\n", complete)
