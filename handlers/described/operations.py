"""Every operation of the API by method and path: the one place that says what a route takes and answers.

Whoever adds a route adds an entry here, and runs `make docs`; tests hold routes, entries and docs/api.md together.
"""

from collections.abc import Mapping

from handlers.described import documents as shapes
from handlers.described.operation import (
    JSON,
    PAGED,
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
from hub.usage import Grouping

_BOTS, _ROOMS, _PLANS = "Bots", "Rooms", "Schedules and usage"
_RECORDINGS, _LOG, _DELIVERIES = "Recordings", "The log and streams", "Deliveries"
_ACCESS, _HEALTH, _PAGE = "Access", "Health", "The page"

_STATUS = Parameter("status", "Only what has this status.")
_PROVIDER = Parameter("provider", "Only what this provider tells of.")
_ROOM_ID = Parameter("room_id", "Only of the room that the provider calls so.")
_FROM, _TO = moment("from", "From this time on."), moment("to", "Up to, but without, this time.")
_ARTIFACT = Parameter("artifact", "Which file, by name; the first when nothing is said.")
_ERASE = Parameter("erase", "That it is meant: `1`.", {"type": "string", "enum": ["1"]}, required=True)
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
_REDIRECT = {302: Answer("To the provider's file.", headers={"Location": "Where the file is; good for a while."})}
_DELETED = Answer("It is done.", headers={"Hub-Position": "The position of the log afterwards."})
_HTML = {"text/html": TEXT}

OPERATIONS: Mapping[str, Operation] = {
    "GET /api/bots": Operation(
        summary="Bots, the newest first.",
        group=_BOTS,
        scope="read",
        parameters=(_STATUS, _PROVIDER, *PAGED),
        answers={200: listed(shapes.Bot)},
    ),
    "GET /api/bots/{id}": Operation(summary="A bot.", group=_BOTS, scope="read", answers={200: one(shapes.Bot)}),
    "DELETE /api/bots/{id}": Operation(
        summary="Erase all that is known of a bot.",
        group=_BOTS,
        scope="admin",
        parameters=(_ERASE,),
        answers={200: one(shapes.Erased, "It is erased.")},
    ),
    "GET /api/bots/{id}/transcript": Operation(
        summary="The segments of a bot's transcript in the order of speech, and its files.",
        group=_BOTS,
        scope="read",
        parameters=PAGED,
        answers={
            200: listed(
                shapes.Segment,
                bot=str,
                status=str | None,
                artifacts=list[shapes.Artifact],
            )
        },
    ),
    "GET /api/bots/{id}/transcript/content": Operation(
        summary="A redirect to a file of a bot's transcript.",
        group=_BOTS,
        scope="read",
        parameters=(_ARTIFACT,),
        answers=_REDIRECT,
        problems=(410,),
    ),
    "GET /api/rooms": Operation(
        summary="Room sessions, the newest first.",
        group=_ROOMS,
        scope="read",
        parameters=(
            _STATUS,
            _PROVIDER,
            Parameter("name", "Only rooms of this name."),
            _ROOM_ID,
            choice("sort", "By something else than the beginning.", "", "trending", "last_active"),
            *PAGED,
        ),
        answers={200: listed(shapes.Room)},
    ),
    "GET /api/rooms/{id}": Operation(
        summary="A session; of a durable room the session that goes on, else the last one.",
        group=_ROOMS,
        scope="read",
        answers={200: one(shapes.Room)},
    ),
    "PATCH /api/rooms/{id}": Operation(
        summary="Feature a durable room, or do so no more; also before anybody met in it.",
        group=_ROOMS,
        scope="launch",
        body={JSON: shapes.FeatureRoom},
        answers={200: one((shapes.Room, shapes.DurableRoom), "As it is then.")},
    ),
    "DELETE /api/rooms/{id}": Operation(
        summary="Erase all that is known of a session, or of a durable room with its sessions and schedules.",
        group=_ROOMS,
        scope="admin",
        parameters=(_ERASE,),
        answers={200: one(shapes.Erased, "It is erased.")},
    ),
    "GET /api/rooms/{id}/participants": Operation(
        summary="Who was in a room, visit by visit or user by user; also as a spreadsheet.",
        group=_ROOMS,
        scope="read",
        parameters=(
            choice("by", "`user`: one entry for each user.", "", "user"),
            choice("format", "What to answer with, whatever `Accept` says.", "", "json", "csv"),
            *PAGED,
        ),
        answers={
            200: Answer(
                "A page of the list; a spreadsheet has all of it.",
                {**listed((shapes.Participant, shapes.Attendee)).content, "text/csv": TEXT},
            )
        },
    ),
    "GET /api/schedules": Operation(
        summary="Planned meetings, the latest first.",
        group=_PLANS,
        scope="read",
        parameters=(_STATUS, _PROVIDER, _ROOM_ID, _FROM, _TO, *PAGED),
        answers={200: listed(shapes.ScheduleItem)},
    ),
    "POST /api/schedules": Operation(
        summary="Plan a meeting.",
        group=_PLANS,
        scope="launch",
        body={JSON: shapes.SchedulePlan},
        answers={201: Answer("It is planned.", {JSON: shapes.Schedule}, {"Location": "Where it can be read."})},
    ),
    "GET /api/schedules/{id}": Operation(
        summary="A plan, how far it is, and everybody's attendance.",
        group=_PLANS,
        scope="read",
        answers={200: one(shapes.Schedule)},
    ),
    "PATCH /api/schedules/{id}": Operation(
        summary="Change a plan.",
        group=_PLANS,
        scope="launch",
        body={JSON: shapes.ScheduleChange},
        answers={200: one(shapes.Schedule)},
    ),
    "DELETE /api/schedules/{id}": Operation(
        summary="Cancel a plan.", group=_PLANS, scope="launch", answers={204: _DELETED}
    ),
    "GET /api/usage": Operation(
        summary="Meetings, participant minutes and cost; of the last 30 days when nothing is said.",
        group=_PLANS,
        scope="read",
        parameters=(_FROM, _TO, choice("group_by", "How it is grouped.", *Grouping)),
        answers={
            200: listed(
                shapes.UsageItem,
                "The groups, and all of them together.",
                total=shapes.UsageTotal,
                group_by=Grouping,
                **{"from": shapes.Time, "to": shapes.Time},
            )
        },
    ),
    "GET /api/recordings": Operation(
        summary="What was captured of rooms and by bots, the newest first.",
        group=_RECORDINGS,
        scope="read",
        parameters=(
            _STATUS,
            _PROVIDER,
            Parameter("room", "Only those of a room, the oldest first."),
            Parameter("bot", "Only those of a bot, the oldest first."),
            *PAGED,
        ),
        answers={200: listed(shapes.Recording)},
    ),
    "GET /api/recordings/{id}": Operation(
        summary="A recording, also by the other id that its provider has for it.",
        group=_RECORDINGS,
        scope="read",
        answers={200: one(shapes.Recording)},
    ),
    "GET /api/recordings/{id}/content": Operation(
        summary="A redirect to a file of a recording.",
        group=_RECORDINGS,
        scope="read",
        parameters=(_ARTIFACT,),
        answers=_REDIRECT,
        problems=(410,),
    ),
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
        parameters=(_TOPICS, Parameter("after", "A position: what came after it."), PAGED[0]),
        answers={200: listed(shapes.Event, "A page; `next` is a position.")},
        problems=(410,),
    ),
    "GET /api/topics/{topic}/viewers": Operation(
        summary="How many streams follow exactly a topic, over all processes.",
        group=_LOG,
        scope="read",
        answers={200: one(shapes.Viewers)},
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
        answers={200: listed(shapes.Source, since=shapes.Time, waiting=shapes.Waiting, unhandled=shapes.Waiting)},
    ),
    "GET /api/deliveries": Operation(
        summary="What arrived, the newest first.",
        group=_DELIVERIES,
        scope="admin",
        parameters=(
            Parameter("source", "Only what came by this source."),
            choice("verdict", "Only what this became of.", "", *Verdict, REFUSED),
            Parameter("subject", "Only what tells of this bot or room, a topic."),
            _FROM,
            _TO,
            *PAGED,
        ),
        answers={200: listed(shapes.DeliveryItem)},
    ),
    "GET /api/deliveries/{id}": Operation(
        summary="What arrived, with headers (redacted), bytes, and the events that it became.",
        group=_DELIVERIES,
        scope="admin",
        answers={200: one(shapes.Delivery)},
    ),
    "POST /api/deliveries/{id}/redrive": Operation(
        summary="Read what is dead, or verify what was refused, once more.",
        group=_DELIVERIES,
        scope="admin",
        parameters=(choice("dry_run", "`1`: only say what would become of it.", "0", "1"),),
        answers={200: one(shapes.Redriven, "What became of it.")},
        problems=(409,),
    ),
    "GET /api/access": Operation(
        summary="What the credential permits.",
        group=_ACCESS,
        scope="any",
        answers={200: Answer("What it permits.", {JSON: shapes.Access})},
        stored=False,
    ),
    "POST /api/tokens": Operation(
        summary="A token for some topics, for a while; with a token, for some of what that permits.",
        group=_ACCESS,
        scope="any",
        body={JSON: Order},
        answers={201: Answer("The token.", {JSON: shapes.Token})},
        stored=False,
    ),
    "GET /healthz": Operation(
        summary="Whether the process answers.",
        group=_HEALTH,
        answers={200: Answer("It does.", {JSON: shapes.Alive})},
        stored=False,
    ),
    "GET /readyz": Operation(
        summary="Whether the process takes traffic, and what does not work.",
        group=_HEALTH,
        answers={
            200: Answer("It does.", {JSON: shapes.Ready}),
            503: Answer("It is starting, or stopping.", {JSON: shapes.Ready}),
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
