"""Secrets that nobody set: made and kept on loopback, required or switched off elsewhere, and warned of when weak."""

import base64
import fcntl
import itertools
import json
import os
import secrets
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import msgspec
import pytest

from hub.config import SHIPPED, load
from hub.errors import ConfigRefused
from hub.secrets import complete, is_loopback, warnings, why_off
from hub.settings import Auth, Server, Settings, Source
from tests.waiting import PATIENCE

STRONG = "a-secret-of-more-than-16-characters"
LIVEKIT = Source(provider="livekit", name="rooms", path="/rooms")
MEETINGBAAS = Source(provider="meetingbaas", name="bots", path="/bots")
HMS = Source(provider="100ms", name="hms", path="/hms")
PULSE = Source(provider="pulse", name="pulse", path="/pulse")
GIVEN = Auth(api_keys=(STRONG,), token_secrets=(STRONG,))
PUBLIC = Server(host="0.0.0.0", public_url="https://hub.example.com")


def _numbered() -> Callable[[], str]:
    """Make secrets that tell in which order they were made."""
    count = itertools.count(1)
    return lambda: f"made-up-secret-number-{next(count)}"


def _never() -> str:
    raise AssertionError("no secret was to be made")


def test_on_loopback_every_secret_that_is_not_set_is_made(tmp_path: Path) -> None:
    """A fresh checkout is as closed as a deployment, and nobody had to configure it."""
    settings = Settings(sources=(LIVEKIT, MEETINGBAAS, HMS, PULSE))
    completed = complete(settings, tmp_path / "secrets.json", _numbered())
    livekit, meetingbaas, hms, pulse = completed.sources
    assert completed.auth.api_keys and completed.auth.token_secrets
    ((key, values),) = livekit.keys.items()
    assert key.startswith("hubkey") and key not in values
    assert meetingbaas.api_keys and meetingbaas.callback_secrets
    assert base64.b64decode(meetingbaas.webhook_secrets[0].removeprefix("whsec_"), validate=True)
    assert list(hms.headers) == ["X-100ms-Key"] and hms.signing_secrets and pulse.signing_secrets
    assert completed.made == (
        "auth.api_keys",
        "auth.token_secrets",
        "sources.rooms.keys",
        "sources.bots.api_keys",
        "sources.bots.webhook_secrets",
        "sources.bots.callback_secrets",
        "sources.hms.headers",
        "sources.hms.signing_secrets",
        "sources.pulse.signing_secrets",
    )


def test_made_secrets_all_differ(tmp_path: Path) -> None:
    """Who learns one of them has learned one."""
    complete(Settings(sources=(LIVEKIT, MEETINGBAAS)), tmp_path / "s", _numbered())
    kept = json.loads((tmp_path / "s").read_text())
    kept["the secret of the made-up key"] = next(iter(kept.pop("sources.rooms.keys").values()))
    assert len({value for values in kept.values() for value in values}) == 6


def test_a_secret_that_is_set_is_left_alone(tmp_path: Path) -> None:
    """What was configured is what the provider has."""
    settings = Settings(auth=GIVEN, sources=(msgspec.structs.replace(LIVEKIT, keys={"k": (STRONG,)}), MEETINGBAAS))
    completed = complete(settings, tmp_path / "s", _numbered())
    assert (completed.auth, completed.sources[0]) == (settings.auth, settings.sources[0])
    assert all(name.startswith("sources.bots.") for name in completed.made)


def test_nothing_is_written_when_nothing_is_missing(tmp_path: Path) -> None:
    """A configured hub may run in a folder that it cannot write to."""
    settings = Settings(auth=GIVEN)
    assert complete(settings, tmp_path / "var" / "s", _never) == settings
    assert not (tmp_path / "var").exists()


def test_the_key_that_launches_bots_is_never_made_up(tmp_path: Path) -> None:
    """Made-up secrets are for what comes in; none of them is ever sent to a provider."""
    settings = load(str(SHIPPED), {})
    completed = complete(settings, tmp_path / "s", _numbered())
    assert completed.sources[0].api_keys
    assert (completed.meetingbaas, completed.hms) == (settings.meetingbaas, settings.hms)


