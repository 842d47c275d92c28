"""What Pulse says of recordings and live streams: its egresses, ingresses and recordings.

An egress is a recording or a stream for good, whichever of its events is read: otherwise its start would stay open in
one list while its end is in the other. So only what all its events say may decide, and that is the `type`, which the
guide gives at start and end. Pulse's public code gives none, and tells an `output_url` only at the end: there, an
egress is always a recording, and the playlist or file at that address is its link.
"""

import msgspec

from handlers.providers.judging import identify, past, read_error
from handlers.providers.links import expiry_of, link_at, named_links
from handlers.providers.livekit_statement import Statement
from handlers.providers.reading import Payload, mapping, moment, number, text, whole
from hub.errors import Unusable
from hub.events import CaptureDetail, Kind
from hub.redaction import harmless

_STREAM_TYPES = frozenset({"rtmp", "rtmps", "hls"})
_FAILURES = frozenset({"failed", "error", "aborted"})
# Started, ended, failed. A recording that has ended is only stopped: that its file is ready is told by itself.
_STREAM = (Kind.STREAM_STARTED, Kind.STREAM_STOPPED, Kind.STREAM_FAILED)
_RECORDING = (Kind.RECORDING_STARTED, Kind.RECORDING_STOPPED, Kind.RECORDING_FAILED)
# A figure beyond it is in another unit, or no figure at all.
_LONGEST_MS = 366 * 86_400_000


def read_egress(event: str, content: Payload, received_at: int) -> Statement:
    """Read an egress: a stream if its type says so, else a recording.

    Raises Unusable when it has no id.
    """
    egress = mapping(content, "egress") or content
    output = text(egress, "type").lower()
    links = named_links([("file", link_at(egress, "output_url"))])
    detail = CaptureDetail(
        id=_identify(content, "egress"),
        scope=harmless(output),
        # Where a stream is pushed to (`rtmp://…`) is no link, and holds its key.
        links=links,
        links_expire_at=expiry_of(links),
    )
    return _timed(event, egress, detail, _STREAM if output in _STREAM_TYPES else _RECORDING, received_at)


def read_ingress(event: str, content: Payload, received_at: int) -> Statement:
    """Read an ingress: a stream into the room.

    Raises Unusable when it has no id.
    """
    detail = CaptureDetail(id=_identify(content, "ingress"), scope="ingress")
    return _timed(event, mapping(content, "ingress") or content, detail, _STREAM, received_at)


def read_recording(event: str, content: Payload, received_at: int) -> Statement:
    """Read a recording that is ready; its id is not that of the egress that made it, which it does not name.

    Raises Unusable when it has no id.
    """
    recording = mapping(content, "recording") or content
    ended = moment(recording, "ended_at")
    size = whole(recording, "file_size_bytes")
    size = whole(recording, "file_size") if size is None else size
    links = named_links([("video", link_at(recording, "file_url")), ("video", link_at(recording, "url"))])
    detail = CaptureDetail(
        id=_identify(content, "recording"),
        started_at=past(moment(recording, "started_at"), received_at),
        ended_at=past(ended, received_at),
        duration_ms=read_duration(recording),
        size=size if size is not None and size >= 0 else None,
        links=links,
        links_expire_at=expiry_of(links),
    )
    if not detail.id:
        raise Unusable(f"{event} names no recording")
    return Statement(Kind.RECORDING_COMPLETED, ended or moment(recording, "created_at"), detail)


def read_duration(payload: Payload) -> int | None:
    """Return how long something lasted, in milliseconds: the guide's `duration_seconds`, the code's `duration`."""
    seconds = number(payload, "duration_seconds")
    seconds = number(payload, "duration") if seconds is None else seconds
    if seconds is None or not 0 <= seconds * 1000 <= _LONGEST_MS:
        return None
    return round(seconds * 1000)


def _timed(
    event: str, capture: Payload, detail: CaptureDetail, kinds: tuple[Kind, Kind, Kind], received_at: int
) -> Statement:
    """Say how far it is, and since when; `kinds` are those of a start, an end and a failure."""
    if not detail.id:
        raise Unusable(f"{event} names nothing that was captured: there is no id of it")
    started, ended = moment(capture, "started_at"), moment(capture, "ended_at")
    has_ended = event.endswith("ended")
    failed = bool(text(capture, "error")) or text(capture, "status").lower() in _FAILURES
    told = msgspec.structs.replace(
        detail,
        started_at=past(started, received_at),
        ended_at=past(ended, received_at),
        duration_ms=read_duration(capture),
        error=harmless(read_error(capture)),
    )
    return Statement(kinds[2] if failed else kinds[has_ended], ended if has_ended else started, told)


def _identify(content: Payload, thing: str) -> str:
    """Return its id: the guide's `egress_id` beside everything else, the code's `id` in an object `egress`."""
    return identify(content, f"{thing}_id") or identify(content, thing, "id")
