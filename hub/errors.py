"""Everything the hub raises on purpose.

HubError
├── ConfigRefused          a configuration that cannot be served: names file, key and expectation
├── ProofRefused           a webhook whose sender could not be shown to be genuine
├── Unusable               a genuine webhook that says nothing the hub can use
│   └── NotJson            … because its bytes are not JSON
├── StorageUnavailable     the store did not answer, or not in time: ours to mend, the caller's to retry
│   └── Overloaded         more work is queued than the hub promises to hold
├── StorageRefused         the store may not be used: it is of a newer version, or cannot be read
│   └── StorageInUse       … because another hub holds it
├── Unanswered             a provider that was asked did not answer, or refused to
├── Gone                   a viewer whose connection took nothing for too long, or is closed
├── TokenRefused           a credential that is malformed, forged or expired
├── Unauthenticated        no credential, or none that the hub knows
├── Forbidden              the caller is known, and may not do this
├── CannotRedrive          a delivery that, as things are, cannot be read or verified once more
├── TooMany                the caller does something too often
├── BodyTooLarge           a body over the limit
├── PositionGone           a position that can no longer be resumed
├── Expired                something that was there and is no more
├── Conflict               what is asked for does not go with what is there
│   └── UnderWay           … yet: it is being done, and will be settled in a while
├── OtherOrder             an idempotency key that stands for another order already
├── NotConfigured          something that needs a setting which is not set
├── ProviderProblem        a provider did not do what it was asked to; says whose fault that is, and if to try again
│   ├── OrderRefused       … because of what the caller asked for
│   ├── AlreadyThere       … because the account has a bot in that meeting
│   ├── NoSuchBot          … because it knows no such bot
│   ├── BotIsOver          … because the bot is done
│   ├── SetupRefused       … because of how the hub is set up
│   ├── AccountRefused     … because of the account: no tokens left, a cap reached
│   ├── Throttled          … because it is asked too often
│   ├── Unreachable        … because it could not be reached: certainly nothing was done
│   └── AnswerLost         … or did, and the answer was lost
│       └── AnswerLate     … because it did not come in time
├── NotFound               nothing by that name, or nothing the caller may know of
└── BadRequest             a question that cannot be answered as it was asked
    └── ValueRefused       … because of a value that the store cannot hold

A few modules have one of their own, which never leaves its package.
"""


class HubError(Exception):
    """The root: catching it catches whatever the hub raised on purpose."""


class ConfigRefused(HubError):
    """The configuration cannot be served; the message names file, key and what was expected."""


class ProofRefused(HubError):
    """The request carries no valid proof; the message says what was wrong, without any secret."""


class Unusable(HubError):
    """The delivery is genuine but cannot be understood; it is kept as `dead` with this reason."""


class NotJson(Unusable):
    """The delivery is genuine but its body is not JSON."""


class StorageUnavailable(HubError):
    """The store did not take the work; nothing was promised, and it may be tried again."""


class Overloaded(StorageUnavailable):
    """A queue or a budget of the hub is full."""


class StorageRefused(HubError):
    """The store may not be used by this process; the message says why."""


class StorageInUse(StorageRefused):
    """Another hub holds the store, which serves only one."""


class Unanswered(HubError):
    """A provider did not answer what the hub asked; the message says which, why, and what to do about it."""


class Gone(HubError):
    """The connection took nothing for too long, or is closed."""


class TokenRefused(HubError):
    """A token is malformed, forged, expired or of the wrong kind."""


class Unauthenticated(HubError):
    """The request carries no credential, or none that the hub knows."""


class Forbidden(HubError):
    """The caller's credential does not permit this."""


class CannotRedrive(HubError):
    """What arrived cannot be read or verified once more; the message says why, and so what to mend."""


class TooMany(HubError):
    """The caller did this too often; it may try again after a while."""


class BodyTooLarge(HubError):
    """The body has more bytes than the hub takes."""


class PositionGone(HubError):
    """The position cannot be resumed.

    `reason` is `epoch_changed` or `history_trimmed`, as streams say it in `reset`.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the position cannot be resumed: {reason}")


class Expired(HubError):
    """Something that was to be had for a while only, and is no more; the message says until when."""


class Conflict(HubError):
    """What is asked for does not go with what is there; the message says what to do."""


class UnderWay(Conflict):
    """It is being done; what becomes of it will be known in a while."""


class OtherOrder(HubError):
    """An idempotency key was given before, with another order."""


class NotConfigured(HubError):
    """Something needs a setting that is not set; the message names it."""


class ProviderProblem(HubError):
    """A provider did not do what it was asked to.

    `code` and `said` are the provider's own, made harmless; `retry_after` is in seconds, where it told some.
    """

    # caller, hub (its set-up), account or provider
    fault = "provider"
    # Whether the very same may be asked again: it does no harm, and what is in the way may change by itself.
    retry = False
    # The launch that it happened to, if it did to one.
    launch_id = ""

    def __init__(self, message: str, *, code: str = "", said: str = "", retry_after: float | None = None) -> None:
        self.code = code
        self.said = said
        self.retry_after = retry_after
        super().__init__(message)


class OrderRefused(ProviderProblem):
    """The provider does not take what the caller asks for, such as the address of the meeting."""

    fault = "caller"


class AlreadyThere(ProviderProblem):
    """The account has a bot in that meeting already."""

    fault = "caller"


class NoSuchBot(ProviderProblem):
    """The provider knows no such bot."""

    fault = "caller"


class BotIsOver(ProviderProblem):
    """The bot is done, or not yet as far as what is asked of it."""

    fault = "caller"


class SetupRefused(ProviderProblem):
    """The provider does not know the hub's API key, or is not where the hub looks for it."""

    fault = "hub"


class AccountRefused(ProviderProblem):
    """The account may not: it has no tokens left, or reached a cap."""

    fault = "account"


class Throttled(ProviderProblem):
    """More was asked than the provider takes at a time; nothing was done."""

    fault = "account"
    retry = True


class Unreachable(ProviderProblem):
    """No connection came about; nothing was done."""

    retry = True


class AnswerLost(ProviderProblem):
    """It may have been done: the answer broke off, or says that something went wrong on the way."""


class AnswerLate(AnswerLost):
    """It may have been done: the answer did not come in time."""


class NotFound(HubError):
    """Nothing by that name, or nothing that the caller may know of."""


class BadRequest(HubError):
    """A parameter is missing, malformed or out of range; the message names it."""


class ValueRefused(BadRequest, ValueError):
    """A value that the store cannot hold: nothing can be kept with it, nor found by it."""
