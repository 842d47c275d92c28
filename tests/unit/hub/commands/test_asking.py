"""Asking a hub: what it says, and in one sentence why nothing could be asked."""

from pathlib import Path

import pytest
from aiohttp import web

from hub.commands.asking import asking, base_of
from hub.errors import BadRequest, ConfigRefused, Unauthenticated
from tests.hubs import API_KEY, running_hub
from tests.processes import free_port
from tests.unit.hub.commands.playing import serving


async def test_a_hub_is_asked_with_credential_query_and_body(tmp_path: Path) -> None:
    """Status and JSON come back, also of what is refused for its content."""
    async with running_hub(tmp_path) as hub, asking(hub.url, API_KEY) as asked:
        assert await asked.ask("GET", "/api/bots", {"limit": "1"}) == (200, {"items": [], "next": None})
        status, said = await asked.ask("GET", "/api/bots", {"limit": "many"})
        assert (status, said["status"]) == (400, 400)
        status, said = await asked.ask("POST", "/api/schedules", body={"title": "x"})
        assert status == 400
        assert "provider" in str(said["detail"])


async def test_a_credential_that_is_not_known_is_told(tmp_path: Path) -> None:
    """The commonest mistake: another hub's secrets."""
    async with running_hub(tmp_path) as hub, asking(hub.url, "nobody's") as asked:
        with pytest.raises(Unauthenticated, match="401"):
            await asked.ask("GET", "/api/bots")


async def test_where_no_hub_is_nothing_can_be_asked() -> None:
    """Whether nobody listens, or somebody else does."""

    async def greet(_request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    async with asking(f"http://127.0.0.1:{free_port()}", "k") as asked:
        with pytest.raises(ConfigRefused, match="no hub answers"):
            await asked.ask("GET", "/api/bots")
    async with serving(greet) as url, asking(url, "k") as asked:
        with pytest.raises(ConfigRefused, match="no hub: 200"):
            await asked.ask("GET", "/api/bots")


async def test_a_connection_that_is_not_secure_is_told_as_that() -> None:
    """A hub is there, and starting another one would not help."""

    async def greet(_request: web.Request) -> web.Response:
        return web.Response(text="{}")

    async with serving(greet) as url, asking(url.replace("http:", "https:"), "k") as asked:
        with pytest.raises(ConfigRefused, match=r"no secure connection to https:.*SSL.*SSL_CERT_FILE"):
            await asked.ask("GET", "/api/bots")


@pytest.mark.parametrize("more", ["", "/", "/?token=abc.def", "/#bots"])
def test_the_page_is_named_as_it_is_copied(more: str) -> None:
    """What `hub serve` prints ends with a slash and a login."""
    for base in ("http://127.0.0.1:8080", "https://hub.example.com", "http://[::1]:8080"):
        assert base_of(f"{base}{more}") == base


@pytest.mark.parametrize("url", ["nonsense", "127.0.0.1:8080", "ftp://hub", "http://", "http://[::1"])
def test_what_is_no_address_of_a_hub_is_refused(url: str) -> None:
    """Nobody would ever answer there."""
    with pytest.raises(BadRequest, match="--url"):
        base_of(url)
