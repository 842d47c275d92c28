"""How often somebody did something in the current stretch of time."""

from collections import OrderedDict

MINUTE_MS = 60_000
_REMEMBERED = 10_000


class Rates:
    """Counts by name in windows of a minute (or another time, in ms).

    The names longest not seen are forgotten when there are too many.
    """

    def __init__(self, window_ms: int = MINUTE_MS) -> None:
        self._window_ms = window_ms
        self._counts: OrderedDict[tuple[str, ...], tuple[int, int]] = OrderedDict()

    def count(self, name: tuple[str, ...], now: int) -> int:
        """Count one more and return how many there were in this window (`now` in ms)."""
        window = now // self._window_ms
        counted_in, number = self._counts.pop(name, (window, 0))
        number = number + 1 if counted_in == window else 1
        self._counts[name] = (window, number)
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)
        return number
