"""Viewers, whichever transport they come by: what they ask for, whether there is room, and how they are served."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator

import msgspec
import structlog
from aiohttp import web

from handlers.access import Caller
from handlers.addresses import client_address
from handlers.connections import SocketConnection
from handlers.parts import ACCESS, ADMISSION, DESK, FANOUT, SETTINGS
from hub.desk import Grant, Wish, with_state
from hub.errors import BadRequest, Forbidden, Gone, StorageUnavailable
from hub.events import DELIVERIES, Position, covers
from hub.redaction import meant_topic
from hub.subscriber import Subscriber

TOPIC_LIMIT = 100

log = structlog.get_logger()


class Opening(msgspec.Struct, frozen=True):
    """What somebody asks for who opens a stream, and may have."""

    caller: Caller
    grant: Grant
    wish: Wish


def opening(request: web.Request) -> Opening:
    """Read who opens a stream, of what, and from where on.

    `Last-Event-ID` (or `?last_event_id=`) is a position, `?reconnect=` stands for the credential and the topics,
    `?snapshot=0` leaves out the state. Raises Unauthenticated, TokenRefused, Forbidden and BadRequest.
    """
    caller = _caller(request)
    asked = permitted(caller, _asked(request, caller))
    # What arrives is shown as it arrives: there is no state of it, and nothing to resume.
    wish = _wish(request) if with_state(asked) or not asked else Wish(snapshot=False)
    return Opening(caller, Grant.of(asked, caller.topics, caller.expires_at, caller.name), wish)


def parse_topics(texts: Iterable[str]) -> frozenset[str]:
    """Return topics that can be followed. Raises BadRequest."""
    return limited(frozenset(text if text == DELIVERIES else meant_topic(text) for text in texts))


def limited(topics: frozenset[str]) -> frozenset[str]:
    """Return topics of one stream. Raises BadRequest when they are too many."""
    if len(topics) > TOPIC_LIMIT:
        raise BadRequest(f"topic: at most {TOPIC_LIMIT} in one stream")
    return topics


def permitted(caller: Caller, topics: frozenset[str]) -> frozenset[str]:
    """Return topics that a caller may follow, all of them; raise Forbidden if there is one that it may not."""
    # A reconnect token holds this topic only if whoever got it was permitted to follow it.
    if DELIVERIES in topics and DELIVERIES not in (caller.follows or ()):
        caller.demand_everything()
    caller.narrowed(with_state(topics))
    return topics


@contextlib.contextmanager
def seated(request: web.Request, connection: SocketConnection, opened: Opening) -> Iterator[Subscriber]:
    """Let a viewer be there for the length of the block, if only to be told that there is no room for it."""
    viewer = Subscriber(request.app[DESK], connection, opened.grant)
    admission, fanout = request.app[ADMISSION], request.app[FANOUT]
    address = client_address(request, request.app[SETTINGS].server.trusted_proxies)
    limit = admission.enter(address)
    fanout.attach(viewer)
    try:
        if limit:
            log.warning("viewer.refused", limit=limit, address=address)
            viewer.end("overloaded")
        yield viewer
    except asyncio.CancelledError:
        # Its connection is lost. Who leaves has read what there was; else the system may have given it up before us.
        if connection.is_behind():
            _note_gone(request, viewer, "the connection was lost while it was behind")
        raise
    finally:
        if connection.has_stalled:
            request.app[DESK].counts.drop("viewer", "stalled")
        fanout.detach(viewer)
        admission.leave(address)


async def serve(request: web.Request, viewer: Subscriber, wish: Wish) -> None:
    """Serve a viewer until it goes, or is told to; who just leaves is no line of the log."""
    try:
        await viewer.serve(wish, request.app[FANOUT].join)
    except Gone as gone:
        _note_gone(request, viewer, str(gone))
    except StorageUnavailable as problem:
        # The client shall come back, and EventSource comes back only from a 200 that ended.
        log.warning("viewer.unserved", problem=str(problem))
        viewer.end("overloaded")
        viewer.say_goodbye()


def _note_gone(request: web.Request, viewer: Subscriber, reason: str) -> None:
    address = client_address(request, request.app[SETTINGS].server.trusted_proxies)
    log.info("viewer.gone", reason=reason, address=address, transport=viewer.connection.form.transport)


def _caller(request: web.Request) -> Caller:
    access, token = request.app[ACCESS], request.query.get("reconnect")
    caller = access.caller(request) if token is None else access.reconnecting(token)
    caller.demand("read")
    return caller


def _asked(request: web.Request, caller: Caller) -> frozenset[str]:
    topics = parse_topics(request.query.getall("topic", []))
    if caller.follows is None:
        return topics or caller.topics
    # A reconnect token opens what it was given for; more can be followed over a WebSocket, once it is open.
    if not all(covers(caller.follows, topic) for topic in topics):
        raise Forbidden("the reconnect token was given for other topics")
    return topics or caller.follows


def _wish(request: web.Request) -> Wish:
    text = request.headers.get("Last-Event-ID") or request.query.get("last_event_id", "")
    position = Position.parse(text) if text else None
    return Wish(position, lost=bool(text) and position is None, snapshot=request.query.get("snapshot") != "0")
