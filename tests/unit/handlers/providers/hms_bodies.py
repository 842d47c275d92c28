"""Payloads of 100ms and what they are translated to, for the tests of its modules."""

from pathlib import Path
from typing import Any

from handlers.providers.arrival import Spoken
from handlers.providers.hms import translate
from handlers.providers.reading import parse_payload
from hub.events import CaptureDetail, Fact, ParticipantDetail
from hub.settings import Source

FOLDER = Path(__file__).parents[3] / "samples" / "100ms"
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))
SOURCE = Source(provider="100ms", name="hms-eu", path="/h", account="acme", home="100ms")
RECEIVED_AT = 1_773_151_300_000
SESSION = "100ms:65f0b3d4e5f6a7b8c9d0e1f2"
DURABLE = "100ms@65f0a1c2d3e4f5a6b7c8d9e0"
PEER = "c0bbae7e-fbc0-48c3-89aa-83f85427acbf"
BEAM = "65f0c4e5f6a7b8c9d0e1f203"

Object = dict[str, Any]  # the tests put every type into payloads


def read(name: str) -> Object:
    return dict(parse_payload((FOLDER / f"{name}.json").read_bytes()))


def told(type_: str, **inner: object) -> Object:
    """Return a payload in the form of the schedule guide: no ids, no time."""
    return {"type": type_, "data": {"room_id": "r", **inner}}


def changed(name: str, **inner: object) -> Object:
    """Return a recorded payload with other values in its `data`; None takes a field away."""
    payload = read(name)
    kept = {key: value for key, value in {**payload["data"], **inner}.items() if value is not None}
    return {**payload, "data": kept}


def translated(payload: Object, received_at: int = RECEIVED_AT) -> Spoken:
    return translate(SOURCE, payload, received_at)


def fact_of(payload: Object, received_at: int = RECEIVED_AT) -> Fact:
    (fact,) = translated(payload, received_at).facts
    return fact


def participant_of(payload: Object) -> ParticipantDetail:
    detail = fact_of(payload).detail
    assert isinstance(detail, ParticipantDetail)
    return detail


def capture_of(payload: Object) -> CaptureDetail:
    detail = translated(payload).facts[0].detail
    assert isinstance(detail, CaptureDetail)
    return detail


def said_in(payload: Object) -> dict[str, str]:
    return dict(getattr(fact_of(payload).detail, "said", ()))
