"""Which file is read, what the environment changes in it, and that the shipped one works."""

import tomllib
import traceback
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from hub.config import SHIPPED, load, variables
from hub.errors import ConfigRefused
from hub.settings import Settings, Source
from tests.searching import search

EVERY_VARIABLE = {
    "PORT": "9001",
    "DATABASE_URL": "postgresql://hub:pw@db/hub",
    "REDIS_URL": "redis://cache:6379/1",
    "HUB_API_KEY": "key-one,key-two:read+launch",
    "HUB_TOKEN_SECRET": "new-secret, old-secret",
    "MEETINGBAAS_API_KEY": "mb-new,mb-old",
    "MEETINGBAAS_WEBHOOK_SECRET": "whsec_c2VjcmV0",
    "MEETINGBAAS_CALLBACK_SECRET": "callback-secret",
    "LIVEKIT_API_KEY": "APIabc",
    "LIVEKIT_API_SECRET": "lk-new,lk-old",
    "LIVEKIT_URL": "wss://rooms.example.com",
    "HMS_WEBHOOK_SECRET": "hms-new,hms-old",
    "HMS_ACCESS_KEY": "hms-access",
    "HMS_APP_SECRET": "hms-app",
    "PULSE_WEBHOOK_SECRET": "pulse-secret",
    "WEBHOOK_SECRET": "guide-secret",
}
SHIPPED_SOURCES = ["meetingbaas", "livekit", "100ms", "100ms-rooms", "pulse"]


def _file(folder: Path, toml: str) -> str:
    file = folder / "hub.toml"
    file.write_text(toml, "utf-8")
    return str(file)


def test_the_shipped_file_loads_with_an_empty_environment() -> None:
    """`make run` has to work on a fresh checkout, before anybody has set anything."""
    loaded = load(str(SHIPPED), {})
    assert [source.name for source in loaded.sources] == SHIPPED_SOURCES
    assert loaded == msgspec.structs.replace(Settings(), sources=loaded.sources)
    secrets = [(one.keys, one.api_keys, one.headers, one.signing_secrets) for one in loaded.sources]
    assert secrets == [({}, (), {}, ())] * len(SHIPPED_SOURCES)


def test_the_shipped_file_reads_every_variable_that_is_documented() -> None:
    """A deployment is configured by these variables alone; rotation puts several values into one."""
    loaded = load(str(SHIPPED), EVERY_VARIABLE)
    meetingbaas, livekit, hms, hms_rooms, pulse = loaded.sources
    assert (loaded.server.port, loaded.storage.url) == (9001, "postgresql://hub:pw@db/hub")
    assert (loaded.bus.url, loaded.livekit.url) == ("redis://cache:6379/1", "wss://rooms.example.com")
    assert loaded.auth.api_keys == ("key-one", "key-two:read+launch")
    assert loaded.auth.token_secrets == ("new-secret", "old-secret")
    assert meetingbaas.api_keys == ("mb-new", "mb-old")
    assert meetingbaas.webhook_secrets == ("whsec_c2VjcmV0",)
    assert meetingbaas.callback_secrets == ("callback-secret",)
    assert livekit.keys == {"APIabc": ("lk-new", "lk-old")}
    assert {hms.signing_secrets, hms_rooms.signing_secrets} == {("hms-new", "hms-old")}
    assert hms.headers == hms_rooms.headers == {"X-100ms-Key": ("hms-new", "hms-old")}
    assert (loaded.hms.access_key, loaded.hms.app_secret) == ("hms-access", "hms-app")
    assert pulse.signing_secrets == ("pulse-secret",)


def test_the_variable_of_the_pulse_guide_is_read_where_ours_is_not_set() -> None:
    """Whoever followed the guide has it set already."""
    loaded = load(str(SHIPPED), {"WEBHOOK_SECRET": "guide-secret"})
    assert loaded.sources[-1].signing_secrets == ("guide-secret",)


def test_paths_of_one_account_speak_of_the_same_rooms() -> None:
    """100ms posts to two paths, as two guides have them; a room must not be two rooms for that."""
    sources = {source.name: source for source in load(str(SHIPPED), {}).sources}
    assert sources["100ms-rooms"].durable_room("r") == sources["100ms"].durable_room("r") == "100ms@r"


