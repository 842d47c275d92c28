"""What a delivery may not claim: a bot of another launch, by a key alone, and anything of a bot that was erased.

Decided under the writer lock: of two webhooks that come at once by one key, each for a bot of its own, one is right.
"""

from collections.abc import Callable

from hub.events import BotDetail, Delivery, Fact
from hub.fold.bots import BotWork
from hub.fold.parts import key_owner

ERASED = "erased"
ANOTHER = "the key in the path is another bot's"

# Which bot, or launch, is called what.
_Look = Callable[[str], BotWork]


def objection(delivery: Delivery, look: _Look) -> str:
    """Return why a delivery may state nothing, empty when it may."""
    if delivery.erases:
        return ""
    owner = key_owner(delivery)
    told = {fact.bot for fact in delivery.facts} - {""}
    if any(look(bot).is_erased for bot in told | {owner} - {""}):
        return ERASED
    if not delivery.path_key.startswith("launch-"):
        return ""
    return "" if all(_is_its(look, owner, bot) for bot in told - {owner}) else ANOTHER


def undisputed(facts: tuple[Fact, ...], look: _Look) -> tuple[Fact, ...]:
    """Return facts without those that give a launch another bot than it became, or a bot another launch."""
    disputed = {fact.detail.launch_id for fact in facts if isinstance(fact.detail, BotDetail) and _is_late(fact, look)}
    return tuple(
        fact for fact in facts if not (isinstance(fact.detail, BotDetail) and fact.detail.launch_id in disputed)
    )


def _is_its(look: _Look, launch: str, bot: str) -> bool:
    """Whether a bot is what a launch became, or may be: nobody knows it yet, or it is of this launch."""
    if became := look(launch).text("became"):
        return became == bot
    known = look(bot)
    return not known.parts or known.text("launch_id") == launch.partition(":")[2]


def _is_late(fact: Fact, look: _Look) -> bool:
    """Whether a fact ties a launch to a bot, and one of them is tied to another."""
    detail = fact.detail
    if not isinstance(detail, BotDetail) or not detail.became:
        return False
    became, launch_id = look(fact.bot).text("became"), look(detail.became).text("launch_id")
    return became not in ("", detail.became) or launch_id not in ("", detail.launch_id)
