"""What the hub makes of simulated meetings is true, whatever they are and in whatever order they are told."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.registry import PROVIDERS
from handlers.providers.story import BotTruth, RoomTruth
from hub.commands.casting import Performance, Plan, cast, script
from hub.commands.compare import compare
from hub.settings import Source
from tests.searching import search
from tests.unit.hub.commands.playing import HMS, LIVEKIT, MEETINGBAAS, NOW, PULSE, SETTINGS, all_delivered, delivered
from tests.unit.hub.commands.shown_by_log import ShownByLog

SEEDS = st.integers(-(2**40), 2**40)
# Of less than a minute whole seconds cannot tell much.
MINUTES = st.floats(1, 240)
START = NOW - 6 * 3_600_000
SOURCES = {source.provider: source for source in (LIVEKIT, HMS, PULSE, MEETINGBAAS)}
FEW = search(25)


async def differences(performances: tuple[Performance, ...], shown: ShownByLog) -> list[str]:
    return (await compare(shown, SETTINGS, performances)).differences


def invented(source: Source, seed: int, minutes: float) -> Performance:
    return Performance(source, PROVIDERS[source.provider].meeting(seed, START, minutes, ""))


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
@given(seed=SEEDS, minutes=MINUTES, order=st.randoms(use_true_random=False))
@FEW
async def test_the_truth_of_a_meeting_holds_in_any_order(
    provider: str, seed: int, minutes: float, order: random.Random
) -> None:
    """Attendance, usage, recordings and ends, as whoever invented the meeting knows them."""
    one = invented(SOURCES[provider], seed, minutes)
    told = [sample for _, sample in one.meeting.script]
    order.shuffle(told)
    shown = ShownByLog(NOW)
    shown.take(*(delivered(one.source, sample) for sample in told))
    assert await differences((one,), shown) == []


@given(seed=st.integers(0, 2**40))
@search(8)
async def test_the_truth_of_a_day_holds_through_chaos(seed: int) -> None:
    """Rooms that meet again, some without names for their meetings, told all at once."""
    plan = Plan(rooms=9, bots=3, day=True, rate=None, chaos=True, seed=seed)
    performances, shown = cast(SETTINGS, plan, NOW), ShownByLog(NOW)
    shown.take(*all_delivered(script(performances, plan, NOW)))
    assert await differences(performances, shown) == []


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
async def test_a_delivery_that_is_lost_is_seen(provider: str) -> None:
    """A comparison that cannot fail proves nothing: of every meeting some webhooks cannot be done without."""
    for seed in range(4):
        one = invented(SOURCES[provider], seed, 30)
        told = [delivered(one.source, sample) for _, sample in one.meeting.script]
        for place in range(len(told)):
            shown = ShownByLog(NOW)
            shown.take(*told[:place], *told[place + 1 :])
            if await differences((one,), shown):
                break
        else:
            pytest.fail(f"nothing is missed in the meeting of seed {seed}")


def _changes(truth: RoomTruth | BotTruth) -> list[RoomTruth | BotTruth]:
    if isinstance(truth, BotTruth):
        other = {"status": "unknown", "attempt": 3, "reason": "X", "joined": 1, "ended": 1, "recording": "x"}
        other |= {"people": ("x",), "segments": 9}
        return [msgspec.structs.replace(truth, **{name: value}) for name, value in other.items()]
    longer = tuple(msgspec.structs.replace(stay, ended=stay.ended + 60_000) for stay in truth.stays)
    lost = msgspec.structs.replace(truth.captured[0], status="lost")
    other = {"room": "elsewhere", "started": truth.started - 1000, "ended": truth.ended + 1000, "told_present_ms": 1}
    other |= {"captured": (lost,), "rejected": ("nobody",), "stays": longer}
    # A peak is only reported along with the presence.
    other |= {"told_peak": 99} if truth.told_present_ms is not None else {}
    return [
        *(msgspec.structs.replace(truth, **{name: value}) for name, value in other.items()),
        msgspec.structs.replace(truth, stays=truth.stays[1:]),
    ]


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
async def test_another_truth_is_not_what_is_shown(provider: str) -> None:
    """Each part of the truth is compared."""
    one = next(
        found
        for found in (invented(SOURCES[provider], seed, 30) for seed in range(100))
        if isinstance(found.meeting.truth, BotTruth) or found.meeting.truth.captured
    )
    shown = ShownByLog(NOW)
    shown.take(*(delivered(one.source, sample) for _, sample in one.meeting.script))
    assert await differences((one,), shown) == []
    for lie in _changes(one.meeting.truth):
        wrong = msgspec.structs.replace(one, meeting=msgspec.structs.replace(one.meeting, truth=lie))
        assert await differences((wrong,), shown) != [], lie


async def test_usage_of_a_provider_is_not_compared_where_others_met_too() -> None:
    """A hub in use has rooms that the simulation does not know; it says so."""
    ours, theirs = invented(LIVEKIT, 1, 30), invented(LIVEKIT, 2, 30)
    shown = ShownByLog(NOW)
    for one in (ours, theirs):
        shown.take(*(delivered(one.source, sample) for _, sample in one.meeting.script))
    comparison = await compare(shown, SETTINGS, (ours,))
    assert comparison.differences == []
    assert comparison.notes == ["usage of provider livekit: not compared, others met in these hours too"]