@pytest.mark.parametrize("proof", ["ip", "none"])
def test_a_source_that_is_not_proved_by_secrets_gets_none(tmp_path: Path, proof: str) -> None:
    """A secret that nothing asks for only looks like safety."""
    source = msgspec.structs.replace(LIVEKIT, proof=proof, allow_ips=("192.0.2.1",))
    for server in (Server(), PUBLIC):
        settings = Settings(server=server, auth=GIVEN, sources=(source,))
        assert complete(settings, tmp_path / "s", _never) == settings


def test_made_secrets_are_found_again_by_the_next_start(tmp_path: Path) -> None:
    """Tokens and samples signed yesterday are still good today."""
    settings, file = Settings(sources=(LIVEKIT, MEETINGBAAS)), tmp_path / "var" / "secrets.json"
    first = complete(settings, file, _numbered())
    assert complete(settings, file, _never) == first


def test_a_new_source_adds_to_what_is_kept(tmp_path: Path) -> None:
    """Adding a source must not log everybody out."""
    file = tmp_path / "s"
    before = complete(Settings(), file, _numbered())
    after = complete(Settings(sources=(LIVEKIT,)), file, lambda: secrets.token_urlsafe(32))
    assert after.auth == before.auth
    assert after.sources[0].keys


def test_made_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    """Other users of the machine reach the loopback interface too."""
    file = tmp_path / "var" / "secrets.json"
    complete(Settings(), file, _numbered())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert os.listdir(file.parent) == ["secrets.json"]


def test_a_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    """A copy or a backup that was put back has whatever mode it has."""
    file = tmp_path / "s"
    complete(Settings(), file, _numbered())
    file.chmod(0o644)
    complete(Settings(), file, _never)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """Workers with different secrets would refuse each other's tokens."""
    start = Barrier(8)

    def begin(number: int) -> Auth:
        start.wait(PATIENCE)
        return complete(Settings(), tmp_path / "var" / "s", lambda: f"secret-of-starter-{number}").auth

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(begin, range(8)))) == 1


def test_a_folder_that_stays_locked_is_refused(tmp_path: Path) -> None:
    """A stopped process must not make every later start hang without a word."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(ConfigRefused, match="another process keeps its folder locked"):
            complete(Settings(), tmp_path / "s", _never)
    finally:
        os.close(descriptor)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """Secrets that are gone with the process would log everybody out at every start."""
    (tmp_path / "var").write_text("a file")
    with pytest.raises(ConfigRefused, match=r"var/s: expected a file to keep secrets in, got: File exists"):
        complete(Settings(), tmp_path / "var" / "s", _never)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"auth.api_keys": "text"}',
        b'{"auth.api_keys": []}',
        b'{"auth.token_secrets": [""]}',
        b'{"auth.token_secrets": {"a": ["b"]}}',
        b'{"sources.rooms.keys": ["a"]}',
        b'{"sources.rooms.keys": {}}',
        b'{"sources.rooms.keys": {"k": []}}',
        b'{"sources.bots.webhook_secrets": ["whsec_?"]}',
    ],
)
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    """An empty secret would be taken for a real one, and overwriting might destroy what can be mended."""
    file = tmp_path / "s"
    file.write_bytes(content)
    with pytest.raises(ConfigRefused, match=r"s: expected secrets as the hub wrote them .delete it"):
        complete(Settings(), file, _never)
    assert file.read_bytes() == content


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST"])
def test_a_loopback_host_is_this_machine_only(host: str) -> None:
    """Only there is it safe to do without configured secrets."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.0.2.1", "128.0.0.1", "localhost.example.com", "127.0.0.1.nip.io", ""]
)
def test_any_other_host_may_be_reached_by_others(host: str) -> None:
    """A name that only looks local must not open the hub with secrets from a file."""
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (
            Auth(token_secrets=(STRONG,)),
            r"auth.api_keys \(set HUB_API_KEY\): expected a secret, because others can reach",
        ),
        (Auth(api_keys=(STRONG,)), r"auth.token_secrets \(set HUB_TOKEN_SECRET\): expected a secret"),
        (
            Auth(),
            r"HUB_API_KEY\) and auth.token_secrets \(set HUB_TOKEN_SECRET\): .*server.host is 0.0.0.0\), got none",
        ),
    ],
)
def test_off_loopback_access_needs_configured_secrets(tmp_path: Path, auth: Auth, message: str) -> None:
    """Every node of a cluster needs the same ones, and the operator has to know them."""
    with pytest.raises(ConfigRefused, match=message):
        complete(Settings(server=PUBLIC, auth=auth), tmp_path / "s", _never)
    assert not (tmp_path / "s").exists()


