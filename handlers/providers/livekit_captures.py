"""What LiveKit says of recordings and live streams: its egresses and ingresses."""

from handlers.providers.judging import identify, past, read_error
from handlers.providers.links import Links, link_at
from handlers.providers.livekit_statement import Statement
from handlers.providers.reading import Payload, listing, mapping, moment, text, whole
from hub.errors import Unusable
from hub.events import CaptureDetail, Kind
from hub.redaction import harmless

_LINKS = 20
_LIMIT_REACHED = "EGRESS_LIMIT_REACHED"
_COMPLETE = ("EGRESS_COMPLETE", _LIMIT_REACHED)

# Status of an egress → its kind as a recording, its kind as a stream, the field that holds the time of it.
_EGRESS = {
    "EGRESS_STARTING": (Kind.RECORDING_UPDATED, Kind.STREAM_STARTED, "updatedAt"),
    "EGRESS_ACTIVE": (Kind.RECORDING_STARTED, Kind.STREAM_STARTED, "startedAt"),
    "EGRESS_ENDING": (Kind.RECORDING_STOPPED, Kind.STREAM_STOPPED, "updatedAt"),
    "EGRESS_COMPLETE": (Kind.RECORDING_COMPLETED, Kind.STREAM_STOPPED, "endedAt"),
    _LIMIT_REACHED: (Kind.RECORDING_COMPLETED, Kind.STREAM_STOPPED, "endedAt"),
    "EGRESS_FAILED": (Kind.RECORDING_FAILED, Kind.STREAM_FAILED, "endedAt"),
    "EGRESS_ABORTED": (Kind.RECORDING_FAILED, Kind.STREAM_FAILED, "endedAt"),
}
# A status that is not known yet moves nothing: above all, it does not start the recording again.
_UNKNOWN_EGRESS = (Kind.RECORDING_UPDATED, Kind.RECORDING_UPDATED, "updatedAt")
_SCOPES = {
    "roomComposite": "room_composite",
    "participant": "participant",
    "trackComposite": "track_composite",
    "track": "track",
    "web": "web",
    # Egress v2 says what is captured inside `egress` (or `replay`), in these words.
    "template": "room_composite",
    "media": "track_composite",
}
_FILE_OUTPUTS = (
    frozenset({"file", "fileOutputs", "fileResults"})
    | frozenset({"segments", "segmentOutputs", "segmentResults"})
    | frozenset({"images", "imageOutputs", "imageResults"})
)
_STREAM_OUTPUTS = frozenset({"stream", "streamOutputs", "streamResults", "rtmp", "websocketUrl"})


def read_egress(name: str, payload: Payload, received_at: int) -> Statement:
    """Read an egress, which is a recording, or a stream when it yields no file.

    Raises Unusable when it has no id.
    """
    egress = mapping(payload, "egressInfo")
    status = text(egress, "status") or ("EGRESS_STARTING" if name == "egress_started" else "")
    as_recording, as_stream, timed_by = _EGRESS.get(status, _UNKNOWN_EGRESS)
    kind = as_stream if _is_stream(egress) else as_recording
    results = _results(egress)
    first = results[0] if results else {}
    detail = CaptureDetail(
        id=identify(egress, "egressId"),
        scope=_scope(egress),
        started_at=past(moment(egress, "startedAt"), received_at),
        ended_at=past(moment(egress, "endedAt"), received_at),
        duration_ms=_milliseconds(_amount(first, "duration")),
        size=_amount(first, "size"),
        truncated=status == _LIMIT_REACHED,
        reason=_reason(egress, status),
        error=_egress_error(egress, status, kind),
        links=_links(results),
    )
    if not detail.id:
        raise Unusable(f"{name} names no egress")
    return Statement(kind, moment(egress, timed_by), detail)


def _is_stream(egress: Payload) -> bool:
    """Judge by all outputs, requested and produced: with a file among them it is a recording."""
    holders = [egress, *(mapping(egress, request) for request in _SCOPES)]
    for request in ("egress", "replay"):
        holders += [output for output in listing(egress, request, "outputs") if isinstance(output, dict)]
    outputs = {key for holder in holders for key, value in holder.items() if value not in (None, [], "")}
    return not outputs.isdisjoint(_STREAM_OUTPUTS) and outputs.isdisjoint(_FILE_OUTPUTS)


def _results(egress: Payload) -> list[Payload]:
    """Return what was produced; `file` and `segments` are the deprecated places, which old servers use alone."""
    results = [*listing(egress, "fileResults"), *listing(egress, "segmentResults")]
    results += [egress.get("file"), egress.get("segments")]
    return [result for result in results if isinstance(result, dict) and result]


def _scope(egress: Payload) -> str:
    requests = (egress, mapping(egress, "egress"), mapping(egress, "replay"))
    return next((scope for request in requests for key, scope in _SCOPES.items() if key in request), "")


def _amount(payload: Payload, key: str) -> int | None:
    amount = whole(payload, key)
    return amount if amount is not None and amount >= 0 else None


def _milliseconds(nanoseconds: int | None) -> int | None:
    return None if nanoseconds is None else nanoseconds // 1_000_000


def _reason(egress: Payload, status: str) -> str:
    """Return why an egress that has its file or stream ended; that a limit was reached, some tell as an error."""
    details = read_error(egress, "details") if status in _COMPLETE else ""
    return harmless(details or (read_error(egress) if status == _LIMIT_REACHED else ""))


def _egress_error(egress: Payload, status: str, kind: Kind) -> str:
    if status == _LIMIT_REACHED:
        return ""
    error = read_error(egress)
    if not error and kind in (Kind.RECORDING_FAILED, Kind.STREAM_FAILED):
        # An aborted egress has no error; `details` says why it ended.
        return read_error(egress, "details")
    return error


def _links(results: list[Payload]) -> Links:
    """Return where the files are kept; without cloud storage that is a path on the egress server: no link."""
    found = (link_at(result, key) for result in results for key in ("location", "playlistLocation"))
    return tuple(("file", link) for link in dict.fromkeys(found) if link)[:_LINKS]


def read_ingress(name: str, payload: Payload, received_at: int) -> Statement:
    """Read an ingress: a stream into the room.

    Raises Unusable when it has no id.
    """
    ingress = mapping(payload, "ingressInfo")
    state = mapping(ingress, "state")
    started_at, ended_at = moment(state, "startedAt"), moment(state, "endedAt")
    detail = CaptureDetail(
        id=identify(ingress, "ingressId"),
        scope="ingress",
        started_at=past(started_at, received_at),
        ended_at=past(ended_at, received_at),
        error=read_error(state),
    )
    if not detail.id:
        raise Unusable(f"{name} names no ingress")
    has_ended = name == "ingress_ended"
    kind = Kind.STREAM_STOPPED if has_ended else Kind.STREAM_STARTED
    if text(state, "status") == "ENDPOINT_ERROR":
        kind = Kind.STREAM_FAILED
    return Statement(kind, ended_at if has_ended else started_at, detail)
