"""Silence is not death: what is missing once may be on its way, or the provider may just have been restarted."""

from collections.abc import Mapping
from typing import NamedTuple

# What happened less than this ago may not be listed yet.
PATIENCE_MS = 60_000


class Sign(NamedTuple):
    """When something last gave a sign of life, and until when it is presumed to live without another."""

    last: int
    lives_until: int


class _Missed(NamedTuple):
    first: int
    # When it was over at the latest.
    bound: int


class Missing:
    """Remembers what was missing, and says what still is."""

    def __init__(self, again_after_ms: int = PATIENCE_MS) -> None:
        self._again_after_ms = again_after_ms
        self._missed: dict[str, _Missed] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether something was missing once, so that another look will tell."""
        return bool(self._missed)

    def again(self, missed: Mapping[str, Sign], now: int) -> dict[str, int]:
        """Return what is missing for the second time, with when it was over at the latest.

        That is the time of the first miss, or an earlier end of the presumed life if nobody had asked for longer.
        What gave a sign of life less than a minute before was not missing yet.
        """
        since = {name: self._since(name, sign, now) for name, sign in missed.items() if now > sign.last + PATIENCE_MS}
        twice = {
            name: one.bound
            for name, one in since.items()
            if name in self._missed and now - one.first >= self._again_after_ms and one.first < now
        }
        self._missed = {name: one for name, one in since.items() if name not in twice}
        return twice

    def _since(self, name: str, sign: Sign, now: int) -> _Missed:
        known = self._missed.get(name)
        if known and known.first > sign.last + PATIENCE_MS:
            return known
        return _Missed(now, min(now, max(sign.lives_until, sign.last)))