def test_the_shipped_file_shows_every_key_of_this_release() -> None:
    """Users look for what they can set in the file, not in the source."""
    document = tomllib.loads(SHIPPED.read_text("utf-8"))
    shown = {key for source in document["sources"] for key in source}
    assert {field.name for field in msgspec.structs.fields(Source)} == shown
    for section in msgspec.structs.fields(Settings):
        if section.name not in ("sources", "off", "made"):
            keys = {field.name for field in msgspec.structs.fields(section.type)}
            assert keys == set(document[section.name]), section.name


def test_one_key_of_several_is_used_towards_meetingbaas() -> None:
    """The same variable lists the keys that webhooks may carry; a call carries one, and the first is the new one."""
    assert load(str(SHIPPED), {"MEETINGBAAS_API_KEY": "new,old"}).meetingbaas.api_key == "new"


def test_an_empty_variable_counts_as_not_set() -> None:
    """Compose files pass on variables that nobody set as empty ones."""
    assert load(str(SHIPPED), dict.fromkeys(EVERY_VARIABLE, "")) == load(str(SHIPPED), {})


def test_a_table_that_the_file_lacks_comes_from_the_shipped_one(tmp_path: Path) -> None:
    """Whoever changes only the port still wants DATABASE_URL read and the sources there."""
    loaded = load(_file(tmp_path, "[server]\nport = 9000"), {"DATABASE_URL": "sqlite:///other.db", "PORT": "1"})
    assert (loaded.server.port, loaded.storage.url) == (9000, "sqlite:///other.db")
    assert [source.name for source in loaded.sources] == SHIPPED_SOURCES


def test_a_table_that_the_file_has_is_not_mixed_with_the_shipped_one(tmp_path: Path) -> None:
    """A file that lists one source means this one only."""
    toml = '[[sources]]\nprovider = "livekit"\nname = "eu"\npath = "/eu"'
    assert [source.name for source in load(_file(tmp_path, toml), {}).sources] == ["eu"]


def test_no_sources_at_all_can_be_asked_for(tmp_path: Path) -> None:
    """An empty list is a statement, unlike a missing one."""
    assert load(_file(tmp_path, "sources = []"), {}).sources == ()


def test_the_file_given_by_argument_wins_over_hub_config(tmp_path: Path) -> None:
    """What is typed is meant more than what was exported."""
    other = tmp_path / "other.toml"
    other.write_text("[server]\nport = 2")
    given_file = _file(tmp_path, "[server]\nport = 1")
    assert load(given_file, {"HUB_CONFIG": str(other)}).server.port == 1
    assert load(None, {"HUB_CONFIG": str(other)}).server.port == 2


def test_the_working_directory_is_searched_before_the_shipped_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `config.toml` where the hub is started is found without any option."""
    monkeypatch.chdir(tmp_path)
    assert load(None, {}).server.port == 8080
    Path("config.toml").write_text("[server]\nport = 3")
    assert load(None, {}).server.port == 3


@pytest.mark.parametrize("how", ["argument", "HUB_CONFIG"])
def test_a_file_that_was_asked_for_must_exist(tmp_path: Path, how: str) -> None:
    """Falling back to the shipped file would run a hub that nobody configured."""
    missing = str(tmp_path / "missing.toml")
    with pytest.raises(ConfigRefused, match=r"missing.toml: expected a file that can be read, got: No such file"):
        load(missing if how == "argument" else None, {"HUB_CONFIG": missing})


def test_what_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """TOML is UTF-8; the refusal says so instead of a decoder's error."""
    file = tmp_path / "hub.toml"
    file.write_bytes(b"[server]\nhost = '\xff'")
    with pytest.raises(ConfigRefused, match=r"hub.toml: expected UTF-8 text"):
        load(str(file), {})


def test_what_is_not_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    """The line is what one needs to mend it."""
    with pytest.raises(ConfigRefused, match=r"hub.toml: expected TOML, got: .*line 2"):
        load(_file(tmp_path, "[server]\nport = = 1"), {})


