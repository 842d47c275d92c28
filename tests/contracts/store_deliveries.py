"""What arrived: everything is found again, by whatever it is looked for, and read once more only while it is dead."""

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from hub.events import BotDetail, Fact, Kind, Verdict
from hub.ports import ArrivalQuery, Arrived, Known, Refusal, Status, Store
from tests.contracts.plain import Folding, Opener, StoreRules, delivery, needs, write
from tests.searching import search

BOT, OTHER_BOT = "bots/m:b1", "bots/m:b2"
SOURCES, VERDICTS, SUBJECTS = ("plain", "other"), ("accepted", "dead", "refused"), (BOT, OTHER_BOT)
EXAMPLES = search(
    40,
    # As for pages: examples are small, and shrinking one would commit for minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
ARRIVING = st.tuples(
    st.sampled_from(SOURCES), st.sampled_from(VERDICTS), st.sets(st.sampled_from(SUBJECTS)), st.integers(0, 3)
)


def about(*bots: str, time: int = 500) -> tuple[Fact, ...]:
    """Return facts about bots."""
    return tuple(
        Fact(kind=Kind.BOT_QUEUED, time=time, bot=bot.removeprefix("bots/"), detail=BotDetail(code="queued"))
        for bot in bots
    )


def refusal(received_at: int = 1_000, *, source: str = "plain", body: bytes | None = b"{}", **fields: str) -> Refusal:
    """Return a request that was refused."""
    return Refusal(
        source=source,
        received_at=received_at,
        reason=fields.get("reason", "no proof"),
        address="203.0.113.1",
        path_key="sha256:00",
        headers=(("x-mb-secret", "sha256:11"), ("x-name", "caf\udce9"), ("x-name", "again")),
        body=body,
        size=2,
        digest="22",
    )


async def ids(store: Store, **asked: object) -> list[str]:
    """Return the ids of one page."""
    return [one.id for one in (await store.arrivals(ArrivalQuery(**asked))).items]


class DeliveryRules(StoreRules):
    """What a store promises of what arrived."""

    async def test_a_delivery_is_listed_with_what_became_of_it(self, store: Store):
        """How late it came, how often, and how much it told."""
        told = delivery("one", "rooms", body=b"bytes", received_at=900, facts=about(BOT, time=400))
        await store.commit([msgspec.structs.replace(told, provider_type="bot.queued")])
        await store.commit([delivery("one", received_at=950), delivery("one", received_at=970)])
        dead = delivery("two", body=b"", received_at=800, verdict=Verdict.DEAD)
        await store.commit([msgspec.structs.replace(dead, reason="no event")])
        found = await store.arrivals(ArrivalQuery())
        assert found.position == await store.position()
        assert found.items == (
            Arrived(
                id="1",
                source="plain",
                verdict="accepted",
                reason="",
                received_at=900,
                size=5,
                provider_type="bot.queued",
                event_time=400,
                copies=2,
                last_copy_at=970,
                events=1,
            ),
            Arrived(id="2", source="plain", verdict="dead", reason="no event", received_at=800, size=0),
        )

    async def test_a_delivery_can_be_seen_whole(self, store: Store):
        """With the very bytes, its headers, and the events that it became."""
        told = delivery("one", "rooms/a", "rooms", body=bytes(range(256)), facts=about(BOT))
        committed = await store.commit([delivery("zero", "rooms"), told])
        kept = await store.arrival("2")
        assert kept
        assert kept.original == msgspec.structs.replace(told, facts=())
        assert kept.events == committed.events[1:]
        assert kept.position == await store.position()
        assert [kept.arrived] == [one for one in (await store.arrivals(ArrivalQuery())).items if one.id == "2"]

    @pytest.mark.parametrize(
        "identity", ["", "0", "2", "q", "q1", "x", "-1", "1.0", "٣", "9" * 40, "q" + "9" * 40, "qq1"]
    )
    async def test_what_is_not_there_is_nothing(self, store: Store, identity: str):
        """Ids come from the outside, as they please."""
        await store.commit([delivery("one")])
        assert await store.arrival(identity) is None

    @EXAMPLES
    @given(
        arriving=st.lists(ARRIVING, max_size=12),
        source=st.sampled_from(("", *SOURCES)),
        verdict=st.sampled_from(("", *VERDICTS)),
        subject=st.sampled_from(("", *SUBJECTS)),
        period=st.tuples(st.none() | st.integers(0, 3), st.none() | st.integers(0, 4)),
        limit=st.integers(1, 4),
    )
    async def test_lists_hold_what_was_asked_for_newest_first_and_each_once(
        self,
        open_store: Opener,
        arriving: list[tuple[str, str, set[str], int]],
        source: str,
        verdict: str,
        subject: str,
        period: tuple[int | None, int | None],
        limit: int,
    ):
        """However many pages it takes, and however many came in the same millisecond."""
        type(self).opened = opened = getattr(type(self), "opened", 0) + 1
        store = await open_store(Folding(), f"arrivals{opened}")
        expected: list[tuple[int, bool, int, str]] = []
        for place, (by, became, bots, at) in enumerate(arriving):
            if became == "refused":
                (identity,) = await store.quarantine([refusal(at, source=by)], 100)
            else:
                one = delivery(str(place), "rooms", source=by, received_at=at, verdict=Verdict(became))
                committed = await store.commit([msgspec.structs.replace(one, facts=about(*sorted(bots)))])
                identity = str(committed.outcomes[0].delivery)
            is_wanted = source in ("", by) and verdict in ("", became)
            is_wanted &= not subject or (became != "refused" and subject in bots)
            is_wanted &= (period[0] is None or at >= period[0]) and (period[1] is None or at < period[1])
            number = int(identity.removeprefix("q"))
            expected += [(at, became != "refused", number, identity)] if is_wanted else []
        asked = ArrivalQuery(
            source=source, verdict=verdict, subject=subject, since=period[0], until=period[1], limit=limit
        )
        found: list[str] = []
        while items := (await store.arrivals(asked)).items:
            assert len(items) <= limit
            assert len(found) <= len(expected)
            found += [one.id for one in items]
            asked = msgspec.structs.replace(asked, after=(items[-1].received_at, items[-1].id))
        await store.close()
        assert found == [identity for *_, identity in sorted(expected, reverse=True)]

    async def test_a_delivery_is_found_by_every_topic_that_it_is_about(self, store: Store):
        """A meeting's whole history is one list, and what must be erased with it too."""
        session = Fact(kind=Kind.ROOM_STARTED, time=1, room="l:RM_1", durable="l@standup")
        nameless = Fact(kind=Kind.PROVIDER_EVENT, time=1)
        await store.commit([delivery("one", facts=(session, *about(BOT))), delivery("two", facts=(nameless,))])
        for subject in ("rooms/l:RM_1", "rooms/l@standup", BOT):
            assert await ids(store, subject=subject) == ["1"]
        assert await ids(store, subject="sources/plain") == ["2"]
        assert await ids(store, subject="rooms/l:RM_") == []

    async def test_a_dead_delivery_that_is_read_again_becomes_what_it_would_have_been(self, store: Store):
        """In its own place: with its id, its key and its time, and its events at the end of the log."""
        await store.commit([delivery("one", received_at=7, verdict=Verdict.DEAD), delivery("two", "rooms")])
        again = delivery("one", "rooms", received_at=7, facts=about(BOT, time=5), redrive=1)
        committed = await store.commit([msgspec.structs.replace(again, provider_type="bot.queued")])
        assert [outcome.status for outcome in committed.outcomes] == [Status.ACCEPTED]
        assert [event.sequence for event in committed.events] == [2]
        kept = await store.arrival("1")
        assert kept
        assert (kept.arrived.verdict, kept.arrived.provider_type, kept.arrived.event_time) == (
            "accepted",
            "bot.queued",
            5,
        )
        assert kept.events == committed.events
        assert await ids(store, subject=BOT) == ["1"]
        assert await ids(store, verdict="dead") == []
        assert (await store.commit([delivery("one", received_at=9)])).outcomes[0].delivery == 1

    async def test_what_stays_dead_says_why(self, store: Store):
        """The reason of today, not that of its arrival."""
        await store.commit([delivery("one", verdict=Verdict.DEAD)])
        again = msgspec.structs.replace(delivery("one", verdict=Verdict.DEAD, redrive=1), reason="still no event")
        committed = await store.commit([again])
        assert committed.outcomes[0].status is Status.DEAD
        assert [(one.verdict, one.reason) for one in (await store.arrivals(ArrivalQuery())).items] == [
            ("dead", "still no event")
        ]

    async def test_only_what_is_there_and_dead_may_be_read_again(self, store: Store, folding: Folding):
        """Whatever else is asked for stays as it is, so asking twice is asking once."""
        await store.commit([delivery("one", "rooms"), delivery("two", verdict=Verdict.DEAD)])
        for _ in range(2):
            committed = await store.commit([delivery("x", "rooms", redrive=one) for one in (1, 2, 3)])
            statuses = [outcome.status for outcome in committed.outcomes]
        assert statuses == [Status.DUPLICATE] * 3
        assert folding.loaded.dead == frozenset()
        assert (await store.position()).sequence == 2
        assert await ids(store) == ["2", "1"]

    async def test_a_known_key_tells_how_often_it_came_again(self, store: Store, folding: Folding):
        """Who watches deliveries sees a copy and its number at once."""
        await store.commit([delivery("one", received_at=17)] * 3)
        await write(store, folding, needs=needs(keys={("plain/", "one")}))
        assert folding.loaded.known["plain/", "one"] == Known(delivery=1, received_at=17, copies=2)

    async def test_what_was_read_again_late_does_not_take_the_log_with_it(self, store: Store):
        """Its delivery is old, its events are new: trimming the one must not trim what happened meanwhile."""
        await store.commit(
            [delivery("dead", received_at=1, verdict=Verdict.DEAD), delivery("old", "rooms", received_at=2)]
        )
        await store.commit([delivery("new", "rooms", received_at=9)])
        await store.commit([delivery("dead", "rooms", received_at=1, redrive=1)])
        assert await store.trim(5) == 2
        page = await store.page(frozenset({"*"}), 0, 10)
        assert (page.floor, [event.sequence for event in page.events]) == (1, [2, 3])
        assert await store.trim(10) == 1
        assert (await store.page(frozenset({"*"}), 0, 10)).floor == 3

    async def test_what_a_delivery_was_about_goes_with_it(self, store: Store):
        """Its id must not be found by what is no longer kept."""
        await store.commit([delivery("one", received_at=1, facts=about(BOT)), delivery("two", facts=about(BOT))])
        await store.trim(500)
        assert await ids(store, subject=BOT) == ["2"]
        assert await store.arrival("1") is None

    async def test_a_refused_request_comes_back_as_it_was(self, open_store: Opener):
        """Also after a restart: a secret is corrected when somebody finds the time."""
        store = await open_store(Folding())
        refused = [refusal(5), refusal(6, body=None), refusal(7, body=bytes(range(256)))]
        assert await store.quarantine(refused, 100) == ("q1", "q2", "q3")
        await store.close()
        store = await open_store(Folding())
        for identity, original in zip(("q1", "q2", "q3"), refused, strict=True):
            kept = await store.arrival(identity)
            assert kept
            assert (kept.original, kept.events) == (original, ())
            assert kept.arrived == Arrived(
                id=identity,
                source="plain",
                verdict="refused",
                reason="no proof",
                received_at=original.received_at,
                size=2,
            )

    async def test_of_each_source_the_latest_are_kept(self, store: Store):
        """Whoever forges for one source must not push out what was refused of another."""
        await store.quarantine([refusal(1, source="other")], 3)
        for moment in range(5):
            await store.quarantine([refusal(moment), refusal(moment)], 3)
        assert await ids(store, source="plain") == ["q11", "q10", "q9"]
        assert await ids(store, source="other") == ["q1"]

    async def test_what_was_released_is_gone_and_its_id_is_not_given_again(self, store: Store):
        """An id that somebody noted must never mean another request."""
        await store.quarantine([refusal(), refusal()], 100)
        for _ in range(2):
            await store.release("q2")
        assert await ids(store) == ["q1"]
        assert await store.quarantine([refusal()], 100) == ("q3",)

    async def test_old_refusals_are_trimmed(self, store: Store):
        """Nothing is kept for longer than the rest."""
        await store.quarantine([refusal(1), refusal(9)], 100)
        assert await store.trim(5) == 0
        assert await ids(store) == ["q2"]

    async def test_refusals_are_no_deliveries(self, store: Store):
        """They get no place in the log, and take no id of those that do."""
        await store.quarantine([refusal()], 100)
        assert (await store.position()).sequence == 0
        assert (await store.commit([delivery("one", "rooms")])).outcomes[0].delivery == 1
