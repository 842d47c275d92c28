"""What the hub finds when it looks at its own set-up, each with what to do."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from hub.clients.meetingbaas import warning as launching
from hub.commands.providers import ask_providers
from hub.errors import HubError, StorageInUse, StorageRefused
from hub.secrets import is_loopback, warnings, why_off
from hub.settings import Settings, web_address
from hub.stores import open_bus, open_store

_BUS_SECONDS = 3.0
_LOOK_SECONDS = 0.05

Variables = Mapping[str, tuple[str, ...]]
_NONE: Variables = MappingProxyType({})


class Finding(msgspec.Struct, frozen=True):
    """Something to know about the set-up: ok, note, warning or error."""

    level: str
    text: str

    def line(self) -> str:
        """Return it as a line for a terminal."""
        return f"{self.level:8} {self.text}"


async def examine(settings: Settings, variables: Variables = _NONE) -> list[Finding]:
    """Look at everything that can be looked at without serving; `variables` are where keys are read from."""
    looked = [
        await _storage(settings),
        await _bus(settings),
        *(Finding(*told) for told in await ask_providers(settings)),
    ]
    return [*looked, *_known(settings, variables)]


def greeting(settings: Settings, variables: Variables = _NONE) -> list[str]:
    """Return what is said when the hub starts: where providers post, and what was made up, left out or is weak."""
    return [finding.line() for finding in _known(settings, variables) if finding.level != "ok"]


def public_url(settings: Settings) -> str:
    """Return how providers reach the hub, as far as it was told."""
    server = settings.server
    return server.public_url.rstrip("/") or web_address(server.host, server.port)


async def _storage(settings: Settings) -> Finding:
    try:
        store = await open_store(settings)
    except StorageInUse as refusal:
        # As it should be while its hub is running.
        return Finding("note", f"storage: not looked at, as it is in use: {refusal}")
    except StorageRefused as refusal:
        return Finding("error", f"storage: not usable: {refusal}")
    except HubError as problem:
        return Finding("error", f"storage: {problem}; start it, or correct storage.url (HUB_STORAGE__URL)")
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
            "error",
            f"bus: {address}: {trouble}; start it, or correct bus.url (HUB_BUS__URL): until then other processes hear "
            "of events within a second, not at once",
        )
    return Finding("ok", f"bus: {address} works")


def _known(settings: Settings, variables: Variables) -> list[Finding]:
    told = launching(settings)
    launches = [Finding("note", told)] if told else []
    return [*_secrets(settings, variables), *launches, *_paths(settings)]


def _secrets(settings: Settings, variables: Variables) -> list[Finding]:
    made = [
        Finding("note", f"made up and kept in var/secrets.json: {', '.join(keys)}; {_instead(owner, keys, variables)}")
        for owner, keys in _by_owner(settings.made).items()
    ]
    off = [
        Finding("warning", f"source {source.name}: {why_off(source)}: its path answers 404") for source in settings.off
    ]
    return made + off + [Finding("warning", sentence) for sentence in warnings(settings)]


def _by_owner(keys: Iterable[str]) -> dict[str, list[str]]:
    """Return keys by the section or source that they are of."""
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(key.rpartition(".")[0], []).append(key)
    return found


def _instead(owner: str, keys: Iterable[str], variables: Variables) -> str:
    """Say what to set instead of what was made up, and when."""
    names = ", ".join(dict.fromkeys(name for key in keys for name in variables.get(key, ()))) or "your own"
    if owner == "auth":
        return f"set {names} before others use the hub"
    return f"enough for hub send and hub simulate; for webhooks of the provider itself set what you use of {names}"


def _paths(settings: Settings) -> list[Finding]:
    base = public_url(settings)
    hint = (
        "these are addresses of this machine: for a provider elsewhere see that it is reached by https (a tunnel "
        "will do), and set HUB_SERVER__PUBLIC_URL to that"
    )
    is_private = not settings.server.public_url and is_loopback(settings.server.host)
    return [*_urls(settings, base), *([Finding("note", hint)] if settings.sources and is_private else [])]


def _urls(settings: Settings, base: str) -> list[Finding]:
    return [
        Finding("note", f"give {source.provider} this URL ({source.name}): {base}{source.path}")
        for source in settings.sources
    ]
