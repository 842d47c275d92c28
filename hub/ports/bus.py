"""The port between the processes of a hub."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from hub.events import Event


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What one process tells the others: that events are in the log; without them where they are too many bytes."""

    epoch: str
    first: int
    last: int
    events: tuple[Event, ...] = ()


class Bus(Protocol):
    """How the processes of a hub tell each other what is new.

    It is for speed only: whatever it is told may be lost, by everybody or by some, and nothing is said twice. No method
    raises because of that, and none but `close` waits for longer than a moment.
    """

    @property
    def problem(self) -> str:
        """Why it cannot be used at present, empty while it works."""
        ...

    def follow(self, epoch: str) -> None:
        """Speak and hear of the log of this name from now on, and of no other."""
        ...

    def publish(self, events: Sequence[Event]) -> None:
        """Tell the others of events that were committed, in order and without a gap; returns at once."""
        ...

    async def run(self, hear: Callable[[Announcement], None]) -> None:
        """Work until cancelled, handing over what others tell.

        What was told last is told again, by its numbers alone, whenever listening begins.
        """
        ...

    async def shared(self, topics: frozenset[str]) -> bytes | None:
        """Return what some process shared of these topics within the last second, None when there is nothing."""
        ...

    def share(self, topics: frozenset[str], snapshot: bytes) -> None:
        """Let all processes have an encoded snapshot of these topics for a second; returns at once."""
        ...

    def count(self, viewers: Mapping[str, int]) -> None:
        """Say how many viewers each topic has at this process; what is not said again expires."""
        ...

    async def viewers(self, topic: str) -> int:
        """Return how many viewers a topic has at all processes, as far as is known."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...
