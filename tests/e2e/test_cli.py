"""The commands as users type them: real processes, what they print, and how they end."""

import contextlib
import http.client
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from handlers.providers.arrival import Sample
from handlers.providers.registry import PROVIDERS
from hub.app import GRACE_SECONDS
from hub.cli import main
from hub.commands.send import signed, source_for
from tests.processes import SECRETS, HubProcess, free_port
from tests.waiting import PATIENCE


def run(hub: HubProcess, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder of a hub, with what it is configured with, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", *arguments],
        cwd=hub.folder,
        env={**hub.environ, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def refusal_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the sentence with which a command ended that could not do what it was asked."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stdout + done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line]
    return sentence


def typed(hub: HubProcess, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Do the same in this process, which is most of a second faster, and enough but for how processes end."""
    with contextlib.chdir(hub.folder):
        done = CliRunner(env={**hub.environ, **environ}).invoke(main, arguments)
    assert isinstance(done.exception, SystemExit | None), done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def type_in(hub: HubProcess, *arguments: str, **environ: str) -> str:
    """Return the sentence with which a command refuses."""
    done = typed(hub, *arguments, **environ)
    assert done.returncode != 0
    assert done.stdout == ""
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    return sentence


def until(condition: Callable[[], bool]) -> None:
    """Return when something is so; fail when it does not become so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Terminal:
    """A command that goes on until it is interrupted, and what it has printed so far."""

    def __init__(self, hub: HubProcess, *arguments: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "hub.cli", *arguments],
            cwd=hub.folder,
            env=hub.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def shows(self, word: str) -> str:
        """Return the first line with a word, once it is printed."""
        until(lambda: any(word in line for line in self.lines))
        return next(line for line in self.lines if word in line)

    def interrupt(self) -> int:
        """Press Ctrl-C and return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Return the exit status when it has ended, killing it when it does not end."""
        try:
            status = self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self._reading.join()
        return status

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as printed:
            for line in printed:
                self.lines.append(line.rstrip("\n"))


@pytest.fixture
def idle(tmp_path: Path) -> HubProcess:
    """A hub that is configured and does not serve."""
    return HubProcess(tmp_path)


def fetch(hub: HubProcess, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """Get something without following redirects."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def logs_in(hub: HubProcess, url: str) -> bool:
    """Whether the URL's token becomes a cookie that may read."""
    answer, _ = fetch(hub, url.removeprefix(hub.url))
    cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
    assert answer.status == 303
    read, _ = fetch(hub, "/api/rooms", Cookie=cookie)
    return read.status == 200


def test_serve_prints_a_url_that_logs_in(hub: HubProcess) -> None:
    """The first minute with the hub: start it, click, see."""
    assert hub.login_url().startswith(f"{hub.url}/?token=")
    assert logs_in(hub, hub.login_url())


def test_serve_prints_what_to_give_each_provider_and_no_secret(hub: HubProcess) -> None:
    """Terminals are shared, and their scrollback is long."""
    printed = hub.log.read_text()
    for source in hub.settings.sources:
        assert f"{hub.url}{source.path}" in printed
    assert not any(secret in printed for name, secret in SECRETS.items() if name != "LIVEKIT_API_KEY")


def test_a_second_hub_on_one_file_is_refused_in_one_sentence(hub: HubProcess) -> None:
    """Two writers would make two logs of one."""
    refusal = refusal_of(run(hub, "serve", PORT=str(free_port())))
    assert "another hub is running" in refusal
    assert "hub.db" in refusal
    assert hub.is_ready()


def test_a_port_that_is_taken_is_named(hub: HubProcess, tmp_path: Path) -> None:
    """The commonest reason why something does not start."""
    refusal = refusal_of(run(hub, "serve", DATABASE_URL=f"sqlite:///{tmp_path}/other.db"))
    assert "server.port" in refusal
    assert str(hub.port) in refusal


def test_migrate_needs_the_hub_to_be_stopped(hub: HubProcess) -> None:
    """A new epoch under its feet would lose what it serves."""
    assert "another hub is running" in refusal_of(run(hub, "migrate", "--new-epoch"))


def test_migrate_gives_the_log_a_new_name(idle: HubProcess) -> None:
    """A step of every restore."""
    first, second, third = (typed(idle, "migrate", *more) for more in ((), ("--new-epoch",), ()))
    assert first.returncode == second.returncode == third.returncode == 0
    assert first.stdout != second.stdout == third.stdout
    assert re.fullmatch(r"the log is at [0-9a-f]{8}\.0\n", first.stdout)


def test_check_says_that_everything_is_fine(idle: HubProcess) -> None:
    """With exit status 0, so that a script can ask."""
    done = run(idle, "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^ok +storage", done.stdout, re.MULTILINE)
    assert not any(secret in done.stdout for name, secret in SECRETS.items() if name != "LIVEKIT_API_KEY")


def test_check_can_be_asked_while_the_hub_serves(hub: HubProcess) -> None:
    """That is when somebody asks."""
    done = run(hub, "check")
    assert done.returncode == 0
    assert "another hub is running" in done.stdout


def test_check_ends_with_1_when_something_is_wrong(idle: HubProcess) -> None:
    """A deployment must be able to stop there."""
    done = run(idle, "check", DATABASE_URL="sqlite:////proc/no/hub.db")
    assert done.returncode == 1
    assert re.search(r"^error +storage", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("[server]\nprot = 8080\n", ("own.toml", "server.prot", "port")),
        ('[server]\nport = "many"\n', ("own.toml", "server.port", "65535")),
        ("[server]\nport = 70000\n", ("own.toml", "server.port", "65535")),
        ('[[sources]]\nprovider = "zoom"\nname = "z"\npath = "/z"\n', ("own.toml", "provider", "livekit")),
        ('[[sources]]\nprovider = "livekit"\nname = "z"\n', ("own.toml", "path", "/")),
        ("[surprise]\na = 1\n", ("own.toml", "surprise", "server")),
        ("[server\n", ("own.toml", "TOML")),
        ('[auth]\napi_keys = ["${NO_SUCH_VARIABLE}"]\n', ("own.toml", "auth.api_keys", "NO_SUCH_VARIABLE")),
    ],
)
def test_a_wrong_configuration_is_refused_with_file_key_and_expectation(
    idle: HubProcess, written: str, named: tuple[str, ...]
) -> None:
    """By every command, before anything else happens."""
    (idle.folder / "own.toml").write_text(written)
    refusal = type_in(idle, "serve", "--config", "own.toml")
    assert all(word in refusal for word in named), refusal
    assert not (idle.folder / "hub.db").exists()


def test_the_configuration_is_named_before_or_after_the_command(idle: HubProcess) -> None:
    """Nobody remembers which of the two a tool wants."""
    for command in ("serve", "check", "migrate", "tail", "token", "redrive", "simulate"):
        assert "own.toml" in type_in(idle, command, "--config", "own.toml")
        assert "own.toml" in type_in(idle, "--config", "own.toml", command)
    assert "own.toml" in type_in(idle, "send", "livekit", "room_started", "--config", "own.toml")
    assert "own.toml" in type_in(idle, "launch", "https://meet.example/1", "--config", "own.toml")


def test_the_list_of_commands_has_whole_sentences() -> None:
    """It is the first thing that is asked for, often in a narrow window."""
    listed = CliRunner().invoke(main, ["--help"], terminal_width=80).stdout.partition("Commands:")[2].splitlines()
    assert len([line for line in listed if line.endswith(".") and not line.endswith("...")]) == len(main.commands)


def test_a_wrong_variable_is_refused_by_its_name_without_its_value(idle: HubProcess) -> None:
    """It may be a secret that was put in the wrong place."""
    refusal = type_in(idle, "check", HUB_AUTH__API_KEYS="geheim:everything")
    assert "HUB_AUTH__API_KEYS" in refusal
    assert "auth.api_keys" in refusal
    assert "geheim" not in refusal
    assert "no.toml" in type_in(idle, "check", HUB_CONFIG="no.toml")


def test_a_refusal_is_one_sentence_and_exit_status_1(idle: HubProcess) -> None:
    """A process ends as the command does, and nothing of Python is seen."""
    assert "HUB_SERVER__PROT" in refusal_of(run(idle, "serve", HUB_SERVER__PROT="8080"))


def test_a_hub_that_others_can_reach_needs_secrets(idle: HubProcess) -> None:
    """What it makes up itself is for trying it on one machine."""
    refusal = type_in(idle, "serve", HUB_SERVER__HOST="0.0.0.0", HUB_API_KEY="", HUB_TOKEN_SECRET="")
    assert "HUB_API_KEY" in refusal
    assert "HUB_TOKEN_SECRET" in refusal


def test_a_source_that_nothing_can_prove_is_off_where_others_can_reach_the_hub(tmp_path: Path) -> None:
    """It answers 404 and is named at start: to take nothing is better than to believe anybody."""
    process = HubProcess(tmp_path, HUB_SERVER__HOST="0.0.0.0", LIVEKIT_API_KEY="", LIVEKIT_API_SECRET="")
    process.start()
    try:
        assert fetch(process, "/api/livekit/webhook")[0].status == 404
        assert fetch(process, "/api/meeting-bot/webhook")[0].status == 405
        assert re.search(r"^warning +source livekit", process.log.read_text(), re.MULTILINE)
    finally:
        process.kill()


def test_a_hub_without_any_secret_makes_them_keeps_them_to_itself_and_works(tmp_path: Path) -> None:
    """Every command finds the same ones, and nobody else reads them."""
    process = HubProcess(tmp_path, **dict.fromkeys(SECRETS, ""))
    process.start()
    try:
        file = tmp_path / "var" / "secrets.json"
        assert file.stat().st_mode & 0o777 == 0o600
        made = re.findall(r'"([^"]{20,})"', file.read_text())
        printed = process.log.read_text()
        assert len(made) >= 6
        assert not any(secret in printed for secret in made if not secret.startswith("sources."))
        assert "auth.api_keys" in printed
        assert logs_in(process, process.login_url())
        for provider, event in (("livekit", "room_started"), ("meetingbaas", "bot.completed")):
            assert typed(process, "send", provider, event).returncode == 0
    finally:
        process.kill()


def test_send_posts_a_sample_that_is_taken(hub: HubProcess) -> None:
    """With values changed as asked."""
    done = run(
        hub,
        "send",
        "livekit",
        "participant_joined",
        "--set",
        "participant.identity=zoe",
        "--set",
        "participant.sid=PA_zoe",
    )
    assert done.returncode == 0
    assert "200" in done.stdout
    _, log = hub.get("/api/events?limit=1000")
    assert "zoe" in [event["data"].get("participant", {}).get("identity") for event in log["items"]]


def test_send_shows_what_a_wrong_proof_gets(hub: HubProcess) -> None:
    """The exit status says that it was not taken."""
    done = typed(hub, "send", "meetingbaas", "bot.completed", "--wrong")
    assert done.returncode == 1
    assert "401" in done.stdout
    assert "this path takes" in done.stdout
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS.values())


def test_send_says_whose_secrets_were_wrong(hub: HubProcess) -> None:
    """The hub has its own from another terminal, and nothing is wrong with either by itself."""
    with contextlib.chdir(hub.folder):
        other = {**hub.environ, "LIVEKIT_API_SECRET": "another-secret-of-another-terminal"}
        done = CliRunner(env=other).invoke(main, ["send", "livekit", "room_started", "--url", f"{hub.url}/"])
    assert (done.exit_code, "401" in done.stdout) == (1, True), done
    assert "signed with the secrets of this shell" in done.stderr


def test_send_lists_every_sample(idle: HubProcess) -> None:
    """Each as it has to be typed."""
    done = typed(idle, "send", "--list")
    assert done.returncode == 0
    assert set(done.stdout.splitlines()) == {
        f"{provider} {sample}" for provider in PROVIDERS for sample in PROVIDERS[provider].samples(0)
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("livekit", "room_exploded"), "room_started"),
        (("livekit",), "room_started"),
        (("zoom", "x"), "livekit"),
        (("livekit", "room_started", "--set", "room"), "--set"),
        (("livekit", "room_started", "--source", "other"), "other"),
        (("livekit", "room_started"), "no hub answers"),
        (("livekit", "room_started", "--url", "nonsense"), "--url"),
        (("livekit", "x", "--file", "nojson.txt"), "nojson.txt"),
        (("pulse", "room.started", "--dialect", "go"), "--file"),
        (("meetingbaas", "x", "--file", "some.json", "--dialect", "v9"), "v9"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_one_sentence(
    idle: HubProcess, arguments: tuple[str, ...], said: str
) -> None:
    """Every way of mistyping it."""
    (idle.folder / "nojson.txt").write_text("{")
    (idle.folder / "some.json").write_text("{}")
    assert said in type_in(idle, "send", *arguments)


def test_send_posts_a_file(hub: HubProcess) -> None:
    """A payload that was captured can be played again."""
    (hub.folder / "captured.json").write_text(
        '{"event": "bot.status_change", "data": {"bot_id": "captured", "status": {"code": "queued"}}}'
    )
    done = typed(hub, "send", "meetingbaas", "x", "--file", "captured.json", "--dialect", "v1")
    assert done.returncode == 0, done
    assert hub.get("/api/bots/meetingbaas:captured")[1]["status"] == "queued"


@pytest.mark.parametrize(
    ("provider", "written"),
    [
        ("100ms", '{"type": "session.open.success", "data": {"session_id": "captured"}}'),
        ("pulse", '{"event": "room_started", "room_name": "captured"}'),
        ("meetingbaas", '{"event": "bot.failed", "data": {"bot_id": "captured-2"}}'),
    ],
)
def test_a_file_is_proved_as_is_usual_with_its_provider(hub: HubProcess, provider: str, written: str) -> None:
    """Whoever has a payload need not know how it was proved."""
    (hub.folder / f"{provider}.json").write_text(written)
    done = typed(hub, "send", provider, "x", "--file", f"{provider}.json")
    assert (done.returncode, "accepted" in done.stdout) == (0, True), done


def test_simulate_plays_meetings_and_says_how_it_went(hub: HubProcess) -> None:
    """From beginning to end, at the speed that was asked for."""
    done = typed(hub, "simulate", "--rooms", "0", "--bots", "2", "--rate", "50", "--seed", "5")
    assert done.returncode == 0, done
    assert re.fullmatch(r"\d+ webhooks in [\d.]+ s \(\d+/s\): \d+ answered 200\n", done.stdout)
    _, bots = hub.get("/api/bots")
    assert {"completed", "failed"} & {bot["status"] for bot in bots["items"]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "no hub answers"), (("--rate", "0"), "--rate"), (("--rooms", "0", "--bots", "0"), "--rooms")],
)
def test_what_cannot_be_simulated_is_refused_in_one_sentence(
    idle: HubProcess, arguments: tuple[str, ...], said: str
) -> None:
    """Above all that no hub is there."""
    assert said in type_in(idle, "simulate", *arguments)


def test_tail_shows_what_happens_until_it_is_interrupted(hub: HubProcess) -> None:
    """A line for each event, and no traceback at the end."""
    terminal = Terminal(hub, "tail", "rooms")
    try:
        terminal.shows("connected at")
        typed(hub, "send", "livekit", "room_started")
        assert "rooms/livekit:RM_hubsample001" in terminal.shows("room.started")
    finally:
        terminal.interrupt()
    assert "Traceback" not in "\n".join(terminal.lines)


def test_tail_refuses_what_the_hub_refuses(hub: HubProcess) -> None:
    """A topic that is none will not become one."""
    assert "topic" in refusal_of(run(hub, "tail", "nonsense"))


@pytest.mark.parametrize("hours", [(), ("--hours", "0.5"), ("--hours", "24")])
def test_token_prints_a_token_and_a_url_that_logs_in(hub: HubProcess, hours: tuple[str, ...]) -> None:
    """For whoever did not see the hub start."""
    done = typed(hub, "token", *hours)
    token, url = done.stdout.split()
    assert (done.returncode, url) == (0, f"{hub.url}/?token={token}")
    assert logs_in(hub, url)
    assert fetch(hub, "/api/bots", Authorization=f"Bearer {token}")[0].status == 200


@pytest.mark.parametrize("hours", ["0", "-1", "24.5", "nan", "inf"])
def test_a_token_for_no_time_or_more_than_a_day_is_refused(idle: HubProcess, hours: str) -> None:
    """One that is printed should be good for as long as was asked."""
    assert "hours" in type_in(idle, "token", "--hours", hours)


def test_sigterm_sends_viewers_away_so_that_they_come_back_and_ends_with_0(tmp_path: Path) -> None:
    """A deployment is no failure, and no stampede either."""
    process = HubProcess(tmp_path)
    process.start()
    try:
        viewers = [_open_stream(process) for _ in range(5)]
        begun = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - begun < 5
    finally:
        process.kill()
    retries = set()
    for connection, answer in viewers:
        blocks = answer.read().decode().split("\n\n")
        bye = next(block for block in blocks if "event: bye" in block).strip()
        fields = dict(line.split(": ", 1) for line in bye.splitlines())
        assert orjson.loads(fields["data"]) == {"reason": "drain", "reconnect": True}
        assert bye.startswith("retry: ")
        retries.add(int(fields["retry"]))
        connection.close()
    assert all(1000 <= retry <= 5000 for retry in retries)
    assert len(retries) > 1


def test_sigterm_in_the_middle_of_requests_ends_in_time(tmp_path: Path) -> None:
    """Connections that nobody finishes must not keep an old version running."""
    process = HubProcess(tmp_path)
    process.start()
    idle = http.client.HTTPConnection("127.0.0.1", process.port, timeout=PATIENCE)
    idle.request("GET", "/healthz")
    idle.getresponse().read()
    slow = http.client.HTTPConnection("127.0.0.1", process.port, timeout=PATIENCE)
    slow.putrequest("POST", "/api/livekit/webhook")
    slow.putheader("Content-Length", "1000")
    slow.endheaders(b"half")
    try:
        begun = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - begun < GRACE_SECONDS
    finally:
        process.kill()
        idle.close()
        slow.close()


def test_sigterm_in_the_moment_of_a_commit_ends_in_time(tmp_path: Path) -> None:
    """Its sender has left, so nothing is open: the last event and the end of everything come together."""
    process = HubProcess(tmp_path)
    terminal = Terminal(process, "serve")
    try:
        terminal.shows("Dashboard:")
        source, body = source_for(process.settings, "meetingbaas"), b'{"event": "x"}'
        headers = signed(source, Sample(payload={}, dialect="v1"), body, 0)
        sender = http.client.HTTPConnection("127.0.0.1", process.port, timeout=PATIENCE)
        sender.request("POST", source.path, body=body, headers=dict(headers))
        sender.close()
        terminal.process.send_signal(signal.SIGTERM)
    finally:
        status = terminal.end()
    assert status == 0


def test_what_was_taken_is_there_after_a_restart_and_the_log_goes_on(tmp_path: Path) -> None:
    """With the same name, so that viewers resume."""
    process = HubProcess(tmp_path)
    process.start()
    try:
        process.post("livekit", PROVIDERS["livekit"].samples(time.time_ns() // 1_000_000)["room_started"])
        _, before = process.get("/api/events")
        assert process.stop() == 0
        process.start()
        _, after = process.get("/api/events")
        assert after == before
        assert len(after["items"]) == 1
    finally:
        process.kill()


def test_a_demonstration_plays_by_itself(tmp_path: Path) -> None:
    """Whoever has no provider yet wants to see something move."""
    process = HubProcess(tmp_path)
    terminal = Terminal(process, "serve", "--demo")
    try:
        terminal.shows("Dashboard:")
        until(lambda: bool(process.get("/api/events?limit=1")[1]["items"]))
    finally:
        assert terminal.interrupt() == 0
    assert "Traceback" not in "\n".join(terminal.lines)


def _open_stream(hub: HubProcess) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=PATIENCE)
    connection.request("GET", "/api/stream?topic=*", headers={"Authorization": f"Bearer {SECRETS['HUB_API_KEY']}"})
    answer = connection.getresponse()
    while b"complete" not in answer.readline():
        pass
    return connection, answer
