"""Viewers that do what they are told: they come back after `retry`, and where they are answered wrongly never again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import orjson

from tests.chaos.witness import Witness
from tests.streams import Sent


@dataclass(frozen=True)
class Goodbye:
    """How a connection ended that was ended by the hub."""

    reason: str
    retry: int | None
    # Where the viewer was.
    position: str
    # Seconds from the greeting on.
    lived: float


@dataclass
class Faithful(Witness):
    """Follows as EventSource does in a browser: any status but 200 is the end of it."""

    # Milliseconds, as it was told last.
    retry: int = 1000
    goodbyes: list[Goodbye] = field(default_factory=list)
    _greeted_at: float = 0.0

    async def follow(self) -> None:
        """Follow until cancelled; where there are several processes, each time another one."""
        async with aiohttp.ClientSession() as session:
            while set(self.statuses) <= {200}:
                urls = [node.url for node in self.nodes]
                self.url = self.chance.choice([url for url in urls if url != self.url] or urls)
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    await self.visit(session)
                await asyncio.sleep(self.retry / 1000)

    async def visit(self, session: aiohttp.ClientSession) -> None:
        """Follow over one connection, until it ends."""
        await self._watch(session)

    def _note(self, sent: Sent) -> None:
        super()._note(sent)
        self.retry = self.retry if sent.retry is None else sent.retry
        now = asyncio.get_running_loop().time()
        if sent.name == "hello":
            self._greeted_at = now
        if sent.name == "bye":
            self.goodbyes.append(Goodbye(str(sent.data["reason"]), sent.retry, self.last_id, now - self._greeted_at))


@dataclass
class Talking(Faithful):
    """The same over a WebSocket."""

    # What each connection was closed with.
    codes: list[int | None] = field(default_factory=list)

    async def once(self, session: aiohttp.ClientSession, **query: str) -> AsyncIterator[Sent]:
        """Yield the messages of one connection."""
        params = [("topic", topic) for topic in self.topics] + list(query.items())
        params += [("last_event_id", self.last_id)] if self.last_id else []
        headers = {"Authorization": f"Bearer {self.api_key}"}
        try:
            socket = await session.ws_connect(f"{self.url}/api/ws", params=params, headers=headers)
        except aiohttp.WSServerHandshakeError as refusal:
            self.statuses.append(refusal.status)
            raise
        # 101 is to a WebSocket what 200 is to a stream.
        self.statuses.append(200)
        async with socket:
            async for said in socket:
                told = orjson.loads(said.data)
                name = "" if told["event"] == "message" else told["event"]
                self.last_id = told["id"] or self.last_id
                yield Sent(name, told["id"] or "", told["data"], told.get("retry"))
            self.codes.append(socket.close_code)
