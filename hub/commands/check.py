"""What the hub finds when it looks at its own set-up, each with what to do."""

import msgspec

from hub.app import open_store
from hub.errors import HubError, StorageRefused
from hub.secrets import Completion, warnings
from hub.settings import Settings


class Finding(msgspec.Struct, frozen=True):
    """Something to know about the set-up: ok, note, warning or error."""

    level: str
    text: str

    def line(self) -> str:
        """Return it as a line for a terminal."""
        return f"{self.level:8} {self.text}"


async def examine(settings: Settings, completion: Completion) -> list[Finding]:
    """Look at everything that can be looked at without serving."""
    return [await _storage(settings), *_secrets(settings, completion), *_paths(settings)]


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
        return Finding("note", f"storage: {refusal}")
    except HubError as problem:
        return Finding("error", f"storage: {problem}")
    position = await store.position()
    await store.close()
    return Finding("ok", f"storage: {settings.storage.url.partition('?')[0]} is at {position}")


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
