"""From a request to a delivery: proven, translated, recognised when it comes again, and without secrets."""

import hashlib
import json

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Arrival, PathKey, Sample
from handlers.providers.registry import PROVIDERS, read_again, receive
from hub.commands.send import signed
from hub.config_rules import PROOFS
from hub.errors import ProofRefused
from hub.events import Delivery, Verdict
from hub.settings import Source
from tests.searching import search

NOW = 1_773_151_300_123
SOURCES = {
    "100ms": Source(
        provider="100ms",
        name="100ms",
        path="/schedule/webhook/100ms",
        headers={"X-100ms-Key": ("hms-header-0123456789",)},
        signing_secrets=("hms-signing-0123456789",),
    ),
    "livekit": Source(
        provider="livekit", name="livekit", path="/api/livekit/webhook", keys={"APIkey": ("lk-secret-" * 4,)}
    ),
    "meetingbaas": Source(
        provider="meetingbaas",
        name="meetingbaas",
        path="/api/meeting-bot/webhook",
        api_keys=("mb-api-key-0123456789",),
        webhook_secrets=("whsec_bWVldGluZy1iYWFzLXYyLXN2aXgtc2lnbmluZy1rZXk=",),
        callback_secrets=("cb-secret-0123456789",),
    ),
    "pulse": Source(
        provider="pulse", name="pulse", path="/webhooks/pulse", signing_secrets=("pulse-signing-0123456789",)
    ),
}
# Every way of proving that there is, by provider.
DIALECTS = [
    *(("100ms", dialect) for dialect in ("header", "signature", "guide")),
    ("livekit", "webhook"),
    *(("meetingbaas", dialect) for dialect in ("v1", "v2", "callback", "guide")),
    *(("pulse", dialect) for dialect in ("guide", "go")),
]
SAMPLES = [(provider, name) for provider in sorted(SOURCES) for name in PROVIDERS[provider].samples(NOW)]
WORDS = st.sampled_from(
    [
        "event",
        "type",
        "data",
        "status",
        "code",
        "bot_id",
        "botId",
        "created_at",
        "sent_at",
        "segment",
        "segments",
        "id",
        "transcript",
        "words",
        "speaker",
        "start",
        "end",
        "text",
        "participants",
        "speakers",
        "name",
        "error",
        "attempt",
        "room",
        "sid",
        "participant",
        "identity",
        "joinedAt",
        "joinedAtMs",
        "createdAt",
        "creationTime",
        "track",
        "permission",
        "egressInfo",
        "egressId",
        "fileResults",
        "duration",
        "size",
        "ingressInfo",
        "state",
        "job",
        "endedAt",
        "video",
        "mp4",
        "audio",
        "meeting_url",
        "bot_name",
        "duration_seconds",
        "instances",
        "error_message",
        "kind",
        "room_id",
        "room_name",
        "room_sid",
        "timestamp",
        "metadata",
        "egress",
        "egress_id",
        "session_id",
        "peer_id",
        "user_data",
        "rtmp",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8)
    | st.sampled_from(["\0", "\ud800", "x" * 300, "https://a:b@c/?X-Amz-Signature=1", "9" * 25, "2026-03-10T12:00:00Z"])
    | st.sampled_from([NOW, NOW // 1000, NOW * 1000, NOW * 10**6, str(NOW), -1, 0, 2**63, 1e308, "1e999"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)
EVENTS = st.sampled_from(
    sorted(
        {
            str(sample.payload.get("event") or sample.payload.get("type"))
            for provider in PROVIDERS.values()
            for sample in provider.samples(NOW).values()
        }
    )
)


def arrival(source: Source, body: bytes, dialect: str, received_at: int = NOW, *, wrong: bool = False) -> Arrival:
    """Return a request that proves itself, or does not."""
    headers = signed(source, Sample(payload={}, dialect=dialect), body, NOW, wrong=wrong)
    return Arrival(headers=tuple(headers.items()), body=body, received_at=received_at)


def received(provider: str, dialect: str, body: bytes) -> Delivery:
    """Return the delivery that a proven request becomes."""
    return receive(SOURCES[provider], arrival(SOURCES[provider], body, dialect))


def test_every_provider_that_can_be_proved_has_a_source_here() -> None:
    """A provider that is added must be tried like the others."""
    assert set(PROVIDERS) == set(SOURCES)
    assert set(PROVIDERS) <= set(PROOFS)


@pytest.mark.parametrize(("provider", "name"), SAMPLES)
def test_every_sample_is_taken_with_its_proof_and_refused_without(provider: str, name: str) -> None:
    """What the hub sends itself to show that it works must work."""
    source, sample = SOURCES[provider], PROVIDERS[provider].samples(NOW)[name]
    body = orjson.dumps(sample.payload)
    delivery = receive(source, arrival(source, body, sample.dialect))
    assert (delivery.verdict, delivery.body) == (Verdict.ACCEPTED, body)
    assert delivery.facts
    with pytest.raises(ProofRefused):
        receive(source, arrival(source, body, sample.dialect, wrong=True))


@search(300)
@given(EVENTS | st.text(max_size=10), st.dictionaries(WORDS, VALUES, max_size=6))
def test_whatever_a_proven_payload_says_it_becomes_a_delivery(event: str, payload: dict[str, object]) -> None:
    """A payload that nobody foresaw costs at most its meaning, never a 500 and never its bytes."""
    for provider, dialect in DIALECTS:
        body = json.dumps({**payload, "event": event, "type": event}).encode()
        delivery = received(provider, dialect, body)
        assert delivery.body == body
        assert not delivery.reason.startswith("translation failed"), delivery.reason
        assert delivery.verdict is Verdict.DEAD or delivery.facts


@pytest.mark.parametrize(("provider", "dialect"), DIALECTS)
def test_what_an_event_is_called_tells_no_address_and_no_secret(provider: str, dialect: str) -> None:
    """It is in public events and in the log, and anybody may send an event by any name who has the proof."""
    event = "ann@example.org https://s3/x?X-Amz-Signature=presigned"
    payload = {"event": event, "type": event, "id": "1", "data": {"bot_id": "b1"}, "room": {"sid": "RM_1"}}
    delivery = received(provider, dialect, orjson.dumps(payload))
    told = f"{delivery.provider_type} {delivery.reason} {delivery.facts}"
    assert "ann@" in told
    assert "example.org" not in told
    assert "presigned" not in told


@search(300)
@given(st.binary(max_size=200))
def test_whatever_bytes_come_with_a_proof_they_are_kept(body: bytes) -> None:
    """They may be looked at later; a signature over text cannot be over other bytes, so it alone may refuse them."""
    for provider, dialect in DIALECTS:
        try:
            delivery = received(provider, dialect, body)
        except ProofRefused:
            assert dialect == "v2"
        else:
            assert delivery.body == body


@search(200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["authorization", "svix-id", "svix-timestamp", "svix-signature", "webhook-id"])
            | st.sampled_from(["webhook-signature", "webhook-timestamp", "x-mb-secret", "x-meeting-baas-api-key"]),
            st.text(st.characters(exclude_categories=()), max_size=20)
            | st.sampled_from([f"{NOW // 1000}", "v1,", "a.b.c"]),
        ),
        max_size=6,
    )
)
def test_whatever_the_headers_without_a_proof_nothing_is_taken(headers: list[tuple[str, str]]) -> None:
    """Nor does anything else than a refusal come of it, which says what was wrong."""
    for source in SOURCES.values():
        with pytest.raises(ProofRefused, match=r".{10}"):
            receive(source, Arrival(headers=tuple(headers), body=b"{}", received_at=NOW))


