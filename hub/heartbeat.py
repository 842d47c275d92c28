"""When all viewers are told that they have everything, and what does not work."""

import time
from collections.abc import Callable

from hub.desk import Desk
from hub.events import format_time
from hub.wire import Message, message


class Heartbeat:
    """Comes from time to time, and at once when something stops working, or works again."""

    def __init__(self, desk: Desk, troubles: Callable[[], tuple[str, ...]]) -> None:
        self._desk = desk
        # What does not work at present: viewers are told, with what they see.
        self._troubles = troubles
        self._told: tuple[str, ...] = ()
        self._due_at = 0.0

    def plan(self) -> None:
        """Let the next one be due an interval from now."""
        # Downwards, so that the promised interval is never exceeded.
        self._due_at = time.monotonic() + self._desk.heartbeat * (1 - 0.1 * self._desk.chance())

    def ahead(self) -> float:
        """Return in how many seconds the next one is due, if nothing happens."""
        return max(0.0, self._due_at - time.monotonic())

    def is_due(self) -> bool:
        """Whether everybody is to be told now."""
        return time.monotonic() >= self._due_at or self._troubles() != self._told

    def for_all(self, position: str) -> Message:
        """Return the one that is now told to everybody who is live."""
        self._told = self._troubles()
        return self.message(position)

    def message(self, position: str) -> Message:
        """Return one that says that all is told up to a position."""
        troubles = self._troubles()
        value = {
            "time": format_time(self._desk.now()),
            "head": str(self._desk.feed.position),
            "degraded": bool(troubles),
            "reasons": list(troubles),
        }
        return message("heartbeat", value, position=position)
