"""What only one process may do at a time, such as asking a provider, done by whoever holds the lease of it."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from hub.errors import HubError, StorageUnavailable
from hub.ports import Store

LEASE = "keeper"
LEASE_SECONDS = 30.0
# After something that nobody foresaw.
_DEFECT_SECONDS = 60.0
_PROBLEM_SECONDS = 10.0
_LETTING_GO_SECONDS = 1.0
# Rounds are up to so much longer or shorter than asked for, by chance, so that many hubs do not ask a provider at once.
_JITTER = 0.1

log = structlog.get_logger()


class Chore(Protocol):
    """Something that has to be done from time to time."""

    @property
    def name(self) -> str:
        """What it is called in the log."""
        ...

    async def round(self) -> float:
        """Do what is due; return in how many seconds to do so again.

        What it raises is logged, and it is tried again. It may be cancelled at any moment.
        """
        ...


class Keeper:
    """Does the chores while this process holds the lease, and waits for it otherwise."""

    def __init__(
        self,
        store: Store,
        chores: Sequence[Chore],
        holder: str,
        chance: Callable[[], float],
        *,
        seconds: float = LEASE_SECONDS,
    ) -> None:
        self._store = store
        self._chores = tuple(chores)
        self._holder = holder
        self._chance = chance
        self._seconds = seconds

    async def run(self) -> None:
        """Work until cancelled, then let go of the lease; return at once when there are no chores."""
        if not self._chores:
            return
        try:
            while True:
                if await self._holds():
                    await self._term()
                await asyncio.sleep(self._seconds / 3)
        finally:
            with contextlib.suppress(StorageUnavailable, TimeoutError):
                async with asyncio.timeout(_LETTING_GO_SECONDS):
                    await self._store.lease(LEASE, self._holder, 0)

    async def _term(self) -> None:
        """Do the chores for as long as the lease is certainly ours."""
        clock = asyncio.get_running_loop().time
        log.info("keeper.began", chores=[chore.name for chore in self._chores])
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._repeat(chore), name=chore.name) for chore in self._chores]
            renewed = clock()
            # The last third is left for what does not end at once.
            while clock() - renewed < self._seconds * 0.6:
                await asyncio.sleep(self._seconds / 3)
                asked = clock()
                held = await self._holds()
                if held:
                    renewed = asked
                elif held is False:
                    break
            for task in running:
                task.cancel()
        log.warning("keeper.ended")

    async def _holds(self) -> bool | None:
        """Return whether the lease is ours, None when the store does not say."""
        try:
            async with asyncio.timeout(self._seconds / 6):
                return await self._store.lease(LEASE, self._holder, self._seconds)
        except (StorageUnavailable, TimeoutError):
            return None

    async def _repeat(self, chore: Chore) -> None:
        while True:
            pause = await self._done(chore)
            await asyncio.sleep(pause * (1 - _JITTER + 2 * _JITTER * self._chance()))

    async def _done(self, chore: Chore) -> float:
        try:
            return await chore.round()
        except HubError as problem:
            log.warning("chore.postponed", chore=chore.name, problem=str(problem))
            return _PROBLEM_SECONDS
        except Exception:  # One chore's defect must end neither the others nor the hub.
            log.exception("chore.failed", chore=chore.name)
            return _DEFECT_SECONDS
