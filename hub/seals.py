"""Seals: what the hub gave out and sees again is its own, without having kept it."""

import base64
import hashlib
import hmac
from collections.abc import Sequence


class Seals:
    """Makes and checks seals. The first secret makes them, every secret checks them, so that secrets can be rotated."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secret.encode() for secret in secrets)

    def seal(self, purpose: str, text: str) -> str:
        """Return the seal of a text for a purpose: 43 characters of base64url."""
        return seal_by(self._secrets[0], purpose, text)

    def every(self, purpose: str, text: str) -> tuple[str, ...]:
        """Return the seals of a text that are good."""
        return tuple(seal_by(secret, purpose, text) for secret in self._secrets)

    def fits(self, purpose: str, text: str, seal: str) -> bool:
        """Whether a seal is of that text for that purpose."""
        return any(hmac.compare_digest(one, seal) for one in self.every(purpose, text))

    def mark(self, purpose: str, text: str) -> str:
        """Return what a text can be compared with later, and not be read from: the secret's name and the seal."""
        return f"{_name(self._secrets[0])}:{self.seal(purpose, text)}"

    def knows(self, mark: str) -> bool:
        """Whether the secret of a mark is still one of these, so that a text can be compared with it."""
        return mark.partition(":")[0] in map(_name, self._secrets)

    def differs(self, purpose: str, text: str, mark: str) -> bool:
        """Whether a mark is certainly of another text; of one whose secret is gone nobody can tell."""
        return self.knows(mark) and not self.fits(purpose, text, mark.partition(":")[2])


def seal_by(secret: bytes, purpose: str, text: str) -> str:
    """Return the seal of a text for a purpose by one secret."""
    said = f"hub {purpose}\n{text}".encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(hmac.digest(secret, said, "sha256")).rstrip(b"=").decode()


def _name(secret: bytes) -> str:
    return hashlib.sha256(b"hub seal secret\n" + secret).hexdigest()[:8]
