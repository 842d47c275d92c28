"""The writer: commits whatever queued up while its last commit was in flight."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import msgspec
import structlog

from hub.errors import Overloaded, StorageUnavailable
from hub.events import Delivery, Position, Verdict
from hub.feed import Feed
from hub.ports import Committed, Outcome, Spool, Status, Store

BATCH_LIMIT = 256
BYTES_LIMIT = 4 * 1024 * 1024
# Of all bodies that wait, whether or not somebody still waits for their outcome.
MEMORY_LIMIT = 64 * 1024 * 1024
_PROBE_SECONDS = 1.0
# Before the store is offered again what it does not take: an update may mend that.
_UNKEEPABLE_SECONDS = 60.0
# A store that is away says so at once, or after connecting; one that had begun fails later than that.
_SLOW_SECONDS = 1.0
# Full batches in time, after a slow one, until more are offered.
_IN_TIME = 16

# With a spool to fall back on the store is not waited for until the provider gives up.
_PATIENCE_SECONDS = 1.2

# What became of each delivery, in order, and what was committed.
_Settled = tuple[list[Outcome | StorageUnavailable], list[Committed]]

log = structlog.get_logger()


class _Unkeepable(StorageUnavailable):
    """The store works, and does not take this delivery, not even as dead."""


class _Waiting(msgspec.Struct, frozen=True):
    delivery: Delivery
    may_be_spooled: bool
    outcome: asyncio.Future[Outcome]


class Ingest:
    """Takes deliveries from any number of callers and commits them in groups, in the order of arrival.

    There is no timer: a lone delivery is committed at once, and a burst is as large as the last
    commit was slow. `capacity` and MEMORY_LIMIT bound what may wait.

    With a spool, webhooks that the store does not take are kept there and committed later: the fold needs no order.
    """

    def __init__(
        self,
        store: Store,
        feed: Feed,
        spool: Spool | None = None,
        *,
        batch_limit: int = BATCH_LIMIT,
        capacity: int = 4096,
    ) -> None:
        self._store = store
        self._feed = feed
        self._spool = spool
        self._batch_limit = batch_limit
        # How many go together at present: fewer after so many took longer than the store allows.
        self._limit = batch_limit
        self._in_time = 0
        self._capacity = capacity
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        # When the spool is to be handed over again, by the loop's clock.
        self._drain_at = 0.0
        # What the store answered last, empty when it took the batch.
        self.problem = ""
        # Why what was spooled could not be read last, empty while it can.
        self.spool_problem = ""
        # Called with how many deliveries the store took at once, and how many seconds that took it.
        self.on_committed: Callable[[int, float], None] = lambda *_: None
        # How many callers were not told that their delivery is taken: their webhooks are lost unless sent again.
        self.refused = 0
        # Called with deliveries that were committed and what became of each, after all who wait were answered.
        self.on_settled: Callable[[Iterable[tuple[Delivery, Outcome]]], None] = lambda _: None

    @property
    def waiting(self) -> int:
        """How many deliveries wait in memory for the store."""
        return len(self._waiting)

    @property
    def is_busy(self) -> bool:
        """Whether something is being committed, or waits for that."""
        return self._bytes > 0

    @property
    def spooled(self) -> int:
        """How many deliveries wait on this machine's disk for the store."""
        return self._spool.waiting if self._spool else 0

    @property
    def oldest(self) -> int | None:
        """When what waits for the store, in memory or on the disk, was received first (milliseconds)."""
        moments = [self._waiting[0].delivery.received_at if self._waiting else None]
        moments.append(self._spool.oldest if self._spool else None)
        return min((moment for moment in moments if moment is not None), default=None)

    async def submit(self, delivery: Delivery, *, may_be_spooled: bool = False) -> Outcome:
        """Return what became of a delivery, once that is durable; one that was spooled has no number yet (0).

        Raises Overloaded when too much is waiting, and StorageUnavailable when the store did not take
        it. A caller that gives up waiting takes nothing back: the delivery may still be committed.
        """
        if self._closing:
            raise Overloaded("the hub is stopping")
        try:
            return await self._queued(delivery, may_be_spooled=may_be_spooled)
        except (StorageUnavailable, asyncio.CancelledError):
            self.refused += 1
            raise

    async def _queued(self, delivery: Delivery, *, may_be_spooled: bool) -> Outcome:
        if len(self._waiting) >= self._capacity or self._bytes + len(delivery.body) > MEMORY_LIMIT:
            raise Overloaded("too many deliveries are waiting for the store")
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(delivery, may_be_spooled, outcome))
        self._bytes += len(delivery.body)
        self._idle.clear()
        self._arrived.set()
        return await outcome

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            await self._work_to_do()
            batch = self._next_batch()
            await self._settle(batch)
            self._bytes -= sum(len(waiting.delivery.body) for waiting in batch)
            if not self._waiting:
                self._arrived.clear()
                self._idle.set()

    async def run_spool(self) -> None:
        """Hand over to the store what was spooled, also by processes that are gone, until cancelled."""
        while self._spool:
            try:
                if self.problem:
                    await self._probe()
                if not self.problem and asyncio.get_running_loop().time() >= self._drain_at:
                    await self._drain(self._spool)
                self.spool_problem = ""
            except StorageUnavailable as problem:
                # What the store said is noted already; one that works is not left alone because of a disk.
                said = "" if self.problem else str(problem)
                if said and not self.spool_problem:
                    log.warning("spool.unreadable", problem=said)
                self.spool_problem = said
            await asyncio.sleep(_PROBE_SECONDS)

    async def _drain(self, spool: Spool) -> None:
        if drained := await spool.drain(self._commit_spooled):
            log.info("spool.drained", deliveries=drained)

    async def close(self) -> None:
        """Take nothing more and return when everything that waits is settled; `run` must be running."""
        self._closing = True
        await self._idle.wait()

    async def _work_to_do(self) -> None:
        """Wait for deliveries; while the store is in trouble, look once a second whether it still is."""
        # With a spool that is looked at beside it: who comes must not wait until a store that is away has answered.
        while self.problem and not self._waiting and self._spool is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PROBE_SECONDS):
                    await self._arrived.wait()
            if not self._waiting:
                await self._probe()
        await self._arrived.wait()

    async def _probe(self) -> None:
        try:
            await self._store.commit([])
        except StorageUnavailable as problem:
            self.problem = str(problem)
        else:
            self.problem = ""

    def _next_batch(self) -> list[_Waiting]:
        batch = [self._waiting.popleft()]
        size = len(batch[0].delivery.body)
        while self._waiting and len(batch) < self._limit:
            # What takes away what others stated must not meet them in one batch.
            if batch[0].delivery.erases or self._waiting[0].delivery.erases:
                break
            size += len(self._waiting[0].delivery.body)
            if size > BYTES_LIMIT:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _settle(self, batch: list[_Waiting]) -> None:
        known = self._feed.position
        outcomes, committed = await self._commit_patiently([waiting.delivery for waiting in batch])
        refused = [outcome for outcome in outcomes if _is_away(outcome)]
        if refused and not self.problem:
            log.warning("ingest.unavailable", deliveries=len(refused), problem=str(refused[0]))
        self.problem = str(refused[0]) if refused else ""
        outcomes = await self._kept_elsewhere(batch, outcomes)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.outcome.done():
                continue
            if isinstance(outcome, Outcome):
                waiting.outcome.set_result(outcome)
            else:
                # Each caller raises one of its own: an exception collects the tracebacks of all who raise it.
                kind = Overloaded if isinstance(outcome, Overloaded) else StorageUnavailable
                waiting.outcome.set_exception(kind(str(outcome)))
        # Only after the answers: whoever waits for one is now first in the loop's line.
        self._tell([waiting.delivery for waiting in batch], outcomes, committed, known)

    def _tell(
        self,
        deliveries: Sequence[Delivery],
        outcomes: Sequence[Outcome | StorageUnavailable],
        committed: Iterable[Committed],
        known: Position,
    ) -> None:
        for one in committed:
            self._feed.confirm(one, known)
        settled = zip(deliveries, outcomes, strict=True)
        self.on_settled((one, outcome) for one, outcome in settled if isinstance(outcome, Outcome) and outcome.delivery)

    async def _commit_patiently(self, deliveries: Sequence[Delivery]) -> _Settled:
        """Commit, but for as long as providers wait at most if there is a spool; not at all while the store is away."""
        if self._spool is None:
            return await self._commit(deliveries)
        if self.problem:
            return [StorageUnavailable(self.problem)] * len(deliveries), []
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._commit(deliveries)
        except TimeoutError:
            self._take_fewer(len(deliveries))
            return [StorageUnavailable("the store is slow")] * len(deliveries), []

    async def _kept_elsewhere(
        self, batch: Sequence[_Waiting], outcomes: list[Outcome | StorageUnavailable]
    ) -> list[Outcome | StorageUnavailable]:
        """Put into the spool what the store did not take; return what became of each."""
        rest = [
            place
            for place, (waiting, outcome) in enumerate(zip(batch, outcomes, strict=True))
            if waiting.may_be_spooled and _is_away(outcome)
        ]
        if not rest or self._spool is None:
            return outcomes
        # Each by itself: what the disk does not take of one must not cost the others. They share a write all the same.
        kept = await asyncio.gather(*(self._spooled(self._spool, batch[place].delivery) for place in rest))
        for place, outcome in zip(rest, kept, strict=True):
            outcomes[place] = outcome
        return outcomes

    async def _spooled(self, spool: Spool, delivery: Delivery) -> Outcome | StorageUnavailable:
        try:
            await spool.append([delivery])
        except StorageUnavailable as problem:
            log.warning("spool.unavailable", source=delivery.source, problem=str(problem))
            return problem
        return Outcome(Status(delivery.verdict.value), 0, delivery.reason)

    async def _commit_spooled(self, deliveries: Sequence[Delivery]) -> None:
        """Commit what was spooled. Raises StorageUnavailable; then all of it is to be handed over again."""
        rest = list(deliveries)
        while rest:
            some = rest[: self._limit]
            try:
                await self._commit_some_spooled(some)
            except StorageUnavailable:
                # Fewer may go at once now. From the beginning again, what is a copy by then would hide how many.
                if len(some) <= self._limit:
                    raise
            else:
                rest = rest[len(some) :]

    async def _commit_some_spooled(self, deliveries: Sequence[Delivery]) -> None:
        known = self._feed.position
        outcomes, committed = await self._commit(deliveries)
        self._tell(deliveries, outcomes, committed, known)
        if away := [outcome for outcome in outcomes if _is_away(outcome)]:
            self.problem = str(away[0])
            raise StorageUnavailable(self.problem)
        settled = zip(deliveries, outcomes, strict=True)
        unkeepable = [one for one, outcome in settled if isinstance(outcome, _Unkeepable)]
        if unkeepable and self._spool:
            # It was answered for and is not let go, but waits behind the others, and for a while.
            self._drain_at = asyncio.get_running_loop().time() + _UNKEEPABLE_SECONDS
            await self._spool.append(unkeepable)

    async def _commit(self, deliveries: Sequence[Delivery]) -> _Settled:
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            committed = await self._store.commit(deliveries)
        except StorageUnavailable as problem:
            if clock() - begun > _SLOW_SECONDS:
                self._take_fewer(len(deliveries))
            return [problem] * len(deliveries), []
        except Exception as problem:
            # The store refused a row's value, or folding has a defect: the others must not pay for it.
            log.exception("ingest.refused", deliveries=len(deliveries))
            return await (
                self._bury(deliveries[0], problem) if len(deliveries) == 1 else self._commit_singly(deliveries)
            )
        self.on_committed(len(deliveries), clock() - begun)
        self._take_more(len(deliveries))
        return list(committed.outcomes), [committed]

    def _take_fewer(self, number: int) -> None:
        """Offer the store half as many: sent again all together, they would take as long again."""
        self._limit = max(1, min(self._limit, number // 2))
        self._in_time = 0

    def _take_more(self, number: int) -> None:
        """Offer it twice as many after it has taken as many as it is offered for a while."""
        self._in_time += number >= self._limit
        if self._in_time >= _IN_TIME and self._limit < self._batch_limit:
            self._limit, self._in_time = min(2 * self._limit, self._batch_limit), 0

    async def _commit_singly(self, deliveries: Sequence[Delivery]) -> _Settled:
        singly = [await self._commit([delivery]) for delivery in deliveries]
        return [outcome for one, _ in singly for outcome in one], [one for _, some in singly for one in some]

    async def _bury(self, delivery: Delivery, problem: Exception) -> _Settled:
        """Keep the bytes of a delivery whose facts cannot be stored."""
        if delivery.verdict is Verdict.DEAD:
            return [_Unkeepable("the delivery could not be kept")], []
        reason = f"could not be stored: {type(problem).__name__}"
        dead = msgspec.structs.replace(delivery, verdict=Verdict.DEAD, reason=reason, facts=())
        return await self._commit([dead])


def _is_away(outcome: Outcome | StorageUnavailable) -> bool:
    """Whether the store did not answer for a delivery."""
    return isinstance(outcome, StorageUnavailable) and not isinstance(outcome, _Unkeepable)
