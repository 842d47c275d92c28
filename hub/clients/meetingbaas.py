"""MeetingBaaS as the hub calls it: v1 and v2 of its API behind one interface."""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

from hub.clients.line import Line, Reply
from hub.clients.meetingbaas_refusals import is_busy, refusal
from hub.clients.meetingbaas_told import outcome, status
from hub.clients.turns import Turns
from hub.errors import AnswerLost, BotIsOver, NoSuchBot, OrderRefused, ProviderProblem, SetupRefused
from hub.launches.words import LAUNCH_FIELD
from hub.ports.dispatch import Dispatcher, Order
from hub.settings import Settings

PROVIDER = "meetingbaas"
# What is said where there is no account.
MISSING = "meetingbaas.api_key is not set: POST /api/bots launches nothing (set MEETINGBAAS_API_KEY)"
# For how far a bot is: it is asked again anyway.
_STATUS_SECONDS = 5.0
_KEY_HEADER = "x-meeting-baas-api-key"


def dispatcher(settings: Settings) -> Dispatcher | None:
    """Return the account that the configuration names, if any."""
    account = settings.meetingbaas
    if not account.api_key:
        return None
    turns = Turns(account.requests_per_second, asyncio.get_running_loop().time)
    headers = {_KEY_HEADER: account.api_key}
    line = Line(account.base_url, lambda: headers, turns, secret=account.api_key, is_busy=is_busy)
    if account.api_version == "v1":
        return V1(line)
    secret = _secret_of(settings, "callback_secrets")
    return V2(line, secret, must_be_asked=must_be_asked(settings))


def must_be_asked(settings: Settings) -> bool:
    """Whether v2 has no way to tell the hub how far bots are: no account webhook, or no address to send it to."""
    has_webhook = bool(_secret_of(settings, "webhook_secrets"))
    return settings.meetingbaas.api_version == "v2" and not (has_webhook and settings.server.public_url)


def warning(settings: Settings) -> str:
    """Say how bots that are launched tell of themselves, where that is less than it could be; else nothing."""
    account = settings.meetingbaas
    if not account.api_key:
        return MISSING
    if not settings.server.public_url:
        how = "only an account webhook tells of them" if account.api_version == "v1" else "it is asked how far they are"
        told = f"which are to be posted to {settings.server.told_url}"
        return f"server.public_url is not set: MeetingBaaS does not reach the webhooks of bots, {told}, so {how}"
    if must_be_asked(settings):
        return "MEETINGBAAS_WEBHOOK_SECRET is not set: without an account webhook v2 is asked how far bots are"
    return ""


class _Version:
    """What both versions have in common."""

    provider = PROVIDER
    # What lists bots.
    _list = ""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._brief = line.within(_STATUS_SECONDS)

    async def check(self) -> None:
        """Ask for anything."""
        self._object(self._check(await self._line.ask("GET", self._list, limit="1"), SetupRefused))

    def _bot_of(self, reply: Reply, said: Mapping[str, object]) -> str:
        bot = said.get("bot_id")
        if isinstance(bot, str | int) and not isinstance(bot, bool) and bot != "":
            return str(bot)
        raise AnswerLost(f"the provider answered {reply.status} and named no bot")

    def _object(self, reply: Reply) -> Mapping[str, object]:
        if not reply.said:
            raise AnswerLost("the provider answers something that is no JSON object: is meetingbaas.base_url right?")
        return reply.said

    def _check(self, reply: Reply, otherwise: type[ProviderProblem], *secrets: str) -> Reply:
        """Return an answer that says yes; raise what any other means, without quoting secrets.

        A refusal that nobody knows is `otherwise`.
        """
        if 200 <= reply.status < 300:
            return reply
        raise refusal(reply, otherwise, lambda words: self._line.quoted(words, *secrets))


