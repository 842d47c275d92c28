"""What may be stated by the key in a path, and what follows from it for the launch."""

import pytest

from handlers.providers.arrival import PathKey
from handlers.providers.binding import bots_of, bound, filled, launch_of, owned, stated
from hub.errors import ProofRefused
from hub.events import BotDetail, Fact, Kind
from hub.launches.words import Asked, became

LAUNCH, OTHER = f"launch-{'0' * 32}", f"launch-{'1' * 32}"
UNBOUND, BOUND, BOTS = PathKey(launch_id=LAUNCH), PathKey(launch_id=LAUNCH, bot="B1"), PathKey(bot="B1")


def of(bot: str) -> Fact:
    return Fact(kind=Kind.BOT_JOINED, time=1, bot=f"m:{bot}" if bot else "", detail=BotDetail())


def tie(launch: str) -> tuple[Fact, Fact]:
    return became(Asked(provider="m", launch_id=launch), "B1", 1)


@pytest.mark.parametrize("key", [UNBOUND, BOUND, BOTS])
def test_a_key_speaks_for_its_bot(key: PathKey) -> None:
    """Also several times in one webhook."""
    assert owned(key, (of("B1"), of("B1")), "m") == (of("B1"), of("B1"))


@pytest.mark.parametrize(
    ("key", "facts"),
    [
        (BOUND, (of("B2"),)),
        (BOTS, (of("B2"),)),
        (UNBOUND, (of("B1"), of("B2"))),
        (UNBOUND, (of(""),)),
        (BOUND, ()),
    ],
)
def test_a_key_speaks_for_nothing_else(key: PathKey, facts: tuple[Fact, ...]) -> None:
    """Whoever finds it in a log must not gain anything."""
    with pytest.raises(ProofRefused):
        owned(key, facts, "m")


def test_a_key_of_one_launch_ties_no_other_to_a_bot() -> None:
    """What a bot brings back is believed of those only who proved more."""
    assert owned(UNBOUND, (*tie(OTHER), of("B1")), "m") == (of("B1"),)
    assert owned(UNBOUND, (*tie(LAUNCH), of("B1")), "m") == (*tie(LAUNCH), of("B1"))


def test_the_first_bot_that_comes_by_the_key_is_what_the_launch_became() -> None:
    """The provider's answer may come later, or never."""
    bot, launch, told = bound(UNBOUND, (of("B1"),), "m", 1)
    assert (bot.bot, launch.detail.became, told) == ("m:B1", "m:B1", of("B1"))


def test_who_proved_more_than_a_key_speaks_for_others_too() -> None:
    """An account's secret is good for all its bots."""
    assert stated(BOTS, (of("B2"),), "m", 1, alone=False) == (of("B2"),)
    with pytest.raises(ProofRefused):
        stated(BOTS, (of("B2"),), "m", 1, alone=True)


@pytest.mark.parametrize(
    ("key", "facts"), [(BOUND, (of("B1"),)), (BOTS, (of("B1"),)), (UNBOUND, (of(""),)), (UNBOUND, (of("A"), of("B")))]
)
def test_what_is_known_or_cannot_be_is_not_stated(key: PathKey, facts: tuple[Fact, ...]) -> None:
    """A bot that proved itself otherwise may come by any path."""
    assert bound(key, facts, "m", 1) == facts


def test_what_was_asked_for_is_told_of_the_bot_and_not_of_the_launch() -> None:
    """The launch has been told it before."""
    asked = Asked(provider="m", launch_id=LAUNCH, name="Notes")
    bot, launch = (filled(fact, asked) for fact in tie(LAUNCH))
    assert (bot.detail.name, launch) == ("Notes", tie(LAUNCH)[1])
    assert [launch_of(one) for one in (bot, launch, of("B1"))] == [LAUNCH, LAUNCH, ""]
    assert bots_of((bot, launch)) == {"m:B1"}
