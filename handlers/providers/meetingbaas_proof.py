"""How MeetingBaaS proves itself: an API key (v1), a Svix signature (v2), a callback secret (v2 callbacks)."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

from handlers.providers.arrival import Arrival, Proof, matches_secret
from handlers.providers.signing import first_secret
from hub.errors import ConfigRefused, ProofRefused
from hub.settings import Source

_API_KEY_HEADER = "x-meeting-baas-api-key"
_LEGACY_KEY_HEADER = "x-spoke-api-key"
_CALLBACK_HEADER = "x-mb-secret"
# They hold a secret as it is.
STATIC_HEADERS = frozenset({_API_KEY_HEADER, _LEGACY_KEY_HEADER, _CALLBACK_HEADER})
_SECRET_PREFIX = "whsec_"
_TOLERANCE = timedelta(minutes=5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Check = Callable[[Source, Arrival], Proof | None]


def verify(source: Source, arrival: Arrival) -> Proof:
    """Return the first proof that holds.

    Raises ProofRefused, saying what this path takes and what was wrong, when none does.
    """
    problems: list[str] = []
    # Signatures come first: only they prove the body, and give the delivery an id.
    svix, white_label = partial(_check_signature, "svix"), partial(_check_signature, "webhook")
    checks: tuple[_Check, ...] = (svix, white_label, _check_key, _check_callback)
    for check in checks:
        try:
            if proof := check(source, arrival):
                return proof
        except ProofRefused as refusal:
            problems.append(str(refusal))
    raise ProofRefused(f"this path takes {takes(source)}; {', and '.join(problems) or 'the request has none of that'}")


def sign(source: Source, body: bytes, now: int, dialect: str, delivery_id: str) -> dict[str, str]:
    """Return the headers with which the provider would send `body` at `now` (ms) in `v1`, `v2`, `callback` or `guide`.

    Raises ConfigRefused when the source has no secret for that dialect.
    """
    return {"content-type": "application/json", **_proof_headers(source, body, now // 1000, dialect, delivery_id)}


def takes(source: Source) -> str:
    """Return what proves a request of this source, as far as it has secrets, in words."""
    known = [
        wording
        for secrets, wording in (
            (source.api_keys, _API_KEY_HEADER),
            (source.webhook_secrets, "a Svix signature (svix-id, svix-timestamp, svix-signature)"),
            (source.callback_secrets, _CALLBACK_HEADER),
        )
        if any(secrets)
    ]
    return " or ".join(known) or "nothing, because no secrets are configured"


def _check_signature(family: str, source: Source, arrival: Arrival) -> Proof | None:
    names = [f"{family}-id", f"{family}-timestamp", f"{family}-signature"]
    values = [arrival.header(name) or "" for name in names]
    if not any(values):
        return None
    if missing := [name for name, value in zip(names, values, strict=True) if not value]:
        raise ProofRefused(f"{' and '.join(missing)} is missing")
    if not all(value.isascii() for value in values):
        raise ProofRefused(f"a {family} header is not ASCII")
    keys = _signing_keys(source)
    if not keys:
        raise ProofRefused(f"{family}-signature came, but webhook_secrets has no secret of whsec_ and base64")
    delivery_id, timestamp, signatures = values
    second = _signed_second(f"{family}-timestamp", timestamp, arrival.received_at)
    _require_text(arrival.body)
    offered, malformed = _offered(signatures)
    expected = [_mac(key, delivery_id.encode(), second, arrival.body) for key in keys]
    if _any_equal(offered, expected):
        return Proof(scheme="svix", delivery_id=delivery_id)
    if malformed:
        raise ProofRefused(f"{family}-signature is not a list of v1,<base64>")
    raise ProofRefused(f"{family}-signature fits none of webhook_secrets: another secret, or other bytes were signed")


def _check_key(source: Source, arrival: Arrival) -> Proof | None:
    headers = (_API_KEY_HEADER, _LEGACY_KEY_HEADER)
    return _check_static("api-key", arrival, headers, "api_keys", source.api_keys)


def _check_callback(source: Source, arrival: Arrival) -> Proof | None:
    return _check_static("callback-secret", arrival, (_CALLBACK_HEADER,), "callback_secrets", source.callback_secrets)


def _check_static(
    scheme: str, arrival: Arrival, headers: tuple[str, ...], setting: str, secrets: tuple[str, ...]
) -> Proof | None:
    given = [value for header in headers for value in arrival.every(header)]
    if not given:
        return None
    if any(matches_secret(arrival, value, secret) for value in given for secret in secrets):
        return Proof(scheme=scheme)
    header = headers[0]
    raise ProofRefused(f"{header} is none of {setting}" if any(secrets) else f"{header} came, but {setting} is empty")


def _signing_keys(source: Source) -> list[bytes]:
    decoded = (_decode(secret.removeprefix(_SECRET_PREFIX) + "==") for secret in source.webhook_secrets)
    # Whoever can guess that a secret is empty can sign with it.
    return [key for key in decoded if key]


def _signed_second(header: str, timestamp: str, received_at: int) -> int:
    """Return the second that was signed: the library signs a timestamp with a fraction as its floor."""
    try:
        moment = datetime.fromtimestamp(float(timestamp), tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise ProofRefused(f"{header} is not a time in seconds") from None
    elapsed = moment - _EPOCH
    ahead = elapsed - timedelta(milliseconds=received_at)
    if abs(ahead) > _TOLERANCE:
        direction = "ahead of" if ahead > timedelta(0) else "behind"
        raise ProofRefused(f"{header} is {abs(ahead).total_seconds():.0f} s {direction} our clock, 300 s are allowed")
    return elapsed // timedelta(seconds=1)


def _require_text(body: bytes) -> None:
    """Refuse bytes that are not UTF-8: the provider signs text, so it cannot have signed these."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise ProofRefused("the signature is over text, but the body is not UTF-8") from None


