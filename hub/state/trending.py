"""How much is going on in a room: a score that halves every six hours, and an order by it that needs no clock."""

import math

HALF_LIFE_MS = 6 * 3_600_000
_LISTENER, _SPEAKER, _FEATURED = 1, 3, 5
# Below every key of a room that has a score.
_NOTHING = -1e9


def trending_base(listeners: int, speakers: int, *, featured: bool) -> int:
    """Return listeners·1 + speakers·3, and 5 more for a featured room."""
    return listeners * _LISTENER + speakers * _SPEAKER + (_FEATURED if featured else 0)


def trending_score(base: int, active_at: int, now: int) -> float:
    """Return base · 0.5^(hours since the room was active / 6), to two decimals; times in milliseconds."""
    decay: float = 0.5 ** (max(0, now - active_at) / HALF_LIFE_MS)
    return round(base * decay, 2)


def trending_key(base: int, active_at: int) -> float:
    """Return what rooms are sorted by, the largest first, in the order of their scores at any later moment.

    log2(base · 0.5^((now - t) / h)) = log2(base) + t/h - now/h, and the last term is the same for all. Rooms without a
    score come last, the one that was active last first.
    """
    return (math.log2(base) if base > 0 else _NOTHING) + active_at / HALF_LIFE_MS
