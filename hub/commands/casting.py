"""Which meetings are simulated, when each takes place, and in which order their webhooks are sent."""

import random
from collections.abc import Iterator, Mapping

import msgspec

from handlers.providers.arrival import Sample
from handlers.providers.registry import PROVIDERS
from handlers.providers.story import Meeting
from hub.commands.send import source_for
from hub.errors import BadRequest
from hub.settings import Settings, Source

_SLOWEST, _FASTEST = 0.01, 10_000.0
_NAMES = ("daily-standup", "design-review", "sales-call", "office-hours", "retro", "town-hall", "onboarding")
_DAY_MS = 8 * 3_600_000
# Recordings and transcripts come after the end, and a day is over before it is told.
_MARGIN_MS = 60_000
# How many minutes a meeting of a day lasts, and any that is compared.
_SHORTEST, _LONGEST = 5.0, 60.0
_COMPARABLE = 1.0
# Of a day's rooms a third is used once, a third twice, a third three times.
_MOST_USES = 3
# What chaos repeats, what it keeps to the very end, and within which time something comes again.
_REPEATED, _KEPT = 0.15, 0.03
_AGAIN_WITHIN_MS = 60_000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How many meetings of each sort, told how."""

    rooms: int = 3
    bots: int = 3
    # Webhooks a second altogether; None, for a day only: as fast as they are taken.
    rate: float | None = 5.0
    seed: int = 1
    # Of which providers; empty: of all that are configured.
    providers: tuple[str, ...] = ()
    # Shuffled, repeated, delayed.
    chaos: bool = False
    # A working day that has just ended, not what happens now.
    day: bool = False
    # Meetings last long enough for whole seconds to tell what happened in them, however high the rate is.
    compared: bool = False


class Performance(msgspec.Struct, frozen=True):
    """A meeting, and where its webhooks go."""

    source: Source
    meeting: Meeting


class Line(msgspec.Struct, frozen=True):
    """A webhook to be sent at a time, in milliseconds since 1970."""

    at: int
    source: Source
    sample: Sample


class _Part(msgspec.Struct, frozen=True):
    source: Source
    seed: int
    room: str = ""
    # Which of how many meetings in its room.
    number: int = 0
    of: int = 1


def planned(options: Mapping[str, object], seed: int) -> Plan:
    """Return the plan that a command line asks for; what it leaves open depends on whether it is for a day."""
    said = {name: value for name, value in options.items() if value is not None}
    usual: dict[str, object] = {"rooms": 300, "bots": 100, "rate": None} if said.get("day") else {}
    return msgspec.convert({"seed": seed, **usual, **said}, Plan)


def cast(settings: Settings, plan: Plan, now: int) -> tuple[Performance, ...]:
    """Invent the meetings of a plan.

    Those of a day are over. Others begin now and last as long as the rate asks for, so that told times are real.
    Raises BadRequest for a plan of nothing, and when no source is configured for it.
    """
    is_fast_enough = plan.day if plan.rate is None else _SLOWEST <= plan.rate <= _FASTEST
    parts = [*_parts_of_rooms(settings, plan, now), *_parts_of_bots(settings, plan)] if is_fast_enough else []
    if not parts:
        raise BadRequest(f"--rate, --rooms, --bots: expected meetings, and {_SLOWEST} to {_FASTEST} webhooks a second")
    if plan.day:
        dice = random.Random(plan.seed)
        return tuple(_performed(part, *_time_of_day(part, dice, now)) for part in parts)
    count = sum(len(_performed(part, now, _LONGEST).meeting.script) for part in parts)
    minutes = max(count / (plan.rate or _FASTEST) / 60, _COMPARABLE if plan.compared else 0.0)
    return tuple(_performed(part, now, minutes) for part in parts)


def script(performances: tuple[Performance, ...], plan: Plan, now: int) -> list[Line]:
    """Return all webhooks in the order in which they are sent."""
    dice = random.Random(f"{plan.seed}/{now}")
    told = [(at, one.source, sample) for one in performances for at, sample in one.meeting.script]
    told.sort(key=lambda entry: entry[0])
    if plan.day:
        # All of it has happened: only the rate says when it is sent.
        pace = 1000 / (plan.rate or 1000.0)
        told = [(now + round(place * pace), source, sample) for place, (_, source, sample) in enumerate(told)]
    lines = [Line(at, source, _named(sample, dice)) for at, source, sample in told]
    return _shaken(lines, dice, now if plan.day else None) if plan.chaos else lines


def _parts_of_rooms(settings: Settings, plan: Plan, now: int) -> Iterator[_Part]:
    sources = _sources(settings, plan, sends_bots=False) if plan.rooms > 0 else []
    room = 0
    left = plan.rooms if sources else 0
    while left > 0:
        of_provider = sources[room % len(sources)]
        uses = min(left, 1 + room % _MOST_USES if plan.day else 1)
        for number in range(uses):
            yield _Part(
                source=of_provider[room // len(sources) % len(of_provider)],
                # The same people meet again; the seed also decides the dialect, which is that of the room.
                seed=plan.seed + room,
                # Nobody else's room: what it used up can be compared.
                room=f"{_NAMES[room % len(_NAMES)]}-{now:x}-{room}",
                number=number,
                of=uses,
            )
        room, left = room + 1, left - uses


def _parts_of_bots(settings: Settings, plan: Plan) -> Iterator[_Part]:
    sources = _sources(settings, plan, sends_bots=True) if plan.bots > 0 else []
    for place in range(plan.bots if sources else 0):
        of_provider = sources[place % len(sources)]
        yield _Part(of_provider[place // len(sources) % len(of_provider)], plan.seed + place)


def _sources(settings: Settings, plan: Plan, *, sends_bots: bool) -> list[list[Source]]:
    """Return the sources of each provider that is asked for.

    Raises BadRequest when one that is named has none, and when none is named and none is configured.
    """
    able = [name for name, provider in PROVIDERS.items() if provider.sends_bots is sends_bots]
    wanted = sorted(name for name in able if name in plan.providers or not plan.providers)
    found = {name: [source for source in settings.sources if source.provider == name] for name in wanted}
    for name in wanted if plan.providers or not any(found.values()) else ():
        source_for(settings, name)
    return [sources for sources in found.values() if sources]


def _time_of_day(part: _Part, dice: random.Random, now: int) -> tuple[int, float]:
    """Return when a meeting begins, and how many minutes it lasts; those of one room come one after the other."""
    slot = (_DAY_MS - _MARGIN_MS) // part.of
    length = dice.uniform(_SHORTEST, _LONGEST)
    spare = slot - round(length * 60_000) - _MARGIN_MS
    return now - _DAY_MS + part.number * slot + dice.randrange(spare), length


def _performed(part: _Part, start: int, minutes: float) -> Performance:
    provider = PROVIDERS[part.source.provider]
    return Performance(part.source, provider.meeting(part.seed, start, minutes, part.room))


def _shaken(lines: list[Line], dice: random.Random, since: int | None) -> list[Line]:
    """Send every webhook at any time after `since`, else after its own, some at the very end, some once more.

    Nothing is lost, and nothing comes again when it would be news: the hub must end where it would have anyway.
    """
    last = max(line.at for line in lines)
    first = min(line.at for line in lines)
    reach = min(_AGAIN_WITHIN_MS, last - first)
    moved = [_moved(line, dice, line.at if since is None else since, last) for line in lines]
    again = [_moved(line, dice, line.at, line.at + reach) for line in moved if dice.random() < _REPEATED]
    kept = [line for line in moved if dice.random() < _KEPT]
    ids = {line.sample.delivery_id for line in kept}
    soon = [line for line in moved + again if line.sample.delivery_id not in ids]
    end = max((line.at for line in soon), default=last)
    return sorted(soon, key=lambda line: line.at) + [msgspec.structs.replace(line, at=end) for line in kept]


def _named(sample: Sample, dice: random.Random) -> Sample:
    return msgspec.structs.replace(sample, delivery_id=f"msg_{dice.getrandbits(96):024x}")


def _moved(line: Line, dice: random.Random, earliest: int, latest: int) -> Line:
    return msgspec.structs.replace(line, at=dice.randint(earliest, latest))
