"""What 100ms says of recordings, live streams, ingests and transcripts."""

from collections.abc import Iterator

from handlers.providers.hms_telling import Telling
from handlers.providers.judging import ID_CHARACTERS, identify, read_error
from handlers.providers.links import Links, expiry_of, link_at, named_links
from handlers.providers.reading import Payload, flag, listing, text, whole
from hub.events import CaptureDetail, Fact, Kind, escape_id
from hub.redaction import harmless

_RECORDING = {
    "started": Kind.RECORDING_STARTED,
    "stopped": Kind.RECORDING_STOPPED,
    "completed": Kind.RECORDING_COMPLETED,
    "failed": Kind.RECORDING_FAILED,
}
_STREAM = {"started": Kind.STREAM_STARTED, "stopped": Kind.STREAM_STOPPED, "failed": Kind.STREAM_FAILED}
_TRANSCRIPT = {
    "started": Kind.TRANSCRIPT_STARTED,
    "completed": Kind.TRANSCRIPT_COMPLETED,
    "failed": Kind.TRANSCRIPT_FAILED,
}
# What the payloads call what has become of a recording, a stream or a transcript, by the end of their names.
_OUTCOMES = {
    "started.success": "started",
    "start.success": "started",
    "stopped.success": "stopped",
    "end.success": "stopped",
    "recording.success": "completed",
    "transcription.success": "completed",
    "failure": "failed",
    "failed": "failed",
}
# What names a recording, by what is recorded. A track's start has no recording_id, and a beam's end comes before it.
_RECORDED_BY = {
    "beam": ("beam_id",),
    "hls": ("recording_id", "beam_id"),
    "track": ("track_id", "recording_id"),
    "stream": ("recording_id", "stream_id"),
    "sfu": ("recording_id",),
}
_TRANSCRIPTS = ("transcript-json", "transcript-srt", "transcript-txt", "summary-json")
_LINKS = 40


def read_beam(telling: Telling) -> tuple[Fact, ...]:
    """Read how a beam goes, which records the room as a browser sees it, or streams it by RTMP, or both."""
    outcome = _outcome(telling)
    detail = _capture(telling, outcome, "beam", ("beam_id",))
    # The addresses hold the stream keys: that there are some is all that is read of them.
    streams, records = bool(listing(telling.content, "rtmp")), flag(telling.content, "recording_enabled")
    kinds = []
    if records or (records is None and not streams):
        kinds.append(_RECORDING[outcome])
    if streams or records is False:
        kinds.append(_STREAM[outcome])
    return tuple(telling.fact(kind, detail) for kind in kinds)


def read_hls(telling: Telling) -> tuple[Fact, ...]:
    """Read how a live stream by HLS goes."""
    outcome = _outcome(telling)
    links = named_links([("playlist", link_at(telling.content, "url"))])
    return (telling.fact(_STREAM[outcome], _capture(telling, outcome, "hls", ("beam_id",), links)),)


def read_recording(telling: Telling) -> tuple[Fact, ...]:
    """Read how a recording goes: a beam's, HLS's, a track's, a stream's, or the legacy one of the whole session."""
    outcome = _outcome(telling)
    scope = telling.name.partition(".")[0]
    scope = scope if scope in _RECORDED_BY else "sfu"
    detail = _capture(telling, outcome, scope, _RECORDED_BY[scope], _recording_links(telling.content))
    return (telling.fact(_RECORDING[outcome], detail),)


def read_transcription(telling: Telling) -> tuple[Fact, ...]:
    """Read how a transcription goes; one that failed may have written some of its files."""
    outcome = _outcome(telling)
    fields = ((name, f"{name.replace('-', '_')}_presigned_url") for name in _TRANSCRIPTS)
    links = named_links((name, link_at(telling.content, field)) for name, field in fields)
    return (telling.fact(_TRANSCRIPT[outcome], _capture(telling, outcome, "transcript", ("transcription_id",), links)),)


def read_ingest(telling: Telling) -> tuple[Fact, ...]:
    """Read how a stream into the room goes."""
    outcome = _outcome(telling)
    return (telling.fact(_STREAM[outcome], _capture(telling, outcome, "ingest", ("ingest_id", "stream_id"))),)


def _outcome(telling: Telling) -> str:
    outcome = next(outcome for end, outcome in _OUTCOMES.items() if telling.name.endswith(end))
    return "failed" if outcome == "stopped" and _reason(telling).lower().startswith("failure") else outcome


def _reason(telling: Telling) -> str:
    return harmless(read_error(telling.content, "reason"))


def _capture(telling: Telling, outcome: str, scope: str, named_by: tuple[str, ...], links: Links = ()) -> CaptureDetail:
    content = telling.content
    id_, recording_id = _name(telling, scope, named_by), identify(content, "recording_id")
    span = ("session_started_at", "session_stopped_at") if scope == "sfu" else ("started_at", "stopped_at")
    return CaptureDetail(
        id=id_,
        # A transcript's is that of the recording that was transcribed.
        alias=recording_id if recording_id != id_ and scope != "transcript" else "",
        scope=scope,
        started_at=telling.past(span[0]),
        ended_at=telling.past(span[1]) or telling.past("completed_at"),
        duration_ms=telling.length_ms("duration"),
        size=_size(content),
        reason=_reason(telling) if outcome == "stopped" else "",
        error=(telling.error() or _reason(telling)) if outcome == "failed" else "",
        links=links,
        links_expire_at=expiry_of(links),
    )


def _name(telling: Telling, scope: str, named_by: tuple[str, ...]) -> str:
    """Return what names a capture: where nothing does, there is one of its scope in the session, or in the room."""
    content = telling.content
    for field in named_by:
        if name := text(content, field, limit=ID_CHARACTERS):
            # HLS streams have a beam_id too, and it may be that of a beam: those are two streams.
            return escape_id(f"{scope}-{name}" if field == "beam_id" and scope != "beam" else name)
    places = (text(content, field, limit=ID_CHARACTERS) for field in ("session_id", "room_id"))
    return escape_id(f"{scope}-{next(filter(None, places), telling.durable)}")


def _size(content: Payload) -> int | None:
    layers = (layer for layer in listing(content, "recording_single_files") if isinstance(layer, dict))
    sizes = (whole(content, "hls_vod_recording_size"), whole(content, "size"), whole(next(layers, {}), "size"))
    return next((size for size in sizes if size is not None and size >= 0), None)


def _recording_links(content: Payload) -> Links:
    return named_links(_artifacts(content))[:_LINKS]


def _artifacts(content: Payload) -> Iterator[tuple[str, str]]:
    medium = "audio" if text(content, "track_type") == "audio" else "video"
    yield medium, link_at(content, "recording_presigned_url")
    yield "playlist", link_at(content, "hls_vod_recording_presigned_url")
    yield "chat", link_at(content, "chat_recording_presigned_url")
    for place, layer in _entries(content, "recording_single_files"):
        yield f"layer-{_told(layer, 'layer', place)}", link_at(layer, "recording_presigned_url")
    for place, thumbnail in _entries(content, "recording_thumbnails"):
        yield f"thumbnail-{_told(thumbnail, 'offset', place)}", link_at(thumbnail, "url")


def _entries(content: Payload, field: str) -> Iterator[tuple[int, Payload]]:
    entries = listing(content, field)[:_LINKS]
    return ((place, entry) for place, entry in enumerate(entries) if isinstance(entry, dict))


def _told(entry: Payload, field: str, place: int) -> int:
    told = whole(entry, field)
    return place if told is None or told < 0 else told
