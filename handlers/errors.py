"""From exception to answer: one table, RFC 9457 problem details."""

import math
from collections.abc import Mapping

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from hub.errors import (
    AccountRefused,
    AlreadyThere,
    AnswerLate,
    AnswerLost,
    BadRequest,
    BodyTooLarge,
    BotIsOver,
    CannotRedrive,
    Conflict,
    Expired,
    Forbidden,
    HubError,
    NoSuchBot,
    NotConfigured,
    NotFound,
    OrderRefused,
    OtherOrder,
    PositionGone,
    ProofRefused,
    ProviderProblem,
    SetupRefused,
    StorageUnavailable,
    Throttled,
    TokenRefused,
    TooMany,
    Unauthenticated,
    UnderWay,
    Unreachable,
)

# Exception -> (status, title). The most special class of an exception that is listed decides.
TABLE: Mapping[type[HubError], tuple[int, str]] = {
    BadRequest: (400, "The request cannot be answered as asked"),
    ProofRefused: (401, "No valid proof"),
    TokenRefused: (401, "The credential is not good"),
    Unauthenticated: (401, "A credential is needed"),
    Forbidden: (403, "Not permitted"),
    NotFound: (404, "Not found"),
    CannotRedrive: (409, "It cannot be redriven now"),
    Expired: (410, "No longer to be had"),
    PositionGone: (410, "The position cannot be resumed"),
    BodyTooLarge: (413, "The body is too large"),
    OtherOrder: (422, "The idempotency key stands for another order"),
    Conflict: (409, "It does not go with what is there"),
    NotConfigured: (503, "The hub is not set up for this"),
    ProviderProblem: (502, "The provider did not do it"),
    OrderRefused: (422, "The provider does not take what was asked for"),
    AlreadyThere: (409, "The provider has a bot in this meeting already"),
    NoSuchBot: (404, "The provider knows no such bot"),
    BotIsOver: (409, "The provider says that the bot is past that"),
    SetupRefused: (502, "The hub is not set up right at the provider"),
    AccountRefused: (402, "The account at the provider may not"),
    Throttled: (429, "The provider is asked too often"),
    Unreachable: (502, "The provider cannot be reached"),
    AnswerLost: (502, "Nobody knows what the provider did"),
    AnswerLate: (504, "The provider did not answer in time"),
    TooMany: (429, "Too many requests"),
    StorageUnavailable: (503, "The hub cannot take this now"),
}
_CHALLENGED = (TokenRefused, Unauthenticated)
_DEFECT = (500, "The hub made a mistake")
_RETRY_SECONDS = {429: "60", 503: "1"}

# How long a launch takes, as a rule.
_LAUNCH_SECONDS = "5"

log = structlog.get_logger()


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with problem details for whatever a handler raises."""
    try:
        return await handler(request)
    except HubError as problem:
        return problem_response(problem)
    except web.HTTPException as refusal:
        if refusal.status < 400:
            raise
        headers = {name: refusal.headers[name] for name in ("Allow",) if name in refusal.headers}
        return _response(refusal.status, refusal.reason, _said_of(refusal), headers)
    except TimeoutError:
        return _response(408, "The request did not arrive in time", "", {"Connection": "close"})
    except Exception:
        # The boundary of a request: whatever escaped is a defect, and is logged as one.
        log.exception("request.failed", method=request.method, route=_route(request))
        return _response(*_DEFECT, "It was logged.", {})


def _said_of(refusal: web.HTTPException) -> str:
    """Say what the server itself refused: no path, or no such method there."""
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        return f"this path takes {', '.join(sorted(refusal.allowed_methods))}"
    return "there is nothing at this path" if refusal.status == 404 else ""


def problem_response(problem: HubError) -> web.Response:
    """Return the answer for one of the hub's own exceptions."""
    status, title = next((TABLE[kind] for kind in type(problem).__mro__ if kind in TABLE), _DEFECT)
    headers = {"Retry-After": _RETRY_SECONDS[status]} if status in _RETRY_SECONDS else {}
    if isinstance(problem, NotConfigured):
        # It does not come by itself.
        headers = {}
    if isinstance(problem, UnderWay):
        headers = {"Retry-After": _LAUNCH_SECONDS}
    if isinstance(problem, ProviderProblem):
        return _response(status, title, str(problem), _waiting(problem), _fault(problem))
    if isinstance(problem, _CHALLENGED):
        headers["WWW-Authenticate"] = 'Bearer realm="hub"'
    return _response(status, title, str(problem), headers)


def _waiting(problem: ProviderProblem) -> dict[str, str]:
    # Clients repeat by themselves what has this header: where that might send a second bot, it has none.
    if problem.retry_after is None or not problem.retry:
        return {}
    return {"Retry-After": str(math.ceil(problem.retry_after))}


def _fault(problem: ProviderProblem) -> dict[str, object]:
    """Say on whose side it is, whether the same may be asked again, and what the provider said."""
    said = {"code": problem.code, "message": problem.said}
    launch = {"launch_id": problem.launch_id} if problem.launch_id else {}
    return {"fault": problem.fault, "retry": problem.retry, "provider": said, **launch}


def problem_answer(status: int, title: str, detail: str, more: Mapping[str, object]) -> web.Response:
    """Return problem details with further members."""
    return _response(status, title, detail, {}, more)


def _response(
    status: int, title: str, detail: str, headers: Mapping[str, str], more: Mapping[str, object] | None = None
) -> web.Response:
    body = {"type": "about:blank", "title": title, "status": status, **({"detail": detail} if detail else {})}
    body |= more or {}
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/problem+json", headers=dict(headers)
    )


def _route(request: web.Request) -> str:
    # The pattern, not the path: a path may hold a bot's key.
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""
