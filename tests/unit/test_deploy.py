"""What is written for running the hub names what exists, as far as that can be seen without Docker."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hub.app import GRACE_SECONDS
from hub.cli import main
from hub.config import SECTIONS, SHIPPED, load
from hub.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")
GUIDE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
# What the other services of compose.yaml are given; the hub gets them inside of its two addresses.
OF_OTHER_SERVICES = {"POSTGRES_PASSWORD": "letters", "REDIS_PASSWORD": "digits"}
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def test_compose_gives_the_hub_only_variables_that_it_reads() -> None:
    """A variable with a typing error would be a setting that silently does nothing."""
    assert {name for name in _given() if "__" not in name} - _readable() == set()


def test_a_hub_with_what_compose_gives_it_starts_with_two_processes_and_a_spool() -> None:
    """`load` refuses HUB_SECTION__KEY that is no key, values of a wrong type, and addresses that are none."""
    settings = _settings()
    assert settings.server.workers == 2
    assert settings.storage.url == "postgresql://hub:letters@postgres:5432/hub"
    assert settings.bus.url == "redis://:digits@redis:6379/0"
    assert settings.auth.api_keys == ("a-key",)
    assert Path(settings.spool.dir).is_relative_to("/hub/var")


def test_compose_passes_on_what_somebody_sets_by_the_name_that_the_hub_gives_it() -> None:
    """Whoever reads README.md and sets LIVEKIT_API_KEY must not have to learn a second name."""
    named = {name: {match["name"] for match in VARIABLE.finditer(value)} for name, value in _given().items()}
    assert {name: other for name, others in named.items() if (other := others - {name} - set(OF_OTHER_SERVICES))} == {}


def test_compose_passes_on_every_secret_of_the_shipped_sources() -> None:
    """A source whose secret does not reach the container is off, and says so only in its log."""
    # The port within the container is fixed; the last one is the older name of PULSE_WEBHOOK_SECRET.
    assert _readable() - set(_given()) == {"PORT", "WEBHOOK_SECRET"}


@pytest.mark.parametrize("name", ["HUB_API_KEY", "HUB_TOKEN_SECRET", *OF_OTHER_SERVICES])
def test_compose_refuses_to_start_without_a_secret_that_it_needs(name: str) -> None:
    """An empty password would be a password, and the hub would only say later what it misses."""
    assert {match["kind"] for match in VARIABLE.finditer(COMPOSE) if match["name"] == name} == {"?"}


def test_every_image_has_a_version() -> None:
    """What is built or started next year has to be what was tried; no version says anything by `latest`."""
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images = [image for image in re.findall(r"^ +image: (\S+)", COMPOSE, re.MULTILINE) if image != "meeting-hub"]
    assert len(bases) == 1
    assert len(images) == 2
    assert [image for image in bases + images if not re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?-[a-z-]+", image)] == []


def test_every_path_that_the_dockerfile_copies_exists() -> None:
    """A renamed folder would break the image, which no other test builds."""
    copied = [path for line in re.findall(r"^COPY (.+)", DOCKERFILE, re.MULTILINE) for path in line.split()[:-1]]
    assert {"pyproject.toml", "constraints.txt", "config.toml", "hub", "handlers", "storage", "static"} <= set(copied)
    assert [path for path in copied if not (ROOT / path).exists()] == []


def test_the_dockerfile_sets_only_what_the_hub_reads() -> None:
    """The address to listen on is the one setting that a container needs."""
    names = re.findall(r"\b(HUB_\w+)=(\S+)", DOCKERFILE)
    settings = load(str(SHIPPED), {**dict(names), "HUB_API_KEY": "a-key", "HUB_TOKEN_SECRET": "a-secret"})
    assert dict(names) == {"HUB_SERVER__HOST": "0.0.0.0"}
    assert settings.server.host == "0.0.0.0"


def test_the_container_is_not_roots_and_keeps_its_data_in_the_volume() -> None:
    """Kubernetes believes only a number to be no root; what is written beside the volume goes with the container."""
    user = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1]
    assert int(user) > 0
    assert f"useradd --uid {user} " in DOCKERFILE
    volume, workdir = (re.findall(rf"^{word} (\S+)", DOCKERFILE, re.MULTILINE)[-1] for word in ("VOLUME", "WORKDIR"))
    assert Path(volume) == Path(workdir) / "var"
    assert f":{volume}\n" in COMPOSE
    assert f"-m 700 {Path(volume).name}" in DOCKERFILE


def test_all_ports_are_the_one_that_the_hub_takes_by_itself() -> None:
    """EXPOSE, the health check, the published port and the proxies' upstream are four places for one number."""
    port = str(load(str(SHIPPED), {}).server.port)
    assert re.findall(r"^EXPOSE (\d+)", DOCKERFILE, re.MULTILINE) == [port]
    assert f"http://127.0.0.1:${{PORT:-{port}}}/readyz" in DOCKERFILE
    assert f'- "127.0.0.1:{port}:{port}"' in COMPOSE
    assert set(re.findall(r"(?:server|reverse_proxy) 127\.0\.0\.1:(\d+)", GUIDE)) == {port}


