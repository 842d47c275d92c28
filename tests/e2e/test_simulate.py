"""A working day, told wildly to a real hub: what it shows afterwards is what was true, and if not, it is told."""

import re
import subprocess
import sys

from tests.processes import HubProcess

DAY = ("simulate", "--day", "--check", "--rooms", "40", "--bots", "10", "--seed", "7")


def run(hub: HubProcess, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", *arguments],
        cwd=hub.folder,
        env={**hub.environ, **environ},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_a_wild_day_ends_in_truth(hub_process: HubProcess) -> None:
    """Attendance, usage, recordings, plans and bots, of all providers and dialects."""
    done = run(hub_process, *DAY, "--chaos")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    told, compared = done.stdout.splitlines()
    assert re.fullmatch(r"1[0-9]{3} webhooks in [\d.]+ s \(\d+/s\): \d+ answered 200, \d+ duplicate", told)
    counts = re.findall(r"(\d+) of (\d+) ([a-z ]+)", compared)
    assert {sort for *_, sort in counts} >= {"rooms", "users", "recordings", "bots", "schedules", "usage of provider"}
    assert all(agreeing == all_of_them for agreeing, all_of_them, _ in counts)
    shown, true = re.findall(r"([\d.]+) participant minutes, in truth ([\d.]+)", compared)[0]
    assert shown == true


def test_the_same_day_can_be_played_twice_on_one_hub(hub_process: HubProcess) -> None:
    """By other people in other rooms: what the first ones used up is not theirs."""
    for _ in range(2):
        done = run(hub_process, *DAY, "--rooms", "6", "--bots", "2")
        assert done.returncode == 0, done.stdout


def test_what_is_not_true_ends_with_1_and_both_values(hub_process: HubProcess) -> None:
    """Here the hub and whoever compares have not agreed on a price."""
    done = run(hub_process, *DAY, "--rooms", "3", HUB_ROOMS__PRICE_PER_PARTICIPANT_MINUTE="0.005")
    assert done.returncode == 1
    assert re.search(r"^usage of room .*: cost is [\d.]+, in truth [\d.]+$", done.stdout, re.MULTILINE)
    assert "3 of 3 rooms" in done.stdout
