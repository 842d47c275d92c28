"""Who holds the lease does the chores; nobody else does, and somebody else does as soon as it is gone."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from hub.errors import HubError
from hub.keeper import LEASE, LEASE_SECONDS, Keeper
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore
from tests.unit.hub.viewing import in_no_time
from tests.waiting import until

LONG = 600.0


def in_minutes_of_no_time(scene: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Let a test wait for leases as long as they are, by a clock that jumps: a busy machine takes nobody's away."""

    @functools.wraps(scene)
    def test() -> None:
        in_no_time(scene)

    return test


class Rounds:
    """A chore that counts its rounds, of a second each."""

    def __init__(self, name: str = "rounds", *failures: Exception) -> None:
        self.name = name
        self.done = 0
        self.failures = list(failures)

    async def round(self) -> float:
        self.done += 1
        if self.failures:
            raise self.failures.pop(0)
        return 1.0


@asynccontextmanager
async def keeping(keeper: Keeper) -> AsyncIterator[None]:
    running = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


def keeper(store: MemoryStore, chore: Rounds, holder: str) -> Keeper:
    return Keeper(store, [chore], holder, lambda: 0.5)


async def stopped(chore: Rounds) -> None:
    """Wait until the chore's task is gone."""
    await until(lambda: chore.name not in {task.get_name() for task in asyncio.all_tasks()})


@in_minutes_of_no_time
async def test_chores_are_done_again_and_again() -> None:
    """That is what they are for."""
    chore = Rounds()
    async with keeping(keeper(MemoryStore(Folding()), chore, "one")):
        await until(lambda: chore.done > 3)


@in_minutes_of_no_time
async def test_of_two_processes_one_does_the_chores() -> None:
    """A provider is not asked twice, and its limits are kept."""
    store, first, second = MemoryStore(Folding()), Rounds(), Rounds()
    async with keeping(keeper(store, first, "one")):
        await until(lambda: first.done > 0)
        async with keeping(keeper(store, second, "other")):
            before = first.done
            await until(lambda: first.done > before + 5 * LEASE_SECONDS, LONG)
            assert second.done == 0


@in_minutes_of_no_time
async def test_another_process_goes_on_when_one_stops() -> None:
    """The lease is let go of in order, so nobody waits until it has run out."""
    store, first, second = MemoryStore(Folding()), Rounds(), Rounds()
    async with keeping(Keeper(store, [first], "one", lambda: 0.5, seconds=LONG)):
        await until(lambda: first.done > 0)
    async with keeping(keeper(store, second, "other")):
        await until(lambda: second.done > 0)


@in_minutes_of_no_time
async def test_chores_end_when_the_lease_is_somebody_elses() -> None:
    """A process that was stopped for long wakes up and finds that another one has taken over."""
    store, chore = MemoryStore(Folding()), Rounds()
    async with keeping(keeper(store, chore, "one")):
        await until(lambda: chore.done > 0)
        store.leases[LEASE] = ("other", LONG * 1000 + store.leases[LEASE][1])
        await stopped(chore)


@in_minutes_of_no_time
async def test_chores_end_when_the_store_does_not_renew_the_lease() -> None:
    """Who cannot reach the store does not know whether somebody else has the lease by now."""
    store, chore = MemoryStore(Folding()), Rounds()
    async with keeping(keeper(store, chore, "one")):
        await until(lambda: chore.done > 0)
        store.problem = "away"
        await stopped(chore)
        store.problem, before = "", chore.done
        await until(lambda: chore.done > before)


@in_minutes_of_no_time
async def test_a_chore_that_fails_leaves_the_others_alone() -> None:
    """One provider that does not answer, or a defect, is not another one's trouble."""
    chores = [Rounds("refused", HubError("no")), Rounds("broken", ValueError("defect")), Rounds()]
    async with keeping(Keeper(MemoryStore(Folding()), chores, "one", lambda: 0.5)):
        await until(lambda: chores[2].done > 3)
        assert [chore.done for chore in chores[:2]] == [1, 1]
