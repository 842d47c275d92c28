"""What is known of a meeting: its truth is no finer than what is told of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.registry import PROVIDERS
from handlers.providers.story import BotTruth, RoomTruth, whole_second

START = 1_773_151_300_123


@pytest.mark.parametrize(("time", "second"), [(1_999, 1_000), (2_000, 2_000), (0, 0)])
def test_a_whole_second_is_the_last_one(time: int, second: int) -> None:
    """Providers round down."""
    assert whole_second(time) == second


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
@given(seed=st.integers(0, 2**40), minutes=st.floats(1, 600), room=st.sampled_from(["", "town-hall-7"]))
def test_a_truth_is_of_the_meeting_that_is_told(provider: str, seed: int, minutes: float, room: str) -> None:
    """Everybody was there while it lasted, nobody for less than nothing, and all of it is told in the order of time."""
    meeting = PROVIDERS[provider].meeting(seed, START, minutes, room)
    times = [at for at, _ in meeting.script]
    assert times == sorted(times)
    truth = meeting.truth
    assert truth.provider == provider
    assert isinstance(truth, BotTruth) is PROVIDERS[provider].sends_bots
    if isinstance(truth, RoomTruth):
        assert truth.started < truth.ended <= START + minutes * 60_000 + 1
        assert truth.stays
        assert all(truth.started <= stay.began < stay.ended <= truth.ended for stay in truth.stays)


@pytest.mark.parametrize("provider", sorted(name for name, provider in PROVIDERS.items() if not provider.sends_bots))
def test_meetings_of_one_room_have_sessions_of_their_own_or_none(provider: str) -> None:
    """The same people meet again in the same room, an hour later."""
    for seed in range(8):
        first, second = (PROVIDERS[provider].meeting(seed, START + later, 30, "daily") for later in (0, 3_600_000))
        assert first.truth.room == second.truth.room
        assert first.truth.session != second.truth.session or first.truth.session == ""
        assert [stay.identity for stay in first.truth.stays] == [stay.identity for stay in second.truth.stays]
        assert not {str(sample.payload) for _, sample in first.script} & {
            str(sample.payload) for _, sample in second.script
        }
