"""Who may do what: API keys with scopes, tokens with topics and an end, the page's cookie."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handlers.access import COOKIE, Access, Caller
from handlers.errors import problems
from hub.desk import Grant
from hub.errors import Forbidden, TokenRefused
from hub.tokens import LONGEST_SECONDS, Claims, Tokens, Use

NOW = 1_773_151_300
KEYS = ("full-key", "reading-key:read", "launching-key:launch+read", "odd:key")
TOKENS = Tokens(("first secret", "second secret"))
ACCESS = Access(KEYS, TOKENS, lambda: NOW * 1000 + 999, "https://Hub.example.com/")


def minted(*topics: str, use: Use = Use.ACCESS, exp: int = NOW + 60, tokens: Tokens = TOKENS) -> str:
    """Return a token for topics."""
    return tokens.mint(Claims(use=use, topics=topics, scope=("read",), exp=exp))


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[TestClient]:
    """Serve who the caller is taken for."""

    async def tell(request: web.Request) -> web.Response:
        caller = ACCESS.caller(request)
        said = {"scopes": sorted(caller.scopes), "topics": sorted(caller.topics), "expires_at": caller.expires_at}
        return web.json_response(said)

    app = web.Application(middlewares=[problems])
    app.router.add_route("*", "/", tell)
    async with TestClient(TestServer(app)) as client:
        yield client


async def asked(path: str = "/", **headers: str) -> tuple[int, dict[str, object]]:
    """Return status and answer of one request."""
    async with asking() as client, client.get(path, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize(
    ("key", "scopes"),
    [
        ("full-key", ["admin", "launch", "read"]),
        ("reading-key", ["read"]),
        ("launching-key", ["launch", "read"]),
        ("odd:key", ["admin", "launch", "read"]),
    ],
)
async def test_an_api_key_has_its_scopes_every_topic_and_no_end(key: str, scopes: list[str]) -> None:
    """What follows a colon is only taken for scopes if it names some."""
    status, said = await asked(Authorization=f"Bearer {key}")
    assert (status, said) == (200, {"scopes": scopes, "topics": ["*"], "expires_at": None})


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", "Bearer "])
async def test_the_name_of_the_scheme_is_read_in_any_case(kind: str) -> None:
    """RFC 9110 says so, and clients differ."""
    status, _ = await asked(Authorization=f"{kind} full-key")
    assert status == 200


@pytest.mark.parametrize(
    "credential",
    ["", "wrong", "full-key2", "full-ke", "FULL-KEY", "reading-key:read", "odd", "é", "\udcff", "a.b", ".", "a" * 8000],
)
async def test_what_is_neither_key_nor_token_is_refused(credential: str) -> None:
    """Scopes are not part of what a caller sends, and nothing that can be sent may raise."""
    async with asking() as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        request = f"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {credential}\r\n\r\n"
        writer.write(request.encode("utf-8", "surrogateescape"))
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"WWW-Authenticate: Bearer" in answer


async def test_who_says_nothing_is_told_what_to_send() -> None:
    """The commonest mistake deserves the clearest answer."""
    status, said = await asked()
    assert status == 401
    assert "Bearer" in said["detail"]


@pytest.mark.parametrize("where", ["header", "query", "cookie"])
async def test_a_token_has_its_topics_and_its_end_wherever_it_stands(where: str) -> None:
    """EventSource cannot set headers, and pages have cookies."""
    token = minted("rooms/livekit@standup")
    path = f"/?token={token}" if where == "query" else "/"
    headers = {"header": {"Authorization": f"Bearer {token}"}, "cookie": {"Cookie": f"{COOKIE}={token}"}}.get(where, {})
    status, said = await asked(path, **headers)
    assert (status, said) == (
        200,
        {"scopes": ["read"], "topics": ["rooms/livekit@standup"], "expires_at": NOW + 60},
    )


async def test_the_header_wins_over_the_query_and_the_query_over_the_cookie() -> None:
    """A page that asks for less than its cookie permits must get less."""
    header, query, cookie = minted("bots"), minted("rooms"), minted("*")
    status, said = await asked(f"/?token={query}", Authorization=f"Bearer {header}", Cookie=f"{COOKIE}={cookie}")
    assert (status, said["topics"]) == (200, ["bots"])
    status, said = await asked(f"/?token={query}", Cookie=f"{COOKIE}={cookie}")
    assert (status, said["topics"]) == (200, ["rooms"])


async def test_a_bad_credential_is_not_made_good_by_another() -> None:
    """Else nobody would notice that the better one is not used."""
    status, _ = await asked(f"/?token={minted('*')}", Authorization="Bearer wrong")
    assert status == 401
    status, _ = await asked("/?token=", Cookie=f"{COOKIE}={minted('*')}")
    assert status == 401


async def test_an_api_key_in_the_query_is_refused() -> None:
    """Queries end in logs and histories; what has no end must not."""
    status, _ = await asked("/?token=full-key")
    assert status == 401


@pytest.mark.parametrize(
    "token",
    [
        minted("*", exp=NOW),
        minted("*", use=Use.RECONNECT),
        minted("*", tokens=Tokens(("somebody else's secret",))),
        minted("*")[:-1],
        minted("*") + "A",
        minted("*") + ".",
        minted("*").partition(".")[0] + ".",
        minted("rooms").partition(".")[0] + "." + minted("*").partition(".")[2],
        base64.urlsafe_b64encode(b'{"use":"access","topics":["*"],"exp":99999999999}').decode().rstrip("=") + ".",
    ],
)
async def test_a_token_that_is_expired_forged_changed_or_for_something_else_is_refused(token: str) -> None:
    """The signature covers all of it, and its use is part of it."""
    status, said = await asked(Authorization=f"Bearer {token}")
    assert status == 401
    assert token.partition(".")[2] in ("", ".") or token not in str(said)


def test_the_second_secret_still_verifies() -> None:
    """That is how secrets are rotated without sending everybody away."""
    old = Tokens(("second secret",))
    assert ACCESS.logging_in(minted("rooms", tokens=old)).topics == frozenset({"rooms"})


def test_a_reconnect_token_carries_topics_permission_and_end_but_only_reading() -> None:
    """It may stay in a page for hours: whoever finds it sees what the page may see, and changes nothing."""
    grant = Grant.of(frozenset({"rooms/a"}), frozenset({"rooms", "bots"}), NOW + 10, "wall")
    assert ACCESS.reconnecting(ACCESS.reconnect_token(grant)) == Caller(
        scopes=frozenset({"read"}),
        topics=frozenset({"rooms", "bots"}),
        expires_at=NOW + 10,
        name="wall",
        follows=frozenset({"rooms/a"}),
    )


def test_a_reconnect_token_of_somebody_without_an_end_has_one() -> None:
    """Every token has."""
    assert ACCESS.reconnecting(ACCESS.reconnect_token(Grant(frozenset({"*"})))).expires_at == NOW + LONGEST_SECONDS


def test_an_access_token_cannot_stand_for_a_reconnect_token_nor_the_other_way_round() -> None:
    """Each was given for one thing."""
    with pytest.raises(TokenRefused):
        ACCESS.reconnecting(minted("*"))
    with pytest.raises(TokenRefused):
        ACCESS.logging_in(ACCESS.reconnect_token(Grant(frozenset({"*"}))))


@pytest.mark.parametrize(("wanted", "given"), [(60, 60), (LONGEST_SECONDS, LONGEST_SECONDS), (10**9, LONGEST_SECONDS)])
def test_a_login_token_lets_everything_be_seen_for_a_day_at_most(wanted: int, given: int) -> None:
    """Whoever finds it in a terminal's history next week has nothing."""
    caller = ACCESS.logging_in(ACCESS.login_token(wanted))
    assert caller == Caller(
        scopes=frozenset({"read", "launch", "admin"}), topics=frozenset({"*"}), expires_at=NOW + given
    )


