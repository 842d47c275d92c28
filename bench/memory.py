"""Memory for each viewer that waits, with the headers that Chrome sends."""

import asyncio
import contextlib
from collections.abc import Callable
from statistics import median

from bench.contenders import Contender, hub, nginx_nchan, plain, websocket_hub
from bench.viewers import View

# Those who come first make the pools that all use.
FIRST = 500
VIEWERS = 4000
ROUNDS = 3
_CHROME = (
    "Cache-Control: no-cache",
    'sec-ch-ua: "Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Windows"',
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36",
    "Accept: text/event-stream",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Dest: empty",
    "Referer: https://hub.example.com/rooms",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7",
    "Cookie: consent=all; theme=dark; _ga=GA1.1.1234567890.1760000000; "
    "_ga_ABCDEFGHIJ=GS2.1.s1760000000$o12$g1$t1760000100$j60$l0$h0; session=" + "c" * 200,
)
Start = Callable[[], contextlib.AbstractContextManager[Contender]]


async def measure() -> list[tuple[str, str, str]]:
    """Return the rows by SSE and by WebSocket: what, measured, what others need; each is started anew several times."""
    sizes: dict[Start, list[float]] = {start: [] for start in (hub, websocket_hub, nginx_nchan, plain)}
    for _ in range(ROUNDS):
        for start, measured in sizes.items():
            with start() as contender:
                measured.append(await _kibibytes(contender))
    ours, by_websocket, nchan, usual = (median(measured) for measured in sizes.values())
    name = f"memory of the server per idle {{}} viewer, {VIEWERS} of them"
    against = (
        f"{ours / nchan:.2f} × nginx + nchan ({nchan:.1f} KiB)",
        f"{ours / usual:.2f} × a plain aiohttp-sse loop ({usual:.1f} KiB)",
    )
    return [
        (name.format("SSE"), f"{ours:.1f} KiB", "; ".join(against)),
        (name.format("WebSocket"), f"{by_websocket:.1f} KiB", f"{by_websocket / ours:.2f} × by SSE"),
    ]


async def _kibibytes(contender: Contender) -> float:
    view = _from_chrome(contender.view)
    async with contender.viewed_by(FIRST, view):
        before = await _resting(contender)
        async with contender.viewed_by(VIEWERS, view):
            return (await _resting(contender) - before) / VIEWERS / 1024


def _from_chrome(view: View) -> View:
    lines = _CHROME if "\r\nConnection: " in view.request else ("Connection: keep-alive", *_CHROME)
    return View(view.request.replace("\r\n\r\n", "\r\n" + "\r\n".join(lines) + "\r\n\r\n"), view.ready)


async def _resting(contender: Contender) -> int:
    await asyncio.sleep(1)
    return contender.server.resident_bytes()
