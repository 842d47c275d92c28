"""Run measurements, all or those named, and print them as rows of `bench/RESULTS.md`."""

import asyncio
import os
import platform
import resource
import sys
import time
from collections.abc import Awaitable, Callable

import msgspec

from bench import answers, crowd, fanout, growth, ingest, latency, memory, page, reconnects
from hub.process import raise_open_files

# What a process has open besides its viewers.
_OTHER_FILES = 200


class Measurement(msgspec.Struct, frozen=True):
    """What is measured, about how many minutes it takes, and how many connections one process has for it."""

    measure: Callable[[], Awaitable[list[tuple[str, str, str]]]]
    minutes: float
    connections: int = 0


MEASUREMENTS = {
    "fanout": Measurement(fanout.measure, 2.0, fanout.VIEWERS),
    "crowd": Measurement(crowd.measure, 1.5, crowd.STRANGERS),
    "memory": Measurement(memory.measure, 1.0, memory.FIRST + memory.VIEWERS),
    "ingest": Measurement(ingest.measure, 1.0),
    "latency": Measurement(latency.measure, 1.0, latency.VIEWERS),
    "answers": Measurement(answers.measure, 1.5, answers.VIEWERS),
    "reconnects": Measurement(reconnects.measure, 1.0, reconnects.VIEWERS),
    "page": Measurement(page.measure, 4.0),
    "growth": Measurement(growth.measure, 4.0),
}


async def main(names: list[str]) -> None:
    wrong = [name for name in names if name not in MEASUREMENTS]
    if wrong:
        sys.exit(f"there is no measurement {', '.join(wrong)}; there are: {', '.join(MEASUREMENTS)}")
    chosen = [MEASUREMENTS[name] for name in names] or list(MEASUREMENTS.values())
    _demand_open_files(max(one.connections for one in chosen) + _OTHER_FILES)
    begun = time.monotonic()
    print(f"{sum(one.minutes for one in chosen):.0f} minutes or so, more if others work here too.\n", file=sys.stderr)
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.machine()}"
    print(f"{time.strftime('%Y-%m-%d')}, {machine}, Python {platform.python_version()}\n")
    print("| work | measured | against |\n|---|---|---|", flush=True)
    for one in chosen:
        for row in await one.measure():
            print(f"| {' | '.join(row)} |", flush=True)
    print(f"\n{(time.monotonic() - begun) / 60:.1f} minutes", file=sys.stderr)


def _demand_open_files(number: int) -> None:
    """Allow as many connections as are needed, or say who can."""
    raise_open_files()
    allowed, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed < number:
        sys.exit(
            f"the viewers need {number} open files a process, and the system permits {limit}: let root raise that "
            f"(`ulimit -Hn {number}` in its shell, nofile in /etc/security/limits.conf, LimitNOFILE= of systemd, "
            f"--ulimit nofile={number} of a container), or name measurements that need fewer: "
            f"{', '.join(name for name, one in MEASUREMENTS.items() if one.connections + _OTHER_FILES <= allowed)}"
        )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
