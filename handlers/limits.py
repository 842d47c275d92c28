"""How often somebody did something in the current minute."""

from collections import OrderedDict

_MINUTE_MS = 60_000
_REMEMBERED = 10_000


class Rates:
    """Counts by name in windows of a minute; the names longest not seen are forgotten when there are too many."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, ...], tuple[int, int]] = OrderedDict()

    def count(self, name: tuple[str, ...], now: int) -> int:
        """Count one more and return how many there were in this minute (`now` in ms)."""
        minute = now // _MINUTE_MS
        counted_in, number = self._counts.pop(name, (minute, 0))
        number = number + 1 if counted_in == minute else 1
        self._counts[name] = (minute, number)
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)
        return number
