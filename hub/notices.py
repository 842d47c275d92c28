"""What the topic `deliveries` shows: what just arrived and what became of it, live only, and nothing of its bytes."""

from collections.abc import Iterable, Iterator

import msgspec

from hub.events import DELIVERIES, Delivery, format_time
from hub.ports import REFUSED, Outcome, Refusal, Status
from hub.wire import Message, message


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that arrived."""

    # `17` for a delivery, `q17` for a refused request.
    id: str
    # accepted, duplicate, dead or refused
    verdict: str
    source: str
    received_at: int
    reason: str = ""
    provider_type: str = ""
    # When what it tells of happened, None when it tells nothing.
    event_time: int | None = None
    copies: int = 0
    events: int = 0

    def told(self) -> Message:
        """Return it as it is told, without an id: who misses it does not get it again."""
        return message("", self._event())

    def _event(self) -> dict[str, object]:
        received_at = format_time(self.received_at)
        told_at = self.event_time
        shown = msgspec.structs.asdict(self) | {
            "received_at": received_at,
            "event_time": format_time(told_at),
            # Seconds between what happened and its arrival.
            "late": None if told_at is None else (self.received_at - told_at) / 1000,
            "reason": self.reason or None,
            "provider_type": self.provider_type or None,
        }
        return {
            "specversion": "1.0",
            # Something else in each event of the source, as CloudEvents wants it, and no position.
            "id": f"{DELIVERIES}/{self.id}/{self.verdict}/{self.copies}",
            "source": f"/sources/{self.source}",
            "type": f"delivery.{self.verdict}",
            "subject": f"{DELIVERIES}/{self.id}",
            "time": received_at,
            "data": {"delivery": shown},
        }


def settled_notices(settled: Iterable[tuple[Delivery, Outcome]]) -> Iterator[Notice]:
    """Yield what there is to show of deliveries that were settled."""
    for delivery, outcome in settled:
        if delivery.redrive is not None and outcome.status is Status.DUPLICATE:
            # It was read once more without need: nothing arrived.
            continue
        yield Notice(
            id=str(outcome.delivery),
            verdict=outcome.status.value,
            source=delivery.source,
            received_at=delivery.received_at,
            reason=outcome.reason,
            provider_type=delivery.provider_type,
            event_time=delivery.event_time,
            copies=outcome.copies,
            events=outcome.events,
        )


def refused_notices(kept: Iterable[tuple[str, Refusal]]) -> Iterator[Notice]:
    """Yield what there is to show of requests that were refused and kept, each with its id."""
    for identity, refusal in kept:
        yield Notice(
            id=identity,
            verdict=REFUSED,
            source=refusal.source,
            received_at=refusal.received_at,
            reason=refusal.reason,
        )
