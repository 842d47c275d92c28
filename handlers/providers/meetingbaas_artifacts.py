"""What a MeetingBaaS bot brings home: links to recordings and transcripts, and speech in several shapes."""

from collections import Counter
from collections.abc import Sequence

from handlers.providers.links import Links, link_at, named_links
from handlers.providers.meetingbaas_telling import Telling, name_of
from handlers.providers.reading import Payload, flag, listing, mapping, number, text
from hub.events import CaptureDetail, Segment, TranscriptDetail

# What is kept of a meeting, and the fields that link to it: v2's own name first, then v1's.
_CAPTURE_FIELDS = (
    ("video", "video"),
    ("video", "mp4"),
    ("audio", "audio"),
    ("diarization", "diarization"),
    ("chat_messages", "chat_messages"),
)
_TRANSCRIPT_FIELDS = (("transcription", "transcription"), ("raw_transcription", "raw_transcription"))
_HOUR_MS = 60 * 60 * 1000
# v1 documents 2 h in one place and 24 h in another; v2 documents 4 h.
_V1_LINKS_LAST = 2 * _HOUR_MS
_V2_LINKS_LAST = 4 * _HOUR_MS
_TEXT_LIMIT = 20_000
_SECONDS_LIMIT = 10**9


def finished_capture(telling: Telling) -> CaptureDetail | None:
    """Return the recording that a completion brings, None when it brings neither video nor audio."""
    links = _links(telling.content, _CAPTURE_FIELDS)
    if not any(name in ("video", "audio") for name, _ in links):
        return None
    duration = _seconds(telling.content, "duration_seconds")
    return CaptureDetail(
        id=telling.bot_id,
        scope="bot",
        duration_ms=None if duration is None else round(duration * 1000),
        links=links,
        links_expire_at=_expiry(telling),
    )


def finished_transcript(telling: Telling) -> TranscriptDetail:
    """Return the transcript that is ready: inline and whole, or as links, or only known to be there."""
    segments = _segments(listing(telling.content, "transcript") or listing(telling.content, "segments"))
    links = _links(telling.content, _TRANSCRIPT_FIELDS)
    expiry = _expiry(telling) if links else None
    return TranscriptDetail(whole=bool(segments), segments=segments, links=links, links_expire_at=expiry)


def latest_speech(content: Payload) -> tuple[Segment, ...]:
    """Return the segments of a live update, wherever they are: in a list, in `segment`, or `data` itself is one."""
    entries = listing(content, "segments") or listing(content, "transcript")
    return _segments(entries or [mapping(content, "segment") or content])


def _links(content: Payload, fields: tuple[tuple[str, str], ...]) -> Links:
    return named_links((name, link_at(content, field)) for name, field in fields)


def _expiry(telling: Telling) -> int:
    return telling.time + (_V2_LINKS_LAST if telling.event.startswith("bot.") else _V1_LINKS_LAST)


def _segments(entries: list[object]) -> tuple[Segment, ...]:
    told: Counter[str] = Counter()
    found = (_segment(entry, told) for entry in entries if isinstance(entry, dict))
    return tuple(segment for segment in found if segment)


def _segment(entry: Payload, told: Counter[str]) -> Segment | None:
    words = [word for word in listing(entry, "words") if isinstance(word, dict)]
    wording = text(entry, "text", limit=_TEXT_LIMIT) or _join(words)
    if not wording:
        return None
    first, last = (words[0], words[-1]) if words else ({}, {})
    speaker = name_of(entry, "speaker")
    start = _seconds(entry, "start_time", "start", "offset")
    start = start if start is not None else _seconds(first, "start", "start_time") or 0.0
    end = _seconds(entry, "end_time", "end")
    return Segment(
        id=text(entry, "segment_id") or text(entry, "id") or _make_id(start, speaker, told),
        speaker=speaker,
        start=start,
        end=end if end is not None else _seconds(last, "end", "end_time"),
        text=wording,
        final=_is_final(entry),
    )


def _join(words: Sequence[Payload]) -> str:
    spoken = (text(word, "word") or text(word, "text") for word in words)
    return " ".join(word for word in spoken if word)[:_TEXT_LIMIT]


def _make_id(start: float, speaker: str, told: Counter[str]) -> str:
    """Name a segment that has no id; several of one name in a payload are numbered, so that none is lost."""
    made = f"{start}:{speaker}"
    told[made] += 1
    return made if told[made] == 1 else f"{made}:{told[made]}"


def _seconds(payload: Payload, *names: str) -> float | None:
    found = (number(payload, name) for name in names)
    return next((float(second) for second in found if second is not None and 0 <= second < _SECONDS_LIMIT), None)


def _is_final(entry: Payload) -> bool:
    said = flag(entry, "is_final")
    return flag(entry, "final") is not False if said is None else said
