"""How smooth the page is in Chromium: 1,000 live rooms, 250 bots, and 100 events a second, in each of its views."""

import asyncio
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import orjson
from playwright.async_api import Page, async_playwright

from bench.delays import quantile
from handlers.providers.arrival import Sample
from hub.commands.send import post, sample_for, source_for, with_values
from hub.events import format_time
from tests.e2e.conftest import ARGUMENTS
from tests.processes import HubProcess

ROOMS = 1000
BOTS = 250
PER_SECOND = 100.0
SECONDS = 10
_AT_ONCE = 32
# As long as this nobody may wait for what one does.
_JANK_MS = 100
_SETTLING_SECONDS = 2.0
_VIEWS = {
    "Now": "#/",
    "Bots, 250": "#/bots",
    "one bot": "#/bots/meetingbaas:bot-7",
    "Rooms, 1,000": "#/rooms",
    "Rooms, scrolled to the end of all": "#/rooms",
}
_WATCH = """() => {
    window.gaps = [];
    let last = performance.now();
    const frame = (now) => {
        gaps.push(now - last);
        last = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
}"""
_SCROLL = """async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    for (let step = 0; step < 200 && document.querySelector(".more[data-grows=true]"); step += 1) {
        scrollTo(0, document.documentElement.scrollHeight);
        await frame();
    }
}"""

Row = tuple[str, str, str]


class Task(msgspec.Struct, frozen=True):
    """Something that the page's main thread did in one go, in milliseconds by the clock and of CPU."""

    clock: float
    cpu: float


class Smoothness(msgspec.Struct, frozen=True):
    """Of some seconds: what the page's main thread did, and the milliseconds between frames."""

    tasks: list[Task]
    gaps: list[float]
    seconds: float
    events: int

    def said(self) -> str:
        """Return it as text. On a busy machine a task takes longer than it works, and frames wait for others."""
        longest = f"longest task {max(task.cpu for task in self.tasks):.0f} ms of CPU"
        by_clock = f"{max(task.clock for task in self.tasks):.0f} ms by the clock"
        janks = f"{sum(task.clock > _JANK_MS for task in self.tasks)} over {_JANK_MS} ms"
        frames = f"between frames p99 {quantile(self.gaps, 0.99):.0f} ms, at most {max(self.gaps):.0f} ms"
        busy = sum(task.cpu for task in self.tasks) / 1000 / self.seconds
        return f"{longest}, {by_clock}, {janks}; {frames}; at work {busy:.0%}"


async def measure() -> list[Row]:
    """Return the rows: what the browser's main thread does in each view, against that view while nothing happens."""
    with tempfile.TemporaryDirectory() as folder:
        hub = HubProcess(Path(folder), HUB_LOG__LEVEL="warning")
        hub.start()
        try:
            return await _measured(hub)
        finally:
            hub.kill()


async def _measured(hub: HubProcess) -> list[Row]:
    rows = []
    async with aiohttp.ClientSession() as session, _page(hub) as page:
        meetings = Meetings(hub, session)
        await meetings.begin()
        for name, place in _VIEWS.items():
            await page.evaluate("(place) => { location.hash = '#/nothing'; location.hash = place; }", place)
            if "scrolled" in name:
                await page.evaluate(_SCROLL)
            await asyncio.sleep(_SETTLING_SECONDS)
            idle = await _smoothness(page, meetings, 0)
            under_load = await _smoothness(page, meetings, PER_SECOND)
            rate = under_load.events / SECONDS
            work = f"the page at {rate:.0f} events/s, 1,000 live rooms: {name}"
            rows.append((work, under_load.said(), f"while nothing happens: {idle.said()}"))
    return rows


async def _smoothness(page: Page, meetings: "Meetings", per_second: float) -> Smoothness:
    browser = page.context.browser
    assert browser
    await browser.start_tracing(page=page, categories=["toplevel"])
    await page.evaluate("() => { window.gaps = []; window.changes = 0; }")
    begun = time.perf_counter()
    if per_second:
        await meetings.go_on(per_second, SECONDS)
    else:
        await asyncio.sleep(SECONDS)
    seconds = time.perf_counter() - begun
    gaps, events = await page.evaluate("() => [gaps, window.changes]")
    return Smoothness(_tasks(await browser.stop_tracing()), gaps, seconds, events)


