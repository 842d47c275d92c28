"""What 100ms' webhooks hold of recordings, streams and transcripts, as 100ms writes it, for samples and meetings."""

from handlers.providers.arrival import JsonObject
from handlers.providers.hms_payloads import ACCOUNT, APP, Peer, Place, fine_time, make_id, make_uuid, second

_LINKS_LAST_S = 43_200
_FILES = ("transcript_json", "transcript_srt", "transcript_txt", "summary_json")


def beam(place: Place, key: str, at: int, *, rtmp: bool) -> JsonObject:
    """Return what is said of a beam that records, and with `rtmp` streams too; it is a peer of its own."""
    return {
        **place.nameless(),
        "beam_id": make_id(f"{key}/beam"),
        "job_id": make_id(f"{key}/job"),
        "peer_id": make_uuid(f"{key}/recorder"),
        **_noted(key, at),
        "recording_enabled": True,
        # Made up, but a real address ends in the stream's key: the hub has to keep it to itself.
        "rtmp": [{"url": "rtmp://live.example.com/app/sample-stream-key"}] if rtmp else [],
        "meeting_url": "https://acme.app.100ms.live/preview/abc-defg-hij?token=beam_recording",
        "max_width": 1280,
        "max_height": 720,
    }


def beam_recording(place: Place, key: str, began: int, stopped: int, made: int) -> JsonObject:
    """Return what is said of a beam's recording that can be fetched."""
    told = beam(place, key, made, rtmp=False)
    kept = {name: value for name, value in told.items() if name not in ("job_id", "recording_enabled")}
    return {**kept, **recorded(key, began, stopped, made), "created_at": fine_time(made), **_chat(key, made)}


def recorded(key: str, began: int, stopped: int, made: int) -> JsonObject:
    """Return a recording's file and length."""
    return {
        "recording_id": make_id(f"{key}/recording"),
        **_stored("recording", f"beam/{key}.mp4", made),
        "started_at": fine_time(began),
        "stopped_at": fine_time(stopped),
        "duration": (stopped - began) // 1000,
        # Some 600 kbit/s.
        "size": (stopped - began) * 78,
    }


def session_recorded(place: Place, key: str, stopped: int, made: int) -> JsonObject:
    """Return what is said of the legacy recording of a session, which has no id."""
    told: JsonObject = {"session_stopped_at": fine_time(stopped), "duration": (stopped - place.opened_at) // 1000}
    files = {**_stored("recording", f"sfu/{key}.mp4", made), **_chat(key, made)}
    return {**place.named(), **told, **files, "size": (stopped - place.opened_at) * 78}


def hls(place: Place, key: str, at: int, began: int) -> JsonObject:
    """Return what is said of a live stream by HLS."""
    streamed = {name: value for name, value in beam(place, key, at, rtmp=False).items() if name != "rtmp"}
    del streamed["recording_enabled"]
    told: JsonObject = {"recording_single_file_per_layer_enabled": True, "recording_vod_playlist_enabled": True}
    url = f"https://cdn.100ms.live/hls/{make_id(key)}/master.m3u8"
    return {**streamed, **told, "url": url, "started_at": fine_time(began)}


def hls_recorded(place: Place, key: str, began: int, stopped: int, made: int) -> JsonObject:
    """Return what is said of the recordings that an HLS stream has become."""
    told = hls(place, key, made, began)
    switches = ("recording_single_file_per_layer_enabled", "recording_vod_playlist_enabled")
    kept = {name: value for name, value in told.items() if name not in ("job_id", "peer_id", "url", *switches)}
    layer: JsonObject = {"layer": "0", **_stored("recording", f"hls/{key}-0.mp4", made), "size": 10_024}
    thumbnail = {"offset": 60, "location": f"s3://acme-rec/hls/{key}.png", "url": _presigned(f"hls/{key}.png", made)}
    return {
        **kept,
        "recording_id": make_id(f"{key}/recording"),
        **_stored("hls_vod_recording", f"hls/{key}.m3u8", made),
        **_chat(key, made),
        "hls_vod_recording_size": (stopped - began) * 78,
        "recording_single_files": [layer],
        "recording_thumbnails": [thumbnail],
        "recording_created_at": fine_time(made),
        "stopped_at": fine_time(stopped),
        "duration": (stopped - began) // 1000,
    }


def track(place: Place, key: str, peer: Peer) -> JsonObject:
    """Return what is said of a track that is being recorded."""
    return {**stream(place, key, peer), "track_id": make_uuid(f"{key}/track"), "track_type": "video"}


def stream(place: Place, key: str, peer: Peer) -> JsonObject:
    """Return what is said of a peer's stream that is being recorded."""
    return {**place.bare(), "peer_id": peer.peer_id, "stream_id": make_uuid(f"{key}/stream")}


def stored(key: str, length_ms: int, made: int) -> JsonObject:
    """Return the file of a track's or a stream's recording."""
    return {
        "recording_id": make_id(f"{key}/recording"),
        **_stored("recording", f"tracks/{key}.webm", made),
        "duration": length_ms // 1000,
        "size": length_ms * 78,
    }


def lost(key: str, length_ms: int) -> JsonObject:
    """Return what is left of a track's or a stream's recording that failed: no link."""
    return {name: value for name, value in stored(key, length_ms, 0).items() if not name.endswith("_presigned_url")}


def transcription(place: Place, key: str, at: int, files: int) -> JsonObject:
    """Return what is said of a transcription of which so many of its four files exist."""
    told: JsonObject = {
        **{
            field: value for field, value in place.named().items() if field not in ("template_id", "session_started_at")
        },
        "account_id": ACCOUNT,
        "app_id": APP,
        "recording_id": make_id(f"{key}/recording"),
        "transcription_id": make_id(f"{key}/transcription"),
        **_noted(key, at),
        "duration": 23,
    }
    assets = {f"{name}_asset_id": make_id(f"{key}/{name}") for name in _FILES}
    paths = [_stored(name, f"transcripts/{key}/{name}", at) for name in _FILES[:files]]
    return {**told, **assets, **{field: value for path in paths for field, value in path.items()}}


def ingest(place: Place, key: str) -> JsonObject:
    """Return what is said of a stream into the room."""
    told = {"ingest_id": make_id(f"{key}/ingest"), "stream_id": make_uuid(f"{key}/stream")}
    return {**place.room(), "account_id": ACCOUNT, "app_id": APP, **told}


def _noted(key: str, at: int) -> JsonObject:
    return {"metadata_id": make_uuid(f"{key}/metadata"), "metadata_timestamp": fine_time(at)}


def _chat(key: str, made: int) -> JsonObject:
    return _stored("chat_recording", f"chat/{key}.csv", made)


def _stored(field: str, path: str, made: int) -> JsonObject:
    return {f"{field}_path": f"s3://acme-rec/{path}", f"{field}_presigned_url": _presigned(path, made)}


def _presigned(path: str, made: int) -> str:
    signed_at = second(made).replace("-", "").replace(":", "")
    query = f"X-Amz-Date={signed_at}&X-Amz-Expires={_LINKS_LAST_S}&X-Amz-Signature=sample-signature"
    return f"https://acme-rec.s3.amazonaws.com/{path}?{query}"
