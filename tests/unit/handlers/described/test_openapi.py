"""The description speaks of what is there, and of nothing else."""

import re

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace
from openapi_spec_validator import validate

from handlers.described.openapi import described, openapi, operations, problems_of
from handlers.described.operation import JSON, Operation
from handlers.parts import SETTINGS
from handlers.providers.arrival import Arrival
from handlers.providers.registry import PROVIDERS, receive
from handlers.routes import routes
from hub.settings import Settings, Source
from tests.unit.handlers.test_routes import SOURCES
from tests.written import ROOT

# Without what a name in a path may be.
WAYS = {f"{route.method} {re.sub(':[^}]+', '', route.path)}" for route in routes(SOURCES)}


def test_every_route_is_described_and_nothing_else() -> None:
    """Whoever adds a route is told here to say what it does: handlers/described/operations.py."""
    assert operations(SOURCES).keys() == WAYS


def test_the_description_is_openapi() -> None:
    """Generators of clients read it."""
    validate(orjson.loads(orjson.dumps(described(SOURCES, WAYS))))


def test_every_operation_says_what_it_answers_and_how_one_is_admitted() -> None:
    """A client is written from that."""
    for path, methods in described(SOURCES, WAYS)["paths"].items():
        for method, said in methods.items():
            assert said["summary"].endswith("."), (method, path)
            assert any(status < "400" for status in said["responses"]), (method, path)
            assert bool(said["security"]) == ("401" in said["responses"]) or "Webhooks" in said["tags"], (method, path)


def test_a_webhook_is_described_with_its_proof_an_example_and_where_to_read_on() -> None:
    """Whoever sets one up looks here too, and a provider's own description has none of the three."""
    paths = described(SOURCES, WAYS)["paths"]
    for source in SOURCES:
        said = paths[source.path]["post"]
        assert PROVIDERS[source.provider].takes(source) in said["description"]
        assert (ROOT / said["description"].rpartition(": ")[2].removesuffix(".")).exists()
        (example,) = said["requestBody"]["content"][JSON]["schema"]["examples"]
        assert receive(
            replace(source, proof="none"), Arrival(headers=(), body=orjson.dumps(example), received_at=0)
        ).facts


def test_names_of_operations_are_unique() -> None:
    """Generated clients call their functions by them."""
    paths = described(SOURCES, WAYS)["paths"]
    names = [said["operationId"] for methods in paths.values() for said in methods.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("operation", "names", "statuses"),
    [
        (Operation(summary="", group="", stored=False), (), set()),
        (Operation(summary="", group="", scope="read"), ("id",), {401, 403, 404, 503}),
        (Operation(summary="", group="", body={"*/*": {}}, stored=False), (), {400, 408, 413, 503}),
    ],
)
def test_problems_follow_from_what_is_said(operation: Operation, names: tuple[str, ...], statuses: set[int]) -> None:
    """Nobody has to write down forty times that a credential may be missing."""
    assert problems_of(operation, names) == statuses


async def test_only_what_is_served_is_described_and_no_path_that_nothing_else_protects() -> None:
    """Whoever takes webhooks without any proof may rely on nobody knowing where."""
    secret = Source(provider="livekit", name="open", path="/hooks/only-we-know", proof="none")
    app = web.Application()
    app[SETTINGS] = Settings(sources=(*SOURCES, secret))
    app.add_routes([one for one in routes((*SOURCES, secret)) if one.path != "/api/bots"])
    app.router.add_get("/openapi.json/again", openapi)
    async with TestClient(TestServer(app)) as client, client.get("/openapi.json") as answer:
        paths = orjson.loads(await answer.read())["paths"]
    assert {path for path in paths if "hook" in path} == {
        "/api/bots/webhooks",
        *(source.path for source in SOURCES),
        "/api/meeting-bot/webhook/{bot_key}",
    }
    assert ("/api/bots" in paths, "/openapi.json" in paths, "/api/topics/{topic}/viewers" in paths) == (
        False,
        True,
        True,
    )
