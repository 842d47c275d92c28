"""What REST APIs answer is believed as far as it is what was asked for."""

import pytest
from aiohttp import web

from hub.clients.rest import Json, asked
from hub.errors import Unanswered
from tests.standins import StandIn, serving


class Says(StandIn):
    """A server that says anything."""

    def __init__(self, body: bytes = b"{}") -> None:
        super().__init__()
        self.body = body

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/", self._say), web.get("/elsewhere", self._redirect)]

    async def _say(self, _: web.Request) -> web.Response:
        await self.faults("/")
        return web.Response(body=self.body)

    async def _redirect(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/")


async def ask(says: Says, path: str = "/", **how: bool) -> Json | None:
    async with serving(says) as server:
        return await asked("GET", server.url + path, {}, provider="X", credentials="Y", **how)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b"\xff"])
async def test_what_is_no_json_object_is_no_answer(body: bytes) -> None:
    """A proxy, a wrong address or a login page answers 200 too."""
    with pytest.raises(Unanswered, match="base_url"):
        await ask(Says(body))


async def test_credentials_are_not_carried_to_where_a_server_points() -> None:
    """An API has no redirects; whoever sends one may be anybody."""
    with pytest.raises(Unanswered, match="X answers 302"):
        await ask(Says(), "/elsewhere")


async def test_what_is_not_there_is_nothing_where_that_is_an_answer() -> None:
    """Asked for one thing 404 says that it is not there; asked for a list it says that the address is wrong."""
    says = Says()
    says.status = 404
    assert await ask(says, missing_is_none=True) is None
    with pytest.raises(Unanswered, match="X answers 404"):
        await ask(says)


async def test_a_server_that_is_away_is_asked_again() -> None:
    """That is all there is to do."""
    with pytest.raises(Unanswered, match="X cannot be reached"):
        await asked("GET", "http://127.0.0.1:9", {}, provider="X", credentials="Y")
