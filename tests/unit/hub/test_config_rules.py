"""Every refusal of a configuration: by file or variable, key and expectation."""

from pathlib import Path

import pytest

from hub.config import SHIPPED, load
from hub.errors import ConfigRefused

LIVEKIT = '[[sources]]\nprovider = "livekit"\nname = "rooms"\npath = "/rooms"\n'
BUSES = "local:// or redis://… or rediss://… or redis+sentinel://…"
# What the hub finds out and decides is kept under names of its own: a source of such a name would hide it.
NAME = "a name of a-z, 0-9, _ and -, other than hub, reconcile and replays, which are the hub's own"
MEETINGBAAS = '[[sources]]\nprovider = "meetingbaas"\nname = "bots"\npath = "/bots"\n'

# What stands in the file, the key, what is expected, what is said of the value.
REFUSED = [
    ("server = 1", "server", "a table", "1"),
    ("port = 1", "port", "one of the tables server, storage, bus", "an unknown one"),
    ("[source]", "source", "one of the tables server, storage, bus", "an unknown one"),
    ("[sources]", "sources", "tables that each begin with [[sources]]", "a table"),
    ("sources = [1]", "sources", "tables that each begin with [[sources]]", "a list of something else"),
    ("[server]\nprot = 1", "server.prot", "one of host, port, public_url", "an unknown key"),
    ("[server]\nhost = 5", "server.host", "a host name or an address", "5"),
    ("[server]\nhost = ''", "server.host", "a host name or an address", "''"),
    ("[server]\nhost = 'http://x'", "server.host", "a host name or an address", "'http://x'"),
    ("[server]\nport = '80'", "server.port", "a port from 0 to 65535", "'80'"),
    ("[server]\nport = -1", "server.port", "a port from 0 to 65535", "-1"),
    ("[server]\nport = 65536", "server.port", "a port from 0 to 65535", "65536"),
    ("[server]\nport = 1979-05-27", "server.port", "a port from 0 to 65535", "a date or time"),
    ("[server]\nport = true", "server.port", "a port from 0 to 65535", "true"),
    ("[server]\nport = 80.5", "server.port", "a port from 0 to 65535", "80.5"),
    ("[server]\npublic_url = 'hub.example.com'", "server.public_url", "nothing or an address https://…", "text that"),
    ("[server]\npublic_url = 'ftp://x'", "server.public_url", "nothing or an address https://…", "ftp://…"),
    ("[server]\npublic_url = 'https://x?y'", "server.public_url", "nothing or an address https://…", "https://…"),
    ("[server]\nworkers = 0", "server.workers", "a whole number from 1", "0"),
    ("[server]\nmax_body = 0", "server.max_body", "a whole number from 1", "0"),
    ("[server]\ntrusted_proxies = ['10.0.0.0/33']", "server.trusted_proxies", "networks such as", "'10.0.0.0/33'"),
    ("[server]\ntrusted_proxies = ['10.0.0.1/8']", "server.trusted_proxies", "networks such as", "'10.0.0.1/8'"),
    ("[server]\ntrusted_proxies = [1]", "server.trusted_proxies", "text or a list of texts", "a list of something"),
    ("[storage]\nurl = 'postgres://u:p@h/d'", "storage.url", "sqlite:///… or postgresql://…", "postgres://…"),
    ("[storage]\nurl = 'sqlite:///'", "storage.url", "sqlite:///… or postgresql://…", "sqlite://…"),
    ("[storage]\nurl = 'hub.db'", "storage.url", "sqlite:///… or postgresql://…", "text that does not begin like that"),
    ("[storage]\nretention_days = 0", "storage.retention_days", "a whole number from 1", "0"),
    (
        "[bus]\nurl = 'local'",
        "bus.url",
        BUSES,
        "text that does not begin like that",
    ),
    ("[bus]\nurl = 'local://x'", "bus.url", BUSES, "local://…"),
    ("[bus]\nurl = 'redis://'", "bus.url", BUSES, "redis://…"),
    ("[stream]\nheartbeat = 0", "stream.heartbeat", "a number above 0", "0"),
    ("[stream]\nheartbeat = nan", "stream.heartbeat", "a number above 0", "nan"),
    ("[stream]\nheartbeat = inf", "stream.heartbeat", "a number above 0", "inf"),
    ("[stream]\nheartbeat = '1'", "stream.heartbeat", "a number above 0", "'1'"),
    ("[stream]\nrecent = -1", "stream.recent", "a whole number from 0", "-1"),
    ("[stream]\npage_size = 0", "stream.page_size", "a whole number from 1", "0"),
    ("[stream]\ntail = 0", "stream.tail", "a whole number from 1", "0"),
    ("[stream]\nmax_lag = 0", "stream.max_lag", "a whole number from 1", "0"),
    ("[stream]\nstall = 0", "stream.stall", "a number above 0", "0"),
    ("[stream]\nmax_viewers = 0", "stream.max_viewers", "a whole number from 1", "0"),
    ("[stream]\ndrain = -0.5", "stream.drain", "a number not below 0", "-0.5"),
    ("[auth]\napi_keys = 5", "auth.api_keys", "text or a list of texts", "a number"),
    ("[auth]\napi_keys = 'k:root'", "auth.api_keys", "<key> or <key>:<scope>+<scope>", "text"),
    ("[auth]\napi_keys = 'a:b:read'", "auth.api_keys", "<key> or <key>:<scope>+<scope>", "text"),
    ("[auth]\napi_keys = ':read'", "auth.api_keys", "<key> or <key>:<scope>+<scope>", "text"),
    ("[auth]\ntoken_secrets = {a = 'b'}", "auth.token_secrets", "text or a list of texts", "a table"),
    ("[auth]\nallow_origins = ['example.com']", "auth.allow_origins", "origins such as", "'example.com'"),
    ("[auth]\nallow_origins = ['https://x/']", "auth.allow_origins", "origins such as", "'https://x/'"),
    ("[rooms]\nspeaker_roles = 1", "rooms.speaker_roles", "text or a list of texts", "1"),
    (
        "[rooms]\nprice_per_participant_minute = -1",
        "rooms.price_per_participant_minute",
        "a number not below 0",
        "-1",
    ),
    ("[rooms]\npresume_ended_after = 0", "rooms.presume_ended_after", "a number above 0", "0"),
    ("[[sources]]", "sources[0].provider", "one of meetingbaas, livekit, 100ms, pulse", "nothing"),
    ("[[sources]]\nprovider = 'livekit'", "sources[0].name", "a name of a-z, 0-9, _ and -", "nothing"),
    ("[[sources]]\nname = 'a'\nprovider = 'livekit'", "sources.a.path", "a path that begins with /", "nothing"),
    (LIVEKIT.replace("livekit", "zoom"), "sources.rooms.provider", "one of meetingbaas, livekit, 100ms", "'zoom'"),
    (LIVEKIT.replace('"rooms"', '"Rooms"'), "sources[0].name", "a name of a-z, 0-9, _ and -", "'Rooms'"),
    (LIVEKIT.replace('"rooms"', '"a\\n"'), "sources[0].name", "a name of a-z, 0-9, _ and -", "'a\\n'"),
    (LIVEKIT.replace('"rooms"', '"hub"'), "sources[0].name", NAME, "'hub'"),
    (LIVEKIT.replace('"rooms"', '"reconcile"'), "sources[0].name", NAME, "'reconcile'"),
    (LIVEKIT.replace('"rooms"', '"replays"'), "sources[0].name", NAME, "'replays'"),
    (LIVEKIT.replace('"rooms"', "7"), "sources[0].name", "a name of a-z, 0-9, _ and -", "7"),
    (LIVEKIT.replace("/rooms", "rooms"), "sources.rooms.path", "a path that begins with /", "'rooms'"),
    (LIVEKIT.replace("/rooms", "/a b"), "sources.rooms.path", "a path that begins with /", "'/a b'"),
    (LIVEKIT.replace("/rooms", "/{x}"), "sources.rooms.path", "a path that begins with /", "'/{x}'"),
    (LIVEKIT + "proof = 'maybe'", "sources.rooms.proof", "one of signature, ip, none", "'maybe'"),
    (LIVEKIT + "proof = 'ip'", "sources.rooms.allow_ips", 'at least one network, because proof is "ip"', "none"),
    (LIVEKIT + "allow_ips = ['x']", "sources.rooms.allow_ips", "networks such as 10.0.0.0/8", "'x'"),
    (LIVEKIT + "rate_limit = -1", "sources.rooms.rate_limit", "a whole number from 0", "-1"),
    (LIVEKIT + "dedupe_window = -1", "sources.rooms.dedupe_window", "a whole number from 0", "-1"),
    (LIVEKIT + "secret = 'x'", "sources.rooms.secret", "one of provider, name, path", "an unknown key"),
    (LIVEKIT + "keys = 'x'", "sources.rooms.keys", "a table whose values are text or lists of texts", "text"),
    (LIVEKIT + "keys = {a = 1}", "sources.rooms.keys", "a table whose values are text or lists of texts", "a table"),
    (LIVEKIT + "keys = {'a,b' = 'c'}", "sources.rooms.keys", "API keys without spaces and commas", "text"),
    (LIVEKIT + "keys = {a = ''}", "sources.rooms.keys", "a key and its secret", "only the first of the two"),
    (LIVEKIT + "signing_secrets = 'x'", "sources.rooms.signing_secrets", "nothing, as keys prove livekit", "secrets"),
    (MEETINGBAAS + "webhook_secrets = 'whsec_?'", "sources.bots.webhook_secrets", "secrets whose part after", "text"),
    (MEETINGBAAS + "webhook_secrets = 'whsec_'", "sources.bots.webhook_secrets", "secrets whose part after", "text"),
    (MEETINGBAAS + "webhook_secrets = 'whsec_é'", "sources.bots.webhook_secrets", "secrets whose part after", "text"),
    (
        "[[sources]]\nprovider = '100ms'\nname = 'a'\npath = '/a'\nheaders = {'X Key' = 'v'}",
        "sources.a.headers",
        "names of headers, each with its value",
        "text",
    ),
    (LIVEKIT + MEETINGBAAS.replace('"bots"', '"rooms"'), "sources.rooms.name", "a name of its own", "the name of"),
    (
        LIVEKIT.replace('"rooms"', '"a-b"') + MEETINGBAAS.replace('"bots"', '"a_b"'),
        "sources.a_b.name",
        "a name of its own",
        "the name of source a-b",
    ),
    (LIVEKIT + MEETINGBAAS.replace("/bots", "/rooms"), "sources.bots.path", "a path of its own", "the path of source"),
    ("[meetingbaas]\napi_version = 'v3'", "meetingbaas.api_version", "one of v1, v2", "'v3'"),
    ("[meetingbaas]\napi_key = ['a']", "meetingbaas.api_key", "text", "a list of something else"),
    ("[meetingbaas]\nbase_url = ''", "meetingbaas.base_url", "an address https://…", "text that"),
    ("[livekit]\nurl = 'rooms.example.com'", "livekit.url", "nothing or wss://…", "text that"),
    ("[hms]\naccess_key = 5", "hms.access_key", "text", "a number"),
    ("[hms]\naccess_key = 'a'", "hms.app_secret", "a value (HMS_APP_SECRET), as hms.access_key has one", "nothing"),
    ("[hms]\napp_secret = 'a'", "hms.access_key", "a value (HMS_ACCESS_KEY), as hms.app_secret has one", "nothing"),
    ("[spool]\ndir = 5", "spool.dir", "text", "5"),
    ("[log]\nlevel = 'loud'", "log.level", "one of debug, info, warning, error", "'loud'"),
    ("[log]\nformat = 'xml'", "log.format", "one of text, json", "'xml'"),
    (
        "[server]\nworkers = 2",
        "server.workers",
        "1, because a SQLite file serves one process (storage.url: use postgresql://)",
        "2",
    ),
    (
        "[server]\nworkers = 2\n[storage]\nurl = 'postgresql://h/d'",
        "server.workers",
        "1, because local:// does not reach other processes (bus.url: use redis://)",
        "2",
    ),
]


