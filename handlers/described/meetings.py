"""Operations on the state: bots, rooms, plans, recordings."""

from collections.abc import Mapping

from handlers.described import documents, messages, orders
from handlers.described.operation import (
    ID,
    JSON,
    PAGED,
    POSITION,
    TEXT,
    Answer,
    Operation,
    Parameter,
    choice,
    listed,
    moment,
    one,
)
from hub.usage import Grouping

_BOTS, _ROOMS, _PLANS, _RECORDINGS = "Bots", "Rooms", "Schedules and usage", "Recordings"

_STATUS = Parameter("status", "Only what has this status.")
_PROVIDER = Parameter("provider", "Only what this provider tells of.")
_ROOM_ID = Parameter("room_id", "Only of the room that the provider calls so.")
_FROM, _TO = moment("from", "From this time on."), moment("to", "Up to, but without, this time.")
_ARTIFACT = Parameter("artifact", "Which file, by name; the first when nothing is said.")
_ERASE = Parameter("erase", "That it is meant: `1`.", {"type": "string", "enum": ["1"]}, required=True)
_ORDER_KEY = Parameter(
    "Idempotency-Key",
    "Names the order: the same key, the same bot.",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "header",
)
_REDIRECT = {
    302: Answer("To the provider's file.", headers={"Location": "Where the file is; good for a while.", **POSITION})
}
_DELETED = Answer("It is done.", headers={"Hub-Position": "The position of the log afterwards."})

