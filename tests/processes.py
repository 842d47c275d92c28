"""Real processes for tests: a hub on a free port in a folder of its own, started, killed and started again."""

import asyncio
import contextlib
import itertools
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import orjson

from handlers.providers.arrival import Sample
from hub.commands.send import signed, source_for
from hub.config import load
from hub.settings import Settings
from tests.waiting import PATIENCE

_ROOT = Path(__file__).parents[1]
# Below those that Linux gives to whoever asks for any: a hub that is down for a moment must find its port again.
PORTS = range(20_000, 32_000)
# More than there are workers: each has ports of its own.
_SHARES = 16
SECRETS = {
    "HUB_API_KEY": "test-api-key-0123456789",
    "HUB_TOKEN_SECRET": "test-token-secret-0123456789",
    "LIVEKIT_API_KEY": "APItestkey123",
    "LIVEKIT_API_SECRET": "lk-test-secret-0123456789abcdef0123456789",
    "MEETINGBAAS_API_KEY": "mb-test-api-key-0123456789abcdef",
    "MEETINGBAAS_WEBHOOK_SECRET": "whsec_bWVldGluZy1iYWFzLXYyLXN2aXgtc2lnbmluZy1rZXk=",
    "MEETINGBAAS_CALLBACK_SECRET": "cb-secret-1-0123456789",
    "HMS_WEBHOOK_SECRET": "hms-test-secret-0123456789",
    "PULSE_WEBHOOK_SECRET": "pulse-test-secret-0123456789",
}
# Nobody listens there: a test must not ask anybody outside.
NOWHERE = {"HUB_MEETINGBAAS__BASE_URL": "http://127.0.0.1:9"}


def _own_ports() -> Iterator[int]:
    """Yield those of this worker over and over, from any of them on: another run may be under way."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = PORTS[worker % _SHARES :: _SHARES]
    begin = secrets.randbelow(len(own))
    return itertools.cycle([*own[begin:], *own[:begin]])


_ports = _own_ports()


def free_port() -> int:
    """Return a port that nobody listens on, and that is given to nobody else before it is listened on."""
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("there is no end of ports")


def viewers_told(metrics: str) -> int:
    """Return how many viewers a process has by its `/metrics`."""
    # A worker names itself in braces.
    return int(float(next(line for line in metrics.splitlines() if re.match(r"hub_viewers[ {]", line)).split()[1]))


@contextlib.asynccontextmanager
async def calling(work: Callable[..., object], *arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """Call a function of a test file in a process of its own, with text and numbers, and kill it at the end."""
    texts = ", ".join(repr(str(one) if isinstance(one, Path) else one) for one in arguments)
    program = f"import {work.__module__} as tests; tests.{work.__name__}({texts})"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=_ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


class HubProcess:
    """A hub as a user starts it: `hub serve` with environment variables, in a folder of its own."""

    def __init__(self, folder: Path, **overrides: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        foreign = ("HUB_", "LIVEKIT_", "MEETINGBAAS_", "HMS_", "PULSE_")
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            **SECRETS,
            **NOWHERE,
            "PORT": str(self.port),
            "DATABASE_URL": f"sqlite:///{folder}/hub.db",
            "HUB_STREAM__DRAIN": "0.2",
            **overrides,
        }
        self.settings: Settings = load(None, self.environ)
        self.log = folder / "hub.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it takes requests."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hub.cli", "serve"], cwd=self.folder, env=self.environ, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the hub did not start:\n{self.log.read_text()}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def viewers(self) -> int:
        """Return how many viewers it has."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=PATIENCE) as answer:
            return viewers_told(answer.read().decode())

    def is_ready(self) -> bool:
        """Whether it takes requests."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop and return its exit status."""
        return self._end(signal.SIGTERM)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: int) -> int:
        process = self._process
        if process is None or process.poll() is not None:
            return 0 if process is None else process.returncode
        process.send_signal(number)
        return process.wait(timeout=PATIENCE)

    def post(self, provider: str, sample: Sample, *, wrong: bool = False) -> tuple[int, dict[str, object]]:
        """Send a signed webhook; return status and answer."""
        source = source_for(self.settings, provider)
        body = orjson.dumps(sample.payload)
        headers = dict(signed(source, sample, body, time.time_ns() // 1_000_000, wrong=wrong))
        request = urllib.request.Request(self.url + source.path, data=body, headers=headers, method=sample.method)
        return _answer(request)

    def get(self, path: str) -> tuple[int, dict[str, object]]:
        """Read something with the API key; return status and answer."""
        headers = {"Authorization": f"Bearer {SECRETS['HUB_API_KEY']}"}
        return _answer(urllib.request.Request(self.url + path, headers=headers))

    def login_url(self) -> str:
        """Return the dashboard's URL that it printed last."""
        lines = [line for line in self.log.read_text().splitlines() if "Dashboard:" in line]
        return lines[-1].partition("Dashboard:")[2].strip()


def _answer(request: urllib.request.Request) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return int(answer.status), orjson.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        return refusal.code, orjson.loads(refusal.read())
