"""How Pulse proves its webhooks: HMAC-SHA256 of the raw body, in the header of its guide or in that of its code."""

import re

from handlers.providers.arrival import Arrival, Proof
from handlers.providers.hmac_hex import matches, signature
from handlers.providers.reading import parse_payload, text
from handlers.providers.signing import first_secret
from hub.errors import ProofRefused, Unusable
from hub.settings import Source

# The guide documents the first; Pulse's public code sends the second.
_HEADERS = {"x-webhook-signature": "X-Webhook-Signature", "x-pulse-signature": "X-Pulse-Signature"}
_SIGNATURE = re.compile(r"\s*(sha256=)?[0-9a-f]{64}\s*", re.IGNORECASE | re.ASCII)
_EVENT_NAME = re.compile(r"[a-z0-9_.]+", re.IGNORECASE | re.ASCII)


def verify(source: Source, arrival: Arrival) -> Proof:
    """Prove that these very bytes were signed with a secret of the source; one right signature suffices.

    Raises ProofRefused, which says what was wrong.
    """
    given = [(name, value) for name in _HEADERS for value in arrival.every(name)]
    if any(matches(arrival.body, value, source.signing_secrets) for _, value in given):
        return Proof(scheme="hmac")
    raise ProofRefused(_problem(given))


def sign(source: Source, body: bytes, dialect: str) -> dict[str, str]:
    """Return the headers with which Pulse would send this body: as its `guide` says, or as its code (`go`) does.

    Raises ConfigRefused when the source has no secret.
    """
    digits = signature(body, first_secret(source, "signing_secrets", source.signing_secrets))
    if dialect != "go":
        return {"x-webhook-signature": f"sha256={digits}", "content-type": "application/json"}
    return {
        "x-pulse-signature": digits,
        "x-pulse-event": _event_of(body),
        "content-type": "application/json",
        "user-agent": "Pulse-Webhook/1.0",
    }


def _problem(given: list[tuple[str, str]]) -> str:
    if not given:
        return f"there is neither {' nor '.join(_HEADERS.values())}"
    named = " and ".join(dict.fromkeys(_HEADERS[name] for name, _ in given))
    if not any(_SIGNATURE.fullmatch(value) for _, value in given):
        return f"{named}: there is no HMAC-SHA256 in 64 hexadecimal digits"
    return f"{named}: the signature fits no secret of this source; it is another's, or other bytes were signed"


def _event_of(body: bytes) -> str:
    try:
        event = text(parse_payload(body), "event")
    except Unusable:
        return ""
    # It goes into a header.
    return event if _EVENT_NAME.fullmatch(event) else ""
