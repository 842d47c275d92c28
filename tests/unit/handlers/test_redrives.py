"""What could not be used is not lost: once the cause is mended it becomes what it would have been."""

import asyncio

import pytest

from hub.events import format_time
from hub.ports import Status
from hub.settings import Source
from tests.unit.handlers.arriving import (
    LIVEKIT,
    MEETINGBAAS,
    NOW_MS,
    OTHER,
    SOURCES,
    Yard,
    joined,
    token,
    with_secret,
    yard,
)
from tests.waiting import until

MENDED = tuple(with_secret(source, OTHER) for source in SOURCES)


async def dead(here: Yard, number: int = 1) -> str:
    """Return the id of a delivery that is dead though there is nothing wrong with it, as after a defect was mended."""
    await here.sign(LIVEKIT, joined(number))
    identity = max(here.store.kept.deliveries)
    row = here.store.kept.deliveries[identity]
    here.store.kept.deliveries[identity] = type(row)(row.id, row.delivery, Status.DEAD, "translation failed: KeyError")
    here.store.kept.events.clear()
    here.store.kept.documents.clear()
    here.store.kept.states.clear()
    return str(identity)


async def test_a_dead_delivery_is_read_again_and_becomes_what_it_says() -> None:
    """With its own id, at its own time."""
    async with yard() as here:
        identity = await dead(here)
        here.now[0] += 86_400_000
        status, said = await here.redrive(identity)
        assert (status, said) == (200, {"status": "accepted", "delivery": identity, "events": 1})
        _, shown = await here.get(f"/api/deliveries/{identity}")
        assert (shown["verdict"], shown["reason"], len(shown["events"])) == ("accepted", None, 1)
        assert shown["late"] == 10.123
        assert "rooms/livekit:RM_1" in here.store.kept.documents


async def test_redriving_again_changes_nothing() -> None:
    """The answer is the same, and the log has nothing twice."""
    async with yard() as here:
        identity = await dead(here)
        answers = [await here.redrive(identity) for _ in range(3)]
        assert answers == [answers[0]] * 3
        assert here.store.kept.head == 1


async def test_two_who_redrive_at_once_get_the_same_answer() -> None:
    """One of them does it, the other sees that it is done."""
    async with yard() as here:
        identity = await dead(here)
        here.store.commits.hold()
        redriving = [asyncio.create_task(here.redrive(identity)) for _ in range(2)]
        await until(lambda: here.store.commits.waiting == 1)
        await until(lambda: here.store.reads.waiting == 0)
        here.store.commits.release()
        first, second = [await one for one in redriving]
        assert first == second == (200, {"status": "accepted", "delivery": identity, "events": 1})


async def test_what_still_cannot_be_used_stays_dead_and_says_why() -> None:
    """Redriving is no way to make something of nothing."""
    async with yard() as here:
        await here.sign(LIVEKIT, b"[]")
        status, said = await here.redrive("1")
        assert (status, said["status"], said["events"]) == (200, "dead", 0)
        assert said["reason"]
        assert await here.ids("?verdict=dead") == ["1"]


async def test_a_dry_run_tells_what_would_become_of_it_and_changes_nothing() -> None:
    """Kinds, subjects and times."""
    async with yard() as here:
        identity = await dead(here)
        status, said = await here.redrive(identity, "?dry_run=1")
        assert (status, said["status"], said["dry_run"]) == (200, "accepted", True)
        assert [(fact["type"], fact["subject"]) for fact in said["facts"]] == [
            ("participant.joined", "rooms/livekit:RM_1")
        ]
        assert await here.ids("?verdict=dead") == [identity]
        assert here.store.kept.head == 0


async def test_an_accepted_delivery_stays_as_it_is() -> None:
    """It has told what it had to tell."""
    async with yard() as here:
        await here.sign(LIVEKIT, joined())
        assert await here.redrive("1") == (200, {"status": "accepted", "delivery": "1", "events": 1})
        assert here.store.kept.head == 1


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
async def test_a_refused_request_is_taken_once_the_secret_is_right(source: Source) -> None:
    """As of when it came: a signature that is too old now was not too old then."""
    body = joined() if source is LIVEKIT else b'{"event": "bot.completed", "data": {"bot_id": "b1"}}'
    async with yard() as here:
        identity = await here.refuse(source, body)
        store = here.store
    async with yard(MENDED, store) as here:
        here.now[0] += 86_400_000
        status, said = await here.redrive(identity)
        assert (status, said) == (200, {"status": "accepted", "delivery": "1", "events": 1})
        assert await here.ids() == ["1"]
        _, shown = await here.get("/api/deliveries/1")
        assert shown["received_at"] == format_time(NOW_MS)
        assert (await here.redrive(identity))[0] == 404


async def test_a_refused_request_that_still_proves_nothing_is_a_conflict_that_says_why() -> None:
    """The secret is still wrong, or the request was forged."""
    async with yard() as here:
        identity = await here.refuse(LIVEKIT, joined())
        status, said = await here.redrive(identity)
        assert (status, said["title"]) == (409, "It cannot be redriven now")
        assert "signature" in str(said["detail"])
        assert await here.ids() == [identity]


