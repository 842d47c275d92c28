"""What MeetingBaaS answers about a bot, in the words in which its webhooks would say it."""

from collections.abc import Mapping

# As answered: whatever JSON holds.
Answer = Mapping[str, object]
Words = Mapping[str, object]


def status(bot: str, answer: Answer) -> Words:
    """Return v2's status of a bot, `{}` when there is none."""
    told, since = answer.get("status"), answer.get("updated_at")
    if not told:
        return {}
    return {"event": "bot.status_change", "data": {"bot_id": bot, "status": {"code": told, "created_at": since}}}


def outcome(bot: str, answer: Answer) -> Words:
    """Return what became of a bot by v1's data of its meeting, `{}` as long as it does not say."""
    meeting = answer.get("bot_data")
    told = meeting.get("bot") if isinstance(meeting, dict) else None
    ended = told.get("ended_at") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not ended:
        return {}
    if told.get("errors"):
        return {"event": "failed", "data": {"bot_id": bot, "error": str(told["errors"]), "sent_at": ended}}
    # Without a file it may still be on its way.
    said = {"bot_id": bot, "mp4": answer.get("mp4"), "exited_at": ended, "sent_at": ended}
    return {"event": "complete", "data": said} if answer.get("mp4") else {}
