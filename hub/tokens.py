"""Signed tokens: `<base64url JSON>.<HMAC>`, one format for access, login and reconnect.

The JSON holds `use`, `topics`, `scope`, `exp` (seconds since 1970) and `kid`, the name of the secret;
`name` where one was given, and `follows` in reconnect tokens.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from hub.errors import TokenRefused
from hub.seals import seal_by

LONGEST_SECONDS = 24 * 3600
_LONGEST_TOKEN = 16 * 1024
_PURPOSE = "token"


class Use(StrEnum):
    """What a token is for; one cannot be used as another."""

    ACCESS = "access"
    RECONNECT = "reconnect"


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token permits."""

    use: Use
    topics: tuple[str, ...]
    scope: tuple[str, ...]
    exp: int
    kid: str = ""
    # What whoever made it calls who holds it.
    name: str = ""
    # Of a reconnect token: which of the topics were followed.
    follows: tuple[str, ...] | None = None


class Tokens:
    """Mints and reads tokens. The first secret signs, every secret verifies, so that secrets can be rotated."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = {_name(secret): secret.encode() for secret in secrets}
        self._signing = next(iter(self._secrets))

    def mint(self, claims: Claims) -> str:
        """Return a token that says `claims`."""
        said = msgspec.structs.replace(claims, kid=self._signing)
        payload = base64.urlsafe_b64encode(msgspec.json.encode(said)).rstrip(b"=").decode()
        return f"{payload}.{seal_by(self._secrets[self._signing], _PURPOSE, payload)}"

    def read(self, token: str, use: Use, now: int) -> Claims:
        """Return what a token says.

        `now` is in seconds since 1970. Raises TokenRefused when it is not ours, expired, or for another use.
        """
        payload, dot, signature = token.partition(".")
        if not dot or len(token) > _LONGEST_TOKEN or not token.isascii():
            raise TokenRefused("the token is malformed")
        claims = _decode(payload)
        secret = self._secrets.get(claims.kid)
        if secret is None or not hmac.compare_digest(seal_by(secret, _PURPOSE, payload), signature):
            raise TokenRefused("the token is not signed by this hub")
        if claims.exp <= now:
            raise TokenRefused("the token has expired")
        if claims.use is not use:
            raise TokenRefused(f"the token is for {claims.use}, not for {use}")
        return claims


def _decode(payload: str) -> Claims:
    try:
        raw = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=Claims)
    except (ValueError, RecursionError, msgspec.MsgspecError) as problem:
        raise TokenRefused("the token is malformed") from problem


def _name(secret: str) -> str:
    return hashlib.sha256(b"hub token secret\n" + secret.encode()).hexdigest()[:8]
