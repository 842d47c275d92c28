"""Recordings, live streams and transcripts of rooms: what was captured, how far it is, and where it can be had."""

from urllib.parse import quote

import msgspec

from hub.events import CaptureDetail, Fact, Kind, format_time
from hub.state.facts import Cell, Facts, Value

Document = dict[str, object]

_STATUS = {
    Kind.RECORDING_UPDATED: (0, "starting"),
    Kind.RECORDING_STARTED: (1, "recording"),
    Kind.RECORDING_RESUMED: (1, "recording"),
    Kind.RECORDING_PAUSED: (1, "paused"),
    Kind.RECORDING_STOPPED: (2, "stopped"),
    Kind.RECORDING_FAILED: (3, "failed"),
    Kind.RECORDING_COMPLETED: (4, "completed"),
    Kind.STREAM_STARTED: (1, "live"),
    Kind.STREAM_STOPPED: (2, "stopped"),
    Kind.STREAM_FAILED: (3, "failed"),
    Kind.TRANSCRIPT_STARTED: (1, "processing"),
    Kind.TRANSCRIPT_UPDATED: (1, "processing"),
    Kind.TRANSCRIPT_FAILED: (3, "failed"),
    Kind.TRANSCRIPT_COMPLETED: (4, "completed"),
}


class Artifacts(msgspec.Struct, frozen=True, gc=False):
    """Where a provider keeps what was captured: name to link. For authorised readers only, never streamed."""

    links: dict[str, str] = {}
    # Milliseconds since 1970; None where the provider does not say.
    expire_at: int | None = None


class Capture(msgspec.Struct, frozen=True, gc=False):
    """What was captured: its document, when it began, and where it is."""

    document: Document
    began_at: int
    artifacts: Artifacts


def capture_facts(fact: Fact, detail: CaptureDetail, key: str) -> Facts:
    """Return what a fact states of its recording, stream or transcript."""
    told: dict[str, Value] = {
        "alias": detail.alias,
        "scope": detail.scope,
        "started_at": detail.started_at,
        "ended_at": detail.ended_at,
        "duration_ms": detail.duration_ms,
        "size": detail.size,
        "truncated": detail.truncated or None,
        "reason": detail.reason,
        "links": tuple(text for link in detail.links for text in link),
        "links_expire_at": detail.links_expire_at,
    }
    return Facts(
        first={f"{fact.kind}/{fact.time}": Cell(fact.time, key, detail.error)},
        latest={name: Cell(fact.time, key, value) for name, value in told.items() if value not in (None, "", ())},
    )


def capture_document(identity: str, owner: tuple[str, str], facts: Facts, until: int | None = None) -> Document:
    """Derive the document of a recording, stream or transcript; `owner` is `("room" | "bot", its id)`.

    Nothing was recorded after `until`, whenever the end of it was told.
    """
    happened = [(*_STATUS[Kind(name.partition("/")[0])], cell) for name, cell in facts.named("")]
    rank, status, last = max(happened, key=lambda one: (one[0], one[2].time, one[2].key), default=(0, "unknown", None))
    started = facts.whole("started_at") or min((cell.time for order, _, cell in happened if order == 1), default=None)
    ended = facts.whole("ended_at") or min((cell.time for order, _, cell in happened if order >= 2), default=None)
    if until is not None and ended is not None and facts.whole("ended_at") is None:
        ended = max(min(ended, until), started or 0)
    duration = facts.whole("duration_ms")
    if duration is None and started is not None and ended is not None:
        duration = max(0, ended - started)
    return {
        "id": identity,
        owner[0]: owner[1],
        "alias": facts.text("alias") or None,
        "scope": facts.text("scope") or None,
        "status": status,
        "started_at": format_time(started),
        "ended_at": format_time(ended),
        "duration": None if duration is None else duration / 1000,
        "size": facts.whole("size"),
        "truncated": bool(facts.told("truncated")),
        "url": f"/api/recordings/{quote(identity, safe=':@')}/content" if facts.texts("links") else None,
        "expires_at": format_time(facts.whole("links_expire_at")),
        "reason": facts.text("reason") or None,
        "error": (str(last.value) or None) if last and rank == 3 else None,
    }


def capture(identity: str, owner: tuple[str, str], facts: Facts, until: int | None = None) -> Capture:
    """Derive a recording, stream or transcript, as `capture_document` does."""
    return Capture(
        document=capture_document(identity, owner, facts, until),
        # As far as anybody said, else when it was first heard of.
        began_at=facts.whole("started_at") or min((cell.time for _, cell in facts.named("")), default=0),
        artifacts=artifacts(facts, "links"),
    )


def artifacts(facts: Facts, name: str) -> Artifacts:
    """Return the links that facts hold by a name, with their expiry."""
    links = facts.texts(name)
    return Artifacts(dict(zip(links[::2], links[1::2], strict=True)), facts.whole(f"{name}_expire_at"))
