"""How LiveKit proves its webhooks: a short-lived signed token that holds the SHA-256 of the body."""

import base64
import hashlib
import hmac
import json

import orjson

from handlers.providers.arrival import Arrival, Proof
from handlers.providers.signing import first_secret
from hub.errors import ProofRefused
from hub.settings import Source

LEEWAY_S = 60
LIFETIME_S = 5 * 60
# A webhook's token has some 300 characters. Its claims are read before its signature can be judged.
TOKEN_LIMIT = 16 * 1024

# Grants mean nothing in a webhook's token, but a token that LiveKit's receivers refuse is no proof here either.
_GRANTS = ("video", "sip", "inference", "observability")
_AGENT_GRANTS = ("agent", "agentEndpoint", "agentThread")


def verify(source: Source, arrival: Arrival) -> Proof:
    """Prove that the source's LiveKit sent these bytes, as LiveKit's own receiver would, at the time of arrival.

    Raises ProofRefused, which says what was wrong.
    """
    refusal = ProofRefused("there is no Authorization header: LiveKit sends its signed token there")
    for token in arrival.every("authorization"):
        try:
            _verify_token(source, arrival, token)
        except ProofRefused as problem:
            refusal = problem
        else:
            return Proof(scheme="jwt")
    raise refusal


def sign(source: Source, body: bytes, now: int) -> dict[str, str]:
    """Return the headers with which LiveKit would send this body, signed with the first key of the source.

    Raises ConfigRefused when the source has no key.
    """
    key, secret = _first_key(source)
    seconds = now // 1000
    claims = {
        "iss": key,
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds + LIFETIME_S,
        "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }
    signed = ".".join(_encode_segment(orjson.dumps(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return {
        "authorization": f"{signed}.{_encode_segment(_signature(secret, signed))}",
        "content-type": "application/webhook+json",
        "user-agent": "LiveKit",
    }


def _verify_token(source: Source, arrival: Arrival, token: str) -> None:
    if token[:7].lower() == "bearer ":
        raise ProofRefused("the token comes after 'Bearer': LiveKit sends the raw token alone")
    if len(token) > TOKEN_LIMIT:
        raise ProofRefused("what Authorization holds is no token: it is too long")
    signed, _, signature = token.rpartition(".")
    header, dot, payload = signed.partition(".")
    if not dot:
        raise ProofRefused("what Authorization holds is no token: it does not have three segments")
    _check_header(_decode_object(header, "header"))
    claims = _decode_object(payload, "claims")
    _check_signature(source, claims, signed, _decode_segment(signature, "signature"))
    _check_times(claims, arrival.received_at / 1000)
    _check_registered(claims)
    _check_body(claims, arrival.body)


def _decode_object(segment: str, part: str) -> dict[str, object]:
    raw = _decode_segment(segment, part)
    try:
        # Not orjson: the receivers of LiveKit read tokens with this decoder, NaN and UTF-16 included.
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProofRefused(f"the token's {part} is not a JSON object")
    return value


def _decode_segment(segment: str, part: str) -> bytes:
    try:
        decoded = base64.urlsafe_b64decode(segment + "==")
    except ValueError:
        decoded = b""
    # The decoder skips foreign characters and loose bits; only what encodes to the same text is one spelling of it.
    bare = _encode_segment(decoded)
    if segment not in (bare, bare + "=" * (-len(bare) % 4)):
        raise ProofRefused(f"the token's {part} is not base64url")
    return decoded


def _encode_segment(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _check_header(header: dict[str, object]) -> None:
    if header.get("alg") != "HS256":
        raise ProofRefused("the token's alg is not HS256")
    if not isinstance(header.get("kid", ""), str):
        raise ProofRefused("the token's kid is not text")
    if header.get("b64") is False or not _is_understood(header):
        raise ProofRefused("the token demands extensions that are not understood (crit, b64)")


def _is_understood(header: dict[str, object]) -> bool:
    if "crit" not in header:
        return True
    critical = header["crit"]
    if not isinstance(critical, list) or not critical:
        return False
    return "b64" in header and all(extension == "b64" for extension in critical)


def _check_signature(source: Source, claims: dict[str, object], signed: str, signature: bytes) -> None:
    issuer = claims.get("iss")
    secrets = source.keys.get(issuer, ()) if isinstance(issuer, str) else ()
    if not secrets:
        raise ProofRefused("the token's iss is no API key of this source")
    if not any(hmac.compare_digest(_signature(secret, signed), signature) for secret in secrets if secret):
        raise ProofRefused("the token's signature does not match the secret of its API key")


def _signature(secret: str, signed: str) -> bytes:
    return hmac.digest(secret.encode(), signed.encode(), "sha256")


def _check_times(claims: dict[str, object], now: float) -> None:
    if "exp" not in claims:
        # Without it, a token that leaks would be good for ever.
        raise ProofRefused("the token has no exp")
    if _seconds(claims, "exp") <= now - LEEWAY_S:
        raise ProofRefused("the token has expired (exp)")
    for claim in ("iat", "nbf"):
        if claim in claims and _seconds(claims, claim) > now + LEEWAY_S:
            raise ProofRefused(f"the token is not valid yet ({claim})")


def _seconds(claims: dict[str, object], claim: str) -> int:
    value = claims[claim]
    try:
        if isinstance(value, str | int | float):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise ProofRefused(f"the token's {claim} is not a number of seconds")


def _check_registered(claims: dict[str, object]) -> None:
    """Refuse what LiveKit's receivers refuse: a token for another audience, and claims of the wrong type."""
    if claims.get("aud"):
        raise ProofRefused("the token is meant for somebody else (aud)")
    for claim in ("sub", "jti"):
        if not isinstance(claims.get(claim, ""), str):
            raise ProofRefused(f"the token's {claim} is not text")
    for claim in _GRANTS:
        if not isinstance(claims.get(claim, {}), dict):
            raise ProofRefused(f"the token's {claim} is not an object")
    for claim in _AGENT_GRANTS:
        if claims.get(claim) is not None and not isinstance(claims[claim], dict):
            raise ProofRefused(f"the token's {claim} is not an object")


def _check_body(claims: dict[str, object], body: bytes) -> None:
    claimed = claims.get("sha256")
    if not isinstance(claimed, str) or not claimed:
        raise ProofRefused("the token has no sha256 of the body: it is no webhook's")
    try:
        digest = base64.b64decode(claimed)
    except ValueError:
        raise ProofRefused("the token's sha256 is not base64") from None
    if not hmac.compare_digest(digest, hashlib.sha256(body).digest()):
        raise ProofRefused("the body is not the one that was signed (sha256)")


def _first_key(source: Source) -> tuple[str, str]:
    return first_secret(source, "keys", ((key, one) for key, secrets in source.keys.items() for one in secrets if one))