async def test_a_dry_run_verifies_and_leaves_the_request_where_it_is() -> None:
    """So that one can see whether the new secret is the right one."""
    async with yard() as here:
        identity = await here.refuse(LIVEKIT, joined())
        assert (await here.redrive(identity, "?dry_run=1"))[0] == 409
        store = here.store
    async with yard(MENDED, store) as here:
        status, said = await here.redrive(identity, "?dry_run=1")
        assert (status, said["status"]) == (200, "accepted")
        assert await here.ids() == [identity]
        assert store.kept.head == 0


async def test_a_refused_request_that_came_again_by_itself_is_a_duplicate_and_leaves_the_quarantine() -> None:
    """The provider was faster."""
    async with yard() as here:
        identity = await here.refuse(LIVEKIT, joined())
        store = here.store
    async with yard(MENDED, store) as here:
        assert (await here.sign(LIVEKIT, joined(), secret=OTHER))[0] == 200
        status, said = await here.redrive(identity)
        assert (status, said["status"], said["delivery"]) == (200, "duplicate", "1")
        assert await here.ids() == ["1"]


async def test_a_refused_request_that_is_genuine_and_unusable_becomes_a_dead_delivery() -> None:
    """That it is genuine is what was in question."""
    async with yard() as here:
        identity = await here.refuse(LIVEKIT, b"[]")
        store = here.store
    async with yard(MENDED, store) as here:
        status, said = await here.redrive(identity)
        assert (status, said["status"]) == (200, "dead")
        assert said["reason"]
        assert await here.ids() == ["1"]


async def test_the_hash_of_a_secret_opens_nothing_neither_live_nor_by_redriving() -> None:
    """Whoever reads a backup of the quarantine has the hashes of what was sent there."""
    async with yard() as here:
        await here.refuse(MEETINGBAAS, b'{"event": "x"}')
        store = here.store
        (refusal,) = store.kept.arrivals.refusals.values()
        stolen = dict(refusal.headers)["x-mb-secret"]
        assert stolen.startswith("sha256:")
    async with yard(MENDED, store) as here:
        status, _ = await here.post(MEETINGBAAS, b'{"event": "forged"}', **{"x-mb-secret": stolen})
        assert status == 401
        await here.quarantine.flush()
        assert (await here.redrive("q2"))[0] == 409


async def test_where_a_request_came_from_is_judged_by_todays_networks() -> None:
    """For a source that is proved by address, that is what was configured wrongly."""
    far, near = (
        Source(provider="livekit", name="near", path="/near", proof="ip", allow_ips=(network,))
        for network in ("10.0.0.0/8", "127.0.0.0/8")
    )
    async with yard((far,)) as here:
        assert (await here.post(far, joined()))[0] == 401
        await here.quarantine.flush()
        assert (await here.redrive("q1"))[0] == 409
        store = here.store
    async with yard((near,), store) as here:
        assert (await here.redrive("q1"))[0] == 200


async def test_a_body_that_was_not_kept_cannot_be_verified() -> None:
    """It was too large for a stranger's."""
    async with yard() as here:
        identity = await here.refuse(LIVEKIT, b"x" * 300_000)
        status, said = await here.redrive(identity)
        assert status == 409
        assert "300000 bytes" in str(said["detail"])


@pytest.mark.parametrize("identity", ["1", "q1"])
async def test_without_its_source_nothing_can_be_redriven(identity: str) -> None:
    """How to read and verify it is not known any more."""
    async with yard() as here:
        await dead(here)
        await here.refuse(LIVEKIT, joined(2))
        store = here.store
    async with yard((MEETINGBAAS,), store) as here:
        status, said = await here.redrive(identity)
        assert status == 409
        assert "livekit" in str(said["detail"])


@pytest.mark.parametrize(
    ("identity", "query", "expected"), [("9", "", 404), ("q9", "", 404), ("1", "?dry_run=yes", 400)]
)
async def test_what_cannot_be_asked_is_refused(identity: str, query: str, expected: int) -> None:
    """A typing error in dry_run must not redrive."""
    async with yard() as here:
        await dead(here)
        assert (await here.redrive(identity, query))[0] == expected
        assert await here.ids("?verdict=dead") == ["1"]


async def test_a_store_that_fails_is_our_trouble_and_loses_nothing() -> None:
    """The request stays in quarantine, the delivery stays dead."""
    async with yard() as here:
        identity = await dead(here)
        here.store.refuses = lambda delivery: True
        status, said = await here.redrive(identity)
        assert status == 503, said
        here.store.refuses = lambda delivery: False
        assert await here.ids("?verdict=dead") == [identity]
        assert (await here.redrive(identity))[0] == 200


@pytest.mark.parametrize("credential", ["reader", "launcher", token("rooms"), token("*", scope=("read",))])
async def test_only_who_administers_everything_may_redrive(credential: str) -> None:
    """What it changes may be any room."""
    async with yard() as here:
        await dead(here)
        assert (await here.redrive("1", credential=credential))[0] == 403
        assert await here.ids("?verdict=dead") == ["1"]
