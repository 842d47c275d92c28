"""What a key alone may claim, and that what launches became, and what was erased, stays as it is."""

from itertools import permutations

import pytest

from hub.events import PATH_KEY_HEADER, BotDetail, Delivery, Kind
from hub.fold.claims import ANOTHER, ERASED
from hub.launches.words import Asked, answered, became
from hub.ports import Status
from tests.memory import MemoryLog
from tests.unit.hub.fold.telling import BOT, body, delivery, of_bot
from tests.unit.hub.fold.test_erasing import erasure

LAUNCH, OTHER = f"launch-{'0' * 32}", f"launch-{'1' * 32}"


def asked(launch: str) -> Asked:
    return Asked(provider="meetingbaas", launch_id=launch)


def by_key(launch: str, bot: str) -> Delivery:
    """Return a delivery of a bot that only the key of a launch proved."""
    told = of_bot(Kind.BOT_JOINED, 5, BotDetail(), bot=f"meetingbaas:{bot}")
    facts = (*became(asked(launch), bot, told.time), told)
    headers = ((PATH_KEY_HEADER, launch),)
    return delivery(*facts, key=f"{launch} {bot}", scope="meetingbaas/", headers=headers)


def launches(log: MemoryLog) -> dict[str, object]:
    """Return the launch of every bot that is shown."""
    return {topic: body(one)["launch_id"] for topic, one in log.documents.items()}


@pytest.mark.parametrize("known", [delivery(of_bot(Kind.BOT_JOINED, 1)), answered(asked(OTHER), "B1", 1)])
def test_a_key_takes_over_nobodys_bot(known: Delivery) -> None:
    """Whoever may launch would read, and write, any bot whose id is known."""
    log = MemoryLog()
    log.commit([known])
    before = dict(log.documents)
    (outcome,) = log.commit([by_key(LAUNCH, "B1")]).outcomes
    assert (outcome.status, outcome.reason) == (Status.DEAD, ANOTHER)
    assert log.documents == before


@pytest.mark.parametrize("order", [*permutations(("B1", "B2", "B3"))])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_key_is_one_bots_however_many_come_at_once(order: tuple[str, ...], at_once: bool) -> None:
    """All were let in when nobody had come yet."""
    log = MemoryLog()
    told = [by_key(LAUNCH, bot) for bot in order]
    batches = [told] if at_once else [[one] for one in told]
    outcomes = [outcome.status for batch in batches for outcome in log.commit(batch).outcomes]
    assert outcomes == [Status.ACCEPTED, Status.DEAD, Status.DEAD]
    assert launches(log) == {f"bots/meetingbaas:{order[0]}": LAUNCH}


def test_the_hub_knows_its_own_bot_also_when_that_spoke_first() -> None:
    """An account's webhook may be faster than the answer to the launch."""
    log = MemoryLog()
    log.commit([delivery(of_bot(Kind.BOT_JOINED, 1))])
    log.commit([answered(asked(LAUNCH), "B1", 2)])
    (outcome,) = log.commit([by_key(LAUNCH, "B1")]).outcomes
    assert (outcome.status, launches(log)) == (Status.ACCEPTED, {f"bots/{BOT}": LAUNCH})


def test_neither_a_bot_nor_a_launch_changes_its_mind() -> None:
    """Tokens were given out for what they are; a backend may send another bot with the words of the first."""
    log = MemoryLog()
    log.commit([answered(asked(LAUNCH), "B1", 5)])
    log.commit([answered(asked(OTHER), "B1", 1)])
    told = of_bot(Kind.BOT_JOINED, 5, bot="meetingbaas:B2")
    log.commit([delivery(*became(asked(LAUNCH), "B2", 1), told)])
    assert launches(log) == {f"bots/{BOT}": LAUNCH, "bots/meetingbaas:B2": None}


@pytest.mark.parametrize("late", [by_key(LAUNCH, "B1"), by_key(LAUNCH, "B2"), answered(asked(LAUNCH), "B3", 9)])
def test_what_was_erased_does_not_come_back(late: Delivery) -> None:
    """Its provider goes on telling; neither documents nor bytes of that are kept."""
    log = MemoryLog()
    log.commit([answered(asked(LAUNCH), "B1", 5)])
    log.commit([erasure(bot=BOT)])
    changes = log.commit([late, delivery(of_bot(Kind.BOT_LEFT, 9))])
    assert [(one.status, one.reason, one.events) for one in changes.outcomes] == [(Status.DEAD, ERASED, 0)] * 2
    assert not log.documents
    assert not any(one.delivery.body or one.delivery.headers or one.delivery.facts for one in changes.deliveries)


def test_an_erased_launch_becomes_no_bot() -> None:
    """It was erased while the provider was thinking."""
    log = MemoryLog()
    log.commit([delivery(of_bot(Kind.BOT_UNKNOWN, 1, asked(LAUNCH).detail(), bot=asked(LAUNCH).id))])
    log.commit([erasure(bot=asked(LAUNCH).id)])
    log.commit([answered(asked(LAUNCH), "B1", 9)])
    assert not log.documents
