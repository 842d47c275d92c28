"""MeetingBaaS, asked how far a bot is: v2 says its status, v1 only whether the meeting is over."""

from collections.abc import Mapping
from urllib.parse import quote

from hub.clients.rest import Json, asked
from hub.settings import MeetingBaas

_CREDENTIALS = "MEETINGBAAS_API_KEY and api_version ([meetingbaas])"


class MeetingBaasStatuses:
    """A MeetingBaaS account that bots were sent with."""

    def __init__(self, account: MeetingBaas) -> None:
        self._account = account

    async def status(self, bot_id: str) -> Mapping[str, object] | None:
        """Return what a webhook would say of a bot by now, `{}` when there is nothing to say, None for no such bot.

        Raises Unanswered.
        """
        if self._account.api_version == "v1":
            answer = await self._asked("/bots/meeting_data", {"bot_id": bot_id, "include_transcripts": "false"})
            return None if answer is None else _outcome(bot_id, answer)
        answer = await self._asked(f"/v2/bots/{quote(bot_id, safe='')}/status", {})
        return None if answer is None else _status(bot_id, answer)

    async def check(self) -> None:
        """Ask for anything. Raises Unanswered when the account is not taken."""
        path = "/bots/bots_with_metadata" if self._account.api_version == "v1" else "/v2/bots"
        await self._asked(path, {"limit": "1"})

    async def _asked(self, path: str, params: Mapping[str, str]) -> Json | None:
        account = self._account
        return await asked(
            "GET",
            account.base_url.rstrip("/") + path,
            {"x-meeting-baas-api-key": account.api_key},
            provider="MeetingBaaS",
            credentials=_CREDENTIALS,
            params=params,
            missing_is_none=True,
        )


def _status(bot_id: str, answer: Json) -> Mapping[str, object]:
    told = answer.get("data")
    told = told if isinstance(told, dict) else answer
    status = {"code": told.get("status"), "created_at": told.get("updated_at")}
    return {"event": "bot.status_change", "data": {"bot_id": bot_id, "status": status}} if told.get("status") else {}


def _outcome(bot_id: str, answer: Json) -> Mapping[str, object]:
    """Read v1's answer, which has no status: a meeting that ended, with a recording or with what went wrong."""
    meeting = answer.get("bot_data")
    bot = meeting.get("bot") if isinstance(meeting, dict) else None
    told = bot if isinstance(bot, dict) else {}
    ended = told.get("ended_at")
    if not ended:
        return {}
    if told.get("errors"):
        return {"event": "failed", "data": {"bot_id": bot_id, "error": str(told["errors"]), "sent_at": ended}}
    # Without a file it may still be on its way.
    data = {"bot_id": bot_id, "mp4": answer.get("mp4"), "exited_at": ended, "sent_at": ended}
    return {"event": "complete", "data": data} if answer.get("mp4") else {}
