"""HMAC-SHA256 of a body in hexadecimal digits: how 100ms and Pulse sign."""

import hmac
from collections.abc import Sequence

_PREFIX = "sha256="


def signature(body: bytes, secret: str) -> str:
    """Return the HMAC-SHA256 of the very bytes, as 64 lower-case hexadecimal digits."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def matches(body: bytes, given: str, secrets: Sequence[str]) -> bool:
    """Tell whether `given` is the signature of these bytes with any of the secrets; empty secrets sign nothing.

    `given` is what a header holds: digits in upper or lower case, with or without `sha256=` before them.
    """
    # Comparing what is not ASCII raises an error of its own, and it can be no signature.
    if not given.isascii():
        return False
    digits = given.strip().lower().removeprefix(_PREFIX)
    found = [hmac.compare_digest(signature(body, secret), digits) for secret in secrets if secret]
    return any(found)
