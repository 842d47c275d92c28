"""The providers by name, and the one way from a request to a delivery."""

import hashlib
from collections.abc import Callable, Mapping

import msgspec
import structlog

from handlers.providers import livekit, livekit_samples, meetingbaas, meetingbaas_samples
from handlers.providers.arrival import Arrival, Proof, Sample, Spoken
from handlers.providers.reading import Payload, clean, parse_payload
from hub.errors import NotJson, ProofRefused, Unusable
from hub.events import Delivery, Verdict
from hub.settings import Source

# What a defect in a translator raises. It must cost the delivery its meaning, never its bytes.
_DEFECTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
# Everything else in a header may be a secret: a provider's, a proxy's or a customer's.
_SHOWN_HEADERS = frozenset(
    {"content-length", "content-type", "date", "user-agent", "svix-id", "svix-timestamp", "webhook-id"}
    | {"webhook-timestamp", "x-pulse-event"}
)
_SHOWN_LENGTH = 256

log = structlog.get_logger()


class Provider(msgspec.Struct, frozen=True):
    """What a provider's module can do."""

    verify: Callable[[Source, Arrival], Proof]
    translate: Callable[[Source, Payload, int], Spoken]
    # (source, body, now in ms, dialect, delivery id) -> headers
    sign: Callable[[Source, bytes, int, str, str], dict[str, str]]
    samples: Callable[[int], dict[str, Sample]]
    # (seed, start in ms, minutes) -> [(time in ms, sample), …]
    meeting: Callable[[int, int, float], list[tuple[int, Sample]]]
    # Seconds within which equal bytes that hold no time are one delivery.
    dedupe_window: int = 15 * 60
    takes_path_key: bool = False
    # What proves a request, in words.
    takes: str = ""


def _sign_livekit(source: Source, body: bytes, now: int, _dialect: str, _delivery_id: str) -> dict[str, str]:
    # One dialect, and the id is in the body.
    return livekit.sign(source, body, now)


PROVIDERS: Mapping[str, Provider] = {
    "livekit": Provider(
        livekit.verify,
        livekit.translate,
        _sign_livekit,
        livekit_samples.samples,
        livekit_samples.meeting,
        takes="LiveKit's JWT in Authorization, without Bearer, with the sha256 of the body",
    ),
    "meetingbaas": Provider(
        meetingbaas.verify,
        meetingbaas.translate,
        meetingbaas.sign,
        meetingbaas_samples.samples,
        meetingbaas_samples.meeting,
        takes_path_key=True,
        takes="x-meeting-baas-api-key, Svix headers (svix-id, svix-timestamp, svix-signature), or x-mb-secret",
    ),
}


def receive(source: Source, arrival: Arrival) -> Delivery:
    """Turn a request into a verified delivery with its facts.

    Raises ProofRefused when the sender did not prove itself. What is genuine but cannot be understood
    becomes a dead delivery, which keeps the bytes.
    """
    provider = PROVIDERS[source.provider]
    proof = _proved(provider, source, arrival) if source.proof == "signature" else Proof(scheme=source.proof)
    try:
        spoken = provider.translate(source, parse_payload(arrival.body), arrival.received_at)
    except Unusable as refusal:
        return _dead(source, arrival, proof, str(refusal), malformed=isinstance(refusal, NotJson))
    except _DEFECTS as defect:
        log.exception("delivery.untranslated", source=source.name)
        return _dead(source, arrival, proof, f"translation failed: {type(defect).__name__}")
    delivery_id = proof.delivery_id or spoken.delivery_id
    is_lasting = bool(delivery_id) or spoken.timed
    return Delivery(
        source=source.name,
        scope=source.scope,
        key=f"id:{clean(delivery_id)}" if delivery_id else _fingerprint(arrival.body),
        window_ms=None if is_lasting else (source.dedupe_window or provider.dedupe_window) * 1000,
        received_at=arrival.received_at,
        body=arrival.body,
        headers=_redacted(arrival.headers),
        provider_type=clean(spoken.provider_type),
        facts=spoken.facts,
    )


def _proved(provider: Provider, source: Source, arrival: Arrival) -> Proof:
    try:
        return provider.verify(source, arrival)
    except ProofRefused as refusal:
        # Whoever sets a webhook up sees nothing else: what was wrong, and what would be right.
        raise ProofRefused(f"{refusal}; this path takes {provider.takes}") from refusal


def _dead(source: Source, arrival: Arrival, proof: Proof, reason: str, *, malformed: bool = False) -> Delivery:
    return Delivery(
        source=source.name,
        scope=source.scope,
        key=f"id:{clean(proof.delivery_id)}" if proof.delivery_id else _fingerprint(arrival.body),
        received_at=arrival.received_at,
        body=arrival.body,
        headers=_redacted(arrival.headers),
        verdict=Verdict.DEAD,
        reason=reason,
        malformed=malformed,
    )


def _fingerprint(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _redacted(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(
        # A header may hold bytes that are no text; nothing that cannot be stored may get any further.
        (clean(name, _SHOWN_LENGTH), clean(value, _SHOWN_LENGTH) if name in _SHOWN_HEADERS else "redacted")
        for name, value in headers
    )
