"""What a configuration may say: the rule of every key, the rules between keys, and how a refusal is worded."""

import base64
import binascii
import ipaddress
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from hub.errors import ConfigRefused
from hub.events import OWN_SOURCES
from hub.settings import Settings, Source

# The settings of a source that can prove each provider; one or several of them.
PROOFS: Mapping[str, tuple[str, ...]] = {
    "meetingbaas": ("api_keys", "webhook_secrets", "callback_secrets"),
    "livekit": ("keys",),
    "100ms": ("headers", "signing_secrets"),
    "pulse": ("signing_secrets",),
}
SOURCE_SECRETS = tuple(dict.fromkeys(field for fields in PROOFS.values() for field in fields))

# Tables in which a name without a value is merely not configured: the name is no credential.
NAMES_WITHOUT_CREDENTIAL = frozenset({"sources.headers"})
# The hub calls a provider with one key, though the variable it comes from may list several while they are rotated.
FIRST_OF_SEVERAL = frozenset({"meetingbaas.api_key"})

_SECRET = frozenset(
    {"auth.api_keys", "auth.token_secrets", "meetingbaas.api_key", "hms.access_key", "hms.app_secret"}
    | {f"sources.{field}" for field in SOURCE_SECRETS}
)
# Addresses may carry a password, so no more than their scheme is ever shown.
_ADDRESS = frozenset(
    {"storage.url", "bus.url", "server.public_url", "meetingbaas.base_url", "livekit.url", "hms.base_url"}
)
_SHOWN_AT_MOST = 60

_NAME = re.compile(r"[a-z0-9_-]+")
_PATH = re.compile(r"/[^\s{}?#]*")
_HOST = re.compile(r"[^\s/\[\]]+")
_WEB = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
_ORIGIN = re.compile(r"https?://[^\s/?#]+|\*")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,15})://")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_API_KEY = re.compile(r"[^\s:]+(:(read|launch|admin)(\+(read|launch|admin))*)?")

Item = TypeVar("Item")


class Rule(NamedTuple, Generic[Item]):
    """What a value has to be, in words and as a test."""

    expected: str
    holds: Callable[[Item], bool]


def refusal(origin: str, key: str, expected: str, got: str) -> ConfigRefused:
    """Word the refusal of `key`; `origin` is the file or the variables that its value came from."""
    return ConfigRefused(f"{origin}: {key}: expected {expected}, got {got}")


def expectation(rule: str, otherwise: str) -> str:
    """Say what the key of that rule has to be, or `otherwise` where its type is all there is to say."""
    known = _NUMBERS.get(rule) or _TEXTS.get(rule)
    return known.expected if known else otherwise


def offences(rule: str, value: object) -> Iterator[object]:
    """Yield the value, or the items of it, that break the key's rule."""
    if isinstance(value, str):
        yield from () if rule not in _TEXTS or _TEXTS[rule].holds(value) else (value,)
    elif isinstance(value, int | float):
        yield from () if rule not in _NUMBERS or _NUMBERS[rule].holds(value) else (value,)
    elif isinstance(value, tuple | dict):
        for item in value:
            yield from offences(rule, item)


def shown(rule: str, value: object) -> str:
    """Describe a refused value without giving away what may be secret."""
    if not isinstance(value, str | int | float) or rule in _SECRET:
        return _kind_of(value)
    if rule in _ADDRESS and isinstance(value, str):
        scheme = _SCHEME.match(value)
        return f"{scheme[1]}://…" if scheme else "text that does not begin like that"
    return str(value).lower() if isinstance(value, bool) else repr(value)[:_SHOWN_AT_MOST]


def check_together(settings: Settings, origin_of: Callable[[str], str]) -> None:
    """Refuse keys that are right each by itself, but not together.

    Raises ConfigRefused.
    """
    _check_workers(settings, origin_of)
    _check_account(settings, origin_of)
    for place, source in enumerate(settings.sources):
        _check_proof(source, origin_of)
        for earlier in settings.sources[:place]:
            _check_apart(source, earlier, origin_of)


def _check_workers(settings: Settings, origin_of: Callable[[str], str]) -> None:
    workers = settings.server.workers
    if workers == 1:
        return
    if settings.storage.is_sqlite:
        reason = "1, because a SQLite file serves one process (storage.url: use postgresql://)"
    elif settings.bus.is_local:
        reason = "1, because local:// does not reach other processes (bus.url: use redis://)"
    else:
        return
    raise refusal(origin_of("server.workers"), "server.workers", reason, str(workers))


def _check_account(settings: Settings, origin_of: Callable[[str], str]) -> None:
    """Refuse half an account: nothing would ever be asked with it, and nobody told."""
    pair = {"hms.access_key": settings.hms.access_key, "hms.app_secret": settings.hms.app_secret}
    for key, other in zip(pair, reversed(pair), strict=True):
        if pair[other] and not pair[key]:
            raise refusal(origin_of(other), key, f"a value (HMS_{key[4:].upper()}), as {other} has one", "nothing")


def _check_proof(source: Source, origin_of: Callable[[str], str]) -> None:
    label = f"sources.{source.name}"
    if source.proof == "ip" and not source.allow_ips:
        key = f"{label}.allow_ips"
        raise refusal(origin_of(f"{label}.proof"), key, 'at least one network, because proof is "ip"', "none")
    takes = PROOFS[source.provider]
    for field in SOURCE_SECRETS:
        if field not in takes and getattr(source, field):
            key = f"{label}.{field}"
            raise refusal(origin_of(key), key, f"nothing, as {', '.join(takes)} prove {source.provider}", "secrets")


