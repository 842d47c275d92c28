"""Access tokens for browsers and other parties: some of what their maker may do, for a while."""

import msgspec
import orjson
from aiohttp import web

from handlers.access import SCOPES
from handlers.answers import asked
from handlers.parts import ACCESS
from handlers.viewing import TOPIC_LIMIT
from hub.errors import BadRequest
from hub.events import NAME_LIMIT, format_time, parse_topic
from hub.tokens import LONGEST_SECONDS


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a token shall permit, for how many seconds, and what its holder is called."""

    topics: tuple[str, ...]
    ttl: int = 3600
    scope: tuple[str, ...] = ("read",)
    name: str = ""


async def mint(request: web.Request) -> web.Response:
    """`POST /api/tokens {topics, ttl?, scope?, name?}` → 201 `{token, expires_at, topics, scope, name}`.

    A token makes tokens for some of what it permits itself, which end when it does at the latest.
    """
    access = request.app[ACCESS]
    caller = access.caller(request)
    order = _order(await asked(request))
    claims = caller.sharing(frozenset(order.topics), frozenset(order.scope), access.seconds() + order.ttl, order.name)
    said = {
        "token": access.mint(claims),
        "expires_at": format_time(claims.exp * 1000),
        "topics": claims.topics,
        "scope": claims.scope,
        "name": claims.name or None,
    }
    return web.Response(
        status=201, body=orjson.dumps(said), content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _order(said: dict[str, object]) -> Order:
    try:
        order = msgspec.convert(said, Order)
    except msgspec.ValidationError as problem:
        raise BadRequest(f"the body: {problem}") from None
    if not 1 <= len(order.topics) <= TOPIC_LIMIT:
        raise BadRequest(f"topics: expected 1 to {TOPIC_LIMIT}")
    for topic in order.topics:
        parse_topic(topic)
    if not 1 <= order.ttl <= LONGEST_SECONDS:
        raise BadRequest(f"ttl: expected 1 to {LONGEST_SECONDS} seconds")
    if not order.scope or not SCOPES.issuperset(order.scope):
        raise BadRequest(f"scope: expected some of {', '.join(sorted(SCOPES))}")
    if len(order.name) > NAME_LIMIT:
        raise BadRequest(f"name: expected at most {NAME_LIMIT} characters")
    return order
