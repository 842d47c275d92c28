"""Tokens for somebody else: never more than who makes them has, nor for longer."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from handlers.access import COOKIE, Access, Caller
from handlers.bodies import BodyBudget
from handlers.errors import problems
from handlers.parts import ACCESS, BODIES, SETTINGS
from handlers.tokens import access, mint
from hub.errors import Forbidden
from hub.events import covers, parse_time
from hub.settings import Settings
from hub.tokens import LONGEST_SECONDS, Claims, Tokens, Use

NOW_MS = 1_773_151_300_123
NOW = NOW_MS // 1000
TOKENS = Tokens(("secret-1", "secret-0"))
KEYS = ("key", "reader:read", "launcher:launch+read", "admin:admin")

TOPICS = st.frozensets(st.sampled_from(["*", "rooms", "bots", "rooms/a", "rooms/b", "bots/a"]), min_size=1)
SCOPES = st.frozensets(st.sampled_from(["read", "launch", "admin"]), min_size=1)


@dataclass
class Counter:
    """Where tokens are made."""

    client: TestClient

    async def order(
        self, said: object, credential: str = "key", **headers: str
    ) -> tuple[int, Any]:  # Any: whatever JSON holds
        sent = {"Authorization": f"Bearer {credential}"} if credential else {}
        body = said if isinstance(said, bytes) else orjson.dumps(said)
        async with self.client.post("/api/tokens", data=body, headers=sent | headers) as answer:
            if answer.status == 201:
                assert answer.headers["Cache-Control"] == "no-store"
            return answer.status, orjson.loads(await answer.read())


@contextlib.asynccontextmanager
async def counter() -> AsyncIterator[Counter]:
    app = web.Application(middlewares=[problems])
    app[SETTINGS], app[BODIES] = Settings(), BodyBudget()
    app[ACCESS] = Access(KEYS, TOKENS, lambda: NOW_MS)
    app.router.add_post("/api/tokens", mint)
    app.router.add_get("/api/access", access)
    async with TestClient(TestServer(app)) as client:
        yield Counter(client)


def read(token: str) -> Claims:
    return TOKENS.read(token, Use.ACCESS, NOW)


async def test_a_token_says_what_was_ordered() -> None:
    """And the answer says it too, since nobody should have to read tokens."""
    async with counter() as here:
        status, said = await here.order({"topics": ["rooms/a", "bots"], "ttl": 600, "name": "wall"})
        claims = read(said.pop("token"))
        assert status == 201
        assert (claims.topics, claims.scope, claims.exp, claims.name) == (
            ("bots", "rooms/a"),
            ("read",),
            NOW + 600,
            "wall",
        )
        assert parse_time(said.pop("expires_at")) == (NOW + 600) * 1000
        assert said == {"topics": ["bots", "rooms/a"], "scope": ["read"], "name": "wall"}


async def test_that_a_token_was_made_is_in_the_log_and_the_token_is_not() -> None:
    """One that may everything for a day should not come about unseen; its name may be a person's."""
    async with counter() as here:
        with capture_logs() as logs:
            _, said = await here.order({"topics": ["rooms/a", "bots"], "scope": ["read", "admin"], "name": "Ann"})
            await here.order({"topics": []})
        line = {"event": "token.made", "log_level": "info", "scope": "admin read", "topics": 2}
        assert logs == [{**line, "expires": said["expires_at"]}]


async def test_an_hour_of_reading_is_what_is_ordered_usually() -> None:
    """What is forgotten should be short and harmless."""
    async with counter() as here:
        _, said = await here.order({"topics": ["rooms"]})
        assert (read(said["token"]).exp, said["scope"], said["name"]) == (NOW + 3600, ["read"], None)


async def test_a_token_makes_tokens_for_some_of_what_it_permits_and_not_for_longer() -> None:
    """A page may give one room to another page."""
    async with counter() as here:
        _, given_to_page = await here.order({"topics": ["rooms"], "ttl": 60})
        status, said = await here.order({"topics": ["rooms/a"], "ttl": 3600}, given_to_page["token"])
        assert (status, read(said["token"]).topics, read(said["token"]).exp) == (201, ("rooms/a",), NOW + 60)
        for more in ({"topics": ["bots"]}, {"topics": ["*"]}, {"topics": ["rooms/a"], "scope": ["launch"]}):
            status, refusal = await here.order(more, given_to_page["token"])
            assert (status, "token" in refusal) == (403, False)


@given(
    had=TOPICS,
    scopes=SCOPES,
    wanted=TOPICS,
    wanted_scopes=SCOPES,
    ends=st.none() | st.integers(NOW + 1, NOW + 100),
    expires_at=st.integers(NOW + 1, NOW + 100),
)
def test_nobody_gives_away_more_than_there_is(
    had: frozenset[str],
    scopes: frozenset[str],
    wanted: frozenset[str],
    wanted_scopes: frozenset[str],
    ends: int | None,
    expires_at: int,
) -> None:
    """Whatever somebody has and asks for."""
    caller = Caller(scopes=scopes, topics=had, expires_at=ends)
    is_within = wanted_scopes <= scopes or "admin" in scopes
    if not is_within or not all(covers(had, topic) for topic in wanted):
        with pytest.raises(Forbidden):
            caller.sharing(wanted, wanted_scopes, expires_at, "")
        return
    claims = caller.sharing(wanted, wanted_scopes, expires_at, "")
    assert (frozenset(claims.topics), frozenset(claims.scope)) == (wanted, wanted_scopes)
    assert claims.exp == min(expires_at, ends or expires_at)


