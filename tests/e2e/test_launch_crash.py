"""A hub that is killed while it launches: the order is repeated, and there is still one bot."""

import asyncio
from pathlib import Path

import aiohttp

from tests.meetingbaas_server import HANG_AFTER, PUBLIC_URL, meetingbaas
from tests.processes import SECRETS, HubProcess

ORDER = {"meeting_url": "https://meet.example/1", "bot_name": "Notes"}
HEADERS = {"Authorization": f"Bearer {SECRETS['HUB_API_KEY']}", "Idempotency-Key": "order-1"}


async def test_a_hub_that_is_killed_after_the_bot_was_made_launches_no_second_one(tmp_path: Path) -> None:
    """The bot tells which launch it came of by the key of its own callback, whichever process hears it."""
    async with meetingbaas() as provider, aiohttp.ClientSession() as session:
        environ = {
            "HUB_MEETINGBAAS__BASE_URL": provider.url,
            "HUB_SERVER__PUBLIC_URL": PUBLIC_URL,
            "MEETINGBAAS_CALLBACK_SECRET": "",
        }
        hub = HubProcess(tmp_path, **environ)
        provider.hub = hub.url
        await asyncio.to_thread(hub.start)
        try:
            provider.faults = [HANG_AFTER]
            calling = asyncio.create_task(session.post(f"{hub.url}/api/bots", json=ORDER, headers=HEADERS))
            await provider.reached.wait()
            hub.kill()
            await asyncio.wait([calling])
            assert isinstance(calling.exception(), aiohttp.ClientError)
            await asyncio.to_thread(hub.start)
            async with session.post(f"{hub.url}/api/bots", json=ORDER, headers=HEADERS) as again:
                assert (again.status, again.headers["Retry-After"]) == (409, "5")
            assert await provider.call_back(provider.only) == 200
            async with session.post(f"{hub.url}/api/bots", json=ORDER, headers=HEADERS) as again:
                bot = (await again.json())["bot"]
            assert (again.status, bot["id"], bot["status"]) == (200, f"meetingbaas:{provider.only.id}", "completed")
            assert provider.calls["POST /v2/bots"] == len(provider.bots) == 1
        finally:
            hub.kill()
