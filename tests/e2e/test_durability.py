"""What was answered 200 survives `kill -9`, and viewers miss nothing of it."""

import asyncio
import random
import time
from pathlib import Path

import aiohttp
import orjson

from hub.commands.send import sample_for, signed, source_for, with_values
from tests.processes import SECRETS, HubProcess
from tests.streams import Viewer
from tests.waiting import PATIENCE, until

ROUNDS = 8
SENDERS = 16


class Load:
    """Posts webhooks until it is over, each about another participant, and remembers which were answered 200."""

    def __init__(self, process: HubProcess) -> None:
        self._process = process
        self._source = source_for(process.settings, "livekit")
        self._numbered = 0
        self.is_over = False
        self.acknowledged: list[str] = []

    async def run(self, session: aiohttp.ClientSession) -> None:
        while not self.is_over:
            self._numbered += 1
            await self._post(session, f"PA_{self._numbered:06d}")

    async def _post(self, session: aiohttp.ClientSession, participant: str) -> None:
        now = time.time_ns() // 1_000_000
        assignments = [f"participant.sid={participant}", f"id=EV_{participant}"]
        sample = with_values(sample_for("livekit", "participant_joined", now), assignments)
        body = orjson.dumps(sample.payload)
        headers = signed(self._source, sample, body, now)
        try:
            async with session.post(self._process.url + self._source.path, data=body, headers=headers) as answer:
                said = await answer.json()
        except (aiohttp.ClientError, ConnectionError):
            await asyncio.sleep(0.01)
            return
        if answer.status == 200 and said["status"] == "accepted":
            self.acknowledged.append(participant)


async def test_kill_9_during_load_loses_no_acknowledged_delivery_and_no_viewer_misses_one(tmp_path: Path) -> None:
    """Durable acknowledgement and lossless resume, the two promises, under the hardest stop there is."""
    # The room grows by hundreds of people; it is one room so that order matters as much as it can.
    process = HubProcess(tmp_path, HUB_STREAM__HEARTBEAT="0.5")
    await asyncio.to_thread(process.start)
    load = Load(process)
    viewers = [Viewer(process.url, SECRETS["HUB_API_KEY"], topics) for topics in (("*",), ("rooms",))]
    following = [asyncio.create_task(viewer.follow()) for viewer in viewers]
    chance = random.Random(20261122)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
            await until(lambda: all(viewer.statuses for viewer in viewers))
            senders = [asyncio.create_task(load.run(session)) for _ in range(SENDERS)]
            for _ in range(ROUNDS):
                before = len(load.acknowledged)
                await until(lambda before=before: len(load.acknowledged) > before + chance.randrange(5, 60))
                await asyncio.to_thread(process.kill)
                await asyncio.to_thread(process.start)
            # What is in flight is waited for: given up, it might still be logged after the log was read.
            load.is_over = True
            await asyncio.gather(*senders)
        logged = await asyncio.to_thread(_logged_participants, process)
        head = len(logged)
        await until(lambda: all(viewer.sequences and viewer.sequences[-1] == head for viewer in viewers))
    finally:
        await _stop(following)
        process.kill()

    assert len(load.acknowledged) > ROUNDS * 5
    assert set(load.acknowledged) <= set(logged)
    assert len(logged) == len(set(logged))
    for viewer in viewers:
        assert viewer.resets == []
        assert viewer.sequences == list(range(1, head + 1))
        assert set(viewer.statuses) == {200}


async def _stop(tasks) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _logged_participants(process: HubProcess) -> list[str]:
    """Return the participants of all events of the log, in order."""
    found: list[str] = []
    after = ""
    while True:
        status, page = process.get(f"/api/events?topic=rooms&limit=1000&after={after}")
        assert status == 200
        found += [event["data"]["participant"]["id"] for event in page["items"]]
        if page["next"] is None:
            return found
        after = page["next"]
