"""What a launch is called, and what the log is told of it: the intent, the answer, a refusal, that nobody knows."""

import hashlib
import re
from collections.abc import Mapping

import msgspec
import orjson

from hub.errors import AccountRefused, AlreadyThere, OrderRefused, ProviderProblem, Throttled, Unreachable
from hub.events import HUB, BotDetail, Delivery, Fact, Kind, Reason, escape_id, parse_time
from hub.ports import Document
from hub.state.bot import Beside, bot_document, bot_facts

# By what a bot says, in whatever is told of it, which launch it came of.
LAUNCH_FIELD = "hub_launch_id"
LAUNCH_ID = re.compile(r"launch-[0-9a-f]{32}")
BUSY, UNREACHABLE = "provider_busy", "provider_unreachable"
# What somebody found out who looked for a bot of which nobody knew.
NO_BOT = "no_bot"

# Whose side a refusal is on, as reasons say it; the first that fits.
_GROUPS: Mapping[type[ProviderProblem], str] = {
    AlreadyThere: "billing",
    AccountRefused: "billing",
    # As a rule because of its address.
    OrderRefused: "meeting",
    # The set-up of the hub, or the provider itself.
    ProviderProblem: "system",
}
# Certainly nothing was sent, and somebody may have mended it since: the same launch may be tried again.
_MAY_BE_REPEATED = ("billing", "system")
_LOST = Reason(
    code="answer_lost",
    group="system",
    message="Nobody knows whether there is a bot: look at the provider's, then say which one it is, or that there is "
    "none (PATCH /api/bots), or erase this.",
)
_NONE = Reason(code=NO_BOT, group="system", message="Somebody looked at the provider's: there is no bot.")
_NOTHING_BESIDE = Beside()
_decode_beside = msgspec.msgpack.Decoder(Beside).decode


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A launch as it is kept: what may be shown of it, and beside that what few may see, or nobody."""

    provider: str
    launch_id: str
    name: str = ""
    meeting_url: str = ""
    # Milliseconds since 1970.
    requested_at: int | None = None
    attempt: int = 1
    # JSON, for holders of API keys.
    extra: str = ""
    # What tells another order by the same idempotency key from this one.
    mark: str = ""

    @property
    def id(self) -> str:
        """As documents call it."""
        return f"{self.provider}:{self.launch_id}"

    def detail(
        self, *, attempt: int | None = None, reason: Reason | None = None, launch_attempt: int | None = None
    ) -> BotDetail:
        """Return what is known of the bot of this launch."""
        return BotDetail(
            launch_id=self.launch_id,
            name=self.name,
            meeting_url=self.meeting_url,
            requested_at=self.requested_at,
            extra=self.extra,
            order=self.mark,
            attempt=attempt,
            reason=reason,
            launch_attempt=launch_attempt,
        )


def launch_id_of(key: str) -> str:
    """Return what the launch is called that an idempotency key stands for."""
    digest = hashlib.sha256(b"hub launch\n" + key.encode()).hexdigest()
    return f"launch-{digest[:32]}"


def asked_of(document: Document) -> Asked:
    """Return the launch that a document shows, by its own name or as the bot that it became."""
    shown = orjson.loads(document.body)
    kept = beside_of(document)
    created = shown["created_at"]
    return Asked(
        provider=document.provider,
        launch_id=shown["launch_id"] or "",
        name=shown["name"] or "",
        meeting_url=shown["meeting_url"] or "",
        requested_at=parse_time(created) if created else None,
        attempt=shown["attempt"],
        extra=kept.extra,
        mark=kept.order,
    )


def may_be_repeated(document: Document) -> bool:
    """Whether a launch came to no bot in a way that the same one may be tried again."""
    shown = orjson.loads(document.body)
    reason = shown["reason"] or {}
    is_refused = document.status == "failed" and shown["id"].partition(":")[2] == shown["launch_id"]
    return is_refused and (reason.get("code") == UNREACHABLE or reason.get("group") in _MAY_BE_REPEATED)


def beside_of(document: Document) -> Beside:
    """Return what is kept beside a bot's document."""
    return _decode_beside(document.hidden) if document.hidden else _NOTHING_BESIDE


def requested(asked: Asked, body: bytes, now: int) -> Delivery:
    """Say that somebody wants a bot; equal ones are one, so that of many who call at once one does."""
    fact = Fact(kind=Kind.BOT_REQUESTED, time=now, bot=asked.id, detail=asked.detail(attempt=asked.attempt))
    return _delivery("bot.launch", f"launch:{asked.launch_id}:{asked.attempt}", (fact,), now, body)


