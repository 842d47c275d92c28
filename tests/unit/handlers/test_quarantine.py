"""What was refused is kept for a second look: a few of them, without their secrets, and never at anybody's expense."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator

import pytest
import structlog

from handlers.providers.arrival import Arrival, hashed_secret
from handlers.quarantine import BODY_LIMIT, KEPT_A_SECOND, KEPT_A_SOURCE, QUEUE_BYTES, QUEUE_LIMIT, Quarantine
from hub.counts import Counts
from hub.ports import Refusal
from hub.settings import Source
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore
from tests.waiting import until

NOW = 1_773_151_300_000
SOURCE = Source(provider="meetingbaas", name="meetingbaas", path="/m", callback_secrets=("secret",))
OTHER = Source(provider="livekit", name="livekit", path="/l")


class Keeping:
    """A quarantine over a store in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore(Folding())
        self.told: list[tuple[str, Refusal]] = []
        self.counts = Counts()
        self.quarantine = Quarantine(self.store, self.told.extend, self.counts)

    def offer(self, body: bytes = b"{}", at: int = NOW, source: Source = SOURCE) -> bool:
        """Have something refused."""
        arrival = Arrival(headers=(("x-mb-secret", "wrong"),), body=body, received_at=at, path_key="key")
        return self.quarantine.offer(source, arrival, "203.0.113.1", "x-mb-secret is none of callback_secrets")

    @property
    def dropped(self) -> dict[str, int]:
        """How many were not kept, by why."""
        return {
            reason: number for (what, reason), number in self.counts.dropped.items() if what == "refusal" and number
        }

    @property
    def kept(self) -> list[Refusal]:
        """What is in the store."""
        return list(self.store.kept.arrivals.refusals.values())


@contextlib.asynccontextmanager
async def keeping() -> AsyncIterator[Keeping]:
    """Let it write in the background."""
    found = Keeping()
    running = asyncio.create_task(found.quarantine.run())
    try:
        yield found
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_the_numbers_are_those_that_were_promised() -> None:
    """A thousand of a source, ten a second."""
    assert (KEPT_A_SOURCE, KEPT_A_SECOND) == (1000, 10)


async def test_what_was_refused_is_kept_soon_and_told_of() -> None:
    """With where it came from, why it was refused, and its bytes, but without what may be a secret."""
    async with keeping() as here:
        assert here.offer(b'{"event": "x"}')
        await until(lambda: bool(here.told))
        (refusal,) = here.kept
        assert here.told == [("q1", refusal)]
        assert refusal == Refusal(
            source="meetingbaas",
            received_at=NOW,
            reason="x-mb-secret is none of callback_secrets",
            address="203.0.113.1",
            path_key=hashed_secret("key"),
            headers=(("x-mb-secret", hashed_secret("wrong")),),
            body=b'{"event": "x"}',
            size=14,
            digest=hashlib.sha256(b'{"event": "x"}').hexdigest(),
        )


async def test_of_each_source_ten_are_taken_a_second() -> None:
    """Who floods one source hides nothing of the others, and does not keep the store busy."""
    here = Keeping()
    assert [here.offer() for _ in range(12)] == [True] * 10 + [False] * 2
    assert here.offer(source=OTHER)
    assert here.offer(at=NOW + 1000)
    await here.quarantine.flush()
    assert len(here.kept) == 12
    assert here.dropped == {"rate": 2}


async def test_offering_never_waits_for_the_store_and_what_is_too_much_is_dropped() -> None:
    """A refusal is answered at once, whatever the store does."""
    async with keeping() as here:
        here.store.quarantines.hold()
        assert here.offer()
        await until(lambda: here.store.quarantines.waiting == 1)
        taken = [here.offer(at=NOW + 1000 * place) for place in range(1, QUEUE_LIMIT + 10)]
        assert taken == [True] * QUEUE_LIMIT + [False] * 9
        here.store.quarantines.release()
        await until(lambda: len(here.kept) == QUEUE_LIMIT + 1)
        assert here.dropped == {"full": 9}


async def test_what_waits_is_bounded_in_bytes_too() -> None:
    """Sixty-four of the largest bodies would be a gigabyte."""
    here = Keeping()
    large = bytes(QUEUE_BYTES // 2)
    assert [here.offer(large, at=NOW + 1000 * place) for place in range(3)] == [True, True, False]
    await here.quarantine.flush()
    assert here.offer(large, at=NOW + 9000)


@pytest.mark.parametrize(("size", "is_kept"), [(BODY_LIMIT, True), (BODY_LIMIT + 1, False)])
async def test_a_large_body_is_not_kept_but_told_of(size: int, is_kept: bool) -> None:
    """Its size and hash tell whether it is one that somebody knows."""
    here = Keeping()
    body = b"x" * size
    here.offer(body)
    await here.quarantine.flush()
    (refusal,) = here.kept
    assert (refusal.body == body, refusal.size, refusal.digest) == (is_kept, size, hashlib.sha256(body).hexdigest())


async def test_a_store_in_trouble_costs_what_was_waiting_and_nothing_else() -> None:
    """The next refusal is kept as ever."""
    with structlog.testing.capture_logs() as logged:
        async with keeping() as here:
            here.store.problem = "the disk is full"
            here.offer()
            await until(lambda: bool(logged))
            here.store.problem = ""
            here.offer(at=NOW + 1000)
            await until(lambda: len(here.kept) == 1)
    assert [(entry["event"], entry["requests"]) for entry in logged] == [("quarantine.dropped", 1)]
    assert here.dropped == {"storage": 1}


async def test_what_no_store_can_keep_does_not_end_the_keeping() -> None:
    """Strangers send it."""
    with structlog.testing.capture_logs() as logged:
        async with keeping() as here:
            arrival = Arrival(headers=(("x-mb-secret", 5),), body=b"", received_at=NOW)  # type: ignore[arg-type]  # broken
            here.quarantine.offer(SOURCE, arrival, "", "")
            await until(lambda: bool(logged))
            here.offer(at=NOW + 1000)
            await until(lambda: len(here.kept) == 1)
    assert [entry["event"] for entry in logged] == ["quarantine.failed"]


async def test_what_waits_at_the_end_can_be_written_at_once() -> None:
    """A hub that stops keeps what it took."""
    here = Keeping()
    here.offer()
    await here.quarantine.flush()
    await here.quarantine.flush()
    assert len(here.kept) == 1
