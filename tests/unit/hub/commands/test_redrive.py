"""Redriving from a terminal: what is dead or refused, one line for each, and an exit that scripts can rely on."""

import dataclasses
import sqlite3
from pathlib import Path

import orjson
import pytest

from hub.commands.redrive import Plan, redrive
from hub.config import load
from hub.errors import ConfigRefused, HubError, Unauthenticated
from tests.hubs import API_KEY, RunningHub, running_hub
from tests.processes import SECRETS, free_port
from tests.waiting import until

OTHER = "another-livekit-secret-0123456789abcdef01"
JOINED = orjson.dumps(
    {
        "event": "participant_joined",
        "createdAt": "1773151300",
        "room": {"sid": "RM_1"},
        "participant": {"sid": "PA_1", "joinedAt": "1773151300"},
    }
)


async def redriven(hub: RunningHub, *ids: str, credential: str = API_KEY, **plan: object) -> tuple[bool, list[str]]:
    """Return whether all is well, and the lines that were shown."""
    lines: list[str] = []
    is_done = await redrive(hub.url, credential, Plan(ids=ids, **plan), lines.append)
    return is_done, lines


async def dead(hub: RunningHub, tmp_path: Path, number: int = 1) -> None:
    """Keep deliveries as dead that are genuine and well, as if a defect had been mended since."""
    for place in range(number):
        await hub.post_bytes("livekit", b"[%d]" % place, "webhook")
    with sqlite3.connect(tmp_path / "hub.db") as database:
        database.execute("UPDATE deliveries SET body = ? WHERE verdict = 'dead'", (JOINED,))
    database.close()


async def verdicts(hub: RunningHub) -> list[str]:
    """Return what became of everything, newest first."""
    _, said = await hub.get("/api/deliveries?limit=1000")
    return [item["verdict"] for item in said["items"]]


async def test_everything_that_is_dead_is_read_again(tmp_path: Path) -> None:
    """However many pages of it there are; the second time there is nothing left."""
    async with running_hub(tmp_path) as hub:
        await dead(hub, tmp_path, 3)
        is_done, lines = await redriven(hub)
        assert is_done
        assert sorted(line.split()[0] for line in lines) == ["1", "2", "3"]
        # All three tell the same, so it is told once.
        assert sorted(line.split("  ")[-1] for line in lines) == ["0 events", "0 events", "1 events"]
        assert await verdicts(hub) == ["accepted"] * 3
        assert await redriven(hub) == (True, ["nothing is dead"])


async def test_a_dry_run_shows_what_would_become_of_it(tmp_path: Path) -> None:
    """And changes nothing."""
    async with running_hub(tmp_path) as hub:
        await dead(hub, tmp_path)
        is_done, (line,) = await redriven(hub, dry_run=True)
        assert is_done
        assert "accepted" in line
        assert "participant.joined rooms/livekit:RM_1" in line
        assert await verdicts(hub) == ["dead"]


async def test_only_what_is_named_is_redriven(tmp_path: Path) -> None:
    """And what is not there says so, without keeping the others from it."""
    async with running_hub(tmp_path) as hub:
        await dead(hub, tmp_path, 3)
        is_done, lines = await redriven(hub, "2", "99", "../x", "3")
        assert not is_done
        assert ["404" in line for line in lines] == [False, True, True, False]
        assert await verdicts(hub) == ["accepted", "accepted", "dead"]


async def test_only_one_source_is_redriven(tmp_path: Path) -> None:
    """The one whose provider changed something."""
    async with running_hub(tmp_path) as hub:
        await hub.post_bytes("meetingbaas", b"[]", "v1")
        await dead(hub, tmp_path)
        assert len((await redriven(hub, source="livekit"))[1]) == 1
        assert await verdicts(hub) == ["accepted", "dead"]
        assert await redriven(hub, source="unknown") == (True, ["nothing is dead of unknown"])


async def test_what_stays_dead_is_shown_with_its_reason_and_is_not_done(tmp_path: Path) -> None:
    """A script must notice."""
    async with running_hub(tmp_path) as hub:
        await hub.post_bytes("livekit", b"[]", "webhook")
        is_done, (line,) = await redriven(hub)
        assert not is_done
        assert "dead  the body is a JSON array" in line


async def test_what_was_refused_is_verified_once_the_secret_is_corrected(tmp_path: Path) -> None:
    """Through a restart, for that is how a secret is corrected."""
    async with running_hub(tmp_path) as hub:
        provider = dataclasses.replace(hub, settings=load(None, {**SECRETS, "LIVEKIT_API_SECRET": OTHER}))
        for number in range(3):
            status, _ = await provider.send("livekit", "participant_joined", id=f"EV_{number}")
            assert status == 401
        await until(lambda: _refused(tmp_path) == 3)
        is_done, lines = await redriven(hub, verdict="refused")
        assert (is_done, ["409" in line for line in lines]) == (False, [True] * 3)
    async with running_hub(tmp_path, LIVEKIT_API_SECRET=OTHER) as hub:
        is_done, lines = await redriven(hub, verdict="refused")
        assert is_done
        assert sorted(" ".join(line.split()[:4]) for line in lines) == [
            "q1 accepted as 3",
            "q2 accepted as 2",
            "q3 accepted as 1",
        ]
        assert await verdicts(hub) == ["accepted"] * 3


async def test_without_a_hub_or_a_credential_it_ends_with_a_sentence(tmp_path: Path) -> None:
    """Which says what to do."""
    with pytest.raises(ConfigRefused, match="no hub answers"):
        await redrive(f"http://127.0.0.1:{free_port()}", API_KEY, Plan(), print)
    async with running_hub(tmp_path) as hub:
        with pytest.raises(Unauthenticated, match="401"):
            await redriven(hub, credential="wrong")
        with pytest.raises(ConfigRefused, match="is no hub"):
            await redrive(f"{hub.url}/static/index.html?", API_KEY, Plan(), print)
        with pytest.raises(HubError, match="verdict"):
            await redriven(hub, verdict="alive")


def _refused(folder: Path) -> int:
    with sqlite3.connect(folder / "hub.db") as database:
        (number,) = database.execute("SELECT count(*) FROM quarantine").fetchone()
    database.close()
    return int(number)
