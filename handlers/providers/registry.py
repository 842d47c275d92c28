"""The providers by name, and the one way from a request to a delivery."""

import hashlib
from collections.abc import Callable, Mapping

import msgspec
import structlog

from handlers.providers import (
    hms,
    hms_samples,
    livekit,
    livekit_samples,
    meetingbaas,
    meetingbaas_samples,
    pulse,
    pulse_samples,
)
from handlers.providers.arrival import Arrival, PathKey, Proof, Sample, Spoken
from handlers.providers.binding import stated
from handlers.providers.keeping import shown_headers
from handlers.providers.reading import Payload, parse_payload
from handlers.providers.story import Meeting
from hub.errors import NotJson, ProofRefused, Unusable
from hub.events import PATH_KEY_HEADER, Delivery, Verdict
from hub.redaction import clean
from hub.settings import Source

# What a defect in a translator raises. It must cost the delivery its meaning, never its bytes.
_DEFECTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

# How a request is proved that has nothing but the key in its path.
_PATH_KEY = "path-key"

# (source, body, now in ms, dialect, delivery id) -> headers
_Sign = Callable[[Source, bytes, int, str, str], dict[str, str]]

log = structlog.get_logger()


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's module can do."""

    verify: Callable[[Source, Arrival], Proof]
    translate: Callable[[Source, Payload, int], Spoken]
    sign: _Sign
    samples: Callable[[int], dict[str, Sample]]
    # (seed, start in ms, minutes, durable room or "" for one of its own)
    meeting: Callable[[int, int, float, str], Meeting]
    # What proves a request of a source, in words.
    takes: Callable[[Source], str]
    # The event to try a source with, one of the samples.
    tried_with: str
    # Seconds within which equal bytes that hold no time are one delivery.
    dedupe_window: int = 15 * 60
    takes_path_key: bool = False
    # Headers that hold a secret as it is; those that a source names come on top.
    static_headers: frozenset[str] = frozenset()
    # With which methods it sends; others are refused with 405.
    methods: tuple[str, ...] = ("POST",)
    # Whether its meetings are told by bots that were sent to them, else by the rooms themselves.
    sends_bots: bool = False
    # Whether its refusals say themselves what it takes.
    says_what_it_takes: bool = False


def _sign_livekit(source: Source, body: bytes, now: int, _dialect: str, _delivery_id: str) -> dict[str, str]:
    # One dialect, and the id is in the body.
    return livekit.sign(source, body, now)


def _sign_body(sign: Callable[[Source, bytes, str], dict[str, str]]) -> _Sign:
    """Fit a provider that signs neither a time nor an id."""
    return lambda source, body, _now, dialect, _delivery_id: sign(source, body, dialect)


def _always(words: str) -> Callable[[Source], str]:
    """Fit a provider that takes the same whatever is configured."""
    return lambda _: words


PROVIDERS: Mapping[str, Provider] = {
    "100ms": Provider(
        verify=hms.verify,
        translate=hms.translate,
        sign=_sign_body(hms.sign),
        samples=hms_samples.samples,
        meeting=hms_samples.meeting,
        tried_with="session.open.success",
        # Real events have an id, the guides' bodies none: after a minute the same words are news.
        dedupe_window=60,
        takes=_always(
            "a secret header that is configured for it, or x-100ms-signature: HMAC-SHA256 of the raw body, in hex"
        ),
    ),
    "livekit": Provider(
        verify=livekit.verify,
        translate=livekit.translate,
        sign=_sign_livekit,
        samples=livekit_samples.samples,
        meeting=livekit_samples.meeting,
        tried_with="room_started",
        takes=_always("LiveKit's JWT in Authorization, without Bearer, with the sha256 of the body"),
    ),
    "meetingbaas": Provider(
        verify=meetingbaas.verify,
        translate=meetingbaas.translate,
        sign=meetingbaas.sign,
        samples=meetingbaas_samples.samples,
        meeting=meetingbaas_samples.meeting,
        tried_with="bot.status_change.in_call_recording",
        takes=meetingbaas.takes,
        says_what_it_takes=True,
        takes_path_key=True,
        static_headers=meetingbaas.STATIC_HEADERS,
        # The customer chooses how callbacks are sent.
        methods=("POST", "PUT"),
        sends_bots=True,
    ),
    "pulse": Provider(
        verify=pulse.verify,
        translate=pulse.translate,
        sign=_sign_body(pulse.sign),
        samples=pulse_samples.samples,
        meeting=pulse_samples.meeting,
        tried_with="room.started",
        # The guide's tracks and recordings hold no time, and are sent again for over an hour.
        dedupe_window=24 * 60 * 60,
        takes=_always(
            "the body's HMAC-SHA256 in hex, with or without sha256=, in X-Webhook-Signature or X-Pulse-Signature"
        ),
    ),
}


