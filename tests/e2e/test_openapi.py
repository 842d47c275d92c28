"""A tool that knows nothing but `/openapi.json` asks a real hub whatever it allows, and some that it does not."""

import asyncio
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from handlers.providers.registry import PROVIDERS
from tests.meetingbaas_server import meetingbaas
from tests.processes import SECRETS, HubProcess
from tests.waiting import PATIENCE

# Whether a value is accepted may depend on what is there: a file by a name, a provider that is configured.
_CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,"
    "allow_header_conformance,ignored_auth"
)


@pytest_asyncio.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    """Return a hub that holds a bit of everything, launches bots, and has no room for viewers who stay."""
    async with meetingbaas() as provider:
        base_url = {"HUB_MEETINGBAAS__BASE_URL": provider.url, "HUB_MEETINGBAAS__REQUESTS_PER_SECOND": "20"}
        process = HubProcess(tmp_path, HUB_STREAM__MAX_VIEWERS="1", **base_url)
        await asyncio.to_thread(fill, process)
        yield process
        process.kill()


async def test_every_answer_is_one_that_was_described(hub: HubProcess) -> None:
    """No 5xx, and no status, content type, header or body that a client was not told of."""
    asked = await asyncio.to_thread(ask_everything, hub)
    assert asked.returncode == 0, asked.stdout[-8000:] + asked.stderr[-2000:]
    assert "No issues found" in asked.stdout
    assert "request.failed" not in hub.log.read_text()


def fill(hub: HubProcess) -> None:
    """Start a hub, and let some of everything happen."""
    hub.start()
    for provider, known in sorted(PROVIDERS.items()):
        for sample in list(known.samples(1_773_151_300_000).values())[:6]:
            hub.post(provider, sample)


def ask_everything(hub: HubProcess) -> subprocess.CompletedProcess[str]:
    """Ask whatever the description allows, the same each time."""
    authorized = {"Authorization": f"Bearer {SECRETS['HUB_API_KEY']}"}
    # The only place is taken, so every other stream is one goodbye.
    with urllib.request.urlopen(urllib.request.Request(f"{hub.url}/api/stream", headers=authorized), timeout=PATIENCE):
        return asking(hub, f"Authorization: {authorized['Authorization']}")


def asking(hub: HubProcess, header: str) -> subprocess.CompletedProcess[str]:
    """Ask with a header."""
    program = str(Path(sys.executable).parent / "schemathesis")
    command = [
        program, "run", f"{hub.url}/openapi.json", "--header", header, "--checks", _CHECKS, "--seed", "6", "--no-color",
        "--max-examples", "3", "--phases", "coverage,fuzzing", "--request-timeout", "60", "--warnings", "off",
        "--generation-database", "none",
    ]  # fmt: skip
    return subprocess.run(command, cwd=hub.folder, capture_output=True, text=True, timeout=250, check=False)
