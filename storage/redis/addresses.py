"""Where Redis is: what `bus.url` may say, and clients that do not try for long."""

import re
from typing import Any, NamedTuple

from redis.asyncio import ConnectionPool, Redis, Sentinel
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from hub.errors import ConfigRefused

_EXPECTED = (
    "bus.url: expected redis://[user:password@]host[:port][/db], the same with rediss:// for TLS, or "
    "redis+sentinel://[user:password@]host[:port],host[:port]/service[/db], each with options that exist (?name=value) "
    "and with special characters of a password percent-encoded"
)
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:@/?#,\[\]]+)(?::\d{1,5})?"
_LOGIN = r"(?P<login>[^\s/?#]*@)?"
_END = r"(?:/(?P<db>\d*))?(?:\?(?P<options>[^\s#]*))?"
_SINGLE = re.compile(rf"rediss?://{_LOGIN}{_HOST}{_END}")
_WATCHED = re.compile(rf"redis\+sentinel://{_LOGIN}(?P<hosts>{_HOST}(?:,{_HOST})*)/(?P<service>[^\s/?#]+){_END}")
_SENTINEL_PORT = 26379
_CONNECT_SECONDS = 1.0
# Several may have to be asked until one answers.
_SENTINEL_SECONDS = 0.5
_SENTINEL_OPTION = "sentinel_"

Options = dict[str, Any]  # Any: the driver's options are of many types


class Address(NamedTuple):
    """What is needed to connect; a service where Sentinels are to be asked for its master."""

    options: Options
    sentinel: Sentinel | None = None
    service: str = ""

    def client(self) -> Redis:
        """Return a client with connections of its own, none of them open yet."""
        if self.sentinel is None:
            return Redis.from_pool(ConnectionPool(**self.options))
        client: Redis = self.sentinel.master_for(self.service, **self.options)
        return client


def read_address(url: str) -> Address:
    """Understand `bus.url`. Raises ConfigRefused, which never shows it: it may hold a password."""
    try:
        address = _sentinel(url) if url.startswith("redis+sentinel:") else _single(url)
        # The driver looks at most options only when it first connects.
        pool = address.client().connection_pool
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, RedisError):
        # Not chained: these quote what they do not like.
        raise ConfigRefused(_EXPECTED) from None
    return address


def _single(url: str) -> Address:
    if _SINGLE.fullmatch(url) is None:
        raise ValueError
    return Address({**parse_url(url), **_ours(_CONNECT_SECONDS, None)})


def _sentinel(url: str) -> Address:
    match = _WATCHED.fullmatch(url)
    if match is None:
        raise ValueError
    login, db, options = (match[name] or "" for name in ("login", "db", "options"))
    # The credentials are those of the servers that hold the data; Sentinels may have others.
    given: Options = {**parse_url(f"redis://{login}/{db}?{options}")}
    theirs = {name: given.pop(name) for name in list(given) if name.startswith(_SENTINEL_OPTION)}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # the driver leaves it without types
        [_place(host) for host in match["hosts"].split(",")],
        sentinel_kwargs={name.removeprefix(_SENTINEL_OPTION): option for name, option in theirs.items()}
        | _ours(_SENTINEL_SECONDS, _SENTINEL_SECONDS),
    )
    return Address({**given, **_ours(_CONNECT_SECONDS, None)}, sentinel, match["service"])


def _place(host: str) -> tuple[str, int]:
    place = parse_url(f"redis://{host}")
    return place["host"], place.get("port", _SENTINEL_PORT)


def _ours(connect_seconds: float, answer_seconds: float | None) -> Options:
    """Return the options that are not the operator's to choose."""
    return {
        "socket_connect_timeout": connect_seconds,
        # None where whoever asks also limits the wait: with a limit the driver uses `wait_for` (see `outages`).
        "socket_timeout": answer_seconds,
        # The bus tries again by itself; the driver would do so unseen, for many seconds.
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "max_connections": None,
        "decode_responses": False,
        # Every server speaks it, and with 3 the driver makes a text of each message that comes.
        "protocol": 2,
    }
