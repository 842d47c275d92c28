"""Examples are of what is really answered and asked for."""

from typing import Any

import jsonschema
import orjson
import pytest

from handlers.described.examples import EXAMPLES
from handlers.described.openapi import described, operations
from handlers.described.operation import JSON, Page
from tests.unit.handlers.test_routes import SOURCES

DOCUMENT: dict[str, Any] = orjson.loads(orjson.dumps(described(SOURCES, operations(SOURCES))))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_as_its_shape_is_described(name: str) -> None:
    """Somebody copies it."""
    schema = DOCUMENT["components"]["schemas"][name]
    jsonschema.validate(schema["examples"][0], {**schema, "components": DOCUMENT["components"]})
    # Nothing in it has a name that nobody described.
    assert schema["examples"][0].keys() <= schema["properties"].keys()


def test_whatever_can_be_read_has_an_example() -> None:
    """A schema of twenty fields says little to somebody who has never seen one."""
    read = [
        one.answers[200]
        for way, one in operations(SOURCES).items()
        if way.startswith("GET /api/") and 200 in one.answers
    ]
    shapes = [answer.content[JSON] for answer in read if JSON in answer.content]
    shapes = [shape.of if isinstance(shape, Page) else shape for shape in shapes]
    names = {one.__name__ for shape in shapes for one in (shape if isinstance(shape, tuple) else (shape,))}
    assert names <= EXAMPLES.keys()
