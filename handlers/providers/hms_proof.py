"""How 100ms proves its webhooks: a secret header that the customer chose, or an HMAC of the body."""

from handlers.providers.arrival import Arrival, Proof, matches_secret
from handlers.providers.hmac_hex import matches, signature
from handlers.providers.signing import first_secret
from hub.errors import ConfigRefused, ProofRefused
from hub.settings import Source

_SIGNATURE_HEADER = "x-100ms-signature"


def verify(source: Source, arrival: Arrival) -> Proof:
    """Prove that the source's 100ms sent this: by the signature, which proves the body too, or by any secret header.

    Raises ProofRefused, which says what was wrong. Ordinary workspaces send only the headers that were set up in the
    dashboard; HIPAA workspaces, and whoever follows the room-statistics guide, sign.
    """
    given = arrival.every(_SIGNATURE_HEADER)
    if any(matches(arrival.body, one, source.signing_secrets) for one in given):
        return Proof(scheme="hmac")
    problems = [_judge_signature(source, given)]
    for name, secrets in source.headers.items():
        values = arrival.every(name.lower())
        if any(matches_secret(arrival, value, secret) for value in values for secret in secrets):
            return Proof(scheme="secret-header")
        problems.append(_judge_header(name, secrets, values))
    raise ProofRefused(", and ".join(filter(None, problems)) or "no secret is configured to prove anything with")


def sign(source: Source, body: bytes, dialect: str) -> dict[str, str]:
    """Return the headers with which this body would be sent.

    The dialect is `header` (the first secret header), `signature` (HIPAA workspaces) or `guide` (room statistics).
    Raises ConfigRefused when the source has no secret for it.
    """
    return {"content-type": "application/json", **_proof_headers(source, body, dialect)}


def _judge_signature(source: Source, given: tuple[str, ...]) -> str:
    known = any(source.signing_secrets)
    if given and known:
        return f"{_SIGNATURE_HEADER} does not match: another secret, or other bytes were signed"
    if given:
        return f"{_SIGNATURE_HEADER} came, but signing_secrets is empty"
    return f"{_SIGNATURE_HEADER} is missing" if known else ""


def _judge_header(name: str, secrets: tuple[str, ...], values: tuple[str, ...]) -> str:
    if not any(secrets):
        return f"{name} came, but has no value in headers" if values else ""
    return f"{name} does not match" if values else f"{name} is missing"


def _proof_headers(source: Source, body: bytes, dialect: str) -> dict[str, str]:
    match dialect:
        case "header":
            return _first_header(source)
        case "signature":
            return {_SIGNATURE_HEADER: _signature(source, body)}
        case "guide":
            return {_SIGNATURE_HEADER: f"sha256={_signature(source, body)}"}
    raise ConfigRefused(f"source {source.name}: expected the dialect header, signature or guide, not {dialect!r}")


def _first_header(source: Source) -> dict[str, str]:
    named = ((name.lower(), secret) for name, secrets in source.headers.items() for secret in secrets if secret)
    return dict([first_secret(source, "headers", named)])


def _signature(source: Source, body: bytes) -> str:
    return signature(body, first_secret(source, "signing_secrets", source.signing_secrets))
