"""Silence is not death: what is missing once may be on its way, or the provider may just have been restarted."""

from collections.abc import Mapping

# What happened less than this ago may not be listed yet.
PATIENCE_MS = 60_000


class Missing:
    """Remembers what was missing, and says what still is."""

    def __init__(self, again_after_ms: int = PATIENCE_MS) -> None:
        self._again_after_ms = again_after_ms
        self._first: dict[str, int] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether something was missing once, so that another look will tell."""
        return bool(self._first)

    def again(self, missed: Mapping[str, int], now: int) -> dict[str, int]:
        """Return what is missing for the second time, with when it was first; `missed` has the last signs of life.

        Who gave one less than a minute before was not missing yet.
        """
        since = {
            name: self._first[name] if self._first.get(name, 0) > last + PATIENCE_MS else now
            for name, last in missed.items()
            if now > last + PATIENCE_MS
        }
        twice = {name: first for name, first in since.items() if now - first >= self._again_after_ms and first < now}
        self._first = {name: first for name, first in since.items() if name not in twice}
        return twice
