"""The secrets of a hub: made up where that is safe, required or switched off where it is not, warned of when weak."""

import base64
import contextlib
import errno
import fcntl
import ipaddress
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from hub.config_rules import PROOFS, offences
from hub.errors import ConfigRefused
from hub.settings import Settings, Source

SHORT = 16

_LOCK_ATTEMPTS = 40
_LOCK_PAUSE = 0.05

# A list of secrets, or a table of them by API key or header name, as the setting of that name takes it.
_Secret = tuple[str, ...] | dict[str, tuple[str, ...]]
_TABLES = ("keys", "headers")
_Section = TypeVar("_Section", bound=msgspec.Struct)


def complete(settings: Settings, secrets_file: Path, make: Callable[[], str]) -> Settings:
    """Settle the secrets that are not set; `made` and `off` of the settings then say how.

    Where only this machine can reach the hub they are made with `make`, kept in `secrets_file` and found there again
    by every later start. Elsewhere a source that nothing can prove is left out, and access without secrets refused.
    Raises ConfigRefused for that, and for a file that cannot be used.
    """
    if not is_loopback(settings.server.host):
        return _without_unproven(settings)
    unset = tuple(_unset(settings))
    if not unset:
        return settings
    kept = _kept(unset, secrets_file, make)
    return _filled(settings, {name: kept[name] for name in unset})


def warnings(settings: Settings) -> tuple[str, ...]:
    """Say in plain sentences what works but is weaker than it should be; no secret is shown."""
    return tuple(_warnings(settings))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def why_off(source: Source) -> str:
    """Say why a source is off."""
    return f"nothing can prove its webhooks, none of {', '.join(PROOFS[source.provider])} is set"


def _without_unproven(settings: Settings) -> Settings:
    required = {"auth.api_keys": "HUB_API_KEY", "auth.token_secrets": "HUB_TOKEN_SECRET"}
    missing = [f"{name} (set {required[name]})" for name in _unset(settings) if name in required]
    if missing:
        where = f"because others can reach the hub (server.host is {settings.server.host})"
        raise ConfigRefused(f"{' and '.join(missing)}: expected a secret, {where}, got none")
    off = tuple(source for source in settings.sources if _is_unproven(source))
    sources = tuple(source for source in settings.sources if source not in off)
    return msgspec.structs.replace(settings, sources=sources, off=off)


def _is_unproven(source: Source) -> bool:
    return source.proof == "signature" and not any(getattr(source, field) for field in PROOFS[source.provider])


def _unset(settings: Settings) -> Iterator[str]:
    if not settings.auth.api_keys:
        yield "auth.api_keys"
    if not settings.auth.token_secrets:
        yield "auth.token_secrets"
    for source in settings.sources:
        for field in PROOFS[source.provider] if source.proof == "signature" else ():
            if not getattr(source, field):
                yield f"sources.{source.name}.{field}"


def _filled(settings: Settings, made: dict[str, _Secret]) -> Settings:
    sources = tuple(_with(source, f"sources.{source.name}.", made) for source in settings.sources)
    return msgspec.structs.replace(
        settings, auth=_with(settings.auth, "auth.", made), sources=sources, made=tuple(made)
    )


def _with(section: _Section, prefix: str, made: dict[str, _Secret]) -> _Section:
    fields = {name.removeprefix(prefix): secret for name, secret in made.items() if name.startswith(prefix)}
    return msgspec.structs.replace(section, **fields)


def _kept(names: tuple[str, ...], file: Path, make: Callable[[], str]) -> dict[str, _Secret]:
    """Return the secrets of these names from the file, after adding those that it lacks."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(file.parent):
            kept = _read(file)
            fresh = {name: _invented(name, make) for name in names if name not in kept}
            if fresh:
                _write(file, kept | fresh)
    except OSError as problem:
        raise ConfigRefused(f"{file}: expected a file to keep secrets in, got: {problem.strerror}") from problem
    return kept | fresh


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep out other processes that are starting: each would make secrets of its own, and the last write would win."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    for _ in range(_LOCK_ATTEMPTS):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOCK_PAUSE)
    raise TimeoutError(errno.ETIMEDOUT, "another process keeps its folder locked")


def _read(file: Path) -> dict[str, _Secret]:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return {}
    # It may have been copied here, readable for all.
    file.chmod(0o600)
    try:
        kept = msgspec.json.decode(content, type=dict[str, _Secret])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _damaged(file, "something else") from None
    for name, secret in kept.items():
        if not _is_usable(name, secret):
            raise _damaged(file, f"an unusable {name}")
    return kept


def _damaged(file: Path, got: str) -> ConfigRefused:
    return ConfigRefused(f"{file}: expected secrets as the hub wrote them (delete it to have new ones made), got {got}")


def _is_usable(name: str, secret: _Secret) -> bool:
    section, field = name.partition(".")[0], name.rpartition(".")[2]
    if isinstance(secret, dict) != (field in _TABLES) or any(offences(f"{section}.{field}", secret)):
        return False
    lists = secret.values() if isinstance(secret, dict) else (secret,)
    return bool(lists) and all(values and all(values) for values in lists)


def _write(file: Path, secrets: dict[str, _Secret]) -> None:
    # mkstemp makes it readable by its owner only, and never opens what somebody else put there.
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(secrets), indent=2) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _invented(name: str, make: Callable[[], str]) -> _Secret:
    match name.rpartition(".")[2]:
        case "keys":
            return {f"hubkey{make()[:12]}": (make(),)}
        case "headers":
            return {"X-100ms-Key": (make(),)}
        case "webhook_secrets":
            return ("whsec_" + base64.b64encode(make().encode()).decode(),)
        case _:
            return (make(),)


def _warnings(settings: Settings) -> Iterator[str]:
    for source in settings.sources:
        if source.proof == "none":
            yield f'Whoever reaches {source.path} is believed to be {source.provider}: its proof is "none".'
        if source.proof == "ip":
            yield f"Whoever posts to {source.path} from its allow_ips is believed to be {source.provider}, unsigned."
    for name, secrets in _secrets(settings):
        if any(len(secret) < SHORT for secret in secrets):
            yield f"{name} holds a secret of fewer than {SHORT} characters, which may be guessed."
    if not is_loopback(settings.server.host) and not settings.server.public_url.startswith("https://"):
        yield "server.public_url is not https: API keys, tokens and webhooks can be read on their way to the hub."


def _secrets(settings: Settings) -> Iterator[tuple[str, list[str]]]:
    """Yield every setting that holds secrets of the hub, with the parts of them that have to be guessed."""
    yield "auth.api_keys", [key.partition(":")[0] for key in settings.auth.api_keys]
    yield "auth.token_secrets", list(settings.auth.token_secrets)
    for source in settings.sources:
        for field in PROOFS[source.provider]:
            secret: _Secret = getattr(source, field)
            lists = secret.values() if isinstance(secret, dict) else (secret,)
            yield f"sources.{source.name}.{field}", [text.removeprefix("whsec_") for texts in lists for text in texts]
