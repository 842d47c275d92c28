"""Serving the hub: by one process, by several that are kept running, or as one of these."""

import asyncio
import sys
import time
from collections.abc import Callable

import msgspec

from hub import app
from hub.commands.simulate import Plan, play_for_ever
from hub.secrets import is_loopback
from hub.settings import Server, Settings
from hub.supervisor import reserve, supervise

Show = Callable[[str], None]


async def serve(settings: Settings, show: Show, complain: Show, *, demo: bool) -> None:
    """Serve until told to stop; with `demo` simulated meetings are played meanwhile."""
    playing: list[asyncio.Task[None]] = []

    def announce(base: str, url: str) -> None:
        show(greeting(settings.server, base, url, is_terminal=sys.stdout.isatty()))
        if demo:
            plan = Plan(rooms=6, bots=6, rate=4.0, seed=int(time.time()))
            playing.append(asyncio.create_task(play_for_ever(settings, base, plan, complain)))

    try:
        await app.serve(settings, announce)
    finally:
        for task in playing:
            task.cancel()


async def serve_by_workers(settings: Settings, path: str | None, show: Show) -> int:
    """Keep workers running that are configured by the file at `path`; return the exit status."""
    server = settings.server
    with reserve(server.host, server.port) as port:
        command = [sys.executable, "-m", "hub.cli", "serve", *(["--config", path] if path else [])]
        command += ["--worker-on", str(port)]
        grace, here = app.GRACE_SECONDS + settings.stream.drain, server.local_url(port)

        def announce(url: str) -> None:
            show(greeting(server, here, url, is_terminal=sys.stdout.isatty()))

        return await supervise(command, server.workers, announce, grace=grace)


async def serve_as_worker(settings: Settings, port: int, number: int, show: Show) -> None:
    """Serve on a port that others serve too, and show the dashboard's URL alone to whoever keeps the workers."""
    server = msgspec.structs.replace(settings.server, port=port)
    await app.serve(msgspec.structs.replace(settings, server=server), lambda _, url: show(url), worker=number)


def greeting(server: Server, here: str, url: str, *, is_terminal: bool) -> str:
    """Return where the dashboard is, with a login where somebody watches: in a terminal, or on this machine only.

    What nobody watches is collected, by journald or Docker, and the login would stay there. `here` is how this machine
    reaches the hub.
    """
    page, _, login = url.partition("?")
    if not is_terminal and not is_loopback(server.host):
        return f"\n  Dashboard: {page}\n  With a login: hub token\n"
    local = "" if page == f"{here}/" else f"  On this machine: {here}/?{login}\n"
    return f"\n  Dashboard: {url}\n{local}"
