"""`/openapi.json`: OpenAPI 3.1, made of the routes that are there and of what is said of them."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version

import msgspec
import orjson
from aiohttp import web

from handlers.access import COOKIE
from handlers.described.examples import EXAMPLES
from handlers.described.messages import Problem, Taken
from handlers.described.operation import JSON, PROBLEM, TEXT, TOPIC, Answer, Operation, Page, Parameter, Schema, Shape
from handlers.described.operations import OPERATIONS
from handlers.errors import TABLE
from handlers.parts import SETTINGS
from handlers.providers.registry import PROVIDERS
from hub.settings import Source

_NAMES = re.compile(r"\{([a-z_]+)(?::[^}]*)?\}")
_REFERENCE = "#/components/schemas/{name}"
_SCHEMES: Schema = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a token."},
    "token": {"type": "apiKey", "in": "query", "name": "token", "description": "A token. It is never logged."},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The page's cookie; what changes something must come from the page.",
    },
}
_WEBHOOKS = "Webhooks"
# 10 March 2026, nine in the morning: when the webhooks of examples were sent.
_MORNING_MS = 1_773_133_200_000
_EXPLAINED: Mapping[int, str] = dict(TABLE.values()) | {
    401: "No credential, or no good one",
    408: "The request did not arrive in time",
}


async def openapi(request: web.Request) -> web.Response:
    """`GET /openapi.json`: what can be asked of this hub, webhook paths included; no credential is needed."""
    # Of the router itself, so that nothing can be served that is not described.
    ways = {f"{route.method} {route.resource.canonical}" for route in request.app.router.routes() if route.resource}
    # Where nothing else proves a webhook, its path may be all that protects it.
    sources = [source for source in request.app[SETTINGS].sources if source.proof != "none"]
    body = orjson.dumps(described(sources, ways))
    return web.Response(body=body, content_type=JSON, headers={"Cache-Control": "no-cache"})


def operations(sources: Iterable[Source]) -> dict[str, Operation]:
    """Return every operation by method and path, those of the sources included."""
    return {**OPERATIONS, **{way: one for source in sources for way, one in _webhooks(source)}}


def described(sources: Iterable[Source], ways: Iterable[str]) -> Schema:
    """Return the description of what is at these methods and paths."""
    known = operations(sources)
    shapes = _Shapes()
    paths: dict[str, Schema] = {}
    for way in sorted(set(ways) & known.keys()):
        method, _, path = way.partition(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(way, known[way], shapes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Meeting hub", "version": version("meeting-hub"), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": shapes.components(), "securitySchemes": _SCHEMES},
    }


_ABOUT = (
    "Webhooks of meeting providers in, the state of bots and rooms out. Every GET but the streams also answers HEAD. "
    "Whatever is refused is answered with a problem (RFC 9457)."
)


class _Shapes:
    """Collects the shapes that are spoken of."""

    def __init__(self) -> None:
        self._known: dict[str, Shape] = {repr(Problem): Problem}

    def schema(self, shape: Shape) -> Schema:
        """Return the schema of a shape, or of any of several; one that is a schema already stays what it is."""
        if isinstance(shape, dict):
            return shape
        if isinstance(shape, Page):
            return self._page(shape)
        if isinstance(shape, tuple):
            return {"anyOf": [self.schema(one) for one in shape]}
        self._known[repr(shape)] = shape
        (found,), _ = msgspec.json.schema_components([shape], ref_template=_REFERENCE)
        return found

    def components(self) -> Schema:
        """Return everything that is referred to."""
        _, components = msgspec.json.schema_components(list(self._known.values()), ref_template=_REFERENCE)
        for name in components.keys() & EXAMPLES.keys():
            components[name]["examples"] = [EXAMPLES[name]]
        return components

    def _page(self, page: Page) -> Schema:
        properties: Schema = {
            "items": {"type": "array", "items": self.schema(page.of)},
            "next": {"type": ["string", "null"], "description": "Where the next page begins."},
            **{name: self.schema(shape) for name, shape in page.also.items()},
        }
        return {"type": "object", "properties": properties, "required": sorted(properties)}


def _webhooks(source: Source) -> Iterable[tuple[str, Operation]]:
    provider = PROVIDERS[source.provider]
    answer = Answer("What became of it.", {JSON: Taken})
    operation = Operation(
        summary=f"Webhooks of {source.provider}.",
        more=f"{_proof(source)}. How to set it up: docs/providers/{source.provider}.md.",
        group=_WEBHOOKS,
        # Whatever its content type says it is.
        body={JSON: {"type": "object", "examples": [provider.samples(_MORNING_MS)[provider.tried_with].payload]}},
        answers={200: answer},
        problems=(400, 401, 429),
    )
    for method in provider.methods:
        yield f"{method} {source.path}", operation
        if provider.takes_path_key:
            yield f"{method} {source.path.rstrip('/')}/{{bot_key}}", operation


def _proof(source: Source) -> str:
    if source.proof == "none":
        return "Nothing proves it: whoever reaches it is believed"
    if source.proof == "ip":
        return "It is proved by coming from a configured network"
    return f"It is proved by {PROVIDERS[source.provider].takes(source)}"


def _operation(way: str, operation: Operation, shapes: _Shapes) -> Schema:
    names = _NAMES.findall(way)
    found: Schema = {
        "operationId": re.sub(r"[^a-zA-Z0-9]+", "_", way).strip("_").lower(),
        "summary": operation.summary,
        "tags": [operation.group],
        "parameters": [_in_path(name) for name in names] + [_parameter(one) for one in operation.parameters],
        "responses": _responses(operation, shapes, names=names),
        "security": [{name: []} for name in _SCHEMES] if operation.scope else [],
    }
    needs = f"Needs the scope `{operation.scope}`." if operation.scope not in ("", "any") else ""
    if description := " ".join(filter(None, (needs, operation.more))):
        found["description"] = description
    if operation.body:
        found["requestBody"] = {"required": True, "content": _content(operation.body, shapes)}
    return found


def _responses(operation: Operation, shapes: _Shapes, *, names: Iterable[str]) -> Schema:
    refused = {status: Answer(_explained(status), {PROBLEM: Problem}) for status in problems_of(operation, names)}
    answers = {**refused, **operation.answers}
    return {str(status): _response(answers[status], shapes) for status in sorted(answers)}


def problems_of(operation: Operation, names: Iterable[str]) -> set[int]:
    """Return the statuses of the problems that an operation may be answered with; `names` are in its path."""
    found = set(operation.problems)
    found |= {401, 403} if operation.scope else set()
    found |= {400} if operation.parameters or operation.body else set()
    found |= {408, 413, 503} if operation.body else set()
    found |= {404} if operation.group != _WEBHOOKS and list(names) else set()
    return found | ({503} if operation.stored else set())


def _explained(status: int) -> str:
    return _EXPLAINED.get(status, HTTPStatus(status).phrase)


def _response(answer: Answer, shapes: _Shapes) -> Schema:
    found: Schema = {"description": answer.description}
    if answer.content:
        found["content"] = _content(answer.content, shapes)
    if answer.headers:
        found["headers"] = {
            name: {"description": text, "schema": TEXT, "required": True} for name, text in answer.headers.items()
        }
    return found


def _content(content: Mapping[str, Shape], shapes: _Shapes) -> Schema:
    return {kind: {"schema": shapes.schema(shape)} for kind, shape in content.items()}


def _in_path(name: str) -> Schema:
    schema = TOPIC if name == "topic" else {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameter(parameter: Parameter) -> Schema:
    schema = {"type": "array", "items": parameter.schema} if parameter.repeated else parameter.schema
    return {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.description,
        "required": parameter.required,
        "schema": schema,
    }
