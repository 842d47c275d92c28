"""Every source says whether anything comes, what was wrong with it, and how to try it."""

import pytest

from handlers.providers.registry import PROVIDERS
from hub.events import format_time
from hub.settings import Source
from tests.unit.handlers.arriving import LIVEKIT, NOW_MS, joined, token, yard
from tests.unit.handlers.test_deliveries import three

SECOND = Source(provider="livekit", name="livekit-2", path="/second", proof="none")
PULSE = Source(provider="pulse", name="pulse", path="/webhooks/pulse")


async def test_a_source_is_shown_with_what_arrived_by_it() -> None:
    """Counted within the hour, with why some of it was of no use, and an id to look at."""
    async with yard() as here:
        await three(here)
        status, said = await here.get("/api/sources")
        assert (status, said["since"]) == (200, format_time(NOW_MS + 2000 - 3_600_000))
        livekit, meetingbaas = said["items"]
        assert livekit.pop("per_minute") == [0] * 59 + [1]
        assert livekit == {
            "name": "livekit",
            "provider": "livekit",
            "path": "/api/livekit/webhook",
            "url": str(here.client.make_url("/api/livekit/webhook")),
            "proof": "signature",
            "is_on": True,
            "last_seen": format_time(NOW_MS),
            "received": 1,
            "duplicates": 1,
            "dead": 0,
            "refused": 0,
            "reasons": [],
            "test": "hub send livekit room_started",
        }
        assert (meetingbaas["dead"], meetingbaas["refused"]) == (1, 1)
        assert [(one["verdict"], one["count"], one["delivery"]) for one in meetingbaas["reasons"]] == [
            ("dead", 1, "2"),
            ("refused", 1, "q1"),
        ]


async def test_what_waits_and_what_nobody_looked_after_is_told() -> None:
    """The oldest of either says for how long something has been wrong."""
    async with yard() as here:
        await three(here)
        _, said = await here.get("/api/sources")
        assert said["waiting"] == {"count": 0, "oldest": None}
        assert said["unhandled"] == {"count": 2, "oldest": format_time(NOW_MS + 1000)}


async def test_a_source_without_secrets_is_shown_as_off() -> None:
    """Its path answers 404, which a provider shows to nobody."""
    async with yard((LIVEKIT, SECOND), off=(PULSE,)) as here:
        _, said = await here.get("/api/sources")
        assert [(one["name"], one["is_on"], one["proof"]) for one in said["items"]] == [
            ("livekit", True, "signature"),
            ("livekit-2", True, "none"),
            ("pulse", False, "signature"),
        ]
        assert [one["test"] for one in said["items"]] == [
            "hub send livekit room_started",
            "hub send livekit room_started --source livekit-2",
            "hub send pulse room.started",
        ]


async def test_a_longer_time_can_be_asked_for() -> None:
    """Over a weekend nobody looks."""
    async with yard() as here:
        await here.sign(LIVEKIT, joined())
        here.now[0] += 2 * 3_600_000
        counts = [(await here.get(f"/api/sources?hours={hours}"))[1]["items"][0]["received"] for hours in (1, 3)]
        assert counts == [0, 1]


@pytest.mark.parametrize("hours", ["0", "169", "-1", "x", "1.5", "٣", ""])
async def test_other_times_are_refused(hours: str) -> None:
    """Whoever asked must not take an hour for a year."""
    async with yard() as here:
        status, said = await here.get(f"/api/sources?hours={hours}")
        assert (status, str(said["detail"]).partition(":")[0]) == (400, "hours")


@pytest.mark.parametrize("credential", ["reader", "launcher", token("*", scope=("read",)), token("rooms")])
async def test_only_administrators_of_everything_see_it(credential: str) -> None:
    """As for deliveries: reasons may be about any room."""
    async with yard() as here:
        assert (await here.get("/api/sources", credential))[0] == 403


def test_every_provider_can_be_tried() -> None:
    """The command that the page offers must work."""
    assert all(one.tried_with in one.samples(NOW_MS) for one in PROVIDERS.values())
