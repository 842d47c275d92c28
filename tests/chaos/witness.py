"""A viewer that remembers everything that it was told, over any number of connections to any of the processes."""

import asyncio
import contextlib
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
import orjson

from tests.processes import HubProcess
from tests.streams import Sent, Viewer


@dataclass(frozen=True)
class Seen:
    """One event as it was told."""

    id: str
    digest: int


def digest(event: object) -> int:
    """Return a number that differs when an event differs."""
    return zlib.crc32(orjson.dumps(event, option=orjson.OPT_SORT_KEYS))


@dataclass
class Witness(Viewer):
    """Follows topics as EventSource would; one that roams ends connections by itself, another only loses them."""

    nodes: Sequence[HubProcess] = ()
    roams: bool = False
    chance: random.Random = field(default_factory=random.Random)
    # From where on it has to see everything; empty until it is somewhere.
    start: str = ""
    seen: list[Seen] = field(default_factory=list)
    byes: list[str] = field(default_factory=list)
    # What went back, or was no position.
    wrong: list[str] = field(default_factory=list)
    heartbeats: list[dict[str, object]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Which one of them it is, for people."""
        return f"{'roaming' if self.roams else 'staying'} viewer of {', '.join(self.topics)}"

    async def follow(self) -> None:
        """Follow until cancelled, coming back to whichever process."""
        async with aiohttp.ClientSession() as session:
            while True:
                self.url = self.chance.choice(self.nodes).url
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with asyncio.timeout(self.chance.uniform(0.1, 3.0) if self.roams else None):
                        await self._watch(session)
                await asyncio.sleep(self.chance.uniform(0.0, 0.1))

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        before = self.here
        async for sent in self.once(session, snapshot="0"):
            self._note(sent)
            if sent.id:
                self.start = self.start or sent.id
                # An event is always further; what has no event says where the viewer is.
                if self.here < before or (not sent.name and self.here == before):
                    self.wrong.append(f"{sent.name or 'event'} {sent.id} after {before}")
                before = self.here

    def _note(self, sent: Sent) -> None:
        if not sent.name:
            self.seen.append(Seen(sent.id, digest(sent.data)))
        if sent.name == "reset":
            self.resets.append(str(sent.data["reason"]))
        if sent.name == "bye":
            self.byes.append(str(sent.data["reason"]))
        if sent.name == "heartbeat":
            self.heartbeats.append(sent.data)