def _offered(signatures: str) -> tuple[list[bytes], bool]:
    """Return the v1 signatures in front of the first malformed one, and whether there is such a one."""
    offered: list[bytes] = []
    for entry in signatures.split(" "):
        version, comma, encoded = entry.partition(",")
        if not comma or "," in encoded:
            return offered, True
        if version != "v1":
            continue
        signature = _decode(encoded)
        if signature is None:
            return offered, True
        offered.append(signature)
    return offered, False


def _mac(key: bytes, delivery_id: bytes, second: int, body: bytes) -> bytes:
    signed = hmac.new(key, b"%b.%d." % (delivery_id, second), hashlib.sha256)
    signed.update(body)
    return signed.digest()


def _any_equal(given: Iterable[bytes], known: list[bytes]) -> bool:
    return any(hmac.compare_digest(one, other) for one in given for other in known)


def _decode(encoded: str) -> bytes | None:
    """Decode base64 as leniently as the libraries do, None when it cannot be decoded."""
    try:
        return base64.b64decode(encoded)
    except ValueError:
        return None


def _proof_headers(source: Source, body: bytes, second: int, dialect: str, delivery_id: str) -> dict[str, str]:
    match dialect:
        case "v1":
            return {_API_KEY_HEADER: first_secret(source, "api_keys", source.api_keys), "user-agent": "meetingbaas/1.0"}
        case "guide":
            return {_API_KEY_HEADER: first_secret(source, "api_keys", source.api_keys)}
        case "callback":
            return {_CALLBACK_HEADER: first_secret(source, "callback_secrets", source.callback_secrets)}
        case "v2":
            key = first_secret(source, "webhook_secrets", _signing_keys(source))
            signature = base64.b64encode(_mac(key, delivery_id.encode(), second, body)).decode()
            return {"svix-id": delivery_id, "svix-timestamp": str(second), "svix-signature": f"v1,{signature}"}
    raise ConfigRefused(f"source {source.name}: expected the dialect v1, v2, callback or guide, not {dialect!r}")
