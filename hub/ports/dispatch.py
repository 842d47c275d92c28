"""The port of a provider that sends bots to meetings."""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A bot that somebody wants in a meeting. `options` are the provider's own words, and may hold secrets."""

    launch_id: str
    meeting_url: str
    bot_name: str
    options: Mapping[str, object] = {}
    # What of it is to be seen by nobody but the provider, word by word.
    secrets: tuple[str, ...] = ()
    # What the caller wants to get back with whatever is told of the bot.
    extra: Mapping[str, object] = {}
    # Where the provider tells of this bot; empty: nowhere.
    webhook_url: str = ""


class Dispatcher(Protocol):
    """A provider's account, as the hub uses it. Every method raises ProviderProblem."""

    @property
    def provider(self) -> str:
        """What the provider is called in ids."""
        ...

    @property
    def finds_launches(self) -> bool:
        """Whether a bot can be found by its launch, when the answer to it was lost."""
        ...

    @property
    def must_be_asked(self) -> bool:
        """Whether nobody tells how far its bots are, unless it is asked."""
        ...

    @property
    def own_options(self) -> frozenset[str]:
        """Options that are the hub's to set."""
        ...

    async def launch(self, order: Order) -> str:
        """Send a bot, once, and return its id. Raises AnswerLost when there may be a bot although none was told."""
        ...

    async def leave(self, bot: str) -> None:
        """Ask a bot to leave its meeting; that it did is told later."""
        ...

    async def status(self, bot: str) -> Mapping[str, object]:
        """Return what a webhook would say of a bot by now, nothing (`{}`) when there is nothing to say.

        Raises NoSuchBot for one that the provider does not know.
        """
        ...

    async def find(self, launch_id: str) -> str:
        """Return the id of the bot of a launch, empty when there is none (yet)."""
        ...

    async def check(self) -> None:
        """Ask for anything."""
        ...