@pytest.mark.parametrize(("provider", "dialect"), DIALECTS)
@pytest.mark.parametrize(("body", "malformed"), [(b"no json", True), (b"", True), (b"[]", False), (b"{}", False)])
def test_what_is_proven_but_cannot_be_used_is_dead_and_keeps_its_bytes(
    provider: str, dialect: str, body: bytes, malformed: bool
) -> None:
    """Only what is not even JSON is the sender's mistake."""
    delivery = received(provider, dialect, body)
    assert (delivery.verdict, delivery.malformed, delivery.body) == (Verdict.DEAD, malformed, body)
    assert delivery.reason
    assert delivery.facts == ()


def test_the_same_delivery_id_is_the_same_delivery() -> None:
    """A provider that tries again signs anew, with the same id."""
    source, body = SOURCES["meetingbaas"], orjson.dumps({"event": "x"})
    first, second = arrival(source, body, "v2"), arrival(source, body, "v2")
    again = Arrival(headers=first.headers, body=body, received_at=NOW + 60_000)
    assert receive(source, first).key == receive(source, again).key != receive(source, second).key
    assert receive(source, first).window_ms is None


def test_without_an_id_the_bytes_are_the_id() -> None:
    """Only equal things are duplicates."""
    body = b'{"event": "x", "data": {"bot_id": "b"}}'
    assert received("meetingbaas", "v1", body).key == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert received("meetingbaas", "v1", body).key != received("meetingbaas", "v1", body + b" ").key


def test_bytes_without_a_time_are_the_same_only_for_a_while() -> None:
    """The same words said tomorrow are a new fact, unless they tell when they were said."""
    timeless = b'{"type": "meeting.started", "data": {"botId": "b"}}'
    timed = b'{"type": "meeting.started", "data": {"botId": "b", "sent_at": "2026-03-10T14:00:00Z"}}'
    assert received("meetingbaas", "guide", timeless).window_ms == PROVIDERS["meetingbaas"].dedupe_window * 1000
    assert received("meetingbaas", "guide", timed).window_ms is None


def test_the_window_of_a_source_goes_before_that_of_its_provider() -> None:
    """It is the customer who knows what repeats there."""
    source = Source(provider="meetingbaas", name="m", path="/m", proof="none", dedupe_window=7)
    delivery = receive(source, Arrival(headers=(), body=b'{"event": "x"}', received_at=NOW))
    assert delivery.window_ms == 7000


