"""Who is calling, and what they may do: API keys, tokens, and the page's cookie."""

import hmac
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from hub.desk import Grant
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
    name: str = ""
    # What a reconnect token was made for; None with any other credential.
    follows: frozenset[str] | None = None
    # Whether it is an API key, which alone is shown what callers of the API say among themselves (`extra`).
    is_key: bool = False
    # Whether it is the page's cookie that said so, which browsers send along whoever asks.
    by_cookie: bool = False

    def has(self, scope: str) -> bool:
        """Whether the caller has a scope; `admin` has all."""
        return bool(self.scopes & {scope, "admin"})

    def demand(self, scope: str) -> None:
        """Raise Forbidden unless the caller has a scope."""
        if not self.has(scope):
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

    def sharing(self, topics: frozenset[str], scopes: frozenset[str], expires_at: int, name: str) -> Claims:
        """Return what a token may say that the caller makes for somebody else; it ends when the caller's own does.

        Raises Forbidden for any topic or scope that the caller has not itself.
        """
        for scope in scopes:
            self.demand(scope)
        return Claims(
            use=Use.ACCESS,
            topics=tuple(sorted(self.narrowed(topics))),
            scope=tuple(sorted(scopes)),
            exp=expires_at if self.expires_at is None else min(expires_at, self.expires_at),
            name=name,
        )


class Access:
    """Reads credentials. `now` is in milliseconds since 1970, `public_url` where the page is reached."""

    def __init__(
        self,
        api_keys: Sequence[str],
        tokens: Tokens,
        now: Callable[[], int],
        public_url: str = "",
        origins: Sequence[str] = (),
    ) -> None:
        self._keys = [_parse_key(entry) for entry in api_keys]
        self._tokens = tokens
        self._now = now
        self._origin = _origin_of(public_url)
        self._origins = frozenset(origins)

    def caller(self, request: web.Request) -> Caller:
        """Return who sent a request.

        Looked for are, in this order, `Authorization: Bearer`, `?token=` and the page's cookie. Raises Unauthenticated
        when there is none, TokenRefused when it is not good, and Forbidden when another site's page sends our cookie
        to change something.
        """
        kind, _, credential = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self.bearer(credential.strip())
        if "token" in request.query:
            return self._token(request.query["token"])
        if COOKIE in request.cookies:
            if request.method not in _SAFE_METHODS and not self._is_own(request):
                raise Forbidden("a request with the page's cookie must come from the page: its Origin is another")
            return msgspec.structs.replace(self._token(request.cookies[COOKIE]), by_cookie=True)
        raise Unauthenticated("send an API key or a token as Authorization: Bearer, or a token as ?token=")

    def bearer(self, credential: str) -> Caller:
        """Return who has an API key, or was given a token. Raises TokenRefused."""
        return self._key(credential) or self._token(credential)

    def reconnecting(self, token: str) -> Caller:
        """Return who was given a reconnect token. Raises TokenRefused."""
        caller = _caller(self._tokens.read(token, Use.RECONNECT, self.seconds()))
        return msgspec.structs.replace(caller, follows=caller.topics) if caller.follows is None else caller

    def demand_welcome(self, request: web.Request, caller: Caller) -> None:
        """Raise Forbidden when a page of another origin opens a WebSocket and may not.

        No browser asks whether it may, as it does for other requests, and every one sends the cookie along.
        """
        origin = request.headers.get("Origin")
        if origin is None or self._is_own(request):
            return
        if caller.by_cookie or not {origin, "*"} & self._origins:
            raise Forbidden("pages of this origin may not open a WebSocket: see auth.allow_origins")

    def logging_in(self, token: str) -> Caller:
        """Return who was given a token to log in with. Raises TokenRefused."""
        return self._token(token)

    def reconnect_token(self, grant: Grant) -> str:
        """Return a token that carries topics, permission and expiry, to be given when a stream is opened again."""
        longest = self.seconds() + LONGEST_SECONDS
        claims = Claims(
            use=Use.RECONNECT,
            topics=tuple(sorted(grant.permitted)),
            scope=("read",),
            exp=longest if grant.expires_at is None else grant.expires_at,
            name=grant.name,
            # Not twice: it stands in an address, and proxies take 8 KiB of that.
            follows=None if grant.asked == grant.permitted else tuple(sorted(grant.asked)),
        )
        return self.mint(claims)

    def mint(self, claims: Claims) -> str:
        """Return a token that says this."""
        return self._tokens.mint(claims)

    def seconds(self) -> int:
        """Return the time by which tokens are judged, in seconds since 1970."""
        return self._now() // 1000

    def login_token(self, seconds: int = LONGEST_SECONDS) -> str:
        """Return a token that lets a person see everything."""
        expiry = self.seconds() + min(seconds, LONGEST_SECONDS)
        return self.mint(Claims(use=Use.ACCESS, topics=("*",), scope=("read", "launch", "admin"), exp=expiry))

    def _key(self, credential: str) -> Caller | None:
        given = credential.encode("utf-8", "surrogateescape")
        found = None
        for key, scopes in self._keys:
            if hmac.compare_digest(key, given):
                found = Caller(scopes=scopes, is_key=True)
        return found

    def _is_own(self, request: web.Request) -> bool:
        origin = _origin_of(request.headers.get("Origin", ""))
        # Behind a proxy that changes Host, public_url says who we are.
        return bool(origin) and (origin == self._origin or origin.partition("://")[2] == request.host.lower())

    def _token(self, token: str) -> Caller:
        return _caller(self._tokens.read(token, Use.ACCESS, self.seconds()))


def _origin_of(url: str) -> str:
    """Return `scheme://host:port` of an address, in lower case; empty when it is none."""
    scheme, separator, rest = url.lower().partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}" if separator and rest else ""


def _caller(claims: Claims) -> Caller:
    return Caller(
        scopes=frozenset(claims.scope),
        topics=frozenset(claims.topics),
        expires_at=claims.exp,
        name=claims.name,
        follows=None if claims.follows is None else frozenset(claims.follows),
    )


def _parse_key(entry: str) -> tuple[bytes, frozenset[str]]:
    """Read `<key>` or `<key>:<scope>+<scope>`; what follows the colon is only taken for scopes if it names some."""
    key, colon, named = entry.rpartition(":")
    scopes = frozenset(named.split("+"))
    if colon and scopes <= SCOPES:
        return key.encode(), scopes
    return entry.encode(), SCOPES
