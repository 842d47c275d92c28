"""What is kept of a request: no secret, and yet all that is needed to verify it again."""

import base64

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Arrival, Sample, hashed_secret
from handlers.providers.keeping import as_kept, shown_headers
from handlers.providers.registry import PROVIDERS, receive
from hub.commands.send import signed
from hub.errors import ProofRefused
from hub.settings import Source

NOW = 1_773_151_300_123
BODY = b'{"event": "x"}'
KEY, OTHER = "first-secret-0123456789-0123456789-01", "other-secret-0123456789-0123456789-01"
WHSEC, OTHER_WHSEC = (f"whsec_{base64.b64encode(secret.encode()).decode()}" for secret in (KEY, OTHER))
LIVEKIT = Source(provider="livekit", name="livekit", path="/l", keys={"APIkey": (KEY,)})
MEETINGBAAS = Source(
    provider="meetingbaas",
    name="meetingbaas",
    path="/m",
    api_keys=(KEY,),
    webhook_secrets=(WHSEC,),
    callback_secrets=(KEY,),
)
HMS = Source(provider="100ms", name="100ms", path="/h", headers={"X-100ms-Key": (KEY,)}, signing_secrets=(KEY,))
PULSE = Source(provider="pulse", name="pulse", path="/p", signing_secrets=(KEY,))
# Every way of proving that there is, with the source that has its secret.
WAYS = [
    (LIVEKIT, "webhook"),
    *((MEETINGBAAS, dialect) for dialect in ("v1", "v2", "callback", "guide")),
    *((HMS, dialect) for dialect in ("header", "signature", "guide")),
    *((PULSE, sample.dialect) for sample in PROVIDERS["pulse"].samples(NOW).values()),
]
WAYS = [way for place, way in enumerate(WAYS) if way not in WAYS[:place]]
IDS = [f"{source.name}-{dialect}" for source, dialect in WAYS]


def arrival(source: Source, dialect: str, body: bytes = BODY, **extra: str) -> Arrival:
    """Return a genuine request."""
    headers = signed(source, Sample(payload={}, dialect=dialect), body, NOW)
    pairs = tuple((name.lower(), value) for name, value in {**headers, **extra}.items())
    return Arrival(headers=pairs, body=body, received_at=NOW)


def with_other_secrets(source: Source) -> Source:
    """Return the source as somebody configured it by mistake."""
    return msgspec.structs.replace(
        source,
        keys=dict.fromkeys(source.keys, (OTHER,)),
        api_keys=tuple(OTHER for _ in source.api_keys),
        webhook_secrets=tuple(OTHER_WHSEC for _ in source.webhook_secrets),
        callback_secrets=tuple(OTHER for _ in source.callback_secrets),
        headers=dict.fromkeys(source.headers, (OTHER,)),
        signing_secrets=tuple(OTHER for _ in source.signing_secrets),
    )


def test_every_provider_is_tried_here() -> None:
    """A provider that is added must be kept and verified again like the others."""
    assert {source.provider for source, _ in WAYS} == set(PROVIDERS)


@pytest.mark.parametrize(("source", "dialect"), WAYS, ids=IDS)
def test_what_was_refused_is_verified_again_once_the_secret_is_right(source: Source, dialect: str) -> None:
    """It becomes the very delivery that it would have been."""
    request, mistaken = arrival(source, dialect), with_other_secrets(source)
    with pytest.raises(ProofRefused):
        receive(mistaken, request)
    kept = as_kept(mistaken, request)
    with pytest.raises(ProofRefused):
        receive(mistaken, kept)
    # Headers that hold a secret are redacted, in whichever form they are there.
    assert receive(source, kept) == receive(source, request)


@pytest.mark.parametrize(("source", "dialect"), WAYS, ids=IDS)
def test_what_is_kept_proves_nothing_when_it_is_sent(source: Source, dialect: str) -> None:
    """Whoever gets hold of the quarantine can at most repeat a signed request, which repeats nothing but itself."""
    kept = as_kept(source, arrival(source, dialect))
    sent = Arrival(headers=kept.headers, body=BODY + b" ", received_at=NOW)
    with pytest.raises(ProofRefused):
        receive(source, sent)
    # And sending a hash does not make it a secret's hash the second time.
    with pytest.raises(ProofRefused):
        receive(source, as_kept(source, sent))


