"""What a provider answers when it is asked what is going on, in the hub's words."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from hub.events import Fact
from hub.settings import Source

Words = Mapping[str, object]
# (source, a payload as its webhooks have them, now in ms) -> what it states. Raises Unusable.
Translate = Callable[[Source, Words, int], tuple[Fact, ...]]


class Said(msgspec.Struct, frozen=True):
    """Something that a provider answered: the words, without what nobody may keep, and the facts in them."""

    words: Words
    facts: tuple[Fact, ...]


class SeenRoom(msgspec.Struct, frozen=True, kw_only=True):
    """A session that goes on, as its provider lists it."""

    # `<provider>:<session id>`, and `<source>@<room id, else name>`.
    room: str
    durable: str
    # Which account of the provider it is of: what is told about it is told in this scope.
    scope: str
    began_at: int
    start: Said
    # Who is there, and who is known to have left, by the ids of their visits.
    people: Mapping[str, Said]
    left: Mapping[str, Said] = {}
    # Who is there as well, but not as far that it would be told.
    arriving: frozenset[str] = frozenset()
    # Whether everybody who is there was listed: who is not, is gone.
    is_whole: bool = True


class Listing(msgspec.Struct, frozen=True):
    """What all accounts of a provider answered."""

    rooms: tuple[SeenRoom, ...]
    # Homes (`<home>@…`) of which every session was listed.
    homes: frozenset[str]
    # What went wrong with the others, and what to do about it.
    problems: tuple[str, ...] = ()


class HeldRoom(msgspec.Struct, frozen=True, kw_only=True):
    """A session that goes on, as the hub shows it."""

    room: str
    durable: str
    # When something last happened in it, and until when it is presumed to go on if nobody says anything.
    active_at: int
    lives_until: int
    # Since when who is there, and why and when who left did, by the ids of their visits.
    active: Mapping[str, int] = {}
    gone: Mapping[str, str] = {}
    gone_at: Mapping[str, int] = {}

    @property
    def home(self) -> str:
        """What its durable room is called after, empty when it has none."""
        return self.durable.partition("@")[0]


class Lister(Protocol):
    """A provider that can be asked which sessions go on."""

    @property
    def provider(self) -> str:
        """The name of the provider."""
        ...

    @property
    def tells_ends(self) -> bool:
        """Whether it says of a session that it is over; else what is not listed is."""
        ...

    async def listing(self) -> Listing:
        """Return what goes on. Raises Unanswered when nothing is known."""
        ...

    async def end_of(self, held: HeldRoom) -> Said | None:
        """Return what the provider says of a session that it does not list; None when it does not say it is over."""
        ...


class Looked(msgspec.Struct, frozen=True):
    """What came of asking: what went wrong in it, and whether to look again soon."""

    problems: tuple[str, ...] = ()
    is_unsettled: bool = False
