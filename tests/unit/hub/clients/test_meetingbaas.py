"""The account at MeetingBaaS, as the configuration names it."""

import msgspec
import pytest

from hub.clients.meetingbaas import dispatcher, must_be_asked, warning
from hub.errors import AnswerLost
from hub.ports.dispatch import Order
from hub.settings import MeetingBaas, Server, Settings, Source
from tests.meetingbaas_server import API_KEY, Bot, Refusal, meetingbaas

SOURCE = Source(
    provider="meetingbaas",
    name="mb",
    path="/mb",
    callback_secrets=("cb-secret",),
    webhook_secrets=("whsec_x",),
)
ORDER = Order(launch_id="launch-1", meeting_url="https://x", bot_name="B", webhook_url="https://hub/key")
MADE = ("sources.mb.webhook_secrets",)
PUBLIC = Server(public_url="https://hub.example")


def settings(version: str = "v2", server: Server = PUBLIC, url: str = "http://x", key: str = API_KEY) -> Settings:
    account = MeetingBaas(api_version=version, api_key=key, base_url=url)
    return Settings(server=server, sources=(SOURCE,), meetingbaas=account)


async def test_a_secret_that_the_hub_made_up_is_never_sent() -> None:
    """Nobody else knows it, and the callback is proved by the key in its path."""
    async with meetingbaas() as server:
        for made, secret in (((), "cb-secret"), (("sources.mb.callback_secrets",), None)):
            account = dispatcher(msgspec.structs.replace(settings(url=server.url), made=made))
            assert account is not None
            bot = await account.launch(ORDER)
            assert server.bots[bot].order["callback_config"].get("secret") == secret


def test_v2_must_be_asked_unless_its_account_webhook_can_reach_the_hub() -> None:
    """A secret that was made up is nobody's webhook."""
    assert not must_be_asked(settings())
    assert must_be_asked(msgspec.structs.replace(settings(), made=MADE))
    assert must_be_asked(settings(server=Server()))
    assert not must_be_asked(settings("v1", Server()))


def test_what_is_less_than_it_could_be_is_said() -> None:
    """`hub check` shows it."""
    assert "MEETINGBAAS_API_KEY" in warning(settings(key=""))
    assert "public_url" in warning(settings(server=Server()))
    assert "MEETINGBAAS_WEBHOOK_SECRET" in warning(msgspec.structs.replace(settings(), made=MADE))
    assert warning(settings()) == ""


async def test_without_a_key_there_is_no_account() -> None:
    """Nothing is launched then."""
    assert dispatcher(settings(key="")) is None


async def test_an_answer_that_names_no_bot_is_a_lost_one() -> None:
    """There may be one."""
    async with meetingbaas() as server:
        account = dispatcher(settings(url=server.url))
        assert account is not None
        server.faults = [Refusal(201, {"success": True, "data": {}})]
        with pytest.raises(AnswerLost):
            await account.launch(ORDER)
        assert await account.find("launch-1") == ""


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_page_instead_of_an_answer_is_none(version: str) -> None:
    """A proxy, a wrong address or a login page answers 200 too."""
    async with meetingbaas() as server:
        account = dispatcher(settings(version, url=server.url))
        assert account is not None
        server.bots["b"] = Bot("b", {})
        server.page = b"<html>"
        for asked in (account.check(), account.status("b")):
            with pytest.raises(AnswerLost, match="base_url"):
                await asked