def _load(folder: Path, toml: str, environ: dict[str, str]) -> None:
    file = folder / "hub.toml"
    file.write_text(toml, "utf-8")
    load(str(file), environ)


@pytest.mark.parametrize(("toml", "key", "expected", "got"), REFUSED, ids=[f"{row[1]}-{row[3]}" for row in REFUSED])
def test_what_cannot_be_served_is_refused_by_file_key_and_expectation(
    tmp_path: Path, toml: str, key: str, expected: str, got: str
) -> None:
    """Whoever starts the hub mends the file from this one line."""
    with pytest.raises(ConfigRefused) as refused:
        _load(tmp_path, toml, {})
    message = str(refused.value)
    assert message.startswith(f"{tmp_path}/hub.toml: {key}: expected {expected}")
    assert f", got {got}" in message


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"PORT": "http"}, "PORT: server.port: expected a port from 0 to 65535, got 'http'"),
        ({"HUB_SERVER__PORT": "x"}, "HUB_SERVER__PORT: server.port: expected a port from 0 to 65535, got 'x'"),
        ({"HUB_SERVER__PORT": "70000"}, "HUB_SERVER__PORT: server.port: expected a port from 0 to 65535, got 70000"),
        (
            {"HUB_STREAM__HEARTBEAT": "1e400"},
            "HUB_STREAM__HEARTBEAT: stream.heartbeat: expected a number above 0, got '1e400'",
        ),
        (
            {"DATABASE_URL": "mysql://h"},
            "DATABASE_URL: storage.url: expected sqlite:///… or postgresql://…, got mysql://…",
        ),
        (
            {"REDIS_URL": "http://h"},
            f"REDIS_URL: bus.url: expected {BUSES}, got http://…",
        ),
        (
            {"LIVEKIT_API_KEY": "k"},
            "LIVEKIT_API_KEY: sources.livekit.keys: expected a key (LIVEKIT_API_KEY) and its secret",
        ),
        (
            {"MEETINGBAAS_WEBHOOK_SECRET": "whsec_?"},
            "MEETINGBAAS_WEBHOOK_SECRET: sources.meetingbaas.webhook_secrets: expected secrets whose part after whsec_",
        ),
        (
            {"HUB_SOURCES__LIVEKIT__KEYS": '{"k": 5}'},
            "HUB_SOURCES__LIVEKIT__KEYS: sources.livekit.keys: expected a table whose values are text or lists",
        ),
        (
            {"HUB_SOURCES__LIVEKIT__KEYS": "{k"},
            "HUB_SOURCES__LIVEKIT__KEYS: sources.livekit.keys: expected a table whose",
        ),
        (
            {"HUB_AUTH__API_KEYS": "[1]"},
            "HUB_AUTH__API_KEYS: auth.api_keys: expected text or a list of texts, got text",
        ),
        ({"HUB_SERVER__WORKERS": "2"}, "HUB_SERVER__WORKERS: server.workers: expected 1, because a SQLite file"),
        (
            {"HUB_SOURCES__LIVEKIT__PROOF": "ip"},
            "HUB_SOURCES__LIVEKIT__PROOF: sources.livekit.allow_ips: expected at least",
        ),
        (
            {"HUB_SOURCES__LIVEKIT__PATH": "/api/meeting-bot/webhook"},
            "HUB_SOURCES__LIVEKIT__PATH: sources.livekit.path: expected a path of its own, got the path of",
        ),
        (
            {"HUB_SOURCES__LIVEKIT__API_KEYS": "k"},
            "HUB_SOURCES__LIVEKIT__API_KEYS: sources.livekit.api_keys: expected nothing, as keys prove livekit",
        ),
    ],
)
def test_a_value_from_the_environment_is_refused_by_its_variable(environ: dict[str, str], message: str) -> None:
    """The shipped file is right; looking for the mistake in it would cost an hour."""
    with pytest.raises(ConfigRefused) as refused:
        load(str(SHIPPED), environ)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    "toml",
    [
        "[server]\nport = 0",
        "[server]\nhost = '::'\ntrusted_proxies = ['10.0.0.0/8', '::1', '192.0.2.7']",
        "[server]\npublic_url = 'https://hub.example.com/below'",
        "[server]\nworkers = 4\n[storage]\nurl = 'postgresql:///hub'\n[bus]\nurl = 'rediss://h:6380/2'",
        "[storage]\nurl = 'sqlite:////var/lib/hub.db'",
        "[stream]\nheartbeat = 1\ndrain = 0\nrecent = 0",
        "[auth]\napi_keys = ['a', 'b:read', 'c:read+launch+admin']\nallow_origins = ['http://localhost:3000', '*']",
        LIVEKIT + "proof = 'ip'\nallow_ips = ['192.0.2.0/24']",
        LIVEKIT + "proof = 'none'",
        MEETINGBAAS + "webhook_secrets = ['whsec_c2VjcmV0', 'not-of-svix']",
        "[[sources]]\nprovider = '100ms'\nname = 'a'\npath = '/a'\nheaders = {X-Key = 'v'}\nsigning_secrets = 's'",
        "[[sources]]\nprovider = 'pulse'\nname = 'a'\npath = '/a'\nsigning_secrets = ['s']",
    ],
)
def test_what_can_be_served_is_taken(tmp_path: Path, toml: str) -> None:
    """A rule that refuses too much is found by nobody but users."""
    _load(tmp_path, toml, {})
