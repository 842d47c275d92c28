"""The words that operations are described in."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hub.events import COLLECTIONS, ID_LIMIT

# JSON Schema, as `/openapi.json` has it.
Schema = dict[str, Any]  # Any: whatever JSON holds
# A struct, or whatever else msgspec knows a schema of.
Shape = Any  # Any: types of types have no type of their own

JSON, PROBLEM = "application/json", "application/problem+json"
TEXT: Schema = {"type": "string"}
# An empty one counts as not said.
TIME: Schema = {"type": "string", "anyOf": [{"format": "date-time"}, {"maxLength": 0}]}
_COLLECTION, _PLAIN = "|".join(COLLECTIONS), "[A-Za-z0-9._:@~-]"
TOPIC: Schema = {"type": "string", "pattern": rf"^(\*|({_COLLECTION})(/{_PLAIN}{{1,{2 * ID_LIMIT}}})?)$"}
# An empty one of these counts as not said, too.
ONE_TOPIC: Schema = {"type": "string", "pattern": rf"^(({_COLLECTION})/{_PLAIN}{{1,{2 * ID_LIMIT}}})?$"}
ID: Schema = {"type": "string", "pattern": rf"^{_PLAIN}{{0,{2 * ID_LIMIT}}}$"}
PLACE: Schema = {"type": "string", "pattern": rf"^({_PLAIN}+\.[0-9]{{1,18}})?$"}
_PAGE: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]*={0,2}$"}


class Parameter(msgspec.Struct, frozen=True):
    """A part of the query, or a header."""

    name: str
    description: str
    schema: Schema = msgspec.field(default_factory=lambda: TEXT)
    where: str = "query"
    # Whether it may be said several times.
    repeated: bool = False
    required: bool = False


class Page(msgspec.Struct, frozen=True):
    """A list of a shape, page by page."""

    of: Shape
    also: Mapping[str, Shape] = {}


class Answer(msgspec.Struct, frozen=True):
    """What is answered with a status. `content` is shape or schema by content type."""

    description: str
    content: Mapping[str, Shape] = {}
    headers: Mapping[str, str] = {}


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What one method does at one path. What follows from the rest (401, 404 …) is not said again."""

    summary: str
    # What else there is to know, in sentences.
    more: str = ""
    # What docs/api.md lists it under.
    group: str
    # read, launch or admin; "any": whoever has a credential; empty: no credential is needed.
    scope: str = ""
    parameters: tuple[Parameter, ...] = ()
    # Shape or schema of the body, by content type.
    body: Mapping[str, Shape] = {}
    answers: Mapping[int, Answer] = {}
    # Statuses of problems besides those that follow from the rest.
    problems: tuple[int, ...] = ()
    # Whether it asks the store, and so may be answered 503.
    stored: bool = True


LIMIT = Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100})
CURSOR = Parameter("cursor", "`next` of the page before.", _PAGE)
PAGED = (LIMIT, CURSOR)
POSITION = {"Hub-Position": "The position of the log at which this was read."}


def one(shape: Shape, description: str = "As it is now.") -> Answer:
    """Return an answer that is one document."""
    return Answer(description, {JSON: shape}, POSITION)


def listed(shape: Shape, description: str = "A page of the list.", **also: Shape) -> Answer:
    """Return an answer that is a page of a list."""
    return Answer(description, {JSON: Page(shape, also)}, POSITION)


def choice(name: str, description: str, *words: str) -> Parameter:
    """Return a parameter that takes some words."""
    return Parameter(name, description, {"type": "string", "enum": list(words)})


def moment(name: str, description: str) -> Parameter:
    """Return a parameter that takes a time."""
    return Parameter(name, description, TIME)
