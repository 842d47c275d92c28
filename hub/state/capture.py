"""Recordings, live streams and transcripts of rooms: what was captured, how far it is, and where it can be had."""

from urllib.parse import quote

import msgspec

from hub.events import CaptureDetail, Fact, Kind, format_time
from hub.state.facts import Cell, Facts, Value, moment_of

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
    # Of those that are good until another time than that.
    expiries: dict[str, int | None] = {}

    def good_until(self, name: str) -> int | None:
        """Return until when a link is good, None where the provider does not say."""
        return self.expiries.get(name, self.expire_at)


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
        **links_told("links", detail.links, detail.links_expire_at),
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
    duration, kept = facts.whole("duration_ms"), artifacts(facts, "links")
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
        "url": f"/api/recordings/{quote(identity, safe=':@')}/content" if kept.links else None,
        "expires_at": format_time(kept.expire_at),
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


def links_told(name: str, links: tuple[tuple[str, str], ...], expire_at: int | None) -> dict[str, Value]:
    """Return what is stated of links: of each by itself, since who speaks of one takes none of the others away."""
    until = "" if expire_at is None else str(expire_at)
    return {f"{name}/{one}": (link, until, f"{place:03d}") for place, (one, link) in enumerate(links)}


def artifacts(facts: Facts, name: str) -> Artifacts:
    """Return the links that facts hold by a name, each with its expiry, by place in what told them, then by name."""
    prefix = f"{name}/"
    told = {one.removeprefix(prefix): cell for one, cell in facts.latest.items() if one.startswith(prefix)}
    kept = _told_together(facts, name)
    kept |= {one: cell for one, cell in told.items() if one not in kept or moment_of(cell) >= moment_of(kept[one])}
    links = [(place, one, link, _read(until)) for one, cell in kept.items() for link, until, place in [_parts(cell)]]
    if not links:
        return Artifacts()
    links.sort()
    expire_at = links[0][3]
    others = {one: until for _, one, _, until in links if until != expire_at}
    return Artifacts({one: link for _, one, link, _ in links}, expire_at, others)


def told_alike(one: object, other: object) -> bool:
    """Whether somebody who is told both hears the same: the same files, of which only the links are fresher."""
    return type(one) is type(other) and _without_links(one) == _without_links(other)


def _without_links(one: object) -> object:
    if isinstance(one, Capture):
        artifacts = _without_links(one.artifacts)
        return msgspec.structs.replace(one, document=_without_links(one.document), artifacts=artifacts)
    if isinstance(one, Artifacts):
        return msgspec.structs.replace(one, links=dict.fromkeys(one.links, ""), expire_at=None, expiries={})
    return {**one, "expires_at": None} if isinstance(one, dict) and "expires_at" in one else one


def _told_together(facts: Facts, name: str) -> dict[str, Cell]:
    """Return links that were kept before each of them was by itself."""
    cell, links, until = facts.latest.get(name), facts.texts(name), facts.whole(f"{name}_expire_at")
    if cell is None:
        return {}
    pairs = tuple(zip(links[::2], links[1::2], strict=True))
    said = links_told(name, pairs, until)
    return {one.partition("/")[2]: Cell(cell.time, cell.key, value) for one, value in said.items()}


def _parts(cell: Cell) -> tuple[str, str, str]:
    link, until, place = cell.value if isinstance(cell.value, tuple) else ("", "", "")
    return link, until, place


def _read(until: str) -> int | None:
    return int(until) if until else None
