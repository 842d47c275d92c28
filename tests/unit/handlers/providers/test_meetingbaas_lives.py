"""Simulated bots live plausible lives, each its own, and the same one every time."""

from collections import Counter
from itertools import pairwise

import pytest

from handlers.providers.meetingbaas import translate
from handlers.providers.meetingbaas_samples import meeting
from hub.events import BotDetail, Fact, Kind
from hub.settings import Source

START = 1_773_151_300_000
MINUTES = 30.0
SEEDS = range(300)
SOURCE = Source(provider="meetingbaas", name="bots", path="/hook")


def facts(seed: int) -> list[Fact]:
    told = meeting(seed, START, MINUTES).script
    return [fact for time, sample in told for fact in translate(SOURCE, sample.payload, time).facts]


def kinds(seed: int) -> set[Kind]:
    return {fact.kind for fact in facts(seed)}


def longest_wait(seed: int) -> int:
    times = [time for time, _ in meeting(seed, START, MINUTES).script]
    return max(later - sooner for sooner, later in pairwise(times))


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_equal_arguments_give_equal_meetings(seed: int) -> None:
    """A simulation that found a bug must find it again."""
    assert meeting(seed, START, MINUTES) == meeting(seed, START, MINUTES)


def test_every_seed_has_a_bot_of_its_own_and_one_only() -> None:
    """Hundreds of them are played at once."""
    bots = [{fact.bot for fact in facts(seed)} for seed in SEEDS]
    assert all(len(names) == 1 for names in bots)
    assert len(set.union(*bots)) == len(SEEDS)


@pytest.mark.parametrize("minutes", [0.0, 0.01, 1.0, 600.0])
def test_a_meeting_is_in_order_and_within_its_minutes(minutes: float) -> None:
    """Whoever plays it waits from one to the next."""
    for seed in SEEDS:
        times = [time for time, _ in meeting(seed, START, minutes).script]
        assert times == sorted(times)
        assert times[0] >= START
        assert times[-1] <= START + minutes * 60_000


def test_whoever_came_into_a_call_has_a_name_and_an_address() -> None:
    """A demonstration of nothing but numbers says little."""
    for seed in range(30):
        told = {
            fact.kind: fact.detail for fact in facts(seed) if isinstance(fact.detail, BotDetail) and fact.detail.name
        }
        assert (Kind.BOT_JOINED in kinds(seed)) == bool(told)
        assert all(detail.meeting_url.startswith("https://meet.google.com/") for detail in told.values())


def test_facts_happen_when_they_are_sent() -> None:
    """Played live, they are news; played fast, they are still of their own time."""
    for seed in SEEDS:
        for time, sample in meeting(seed, START, MINUTES).script:
            assert {fact.time for fact in translate(SOURCE, sample.payload, time).facts} == {time}


def test_every_meeting_comes_to_an_end() -> None:
    """Exactly one of the two terminals, however often it is told."""
    for seed in SEEDS:
        assert len({Kind.BOT_COMPLETED, Kind.BOT_FAILED} & kinds(seed)) == 1


def test_all_outcomes_come_up_and_most_meetings_complete() -> None:
    """A demonstration without trouble shows nothing, one of trouble only is no better."""
    seen = Counter(kind for seed in SEEDS for kind in kinds(seed))
    assert seen[Kind.BOT_COMPLETED] > 2 * len(SEEDS) / 3
    for kind in (Kind.BOT_FAILED, Kind.BOT_RETRYING, Kind.BOT_LEAVING, Kind.RECORDING_PAUSED, Kind.CHAT_MESSAGE):
        assert seen[kind] > 5
    dialects = Counter(sample.dialect for seed in SEEDS for _, sample in meeting(seed, START, MINUTES).script)
    assert all(dialects[dialect] > 20 for dialect in ("v1", "v2", "callback"))
    assert max(longest_wait(seed) for seed in SEEDS) > 10 * 60_000
