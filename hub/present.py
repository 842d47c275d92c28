"""Documents as they are read: what depends on the clock is computed when somebody asks."""

from collections.abc import Iterable

import msgspec
import orjson

from hub.fold.rooms import PresenceTally
from hub.ports import Document
from hub.state.room import Tally

HALF_LIFE_HOURS = 6
_MS_PER_MINUTE = 60_000
_MS_PER_HOUR = 3_600_000

_decode_tally = msgspec.msgpack.Decoder(Tally).decode
_decode_presence = msgspec.msgpack.Decoder(PresenceTally).decode


class Clockwork(msgspec.Struct, frozen=True):
    """What the configuration says about numbers that depend on the clock."""

    price_per_participant_minute: float = 0.004
    presume_ended_after_ms: int = 12 * _MS_PER_HOUR


class Presented(msgspec.Struct, frozen=True):
    """A document as JSON at a moment, and whether it is a room that must have ended without a word."""

    body: bytes
    stale: bool = False


def presented(document: Document, clockwork: Clockwork, now: int) -> Presented:
    """Return a stored document as it is at `now`."""
    if document.collection == "rooms" and document.hidden:
        return _room(document, clockwork, now)
    if document.collection == "participants" and document.hidden:
        presence = _decode_presence(document.hidden)
        watched = presence.closed_ms + _elapsed(presence.open_since, now)
        return Presented(_with(document.body, {"watch_duration": round(watched / 1000, 3)}))
    return Presented(document.body)


def lives_until(documents: Iterable[Document], clockwork: Clockwork) -> dict[str, int]:
    """Return until when each of the rooms among the documents can be presumed to live, by topic."""
    return {
        document.topic: _alive_until(document, _decode_tally(document.hidden), clockwork)
        for document in documents
        if document.collection == "rooms" and document.hidden
    }


def trending_score(listeners: int, speakers: int, *, featured: bool, active_at: int, now: int) -> float:
    """Return (listeners·1 + speakers·3 + featured·5) · 0.5^(hours since the room was active / 6), to two decimals."""
    hours = max(0, now - active_at) / _MS_PER_HOUR
    decay: float = 0.5 ** (hours / HALF_LIFE_HOURS)
    return round((listeners + 3 * speakers + (5 if featured else 0)) * decay, 2)


def _room(document: Document, clockwork: Clockwork, now: int) -> Presented:
    room = orjson.loads(document.body)
    tally = _decode_tally(document.hidden)
    alive_until = _alive_until(document, tally, clockwork)
    stale = not document.over and now > alive_until
    # Nobody is counted longer than the room can be presumed to have lived.
    counted_until = min(now, alive_until)
    minutes = (tally.closed_ms + sum(_elapsed(start, counted_until) for start in tally.open_since)) / _MS_PER_MINUTE
    lasted = _elapsed(tally.started_at, tally.ended_at if tally.ended_at is not None else counted_until)
    listeners, speakers = (0, 0) if stale else (room["listener_count"], room["speaker_count"])
    computed = {
        "stale": stale,
        "duration": round(lasted / 1000, 3),
        "peak_participants": tally.peak,
        "participant_minutes": round(minutes, 2),
        "cost": round(minutes * clockwork.price_per_participant_minute, 4),
        "trending_score": trending_score(
            listeners, speakers, featured=room["featured"], active_at=document.active_at, now=now
        ),
    }
    return Presented(orjson.dumps(room | computed), stale)


def _alive_until(document: Document, tally: Tally, clockwork: Clockwork) -> int:
    # By when it was received: a provider that was cut off tells hours later what goes on now.
    heard_at = document.active_at if tally.heard_at is None else tally.heard_at
    return max(document.active_at, heard_at) + clockwork.presume_ended_after_ms


def _elapsed(start: int | None, end: int) -> int:
    return 0 if start is None else max(0, end - start)


def _with(body: bytes, computed: dict[str, object]) -> bytes:
    return body[:-1] + b"," + orjson.dumps(computed)[1:]
