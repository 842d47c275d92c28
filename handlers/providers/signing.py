"""What every provider's `sign` needs: a secret to prove webhooks with."""

from collections.abc import Iterable
from typing import TypeVar

from hub.errors import ConfigRefused
from hub.settings import Source

Secret = TypeVar("Secret")


def first_secret(source: Source, setting: str, secrets: Iterable[Secret]) -> Secret:
    """Return the first of the secrets in a setting of a source that is not empty. Raises ConfigRefused."""
    for secret in secrets:
        if secret:
            return secret
    raise ConfigRefused(f"sources.{source.name}.{setting}: expected a secret to prove webhooks with")
