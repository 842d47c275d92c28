"""Requests without a valid proof, kept for a second look: few, redacted, and at nobody's expense."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
import structlog

from handlers.limits import Rates
from handlers.providers.arrival import Arrival
from handlers.providers.keeping import as_kept
from hub.counts import Counts
from hub.errors import StorageUnavailable
from hub.ports import Refusal, Store
from hub.settings import Source

KEPT_A_SOURCE = 1000
KEPT_A_SECOND = 10
BODY_LIMIT = 256 * 1024
# Of what waits to be written, in requests and in bytes.
QUEUE_LIMIT = 64
QUEUE_BYTES = 32 * 1024 * 1024
# Who is flooded with forgeries pays for five small transactions a second.
_PAUSE_SECONDS = 0.2

log = structlog.get_logger()


class _Refused(msgspec.Struct, frozen=True):
    source: Source
    arrival: Arrival
    address: str
    reason: str


class Quarantine:
    """Takes what was refused and writes it when it finds the time; what is too much is dropped, never waited for."""

    def __init__(
        self, store: Store, on_kept: Callable[[Sequence[tuple[str, Refusal]]], None], counts: Counts | None = None
    ) -> None:
        self._store = store
        self._counts = counts or Counts()
        # Called with the ids and what has them, once it is kept.
        self._on_kept = on_kept
        self._waiting: deque[_Refused] = deque()
        self._bytes = 0
        self._rates = Rates(window_ms=1000)
        self._arrived = asyncio.Event()

    def offer(self, source: Source, arrival: Arrival, address: str, reason: str) -> bool:
        """Take a refused request if there is room for it; return whether there is. Never waits."""
        size = len(arrival.body)
        if self._rates.count((source.name,), arrival.received_at) > KEPT_A_SECOND:
            self._counts.drop("refusal", "rate")
            return False
        if len(self._waiting) >= QUEUE_LIMIT or self._bytes + size > QUEUE_BYTES:
            self._counts.drop("refusal", "full")
            return False
        self._waiting.append(_Refused(source, arrival, address, reason))
        self._bytes += size
        self._arrived.set()
        return True

    async def run(self) -> None:
        """Write what was taken until cancelled."""
        while True:
            await self._arrived.wait()
            await self.flush()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def flush(self) -> None:
        """Write what was taken so far; what the store does not take is dropped."""
        refused = tuple(self._waiting)
        self._waiting.clear()
        self._arrived.clear()
        if not refused:
            return
        try:
            # Hashing takes a while, and providers are waiting for the loop.
            refusals = await asyncio.to_thread(lambda: [_kept(one) for one in refused])
            identities = await self._store.quarantine(refusals, KEPT_A_SOURCE)
        except StorageUnavailable as problem:
            self._counts.drop("refusal", "storage", len(refused))
            log.warning("quarantine.dropped", requests=len(refused), problem=str(problem))
        except Exception:
            # Whatever a stranger sent must not end the task that keeps it, and with it the hub.
            self._counts.drop("refusal", "storage", len(refused))
            log.exception("quarantine.failed", requests=len(refused))
        else:
            self._on_kept(list(zip(identities, refusals, strict=True)))
        finally:
            self._bytes -= sum(len(one.arrival.body) for one in refused)


def _kept(refused: _Refused) -> Refusal:
    kept, body = as_kept(refused.source, refused.arrival), refused.arrival.body
    return Refusal(
        source=refused.source.name,
        received_at=kept.received_at,
        reason=refused.reason,
        address=refused.address,
        path_key=kept.path_key,
        headers=kept.headers,
        body=body if len(body) <= BODY_LIMIT else None,
        size=len(body),
        digest=hashlib.sha256(body).hexdigest(),
    )
