"""What callers change goes the way that webhooks go: durable before it is answered, and told to everybody."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from handlers.decisions import decided
from handlers.errors import problems
from handlers.parts import INGEST, NOW
from hub.events import Fact, Kind, RoomDetail, Verdict
from hub.feed import Feed
from hub.fold import Batch, Rules
from hub.ingest import Ingest
from hub.stores import make_epoch
from storage.local import LocalBus
from tests.memory_store import MemoryStore
from tests.unit.handlers.office import DAY, Office

DURABLE = "/api/rooms/livekit@daily"
FEATURED = {"featured": True}
NOW_MS = 1_773_151_300_123
FACT = Fact(kind=Kind.ROOM_UPDATED, time=NOW_MS, durable="livekit@daily", detail=RoomDetail(featured=True))


async def test_a_decision_is_a_delivery_from_the_hub(desk: Office) -> None:
    """It can be looked up as what providers sent can, with what was said."""
    await desk.start(60)
    await desk.ask("PATCH", DURABLE, FEATURED)
    [delivery] = (await desk.get("/api/deliveries?source=hub"))["items"]
    assert (delivery["source"], delivery["verdict"]) == ("hub", "accepted")
    event = (await desk.get("/api/events"))["items"][-1]
    assert (event["source"], event["providertype"]) == ("/sources/hub", "room.patch")


async def test_equal_decisions_are_two_deliveries(desk: Office) -> None:
    """Featured, not featured, and featured again is featured, however soon after another."""
    await desk.start(60)
    for featured in (True, False, True, False, True):
        answer = await desk.ask("PATCH", DURABLE, {"featured": featured})
        assert answer.said["featured"] is featured
    assert len((await desk.get("/api/deliveries?source=hub"))["items"]) == 5


async def test_a_decision_outlives_the_session_that_it_was_made_in(desk: Office) -> None:
    """It is kept with the durable room."""
    await desk.start(2 * DAY)
    await desk.ask("PATCH", DURABLE, FEATURED)
    await desk.end(DAY)
    await desk.start(0, "RM_2")
    assert (await desk.get(DURABLE))["featured"] is True


async def test_what_was_decided_is_in_the_log_with_what_it_is_about_and_without_what_was_said(desk: Office) -> None:
    """An erasure cannot be undone: whoever runs the hub sees that there was one, and of what."""
    await desk.start(60)
    plan = {"title": "Ann's review", "provider": "livekit", "room_id": "daily", "starts_at": "2026-03-10T12:00:00Z"}
    with capture_logs() as logs:
        schedule = (await desk.ask("POST", "/api/schedules", plan)).said["id"]
        await desk.ask("PATCH", DURABLE, FEATURED)
        await desk.ask("DELETE", f"{DURABLE}?erase=1")
    taken = [line for line in logs if line["event"] == "decision.taken"]
    assert [(line["type"], line["about"]) for line in taken] == [
        ("schedule.created", f"schedules/{schedule}"),
        ("room.patch", "rooms/livekit@daily"),
        ("room.erased", "rooms/livekit@daily"),
    ]
    assert all(line["status"] == "accepted" and line["delivery"] for line in taken)
    assert "Ann" not in str(logs)


@contextlib.asynccontextmanager
async def deciding() -> AsyncIterator[tuple[TestClient, MemoryStore]]:
    """Serve a path by which something is decided, over a store in memory."""
    store = MemoryStore(lambda deliveries: Batch(deliveries, Rules()))
    ingest = Ingest(store, Feed(store, await store.position(), LocalBus(), make_epoch))
    app = web.Application(middlewares=[problems])
    app[INGEST], app[NOW] = ingest, lambda: NOW_MS

    async def decide(request: web.Request) -> web.Response:
        outcome = await decided(request, "room.patch", (FACT,), {"featured": True})
        return web.json_response({"status": outcome.status})

    app.router.add_post("/decide", decide)
    writing = asyncio.create_task(ingest.run())
    try:
        async with TestClient(TestServer(app)) as client:
            yield client, store
    finally:
        store.commits.release()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_what_was_decided_is_kept_before_it_is_answered() -> None:
    """With what was said, when, and its facts."""
    async with deciding() as (client, store):
        async with client.post("/decide") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "accepted"})
        [row] = store.kept.deliveries.values()
        kept = row.delivery
        assert (kept.source, kept.scope, kept.provider_type, kept.received_at) == ("hub", "hub", "room.patch", NOW_MS)
        assert (kept.body, kept.facts) == (b'{"featured":true}', (FACT,))


async def test_what_no_store_can_hold_is_refused() -> None:
    """It is kept as dead, like a webhook; whoever asked for it must not take it for done."""
    async with deciding() as (client, store):
        store.refuses = lambda one: one.verdict is not Verdict.DEAD
        async with client.post("/decide") as answer:
            assert (answer.status, "stored" in (await answer.json())["detail"]) == (400, True)


async def test_a_store_that_fails_is_503() -> None:
    """Nothing was decided, and it may be tried again."""
    async with deciding() as (client, store):
        store.problem = "the disk is full"
        async with client.post("/decide") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert store.kept.deliveries == {}


async def test_a_store_that_is_slow_is_503_and_nothing_is_claimed() -> None:
    """It may be kept yet: the caller is told that this is not known."""
    async with deciding() as (client, store):
        store.commits.hold()
        async with client.post("/decide") as answer:
            assert (answer.status, "not known" in (await answer.json())["detail"]) == (503, True)
