"""The page and its login: a link's token becomes a cookie, and nothing but the page's own files is served."""

import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from handlers import pages
from handlers.access import COOKIE, Access
from handlers.errors import problems
from handlers.parts import ACCESS, NOW, SETTINGS
from hub.settings import Server, Settings
from hub.tokens import LONGEST_SECONDS, Claims, Tokens, Use

NOW_S = int(time.time())
TOKENS = Tokens(("a secret",))
HARD_TO_SERVE = (
    "..",
    "%2e%2e",
    "..%2fpyproject.toml",
    "%2fetc%2fpasswd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%00",
    "x%00.js",
)
NAMES_TOO_LONG = ("a" * 256, "a" * 4000, "%c3%a9" * 200)


@contextlib.asynccontextmanager
async def page(public_url: str = "") -> AsyncIterator[TestClient]:
    """Serve the dashboard of a hub that is reached by that address."""
    app = web.Application(middlewares=[problems])
    app[SETTINGS] = Settings(server=Server(public_url=public_url))
    app[ACCESS] = Access((), TOKENS, lambda: NOW_S * 1000)
    app[NOW] = lambda: NOW_S * 1000
    app.add_routes([web.get("/", pages.dashboard), web.get("/static/{name}", pages.asset)])
    async with TestClient(TestServer(app)) as client:
        yield client


def token(seconds: int = 60, use: Use = Use.ACCESS) -> str:
    """Return a token that is good for some seconds."""
    return TOKENS.mint(Claims(use=use, topics=("rooms",), scope=("read",), exp=NOW_S + seconds))


async def test_a_link_with_a_token_logs_in_and_leaves_the_token_out_of_the_address() -> None:
    """What stays in the address is in the history, in bookmarks and in screenshots."""
    async with page() as client, client.get(f"/?token={token()}", allow_redirects=False) as answer:
        cookie = answer.cookies[COOKIE]
        assert answer.status == 303
        assert "token" not in answer.headers["Location"]
        assert cookie.value
        assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    """It may do whatever the person may."""
    async with page() as client, client.get(f"/?token={token()}", allow_redirects=False) as answer:
        cookie = answer.cookies[COOKIE]
        assert cookie["httponly"]
        assert (cookie["samesite"], cookie["path"]) == ("Lax", "/")


@pytest.mark.parametrize(("public_url", "secure"), [("", ""), ("http://hub", ""), ("https://hub.example.com", True)])
async def test_the_cookie_is_for_https_only_where_the_hub_is_reached_by_it(public_url: str, secure: object) -> None:
    """On this machine, without https, a browser would never send it back."""
    async with page(public_url) as client, client.get(f"/?token={token()}", allow_redirects=False) as answer:
        assert answer.cookies[COOKIE]["secure"] == secure


@pytest.mark.parametrize("seconds", [1, 60, LONGEST_SECONDS])
async def test_the_cookie_ends_with_the_token(seconds: int) -> None:
    """A browser that keeps it longer would only be refused."""
    async with page() as client, client.get(f"/?token={token(seconds)}", allow_redirects=False) as answer:
        assert int(answer.cookies[COOKIE]["max-age"]) == seconds


@pytest.mark.parametrize("bad", ["", "wrong", token(0), token(use=Use.RECONNECT), "é", "%ff", "%00", "a" * 7000])
async def test_a_link_that_is_not_good_leads_to_a_page_that_says_so(bad: str) -> None:
    """People open yesterday's link: they deserve a page, and get no cookie."""
    async with page() as client, client.get(f"/?token={bad}", allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"].endswith("?login=refused")
        assert COOKIE not in answer.cookies


@pytest.mark.parametrize("path", ["/", "/?login=refused", "/static/hub.js"])
async def test_what_the_browser_runs_cannot_load_or_be_framed_by_others(path: str) -> None:
    """Names of participants are shown: should one get through as markup, it can still do nothing."""
    async with page() as client, client.get(path) as answer:
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_every_file_of_the_page_is_served_as_what_it_is() -> None:
    """With nosniff a browser runs no script of another type."""
    types = {".js": "javascript", ".css": "text/css", ".html": "text/html"}
    async with page() as client:
        for file in pages.FOLDER.iterdir():
            async with client.get(f"/static/{file.name}") as answer:
                assert answer.status == 200
                assert types.get(file.suffix, "") in answer.headers["Content-Type"]
                assert await answer.read() == file.read_bytes()


@pytest.mark.parametrize(
    "name",
    [*HARD_TO_SERVE, "missing.js", ".", "static", "%ff", "hub.js%20", *NAMES_TOO_LONG],
    ids=lambda name: name[:20],
)
async def test_nothing_else_is_served(name: str) -> None:
    """Neither what lies elsewhere nor what no file can be called is there."""
    async with page() as client:
        # As it stands: a client that tidies paths would ask for something else.
        address = URL(f"http://{client.host}:{client.port}/static/{name}", encoded=True)
        async with client.session.get(address) as answer:
            assert answer.status == 404
