"""How much arrived: counted by source and minute, with why some of it was of no use."""

import msgspec

from hub.events import Verdict
from hub.ports import Reason, Store, TrafficQuery, Unhandled
from tests.contracts.plain import StoreRules, delivery
from tests.contracts.store_deliveries import refusal

MINUTE = 60_000
NOW = 100 * MINUTE + 59_999
HOUR = TrafficQuery(sources=("plain", "other", "silent"), since=NOW - 60 * MINUTE, until=NOW)


async def some(store: Store) -> None:
    """Let a few things arrive within the last hour, and one before it."""
    dead = [delivery(f"dead{place}", received_at=(90 + place) * MINUTE, verdict=Verdict.DEAD) for place in range(3)]
    why = [msgspec.structs.replace(one, reason="no event" if place else "not JSON") for place, one in enumerate(dead)]
    await store.commit(
        [
            delivery("early", "rooms", received_at=MINUTE),
            delivery("first", "rooms", received_at=41 * MINUTE),
            delivery("last", "rooms", received_at=NOW),
            delivery("elsewhere", "rooms", received_at=95 * MINUTE, source="other"),
            *why,
        ]
    )
    await store.commit([delivery("last", received_at=NOW), delivery("early", received_at=NOW)])
    await store.quarantine([refusal(2 * MINUTE), refusal(80 * MINUTE), refusal(81 * MINUTE, source="other")], 100)


class TrafficRules(StoreRules):
    """What a store promises of traffic."""

    async def test_traffic_is_counted_by_source(self, store: Store):
        """Each count is of what was received within the period; the last sign of life may be older."""
        await some(store)
        found = await store.traffic(HOUR)
        assert (found.since, found.position) == (HOUR.since, await store.position())
        plain, other, silent = found.flows
        assert (plain.source, plain.last_seen, plain.received, plain.duplicates) == ("plain", NOW, 5, 1)
        assert (plain.dead, plain.refused) == (3, 1)
        assert {place: count for place, count in enumerate(plain.per_minute) if count} == {
            0: 1,
            49: 1,
            50: 1,
            51: 1,
            59: 1,
        }
        assert (other.last_seen, other.received, other.refused) == (95 * MINUTE, 1, 1)
        assert (silent.last_seen, silent.received, sum(silent.per_minute), silent.reasons) == (None, 0, 0, ())

    async def test_a_longer_period_counts_more_and_draws_the_same_hour(self, store: Store):
        """What is older than the chart is in no minute of it."""
        await some(store)
        short, long = [
            (await store.traffic(msgspec.structs.replace(HOUR, since=since))).flows[0] for since in (HOUR.since, 0)
        ]
        assert (long.received, long.duplicates, long.refused) == (6, 2, 2)
        assert long.per_minute == short.per_minute

    async def test_reasons_come_with_the_latest_that_has_them_most_frequent_first(self, store: Store):
        """One click from a number to something to look at."""
        await some(store)
        assert (await store.traffic(HOUR)).flows[0].reasons == (
            Reason(verdict="dead", text="no event", count=2, latest="7"),
            Reason(verdict="dead", text="not JSON", count=1, latest="5"),
            Reason(verdict="refused", text="no proof", count=1, latest="q2"),
        )

    async def test_what_nobody_has_redriven_is_counted_with_the_oldest(self, store: Store):
        """However long ago; it ends with the redrive, not with the period."""
        await some(store)
        assert (await store.traffic(HOUR)).unhandled == Unhandled(count=6, oldest=2 * MINUTE)
        await store.release("q1")
        await store.commit([delivery("x", "rooms", redrive=5)])
        assert (await store.traffic(HOUR)).unhandled == Unhandled(count=4, oldest=80 * MINUTE)

    async def test_no_more_is_counted_than_asked_for_and_that_is_told(self, store: Store):
        """A hub that takes a lot must not be stopped by somebody who looks how much; the latest count."""
        await some(store)
        found = await store.traffic(msgspec.structs.replace(HOUR, most=2, most_dead=2))
        assert (found.since, found.flows[0].received, found.flows[1].received) == (95 * MINUTE, 1, 1)
        assert found.unhandled == Unhandled(count=5, oldest=2 * MINUTE)
