"""Run all measurements and print them as rows of `bench/RESULTS.md`."""

import asyncio
import os
import platform
import time

from bench import fanout, growth, ingest, latency


async def main() -> None:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"{time.strftime('%Y-%m-%d')}, {machine}\n")
    print("| work | measured | against |\n|---|---|---|")
    for measurement in (fanout, ingest, latency, growth):
        for row in await measurement.measure():
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
