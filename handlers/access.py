"""Who is calling, and what they may do: API keys, tokens, and the page's cookie."""

import hmac
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from hub.errors import Forbidden, Unauthenticated
from hub.events import covers
from hub.tokens import LONGEST_SECONDS, Claims, Tokens, Use

COOKIE = "hub_token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SCOPES = frozenset({"read", "launch", "admin"})


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may do something. API keys have every topic and do not expire."""

    scopes: frozenset[str]
    topics: frozenset[str] = frozenset({"*"})
    # Seconds since 1970.
    expires_at: int | None = None

    def demand(self, scope: str) -> None:
        """Raise Forbidden unless the caller has a scope; `admin` has all."""
        if not self.scopes & {scope, "admin"}:
            raise Forbidden(f"this needs the scope {scope}")

    def demand_everything(self) -> None:
        """Raise Forbidden unless the caller administers every topic: what arrives may be about any of them."""
        self.demand("admin")
        if "*" not in self.topics:
            raise Forbidden("this needs a credential for every topic (*)")

    def narrowed(self, topics: frozenset[str]) -> frozenset[str]:
        """Return the topics asked for, the caller's own when none are; raise Forbidden for any it may not have."""
        if not topics:
            return self.topics
        if not all(covers(self.topics, topic) for topic in topics):
            raise Forbidden("the credential does not cover all of these topics")
        return topics


class Access:
    """Reads credentials. `now` is in milliseconds since 1970, `public_url` where the page is reached."""

    def __init__(self, api_keys: Sequence[str], tokens: Tokens, now: Callable[[], int], public_url: str = "") -> None:
        self._keys = [_parse_key(entry) for entry in api_keys]
        self._tokens = tokens
        self._now = now
        self._origin = _origin_of(public_url)

    def caller(self, request: web.Request) -> Caller:
        """Return who sent a request.

        Looked for are, in this order, `Authorization: Bearer`, `?token=` and the page's cookie. Raises Unauthenticated
        when there is none, TokenRefused when it is not good, and Forbidden when another site's page sends our cookie
        to change something.
        """
        kind, _, credential = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._key(credential.strip()) or self._token(credential.strip())
        if "token" in request.query:
            return self._token(request.query["token"])
        if COOKIE in request.cookies:
            if request.method not in _SAFE_METHODS and not self._is_own(request):
                raise Forbidden("a request with the page's cookie must come from the page: its Origin is another")
            return self._token(request.cookies[COOKIE])
        raise Unauthenticated("send an API key or a token as Authorization: Bearer, or a token as ?token=")

    def reconnecting(self, token: str) -> Caller:
        """Return who was given a reconnect token. Raises TokenRefused."""
        return _caller(self._tokens.read(token, Use.RECONNECT, self._now() // 1000))

    def logging_in(self, token: str) -> Caller:
        """Return who was given a token to log in with. Raises TokenRefused."""
        return self._token(token)

    def reconnect_token(self, topics: frozenset[str], expires_at: int | None) -> str:
        """Return a token that carries topics, permission and expiry, to be given when a stream is opened again."""
        expiry = expires_at if expires_at is not None else self._now() // 1000 + LONGEST_SECONDS
        return self._tokens.mint(Claims(use=Use.RECONNECT, topics=tuple(sorted(topics)), exp=expiry))

    def login_token(self, seconds: int = LONGEST_SECONDS) -> str:
        """Return a token that lets a person see everything."""
        expiry = self._now() // 1000 + min(seconds, LONGEST_SECONDS)
        return self._tokens.mint(Claims(use=Use.ACCESS, topics=("*",), scope=("read", "launch", "admin"), exp=expiry))

    def _key(self, credential: str) -> Caller | None:
        given = credential.encode("utf-8", "surrogateescape")
        found = None
        for key, scopes in self._keys:
            if hmac.compare_digest(key, given):
                found = Caller(scopes=scopes)
        return found

    def _is_own(self, request: web.Request) -> bool:
        origin = _origin_of(request.headers.get("Origin", ""))
        # Behind a proxy that changes Host, public_url says who we are.
        return bool(origin) and (origin == self._origin or origin.partition("://")[2] == request.host.lower())

    def _token(self, token: str) -> Caller:
        return _caller(self._tokens.read(token, Use.ACCESS, self._now() // 1000))


def _origin_of(url: str) -> str:
    """Return `scheme://host:port` of an address, in lower case; empty when it is none."""
    scheme, separator, rest = url.lower().partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}" if separator and rest else ""


def _caller(claims: Claims) -> Caller:
    return Caller(scopes=frozenset(claims.scope), topics=frozenset(claims.topics), expires_at=claims.exp)


def _parse_key(entry: str) -> tuple[bytes, frozenset[str]]:
    """Read `<key>` or `<key>:<scope>+<scope>`; what follows the colon is only taken for scopes if it names some."""
    key, colon, named = entry.rpartition(":")
    scopes = frozenset(named.split("+"))
    if colon and scopes <= SCOPES:
        return key.encode(), scopes
    return entry.encode(), SCOPES
