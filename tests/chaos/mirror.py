"""A viewer that holds the present as a page does: snapshots, and each event's documents in place of older ones."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

from tests.processes import HubProcess
from tests.streams import Sent, Viewer

_COLLECTIONS = {"room": "rooms", "bot": "bots"}
# How often it comes back as somebody new.
_FORGETS = 0.4

Documents = dict[str, dict[str, object]]


@dataclass
class Mirror(Viewer):
    """Roams, and forgets now and then where it was and what it had."""

    nodes: Sequence[HubProcess] = ()
    chance: random.Random = field(default_factory=random.Random)
    shown: dict[str, Documents] = field(default_factory=lambda: {"rooms": {}, "bots": {}})
    snapshots: int = 0
    _building: dict[str, Documents] = field(default_factory=dict)

    async def follow(self) -> None:
        """Follow until cancelled."""
        async with aiohttp.ClientSession() as session:
            while True:
                self.url = self.chance.choice(self.nodes).url
                if self.chance.random() < _FORGETS:
                    self.last_id = ""
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with asyncio.timeout(self.chance.uniform(0.2, 3.0)):
                        await self._watch(session)
                await asyncio.sleep(self.chance.uniform(0.0, 0.1))

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        # Of a snapshot that was cut off nothing is used.
        self._building = {}
        async for sent in self.once(session):
            self._note(sent)

    def _note(self, sent: Sent) -> None:
        if sent.name == "reset":
            self.resets.append(str(sent.data["reason"]))
        if sent.name == "snapshot":
            self._build(sent.data)
        if not sent.name:
            self._replace(sent.data["data"])

    def _build(self, page: dict[str, object]) -> None:
        for collection in _COLLECTIONS.values():
            documents = page.get(collection, [])
            assert isinstance(documents, list)
            self._building.setdefault(collection, {}).update({one["id"]: one for one in documents})
        if page["complete"]:
            self.shown, self._building = self._building, {}
            self.snapshots += 1

    def _replace(self, told: object) -> None:
        assert isinstance(told, dict)
        for name, collection in _COLLECTIONS.items():
            if name in told:
                self.shown[collection][told[name]["id"]] = told[name]
