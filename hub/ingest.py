"""The writer: commits whatever queued up while its last commit was in flight."""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from hub.errors import Overloaded, StorageUnavailable
from hub.events import Delivery, Verdict
from hub.feed import Feed
from hub.ports import Committed, Outcome, Store

BATCH_LIMIT = 256
BYTES_LIMIT = 4 * 1024 * 1024

log = structlog.get_logger()


class _Waiting(msgspec.Struct, frozen=True):
    delivery: Delivery
    outcome: asyncio.Future[Outcome]


class Ingest:
    """Takes deliveries from any number of callers and commits them in groups, in the order of arrival.

    There is no timer: a lone delivery is committed at once, and a burst is as large as the last
    commit was slow. `capacity` bounds what may wait.
    """

    def __init__(self, store: Store, feed: Feed, *, batch_limit: int = BATCH_LIMIT, capacity: int = 4096) -> None:
        self._store = store
        self._feed = feed
        self._batch_limit = batch_limit
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(capacity)
        self._closing = False
        # What the store answered last, empty when it took the batch.
        self.problem = ""

    async def submit(self, delivery: Delivery) -> Outcome:
        """Return what became of a delivery, once that is durable.

        Raises Overloaded when too much is waiting, and StorageUnavailable when the store did not take
        it. A caller that gives up waiting takes nothing back: the delivery may still be committed.
        """
        if self._closing:
            raise Overloaded("the hub is stopping")
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait(_Waiting(delivery, outcome))
        except asyncio.QueueFull:
            raise Overloaded("too many deliveries are waiting for the store") from None
        return await outcome

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            batch = await self._next_batch()
            await self._settle(batch)
            for _ in batch:
                self._waiting.task_done()

    async def close(self) -> None:
        """Take nothing more and return when everything that waits is settled; `run` must be running."""
        self._closing = True
        await self._waiting.join()

    async def _next_batch(self) -> list[_Waiting]:
        batch = [await self._waiting.get()]
        size = len(batch[0].delivery.body)
        while len(batch) < self._batch_limit and size < BYTES_LIMIT and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
            size += len(batch[-1].delivery.body)
        return batch

    async def _settle(self, batch: list[_Waiting]) -> None:
        try:
            committed = await self._commit([waiting.delivery for waiting in batch])
        except StorageUnavailable as problem:
            self.problem = str(problem)
            log.warning("ingest.unavailable", deliveries=len(batch), problem=self.problem)
            for waiting in batch:
                if not waiting.outcome.done():
                    waiting.outcome.set_exception(StorageUnavailable(str(problem)))
            return
        self.problem = ""
        for waiting, outcome in zip(batch, committed.outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)
        # Only after the answers: whoever waits for one is now first in the loop's line.
        self._feed.publish(committed.events)

    async def _commit(self, deliveries: Sequence[Delivery]) -> Committed:
        try:
            return await self._store.commit(deliveries)
        except StorageUnavailable:
            raise
        except Exception as problem:
            # The store refused a row's value, or folding has a defect: the others must not pay for it.
            log.exception("ingest.refused", deliveries=len(deliveries))
            if len(deliveries) > 1:
                return await self._commit_singly(deliveries)
            return await self._bury(deliveries[0], problem)

    async def _commit_singly(self, deliveries: Sequence[Delivery]) -> Committed:
        singly = [await self._commit([delivery]) for delivery in deliveries]
        return Committed(
            outcomes=tuple(outcome for one in singly for outcome in one.outcomes),
            events=tuple(event for one in singly for event in one.events),
        )

    async def _bury(self, delivery: Delivery, problem: Exception) -> Committed:
        """Keep the bytes of a delivery that cannot be folded into the store."""
        if delivery.verdict is Verdict.DEAD:
            raise StorageUnavailable("the delivery could not be kept") from problem
        reason = f"could not be stored: {type(problem).__name__}"
        dead = msgspec.structs.replace(delivery, verdict=Verdict.DEAD, reason=reason, facts=())
        return await self._commit([dead])
