"""A bot: how far it got, in which attempt, why it stopped, and what it brought back."""

from hub.events import BotDetail, Fact, Kind, TranscriptDetail, format_time
from hub.state.capture import Artifacts, Document, artifacts, capture_document, links_told
from hub.state.facts import BEGINNING, Cell, Facts, Moment, Value, moment_of, since

# Order within an attempt: a higher rank is never overwritten by a lower one, whenever that arrives.
_LADDER = {
    # Of launches: a sign of life of the bot is above what is only known of its launch.
    Kind.BOT_REQUESTED: (-2, "requested"),
    Kind.BOT_UNKNOWN: (-1, "unknown"),
    Kind.BOT_QUEUED: (0, "queued"),
    Kind.BOT_RETRYING: (0, "queued"),
    Kind.BOT_JOINING: (1, "joining"),
    Kind.BOT_WAITING: (2, "waiting"),
    Kind.BOT_JOINED: (3, "in_call"),
    Kind.RECORDING_STARTED: (4, "recording"),
    Kind.RECORDING_RESUMED: (4, "recording"),
    Kind.RECORDING_PAUSED: (4, "paused"),
    Kind.BOT_LEFT: (5, "left"),
    Kind.BOT_PROCESSING: (6, "processing"),
    Kind.BOT_FAILED: (7, "failed"),
    Kind.BOT_COMPLETED: (8, "completed"),
}
_IN_CALL, _CAPTURING, _LEFT, _TERMINAL = 3, 4, 5, 7
_TRANSCRIPT = {
    Kind.TRANSCRIPT_STARTED: (0, "started"),
    Kind.TRANSCRIPT_UPDATED: (1, "live"),
    Kind.TRANSCRIPT_FAILED: (2, "failed"),
    Kind.TRANSCRIPT_COMPLETED: (3, "completed"),
}
# Of several reasons the one from the most telling fact is shown: the end itself, then what led to it.
_REASON_WEIGHT = {Kind.BOT_FAILED: 2, Kind.BOT_COMPLETED: 2, Kind.BOT_LEAVING: 1}


class Beside(Artifacts, frozen=True, omit_defaults=True):
    """What is kept beside a bot's document: links to its transcript, and of its launch what few may see."""

    # JSON, for holders of API keys only.
    extra: str = ""
    # What was asked for, as nobody can read it: to tell another order by the same key from the same one.
    order: str = ""


class _Step:
    """A status as it was reported, with the attempt it belongs to."""

    __slots__ = ("attempt", "cell", "rank", "status")

    def __init__(self, kind: Kind, cell: Cell, attempt: int) -> None:
        self.rank, self.status = _LADDER[kind]
        self.cell = cell
        self.attempt = attempt


def bot_facts(fact: Fact, key: str) -> Facts:
    """Return what a fact states of its bot."""
    detail = fact.detail
    asked = detail.requested_at if isinstance(detail, BotDetail) else None
    first: dict[str, Cell] = {"seen": Cell(min(fact.time, asked or fact.time), key)}
    latest: dict[str, Value] = {}
    if fact.kind in _LADDER:
        number = detail.attempt if isinstance(detail, BotDetail) and detail.attempt else ""
        first[f"status/{fact.kind}/{fact.time}/{number}"] = Cell(fact.time, key)
    if fact.kind is Kind.BOT_LEAVING:
        first[f"leaving/{fact.kind}/{fact.time}"] = Cell(fact.time, key)
    if fact.kind in _TRANSCRIPT:
        first[f"transcript/{fact.kind}/{fact.time}"] = Cell(fact.time, key)
    if isinstance(detail, BotDetail):
        latest |= _told(detail)
        if detail.reason:
            reason = detail.reason
            first[f"reason/{fact.kind}/{fact.time}"] = Cell(fact.time, key, (reason.code, reason.group, reason.message))
    if isinstance(detail, TranscriptDetail):
        latest["generation"] = fact.time if detail.whole else None
        latest |= links_told("transcript_links", detail.links, detail.links_expire_at)
    told = {name: Cell(fact.time, key, value) for name, value in latest.items() if value not in (None, "", ())}
    return Facts(first=first, latest=told)


def bot_document(identity: str, facts: Facts, capture: Facts | None, segments: int) -> Document:
    """Derive a bot's document from its facts, those of its recording, and the number of transcript segments."""
    steps, begun = _steps(facts)
    current = max((step.attempt for step in steps), default=1)
    ladder = [step for step in steps if step.attempt == current]
    status, since = _status(ladder)
    joined = facts.whole("joined_at") or _earliest(ladder, _IN_CALL, _CAPTURING)
    provider, _, _ = identity.partition(":")
    return {
        "id": identity,
        "launch_id": facts.text("launch_id") or None,
        "provider": provider,
        "name": facts.text("name") or None,
        "meeting_url": facts.text("meeting_url") or None,
        "status": status,
        "status_since": format_time(since),
        # The hub's attempts have no place in the order of the provider's: its clock may be behind.
        "attempt": max(current, facts.whole("launch_attempt") or 1),
        "reason": _reason(facts, begun),
        "created_at": format_time(facts.first["seen"].time) if "seen" in facts.first else None,
        "joined_at": format_time(joined),
        "ended_at": format_time(ended_at(facts, ladder)),
        "recording": _recording(identity, capture, begun, left_at(facts)) if capture else None,
        "transcript": _transcript(facts, segments, begun),
        "participants": [{"name": name, "speaker": name in facts.texts("speakers")} for name in _people(facts)],
    }


