"""A webhook by the key in its path: it may tell of one bot only, and of a launch it tells which bot that became."""

import msgspec

from handlers.providers.arrival import PathKey
from hub.errors import ProofRefused
from hub.events import BotDetail, Fact
from hub.fold.claims import ANOTHER
from hub.launches.words import Asked, became


def owned(key: PathKey, facts: tuple[Fact, ...], provider: str) -> tuple[Fact, ...]:
    """Return what somebody may state who has proved nothing but to know a key.

    Raises ProofRefused when it is about anything but the key's one bot.
    """
    bots = bots_of(facts)
    if len(bots) != 1 or "" in bots or (key.bot and bots != {f"{provider}:{key.bot}"}):
        raise ProofRefused(ANOTHER)
    return tuple(fact for fact in facts if launch_of(fact) in ("", key.launch_id))


def stated(key: PathKey, facts: tuple[Fact, ...], provider: str, received_at: int, *, alone: bool) -> tuple[Fact, ...]:
    """Return what somebody states who knows a key, and has proved more than that unless it is `alone`.

    Raises ProofRefused.
    """
    return bound(key, owned(key, facts, provider) if alone else facts, provider, received_at)


def bound(key: PathKey, facts: tuple[Fact, ...], provider: str, received_at: int) -> tuple[Fact, ...]:
    """Return what is stated and, where that is news, which bot the key's launch became."""
    bots = bots_of(facts)
    if not key.launch_id or key.bot or len(bots) != 1 or "" in bots or any(map(launch_of, facts)):
        return facts
    (bot,) = bots
    return (*became(Asked(provider=provider, launch_id=key.launch_id), bot.partition(":")[2], received_at), *facts)


def bots_of(facts: tuple[Fact, ...]) -> set[str]:
    """Return the bots that facts are about, launches left aside; what is about no bot is about the bot of no name."""
    return {fact.bot for fact in facts if not _is_launch(fact)}


def launch_of(fact: Fact) -> str:
    """Return the launch that a fact ties to a bot, empty for any other fact."""
    return fact.detail.launch_id if isinstance(fact.detail, BotDetail) else ""


def filled(fact: Fact, asked: Asked) -> Fact:
    """Return a fact that ties a launch to a bot with what is known of the launch."""
    if _is_launch(fact):
        return fact
    return msgspec.structs.replace(fact, time=asked.requested_at or fact.time, detail=asked.detail())


def _is_launch(fact: Fact) -> bool:
    return isinstance(fact.detail, BotDetail) and bool(fact.detail.became)
