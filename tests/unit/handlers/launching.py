"""A hub that launches at a stand-in of the provider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.hubs import API_KEY, running_hub
from tests.meetingbaas_server import (
    PUBLIC_URL,
    MeetingBaasServer,
    meetingbaas,
)
from tests.unit.handlers.office import LAUNCH_KEY, READ_KEY, Answer, Office

URL = "https://meet.google.com/abc-defg-hij?pwd=open-sesame"
ORDER = {"meeting_url": URL, "bot_name": "Notes", "extra": {"tenant": "acme-corp"}}
BOTH = pytest.mark.parametrize("version", ["v1", "v2"])
Said = dict[str, Any]


@dataclass
class Launching(Office):
    """A hub that launches at a stand-in."""

    provider: MeetingBaasServer = None  # type: ignore[assignment]  # a dataclass that extends one with defaults

    async def launch(self, key: str = "", credential: str = API_KEY, **order: object) -> Answer:
        """Ask for a bot."""
        headers = {"Authorization": f"Bearer {credential}"} | ({"Idempotency-Key": key} if key else {})
        return await self.ask_with(headers, "POST", "/api/bots", {**ORDER, **order})

    async def launched(self, key: str = "", **order: object) -> Said:
        """Return the answer to a launch that works."""
        answer = await self.launch(key, **order)
        assert answer.status == 201, answer.text
        return answer.said

    async def bots(self) -> list[Said]:
        items: list[Said] = (await self.get("/api/bots"))["items"]
        return items


@asynccontextmanager
async def launching(folder: Path, version: str = "v2", **overrides: str) -> AsyncIterator[Launching]:
    async with meetingbaas() as provider:
        environ = {
            "HUB_API_KEY": f"{API_KEY},{READ_KEY}:read,{LAUNCH_KEY}:read+launch",
            "HUB_MEETINGBAAS__BASE_URL": provider.url,
            "HUB_MEETINGBAAS__API_VERSION": version,
            "HUB_MEETINGBAAS__REQUESTS_PER_SECOND": "20",
            "HUB_SERVER__PUBLIC_URL": PUBLIC_URL,
            **overrides,
        }
        async with running_hub(folder, **environ) as hub:
            provider.hub = hub.url
            yield Launching(hub, provider=provider)