def status_of(kind: Kind) -> str | None:
    """Return the status of a bot of which a fact of this kind was told last, None when it tells none."""
    return _LADDER[kind][1] if kind in _LADDER else None


def left_at(facts: Facts) -> int | None:
    """Return when the bot left in its last attempt, as far as anybody said."""
    begun = current_attempt(facts)
    left = (cell for name, cell in facts.named("status/") if name.startswith(f"{Kind.BOT_LEFT}/"))
    return min((cell.time for cell in left if moment_of(cell) >= begun), default=None)


def beside(facts: Facts) -> Beside:
    """Return where the provider keeps the transcript, and what was said with the launch."""
    kept = artifacts(facts, "transcript_links")
    return Beside(kept.links, kept.expire_at, kept.expiries, facts.text("extra"), facts.text("order"))


def alias_of(identity: str, facts: Facts) -> str:
    """Return the id that a bot had before its provider gave it one; empty when that is its own, or it had none."""
    launch_id = facts.text("launch_id")
    alias = f"{identity.partition(':')[0]}:{launch_id}"
    return alias if launch_id and alias != identity else ""


def ended_at(facts: Facts, ladder: list[_Step]) -> int | None:
    """Return when the bot was gone: as reported, else when it left, else when the end was announced."""
    if not any(step.rank >= _LEFT for step in ladder):
        return None
    return facts.whole("ended_at") or _earliest(ladder, _LEFT, _LEFT) or _earliest(ladder, _TERMINAL, _TERMINAL + 1)


def current_attempt(facts: Facts) -> Moment:
    """Return the moment at which the last attempt began."""
    return _steps(facts)[1]


def is_over(document: Document) -> bool:
    """Whether nothing more is to come of the bot itself."""
    return document["status"] in ("completed", "failed")


def _told(detail: BotDetail) -> dict[str, Value]:
    return {
        "name": detail.name,
        "meeting_url": detail.meeting_url,
        "joined_at": detail.joined_at,
        "ended_at": detail.ended_at,
        "participants": detail.participants,
        "speakers": detail.speakers,
        "launch_id": detail.launch_id,
        "launch_attempt": detail.launch_attempt,
        "extra": detail.extra,
        "order": detail.order,
        "became": detail.became,
    }


def _steps(facts: Facts) -> tuple[list[_Step], Moment]:
    """Number the attempts; return the steps and the moment at which the last attempt began.

    A step's attempt is the payload's number, else one more than the retries before it. A retry
    itself opens the attempt that it announces.
    """
    steps: list[_Step] = []
    current, begun = 1, BEGINNING
    for name, cell in facts.named("status/"):
        kind_text, _, number = name.split("/")
        kind = Kind(kind_text)
        if kind is Kind.BOT_RETRYING:
            announced = int(number) if number else current + 1
            if announced > current:
                current, begun = announced, moment_of(cell)
        elif number and int(number) > current:
            current, begun = int(number), moment_of(cell)
        steps.append(_Step(kind, cell, int(number) if number else current))
    return steps, begun


def _status(ladder: list[_Step]) -> tuple[str, int | None]:
    """Return the status and the first moment of its current run."""
    if not ladder:
        return "unknown", None
    top = max(step.rank for step in ladder)
    highest = [step for step in ladder if step.rank == top]
    status = highest[-1].status
    run: list[_Step] = []
    for step in highest:
        run = [*run, step] if step.status == status else []
    return status, run[0].cell.time


def _earliest(ladder: list[_Step], lowest: int, highest: int) -> int | None:
    return min((step.cell.time for step in ladder if lowest <= step.rank <= highest), default=None)


def _reason(facts: Facts, begun: Moment) -> dict[str, str] | None:
    stated = [(name, cell) for name, cell in facts.named("reason/") if moment_of(cell) >= begun]
    if not stated:
        return None
    _, cell = max(stated, key=lambda one: (_REASON_WEIGHT.get(Kind(one[0].partition("/")[0]), 0), one[1].time))
    code, group, message = cell.value if isinstance(cell.value, tuple) else ("", "", "")
    return {"code": code, "group": group, "message": message}


def _recording(identity: str, capture: Facts, begun: Moment, until: int | None) -> Document | None:
    current = since(capture, begun)
    if not current.first:
        return None
    document = capture_document(identity, ("bot", identity), current, until)
    wanted = ("id", "status", "started_at", "ended_at", "duration", "error")
    return {name: document[name] for name in wanted}


def _transcript(facts: Facts, segments: int, begun: Moment) -> Document | None:
    stated = [
        _TRANSCRIPT[Kind(name.partition("/")[0])]
        for name, cell in facts.named("transcript/")
        if moment_of(cell) >= begun
    ]
    if not stated and not segments:
        return None
    _, status = max(stated, default=(1, "live"))
    return {"status": status, "segments_count": segments}


def _people(facts: Facts) -> list[str]:
    return sorted({*facts.texts("participants"), *facts.texts("speakers")})
