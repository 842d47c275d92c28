"""`python -m tests.chaos`: rounds of chaos until one fails, or all went well."""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.round import Report, play

_ROUNDS = 20


async def main() -> int:
    """Play the rounds, print each in a line and what failed in full; return the exit status."""
    options = _options()
    # Ctrl-C cancels by itself.
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    print(f"seed {options.seed}; round n is played again by: --rounds 1 --seed <seed + n - 1>", flush=True)
    reports = []
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="hub-chaos-") as folder:
            report = await play(Path(folder), options.seed + number)
        reports.append(report)
        print(f"{number + 1:3} {report.story() if report.problems else report.line()}", flush=True)
    print(_summary(reports))
    return int(any(report.problems for report in reports))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


def _summary(reports: list[Report]) -> str:
    failed = [report.seed for report in reports if report.problems]
    return (
        f"{len(reports)} rounds, {sum(len(report.faults) for report in reports)} faults, "
        f"{sum(report.answered for report in reports)} webhooks answered 200, "
        f"{sum(report.events for report in reports)} events, "
        f"{sum(report.connections for report in reports)} connections of viewers, "
        f"{sum(report.seconds for report in reports):.0f}s: "
        + (f"FAILED with seeds {failed}" if failed else "nothing was lost, repeated or out of order")
    )


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("ended before the last round, with everything that it had started")
