"""What the hub should show of simulated meetings, worked out from their truth alone, and not as the hub does."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import msgspec

from handlers.providers.story import Captured, RoomTruth, Stay
from hub.commands.casting import Performance
from hub.events import escape_id, format_time
from hub.settings import Source

_MS_PER_MINUTE = 60_000


class User(NamedTuple):
    """One line of attendance. Somebody whom the dialect does not name is a line of its own for each visit."""

    identity: str | None
    role: str | None
    joined_at: str | None
    left_at: str | None
    watched_ms: int
    visits: int
    expected: bool = False


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A room as the hub shows it: one meeting, or, where sessions have no names, all that were held in it."""

    id: str
    durable: str
    provider: str
    # Whether the meetings have names of their own.
    is_session: bool
    truths: tuple[RoomTruth, ...]

    @property
    def stays(self) -> tuple[Stay, ...]:
        """Every visit of people."""
        return tuple(stay for truth in self.truths for stay in truth.stays)

    @property
    def captured(self) -> tuple[Captured, ...]:
        """Recordings and transcripts."""
        return tuple(dict.fromkeys(one for truth in self.truths for one in truth.captured))

    @property
    def rejected(self) -> tuple[str, ...]:
        """Who did not get in."""
        return tuple(one for truth in self.truths for one in truth.rejected)


class Used(msgspec.Struct, frozen=True):
    """What rooms used up."""

    minutes: Fraction
    peak: int


def rooms_of(performances: Iterable[Performance]) -> list[Room]:
    """Return the rooms in which the meetings were held, in the order in which they come up."""
    held: defaultdict[tuple[str, str], list[RoomTruth]] = defaultdict(list)
    for source, truth in told_rooms(performances):
        durable = source.durable_room(escape_id(truth.room))
        held[f"{truth.provider}:{escape_id(truth.session)}" if truth.session else durable, durable].append(truth)
    return [
        Room(
            id=identity,
            durable=durable,
            provider=truths[0].provider,
            is_session=bool(truths[0].session),
            truths=tuple(truths),
        )
        for (identity, durable), truths in held.items()
    ]


def told_rooms(performances: Iterable[Performance]) -> Iterator[tuple[Source, RoomTruth]]:
    """Yield what is true of the meetings that are held in rooms, and where their webhooks go."""
    for one in performances:
        if isinstance(one.meeting.truth, RoomTruth):
            yield one.source, one.meeting.truth


def users_of(stays: Iterable[Stay], expected: Iterable[str] = ()) -> Counter[User]:
    """Return the lines of attendance that follow from visits; `expected` are identities of who was to come."""
    wanted = frozenset(expected)
    named: defaultdict[str, list[Stay]] = defaultdict(list)
    lines: Counter[User] = Counter()
    for stay in stays:
        if stay.identity:
            named[stay.identity].append(stay)
        else:
            lines[_user([stay])] += 1
    lines.update(_user(theirs, expected=identity in wanted) for identity, theirs in named.items())
    lines.update(User(identity, None, None, None, 0, 0, True) for identity in wanted - named.keys())
    return lines


def used_by(truths: Sequence[RoomTruth]) -> Used:
    """Return what meetings used up: as the provider reports it where it does, else as people were there."""
    reported = [truth for truth in truths if truth.told_present_ms is not None]
    stays = [stay for truth in truths if truth.told_present_ms is None for stay in truth.stays]
    present = sum(truth.told_present_ms or 0 for truth in reported) + sum(stay.ended - stay.began for stay in stays)
    peaks = [truth.told_peak or 0 for truth in reported]
    return Used(Fraction(present, _MS_PER_MINUTE), max([_most_at_once(stays), *peaks]))


def _user(stays: list[Stay], *, expected: bool = False) -> User:
    last = max(stays, key=lambda stay: stay.ended)
    return User(
        identity=last.identity or None,
        role=last.role or None,
        joined_at=format_time(min(stay.began for stay in stays)),
        left_at=format_time(last.ended),
        watched_ms=_present_ms(stays),
        visits=len(stays),
        expected=expected,
    )


def _present_ms(stays: list[Stay]) -> int:
    """Return how long somebody was there by any device: between two changes somebody is there throughout, or not."""
    changes = sorted({moment for stay in stays for moment in (stay.began, stay.ended)})
    return sum(
        later - sooner
        for sooner, later in pairwise(changes)
        if any(stay.began <= sooner < stay.ended for stay in stays)
    )


def _most_at_once(stays: list[Stay]) -> int:
    # There are never more than when somebody has just come.
    return max((sum(one.began <= stay.began < one.ended for one in stays) for stay in stays), default=0)
