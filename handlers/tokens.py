"""Access tokens for browsers and other parties: some of what their maker may do, for a while."""

from typing import Annotated

import msgspec
import structlog
from aiohttp import web
from msgspec import Meta

from handlers.access import SCOPES
from handlers.answers import answer, asked
from handlers.described.operation import TOPIC
from handlers.parts import ACCESS
from handlers.viewing import TOPIC_LIMIT
from hub.errors import BadRequest
from hub.events import NAME_LIMIT, format_time
from hub.redaction import meant_topic
from hub.tokens import LONGEST_SECONDS

log = structlog.get_logger()


def _said(**limits: object) -> Meta:
    """Return what the description says of a field; refusals say it in words of their own."""
    return Meta(extra_json_schema=limits)


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a token shall permit, for how many seconds, and what its holder is called."""

    topics: Annotated[
        tuple[Annotated[str, Meta(extra_json_schema=TOPIC)], ...], _said(minItems=1, maxItems=TOPIC_LIMIT)
    ]
    ttl: Annotated[int, _said(minimum=1, maximum=LONGEST_SECONDS, description="Seconds.")] = 3600
    scope: Annotated[tuple[Annotated[str, _said(enum=sorted(SCOPES))], ...], _said(minItems=1)] = ("read",)
    name: Annotated[str, _said(maxLength=NAME_LIMIT)] = ""


async def mint(request: web.Request) -> web.Response:
    """`POST /api/tokens {topics, ttl?, scope?, name?}` → 201 `{token, expires_at, topics, scope, name}`.

    A token makes tokens for some of what it permits itself, which end when it does at the latest.
    """
    access = request.app[ACCESS]
    caller = access.caller(request)
    order = _order(await asked(request))
    claims = caller.sharing(frozenset(order.topics), frozenset(order.scope), access.seconds() + order.ttl, order.name)
    expires_at = format_time(claims.exp * 1000)
    log.info("token.made", scope=" ".join(claims.scope), topics=len(claims.topics), expires=expires_at)
    said = {
        "token": access.mint(claims),
        "expires_at": expires_at,
        "topics": claims.topics,
        "scope": claims.scope,
        "name": claims.name or None,
    }
    return answer(said, None, 201)


async def access(request: web.Request) -> web.Response:
    """`GET /api/access`: what the credential of the request permits, `{scopes, topics, expires_at, name}`."""
    caller = request.app[ACCESS].caller(request)
    said = {
        "scopes": sorted(caller.scopes),
        "topics": sorted(caller.topics),
        "expires_at": None if caller.expires_at is None else format_time(caller.expires_at * 1000),
        "name": caller.name or None,
    }
    return answer(said, None)


def _order(said: dict[str, object]) -> Order:
    try:
        order = msgspec.convert(said, Order)
    except msgspec.ValidationError as problem:
        raise BadRequest(f"the body: {problem}") from None
    if not 1 <= len(order.topics) <= TOPIC_LIMIT:
        raise BadRequest(f"topics: expected 1 to {TOPIC_LIMIT}")
    topics = tuple(map(meant_topic, order.topics))
    if not 1 <= order.ttl <= LONGEST_SECONDS:
        raise BadRequest(f"ttl: expected 1 to {LONGEST_SECONDS} seconds")
    if not order.scope or not SCOPES.issuperset(order.scope):
        raise BadRequest(f"scope: expected some of {', '.join(sorted(SCOPES))}")
    if len(order.name) > NAME_LIMIT:
        raise BadRequest(f"name: expected at most {NAME_LIMIT} characters")
    return msgspec.structs.replace(order, topics=topics)