# The provider that bots are launched with.
LAUNCHED_WITH = next(name for name, provider in PROVIDERS.items() if provider.sends_bots)


def receive(source: Source, arrival: Arrival) -> Delivery:
    """Turn a request into a verified delivery with its facts.

    Raises ProofRefused when the sender did not prove itself. What is genuine but cannot be understood
    becomes a dead delivery, which keeps the bytes.
    """
    provider = PROVIDERS[source.provider]
    proof = _proved(provider, source, arrival) if source.proof == "signature" else Proof(scheme=source.proof)
    try:
        spoken = _translated(source, arrival.body, arrival.received_at)
    except Unusable as refusal:
        return _dead(source, arrival, proof, refusal)
    facts = spoken.facts
    if arrival.proves:
        alone = proof.scheme == _PATH_KEY
        facts = stated(arrival.proves, facts, source.provider, arrival.received_at, alone=alone)
    delivery_id = proof.delivery_id or spoken.delivery_id
    is_lasting = bool(delivery_id) or spoken.timed
    return Delivery(
        source=source.name,
        scope=source.scope,
        key=f"id:{clean(delivery_id)}" if delivery_id else _fingerprint(arrival.body),
        window_ms=None if is_lasting else (source.dedupe_window or provider.dedupe_window) * 1000,
        received_at=arrival.received_at,
        body=arrival.body,
        headers=_kept_headers(arrival, proof),
        provider_type=clean(spoken.provider_type),
        facts=facts,
    )


def read_again(source: Source, delivery: Delivery, proves: PathKey | None = None) -> Delivery:
    """Translate the bytes of a kept delivery with today's code, at the clock of its arrival; it stays what it was.

    What only a key in its path proved (`proves`) may still be about that key's bot only.
    """
    try:
        spoken = _translated(source, delivery.body, delivery.received_at)
        facts = spoken.facts
        if proves:
            facts = stated(proves, facts, source.provider, delivery.received_at, alone=True)
    except (Unusable, ProofRefused) as refusal:
        return msgspec.structs.replace(delivery, verdict=Verdict.DEAD, reason=str(refusal), facts=())
    return msgspec.structs.replace(
        delivery,
        verdict=Verdict.ACCEPTED,
        reason="",
        provider_type=clean(spoken.provider_type),
        facts=facts,
    )


def _translated(source: Source, body: bytes, received_at: int) -> Spoken:
    try:
        return PROVIDERS[source.provider].translate(source, parse_payload(body), received_at)
    except _DEFECTS as defect:
        log.exception("delivery.untranslated", source=source.name)
        raise Unusable(f"translation failed: {type(defect).__name__}") from defect


def _proved(provider: Provider, source: Source, arrival: Arrival) -> Proof:
    try:
        return provider.verify(source, arrival)
    except ProofRefused as refusal:
        if arrival.proves:
            return Proof(scheme=_PATH_KEY)
        if arrival.path_key:
            raise ProofRefused(f"{refusal}; and the key in the path is none that this hub made") from refusal
        if provider.says_what_it_takes:
            raise
        # Whoever sets a webhook up sees nothing else: what was wrong, and what would be right.
        raise ProofRefused(f"{refusal}; this path takes {provider.takes(source)}") from refusal


def _dead(source: Source, arrival: Arrival, proof: Proof, refusal: Unusable) -> Delivery:
    return Delivery(
        source=source.name,
        scope=source.scope,
        key=f"id:{clean(proof.delivery_id)}" if proof.delivery_id else _fingerprint(arrival.body),
        received_at=arrival.received_at,
        body=arrival.body,
        headers=_kept_headers(arrival, proof),
        verdict=Verdict.DEAD,
        reason=str(refusal),
        malformed=isinstance(refusal, NotJson),
    )


def _kept_headers(arrival: Arrival, proof: Proof) -> tuple[tuple[str, str], ...]:
    """Return headers as they are shown, and whose the key was that alone proved this: it may never state more."""
    by_key = ((PATH_KEY_HEADER, arrival.proves.subject),) if arrival.proves and proof.scheme == _PATH_KEY else ()
    return by_key + shown_headers(arrival.headers)


def _fingerprint(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
