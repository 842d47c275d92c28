"""The port of the disk that stands in for the store."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from hub.events import Delivery


class Spool(Protocol):
    """Takes deliveries while the store is away, on the disk of this machine."""

    @property
    def waiting(self) -> int:
        """How many deliveries of this process wait in it for the store."""
        ...

    @property
    def oldest(self) -> int | None:
        """When what waits in it was received first (milliseconds), as far as it knows; None when nothing waits."""
        ...

    async def append(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries; they are on the disk when this returns.

        Raises Overloaded when there is no room for them, and StorageUnavailable when the disk does not take them.
        """
        ...

    async def drain(self, commit: Callable[[Sequence[Delivery]], Awaitable[object]]) -> int:
        """Hand over everything that waits, also what processes that are gone left behind; return how many it was.

        What was handed over is let go only after `commit` returned; what it raises is raised, and the rest waits on.
        Something may be handed over twice, after a crash: it is then a copy.
        """
        ...

    async def close(self) -> None:
        """Let go of the files; what waits in them is found by the next process."""
        ...
