"""What can go wrong with a cluster, each fault with its end; and which of them go wrong when, drawn by chance."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.cluster import NODES, Cluster
from tests.chaos.proxy import Flow

# Past every timeout that a hub has for its store, and that the database has for a hub.
PAST_ALL_TIMEOUTS = 6.0


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong for a while; `place` is the process that is meant, where it is one of several."""

    name: str
    seconds: float = 0.0
    place: int = 0
    # How long the next one waits at least; None: until this one is over.
    overlaps_after: float | None = None

    def __str__(self) -> str:
        place = f" {self.place}" if self.name in _PLACED else ""
        return f"{self.name}{place}{f' {self.seconds:.1f}s' if self.seconds else ''}"


@dataclass
class Havoc:
    """Lets faults happen; two of the same part wait for each other."""

    cluster: Cluster
    began: float = field(default_factory=time.monotonic)
    # What happened, in words with times, and what went wrong that was not meant to.
    told: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _hubs: list[asyncio.Lock] = field(default_factory=lambda: [asyncio.Lock() for _ in range(NODES)])
    _postgres: asyncio.Lock = field(default_factory=asyncio.Lock)
    _redis: asyncio.Lock = field(default_factory=asyncio.Lock)
    _proxy: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def wreak(self, faults: Sequence[Fault]) -> None:
        """Let all of it happen, and return when all of it is over."""
        try:
            for fault in faults:
                task = asyncio.create_task(self._let(fault))
                self._running.add(task)
                await asyncio.wait([task], timeout=fault.overlaps_after)
            await asyncio.wait(self._running)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _let(self, fault: Fault) -> None:
        work: Callable[[Fault], Awaitable[None]] = getattr(self, f"_{fault.name.replace(' ', '_')}")
        self._tell(f"{fault} …")
        try:
            await work(fault)
        except Exception as problem:  # noqa: BLE001 -- whatever the harness meets there is for people to read
            self.problems.append(f"{fault}: {type(problem).__name__}: {problem}")
        self._tell(f"… {fault}")

    def _tell(self, what: str) -> None:
        self.told.append(f"{time.monotonic() - self.began:6.2f}s {what}")

    async def _kill_hub(self, fault: Fault) -> None:
        async with self._hubs[fault.place]:
            await self._killed(fault.place, fault.seconds)

    async def _kill_all_hubs(self, fault: Fault) -> None:
        for lock in self._hubs:
            await lock.acquire()
        try:
            await asyncio.gather(*(self._killed(place, fault.seconds) for place in range(NODES)))
        finally:
            for lock in self._hubs:
                lock.release()

    async def _killed(self, place: int, seconds: float) -> None:
        node = self.cluster.nodes[place]
        await self.cluster.away(node.kill)
        await asyncio.sleep(seconds)
        await self.cluster.away(node.start)

    async def _drain_hub(self, fault: Fault) -> None:
        node = self.cluster.nodes[fault.place]
        async with self._hubs[fault.place]:
            if status := await self.cluster.away(node.stop):
                raise AssertionError(f"it ended with status {status} when it was asked to stop")
            await asyncio.sleep(fault.seconds)
            await self.cluster.away(node.start)

    async def _pause_hub(self, fault: Fault) -> None:
        node = self.cluster.nodes[fault.place]
        async with self._hubs[fault.place]:
            node.pause()
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                node.resume()

    async def _stop_redis(self, fault: Fault) -> None:
        """It keeps nothing, so it comes back empty."""
        async with self._redis:
            await self.cluster.away(self.cluster.redis.stop)
            await asyncio.sleep(fault.seconds)
            await self.cluster.away(self.cluster.redis.start)

    async def _wipe_redis(self, _: Fault) -> None:
        async with self._redis:
            await self.cluster.away(self.cluster.redis.wipe)

    async def _restart_postgres(self, fault: Fault) -> None:
        async with self._postgres:
            await self.cluster.away(self.cluster.postgres.stop)
            await asyncio.sleep(fault.seconds)
            await self.cluster.away(self.cluster.postgres.start)

    async def _pause_postgres(self, fault: Fault) -> None:
        async with self._postgres:
            self.cluster.postgres.pause()
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                self.cluster.postgres.resume()

    async def _cut_redis(self, _: Fault) -> None:
        self.cluster.proxy.cut()

    async def _lose_messages(self, fault: Fault) -> None:
        await self._disturb(Flow.LOSES, fault.seconds)

    async def _hold_redis(self, fault: Fault) -> None:
        await self._disturb(Flow.HOLDS, fault.seconds)

    async def _swallow_redis(self, fault: Fault) -> None:
        await self._disturb(Flow.SWALLOWS, fault.seconds)

    async def _disturb(self, flow: Flow, seconds: float) -> None:
        async with self._proxy:
            self.cluster.proxy.let(flow)
            try:
                await asyncio.sleep(seconds)
            finally:
                self.cluster.proxy.let(Flow.PASSES)


_PLACED = ("kill hub", "drain hub", "pause hub")
# Each with how likely it is, and for how long it lasts at least and at most.
_KINDS: dict[str, tuple[int, float, float]] = {
    "kill hub": (5, 0.0, 1.0),
    "kill all hubs": (2, 0.0, 1.0),
    "drain hub": (2, 0.0, 0.5),
    "pause hub": (3, PAST_ALL_TIMEOUTS, PAST_ALL_TIMEOUTS),
    "stop redis": (3, 0.0, 4.0),
    "wipe redis": (2, 0.0, 0.0),
    "cut redis": (2, 0.0, 0.0),
    "lose messages": (3, 1.0, 4.0),
    "hold redis": (2, 1.0, 5.0),
    "swallow redis": (2, 1.0, 5.0),
    "restart postgres": (4, 0.0, 0.0),
    "restart postgres later": (3, 1.0, 4.0),
    "pause postgres": (3, 3.0, 6.0),
}


def drawn(chance: random.Random, count: int) -> list[Fault]:
    """Return as many faults, of which nearly half do not wait for the end of the one before."""
    weights = [weight for weight, _, _ in _KINDS.values()]
    faults = []
    for kind in chance.choices(list(_KINDS), weights, k=count):
        _, least, most = _KINDS[kind]
        faults.append(
            Fault(
                kind.removesuffix(" later"),
                chance.uniform(least, most),
                chance.randrange(NODES),
                chance.uniform(0.1, 1.5) if chance.random() < 0.45 else None,
            )
        )
    return faults
