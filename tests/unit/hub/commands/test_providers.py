"""`hub check` asks the providers that are configured, and says which are not."""

from hub.commands.providers import ask_providers
from hub.settings import Hms, LiveKit, MeetingBaas, Settings, Source
from tests.meetingbaas_server import API_KEY, meetingbaas
from tests.standins import HMS_KEY, HMS_SECRET, HmsStandIn, LiveKitStandIn, serving
from tests.unit.hub.reconcile.asking import LIVEKIT

SOURCES = (
    LIVEKIT,
    Source(provider="100ms", name="100ms", path="/h"),
    Source(provider="meetingbaas", name="b", path="/b"),
)


async def test_providers_that_answer_are_fine_and_those_that_refuse_are_warned_of() -> None:
    """Whoever mistypes a secret learns it before a webhook is lost."""
    async with serving(LiveKitStandIn()) as livekit, serving(HmsStandIn()) as hms, meetingbaas() as baas:
        settings = Settings(
            sources=SOURCES,
            livekit=LiveKit(url=livekit.url.replace("http://", "ws://")),
            hms=Hms(access_key=HMS_KEY, app_secret=HMS_SECRET, base_url=hms.url),
            meetingbaas=MeetingBaas(api_key=API_KEY, base_url=baas.url),
        )
        assert [level for level, _ in await ask_providers(settings)] == ["ok", "ok", "ok"]
        hms.status = 403
        assert [level for level, _ in await ask_providers(settings)] == ["ok", "warning", "ok"]


async def test_providers_that_are_not_configured_are_not_asked() -> None:
    """What to set is said, as a note: webhooks alone work too."""
    findings = await ask_providers(Settings(sources=SOURCES))
    assert [level for level, _ in findings] == ["note"] * 3
    assert "LIVEKIT_URL" in findings[0][1]
    assert await ask_providers(Settings()) == []