@pytest.mark.parametrize(("source", "dialect"), WAYS, ids=IDS)
def test_nothing_that_is_kept_holds_a_secret(source: Source, dialect: str) -> None:
    """Neither the provider's nor a proxy's, a customer's or the path's."""
    extra = {"cookie": "session=private", "x-custom": "private", "x-forwarded-for": "private", "apikey": "private"}
    request = msgspec.structs.replace(arrival(source, dialect, **extra), path_key="private")
    kept = repr(as_kept(source, request))
    assert "private" not in kept
    assert KEY not in kept
    assert WHSEC not in kept
    assert [name for name, _ in as_kept(source, request).headers] == [name for name, _ in request.headers]


def token(claims: dict[str, object]) -> str:
    """Return what looks like a JWT."""
    parts = (base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode() for part in ({"alg": "HS256"}, claims))
    return ".".join([*parts, "c2ln"])


@pytest.mark.parametrize(
    "value",
    [
        "Basic dXNlcjpwYXNz",
        f"Bearer {token({'sha256': 'x'})}",
        token({"sub": "an API token that is good for years"}),
        token({"sha256": ""}),
        "a.b.c",
        "a.!.c",
        "a.bnVsbA.c",
        "..",
        token({"sha256": "x" * 20_000}),
        "sha256:abc",
        "caf\udce9",
    ],
)
def test_what_authorizes_more_than_one_body_is_kept_as_a_hash(value: str) -> None:
    """Only LiveKit's token is bound to a body; any other may open doors elsewhere."""
    kept = as_kept(LIVEKIT, Arrival(headers=(("authorization", value),), body=b"", received_at=NOW))
    assert kept.headers == (("authorization", hashed_secret(value)),)


def test_a_token_that_signs_a_body_is_kept_as_it_is() -> None:
    """A hash of it could not be verified."""
    value = token({"sha256": "x"})
    kept = as_kept(LIVEKIT, Arrival(headers=(("authorization", value),), body=b"", received_at=NOW))
    assert kept.headers == (("authorization", value),)


@pytest.mark.parametrize("name", ["user-agent", "x-100ms-signature", "authorization"])
def test_a_header_that_somebody_chose_for_a_secret_is_kept_as_a_hash_whatever_its_name(name: str) -> None:
    """Names are the customer's business."""
    source = Source(provider="100ms", name="100ms", path="/h", headers={name.title(): (KEY,)})
    for value in (KEY, token({"sha256": "x"})):
        kept = as_kept(source, Arrival(headers=((name, value),), body=b"", received_at=NOW))
        assert kept.headers == ((name, hashed_secret(value)),)


@pytest.mark.parametrize("name", ["user-agent", "svix-signature", "x-pulse-signature", "content-type"])
def test_what_looks_like_a_hash_is_hashed(name: str) -> None:
    """Else a hash that somebody sent would be taken for that of a secret when it is looked at again."""
    sent = (name, hashed_secret(KEY))
    kept = as_kept(LIVEKIT, Arrival(headers=(sent,), body=b"", received_at=NOW))
    assert kept.headers == ((name, hashed_secret(hashed_secret(KEY))),)


@given(
    st.lists(st.tuples(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=()))))
)
def test_whatever_headers_come_they_can_be_kept_and_shown(headers: list[tuple[str, str]]) -> None:
    """They are a stranger's: no bytes of theirs may break anything."""
    kept = as_kept(HMS, Arrival(headers=tuple(headers), body=b"", received_at=NOW))
    assert len(kept.headers) == len(headers)
    orjson.dumps(shown_headers(kept.headers))


def test_people_see_only_what_is_known_to_be_harmless() -> None:
    """Not even the hash of a secret: that of a weak one can be guessed."""
    headers = (("content-type", "a/b"), ("x-mb-secret", hashed_secret(KEY)), ("svix-signature", "v1,abc"))
    assert shown_headers(headers) == (
        ("content-type", "a/b"),
        ("x-mb-secret", "redacted"),
        ("svix-signature", "redacted"),
    )
