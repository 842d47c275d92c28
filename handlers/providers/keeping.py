"""Which headers of a request are kept, and how: as they are, as a hash, or not at all."""

import base64
import re

import orjson

from handlers.providers.arrival import HASH_PREFIX, Arrival, hashed_secret
from handlers.providers.path_keys import kept_path_key
from hub.redaction import clean
from hub.settings import Source

# Everything else in a header may be a secret: a provider's, a proxy's or a customer's.
_SHOWN_HEADERS = frozenset(
    {"content-length", "content-type", "date", "user-agent", "svix-id", "svix-timestamp", "webhook-id"}
    | {"webhook-timestamp", "x-pulse-event"}
)
_SHOWN_LENGTH = 256
# What proves one body only, and cannot be verified once it is hashed.
_SIGNATURES = frozenset(
    {"svix-signature", "webhook-signature", "x-100ms-signature", "x-webhook-signature", "x-pulse-signature"}
)
_TOKEN_HEADER = "authorization"
_LONGEST_TOKEN = 16 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9_=-]+\.([A-Za-z0-9_-]+)=*\.[A-Za-z0-9_=-]+")


def shown_headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return headers as people may see them; those that may hold a secret have the value `redacted`."""
    return tuple(
        # A header may hold bytes that are no text; nothing that cannot be stored may get any further.
        (clean(name, _SHOWN_LENGTH), clean(value, _SHOWN_LENGTH) if name in _SHOWN_HEADERS else "redacted")
        for name, value in headers
    )


def as_kept(source: Source, arrival: Arrival) -> Arrival:
    """Return a request as it is kept to be verified again.

    Signatures stay as they are; whatever else may be a static secret, the path's key included, is there as its hash.
    """
    static = frozenset(name.lower() for name in source.headers)
    headers = tuple(
        (name, value if name not in static and _is_harmless(name, value) else hashed_secret(value))
        for name, value in arrival.headers
    )
    path_key = kept_path_key(arrival.path_key)
    return Arrival(headers=headers, body=arrival.body, received_at=arrival.received_at, path_key=path_key, hashed=True)


def _is_harmless(name: str, value: str) -> bool:
    if value.startswith(HASH_PREFIX):
        # Kept as it is, the hash of a secret would be taken for the secret when it is looked at again.
        return False
    return name in _SHOWN_HEADERS or name in _SIGNATURES or (name == _TOKEN_HEADER and _signs_a_body(value))


def _signs_a_body(token: str) -> bool:
    """Whether this is a raw JWT with the hash of a body: one without it may open other doors, and is no webhook's."""
    found = _TOKEN.fullmatch(token) if len(token) <= _LONGEST_TOKEN else None
    if found is None:
        return False
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(found[1] + "=="))
    except ValueError:
        return False
    return isinstance(claims, dict) and bool(claims.get("sha256"))