@pytest.mark.parametrize(
    ("scopes", "demanded", "may"),
    [({"read"}, "read", True), ({"read"}, "admin", False), ({"launch"}, "read", False), ({"admin"}, "read", True)],
)
def test_a_scope_permits_itself_and_admin_everything(scopes: set[str], demanded: str, may: bool) -> None:
    """A key that may launch bots need not see every meeting."""
    caller = Caller(scopes=frozenset(scopes))
    if may:
        caller.demand(demanded)
        return
    with pytest.raises(Forbidden, match=demanded):
        caller.demand(demanded)


@pytest.mark.parametrize(
    ("own", "asked_for", "expected"),
    [
        ({"*"}, set(), {"*"}),
        ({"rooms"}, set(), {"rooms"}),
        ({"*"}, {"rooms", "bots"}, {"rooms", "bots"}),
        ({"rooms"}, {"rooms/livekit:RM_1"}, {"rooms/livekit:RM_1"}),
        ({"rooms/livekit:RM_1"}, {"rooms/livekit:RM_1"}, {"rooms/livekit:RM_1"}),
    ],
)
def test_a_caller_gets_what_it_asks_for_within_its_own(own: set[str], asked_for: set[str], expected: set[str]) -> None:
    """Everything of its own when it asks for nothing."""
    assert Caller(scopes=frozenset(), topics=frozenset(own)).narrowed(frozenset(asked_for)) == expected


