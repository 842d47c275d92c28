"""What the hub finds when it looks at its own set-up, each with what to do about it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from hub.commands.check import Finding, examine, greeting, public_url
from hub.settings import Auth, Bus, MeetingBaas, Server, Settings, Source, Storage
from tests.hubs import running_hub
from tests.processes import free_port

LIVEKIT = Source(provider="livekit", name="livekit", path="/api/livekit/webhook", keys={"key": ("s" * 40,)})
PULSE = Source(provider="pulse", name="pulse", path="/api/pulse/webhook")
AUTH = Auth(api_keys=("k" * 40,), token_secrets=("t" * 40,))


def settings(folder: Path, **others: object) -> Settings:
    """Return settings that nothing is wrong with, but for what is given."""
    usual = {"storage": Storage(url=f"sqlite:///{folder}/hub.db"), "auth": AUTH, "sources": (LIVEKIT,)}
    return Settings(**{**usual, **others})


def levels(findings: list[Finding], word: str) -> list[str]:
    """Return the levels of the findings that speak of something."""
    return [finding.level for finding in findings if word in finding.text]


async def test_a_set_up_that_is_right_has_no_warning(tmp_path: Path) -> None:
    """Else nobody would read them."""
    findings = await examine(settings(tmp_path))
    assert levels(findings, "storage") == ["ok"]
    assert {finding.level for finding in findings} <= {"ok", "note"}


async def test_what_launching_lacks_is_noted(tmp_path: Path) -> None:
    """Bots are launched all the same, and tell less of themselves."""
    account = MeetingBaas(api_key="k" * 20)
    findings = await examine(settings(tmp_path, meetingbaas=account))
    assert levels(findings, "does not reach the webhooks of bots") == ["note"]
    assert levels(await examine(settings(tmp_path)), "POST /api/bots launches nothing") == ["note"]


async def test_every_source_is_told_with_the_url_to_give_its_provider(tmp_path: Path) -> None:
    """It is what has to be copied into the provider's dashboard."""
    server = Server(public_url="https://hub.example.com/")
    findings = await examine(settings(tmp_path, server=server))
    (line,) = [finding.line() for finding in findings if "livekit" in finding.text]
    assert line.endswith("https://hub.example.com/api/livekit/webhook")


async def test_a_store_that_a_running_hub_holds_is_no_error(tmp_path: Path) -> None:
    """Checking while it runs is the usual case."""
    async with running_hub(tmp_path) as hub:
        findings = await examine(hub.settings)
    assert levels(findings, "another hub is running") == ["note"]


@pytest.mark.parametrize(
    "url", ["sqlite:////proc/no/such/place/hub.db", "sqlite:////dev/null/hub.db", "postgresql://u:geheim@h/d"]
)
async def test_a_store_that_cannot_be_used_is_an_error_without_its_password(tmp_path: Path, url: str) -> None:
    """The hub would not start on it."""
    findings = await examine(settings(tmp_path, storage=Storage(url=url)))
    assert levels(findings, "storage") == ["error"]
    assert "geheim" not in str(findings)


async def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    """A wrong path must not be found out by losing what lies there."""
    file = tmp_path / "hub.db"
    file.write_bytes(b"these are the minutes of the annual meeting\n" * 100)
    findings = await examine(settings(tmp_path))
    assert levels(findings, "storage") == ["error"]
    assert file.read_bytes().startswith(b"these are")


async def test_a_file_of_a_newer_hub_is_an_error(tmp_path: Path) -> None:
    """The hub would not start on it, unlike on one that is only in use."""
    with closing(sqlite3.connect(tmp_path / "hub.db")) as newer:
        newer.execute("PRAGMA user_version = 9999")
    assert levels(await examine(settings(tmp_path)), "run a newer hub") == ["error"]