def test_deliveries_are_compared_within_a_provider_account() -> None:
    """Two paths of one account get the same webhook; two accounts never do."""
    one = Source(provider="livekit", name="a", path="/a", proof="none")
    two = Source(provider="livekit", name="b", path="/b", proof="none")
    other = Source(provider="livekit", name="c", path="/c", proof="none", account="staging")
    request = Arrival(headers=(), body=b'{"event": "x", "id": "EV_1"}', received_at=NOW)
    scopes = [(receive(source, request).scope, receive(source, request).key) for source in (one, two, other)]
    assert scopes[0] == scopes[1]
    assert scopes[2] != scopes[0]


@pytest.mark.parametrize("proof", ["ip", "none"])
def test_a_source_without_signatures_takes_what_comes(proof: str) -> None:
    """It was configured so, and is warned of at start."""
    source = Source(provider="livekit", name="livekit", path="/l", proof=proof, allow_ips=("10.0.0.0/8",))
    delivery = receive(source, Arrival(headers=(), body=b'{"event": "x"}', received_at=NOW))
    assert delivery.verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(("provider", "dialect"), DIALECTS)
@pytest.mark.parametrize("body", [b'{"event": "x"}', b"no json"])
def test_no_header_that_may_be_secret_is_kept(provider: str, dialect: str, body: bytes) -> None:
    """Deliveries are shown to people, dead ones above all."""
    source = SOURCES[provider]
    request = arrival(source, body, dialect)
    extra = (
        ("cookie", "session=private"),
        ("x-custom", "private"),
        ("user-agent", "a" * 5000),
        ("x" * 5000, "private"),
    )
    delivery = receive(source, Arrival(headers=request.headers + extra, body=body, received_at=NOW))
    shown = ("content-type", "user-agent", "svix-id", "x-pulse-event")
    secrets = [value for name, value in request.headers if name not in shown]
    secrets = [value for value in secrets if value != str(NOW // 1000)]
    kept = repr(delivery.headers)
    assert secrets
    assert not any(secret in kept for secret in [*secrets, "private"])
    assert [name for name, _ in delivery.headers][:2] == [name for name, _ in request.headers][:2]
    assert max(len(part) for header in delivery.headers for part in header) <= 256


def kept_as_dead(provider: str, dialect: str, sample: str) -> Delivery:
    """Return a genuine delivery as an older hub kept it that did not understand it."""
    body = orjson.dumps(PROVIDERS[provider].samples(NOW)[sample].payload)
    whole = received(provider, dialect, body)
    return msgspec.structs.replace(whole, verdict=Verdict.DEAD, reason="not understood", facts=(), provider_type="")


@pytest.mark.parametrize(("provider", "name"), SAMPLES)
def test_a_kept_delivery_is_read_again_as_it_would_be_read_now(provider: str, name: str) -> None:
    """At the clock of its arrival, with the identity that it got then."""
    sample = PROVIDERS[provider].samples(NOW)[name]
    dead = kept_as_dead(provider, sample.dialect, name)
    again = read_again(SOURCES[provider], msgspec.structs.replace(dead, key="as it was", scope="as it was"))
    expected = received(provider, sample.dialect, dead.body)
    assert (again.verdict, again.reason, again.facts) == (Verdict.ACCEPTED, "", expected.facts)
    assert (again.provider_type, again.received_at) == (expected.provider_type, NOW)
    assert (again.key, again.scope) == ("as it was", "as it was")


def test_what_a_key_alone_proved_is_read_again_for_its_own_bot_only() -> None:
    """Another day's code may see another bot in the same bytes."""
    sample = PROVIDERS["meetingbaas"].samples(NOW)["bot.status_change.in_call_recording"]
    body = orjson.dumps(sample.payload)
    bot = received("meetingbaas", sample.dialect, body).facts[0].bot.partition(":")[2]
    arrival = Arrival(headers=((":path-key", "x"),), body=body, received_at=NOW, proves=PathKey(bot=bot))
    kept = receive(SOURCES["meetingbaas"], arrival)
    assert kept.path_key == f"bot-{bot}"
    assert read_again(SOURCES["meetingbaas"], kept, PathKey(bot=bot)).verdict is Verdict.ACCEPTED
    again = read_again(SOURCES["meetingbaas"], kept, PathKey(bot="another"))
    assert (again.verdict, again.facts) == (Verdict.DEAD, ())


@pytest.mark.parametrize("body", [b"no json", b"[]", b"{}", b"\xff"])
def test_what_still_cannot_be_used_stays_dead_and_says_why(body: bytes) -> None:
    """The reason is that of today."""
    dead = received("livekit", "webhook", body)
    again = read_again(SOURCES["livekit"], msgspec.structs.replace(dead, reason="as it was"))
    assert (again.verdict, again.reason, again.facts) == (Verdict.DEAD, dead.reason, ())
