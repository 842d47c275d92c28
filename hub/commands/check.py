"""What the hub finds when it looks at its own set-up, each with what to do."""

import asyncio
import contextlib

import msgspec

from hub.errors import HubError, StorageRefused
from hub.secrets import Completion, warnings
from hub.settings import Settings
from hub.stores import open_bus, open_store

_BUS_SECONDS = 3.0
_LOOK_SECONDS = 0.05


class Finding(msgspec.Struct, frozen=True):
    """Something to know about the set-up: ok, note, warning or error."""

    level: str
    text: str

    def line(self) -> str:
        """Return it as a line for a terminal."""
        return f"{self.level:8} {self.text}"


async def examine(settings: Settings, completion: Completion) -> list[Finding]:
    """Look at everything that can be looked at without serving."""
    return [await _storage(settings), await _bus(settings), *_secrets(settings, completion), *_paths(settings)]


def greeting(settings: Settings, completion: Completion) -> list[str]:
    """Return what is said when the hub starts: where providers post, and what was made up, left out or is weak."""
    return [finding.line() for finding in [*_secrets(settings, completion), *_paths(settings)] if finding.level != "ok"]


def public_url(settings: Settings) -> str:
    """Return how providers reach the hub, as far as it was told."""
    server = settings.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    return server.public_url.rstrip("/") or f"http://{host}:{server.port}"


async def _storage(settings: Settings) -> Finding:
    try:
        store = await open_store(settings)
    except StorageRefused as refusal:
        # An SQLite file is refused while its hub is running, as it should.
        level = "note" if settings.storage.url.startswith("sqlite:") else "error"
        return Finding(level, f"storage: {refusal}")
    except HubError as problem:
        return Finding("error", f"storage: {problem}")
    position = await store.position()
    await store.close()
    shown = settings.storage.url.partition("?")[0]
    if "@" in shown:
        # Without user and password.
        shown = f"{shown.partition('://')[0]}://{shown.rpartition('@')[2]}"
    return Finding("ok", f"storage: {shown} is at {position}")


async def _bus(settings: Settings) -> Finding:
    address = settings.bus.url.partition("?")[0].rpartition("@")[2]
    try:
        bus = open_bus(settings)
    except HubError as problem:
        return Finding("error", f"bus: {problem}")
    bus.follow("check")
    listening = asyncio.create_task(bus.run(lambda _: None))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_BUS_SECONDS):
            while bus.problem:  # noqa: ASYNC110 -- a bus says how it is, and tells nobody when that changes
                await asyncio.sleep(_LOOK_SECONDS)
    trouble = bus.problem
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await bus.close()
    if trouble:
        return Finding(
            "error", f"bus: {address}: {trouble}; other processes hear of events within a second, not at once"
        )
    return Finding("ok", f"bus: {address} works")


def _secrets(settings: Settings, completion: Completion) -> list[Finding]:
    made = [
        Finding("note", f"{name} is made up and kept in var/secrets.json: set your own before others use the hub")
        for name in completion.made
    ]
    off = [Finding("warning", f"source {reason}: its path answers 404") for reason in completion.off]
    return made + off + [Finding("warning", sentence) for sentence in warnings(settings)]


def _paths(settings: Settings) -> list[Finding]:
    base = public_url(settings)
    return [
        Finding("note", f"give {source.provider} this URL ({source.name}): {base}{source.path}")
        for source in settings.sources
    ]