@pytest.mark.parametrize(
    ("variable", "value", "setting", "expected"),
    [
        ("HUB_SERVER__PORT", "9000", "server.port", 9000),
        ("HUB_SERVER__HOST", "9000", "server.host", "9000"),
        ("HUB_STREAM__HEARTBEAT", "1", "stream.heartbeat", 1.0),
        ("HUB_STREAM__HEARTBEAT", "0.5", "stream.heartbeat", 0.5),
        ("HUB_SERVER__PUBLIC_URL", "", "server.public_url", ""),
        ("HUB_MEETINGBAAS__API_KEY", "[not json", "meetingbaas.api_key", "[not json"),
        ("HUB_AUTH__TOKEN_SECRETS", "a, b", "auth.token_secrets", ("a", "b")),
        ("HUB_AUTH__TOKEN_SECRETS", '["a,b", "c"]', "auth.token_secrets", ("a,b", "c")),
        ("HUB_AUTH__TOKEN_SECRETS", "[ab", "auth.token_secrets", ("[ab",)),
        ("HUB_AUTH__TOKEN_SECRETS", "12", "auth.token_secrets", ("12",)),
        ("HUB_AUTH__TOKEN_SECRETS", "", "auth.token_secrets", ()),
        ("HUB_log__Level", "debug", "log.level", "debug"),
    ],
)
def test_a_variable_overrides_any_key(variable: str, value: str, setting: str, expected: object) -> None:
    """Containers are configured without a file; what a value means is decided by the type of its key."""
    section, _, key = setting.partition(".")
    assert getattr(getattr(load(str(SHIPPED), {variable: value}), section), key) == expected


def test_a_variable_addresses_a_source_by_its_name(tmp_path: Path) -> None:
    """Positions in the file change, names do not; variables cannot hold hyphens."""
    toml = '[[sources]]\nprovider = "livekit"\nname = "rooms-eu__1"\npath = "/eu"'
    environ = {
        "HUB_SOURCES__ROOMS_EU__1__KEYS": '{"k": "s,t", "l": ["u", "v"]}',
        "HUB_SOURCES__rooms_eu__1__PATH": "/x",
    }
    (source,) = load(_file(tmp_path, toml), environ).sources
    assert source.keys == {"k": ("s,t",), "l": ("u", "v")}
    assert source.path == "/x"


def test_a_name_from_a_variable_can_be_addressed(tmp_path: Path) -> None:
    """The name counts after substitution, as everywhere."""
    toml = '[[sources]]\nprovider = "livekit"\nname = "${NAME}"\npath = "/eu"'
    (source,) = load(_file(tmp_path, toml), {"NAME": "eu", "HUB_SOURCES__EU__ACCOUNT": "a"}).sources
    assert (source.name, source.account) == ("eu", "a")


def test_an_overridden_value_is_not_read_at_all(tmp_path: Path) -> None:
    """Its variable may well be missing: that is why it was overridden."""
    toml = '[server]\nport = "${NOT_SET}"'
    assert load(_file(tmp_path, toml), {"HUB_SERVER__PORT": "1"}).server.port == 1


def test_variables_without_two_underscores_are_no_overrides() -> None:
    """HUB_API_KEY is read by the shipped file, and orchestrators set names like HUB_PORT."""
    assert load(str(SHIPPED), {"HUB_PORT": "tcp://10.0.0.1:80", "HUB_SERVICE_HOST": "x"}) == load(str(SHIPPED), {})


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("HUB_SERVE__PORT", "HUB_SERVE__PORT: serve.port: expected a key of one of server, storage"),
        ("HUB_SERVER__PROT", "HUB_SERVER__PROT: server.prot: expected one of host, port"),
        ("HUB_SOURCES__KEYS", "HUB_SOURCES__KEYS: sources.keys: expected a key of one of server"),
        ("HUB_SOURCES__LIVEKITT__KEYS", "expected a key of one of .*sources.livekit, .*got another table"),
        ("HUB_SOURCES__LIVEKIT__KEY", "sources.livekit.key: expected one of provider, name, path"),
        ("HUB_SERVER__PORT__X", "HUB_SERVER__PORT__X: server__port.x: expected a key of one of"),
        ("HUB___PORT", "HUB___PORT: .port: expected a key of one of"),
    ],
)
def test_an_override_of_nothing_is_refused(variable: str, message: str) -> None:
    """A misspelt variable would otherwise be ignored in silence."""
    with pytest.raises(ConfigRefused, match=message):
        load(str(SHIPPED), {variable: "1"})


def test_an_override_that_is_no_text_is_refused() -> None:
    """Bytes that are not UTF-8 come as lone surrogates, which fail much later, while signing."""
    with pytest.raises(ConfigRefused, match=r"HUB_AUTH__TOKEN_SECRETS: auth.token_secrets: expected UTF-8 text"):
        load(str(SHIPPED), {"HUB_AUTH__TOKEN_SECRETS": "caf\udce9"})


