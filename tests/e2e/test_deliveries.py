"""Deliveries of a real process: what was refused survives its end, and is taken once the secret is right."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import orjson

from handlers.providers.arrival import Sample
from handlers.providers.registry import PROVIDERS
from tests.processes import SECRETS, HubProcess
from tests.waiting import PATIENCE

RIGHT = "the-right-secret-0123456789abcdef0123456789"


def items(hub: HubProcess, query: str) -> list[dict[str, object]]:
    """Return a page of deliveries."""
    status, said = hub.get(f"/api/deliveries?{query}")
    assert status == 200
    found = said["items"]
    assert isinstance(found, list)
    return found


def until_refused(hub: HubProcess, number: int) -> None:
    """Return when so many refusals are kept: that is done after they were answered."""
    deadline = time.monotonic() + PATIENCE
    while len(items(hub, "verdict=refused")) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def redrive(hub: HubProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `hub redrive` as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", "redrive", *arguments],
        cwd=hub.folder,
        env=hub.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def joined(number: int) -> Sample:
    """Return somebody's arrival."""
    sample = PROVIDERS["livekit"].samples(time.time_ns() // 1_000_000)["participant_joined"]
    return Sample(payload={**sample.payload, "id": f"EV_{number}"}, dialect=sample.dialect)


def test_a_webhook_that_was_refused_for_a_mistyped_secret_is_not_lost(tmp_path: Path) -> None:
    """Through `kill -9` and the restart with the right secret, by one command."""
    provider = HubProcess(tmp_path, LIVEKIT_API_SECRET=RIGHT)
    hub = HubProcess(tmp_path)
    provider.port, provider.url = hub.port, hub.url
    hub.start()
    try:
        for number in range(3):
            assert provider.post("livekit", joined(number))[0] == 401
        until_refused(hub, 3)
        hub.kill()
        hub.environ["LIVEKIT_API_SECRET"] = RIGHT
        hub.start()
        assert len(items(hub, "verdict=refused")) == 3
        done = redrive(hub, "--refused", "--dry-run")
        assert (done.returncode, len(items(hub, "verdict=refused"))) == (0, 3), done
        done = redrive(hub, "--refused")
        assert (done.returncode, len(done.stdout.splitlines())) == (0, 3), done
        assert items(hub, "verdict=refused") == []
        assert {item["verdict"] for item in items(hub, "source=livekit")} == {"accepted"}
        assert len(items(hub, "source=livekit")) == 3
    finally:
        hub.kill()


def test_what_was_refused_just_before_a_stop_is_kept(hub_process: HubProcess) -> None:
    """It is written in the background, and the last of it on the way out."""
    for number in range(5):
        assert hub_process.post("livekit", joined(number), wrong=True)[0] == 401
    assert hub_process.stop() == 0
    hub_process.start()
    assert len(items(hub_process, "verdict=refused")) == 5


def test_a_dead_delivery_is_named_in_the_terminal_with_its_reason(hub_process: HubProcess) -> None:
    """The exit status tells a script that something is left."""
    status, said = hub_process.post("meetingbaas", Sample(payload={"nothing": "known"}, dialect="v1"))
    assert (status, said["status"]) == (200, "dead")
    done = redrive(hub_process)
    assert done.returncode == 1
    assert f"{said['delivery']}  dead" in done.stdout
    assert str(said["reason"]) in done.stdout
    assert redrive(hub_process, "--source", "livekit").returncode == 0


def test_the_page_of_another_site_cannot_redrive_with_our_cookie(hub_process: HubProcess) -> None:
    """What it may do, the page may do; who it is, the browser says."""
    _, said = hub_process.post("meetingbaas", Sample(payload={"nothing": "known"}, dialect="v1"))
    token = hub_process.login_url().partition("?token=")[2]
    url = f"{hub_process.url}/api/deliveries/{said['delivery']}/redrive"
    statuses = {}
    for origin in (hub_process.url, "https://evil.example"):
        headers = {"Cookie": f"hub_token={token}", "Origin": origin}
        request = urllib.request.Request(url, method="POST", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                statuses[origin] = answer.status
                assert orjson.loads(answer.read())["status"] == "dead"
        except urllib.error.HTTPError as refusal:
            statuses[origin] = refusal.code
    assert statuses == {hub_process.url: 200, "https://evil.example": 403}


def test_nothing_secret_reaches_the_file(hub_process: HubProcess, tmp_path: Path) -> None:
    """Not the right secrets, nor what strangers send in their place: both are somebody's."""
    for secret in (SECRETS["MEETINGBAAS_CALLBACK_SECRET"], "a-strangers-secret"):
        url = f"{hub_process.url}/api/meeting-bot/webhook/a-path-key"
        headers = {"x-mb-secret": secret, "cookie": "session=private-cookie", "authorization": "Bearer private-bearer"}
        request = urllib.request.Request(url, data=b'{"event": "x"}', headers=headers)
        try:
            urllib.request.urlopen(request, timeout=PATIENCE).close()
        except urllib.error.HTTPError as refusal:
            refusal.close()
    until_refused(hub_process, 1)
    hub_process.stop()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("hub.db*"))
    kept += (tmp_path / "hub.log").read_bytes()
    secrets = (*SECRETS.values(), "a-strangers-secret", "private-cookie", "private-bearer", "a-path-key")
    assert [secret for secret in secrets if secret.encode() in kept] == []
