"""What a provider could not deliver while the hub was away is sent again: each period of time once."""

from hub.errors import Unanswered
from hub.reconcile.replays import Replays
from hub.reconcile.telling import delivery_of
from tests.unit.hub.reconcile.asking import BASE, HOUR, MINUTE, Hub, hub


class Keeps:
    """A provider that keeps what it could not deliver."""

    def __init__(self) -> None:
        self.replayed: list[tuple[int, int]] = []
        self.asked: list[tuple[int, int]] = []
        self.fails, self.problem = True, ""

    async def has_failed(self, since: int, until: int) -> bool:
        if self.problem:
            raise Unanswered(self.problem)
        self.asked.append((since, until))
        return self.fails

    async def replay(self, since: int, until: int) -> None:
        self.replayed.append((since, until))


def replays(one: Hub, provider: Keeps) -> Replays:
    return Replays(provider, ("livekit",), one.store, one.ingest, one.clock)


async def test_after_an_outage_what_failed_since_the_last_webhook_is_sent_again() -> None:
    """Until then the hub was there."""
    async with hub() as one:
        provider = Keeps()
        await one.hear("room_started", BASE)
        one.clock.now += 5 * HOUR
        await replays(one, provider).look()
        assert provider.replayed == [(BASE - MINUTE, BASE + 5 * HOUR - MINUTE)]


async def test_a_webhook_that_comes_before_the_first_look_does_not_hide_the_outage() -> None:
    """A hub that is back takes webhooks at once, and looks a moment later."""
    async with hub() as one:
        provider = Keeps()
        await one.hear("room_started", BASE)
        one.clock.now += 5 * HOUR
        looks = replays(one, provider)
        one.clock.now += 2000
        await one.hear("room_started", one.clock.now, "RM_2")
        await looks.look()
        assert provider.replayed == [(BASE - MINUTE, BASE + 5 * HOUR + 2000 - MINUTE)]


async def test_a_process_that_begins_goes_on_where_the_last_one_was() -> None:
    """Ten restarts in ten minutes must not have the same hour sent ten times."""
    async with hub() as one:
        provider = Keeps()
        for _ in range(10):
            await replays(one, provider).look()
            one.clock.now += MINUTE
        periods = [(BASE + place * MINUTE - MINUTE, BASE + place * MINUTE) for place in range(9)]
        assert provider.replayed == [(BASE - HOUR - MINUTE, BASE - MINUTE), *periods]


async def test_that_nothing_failed_is_kept_once_an_hour() -> None:
    """It fills no store, and nothing is sent twice for it."""
    async with hub() as one:
        provider = Keeps()
        provider.fails = False
        looks = replays(one, provider)
        for _ in range(25):
            await looks.look()
            one.clock.now += 5 * MINUTE
        assert len(one.deliveries()) == 3
        await replays(one, provider).look()
        assert provider.asked[-1] == (BASE + 2 * HOUR - MINUTE, BASE + 2 * HOUR + 4 * MINUTE)


async def test_what_the_hub_told_itself_does_not_say_that_it_was_there() -> None:
    """After an outage it asks for what goes on before it asks for what failed."""
    async with hub() as one:
        provider = Keeps()
        await one.hear("room_started", BASE)
        one.clock.now += 5 * HOUR
        await one.ingest.submit(delivery_of("room.alive", "livekit/", {}, (), one.clock()))
        await replays(one, provider).look()
        assert provider.replayed == [(BASE - MINUTE, BASE + 5 * HOUR - MINUTE)]


async def test_each_period_is_asked_for_once() -> None:
    """What fails again, and again, would be asked for for ever."""
    async with hub() as one:
        provider = Keeps()
        looks = replays(one, provider)
        await looks.look()
        one.clock.now += HOUR
        await looks.look()
        assert provider.replayed == [
            (BASE - HOUR - MINUTE, BASE - MINUTE),
            (BASE - MINUTE, BASE + HOUR - MINUTE),
        ]


async def test_nothing_is_sent_again_when_nothing_failed() -> None:
    """Replays go at the expense of what is going on."""
    async with hub() as one:
        provider = Keeps()
        provider.fails = False
        await replays(one, provider).look()
        assert (len(provider.asked), provider.replayed) == (1, [])


async def test_a_period_that_could_not_be_asked_for_is_part_of_the_next() -> None:
    """It is not forgotten because the provider was away too."""
    async with hub() as one:
        provider = Keeps()
        looks = replays(one, provider)
        provider.problem = "away"
        assert (await looks.look()).problems == ("replay of failed webhooks: away",)
        one.clock.now += HOUR
        provider.problem = ""
        await looks.look()
        assert provider.replayed == [(BASE - MINUTE, BASE + HOUR - MINUTE)]


async def test_no_period_is_longer_than_the_provider_allows() -> None:
    """Two weeks at most; whoever was away for longer gets the latest."""
    async with hub() as one:
        provider = Keeps()
        await one.hear("room_started", BASE)
        one.clock.now += 60 * 24 * HOUR
        await replays(one, provider).look()
        ((since, until),) = provider.replayed
        assert until - since < 14 * 24 * HOUR