@pytest.mark.parametrize(
    ("own", "asked_for"),
    [
        ({"rooms/livekit:RM_1"}, {"rooms/livekit:RM_2"}),
        ({"rooms/livekit:RM_1"}, {"rooms/livekit:RM_1", "rooms/livekit:RM_2"}),
        ({"rooms/livekit:RM_1"}, {"rooms/livekit:RM_11"}),
        ({"rooms/livekit:RM_11"}, {"rooms/livekit:RM_1"}),
        ({"rooms/livekit:RM_1"}, {"rooms"}),
        ({"rooms"}, {"*"}),
        ({"rooms"}, {"bots"}),
        ({"rooms", "bots", "schedules", "sources"}, {"*"}),
        (set(), {"rooms"}),
    ],
)
def test_a_caller_never_gets_more_than_its_own(own: set[str], asked_for: set[str]) -> None:
    """Not even partly: half of what was asked for would look like all of it."""
    with pytest.raises(Forbidden):
        Caller(scopes=frozenset(), topics=frozenset(own)).narrowed(frozenset(asked_for))


@pytest.mark.parametrize("opening", ['{"x":' + "[" * 5000, "[" * 5000, '{"use":' * 3000, '{"topics":[' + "{" * 5000])
def test_a_token_of_nothing_but_brackets_is_refused_like_any_other(opening: str) -> None:
    """Anybody can send one, so it must not be a mistake of the hub: nested JSON raises RecursionError in decoders."""
    token = base64.urlsafe_b64encode(opening.encode()).decode().rstrip("=") + ".signature"
    with pytest.raises(TokenRefused):
        ACCESS.logging_in(token[:16_000])


@pytest.mark.parametrize(
    ("method", "origin", "expected"),
    [
        ("GET", "https://evil.example", 200),
        ("HEAD", "", 200),
        ("POST", "https://hub.example.com", 200),
        ("POST", "http://hub.local:8080", 200),
        ("POST", "https://evil.example", 403),
        ("POST", "https://hub.example.com.evil.example", 403),
        ("POST", "https://evil.example/hub.local:8080", 403),
        ("POST", "http://hub.local", 403),
        ("POST", "null", 403),
        ("POST", "", 403),
        ("PATCH", "https://evil.example", 403),
        ("DELETE", "https://evil.example", 403),
    ],
)
async def test_the_cookie_changes_something_only_for_our_own_page(method: str, origin: str, expected: int) -> None:
    """A browser sends it along with whatever another page asks for."""
    headers = {"Cookie": f"{COOKIE}={minted('*')}", "Host": "hub.local:8080", **({"Origin": origin} if origin else {})}
    async with asking() as client, client.request(method, "/", headers=headers) as answer:
        assert answer.status == expected


async def test_other_credentials_change_something_from_anywhere() -> None:
    """No browser sends them by itself."""
    headers = {"Authorization": "Bearer full-key", "Origin": "https://evil.example"}
    async with asking() as client, client.post("/", headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("caller", "may"),
    [
        (Caller(scopes=frozenset({"admin"})), True),
        (Caller(scopes=frozenset({"read", "launch"})), False),
        (Caller(scopes=frozenset({"admin"}), topics=frozenset({"rooms", "bots"})), False),
    ],
)
def test_only_who_administers_every_topic_has_everything(caller: Caller, may: bool) -> None:
    """An administrator of one room must not read what arrived for another."""
    if may:
        caller.demand_everything()
        return
    with pytest.raises(Forbidden):
        caller.demand_everything()