@pytest.mark.parametrize(
    ("credential", "scope", "status"),
    [
        ("key", ["read", "launch", "admin"], 201),
        ("reader", ["read"], 201),
        ("reader", ["launch"], 403),
        ("launcher", ["read", "launch"], 201),
        ("launcher", ["admin"], 403),
        ("admin", ["read", "launch"], 201),
        ("", ["read"], 401),
        ("wrong", ["read"], 401),
    ],
)
async def test_scopes_are_those_of_who_orders(credential: str, scope: list[str], status: int) -> None:
    """A key that reads makes tokens that read."""
    async with counter() as here:
        assert (await here.order({"topics": ["*"], "scope": scope}, credential))[0] == status


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({}, "topics"),
        ({"topics": "rooms"}, "topics"),
        ({"topics": []}, "topics"),
        ({"topics": ["people"]}, "topic"),
        ({"topics": ["deliveries"]}, "topic"),
        ({"topics": [1]}, "topics"),
        ({"topics": [f"rooms/{number}" for number in range(101)]}, "topics"),
        ({"topics": ["rooms"], "ttl": 0}, "ttl"),
        ({"topics": ["rooms"], "ttl": -1}, "ttl"),
        ({"topics": ["rooms"], "ttl": LONGEST_SECONDS + 1}, "ttl"),
        ({"topics": ["rooms"], "ttl": "600"}, "ttl"),
        ({"topics": ["rooms"], "ttl": 1.5}, "ttl"),
        ({"topics": ["rooms"], "ttl": True}, "ttl"),
        ({"topics": ["rooms"], "ttl": None}, "ttl"),
        ({"topics": ["rooms"], "scope": []}, "scope"),
        ({"topics": ["rooms"], "scope": ["write"]}, "scope"),
        ({"topics": ["rooms"], "name": "x" * 257}, "name"),
        ({"topics": ["rooms"], "expires": 60}, "expires"),
        ([], "object"),
        (b"{", "JSON"),
        (b"\xff", "JSON"),
    ],
)
async def test_what_cannot_be_ordered_is_named(said: object, named: str) -> None:
    """Whoever wrote the backend reads it in its log."""
    async with counter() as here:
        status, problem = await here.order(said)
        assert status == 400
        assert named in problem["detail"]


async def test_another_sites_page_makes_none_with_our_cookie() -> None:
    """A browser sends it along whoever asks."""
    async with counter() as here:
        token = TOKENS.mint(Claims(use=Use.ACCESS, topics=("*",), scope=("read",), exp=NOW + 60))
        cookie = {"Cookie": f"{COOKIE}={token}"}
        own = {"Origin": str(here.client.make_url("")).rstrip("/")}
        assert (await here.order({"topics": ["rooms"]}, "", **cookie, Origin="https://evil.example"))[0] == 403
        assert (await here.order({"topics": ["rooms"]}, "", **cookie))[0] == 403
        assert (await here.order({"topics": ["rooms"]}, "", **cookie, **own))[0] == 201


async def test_a_token_of_the_old_secret_is_as_good_as_one_of_the_new() -> None:
    """While secrets are rotated nobody is signed out, and what is made is signed by the new one."""
    async with counter() as here:
        old = Tokens(("secret-0",)).mint(Claims(use=Use.ACCESS, topics=("rooms",), scope=("read",), exp=NOW + 60))
        status, said = await here.order({"topics": ["rooms/a"]}, old)
        assert status == 201
        assert Tokens(("secret-1",)).read(said["token"], Use.ACCESS, NOW).topics == ("rooms/a",)


async def test_a_credential_says_what_it_permits() -> None:
    """A page shows no button that would only be refused, and asks for no topic that it may not have."""
    async with counter() as tokens:
        _, minted = await tokens.order({"topics": ["rooms/a"], "ttl": 60, "name": "wall"}, "reader")
        wanted = [
            ("launcher", {"scopes": ["launch", "read"], "topics": ["*"], "expires_at": None, "name": None}),
            (
                minted["token"],
                {"scopes": ["read"], "topics": ["rooms/a"], "expires_at": minted["expires_at"], "name": "wall"},
            ),
        ]
        for credential, said in wanted:
            headers = {"Authorization": f"Bearer {credential}"}
            async with tokens.client.get("/api/access", headers=headers) as answer:
                assert (answer.status, orjson.loads(await answer.read())) == (200, said)
                assert answer.headers["Cache-Control"] == "no-store"
        async with tokens.client.get("/api/access") as answer:
            assert answer.status == 401
