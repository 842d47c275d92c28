"""A viewer for tests: reads server-sent events as the standard says, sharing no code with the hub."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import orjson

from tests.waiting import PATIENCE


@dataclass(frozen=True)
class Sent:
    """One event as a browser would dispatch it."""

    name: str
    id: str
    data: dict[str, object]
    # Milliseconds after which to come back, where that was said with it.
    retry: int | None = None


@dataclass
class Viewer:
    """Follows topics over any number of connections and remembers what it saw, as EventSource would."""

    url: str
    api_key: str
    topics: tuple[str, ...] = ("*",)
    last_id: str = ""
    sequences: list[int] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    @property
    def here(self) -> int:
        """Everything up to here was told to it."""
        return int(self.last_id.rpartition(".")[2] or 0)

    async def follow(self) -> None:
        """Follow until cancelled, coming back at once whenever the connection ends."""
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async for sent in self.once(session):
                        self._note(sent)
                except (aiohttp.ClientError, ConnectionError, TimeoutError):
                    pass
                await asyncio.sleep(0.05)

    async def once(self, session: aiohttp.ClientSession, **query: str) -> AsyncIterator[Sent]:
        """Yield the events of one connection."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        params = [("topic", topic) for topic in self.topics] + list(query.items())
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE)
        async with session.get(f"{self.url}/api/stream", params=params, headers=headers, timeout=timeout) as answer:
            self.statuses.append(answer.status)
            answer.raise_for_status()
            async for sent in parsed(answer.content):
                self.last_id = sent.id or self.last_id
                yield sent

    def _note(self, sent: Sent) -> None:
        if not sent.name:
            self.sequences.append(int(str(sent.data["sequence"])))
        if sent.name == "reset":
            self.resets.append(str(sent.data["reason"]))


async def parsed(content: aiohttp.StreamReader) -> AsyncIterator[Sent]:
    """Parse an event stream; an incomplete last block is dropped."""
    name = identity = ""
    data: list[str] = []
    retry: int | None = None
    buffer = b""
    async for chunk in content.iter_any():
        buffer += chunk
        *lines, buffer = buffer.split(b"\n")
        for raw in lines:
            field_name, _, value = raw.decode().partition(":")
            value = value.removeprefix(" ")
            if raw == b"":
                if data:
                    yield Sent(name, identity, orjson.loads("\n".join(data)), retry)
                name, identity, data, retry = "", "", [], None
            elif field_name == "event":
                name = value
            elif field_name == "id":
                identity = value
            elif field_name == "data":
                data.append(value)
            elif field_name == "retry":
                retry = int(value)
