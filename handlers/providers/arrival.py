"""What a provider module gets and gives: a request as it arrived, its proof, and what it says."""

import msgspec

from hub.events import Fact


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a webhook path, exactly as received.

    Header names are lower-case; a header that came twice is there twice, in order.
    """

    headers: tuple[tuple[str, str], ...]
    body: bytes
    received_at: int
    # The `{bot_key}` of the path, where there is one.
    path_key: str = ""

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

    payload: dict[str, object]
    # How it is proved: a name that the provider's `sign` knows.
    dialect: str
    method: str = "POST"
