"""What a provider module gets and gives: a request as it arrived, its proof, and what it says."""

import hashlib
import hmac

import msgspec

from hub.events import Fact

HASH_PREFIX = "sha256:"

JsonObject = dict[str, object]


class PathKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a key that is good proves: webhooks of one launch, or of one bot."""

    # Empty where the key is a bot's.
    launch_id: str = ""
    # The provider's id of the bot (escaped); empty as long as nobody told what the launch became.
    bot: str = ""

    @property
    def subject(self) -> str:
        """Whose it is, as the key itself and deliveries say it."""
        return self.launch_id or f"bot-{self.bot}"


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a webhook path, exactly as received.

    Header names are lower-case; a header that came twice is there twice, in order.
    """

    headers: tuple[tuple[str, str], ...]
    body: bytes
    received_at: int
    # The `{bot_key}` of the path, where there is one.
    path_key: str = ""
    # It was kept: what may be a static secret among its headers, and its path key, are there as `hashed_secret` only.
    hashed: bool = False
    # What the path key proves, where it is one that the hub made.
    proves: PathKey | None = None

    def header(self, name: str) -> str | None:
        """Return the first value of a header (`name` in lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values of a header (`name` in lower case)."""
        return tuple(value for key, value in self.headers if key == name)


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """How the sender proved itself, and the id that the proof gives this delivery, if any."""

    scheme: str
    delivery_id: str = ""


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """What a payload says: its facts, and by what it is recognised when it comes again."""

    provider_type: str
    facts: tuple[Fact, ...]
    # The payload's own id of this delivery, where the provider gives one.
    delivery_id: str = ""
    # Whether the bytes hold a time of their own: if so, equal bytes are always the same delivery.
    timed: bool = False


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A payload as the provider would send it, and the path below the source's own to send it to."""

    payload: JsonObject
    # How it is proved: a name that the provider's `sign` knows.
    dialect: str
    method: str = "POST"
    # What names this delivery in its proof, where the scheme has such an id; empty: another id each time it is sent.
    delivery_id: str = ""


def matches_secret(arrival: Arrival, given: str, secret: str) -> bool:
    """Whether `given`, a header's value or the path key of this arrival, is the secret; an empty secret is none.

    A request that was kept holds hashes in place of what was given. Only then are hashes compared: a live request
    that sends the hash of a secret has not proved that it knows the secret.
    """
    expected = hashed_secret(secret) if arrival.hashed else secret
    return bool(secret) and hmac.compare_digest(_as_bytes(given), _as_bytes(expected))


def hashed_secret(value: str) -> str:
    """Return the form in which a value that may be a static secret is kept: `sha256:<hex>`."""
    return f"{HASH_PREFIX}{hashlib.sha256(_as_bytes(value)).hexdigest()}"


def _as_bytes(value: str) -> bytes:
    # Headers may hold lone surrogates: bytes that were not UTF-8. They compare as different, and nothing raises.
    return value.encode("utf-8", "surrogatepass")