def test_compose_waits_longer_than_stopping_takes() -> None:
    """A hub that is killed in the middle of its goodbye leaves viewers that all come back at once."""
    hub = COMPOSE.partition("\n  hub:\n")[2].partition("\n  postgres:\n")[0]
    given = re.search(r"stop_grace_period: (\d+)s", hub)
    assert given
    assert int(given[1]) > GRACE_SECONDS + _settings().stream.drain


def test_the_guides_nginx_fits_the_shipped_settings() -> None:
    """It has to wait longer than a heartbeat takes, and to take bodies as large as the hub does."""
    settings = load(str(SHIPPED), {})
    nginx = GUIDE.partition("```nginx\n")[2].partition("```")[0]
    assert f"client_max_body_size {settings.server.max_body // 2**20}m;" in nginx
    waits = re.findall(r"proxy_read_timeout (\d+)s;", nginx)
    assert [int(wait) > 2 * settings.stream.heartbeat for wait in waits] == [True, True]
    assert "proxy_buffering off;" in nginx.partition("location = /api/stream {")[2].partition("}")[0]


def test_the_guides_nginx_sends_webhooks_and_nothing_else_a_second_time() -> None:
    """A webhook counts once; two launches would be two bots."""
    found = re.search(r"location ~ (\S+) \{[^}]+non_idempotent;", GUIDE)
    assert found
    paths = [source.path for source in load(str(SHIPPED), {}).sources]
    assert len(paths) >= 5
    assert [path for path in (*paths, f"{paths[0]}/a-bots-key") if not re.search(found[1], path)] == []
    others = ("/api/bots", "/api/bots/webhooks", "/api/rooms/livekit:RM_a", "/api/deliveries/1/redrive", "/api/tokens")
    assert [path for path in others if re.search(found[1], path)] == []


def test_the_guides_proxies_write_down_no_request() -> None:
    """Its line and headers hold tokens, bots' keys, providers' secrets; while the hub restarts, each is an error."""
    nginx = GUIDE.partition("## nginx in front")[2].partition("\n## ")[0]
    caddy = GUIDE.partition("## Caddy in front")[2].partition("\n## ")[0]
    assert "access_log off;" in nginx
    assert re.search(r"error_log \S+ crit;", nginx)
    # Of what could not be passed on; and, of later versions, of what was cut off on the way.
    assert "exclude http.log.error http.handlers.reverse_proxy" in caddy


def test_the_guide_names_settings_that_exist() -> None:
    """Somebody follows it at night, with a hub that is down."""
    sections = {name: set(struct.__struct_fields__) for name, struct in SECTIONS.items() if name != "sources"}
    named = re.findall(rf"`({'|'.join(sections)})\.(\w+)\b(?!\.)", GUIDE)
    assert len(named) > 10
    assert [f"{section}.{key}" for section, key in named if key not in sections[section]] == []


