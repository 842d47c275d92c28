"""Who is asked follows from the configuration alone."""

import pytest

from hub.clients.meetingbaas import dispatcher
from hub.inquiries import inquiries
from hub.launches.launches import Launches
from hub.settings import Hms, LiveKit, MeetingBaas, Settings, Source
from tests.unit.hub.reconcile.asking import LIVEKIT, hub

HMS = Source(provider="100ms", name="100ms", path="/h")
BAAS = Source(provider="meetingbaas", name="meetingbaas", path="/b")
SERVER, ACCOUNT, BOTS = LiveKit(url="ws://x"), Hms(access_key="k", app_secret="s"), MeetingBaas(api_key="k")


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (Settings(sources=(LIVEKIT, HMS, BAAS)), []),
        (Settings(livekit=SERVER, hms=ACCOUNT, meetingbaas=BOTS), []),
        (Settings(sources=(LIVEKIT,), livekit=SERVER, made=("sources.livekit.keys",)), []),
        (Settings(sources=(HMS,), hms=Hms(access_key="k")), []),
        (
            Settings(sources=(LIVEKIT, HMS, BAAS), livekit=SERVER, hms=ACCOUNT, meetingbaas=BOTS),
            ["livekit", "100ms", "meetingbaas"],
        ),
    ],
)
async def test_a_provider_is_asked_if_it_is_configured_and_heard(settings: Settings, names: list[str]) -> None:
    """Without a source nobody speaks for it, without credentials nobody may ask."""
    async with hub() as one:
        launches = Launches(dispatcher(settings), one.ingest, one.clock)
        assert [chore.name for chore in inquiries(settings, one.store, one.ingest, launches)] == names
