"""Documents as they are read: what depends on the clock is computed when somebody asks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self
from urllib.parse import quote

import msgspec
import orjson

from hub.ports import Document
from hub.settings import Rooms
from hub.state.capture import Artifacts
from hub.state.participant import Presence
from hub.state.presence import Visit, present_ms, union
from hub.state.room import Tally, decode_tally
from hub.state.schedule import WINDOW_MS
from hub.state.trending import trending_base, trending_score

_MS_PER_MINUTE = 60_000
_MS_PER_HOUR = 3_600_000

decode_presence = msgspec.msgpack.Decoder(Presence).decode
decode_artifacts = msgspec.msgpack.Decoder(Artifacts).decode


class Clockwork(msgspec.Struct, frozen=True):
    """What the configuration says about numbers that depend on the clock."""

    price_per_participant_minute: float = 0.004
    presume_ended_after_ms: int = 12 * _MS_PER_HOUR

    @classmethod
    def of(cls, rooms: Rooms) -> Self:
        """Return what the section of rooms says about them."""
        return cls(rooms.price_per_participant_minute, round(rooms.presume_ended_after * _MS_PER_HOUR))


class Presented(msgspec.Struct, frozen=True):
    """A document as JSON at a moment, and whether it is a room that must have ended without a word."""

    body: bytes
    stale: bool = False


class Totals(NamedTuple):
    """How long a meeting was, the presence of all people added up, and how many were there at once."""

    lasted_ms: int | None
    present_ms: int | None
    peak: int | None

    def shown(self) -> dict[str, object]:
        """Return them as documents have them: seconds, minutes and people."""
        return {
            "duration": _seconds(self.lasted_ms or 0),
            "peak_participants": self.peak or 0,
            "participant_minutes": round((self.present_ms or 0) / _MS_PER_MINUTE, 2),
        }


def presented(document: Document, clockwork: Clockwork, now: int, visits: Iterable[Visit] = ()) -> Presented:
    """Return a stored document as it is at `now`; `visits` are all those of a participant's user, by `visits_of`."""
    if not document.hidden:
        return Presented(document.body)
    if document.collection == "rooms":
        return _room(document, clockwork, now)
    if document.collection == "participants":
        own = stays_of(document)
        watched = {
            "watch_duration": _seconds(present_ms(visits or own, now)),
            "duration": _seconds(present_ms(own, now)),
        }
        return Presented(_with(document.body, watched))
    if document.collection == "recordings":
        return Presented(_with(document.body, {"artifacts": _artifacts(document)}))
    return Presented(document.body)


def visits_of(participants: Iterable[Document]) -> dict[str, list[Visit]]:
    """Return when the users of participants were there, by the topics of these: two devices do not count twice.

    `participants` are all of the rooms that are meant. Somebody without an identity is a user of its own.
    """
    users: defaultdict[tuple[str, str], list[Document]] = defaultdict(list)
    for one in participants:
        users[one.parent, one.name or one.topic].append(one)
    found: dict[str, list[Visit]] = {}
    for devices in users.values():
        joined = union([stay for one in devices for stay in stays_of(one)])
        found |= {one.topic: joined for one in devices}
    return found


def stays_of(participant: Document) -> list[Visit]:
    """Return the visits of a participant."""
    stays = decode_presence(participant.hidden).stays if participant.hidden else ()
    return [Visit(start, end) for start, end, _ in stays]


def is_missed(document: Document, now: int) -> bool:
    """Whether a schedule's time is over and nobody came."""
    return document.collection == "schedules" and document.status == "SCHEDULED" and now > document.began_at + WINDOW_MS


def lives_until(documents: Iterable[Document], clockwork: Clockwork) -> dict[str, int]:
    """Return until when each of the rooms among the documents can be presumed to live, by topic."""
    return {
        document.topic: alive_until(decode_tally(document.hidden), clockwork)
        for document in documents
        if document.collection == "rooms" and document.hidden
    }


def alive_until(tally: Tally, clockwork: Clockwork) -> int:
    """Return until when a room can be presumed to live that nobody says anything of any more."""
    # By when it was received: a provider that was cut off tells hours later what goes on now.
    heard = max(tally.active_at or 0, tally.heard_at or 0)
    return heard + clockwork.presume_ended_after_ms


def _room(document: Document, clockwork: Clockwork, now: int) -> Presented:
    room = orjson.loads(document.body)
    tally = decode_tally(document.hidden)
    limit = alive_until(tally, clockwork)
    stale = not document.over and now > limit
    # Nobody is counted longer than the room can be presumed to have lived.
    derived = _totals(tally, min(now, limit))
    told = Totals(tally.told_ms, tally.told_present_ms, tally.told_peak)
    # What the provider reports wins, and what follows from the visits is kept beside it.
    best = Totals(*(known if known is not None else own for known, own in zip(told, derived, strict=True)))
    base = trending_base(room["listener_count"], room["speaker_count"], featured=room["featured"])
    computed: dict[str, object] = {
        "stale": stale,
        **best.shown(),
        "cost": round((best.present_ms or 0) / _MS_PER_MINUTE * clockwork.price_per_participant_minute, 4),
        "trending_score": trending_score(base, tally.active_at or 0, now),
        "derived": derived.shown() if best != derived else None,
    }
    return Presented(orjson.dumps(room | computed), stale)


def _totals(tally: Tally, counted_until: int) -> Totals:
    present = tally.closed_ms + sum(_elapsed(start, counted_until) for start in tally.open_since)
    until = tally.ended_at if tally.ended_at is not None else counted_until
    # A session that meets again and again was on while it met.
    met = tally.meetings or ((tally.started_at, tally.ended_at),)
    lasted = sum(_elapsed(began, until if ended is None else ended) for began, ended in met)
    return Totals(lasted, present, tally.peak)


def _artifacts(document: Document) -> list[dict[str, str]]:
    identity = quote(document.topic.partition("/")[2], safe=":@")
    names = decode_artifacts(document.hidden).links
    return [
        {"name": name, "url": f"/api/recordings/{identity}/content?artifact={quote(name, safe='')}"} for name in names
    ]


def _elapsed(start: int | None, end: int) -> int:
    return 0 if start is None else max(0, end - start)


def _seconds(milliseconds: int) -> float:
    return round(milliseconds / 1000, 3)


def _with(body: bytes, computed: Mapping[str, object]) -> bytes:
    return body[:-1] + b"," + orjson.dumps(computed)[1:]
