"""What is ahead of each viewer, and when: a fresh token, a warning, the end of its permission or of its connection."""

import heapq
from collections.abc import Iterator
from enum import Enum

import msgspec

from hub.desk import Desk, Grant
from hub.subscriber import Subscriber

_EXPIRY_NOTICE_SECONDS = 60
_TOKEN_SECONDS = 24 * 3600
# Connections that begin together shall not end together: the shortest life has this share of the longest.
_SHORTEST_LIFE = 0.8
# So much more than what is awaited is kept before what is awaited no longer is swept out.
_SLACK = 64


class Deadline(Enum):
    """What happens to a viewer when its time has come."""

    # Half of the life of its reconnect token is over.
    TOKEN = "token"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    # The connection is as old as connections get.
    AGED = "aged"


class _Ahead(msgspec.Struct):
    """What is ahead of one viewer, in order."""

    viewer: Subscriber
    deadlines: list[tuple[float, Deadline]]


class Deadlines:
    """All that is ahead of all viewers, soonest first. Times are in seconds since 1970."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ahead: dict[int, _Ahead] = {}
        # When each is to be looked at next, by its id alone: nobody is kept by that who has left.
        self._order: list[tuple[float, int]] = []

    def add(self, viewer: Subscriber) -> None:
        """Watch over a viewer that has just come."""
        life = self._desk.max_age * (1 - (1 - _SHORTEST_LIFE) * self._desk.chance())
        self._plan(viewer, [(self._now() + life, Deadline.AGED)])

    def renew(self, viewer: Subscriber) -> None:
        """Watch over a viewer whose permission is another now."""
        known = self._ahead[id(viewer)].deadlines
        self._plan(viewer, [one for one in known if one[1] is Deadline.AGED])

    def drop(self, viewer: Subscriber) -> None:
        """Forget a viewer that has left."""
        del self._ahead[id(viewer)]
        self._sweep()

    def due(self) -> Iterator[tuple[Subscriber, Deadline]]:
        """Yield what is due, each once."""
        while self._order and self._order[0][0] <= self._now():
            at, key = heapq.heappop(self._order)
            ahead = self._ahead.get(key)
            if ahead is None or not ahead.deadlines or ahead.deadlines[0][0] != at:
                # It has left, or was planned anew.
                continue
            _, deadline = ahead.deadlines.pop(0)
            if deadline is Deadline.TOKEN and ahead.viewer.grant.expires_at is None:
                ahead.deadlines.append((at + _TOKEN_SECONDS / 2, deadline))
                ahead.deadlines.sort(key=_time)
            self._await(key)
            yield ahead.viewer, deadline

    def _plan(self, viewer: Subscriber, known: list[tuple[float, Deadline]]) -> None:
        deadlines = sorted([*known, *_permitted(viewer.grant, self._now())], key=_time)
        self._ahead[id(viewer)] = _Ahead(viewer, deadlines)
        self._await(id(viewer))

    def _await(self, key: int) -> None:
        deadlines = self._ahead[key].deadlines
        if deadlines:
            heapq.heappush(self._order, (deadlines[0][0], key))
        self._sweep()

    def _sweep(self) -> None:
        if len(self._order) > 2 * len(self._ahead) + _SLACK:
            awaited = self._ahead.items()
            self._order = [(ahead.deadlines[0][0], key) for key, ahead in awaited if ahead.deadlines]
            heapq.heapify(self._order)

    def _now(self) -> float:
        return self._desk.now() / 1000


def _permitted(grant: Grant, now: float) -> Iterator[tuple[float, Deadline]]:
    """Yield what follows from a permission."""
    if grant.expires_at is None:
        # An API key does not end, but the reconnect token that was made from it does.
        yield now + _TOKEN_SECONDS / 2, Deadline.TOKEN
        return
    yield now + (grant.expires_at - now) / 2, Deadline.TOKEN
    yield max(now, grant.expires_at - _EXPIRY_NOTICE_SECONDS), Deadline.EXPIRING
    yield grant.expires_at, Deadline.EXPIRED


def _time(one: tuple[float, Deadline]) -> float:
    return one[0]
