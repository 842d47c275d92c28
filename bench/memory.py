"""Memory for each viewer that waits, with the headers that Chrome sends."""

import asyncio

from bench.contenders import Contender, hub, nginx_nchan, plain
from bench.viewers import watching

# Those who come first make the pools that all use.
FIRST = 500
VIEWERS = 4000
_CHROME = (
    "Connection: keep-alive",
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


async def measure() -> list[tuple[str, str, str]]:
    """Return the row: what, measured, what others need."""
    sizes = []
    for starting in (hub, nginx_nchan, plain):
        with starting() as contender:
            sizes.append((contender.name, await _kibibytes(contender)))
    (_, ours), *others = sizes
    against = (f"{ours / size:.2f} × {name} ({size:.1f} KiB)" for name, size in others)
    return [(f"memory of the server per idle SSE viewer, {VIEWERS} of them", f"{ours:.1f} KiB", "; ".join(against))]


async def _kibibytes(contender: Contender) -> float:
    request = contender.request.replace("\r\n\r\n", "\r\n" + "\r\n".join(_CHROME) + "\r\n\r\n")
    port = contender.server.port
    async with watching(port, request, FIRST, ready=contender.ready):
        before = await _resting(contender)
        async with watching(port, request, VIEWERS, ready=contender.ready):
            return (await _resting(contender) - before) / VIEWERS / 1024


async def _resting(contender: Contender) -> int:
    await asyncio.sleep(2)
    return contender.server.resident_bytes()
