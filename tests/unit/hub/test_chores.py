"""What a hub does by itself follows from its configuration."""

from hub.chores import launch_chores
from hub.clients.meetingbaas import dispatcher
from hub.clock import now_ms
from hub.launches.launches import Launches
from hub.settings import MeetingBaas, Server, Settings, Source
from tests.unit.hub.launches.stage import memory

SOURCE = Source(provider="meetingbaas", name="mb", path="/mb", webhook_secrets=("whsec_x",))


def names(account: MeetingBaas, public_url: str = "") -> list[str]:
    settings = Settings(server=Server(public_url=public_url), sources=(SOURCE,), meetingbaas=account)
    launches = Launches(dispatcher(settings), None, now_ms)  # type: ignore[arg-type]  # nothing is committed
    return [chore.name for chore in launch_chores(settings, memory(), launches)]


async def test_bots_are_asked_for_only_where_nobody_tells_of_them() -> None:
    """And launches are looked after wherever there can be any."""
    assert names(MeetingBaas()) == []
    assert names(MeetingBaas(api_key="k")) == ["launches", "polling"]
    assert names(MeetingBaas(api_key="k"), "https://hub.example") == ["launches"]
    assert names(MeetingBaas(api_key="k", api_version="v1")) == ["launches"]
