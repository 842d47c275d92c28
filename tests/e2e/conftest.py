"""A real browser for tests, and pages that notice whatever they should not do."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.stage import Stage
from tests.processes import HubProcess
from tests.waiting import PATIENCE

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Notes what comes over the wire, before hub.js sees it.
LISTENING = """
    window.wire = { addresses: [], positions: [], pages: [], said: [], told: [] };
    window.EventSource = class extends EventSource {
        constructor(address) {
            super(address);
            wire.addresses.push(address);
            // What arrives at a webhook path is told as well, and has no position.
            const isEvent = ({ data }) => !JSON.parse(data).type.startsWith("delivery.");
            this.addEventListener("message", (event) => isEvent(event) && wire.positions.push(event.lastEventId));
            this.addEventListener("snapshot", (event) => wire.pages.push([JSON.parse(event.data), event.lastEventId]));
        }
    };
    window.WebSocket = class extends WebSocket {
        constructor(address, protocol) {
            super(address, protocol);
            wire.addresses.push(address);
            this.addEventListener("message", ({ data }) => wire.told.push(JSON.parse(data)));
        }
        send(text) {
            wire.said.push(JSON.parse(text));
            super.send(text);
        }
    };
"""
# hub.js itself may pause for half a minute before it comes back.
WAIT_MS = PATIENCE * 1000
expect.set_options(timeout=WAIT_MS)


class Watched:
    """A page of the hub. Where it went, and what it complained about, is looked at when the test is over."""

    def __init__(self, page: Page, *, may_lose_the_stream: bool) -> None:
        self.page = page
        # Whether the test itself keeps the hub from answering: the browser then says so in the console.
        self.may_lose_the_stream = may_lose_the_stream
        self.complaints: list[str] = []
        self.requested: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))

    def _listen(self, message: ConsoleMessage) -> None:
        is_about_api = "/api/" in message.location.get("url", "")
        if message.type in ("error", "warning") and not (self.may_lose_the_stream and is_about_api):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")


# Given an address, and whether the browser may complain of a stream that is not served.
OpenPage = Callable[..., Page]
StartHub = Callable[..., HubProcess]


@contextlib.contextmanager
def launched(ignore_default_args: list[str] | None = None) -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("these tests need a browser: install Chromium (Debian, Ubuntu: apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=ARGUMENTS, ignore_default_args=ignore_default_args
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests of a file."""
    with launched() as chromium:
        yield chromium


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A profile of its own: cookies of one test are not those of another."""
    profile = browser.new_context()
    profile.add_init_script(LISTENING)
    yield profile
    profile.close()


@pytest.fixture
def open_page(context: BrowserContext) -> Iterator[OpenPage]:
    """Open a page; at the end it must have asked nobody but its own hub, and complained of nothing."""
    opened: list[tuple[str, Watched]] = []

    def open_one(url: str, *, may_lose_the_stream: bool = False) -> Page:
        watched = Watched(context.new_page(), may_lose_the_stream=may_lose_the_stream)
        opened.append((url, watched))
        watched.page.goto(url)
        return watched.page

    yield open_one
    for url, watched in opened:
        watched.page.close()
        home = "/".join(url.split("/")[:3]) + "/"
        assert [address for address in watched.requested if not address.startswith((home, "data:"))] == []
        assert watched.complaints == []


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub for all tests of a file that do not mind what else is there."""
    process = HubProcess(tmp_path_factory.mktemp("hub"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[StartHub]:
    """Start a hub with other options than usual. Ask for this before `open_page`: pages are closed first."""
    started: list[HubProcess] = []

    def start(**options: str) -> HubProcess:
        started.append(HubProcess(tmp_path, **options))
        started[-1].start()
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def stage(context: BrowserContext) -> Iterator[Stage]:
    """A stage with the curtain open and nothing told yet."""
    staged = Stage(context)
    yield staged
    staged.page.close()