def answered(asked: Asked, bot: str, now: int) -> Delivery:
    """Say which bot a launch became, and that this bot is there, whatever was said before of the launch."""
    facts = became(asked, escape_id(bot), now)
    detail = BotDetail(name=asked.name, meeting_url=asked.meeting_url)
    # Should another bot have told by the launch's key that it is that one, there are two.
    there = msgspec.structs.replace(facts[0], detail=detail)
    return _delivery("bot.launched", f"launched:{asked.launch_id}:{bot}", (*facts, there), now)


def settled(asked: Asked, bot: str, now: int) -> Delivery:
    """Say which bot a launch became, as somebody has found who looked; where it is known to be another, nothing."""
    return _delivery("bot.launched", f"launched:{asked.launch_id}:{bot}", became(asked, escape_id(bot), now), now)


def became(asked: Asked, bot: str, now: int) -> tuple[Fact, Fact]:
    """Return what is stated when a launch turns out to be a bot, of each of them; `bot` is escaped."""
    topic = f"{asked.provider}:{bot}"
    detail = asked.detail(launch_attempt=asked.attempt if asked.attempt > 1 else None)
    return (
        # Whoever tells it, and however often, it is one thing that happened.
        Fact(kind=Kind.BOT_QUEUED, time=asked.requested_at or now, bot=topic, detail=detail),
        Fact(kind=Kind.BOT_QUEUED, time=now, bot=asked.id, detail=BotDetail(launch_id=asked.launch_id, became=topic)),
    )


def launched_document(asked: Asked, bot: str, now: int) -> dict[str, object]:
    """Return the document of a bot that a launch has just become, as long as the store cannot show it."""
    fact, _ = became(asked, escape_id(bot), now)
    return bot_document(fact.bot, bot_facts(fact, ""), None, 0)


def refused(asked: Asked, problem: ProviderProblem, now: int) -> Delivery:
    """Say that there is certainly no bot, and why."""
    reason = Reason(code=code_of(problem), group=_group_of(problem), message=problem.said or str(problem))
    detail = asked.detail(attempt=asked.attempt, reason=reason)
    fact = Fact(kind=Kind.BOT_FAILED, time=now, bot=asked.id, detail=detail)
    return _delivery("bot.refused", f"refused:{asked.launch_id}:{asked.attempt}", (fact,), now)


def lost(asked: Asked, now: int) -> Delivery:
    """Say that nobody knows whether there is a bot."""
    detail = asked.detail(attempt=asked.attempt, reason=_LOST)
    fact = Fact(kind=Kind.BOT_UNKNOWN, time=now, bot=asked.id, detail=detail)
    return _delivery("bot.unknown", f"lost:{asked.launch_id}:{asked.attempt}", (fact,), now)


def none_found(asked: Asked, now: int) -> Delivery:
    """Say that somebody looked for the bot of which nobody knew, and that there is none."""
    detail = asked.detail(attempt=asked.attempt, reason=_NONE)
    fact = Fact(kind=Kind.BOT_FAILED, time=now, bot=asked.id, detail=detail)
    return _delivery("bot.refused", f"none:{asked.launch_id}:{asked.attempt}", (fact,), now)


def is_none_found(document: Document) -> bool:
    """Whether a launch came to no bot because somebody said so."""
    reason = orjson.loads(document.body)["reason"] or {}
    return document.status == "failed" and reason.get("code") == NO_BOT


def leaving(bot: str, now: int) -> Delivery:
    """Say that a bot (as documents call it) was asked to leave."""
    reason = Reason(code="leave_requested", group="host", message="asked through the hub")
    fact = Fact(kind=Kind.BOT_LEAVING, time=now, bot=bot, detail=BotDetail(code="leave_requested", reason=reason))
    return _delivery("bot.leave", f"leave:{bot}:{now}", (fact,), now)


def code_of(problem: ProviderProblem) -> str:
    """Return the code by which a refusal is shown: the provider's, but for what may be tried again."""
    if isinstance(problem, Throttled):
        return BUSY
    return UNREACHABLE if isinstance(problem, Unreachable) else problem.code


def _group_of(problem: ProviderProblem) -> str:
    return next(group for kind, group in _GROUPS.items() if isinstance(problem, kind))


def _delivery(name: str, key: str, facts: tuple[Fact, ...], now: int, body: bytes = b"{}") -> Delivery:
    return Delivery(source=HUB, scope=HUB, key=key, received_at=now, body=body, provider_type=name, facts=facts)
