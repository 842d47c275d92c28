"""Who was there and how long: the participants of one or several sessions, by user."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
import orjson

from hub.events import format_time
from hub.ports import Document
from hub.present import decode_presence
from hub.state.presence import Visit, present_ms, union
from hub.state.schedule import Run


class Attendee(msgspec.Struct, frozen=True, kw_only=True):
    """One user's attendance. Two devices at once do not count double, and come as two visits."""

    identity: str | None
    name: str | None
    role: str | None = None
    # Whether somebody said beforehand that they would come.
    expected: bool = False
    active: bool = False
    joined_at: str | None = None
    left_at: str | None = None
    # Seconds.
    watch_duration: float = 0.0
    leave_reason: str | None = None
    visits: int = 0


class _Stay(msgspec.Struct, frozen=True):
    """A visit as far as it is counted, and what its participant is called."""

    start: int
    end: int | None
    # Where an open one is counted to.
    until: int
    reason: str
    shown: Mapping[str, str | None]


def attendance(
    participants: Sequence[Document],
    until: Mapping[str, int],
    *,
    meetings: Sequence[Run] | None = None,
    expected: Sequence[tuple[str, str]] = (),
) -> list[Attendee]:
    """Return everybody who attended, who came first first, then who was expected and did not come.

    `until` says, by topic of the room, up to when an open visit counts. With `meetings` only visits to those are taken:
    a session without a name meets several times, and a visit is to the one in which it began. Recorders and agents do
    not attend.
    """
    users: defaultdict[str, list[_Stay]] = defaultdict(list)
    for one in participants:
        for stay in _stays(one, until[one.parent], meetings):
            users[one.name or one.topic].append(stay)
    names = dict(expected)
    came = [_attendee(stays, expected=user in names) for user, stays in users.items()]
    missing = [
        Attendee(identity=user, name=name or None, expected=True) for user, name in expected if user not in users
    ]
    return sorted(came, key=lambda who: (who.joined_at or "", who.identity or "")) + missing


def _stays(participant: Document, until: int, meetings: Sequence[Run] | None) -> list[_Stay]:
    presence = decode_presence(participant.hidden)
    if not presence.counted:
        return []
    session = participant.parent.partition("/")[2]
    shown = orjson.loads(participant.body)
    return [
        _Stay(start, end, until, reason, shown)
        for start, end, reason in presence.stays
        if meetings is None or any(_is_of(run, session, start) for run in meetings)
    ]


def _is_of(run: Run, session: str, start: int) -> bool:
    """Whether a visit to a session, that began at a time, was to a meeting."""
    # A session with a name is one meeting; who came a moment before its start, by another clock, came to it.
    is_named = "@" not in session.partition(":")[0]
    return run.session == session and (is_named or run.holds(start))


def _attendee(stays: list[_Stay], *, expected: bool) -> Attendee:
    last = max(stays, key=lambda stay: (stay.end is None, stay.end or stay.start))
    active = last.end is None
    present = union(Visit(stay.start, max(stay.start, stay.until) if stay.end is None else stay.end) for stay in stays)
    return Attendee(
        identity=last.shown["identity"],
        name=last.shown["name"],
        role=last.shown["role"],
        expected=expected,
        active=active,
        joined_at=format_time(min(stay.start for stay in stays)),
        left_at=None if active else format_time(last.end),
        watch_duration=round(present_ms(present, 0) / 1000, 3),
        leave_reason=None if active else last.reason or None,
        visits=len(stays),
    )
