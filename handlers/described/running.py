"""Operations on what happens and arrives, on access, and on the hub itself."""

from collections.abc import Mapping

from handlers.described import messages
from handlers.described.documents import Time
from handlers.described.operation import (
    JSON,
    ONE_TOPIC,
    PAGED,
    PLACE,
    TEXT,
    TOPIC,
    Answer,
    Operation,
    Parameter,
    choice,
    listed,
    moment,
    one,
)
from handlers.tokens import Order
from hub.events import Verdict
from hub.ports import REFUSED

_LOG, _DELIVERIES = "The log and streams", "Deliveries"
_ACCESS, _HEALTH, _PAGE = "Access", "Health", "The page"

_FROM, _TO = moment("from", "From this time on."), moment("to", "Up to, but without, this time.")
_TOPICS = Parameter(
    "topic", "A topic to follow; all that the credential covers when none is given.", TOPIC, repeated=True
)
_STREAM = (
    _TOPICS,
    Parameter("last_event_id", "The position of the last event that was received, if no header says it."),
    Parameter("Last-Event-ID", "The position of the last event that was received.", TEXT, "header"),
    Parameter("reconnect", "A reconnect token: stands for the credential and the topics."),
    Parameter("snapshot", "`0` leaves out the state."),
)
_HTML = {"text/html": TEXT}

RUNNING: Mapping[str, Operation] = {
    "GET /api/stream": Operation(
        summary="The stream as server-sent events: docs/streams.md.",
        group=_LOG,
        scope="read",
        parameters=_STREAM,
        answers={
            200: Answer("Hello, the state, and then every event; it ends when it has to.", {"text/event-stream": {}})
        },
        stored=False,
    ),
    "GET /api/ws": Operation(
        summary="The stream over a WebSocket (subprotocol hub.v1): docs/streams.md.",
        group=_LOG,
        scope="read",
        parameters=_STREAM,
        answers={101: Answer("The connection is a WebSocket from now on.")},
        stored=False,
    ),
    "GET /api/events": Operation(
        summary="The log, oldest first.",
        group=_LOG,
        scope="read",
        parameters=(_TOPICS, Parameter("after", "A position: what came after it.", PLACE), PAGED[0]),
        answers={200: listed(messages.Event, "A page; `next` is a position.")},
        problems=(410,),
    ),
    "GET /api/topics/{topic}/viewers": Operation(
        summary="How many streams follow exactly a topic, over all processes.",
        group=_LOG,
        scope="read",
        answers={200: one(messages.Viewers)},
        problems=(400,),
    ),
    "GET /api/sources": Operation(
        summary="Where providers post, and what arrived there.",
        group=_DELIVERIES,
        scope="admin",
        parameters=(
            Parameter(
                "hours", "What arrived within so many.", {"type": "integer", "minimum": 1, "maximum": 168, "default": 1}
            ),
        ),
        answers={200: listed(messages.Source, since=Time, waiting=messages.Waiting, unhandled=messages.Waiting)},
    ),
    "GET /api/deliveries": Operation(
        summary="What arrived, the newest first.",
        group=_DELIVERIES,
        scope="admin",
        parameters=(
            Parameter("source", "Only what came by this source."),
            choice("verdict", "Only what this became of.", "", *Verdict, REFUSED),
            Parameter("subject", "Only what tells of this bot or room, a topic.", ONE_TOPIC),
            _FROM,
            _TO,
            *PAGED,
        ),
        answers={200: listed(messages.DeliveryItem)},
    ),
    "GET /api/deliveries/{id}": Operation(
        summary="What arrived, with headers (redacted), bytes, and the events that it became.",
        group=_DELIVERIES,
        scope="admin",
        answers={200: one(messages.Delivery)},
    ),
    "POST /api/deliveries/{id}/redrive": Operation(
        summary="Read what is dead, or verify what was refused, once more.",
        group=_DELIVERIES,
        scope="admin",
        parameters=(choice("dry_run", "`1`: only say what would become of it.", "0", "1"),),
        answers={200: one(messages.Redriven, "What became of it.")},
        problems=(409,),
    ),
    "GET /api/access": Operation(
        summary="What the credential permits.",
        group=_ACCESS,
        scope="any",
        answers={200: Answer("What it permits.", {JSON: messages.Access})},
        stored=False,
    ),
    "POST /api/tokens": Operation(
        summary="A token for some topics, for a while; with a token, for some of what that permits.",
        group=_ACCESS,
        scope="any",
        body={JSON: Order},
        answers={201: Answer("The token.", {JSON: messages.Token})},
        stored=False,
    ),
    "GET /healthz": Operation(
        summary="Whether the process answers.",
        group=_HEALTH,
        answers={200: Answer("It does.", {JSON: messages.Alive})},
        stored=False,
    ),
    "GET /readyz": Operation(
        summary="Whether the process takes traffic, and what does not work.",
        group=_HEALTH,
        answers={
            200: Answer("It does.", {JSON: messages.Ready}),
            503: Answer("It is starting, or stopping.", {JSON: messages.Ready}),
        },
        stored=False,
    ),
    "GET /metrics": Operation(
        summary="What the process counts, for Prometheus: docs/metrics.md.",
        group=_HEALTH,
        answers={200: Answer("Prometheus' text format.", {"text/plain": TEXT})},
        stored=False,
    ),
    "GET /openapi.json": Operation(
        summary="This description.",
        group=_HEALTH,
        answers={200: Answer("OpenAPI 3.1.", {JSON: {"type": "object"}})},
        stored=False,
    ),
    "GET /": Operation(
        summary="The dashboard; with a token it becomes the page's cookie.",
        group=_PAGE,
        parameters=(Parameter("token", "A token to log in with."),),
        answers={
            200: Answer("The page.", _HTML),
            303: Answer("To the page, with the cookie; or with `?login=refused`.", headers={"Location": "The page."}),
        },
        stored=False,
    ),
    "GET /static/{name}": Operation(
        summary="A file of the page, or hub.js.",
        group=_PAGE,
        answers={200: Answer("The file.", {"*/*": TEXT})},
        stored=False,
    ),
}