SECRET_IN = [
    '[auth]\napi_keys = {{ "{0}" = 1 }}',
    '[auth]\napi_key = "{0}"',
    '[auth]\napi_keys = [["{0}"]]',
    '[auth]\napi_keys = ["{0}:root"]',
    '[auth]\ntoken_secrets = {{ a = "{0}" }}',
    '[meetingbaas]\napi_key = ["{0}"]',
    '[hms]\naccess_key = {{ a = "{0}" }}',
    '[storage]\nurl = "postgres://hub:{0}@db/hub"',
    '[storage]\nurl = "{0}"',
    '[bus]\nurl = "amqp://:{0}@mq"',
    '[server]\npublic_url = "ftp://u:{0}@x"',
    '[[sources]]\nprovider = "livekit"\nname = "a"\npath = "/a"\nkeys = "{0}"',
    '[[sources]]\nprovider = "livekit"\nname = "a"\npath = "/a"\nkeys = {{ "" = "{0}" }}',
    '[[sources]]\nprovider = "livekit"\nname = "a"\npath = "/a"\nkeys = {{ "{0}" = "" }}',
    '[[sources]]\nprovider = "livekit"\nname = "a"\npath = "/a"\nkeys = {{ k = {{ "{0}" = "{0}" }} }}',
    '[[sources]]\nprovider = "livekit"\nname = "a"\npath = "/a"\nsigning_secrets = "{0}"',
    '[[sources]]\nprovider = "meetingbaas"\nname = "a"\npath = "/a"\nwebhook_secrets = "whsec_{0}!"',
    '[[sources]]\nprovider = "100ms"\nname = "a"\npath = "/a"\nheaders = {{ "" = "{0}" }}',
    '[auth]\ntoken_secrets = "{0}',
]
SECRET_FROM = [
    {"HUB_SOURCES__LIVEKIT__KEYS": "{0}"},
    {"HUB_SOURCES__LIVEKIT__KEYS": '{{"k": "{0}", "{0}": 1}}'},
    {"LIVEKIT_API_SECRET": "{0}"},
    {"LIVEKIT_API_KEY": "{0}"},
    {"HUB_AUTH__API_KEYS": "{0}:root"},
    {"HUB_AUTH__TOKEN_SECRETS": '[["{0}"]]'},
    {"MEETINGBAAS_WEBHOOK_SECRET": "whsec_{0}!"},
    {"DATABASE_URL": "mysql://root:{0}@db"},
    {"REDIS_URL": "{0}"},
    {"HUB_AUTH__TOKEN_SECRETS": "{0}\udcff"},
]
# The mark keeps them apart from the words of messages, and shows where a secret was only cut short.
MARK = "Zq9x"
SECRETS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=-_.~", max_size=80).map(
    MARK.__add__
)
# Secrets differ by little but length, and each of these is tried in thirty places.
IN_MANY = search(40, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("toml", SECRET_IN)
@IN_MANY
@given(secret=SECRETS)
def test_no_refusal_of_a_file_shows_a_secret(tmp_path: Path, toml: str, secret: str) -> None:
    """Refusals are printed, logged and pasted into tickets, with the errors that led to them."""
    with pytest.raises(ConfigRefused) as refused:
        load(_file(tmp_path, toml.format(secret)), {})
    assert MARK not in "".join(traceback.format_exception(refused.value, chain=True))


@pytest.mark.parametrize("environ", SECRET_FROM, ids=str)
@IN_MANY
@given(secret=SECRETS)
def test_no_refusal_of_a_variable_shows_a_secret(environ: dict[str, str], secret: str) -> None:
    """Most secrets come from the environment."""
    with pytest.raises(ConfigRefused) as refused:
        load(str(SHIPPED), {name: value.format(secret) for name, value in environ.items()})
    assert MARK not in "".join(traceback.format_exception(refused.value, chain=True))


def test_it_is_known_which_variables_a_key_is_read_from(tmp_path: Path) -> None:
    """Whoever is told that a secret is missing is told what to set, as the file in use names it."""
    shipped = variables(None, {})
    assert shipped["sources.livekit.keys"] == ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
    assert shipped["sources.pulse.signing_secrets"] == ("PULSE_WEBHOOK_SECRET", "WEBHOOK_SECRET")
    own = tmp_path / "own.toml"
    own.write_text('[auth]\napi_keys = ["${OUR_KEY}", "$${NOT}"]\n[server]\nhost = "::1"\n')
    found = variables(str(own), {"OUR_KEY": "a"})
    assert (found["auth.api_keys"], found["auth.token_secrets"]) == (("OUR_KEY",), ("HUB_TOKEN_SECRET",))
    assert "server.host" not in found
