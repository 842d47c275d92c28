"""What arrived: lists of it, and one of it whole."""

import base64

import orjson
from aiohttp import web

from handlers.answers import after_of, answer, cursor_of, limit_of, listed, moment_of, words_of
from handlers.parts import ACCESS, STORE
from handlers.providers.keeping import shown_headers
from hub.errors import BadRequest, NotFound
from hub.events import Delivery, Event, Verdict, format_time
from hub.ports import REFUSED, ArrivalQuery, Arrived, Kept, Refusal
from hub.redaction import meant_topic

_VERDICTS = (Verdict.ACCEPTED.value, Verdict.DEAD.value, REFUSED)


async def deliveries(request: web.Request) -> web.Response:
    """`GET /api/deliveries (?source= &verdict=accepted|dead|refused &subject=<topic> &from= &to=)`, newest first."""
    request.app[ACCESS].caller(request).demand_everything()
    after = after_of(request, "deliveries")
    query = ArrivalQuery(
        source=words_of(request, "source"),
        verdict=_verdict(request),
        subject=_subject(request),
        since=moment_of(request, "from"),
        until=moment_of(request, "to"),
        after=(int(after[0]), after[1]) if after else None,
        limit=limit_of(request),
    )
    found = await request.app[STORE].arrivals(query)
    last = found.items[-1] if len(found.items) == query.limit else None
    following = cursor_of("deliveries", last.received_at, last.id) if last else None
    return listed([_item(one) for one in found.items], following, found.position)


async def delivery(request: web.Request) -> web.Response:
    """`GET /api/deliveries/{id}`: with headers (redacted), body and the events that it became."""
    request.app[ACCESS].caller(request).demand_everything()
    kept = await kept_of(request)
    original = kept.original
    said = {**_item(kept.arrived), "events": [_event(one, kept.position.epoch) for one in kept.events]}
    if isinstance(original, Refusal):
        said |= {"address": original.address, "body_sha256": original.digest}
    return answer({**said, "headers": _headers(original), **_body(original.body)}, kept.position)


async def kept_of(request: web.Request) -> Kept:
    """Return what arrived by the `{id}` of a request. Raises NotFound."""
    kept = await request.app[STORE].arrival(request.match_info["id"])
    if kept is None:
        raise NotFound("there is no delivery by this id")
    return kept


def _item(arrived: Arrived) -> dict[str, object]:
    told_at = arrived.event_time
    return {
        "id": arrived.id,
        "source": arrived.source,
        "provider_type": arrived.provider_type or None,
        "verdict": arrived.verdict,
        "reason": arrived.reason or None,
        "received_at": format_time(arrived.received_at),
        "event_time": format_time(told_at),
        # Seconds between what happened and its arrival.
        "late": None if told_at is None else (arrived.received_at - told_at) / 1000,
        "copies": arrived.copies,
        "last_copy_at": format_time(arrived.last_copy_at),
        "events": arrived.events,
        "size": arrived.size,
    }


def _event(event: Event, epoch: str) -> dict[str, object]:
    said = orjson.loads(event.body)
    return {"id": f"{epoch}.{event.sequence}", **{name: said.get(name) for name in ("type", "subject", "time")}}


def _headers(original: Delivery | Refusal) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in shown_headers(original.headers):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _body(body: bytes | None) -> dict[str, object]:
    if body is None:
        return {"body": None}
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _verdict(request: web.Request) -> str:
    verdict = request.query.get("verdict", "")
    if verdict and verdict not in _VERDICTS:
        raise BadRequest(f"verdict: expected {', '.join(_VERDICTS)}")
    return verdict


def _subject(request: web.Request) -> str:
    asked = request.query.get("subject", "")
    subject = meant_topic(asked) if asked else ""
    if asked and "/" not in subject:
        raise BadRequest("subject: expected <collection>/<id>")
    return subject