class V1(_Version):
    """The first version of the API: bots have webhooks of their own, and are found by what was said with them."""

    finds_launches = True
    must_be_asked = False
    own_options = frozenset({"webhook_url", "deduplication_key"})
    _list = "/bots/bots_with_metadata"

    async def launch(self, order: Order) -> str:
        """Send a bot, once, and return its id."""
        said = {
            # Theirs first: what is the hub's cannot be changed by an option.
            **order.options,
            "meeting_url": order.meeting_url,
            "bot_name": order.bot_name,
            "extra": {**order.extra, LAUNCH_FIELD: order.launch_id},
            "deduplication_key": order.launch_id,
        }
        if order.webhook_url:
            said["webhook_url"] = order.webhook_url
        reply = self._check(await self._line.ask("POST", "/bots/", said), OrderRefused, *_confided(order))
        return self._bot_of(reply, reply.said)

    async def leave(self, bot: str) -> None:
        """Ask a bot to leave its meeting."""
        reply = await self._line.ask("DELETE", f"/bots/{quote(bot, safe='')}")
        self._check(reply, NoSuchBot if reply.status == 404 else BotIsOver)

    async def status(self, bot: str) -> Mapping[str, object]:
        """Return how a meeting ended, with a recording or with what went wrong: there is no status before that."""
        reply = await self._brief.ask("GET", "/bots/meeting_data", bot_id=bot, include_transcripts="false")
        return outcome(bot, self._object(self._check(reply, NoSuchBot)))

    async def find(self, launch_id: str) -> str:
        """Return the id of the bot of a launch, empty when there is none (yet)."""
        query = {"filter_by_extra": f"{LAUNCH_FIELD}:{launch_id}", "limit": "10"}
        reply = self._check(await self._line.ask("GET", self._list, **query), SetupRefused)
        listed = (one for several in reply.said.values() if isinstance(several, list) for one in several)
        for one in listed:
            extra = one.get("extra") if isinstance(one, dict) else None
            # Whatever the filter does, only a bot that says so itself is of this launch.
            if isinstance(extra, dict) and extra.get(LAUNCH_FIELD) == launch_id:
                return str(one.get("bot_id") or one.get("uuid") or one.get("id") or "")
        return ""


class V2(_Version):
    """The second version: callbacks tell the end only; what is before is told by the account's webhook, or asked."""

    finds_launches = False
    own_options = frozenset({"callback_enabled", "callback_config"})
    _list = "/v2/bots"

    def __init__(self, line: Line, callback_secret: str, *, must_be_asked: bool) -> None:
        super().__init__(line)
        self._callback_secret = callback_secret
        self.must_be_asked = must_be_asked

    async def launch(self, order: Order) -> str:
        """Send a bot, once, and return its id."""
        said = {
            "allow_multiple_bots": False,
            **order.options,
            "meeting_url": order.meeting_url,
            "bot_name": order.bot_name,
            "extra": {**order.extra, LAUNCH_FIELD: order.launch_id},
        }
        if order.webhook_url:
            callback = {"url": order.webhook_url, "method": "POST"}
            secret = {"secret": self._callback_secret} if self._callback_secret else {}
            said |= {"callback_enabled": True, "callback_config": callback | secret}
        confided = (*_confided(order), self._callback_secret)
        reply = self._check(await self._line.ask("POST", self._list, said), OrderRefused, *confided)
        return self._bot_of(reply, _inner(reply))

    async def leave(self, bot: str) -> None:
        """Ask a bot to leave its meeting."""
        reply = await self._line.ask("POST", f"/v2/bots/{quote(bot, safe='')}/leave")
        self._check(reply, NoSuchBot if reply.status == 404 else BotIsOver)

    async def status(self, bot: str) -> Mapping[str, object]:
        """Return how far a bot is."""
        reply = await self._brief.ask("GET", f"/v2/bots/{quote(bot, safe='')}/status")
        self._object(self._check(reply, NoSuchBot))
        return status(bot, _inner(reply))

    async def find(self, launch_id: str) -> str:
        """Return nothing: bots cannot be looked for by what was said with them."""
        del launch_id
        return ""


def _confided(order: Order) -> tuple[str, ...]:
    """Return what the provider may quote and nobody else may see: of the order, and the key of its webhook."""
    return (*order.secrets, order.webhook_url.rpartition("/")[2])


def _inner(reply: Reply) -> Mapping[str, object]:
    inner = reply.said.get("data")
    return inner if isinstance(inner, dict) else reply.said


def _secret_of(settings: Settings, field: str) -> str:
    """Return the first secret of the provider's sources in a setting that somebody set."""
    for source in settings.sources:
        if source.provider == PROVIDER and not settings.is_made_up(source, field):
            for secret in getattr(source, field):
                if secret:
                    return str(secret)
    return ""
