"""What MeetingBaaS means when it refuses something, whichever way its versions say it."""

from collections.abc import Callable, Mapping

from hub.clients.line import Reply
from hub.errors import (
    AccountRefused,
    AlreadyThere,
    AnswerLost,
    BotIsOver,
    NoSuchBot,
    OrderRefused,
    ProviderProblem,
    SetupRefused,
    Throttled,
)

_CODES = ("code", "error", "name")

# By the code that comes with it, letters only, since v1 writes it in several ways; then by the status.
_BY_CODE: Mapping[str, type[ProviderProblem]] = {
    "invalidapikey": SetupRefused,
    "fsterrforbidden": SetupRefused,
    "fsterrunauthorized": SetupRefused,
    "insufficienttokens": AccountRefused,
    "fsterrinsufficienttokens": AccountRefused,
    "fsterrdailybotcapreached": AccountRefused,
    "toomanyrequests": Throttled,
    "fsterrtoomanyrequests": Throttled,
    "botalreadyexists": AlreadyThere,
    "fsterrbotalreadyexists": AlreadyThere,
    "botnotfound": NoSuchBot,
    "fsterrbotnotfoundbyid": NoSuchBot,
    "fsterrbotstatus": BotIsOver,
}
_BY_STATUS: Mapping[int, type[ProviderProblem]] = {
    401: SetupRefused,
    402: AccountRefused,
    403: SetupRefused,
    408: AnswerLost,
    429: Throttled,
}
_MEANS = {
    OrderRefused: "the provider does not take this",
    AlreadyThere: "the account has sent a bot to this meeting already",
    NoSuchBot: "the provider knows no such bot",
    BotIsOver: "the provider says that the bot is done, or not yet so far",
    SetupRefused: "the provider does not take the hub's own API key (MEETINGBAAS_API_KEY) in this api_version, "
    "or is not at meetingbaas.base_url",
    AccountRefused: "the account at the provider may not: no tokens are left, or its cap is reached",
    Throttled: "the provider is asked too often",
    AnswerLost: "something went wrong at the provider, and it may have been done",
}


def refusal(reply: Reply, otherwise: type[ProviderProblem], quoted: Callable[[str], str]) -> ProviderProblem:
    """Return what an answer that says no means, with the provider's words as `quoted`; `otherwise` if nobody knows."""
    codes = reply.texts(*_CODES)
    words = quoted(next(iter(reply.texts("message", "error")), ""))
    kind = _kind(reply, otherwise)
    code = quoted(codes[0]) if codes else str(reply.status)
    return kind(_MEANS[kind], code=code, said=words, retry_after=reply.retry_after)


def is_busy(reply: Reply) -> bool:
    """Whether it may be asked again in a while: a cap that is reached is no rate, though the status is the same."""
    return reply.status == 429 and _known(reply) is Throttled


def _kind(reply: Reply, otherwise: type[ProviderProblem]) -> type[ProviderProblem]:
    if reply.status >= 500:
        return AnswerLost
    if reply.status < 400 or (reply.status in (404, 405) and otherwise is OrderRefused):
        return SetupRefused
    kind = _known(reply) or otherwise
    return AlreadyThere if kind is OrderRefused and reply.status == 409 else kind


def _known(reply: Reply) -> type[ProviderProblem] | None:
    """Return what a refusal means by its code, else by its status."""
    known = (_BY_CODE.get("".join(filter(str.isalpha, code.lower()))) for code in reply.texts(*_CODES))
    return next(filter(None, known), None) or _BY_STATUS.get(reply.status)