def _tasks(trace: bytes) -> list[Task]:
    """Return what the threads that run pages did; there is only one page."""
    told = orjson.loads(trace)["traceEvents"]
    threads = {(one["pid"], one["tid"]) for one in told if one.get("args", {}).get("name") == "CrRendererMain"}
    done = (one for one in told if one["name"] == "ThreadControllerImpl::RunTask" and one["ph"] == "X")
    return [Task(one["dur"] / 1000, one.get("tdur", 0) / 1000) for one in done if (one["pid"], one["tid"]) in threads]


@asynccontextmanager
async def _page(hub: HubProcess) -> AsyncIterator[Page]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        await page.add_init_script(
            """const Source = window.EventSource;
            window.changes = 0;
            window.EventSource = class extends Source {
                constructor(address) {
                    super(address);
                    this.addEventListener("message", ({ lastEventId, data }) => {
                        window.changes += data.includes('"type":"delivery.') ? 0 : 1;
                    });
                }
            };"""
        )
        await page.goto(hub.login_url())
        await page.evaluate(_WATCH)
        yield page
        await browser.close()


class Meetings:
    """Rooms that people come to and leave, and bots that record and pause."""

    def __init__(self, hub: HubProcess, session: aiohttp.ClientSession) -> None:
        self._hub = hub
        self._session = session
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._numbers = itertools.count()
        self._ids = itertools.count()
        # How many are in each room.
        self._guests = [0] * ROOMS

    async def begin(self) -> None:
        """Let all of them begin, as fast as they are taken."""
        begun = [
            *(self._join(room) for room in range(ROOMS)),
            *(self._status(bot, pauses=False) for bot in range(BOTS)),
        ]
        await asyncio.gather(*map(self._send, begun))

    async def go_on(self, per_second: float, seconds: float) -> None:
        """Let something happen somewhere, at an even pace."""
        due, sending = time.perf_counter(), []
        for sample in itertools.islice(self._story(), round(per_second * seconds)):
            due += 1 / per_second
            await asyncio.sleep(due - time.perf_counter())
            sending.append(asyncio.create_task(self._send(sample)))
        await asyncio.gather(*sending)

    def _story(self) -> Iterator[Sample]:
        for number in self._numbers:
            place = number * 7919
            if number % 5 == 0:
                yield self._status(place % BOTS, pauses=number % 2 == 0)
            elif number % 2 or self._guests[place % ROOMS] < 2:
                yield self._join(place % ROOMS)
            else:
                yield self._leave(place % ROOMS)

    def _join(self, room: int) -> Sample:
        self._guests[room] += 1
        return self._of_room("participant_joined", room)

    def _leave(self, room: int) -> Sample:
        sample = self._of_room("participant_left", room)
        self._guests[room] -= 1
        return sample

    def _of_room(self, event: str, room: int) -> Sample:
        person = f"PA_{room}_{self._guests[room]}"
        values = (
            f"id=EV_{next(self._ids)}",
            f"room.sid=RM_{room}",
            f"room.name=room-{room}",
            f"participant.sid={person}",
            f"participant.identity={person}",
        )
        return with_values(sample_for("livekit", event, _now()), values)

    def _status(self, bot: int, *, pauses: bool) -> Sample:
        code = "recording_paused" if pauses else "in_call_recording"
        sample = sample_for("meetingbaas", f"bot.status_change.{code}", _now())
        return with_values(sample, [f"data.bot_id=bot-{bot}", f"data.status.created_at={format_time(_now())}"])

    async def _send(self, sample: Sample) -> None:
        provider = "meetingbaas" if "bot_id" in str(sample.payload) else "livekit"
        async with self._limit:
            answer = await post(self._session, self._hub.url, source_for(self._hub.settings, provider), sample, _now())
        if answer.status != 200:
            sys.exit(f"a webhook was refused: {answer.text}")


def _now() -> int:
    return time.time_ns() // 1_000_000
