"""When somebody was there: visits, computed from joins and leaves in whatever completeness they came."""

from collections.abc import Collection, Iterable, Sequence

import msgspec


class Visit(msgspec.Struct, frozen=True, gc=False):
    """A stretch of presence in milliseconds since 1970; `end` is None while it lasts."""

    start: int
    end: int | None
    # The room's end closed it, not a leave.
    cut: bool = False


def visits(
    joins: Iterable[int],
    leaves: Collection[tuple[int, int | None]],
    ends: Sequence[int] = (),
    *,
    final: bool = True,
) -> list[Visit]:
    """Return the sorted, disjoint visits of one id.

    `leaves` are `(left, joined)`; where the leave told when its visit began, it is a whole visit by itself.
    Every other leave closes the earliest open join before it. `ends` are the sorted ends of the room:
    what is open at one is closed there, and after a `final` one nothing begins.
    """
    whole = sorted((joined, left) for left, joined in leaves if joined is not None and joined <= left)
    lone = sorted({left for left, joined in leaves if joined is None or joined > left})
    loose = sorted(join for join in set(joins) if not any(start <= join < end or start == join for start, end in whole))
    paired = _close(_pair(loose, lone), [left for _, left in whole])
    bounded = [_bounded(start, end, ends) for start, end in [*whole, *paired] if _may_begin(start, ends, final)]
    return union(bounded)


def present_ms(stays: Iterable[Visit], now: int) -> int:
    """Return how long the visits lasted together; open ones until `now`."""
    return sum(max(0, (now if stay.end is None else stay.end) - stay.start) for stay in stays)


def peak(stays: Iterable[Visit]) -> int:
    """Return the largest number of visits at one moment; who leaves makes room before who comes at the same time."""
    changes = [(stay.start, 1) for stay in stays] + [(stay.end, -1) for stay in stays if stay.end is not None]
    highest = present = 0
    for _, change in sorted(changes):
        present += change
        highest = max(highest, present)
    return highest


def _pair(joins: list[int], leaves: list[int]) -> list[tuple[int, int | None]]:
    """Close, with each leave, the earliest open join before it."""
    waiting = list(joins)
    closed = [(waiting.pop(0), left) for left in leaves if waiting and waiting[0] <= left]
    return [*closed, *((join, None) for join in waiting)]


def _close(pairs: list[tuple[int, int | None]], known_ends: list[int]) -> list[tuple[int, int | None]]:
    # A join that lies a little before the start its leave told (seconds against milliseconds) is the same visit.
    return [
        (start, min((left for left in known_ends if left > start), default=None) if end is None else end)
        for start, end in pairs
    ]


def _may_begin(start: int, ends: Sequence[int], final: bool) -> bool:
    return not (final and ends and start > ends[0])


def _bounded(start: int, end: int | None, ends: Sequence[int]) -> Visit:
    limit = next((moment for moment in ends if moment >= start), None)
    if limit is not None and (end is None or end > limit):
        return Visit(start, limit, cut=True)
    return Visit(start, end)


def union(stays: Iterable[Visit]) -> list[Visit]:
    """Return visits as sorted ones that do not overlap: who was there twice at once was there once."""
    joined: list[Visit] = []
    for stay in sorted(stays, key=lambda stay: stay.start):
        last = joined[-1] if joined else None
        if last is None or (last.end is not None and stay.start > last.end):
            joined.append(stay)
        elif last.end is not None and (stay.end is None or stay.end > last.end):
            joined[-1] = Visit(last.start, stay.end, stay.cut)
        elif last.end is not None and stay.end == last.end and last.cut and not stay.cut:
            joined[-1] = Visit(last.start, last.end)
    return joined