async def test_a_store_that_does_not_answer_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Whoever sees it has just set it up, or has just been woken up."""
    findings = await examine(settings(tmp_path, storage=Storage(url=f"postgresql://u@127.0.0.1:{free_port()}/d")))
    assert levels(findings, "start it, or correct storage.url (HUB_STORAGE__URL)") == ["error"]


async def test_a_bus_beside_sqlite_is_an_error(tmp_path: Path) -> None:
    """There is one process, and nobody to tell anything."""
    findings = await examine(settings(tmp_path, bus=Bus(url="redis://localhost")))
    assert levels(findings, "bus.url") == ["error"]


async def test_no_bus_is_fine_for_one_process(tmp_path: Path) -> None:
    """It is what a hub comes with."""
    assert levels(await examine(settings(tmp_path)), "local://") == ["ok"]


async def test_secrets_that_were_made_up_are_named_and_not_shown(tmp_path: Path) -> None:
    """They must be replaced before others use the hub."""
    findings = await examine(settings(tmp_path, made=("auth.api_keys",)))
    assert levels(findings, "auth.api_keys") == ["note"]
    assert not any(secret in str(findings) for secret in ("k" * 40, "t" * 40, "s" * 40))


def test_what_was_made_up_is_said_in_one_line_for_each_source_with_what_to_set_instead() -> None:
    """Nobody reads eleven lines to find the one that matters."""
    made = ("auth.api_keys", "auth.token_secrets", "sources.livekit.keys")
    variables = {"auth.api_keys": ("HUB_API_KEY",), "sources.livekit.keys": ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")}
    first, second, *_ = greeting(Settings(made=made), variables)
    assert ("auth.api_keys, auth.token_secrets" in first, "set HUB_API_KEY before others" in first) == (True, True)
    assert "for webhooks of the provider itself set what you use of LIVEKIT_API_KEY, LIVEKIT_API_SECRET" in second


@pytest.mark.parametrize(
    ("server", "is_said"), [(Server(), True), (Server(public_url="https://x"), False), (Server(host="0.0.0.0"), False)]
)
def test_it_is_said_when_no_provider_can_reach_the_url_that_it_is_to_be_given(server: Server, is_said: bool) -> None:
    """It would be pasted into a dashboard, and nothing would ever come."""
    said = greeting(Settings(server=server, sources=(LIVEKIT,), auth=AUTH))
    assert any("HUB_SERVER__PUBLIC_URL" in line for line in said) == is_said


async def test_a_source_that_is_off_is_a_warning_that_says_why(tmp_path: Path) -> None:
    """Its provider would get 404 without anybody knowing."""
    findings = await examine(settings(tmp_path, off=(PULSE,)))
    (warning,) = [finding for finding in findings if "pulse" in finding.text]
    assert warning.level == "warning"
    assert "404" in warning.text


async def test_what_is_weak_is_a_warning(tmp_path: Path) -> None:
    """It works, so nobody would look."""
    weak = msgspec.structs.replace(LIVEKIT, proof="none", keys={})
    findings = await examine(
        settings(
            tmp_path,
            server=Server(host="0.0.0.0"),
            auth=Auth(api_keys=("short",), token_secrets=("t" * 40,)),
            sources=(weak,),
        )
    )
    assert levels(findings, "https") == ["warning"]
    assert levels(findings, "auth.api_keys") == ["warning"]
    assert "warning" in levels(findings, "/api/livekit/webhook")
    assert "short" not in str(
        [finding.text.replace("shorter", "") for finding in findings if "auth.api_keys" in finding.text]
    )


def test_a_start_says_everything_but_what_is_fine(tmp_path: Path) -> None:
    """The store is open by then, or there is no start."""
    server = Server(public_url="https://hub.example.com")
    lines = greeting(settings(tmp_path, server=server, made=("auth.token_secrets",), off=(PULSE,)))
    assert len(lines) == 4
    assert not any(line.startswith("ok") for line in lines)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (Server(), "http://127.0.0.1:8080"),
        (Server(host="::1", port=9), "http://[::1]:9"),
        (Server(public_url="https://hub.example.com"), "https://hub.example.com"),
        (Server(public_url="https://example.com/hub/"), "https://example.com/hub"),
    ],
)
def test_the_url_is_the_public_one_where_it_is_told(server: Server, expected: str) -> None:
    """A provider cannot reach 127.0.0.1."""
    assert public_url(Settings(server=server)) == expected