def test_the_guides_sizes_are_those_that_were_measured_last() -> None:
    """Somebody buys machines by them."""
    results = (ROOT / "bench" / "RESULTS.md").read_text("utf-8")
    rows = ("durable webhooks, PostgreSQL, 64 at a time", "durable webhooks, PostgreSQL, a room each, 256 at a time")
    large, small = (int(re.findall(rf"^\| {row} \| (\d+)/s", results, re.MULTILINE)[0]) for row in rows)
    assert f"| {large}/s in rooms of twenty, {small}/s in small ones |" in GUIDE
    past = GUIDE.partition("## Past one writer")[2]
    assert f"W = {large} webhooks" in past
    told = re.findall(r"(\d+) a second, (\d+) %", past)
    assert len(told) == 3
    assert [share for rate, share in told if round(100 * int(rate) / large) != int(share)] == []
    (meetings,) = re.findall(r"enough for about ([\d,]+) meetings", past)
    assert abs(int(meetings.replace(",", "")) - large / 2 * 300 / 55) <= 50


def test_the_guide_says_how_the_hub_gets_to_where_its_unit_runs_it() -> None:
    """And how the next version does: each by what the Makefile has."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    unit = GUIDE.partition("## One process, SQLite")[2].partition("\n## ")[0]
    (folder,) = set(re.findall(r"WorkingDirectory=(\S+)", unit))
    assert f"ExecStart={folder}/.venv/bin/hub serve" in unit
    # As it listens on this machine only, it prints a login.
    assert "StandardOutput=null" in unit
    asked = re.findall(rf"{folder} && (?:cd {folder} && |git pull && )?make (\w+)", unit)
    assert len(asked) == 2
    assert [target for target in asked if f"\n{target}: .venv/.run\n" not in makefile] == []


def test_every_command_of_the_guides_exists_with_its_options() -> None:
    """Somebody follows it at night, with a hub that is down."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    commands = sorted({command for page in pages for command in _commands(page.read_text("utf-8"))})
    assert len({command.split()[0] for command in commands}) >= 5
    for command in commands:
        _check(command)


def test_a_command_that_does_not_exist_is_found() -> None:
    """Else the test before would say nothing."""
    for wrong in ("serve --wrokers 2", "restore", "migrate --epoch"):
        with pytest.raises(AssertionError):
            _check(wrong)


def _given() -> dict[str, str]:
    """Return what compose.yaml puts into the hub's environment, as it is written."""
    hub = COMPOSE.partition("\n  hub:\n")[2].partition("\n  postgres:\n")[0]
    environment = hub.partition("    environment:\n")[2].partition("\n    ports:")[0]
    return dict(re.findall(r"^      ([A-Z0-9_]+): (.+)$", environment, re.MULTILINE))


def _settings() -> Settings:
    """Return the settings of a hub that compose.yaml starts with nothing set but what it demands."""
    set_by_hand = {**OF_OTHER_SERVICES, "HUB_API_KEY": "a-key", "HUB_TOKEN_SECRET": "a-secret"}

    def value_of(match: re.Match[str]) -> str:
        return set_by_hand.get(match["name"], match["rest"] if match["kind"] == "-" else "")

    return load(str(SHIPPED), {name: VARIABLE.sub(value_of, value) for name, value in _given().items()})


def _readable() -> set[str]:
    """Return the variables that the shipped config.toml reads, comments left out."""
    lines = (line for line in SHIPPED.read_text("utf-8").splitlines() if not line.startswith("#"))
    return {name for line in lines for name in re.findall(r"\$\{(\w+)", line)}


def _commands(text: str) -> Iterator[str]:
    """Yield what follows `hub` wherever it is written as code, without what a shell would make of the rest."""
    for code in re.findall(r"`([^`\n]+)`|^ {4}(.+)$", text, re.MULTILINE):
        written = re.sub(r"(^|\s)#.*", "", "".join(code))
        for found in re.finditer(r"(?<![\w./@-])(?:\S*/bin/)?hub ([a-z]+(?: [^|&;]+)?)", written):
            yield found[1].strip()


def _check(command: str) -> None:
    """Ask the command line whether it knows a command and its options; `--help` runs nothing."""
    name, *arguments = shlex.split(command)
    known = main.commands.get(name)
    assert known is not None, f"hub {name} does not exist"
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0
    options = {option for parameter in known.params if isinstance(parameter, click.Option) for option in parameter.opts}
    for argument in arguments:
        assert not argument.startswith("-") or argument.partition("=")[0] in options, f"hub {command}: {argument}?"
