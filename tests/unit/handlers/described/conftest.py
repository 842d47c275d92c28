"""One hub for all tests of descriptions, in which everything happened that can happen."""

import time
from collections.abc import AsyncIterator

import pytest_asyncio

from handlers.providers.arrival import Sample
from handlers.providers.registry import PROVIDERS
from tests.unit.handlers.office import Office, office


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def busy(tmp_path_factory: object) -> AsyncIterator[Office]:
    """Return a hub that was told everything that any provider has to tell, and that some was asked of."""
    async with office(tmp_path_factory.mktemp("busy")) as desk:  # type: ignore[attr-defined]  # pytest's own
        for provider in sorted(PROVIDERS):
            for name in PROVIDERS[provider].samples(time.time_ns() // 1_000_000):
                status, said = await desk.hub.send(provider, name)
                assert status == 200, said
        await desk.hub.post_bytes("livekit", b"\xff not JSON", "webhook")
        await desk.hub.session.post(f"{desk.hub.url}/api/livekit/webhook", data=b"{}")
        await desk.hub.post("livekit", Sample(payload={"event": "room_started", "id": "EV_bare"}, dialect="webhook"))
        await _plan(desk)
        yield desk


async def _plan(desk: Office) -> None:
    people = ["ann", {"identity": "bob", "name": "Bob"}]
    plan = {"provider": "livekit", "room_id": "daily", "starts_at": desk.when(60), "expected_participants": people}
    assert (await desk.ask("POST", "/api/schedules", plan)).status == 201
    await desk.start(60, room="RM_planned")
    await desk.join("ann", 50, room="RM_planned")
    assert (await desk.ask("PATCH", "/api/rooms/livekit:RM_planned", {"featured": True})).status == 200
