"""The places where providers post: whether anything comes, and what to do when nothing does."""

from collections.abc import Mapping

from aiohttp import web

from handlers.answers import answer
from handlers.parts import ACCESS, INGEST, NOW, OVERVIEW, SETTINGS
from handlers.providers.registry import PROVIDERS
from handlers.watching import base_url
from hub.errors import BadRequest
from hub.events import format_time
from hub.ingest import Ingest
from hub.ports import Flow, Traffic
from hub.settings import Settings, Source

_LONGEST_HOURS = 168


async def sources(request: web.Request) -> web.Response:
    """`GET /api/sources (?hours=1…168)`: every configured source, with what arrived by it."""
    request.app[ACCESS].caller(request).demand_everything()
    hours, settings = _hours(request), request.app[SETTINGS]
    names = tuple(source.name for source in _configured(settings))
    traffic = await request.app[OVERVIEW].traffic(names, hours, request.app[NOW]())
    base = base_url(request)
    flows = {flow.source: flow for flow in traffic.flows}
    items = [_item(settings, source, flows[source.name], base) for source in _configured(settings)]
    said = {
        "items": items,
        "next": None,
        "since": format_time(traffic.since),
        "waiting": _waiting(request.app[INGEST]),
        "unhandled": _unhandled(traffic),
    }
    return answer(said, traffic.position)


def _configured(settings: Settings) -> tuple[Source, ...]:
    return settings.sources + settings.off


def _item(settings: Settings, source: Source, flow: Flow, base: str) -> Mapping[str, object]:
    return {
        "name": source.name,
        "provider": source.provider,
        "path": source.path,
        "url": base + source.path,
        "proof": source.proof,
        "is_on": source not in settings.off,
        "last_seen": format_time(flow.last_seen),
        "per_minute": flow.per_minute,
        "received": flow.received,
        "duplicates": flow.duplicates,
        "dead": flow.dead,
        "refused": flow.refused,
        "reasons": [
            {"verdict": one.verdict, "reason": one.text, "count": one.count, "delivery": one.latest}
            for one in flow.reasons
        ],
        "test": _test(settings, source),
    }


def _test(settings: Settings, source: Source) -> str:
    """Return the command that sends a test event; the source is named where it is not the provider's first."""
    first = next(one for one in _configured(settings) if one.provider == source.provider)
    named = "" if first == source else f" --source {source.name}"
    return f"hub send {source.provider} {PROVIDERS[source.provider].tried_with}{named}"


def _waiting(ingest: Ingest) -> Mapping[str, object]:
    return {"count": ingest.waiting + ingest.spooled, "oldest": format_time(ingest.oldest)}


def _unhandled(traffic: Traffic) -> Mapping[str, object]:
    return {"count": traffic.unhandled.count, "oldest": format_time(traffic.unhandled.oldest)}


def _hours(request: web.Request) -> int:
    text = request.query.get("hours", "1")
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= _LONGEST_HOURS):
        raise BadRequest(f"hours: expected 1 to {_LONGEST_HOURS}")
    return int(text)
