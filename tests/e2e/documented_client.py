"""A client of the hub's streams, written from docs/streams.md alone: it shares no code with the hub or with hub.js."""

import asyncio
import contextlib
import json
import random
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import httpx
import websockets
from httpx_sse import aconnect_sse
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

Document = dict[str, Any]  # what JSON holds
Key = tuple[str, ...]

WHOLE: Final = ("bots", "rooms", "schedules")
PARTS: Final = ("participants", "recordings")
KINDS: Final = {name: kind for kind in (*WHOLE, *PARTS) for name in (kind, kind.removesuffix("s"))} | {
    "transcript": "recordings"
}
LONGEST_PAUSE: Final = 30.0


class Refused(Exception):
    """The hub does not want this client as it is, and coming back would not mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event of a stream, by whichever transport it came."""

    event: str
    id: str | None
    data: Document
    retry: int | None = None


class Copy:
    """The documents of the followed topics, as snapshots and events have them."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[Key, Document]] = {kind: {} for kind in (*WHOLE, *PARTS)}

    def swap(self, pages: Iterable[Document], added: Iterable[str] | None) -> None:
        """Replace everything by a snapshot, or only what belongs to the topics that were added."""
        kept = {kind: {} if added is None else self._outside(kind, set(added)) for kind in self.documents}
        for page in pages:
            for kind in kept.keys() & page.keys():
                kept[kind] |= {_key(kind, document): document for document in page[kind]}
        self.documents = kept

    def apply(self, event: Document) -> None:
        """Replace what an event tells anew, and forget what it says is gone."""
        for name in KINDS.keys() & event["data"].keys():
            told = event["data"][name]
            for document in told if isinstance(told, list) else [told]:
                self.put(KINDS[name], document)
        if event["type"].endswith(".erased"):
            self._forget(*event["subject"].split("/", 1))

    def put(self, kind: str, document: Document) -> None:
        """Take a document, unless a later one is held."""
        key = _key(kind, document)
        held = self.documents[kind].get(key)
        if held is not None and held["sequence"] > document["sequence"]:
            return
        self.documents[kind][key] = document
        if (
            "moved" in (document.get("leave_reason"), document.get("end_reason"))
            or document.get("status") == "CANCELLED"
        ):
            del self.documents[kind][key]
            if kind in WHOLE:
                self._forget(kind, document["id"])

    def keep(self, topics: Iterable[str]) -> None:
        """Forget what belongs to none of the topics."""
        for kind in WHOLE:
            for document in self._outside(kind, set(topics)).values():
                self._forget(kind, document["id"])

    def _outside(self, kind: str, topics: set[str]) -> dict[Key, Document]:
        held = self.documents[kind].items()
        return {key: document for key, document in held if not self._topics(kind, document) & topics}

    def _topics(self, kind: str, document: Document) -> set[str]:
        """Say the topics whose snapshots hold a document: of participants and recordings these are single ones."""
        if kind in PARTS:
            owner, name = ("rooms", document["room"]) if document.get("room") else ("bots", document["bot"])
            return self._topics(owner, self.documents[owner].get((name,), {"id": name})) - {"*", owner}
        topics = {"*", kind, f"{kind}/{document['id']}", f"{kind}/{document.get('durable_room')}"}
        plans = self.documents["schedules"].values()
        return topics | {f"schedules/{plan['id']}" for plan in plans if document["id"] in plan["sessions"]}

    def _forget(self, kind: str, name: str) -> None:
        self.documents[kind].pop((name,), None)
        for part in PARTS:
            held = self.documents[part]
            self.documents[part] = {key: one for key, one in held.items() if one.get(kind.removesuffix("s")) != name}


@dataclass(kw_only=True)
class Client:
    """Follows topics over any number of connections, and keeps a copy of their documents."""

    url: str
    topics: list[str]
    credentials: Callable[[], Awaitable[str | None]]  # another key or token each time; None: there is none
    transport: Literal["events", "socket"] = "events"
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    observe: Callable[[Message], None] = lambda message: None
    copy: Copy = field(default_factory=Copy)
    position: str | None = None
    reconnect_token: str | None = None
    credential: str | None = None
    retry: float = 1.0
    silence: float = 75.0
    failures: int = 0
    socket: ClientConnection | None = None
    pages: list[Document] = field(default_factory=list)
    awaited: deque[list[str]] = field(default_factory=deque)

    async def run(self) -> None:
        """Follow until the credentials are used up; Refused says that the hub wants another client."""
        self.credential = await self.credentials()
        while self.credential is not None:
            if await self._connection():
                continue
            by_chance = random.uniform(0, min(self.retry * 2**self.failures, LONGEST_PAUSE))
            await self.pause(by_chance if self.failures else self.retry)

    async def send(self, action: str, **arguments: object) -> None:
        """Ask for a change of what is followed, over a WebSocket."""
        if self.socket is None:
            raise Refused("not connected by a WebSocket")
        await self.socket.send(json.dumps({"action": action, **arguments}))

    async def _connection(self) -> bool:
        """Take what one connection brings, and say whether the next one shall follow at once."""
        self.pages.clear()
        if self.awaited:  # what was told of the topics that were added is not complete: begin anew with all of them
            self.awaited.clear()
            self.position = self.reconnect_token = None
        self.failures += 1
        try:
            async with contextlib.aclosing(self._events() if self.transport == "events" else self._socket()) as stream:
                while True:
                    async with asyncio.timeout(self.silence):
                        message = await anext(stream)
                    if await self._receive(message):
                        return True
        except httpx.HTTPStatusError as answer:
            return await self._refused(answer.response.status_code)
        except websockets.InvalidStatus as answer:
            return await self._refused(answer.response.status_code)
        except websockets.ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code in (1008, 1009):
                raise Refused(closed.rcvd.reason) from closed
        except (StopAsyncIteration, TimeoutError, OSError, httpx.TransportError, websockets.WebSocketException):
            pass
        return False

    async def _refused(self, status: int) -> bool:
        if status in (400, 403):
            raise Refused(f"answered {status}")
        is_spent = status == 401 and self.reconnect_token is not None
        if is_spent:
            self.reconnect_token = None
        elif status == 401:
            self.credential = await self.credentials()
        return is_spent

    async def _receive(self, message: Message) -> bool:
        """Follow the rules for one event, and say whether another connection is wanted."""
        self.retry = message.retry / 1000 if message.retry is not None else self.retry
        match message.event:
            case "hello":
                self.failures = 0
                self.silence = 2.5 * message.data["heartbeat"]
                self.reconnect_token = message.data["reconnect_token"]
            case "token":
                self.reconnect_token = message.data["reconnect_token"]
            case "message":
                self.copy.apply(message.data)
                await self._rest(message.data)
            case "snapshot":
                self._page(message.data)
            case "reset":
                self.pages.clear()
                self.awaited.clear()
            case "subscribed" | "unsubscribed":
                self.topics = message.data["topics"]
                if message.data["added"]:
                    self.awaited.append(message.data["added"])
                if message.event == "unsubscribed":
                    self.copy.keep(self.topics)
        self.position = message.id or self.position
        wanted = await self._renewed(message)
        self.observe(message)
        return wanted

    async def _renewed(self, message: Message) -> bool:
        over = message.event == "bye" and not message.data["reconnect"]
        if message.event != "auth.expiring" and not over:
            return False
        another = await self.credentials()
        if over or another is not None:
            self.credential = another
        if self.transport == "socket" and not over:
            if another is not None:
                await self.send("authenticate", token=another)
            return False
        self.reconnect_token = None
        return over or another is not None

    def _page(self, page: Document) -> None:
        self.pages.append(page)
        if page["complete"]:
            self.copy.swap(self.pages, self.awaited.popleft() if self.awaited else None)
            self.pages.clear()

    async def _rest(self, event: Document) -> None:
        """Read what an event had no place for: the document that it is about, and who was in its room."""
        if not event["data"].get("more"):
            return
        kind, subject = event["subject"].split("/")[0], f"{self.url}/api/{event['subject']}"
        async with httpx.AsyncClient(trust_env=False, headers=self._headers()) as http:
            answer = await http.get(subject)
            if answer.is_success:
                self.copy.put(kind, answer.json())
            following = "" if kind == "rooms" and answer.is_success else None
            while following is not None:
                page = (await http.get(f"{subject}/participants", params={"cursor": following})).json()
                for document in page["items"]:
                    self.copy.put("participants", document)
                following = page["next"]

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.credential}"}

    def _question(self) -> tuple[httpx.QueryParams, dict[str, str]]:
        query = httpx.QueryParams({"last_event_id": self.position} if self.position else {})
        if self.reconnect_token is not None:
            return query.set("reconnect", self.reconnect_token), {}
        return query.merge({"topic": self.topics}), self._headers()

    async def _events(self) -> AsyncGenerator[Message, None]:
        query, headers = self._question()
        async with (
            httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(10, read=None)) as http,
            aconnect_sse(http, "GET", f"{self.url}/api/stream", params=query, headers=headers) as source,
        ):
            source.response.raise_for_status()
            async for event in source.aiter_sse():
                if event.data:
                    yield Message(
                        event=event.event, id=event.id or None, data=json.loads(event.data), retry=event.retry
                    )

    async def _socket(self) -> AsyncGenerator[Message, None]:
        query, headers = self._question()
        address = f"{self.url.replace('http', 'ws', 1)}/api/ws?{query}"
        protocol = Subprotocol("hub.v1")
        async with connect(
            address, additional_headers=headers, subprotocols=[protocol], proxy=None, max_size=None, ping_interval=None
        ) as self.socket:
            async for text in self.socket:
                yield Message(**json.loads(text))
            await self.socket.recv()  # says how it was closed


def _key(kind: str, document: Document) -> Key:
    """Name a document: a participant's id is the provider's, and good in its room only."""
    return (document["room"], document["id"]) if kind == "participants" else (document["id"],)
