"""Moving over from the five guides: their curls word for word, and every command of docs/migrate.md, with real curl."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.processes import SECRETS, HubProcess
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "tests" / "samples" / "guides"
GUIDE = (ROOT / "docs" / "migrate.md").read_text()
# A block is a language and what stands between the fences.
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANSWER = "# → "
# What goes on until it is interrupted: it watches what the rest of its section does.
FOLLOWING = "hub tail"


class Curl(NamedTuple):
    """A curl of a guide that posts to its receiver, and what the hub says to it."""

    name: str
    said: tuple[str, ...]


CURLS = (
    Curl("meetingbaas/meeting.started", ('"status":"accepted"',)),
    # These two prove nothing, or other bytes than they send.
    Curl("100ms-schedule/session.close.success", ('"status":401', "X-100ms-Key is missing")),
    Curl("pulse/room.started", ('"status":401', "X-Webhook-Signature: the signature fits no secret")),
)
# Those that call the provider: docs/migrate.md says by what they are replaced, or that they stay.
PROVIDERS_OWN = {
    "meetingbaas/account_webhook_url": "https://api.meetingbaas.com/accounts/webhook_url",
    "pulse/project_webhook_url": "https://api.pulse.io/api/v1/projects/{PROJECT_ID}",
    "pulse/project_webhook_url.ngrok": "https://api.pulse.io/api/v1/projects/",
    "pulse/webhook_logs": "https://api.pulse.io/api/v1/webhooks/logs",
}


def environ_of(hub: HubProcess) -> dict[str, str]:
    """Return what docs/migrate.md has its readers export, on a machine without settings of its own for curl."""
    return {
        **hub.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HUB": hub.url,
        "KEY": f"Authorization: Bearer {SECRETS['HUB_API_KEY']}",
        "HOME": str(hub.folder),
        "no_proxy": "*",
    }


def run(hub: HubProcess, script: str) -> subprocess.CompletedProcess[str]:
    """Run commands as they stand, up to the first that fails."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=hub.folder,
        env=environ_of(hub),
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )


def curl_of(hub: HubProcess, name: str) -> str:
    """Return a guide's command with this hub's address and secrets in the places of the guide's."""
    replaced = {
        "https://your-domain.com": hub.url,
        "https://yourdomain.com": hub.url,
        "http://localhost:3000": hub.url,
        "YOUR_API_KEY": SECRETS["MEETINGBAAS_API_KEY"],
        "your-secret": SECRETS["PULSE_WEBHOOK_SECRET"],
    }
    text = (GUIDES / f"{name}.sh").read_text()
    for theirs, ours in replaced.items():
        text = text.replace(theirs, ours)
    return text


def in_order(printed: str, answers: list[str]) -> str:
    """Return the first of these that does not come in its turn, empty when all do."""
    place = 0
    for answer in answers:
        found = printed.find(answer, place)
        if found < 0:
            return answer
        place = found + len(answer)
    return ""


def answers_in(block: str) -> list[str]:
    return [line.removeprefix(ANSWER) for line in block.splitlines() if line.startswith(ANSWER)]


def sections() -> dict[str, list[str]]:
    """Return the blocks that are to be run, by the heading that they stand under."""
    parts = re.split(r"^## (.*)$", GUIDE, flags=re.MULTILINE)
    told = zip(parts[1::2], parts[2::2], strict=True)
    found = {
        heading: [block for language, block in BLOCK.findall(text) if language == "bash"] for heading, text in told
    }
    return {heading: blocks for heading, blocks in found.items() if blocks}


SECTIONS = sections()


@contextlib.contextmanager
def following(hub: HubProcess, block: str) -> Iterator[None]:
    """Run what goes on until it is interrupted; at the end it must have shown what it says."""
    shown = hub.folder / "followed.txt"
    with shown.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", block],
            cwd=hub.folder,
            env={**environ_of(hub), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        asyncio.run(until(lambda: "connected" in shown.read_text(), PATIENCE))
        yield
        with contextlib.suppress(TimeoutError):
            asyncio.run(until(lambda: not missing(shown.read_text(), block), PATIENCE))
        assert missing(shown.read_text(), block) == [], shown.read_text()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def missing(shown: str, block: str) -> list[str]:
    """Return what a block says that it shows and does not; what arrives and what it leads to have no order."""
    return [answer for answer in answers_in(block) if answer not in shown]


def log_lines() -> list[str]:
    """Return what docs/migrate.md says of the hub's log: the second column of one table."""
    rows = re.findall(r"^\|(?:[^|]*)\| `(delivery\.[^`]*)` \|", GUIDE, flags=re.MULTILINE)
    assert len(rows) > 10
    return rows


@pytest.mark.parametrize("curl", CURLS, ids=lambda curl: curl.name)
def test_a_guides_curl_gets_the_answer_that_its_proof_deserves(curl: Curl, hub: HubProcess) -> None:
    """It is the first thing that somebody tries who moves over."""
    done = run(hub, curl_of(hub, curl.name))
    assert done.returncode == 0, done.stderr
    assert in_order(done.stdout, list(curl.said)) == "", done.stdout


def test_the_schedule_guides_curl_is_taken_with_the_header_that_the_refusal_names(hub: HubProcess) -> None:
    """Nothing else of it has to change."""
    header = f'-H "X-100ms-Key: {SECRETS["HMS_WEBHOOK_SECRET"]}"'
    text = curl_of(hub, "100ms-schedule/session.close.success")
    done = run(hub, text.replace('-H "Content-Type', f'{header} -H "Content-Type'))
    assert '"status":"accepted"' in done.stdout
    status, room = hub.get("/api/rooms/100ms:test-session")
    assert (status, room["status"], room["room_id"]) == (200, "ended", "your-room-id")


def test_every_curl_of_the_guides_is_run_or_has_an_answer_in_words() -> None:
    """Those that call a provider are not ours to run."""
    kept = {path.relative_to(GUIDES).with_suffix("").as_posix() for path in GUIDES.glob("*/*.sh")}
    assert kept == {curl.name for curl in CURLS} | PROVIDERS_OWN.keys()
    for name, address in PROVIDERS_OWN.items():
        assert address in (GUIDES / f"{name}.sh").read_text()
        assert address in GUIDE


@pytest.mark.parametrize("heading", SECTIONS)
def test_what_the_guide_for_moving_says_works_as_it_stands(heading: str, hub: HubProcess) -> None:
    """Commands in a document go stale unless somebody types them."""
    blocks = SECTIONS[heading]
    with contextlib.ExitStack() as watching:
        for block in (block for block in blocks if block.startswith(FOLLOWING)):
            watching.enter_context(following(hub, block))
        for block in (block for block in blocks if not block.startswith(FOLLOWING)):
            done = run(hub, block)
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
            assert in_order(done.stdout, answers_in(block)) == "", done.stdout
    if heading.startswith("Monitoring"):
        lines = hub.log.read_text().splitlines()
        for told in log_lines():
            assert any(all(word in line for word in told.split()) for line in lines), told


def test_the_documents_that_the_guide_for_moving_points_to_are_there() -> None:
    """A link that leads nowhere is worse than none."""
    linked = re.findall(r"\]\(([\w./]+)\)", GUIDE)
    assert linked
    assert all((ROOT / "docs" / name).exists() for name in linked)
