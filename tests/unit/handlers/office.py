"""A real hub in which tests hold meetings, and ask about them as anybody could."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from handlers.access import COOKIE
from handlers.providers.arrival import Sample
from hub.events import format_time
from hub.tokens import Claims, Tokens, Use
from tests.hubs import API_KEY, RunningHub, running_hub

Said = dict[str, Any]  # whatever JSON holds

READ_KEY, LAUNCH_KEY = "read-key-0123456789", "launch-key-0123456789"
MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    said: Said
    text: str
    headers: dict[str, str]

    @property
    def ids(self) -> list[str]:
        """The ids of a list."""
        return [item["id"] for item in self.said["items"]]


@dataclass
class Office:
    """A hub; times are in seconds, as a rule ago."""

    hub: RunningHub
    now: int = field(default_factory=lambda: int(time.time()))
    _sent: int = 0

    def when(self, ago: float) -> str:
        """Return the time that was so many seconds ago."""
        return format_time(round((self.now - ago) * 1000)) or ""

    def token(self, *topics: str, scope: tuple[str, ...] = ("read", "launch")) -> str:
        """Return a token for topics."""
        claims = Claims(use=Use.ACCESS, topics=topics, scope=scope, exp=self.now + HOUR)
        return Tokens(self.hub.settings.auth.token_secrets).mint(claims)

    async def ask(self, method: str, path: str, said: object = None, *, credential: str = API_KEY) -> Answer:
        """Ask with an API key or a token; `said` is sent as JSON, or as it is when it is bytes."""
        return await self.ask_with({"Authorization": f"Bearer {credential}"}, method, path, said)

    async def ask_by_cookie(self, method: str, path: str, said: object = None, *, origin: str = "") -> Answer:
        """Ask as the page does, which sends its cookie, from a page of some origin."""
        headers = {"Cookie": f"{COOKIE}={self.token('*', scope=('read', 'launch', 'admin'))}"}
        return await self.ask_with(headers | ({"Origin": origin} if origin else {}), method, path, said)

    async def ask_with(self, headers: dict[str, str], method: str, path: str, said: object = None) -> Answer:
        """Ask with headers, and follow no redirect."""
        body = said if isinstance(said, bytes) else None if said is None else orjson.dumps(said)
        request = self.hub.session.request(
            method, self.hub.url + path, data=body, headers=headers, allow_redirects=False
        )
        async with request as answer:
            text = await answer.text()
            is_json = answer.content_type.endswith("json")
            return Answer(answer.status, orjson.loads(text) if is_json else {}, text, dict(answer.headers))

    async def get(self, path: str, credential: str = API_KEY) -> Said:
        """Return what is answered with 200."""
        answer = await self.ask("GET", path, credential=credential)
        assert answer.status == 200, answer.text
        assert answer.headers["Hub-Position"]
        return answer.said

    async def livekit(
        self, event: str, ago: float = 0, room: str = "RM_1", name: str = "daily", **payload: Any
    ) -> None:
        """Let LiveKit tell something of a room."""
        self._sent += 1
        told = {
            "event": event,
            "id": f"EV_{self._sent}",
            "createdAt": str(self.now - int(ago)),
            "room": {"sid": room, "name": name},
        }
        status, said = await self.hub.post("livekit", Sample(payload=told | payload, dialect="webhook"))
        assert (status, said["status"]) == (200, "accepted")

    async def start(self, ago: float = 0, room: str = "RM_1", name: str = "daily") -> None:
        """Begin a session."""
        await self.livekit("room_started", ago, room, name)

    async def end(self, ago: float = 0, room: str = "RM_1", name: str = "daily") -> None:
        """End it."""
        await self.livekit("room_finished", ago, room, name)

    async def join(self, who: str, ago: float = 0, sid: str = "", room: str = "RM_1", **told: Any) -> None:
        """Let somebody in."""
        await self._pass("participant_joined", who, ago, sid, room, told)

    async def leave(self, who: str, ago: float = 0, sid: str = "", room: str = "RM_1", **told: Any) -> None:
        """Let somebody out."""
        await self._pass("participant_left", who, ago, sid, room, told)

    async def _pass(self, event: str, who: str, ago: float, sid: str, room: str, told: Said) -> None:
        name = told.pop("room_name", "daily")
        participant = {"sid": sid or f"PA_{who}", "identity": who, **told}
        await self.livekit(event, ago, room, name, participant=participant)

    async def sample(self, provider: str, event: str, **payload: Any) -> None:
        """Let a provider send one of its samples, with values of its payload replaced."""
        status, said = await self.hub.send(provider, event, **payload)
        assert (status, said["status"]) == (200, "accepted")


@contextlib.asynccontextmanager
async def office(folder: Path) -> AsyncIterator[Office]:
    """Open a hub with keys that may everything, only read, and only launch and read."""
    keys = f"{API_KEY},{READ_KEY}:read,{LAUNCH_KEY}:read+launch"
    async with running_hub(folder, HUB_API_KEY=keys) as hub:
        yield Office(hub)