MEETINGS: Mapping[str, Operation] = {
    "GET /api/bots": Operation(
        summary="Bots, the newest first.",
        group=_BOTS,
        scope="read",
        parameters=(_STATUS, _PROVIDER, *PAGED),
        answers={200: listed(documents.Bot)},
    ),
    "POST /api/bots": Operation(
        summary="Send a bot to a meeting, never two for one `Idempotency-Key`.",
        group=_BOTS,
        scope="launch",
        parameters=(_ORDER_KEY,),
        body={JSON: orders.LaunchOrder},
        answers={
            201: Answer(
                "It is on its way.", {JSON: messages.Launched}, {"Location": "Where it can be read.", **POSITION}
            ),
            200: one(messages.Launched, "What was launched before by this key."),
        },
        problems=(402, 409, 410, 422, 429, 502, 504),
    ),
    "POST /api/bots/webhooks": Operation(
        summary="A webhook for one bot that somebody else launches.",
        group=_BOTS,
        scope="launch",
        body={JSON: orders.WebhookOrder},
        answers={201: Answer("The webhook.", {JSON: messages.BotWebhook}, POSITION)},
        problems=(409,),
    ),
    "GET /api/bots/{id}": Operation(
        summary="A bot, also by the id of its launch.",
        group=_BOTS,
        scope="read",
        answers={200: one(documents.BotInFull)},
    ),
    "PATCH /api/bots/{id}": Operation(
        summary="Say which bot an `unknown` launch became, or that there is none (scope `read` too).",
        group=_BOTS,
        scope="launch",
        body={JSON: orders.SettledLaunch},
        answers={200: one(documents.Bot)},
        problems=(402, 409, 422, 429, 502, 504),
    ),
    "DELETE /api/bots/{id}": Operation(
        summary="Ask a bot to leave; with `erase` take away what is known of it instead (scope `admin`).",
        group=_BOTS,
        scope="launch",
        parameters=(Parameter("erase", "`1`: erase it, and leave it where it is.", {"type": "string", "enum": ["1"]}),),
        answers={
            200: one(messages.Erased, "It is erased."),
            202: one((messages.Leaving, messages.LeavingInBrief), "It was asked to leave."),
        },
        problems=(402, 409, 422, 429, 502, 504),
    ),
    "GET /api/bots/{id}/transcript": Operation(
        summary="The segments of a bot's transcript in the order of speech, and its files.",
        group=_BOTS,
        scope="read",
        parameters=PAGED,
        answers={
            200: listed(
                documents.Segment,
                bot=str,
                status=str | None,
                artifacts=list[documents.Artifact],
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
        answers={200: listed(documents.Room)},
    ),
    "GET /api/rooms/{id}": Operation(
        summary="A session; of a durable room the session that goes on, else the last one.",
        group=_ROOMS,
        scope="read",
        answers={200: one(documents.Room)},
    ),
    "PATCH /api/rooms/{id}": Operation(
        summary="Feature a durable room, or do so no more; also before anybody met in it.",
        group=_ROOMS,
        scope="launch",
        body={JSON: orders.FeatureRoom},
        answers={200: one((documents.Room, documents.DurableRoom), "As it is then.")},
    ),
    "DELETE /api/rooms/{id}": Operation(
        summary="Erase all that is known of a session, or of a durable room with its sessions and schedules.",
        group=_ROOMS,
        scope="admin",
        parameters=(_ERASE,),
        answers={200: one(messages.Erased, "It is erased.")},
    ),
    "GET /api/rooms/{id}/participants": Operation(
        summary="Who was in a room, visit by visit or user by user; also as a spreadsheet.",
        group=_ROOMS,
        scope="read",
        parameters=(
            choice("stays", "`1`: when each stay of a visit began and ended, too.", "0", "1"),
            choice("by", "`user`: one entry for each user.", "", "user"),
            choice(
                "bom", "`1`: a spreadsheet begins with a byte order mark, by which Excel reads it as UTF-8.", "0", "1"
            ),
            choice("format", "What to answer with, whatever `Accept` says.", "", "json", "csv"),
            *PAGED,
        ),
        answers={
            200: Answer(
                "A page of the list; a spreadsheet has all of it.",
                {**listed((documents.Participant, documents.Attendee)).content, "text/csv": TEXT},
                POSITION,
            )
        },
    ),
    "GET /api/schedules": Operation(
        summary="Planned meetings, the latest first.",
        group=_PLANS,
        scope="read",
        parameters=(_STATUS, _PROVIDER, _ROOM_ID, _FROM, _TO, *PAGED),
        answers={200: listed(documents.ScheduleItem)},
    ),
    "POST /api/schedules": Operation(
        summary="Plan a meeting.",
        group=_PLANS,
        scope="launch",
        body={JSON: orders.SchedulePlan},
        answers={201: Answer("It is planned.", {JSON: documents.Schedule}, {"Location": "Where it can be read."})},
    ),
    "GET /api/schedules/{id}": Operation(
        summary="A plan, how far it is, and everybody's attendance.",
        group=_PLANS,
        scope="read",
        answers={200: one(documents.Schedule)},
    ),
    "PATCH /api/schedules/{id}": Operation(
        summary="Change a plan.",
        group=_PLANS,
        scope="launch",
        body={JSON: orders.ScheduleChange},
        answers={200: one(documents.Schedule)},
    ),
    "DELETE /api/schedules/{id}": Operation(
        summary="Cancel a plan.", group=_PLANS, scope="launch", answers={204: _DELETED}
    ),
    "GET /api/usage": Operation(
        summary="Meetings, participant minutes and cost; of the last 30 days when nothing is said.",
        group=_PLANS,
        scope="read",
        parameters=(_FROM, _TO, choice("group_by", "How it is grouped.", *Grouping), *PAGED),
        answers={
            200: listed(
                messages.UsageItem,
                "A page of the groups, by name, and all of them together.",
                total=messages.UsageTotal,
                group_by=Grouping,
                **{"from": documents.Time, "to": documents.Time},
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
            Parameter("room", "Only those of a room, the oldest first.", ID),
            Parameter("bot", "Only those of a bot, the oldest first.", ID),
            *PAGED,
        ),
        answers={200: listed(documents.Recording)},
    ),
    "GET /api/recordings/{id}": Operation(
        summary="A recording, also by the other id that its provider has for it.",
        group=_RECORDINGS,
        scope="read",
        answers={200: one(documents.Recording)},
    ),
    "GET /api/recordings/{id}/content": Operation(
        summary="A redirect to a file of a recording.",
        group=_RECORDINGS,
        scope="read",
        parameters=(_ARTIFACT,),
        answers=_REDIRECT,
        problems=(410,),
    ),
}
