"""MeetingBaaS is asked in the words of the version of its API."""

import pytest

from hub.clients.meetingbaas_status import MeetingBaasStatuses
from hub.errors import Unanswered
from hub.settings import MeetingBaas
from tests.standins import BAAS_KEY, BaasStandIn, Said, serving

ENDED = "2026-03-10T12:05:00.123456"


async def said(version: str, answer: Said | None, key: str = BAAS_KEY) -> object:
    async with serving(BaasStandIn()) as stand_in:
        stand_in.bots |= {"b1": answer} if answer is not None else {}
        account = MeetingBaas(api_version=version, api_key=key, base_url=stand_in.url)
        return await MeetingBaasStatuses(account).status("b1")


async def test_v2_says_its_status_and_since_when() -> None:
    """It is then read as a status webhook."""
    status = {"bot_id": "b1", "status": "in_call_recording", "updated_at": ENDED}
    expected = {"bot_id": "b1", "status": {"code": "in_call_recording", "created_at": ENDED}}
    assert await said("v2", {"success": True, "data": status}) == {"event": "bot.status_change", "data": expected}
    assert await said("v2", status) == {"event": "bot.status_change", "data": expected}


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        ({"bot_data": {"bot": {"ended_at": None}}, "mp4": ""}, None),
        ({"bot_data": {"bot": {"ended_at": ENDED, "errors": None}}, "mp4": ""}, None),
        ({"bot_data": {"bot": {"ended_at": ENDED, "errors": None}}, "mp4": "https://x/1.mp4"}, "complete"),
        ({"bot_data": {"bot": {"ended_at": ENDED, "errors": "BotNotAccepted"}}, "mp4": ""}, "failed"),
        ({"bot_data": "?"}, None),
    ],
)
async def test_v1_says_the_end_once_there_is_one(answer: Said, event: str | None) -> None:
    """Without a file, and without an error, a meeting that ended may still be worked on."""
    told = await said("v1", answer)
    assert isinstance(told, dict) and told.get("event") == event


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_an_unknown_bot_is_none_and_a_wrong_key_a_refusal(version: str) -> None:
    """The one is an answer, the other none."""
    assert await said(version, None) is None
    with pytest.raises(Unanswered, match="MEETINGBAAS_API_KEY"):
        await said(version, {}, key="wrong")
