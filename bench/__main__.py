"""Run measurements, all or those named, and print them as rows of `bench/RESULTS.md`."""

import asyncio
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable

from bench import crowd, fanout, growth, ingest, latency, memory
from hub.app import raise_open_files

MEASUREMENTS: dict[str, Callable[[], Awaitable[list[tuple[str, str, str]]]]] = {
    "fanout": fanout.measure,
    "crowd": crowd.measure,
    "memory": memory.measure,
    "ingest": ingest.measure,
    "latency": latency.measure,
    "growth": growth.measure,
}


async def main(names: list[str]) -> None:
    wrong = [name for name in names if name not in MEASUREMENTS]
    if wrong:
        sys.exit(f"there is no measurement {', '.join(wrong)}; there are: {', '.join(MEASUREMENTS)}")
    raise_open_files()
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.machine()}"
    print(f"{time.strftime('%Y-%m-%d')}, {machine}, Python {platform.python_version()}\n")
    print("| work | measured | against |\n|---|---|---|")
    for name in names or MEASUREMENTS:
        for row in await MEASUREMENTS[name]():
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
