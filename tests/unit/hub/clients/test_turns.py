"""Requests a second: evenly, in order, whoever asks."""

from hub.clients.turns import Turns


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))


async def test_places_are_as_far_apart_as_was_agreed() -> None:
    """Five a second are not five at once."""
    clock = Clock()
    turns = Turns(5, lambda: clock.now, clock.sleep)
    assert all([await turns.take(10) for _ in range(4)])
    assert clock.slept == [0.2, 0.4, 0.6]


async def test_who_would_have_to_wait_too_long_takes_no_place() -> None:
    """Others need it."""
    clock = Clock()
    turns = Turns(1, lambda: clock.now, clock.sleep)
    assert [await turns.take(0.5) for _ in range(3)] == [True, False, False]
    clock.now += 1
    assert await turns.take(0)


async def test_as_long_as_the_provider_wants_to_be_left_alone_there_is_no_place() -> None:
    """It says so to one, and means all."""
    clock = Clock()
    turns = Turns(5, lambda: clock.now, clock.sleep)
    turns.pause(120)
    turns.pause(1)
    assert (turns.rest, await turns.take(15)) == (120, False)
    clock.now += 120
    assert (turns.rest, await turns.take(0)) == (0, True)
