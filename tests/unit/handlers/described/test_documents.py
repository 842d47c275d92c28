"""What is said of documents is true of real ones: every field is known, none is missing, types are right."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import orjson
import pytest
import pytest_asyncio

from handlers.described import documents as shapes
from handlers.described.openapi import described, operations
from hub.commands.send import source_for
from tests.unit.handlers.office import Office
from tests.unit.test_docs import rows

pytestmark = pytest.mark.asyncio(loop_scope="package")

READS = (
    "/api/bots",
    "/api/rooms",
    "/api/rooms?sort=trending",
    "/api/schedules",
    "/api/recordings?limit=1000",
    "/api/usage",
    "/api/usage?group_by=provider",
    "/api/usage?group_by=project",
    "/api/usage?group_by=day",
    "/api/events?limit=1000",
    "/api/deliveries?limit=1000",
    "/api/sources",
    "/api/access",
    "/api/topics/rooms/viewers",
    "/healthz",
    "/readyz",
)
OF_EACH = {
    "/api/bots": ("", "/transcript"),
    "/api/rooms": ("", "/participants", "/participants?stays=1", "/participants?by=user"),
    "/api/schedules": ("",),
    "/api/recordings": ("",),
    "/api/deliveries": ("",),
}
# What the page says of all events at once.
_ANYWHERE = {"participants", "recordings", "more", "replay", "skewed"}


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def document(busy: Office) -> dict[str, Any]:
    """Return the description, in which no schema bears a field that it does not name."""
    known = operations(busy.hub.settings.sources)
    closed = orjson.loads(orjson.dumps(described(busy.hub.settings.sources, known)))
    for schema in closed["components"]["schemas"].values():
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
    return closed


def schema_of(document: dict[str, Any], method: str, path: str, status: int) -> dict[str, Any]:
    """Return what is said of an answer, with everything that it refers to."""
    template = path.partition("?")[0]
    said = document["paths"].get(template) or document["paths"][_template(document, template)]
    (content,) = [
        one["schema"]
        for kind, one in said[method.lower()]["responses"][str(status)]["content"].items()
        if "json" in kind
    ]
    return {**copy.deepcopy(content), "components": document["components"]}


def _template(document: dict[str, Any], path: str) -> str:
    def fits(template: str) -> bool:
        parts, asked = template.split("/"), path.split("/")
        return len(parts) == len(asked) and all(
            part == one or part.startswith("{") for part, one in zip(parts, asked, strict=True)
        )

    return next(template for template in document["paths"] if fits(template))


async def paths(desk: Office) -> list[str]:
    """Return what can be read, and of every list each of its items."""
    found = list(READS)
    for collection, endings in OF_EACH.items():
        listed = (await desk.get(f"{collection}?limit=1000"))["items"]
        assert listed, collection
        found += [f"{collection}/{one['id']}{ending}" for one in listed for ending in endings]
    return found


async def test_everything_that_can_be_read_is_as_it_is_described(busy: Office, document: dict[str, Any]) -> None:
    """A field that nobody described is one that nobody can rely on; one that is missing breaks who did."""
    for path in await paths(busy):
        answer = await busy.ask("GET", path)
        assert answer.status == 200, (path, answer.text)
        jsonschema.validate(answer.said, schema_of(document, "GET", path, 200))


@pytest.mark.parametrize(
    ("method", "path", "said", "status"),
    [
        ("POST", "/api/bots", {"meeting_url": "https://meet.example/a", "bot_name": "Notes"}, 502),
        ("POST", "/api/bots/webhooks", {}, 201),
        ("DELETE", "/api/bots/meetingbaas:nobody", None, 404),
        ("POST", "/api/tokens", {"topics": ["rooms"]}, 201),
        ("PATCH", "/api/rooms/livekit@nobody-yet", {"featured": True}, 200),
        ("POST", "/api/deliveries/q1/redrive?dry_run=1", None, 409),
        ("POST", "/api/deliveries/1/redrive?dry_run=1", None, 200),
        ("POST", "/api/deliveries/1/redrive", None, 200),
        ("GET", "/api/bots/nobody", None, 404),
        ("DELETE", "/api/bots/meetingbaas:nobody?erase=1", None, 404),
    ],
)
async def test_what_is_done_is_answered_as_it_is_described(
    busy: Office, document: dict[str, Any], method: str, path: str, said: object, status: int
) -> None:
    """Refusals are answers too."""
    answer = await busy.ask(method, path, said)
    assert answer.status == status, answer.text
    jsonschema.validate(answer.said, schema_of(document, method, path, status))


async def test_webhooks_are_answered_as_it_is_described(busy: Office, document: dict[str, Any]) -> None:
    """Taken, taken before, of no use, and not JSON at all."""
    path = source_for(busy.hub.settings, "livekit").path
    answers = [await busy.hub.send("livekit", "room_started", id="EV_once") for _ in range(2)]
    answers += [await busy.hub.post_bytes("livekit", body, "webhook") for body in (b"[]", b"nonsense")]
    assert [(status, said["status"]) for status, said in answers] == [
        (200, "accepted"),
        (200, "duplicate"),
        (200, "dead"),
        (400, 400),
    ]
    for status, said in answers:
        jsonschema.validate(said, schema_of(document, "POST", path, status))


async def test_documents_in_events_have_no_fields_that_reading_does_not_know(busy: Office) -> None:
    """Viewers replace what they read by what an event tells."""
    described_fields = {
        "bot": shapes.Bot,
        "room": shapes.Room,
        "participant": shapes.Participant,
        "recording": shapes.Recording,
        "transcript": shapes.Recording,
        "schedule": shapes.Schedule,
    }
    seen = set()
    for name, told in await documents_told(busy):
        known = {field.encode_name for field in msgspec.structs.fields(described_fields[name])}
        assert set(told) <= known, (name, set(told) - known)
        seen.add(name)
    assert seen == set(described_fields)


async def test_what_events_hold_is_what_their_page_says(busy: Office) -> None:
    """A page that leaves something out sends its readers to the code."""
    said = {
        kind: set(re.findall(r"`(\w+)`", cells.rpartition("|")[2])) for kind, cells in rows("docs/events.md").items()
    }
    told = (await busy.get("/api/events?limit=1000"))["items"]
    beyond = {(event["type"], name) for event in told for name in set(event["data"]) - said[event["type"]] - _ANYWHERE}
    assert beyond == set()
    assert len({event["type"] for event in told}) > 30


async def documents_told(desk: Office) -> list[tuple[str, dict[str, Any]]]:
    """Return the documents in all events, by what they are called there."""
    return [one for event in (await desk.get("/api/events?limit=1000"))["items"] for one in _told(event["data"])]


def _told(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("bot", "room", "participant", "recording", "transcript", "schedule"):
        if isinstance(data.get(name), dict):
            yield name, data[name]
        yield from ((name, one) for one in data.get(f"{name}s", []))