def _check_apart(source: Source, earlier: Source, origin_of: Callable[[str], str]) -> None:
    name, path = f"sources.{source.name}.name", f"sources.{source.name}.path"
    if source.name.replace("-", "_") == earlier.name.replace("-", "_"):
        # HUB_SOURCES__<NAME>__<KEY> cannot tell a hyphen from an underscore.
        raise refusal(origin_of(name), name, "a name of its own", f"the name of source {earlier.name}")
    if source.path == earlier.path:
        raise refusal(origin_of(path), path, "a path of its own", f"the path of source {earlier.name}")


def _kind_of(value: object) -> str:
    lists = "a list of something else"
    kinds = {str: "text", bool: "true or false", int: "a number", float: "a number", list: lists, dict: "a table"}
    return kinds.get(type(value), "a date or time")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _is_webhook_secret(text: str) -> bool:
    if not text.startswith("whsec_"):
        return True
    try:
        return bool(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        # ValueError: the text is not even ASCII.
        return False


def _one_of(*names: str) -> Rule[str]:
    return Rule(f"one of {', '.join(names)}", names.__contains__)


def _matching(pattern: re.Pattern[str], expected: str) -> Rule[str]:
    return Rule(expected, lambda text: pattern.fullmatch(text) is not None)


def _empty_or(rule: Rule[str]) -> Rule[str]:
    return Rule(f"nothing or {rule.expected}", lambda text: not text or rule.holds(text))


def _starting(*beginnings: str) -> Rule[str]:
    def holds(text: str) -> bool:
        return any(text.startswith(beginning) and text != beginning for beginning in beginnings)

    return Rule(" or ".join(f"{beginning}…" for beginning in beginnings), holds)


def _whole_from(least: int) -> Rule[float]:
    return Rule(f"a whole number from {least}", lambda number: least <= number)


def _not_below(least: int) -> Rule[float]:
    # Comparisons with nan are false, so it is refused here and below.
    return Rule(f"a number not below {least}", lambda number: least <= number < math.inf)


def _above(limit: int) -> Rule[float]:
    return Rule(f"a number above {limit}", lambda number: limit < number < math.inf)


_NETWORK = Rule("networks such as 10.0.0.0/8", _is_network)
_NUMBERS: Mapping[str, Rule[float]] = {
    "server.port": Rule("a port from 0 to 65535", lambda number: 0 <= number <= 65535),
    "server.workers": _whole_from(1),
    "server.max_body": _whole_from(1),
    "storage.retention_days": _whole_from(1),
    "stream.heartbeat": _above(0),
    "stream.recent": _whole_from(0),
    "stream.page_size": _whole_from(1),
    "stream.tail": _whole_from(1),
    "stream.max_lag": _whole_from(1),
    "stream.stall": _above(0),
    "stream.max_viewers": _whole_from(1),
    "stream.max_viewers_per_address": _whole_from(0),
    "stream.max_age": _above(0),
    "stream.drain": _not_below(0),
    "reconcile.period": _above(0),
    "rooms.price_per_participant_minute": _not_below(0),
    "rooms.presume_ended_after": _above(0),
    "meetingbaas.requests_per_second": Rule("a whole number from 1 to 20", lambda number: 1 <= number <= 20),
    "sources.rate_limit": _whole_from(0),
    "sources.dedupe_window": _whole_from(0),
}
_TEXTS: Mapping[str, Rule[str]] = {
    "server.host": _matching(_HOST, "a host name or an address"),
    "server.public_url": _empty_or(_matching(_WEB, "an address https://…")),
    "server.trusted_proxies": _NETWORK,
    "storage.url": _starting("sqlite:///", "postgresql://"),
    "bus.url": Rule(
        "local:// or redis://… or rediss://… or redis+sentinel://…",
        lambda text: text == "local://" or _starting("redis://", "rediss://", "redis+sentinel://").holds(text),
    ),
    "auth.api_keys": _matching(_API_KEY, "<key> or <key>:<scope>+<scope> with scopes read, launch, admin"),
    "auth.allow_origins": _matching(_ORIGIN, "origins such as https://dashboard.example.com, or *"),
    "sources.provider": _one_of(*PROOFS),
    "sources.name": Rule(
        f"a name of a-z, 0-9, _ and -, other than {', '.join(OWN_SOURCES[:-1])} and {OWN_SOURCES[-1]}, "
        "which are the hub's own",
        lambda text: _NAME.fullmatch(text) is not None and text not in OWN_SOURCES,
    ),
    "sources.home": _empty_or(_matching(_NAME, "a name of a-z, 0-9, _ and -")),
    "sources.path": _matching(_PATH, "a path that begins with / and holds no spaces, braces, ? or #"),
    "sources.proof": _one_of("signature", "ip", "none"),
    "sources.allow_ips": _NETWORK,
    "sources.keys": _matching(re.compile(r"[^\s,]+"), "API keys without spaces and commas, each with its secret"),
    "sources.headers": _matching(_HEADER, "names of headers, each with its value"),
    "sources.webhook_secrets": Rule("secrets whose part after whsec_ is base64", _is_webhook_secret),
    "meetingbaas.api_version": _one_of("v1", "v2"),
    "meetingbaas.base_url": _matching(_WEB, "an address https://…"),
    "hms.base_url": _matching(_WEB, "an address https://…"),
    "livekit.url": _empty_or(_starting("wss://", "ws://", "https://", "http://")),
    "log.level": _one_of("debug", "info", "warning", "error"),
    "log.format": _one_of("text", "json"),
}