def test_off_loopback_a_source_without_secrets_is_off_and_named(tmp_path: Path) -> None:
    """It could take nothing; an open path that always answers 401 would look like a wrong secret."""
    ready = msgspec.structs.replace(MEETINGBAAS, callback_secrets=(STRONG,))
    settings = Settings(server=PUBLIC, auth=GIVEN, sources=(LIVEKIT, ready, HMS))
    completed = complete(settings, tmp_path / "s", _never)
    assert (completed.sources, completed.off) == ((ready,), (LIVEKIT, HMS))
    assert completed.made == ()
    assert tuple(map(why_off, completed.off)) == (
        "nothing can prove its webhooks, none of keys is set",
        "nothing can prove its webhooks, none of headers, signing_secrets is set",
    )


def test_nothing_is_warned_of_in_a_sound_configuration() -> None:
    """Warnings that are always there are not read."""
    source = msgspec.structs.replace(LIVEKIT, keys={"k": (STRONG,)})
    assert warnings(Settings(server=PUBLIC, auth=GIVEN, sources=(source,))) == ()
    assert warnings(Settings(auth=GIVEN)) == ()


def test_made_secrets_are_strong_enough(tmp_path: Path) -> None:
    """The hub would otherwise warn of itself at every start."""
    settings = Settings(sources=(LIVEKIT, MEETINGBAAS, HMS, PULSE))
    assert warnings(complete(settings, tmp_path / "s", lambda: secrets.token_urlsafe(32))) == ()


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        (
            Settings(auth=GIVEN, sources=(msgspec.structs.replace(LIVEKIT, proof="none"),)),
            'Whoever reaches /rooms is believed to be livekit: its proof is "none".',
        ),
        (
            Settings(auth=GIVEN, sources=(msgspec.structs.replace(LIVEKIT, proof="ip", allow_ips=("192.0.2.1",)),)),
            "Whoever posts to /rooms from its allow_ips is believed to be livekit, unsigned.",
        ),
        (
            Settings(auth=msgspec.structs.replace(GIVEN, api_keys=(STRONG, "short:read+launch+admin"))),
            "auth.api_keys holds a secret of fewer than 16 characters, which may be guessed.",
        ),
        (
            Settings(auth=GIVEN, sources=(msgspec.structs.replace(LIVEKIT, keys={"a": (STRONG, "devsecret")}),)),
            "sources.rooms.keys holds a secret of fewer than 16 characters, which may be guessed.",
        ),
        (
            Settings(auth=GIVEN, sources=(msgspec.structs.replace(MEETINGBAAS, webhook_secrets=("whsec_c2hvcnQ=",)),)),
            "sources.bots.webhook_secrets holds a secret of fewer than 16 characters, which may be guessed.",
        ),
        (
            Settings(auth=GIVEN, server=Server(host="0.0.0.0", public_url="http://hub.example.com")),
            "server.public_url is not https: API keys, tokens and webhooks can be read on their way to the hub.",
        ),
        (
            Settings(auth=GIVEN, server=Server(host="0.0.0.0")),
            "server.public_url is not https: API keys, tokens and webhooks can be read on their way to the hub.",
        ),
    ],
)
def test_what_is_weak_is_warned_of(settings: Settings, warning: str) -> None:
    """It was configured on purpose or by accident; only the operator can tell."""
    assert warnings(settings) == (warning,)
