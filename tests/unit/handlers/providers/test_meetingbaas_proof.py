"""A webhook is believed when one of its proofs holds, and refused in words when none does."""

import base64
import hashlib
import hmac
import json
import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from handlers.providers.arrival import Arrival, Proof
from handlers.providers.meetingbaas import sign, verify
from hub.errors import ConfigRefused, ProofRefused
from hub.settings import Source
from tests.searching import search

SAMPLES = Path(__file__).parents[3] / "samples"
VECTORS = [
    vector
    for vector in json.loads((SAMPLES / "signing_vectors.json").read_text())["vectors"]
    if vector["provider"].startswith("meetingbaas")
]
NOW = 1_773_151_300_000
BODY = b'{"event":"bot.completed"}'
KEY = "mb-key-0123456789"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a webhook secret of some length").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another webhook secret").decode()
CALLBACK_SECRET = "callback-0123456789"


def source(**secrets: tuple[str, ...]) -> Source:
    return Source(provider="meetingbaas", name="meetingbaas", path="/hook", **secrets)  # type: ignore[arg-type]  # kwargs


FULL = source(api_keys=(KEY,), webhook_secrets=(WEBHOOK_SECRET,), callback_secrets=(CALLBACK_SECRET,))


def arrival(headers: dict[str, str], body: bytes = BODY, received_at: int = NOW) -> Arrival:
    return Arrival(headers=tuple(headers.items()), body=body, received_at=received_at)


def signed(**changes: str) -> dict[str, str]:
    headers = sign(FULL, BODY, NOW, "v2", "msg_1")
    return headers | {name.replace("_", "-"): value for name, value in changes.items()}


def refusal(believer: Source, arrived: Arrival) -> str:
    with pytest.raises(ProofRefused) as refused:
        verify(believer, arrived)
    return str(refused.value)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['provider']}-{vector['fixture']}")
def test_recorded_signatures_are_believed(vector: dict[str, object]) -> None:
    """These were made and checked with the providers' own libraries."""
    names = {"api_key": "api_keys", "svix_secret": "webhook_secrets", "callback_secret": "callback_secrets"}
    config: dict[str, str] = vector["config"]  # type: ignore[assignment]  # JSON
    believer = source(**{names[name]: (secret,) for name, secret in config.items()})
    body = (SAMPLES / str(vector["fixture"])).read_bytes()
    headers: dict[str, str] = vector["headers"]  # type: ignore[assignment]  # JSON
    proof = verify(believer, arrival(headers, body, int(str(vector["now"])) * 1000))
    assert proof.delivery_id == headers.get("svix-id", "")


@pytest.mark.parametrize(
    ("dialect", "proof"),
    [
        ("v1", Proof(scheme="api-key")),
        ("guide", Proof(scheme="api-key")),
        ("v2", Proof(scheme="svix", delivery_id="msg_1")),
        ("callback", Proof(scheme="callback-secret")),
    ],
)
def test_what_we_sign_we_believe(dialect: str, proof: Proof) -> None:
    """`hub send` and `hub simulate` must pass the same door as the provider."""
    assert verify(FULL, arrival(sign(FULL, BODY, NOW, dialect, "msg_1"))) == proof


@pytest.mark.parametrize(
    ("dialect", "setting"),
    [("v1", "api_keys"), ("guide", "api_keys"), ("v2", "webhook_secrets"), ("callback", "callback_secrets")],
)
def test_signing_without_the_secret_names_it(dialect: str, setting: str) -> None:
    """Whoever sends a sample must learn which line of the configuration is missing."""
    with pytest.raises(ConfigRefused, match=setting):
        sign(source(api_keys=("",), webhook_secrets=("whsec_",)), BODY, NOW, dialect, "msg_1")


def test_an_unknown_dialect_is_refused() -> None:
    """A sample that says how it is proved must say something we know."""
    with pytest.raises(ConfigRefused, match="dialect"):
        sign(FULL, BODY, NOW, "v3", "msg_1")


def test_the_legacy_header_is_an_api_key_too() -> None:
    """Old bots still send it."""
    assert verify(FULL, arrival({"x-spoke-api-key": KEY})).scheme == "api-key"


def test_any_value_of_a_repeated_static_header_may_match() -> None:
    """A proxy may add one of its own."""
    twice = Arrival(headers=(("x-mb-secret", "no"), ("x-mb-secret", CALLBACK_SECRET)), body=BODY, received_at=NOW)
    assert verify(FULL, twice).scheme == "callback-secret"


def test_the_first_value_of_a_repeated_signature_header_counts() -> None:
    """The library reads one, and two parties that read different ones can be played against each other."""
    headers = signed()
    twice = (("svix-id", "msg_2"), *headers.items())
    assert "fits none" in refusal(FULL, Arrival(headers=twice, body=BODY, received_at=NOW))


def test_one_valid_proof_is_enough() -> None:
    """A wrong header beside a right one says nothing: proxies and old settings leave such things behind."""
    assert verify(FULL, arrival(signed(x_mb_secret="wrong", webhook_id="x"))).delivery_id == "msg_1"
    assert verify(FULL, arrival(signed(svix_timestamp="0") | {"x-mb-secret": CALLBACK_SECRET})).delivery_id == ""


def test_a_signature_wins_over_a_static_secret() -> None:
    """It brings the id by which the delivery is recognised when it comes again."""
    assert verify(FULL, arrival(signed() | {"x-meeting-baas-api-key": KEY})).scheme == "svix"


def test_white_label_names_are_the_same_signature() -> None:
    """Svix sends `webhook-*` instead of `svix-*` where the customer asked for it."""
    headers = {name.replace("svix-", "webhook-"): value for name, value in signed().items()}
    assert verify(FULL, arrival(headers)) == Proof(scheme="svix", delivery_id="msg_1")


def test_secrets_can_be_rotated() -> None:
    """For a while two are valid, on either side."""
    believer = source(webhook_secrets=(OTHER_SECRET, WEBHOOK_SECRET))
    assert verify(believer, arrival(signed()))
    other = sign(source(webhook_secrets=(OTHER_SECRET,)), BODY, NOW, "v2", "msg_1")["svix-signature"]
    both = f"v1a,b3RoZXI= {other} {signed()['svix-signature']}"
    assert verify(FULL, arrival(signed(svix_signature=both)))


@pytest.mark.parametrize("offset", [-300_000, 300_000])
def test_five_minutes_are_allowed_exactly(offset: int) -> None:
    """The boundary is the library's."""
    assert verify(FULL, arrival(signed(), received_at=NOW + offset))
    beyond = offset + (1 if offset > 0 else -1)
    assert "300 s are allowed" in refusal(FULL, arrival(signed(), received_at=NOW + beyond))


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({}, "the request has none of that"),
        ({"x-meeting-baas-api-key": "wrong"}, "x-meeting-baas-api-key is none of api_keys"),
        ({"x-meeting-baas-api-key": ""}, "x-meeting-baas-api-key is none of api_keys"),
        ({"x-meeting-baas-api-key": KEY[:-1]}, "x-meeting-baas-api-key is none of api_keys"),
        ({"x-meeting-baas-api-key": "ключ\udcff"}, "x-meeting-baas-api-key is none of api_keys"),
        ({"x-mb-secret": KEY}, "x-mb-secret is none of callback_secrets"),
        ({"svix-id": "msg_1"}, "svix-timestamp and svix-signature is missing"),
        (signed(svix_timestamp="soon"), "svix-timestamp is not a time in seconds"),
        (signed(svix_timestamp="nan"), "svix-timestamp is not a time in seconds"),
        (signed(svix_timestamp="-inf"), "svix-timestamp is not a time in seconds"),
        (signed(svix_timestamp="1e300"), "svix-timestamp is not a time in seconds"),
        (signed(svix_timestamp=str(NOW)), "svix-timestamp is not a time in seconds"),
        (signed(svix_timestamp="0"), "behind our clock"),
        (signed(svix_timestamp="9999999999"), "ahead of our clock"),
        (signed(svix_timestamp="١٧٧٣١٥١٣٠٠"), "a svix header is not ASCII"),
        (signed(svix_id="msg_é"), "a svix header is not ASCII"),
        (signed(svix_id="msg_\udcff"), "a svix header is not ASCII"),
        (signed(svix_signature="v1,ü"), "a svix header is not ASCII"),
        (signed(svix_signature="v1"), "not a list of v1,<base64>"),
        (signed(svix_signature="v1,a,b"), "not a list of v1,<base64>"),
        (signed(svix_signature="v1,a"), "not a list of v1,<base64>"),
        (signed(svix_signature=" " + signed()["svix-signature"]), "not a list of v1,<base64>"),
        (signed(svix_signature=signed()["svix-signature"].replace("v1,", "v1a,")), "fits none of webhook_secrets"),
        (signed(svix_id="msg_2"), "fits none of webhook_secrets"),
    ],
)
def test_refusals_say_what_was_wrong(headers: dict[str, str], problem: str) -> None:
    """Whoever sets a webhook up has only this answer to go by."""
    said = refusal(FULL, arrival(headers))
    takes = "x-meeting-baas-api-key or a Svix signature (svix-id, svix-timestamp, svix-signature) or x-mb-secret"
    assert said.startswith(f"this path takes {takes}; ")
    assert problem in said


@pytest.mark.parametrize("body", [b"", BODY + b" ", b"\xff"])
def test_other_bytes_than_were_signed_are_refused(body: bytes) -> None:
    """The signature is over the bytes, not over what they mean."""
    assert refusal(FULL, arrival(signed(), body))


def test_bytes_that_are_not_text_are_refused_even_when_signed() -> None:
    """The library cannot verify them either."""
    headers = sign(FULL, b"\xff\xfe", NOW, "v2", "msg_1")
    assert "not UTF-8" in refusal(FULL, arrival(headers, b"\xff\xfe"))


@pytest.mark.parametrize("empty", ["", "whsec_", "whsec_====", "whsec_not base64 at all!", "whsec_ключ"])
def test_empty_and_broken_secrets_never_match(empty: str) -> None:
    """An unset variable must not become a key that everybody knows."""
    believer = source(api_keys=("",), webhook_secrets=(empty,), callback_secrets=("",))
    for header in ("x-meeting-baas-api-key", "x-spoke-api-key", "x-mb-secret"):
        assert refusal(believer, arrival({header: ""}))
    forged = hmac.new(b"", b"msg_1.%d.%b" % (NOW // 1000, BODY), hashlib.sha256).digest()
    headers = signed(svix_signature=f"v1,{base64.b64encode(forged).decode()}")
    assert refusal(believer, arrival(headers))


def test_a_path_without_secrets_says_so() -> None:
    """Then it is not the sender who has to change something."""
    said = refusal(source(), arrival({"x-mb-secret": "x", **signed()}))
    assert "nothing, because no secrets are configured" in said
    assert "callback_secrets is empty" in said
    assert "webhook_secrets has no secret of whsec_ and base64" in said


def test_refusals_never_repeat_a_secret() -> None:
    """The reason is answered to the sender, shown on the page and logged."""
    headers = signed(svix_id="msg_2") | {"x-meeting-baas-api-key": "guess-one", "x-mb-secret": "guess-two"}
    said = refusal(FULL, arrival(headers))
    for secret in (KEY, WEBHOOK_SECRET, CALLBACK_SECRET, "guess-one", "guess-two", headers["svix-signature"], "msg_2"):
        assert secret not in said


def test_the_path_key_proves_nothing_by_itself() -> None:
    """What it proves is decided where its bot is known: in what this module is given it has been looked up."""
    with pytest.raises(ProofRefused):
        verify(FULL, Arrival(headers=(), body=BODY, received_at=NOW, path_key=KEY))


_ODD = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
_GOOD_SECRETS = st.binary(min_size=1, max_size=40).map(lambda key: "whsec_" + base64.b64encode(key).decode())
_SECRETS = st.one_of(
    _GOOD_SECRETS,
    _GOOD_SECRETS,
    st.binary(min_size=0, max_size=40).map(lambda key: "whsec_" + base64.b64encode(key).decode()),
    st.binary(min_size=1, max_size=40).map(lambda key: base64.b64encode(key).decode()),
    st.binary(min_size=1, max_size=40).map(lambda key: "whsec_" + base64.b64encode(key).decode().rstrip("=")),
    st.text(max_size=12).map(lambda text: "whsec_" + text),
)
_OFFSETS = st.one_of(
    st.floats(-280, 280),
    st.floats(-280, 280),
    st.integers(-280, 280),
    st.integers(-280, 280),
    st.floats(320, 1e7),
    st.floats(-1e7, -320),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300, 1e12]),
)
_NOTATIONS = st.sampled_from(
    ["{:.0f}", "{:.0f}", "{:.3f}", "{:.7f}", "{!r}", " {:.0f} ", "+{:.0f}", "{:_.0f}", "{:.17e}", "x{}"]
)


@search(800)
@given(draw=st.data())
def test_signatures_are_judged_as_the_library_judges_them(draw: st.DataObject) -> None:
    """Ours is shorter and takes several secrets; it must not be wiser."""
    secrets = tuple(draw.draw(st.lists(_SECRETS, min_size=1, max_size=2)))
    body = draw.draw(st.one_of(st.text(st.characters(codec="utf-8")).map(str.encode), st.binary(max_size=20)))
    now = time.time()
    offset = draw.draw(_OFFSETS)
    timestamp = draw.draw(_NOTATIONS).format(now + offset)
    delivery_id = draw.draw(st.one_of(st.just("msg_1"), _ODD))
    correct = [_signature(secret, delivery_id, timestamp, body) for secret in secrets]
    entry = st.one_of(
        st.sampled_from(correct),
        st.sampled_from(correct),
        st.sampled_from(correct),
        st.sampled_from(correct).map(lambda signature: signature.replace("v1,", "v1a,")),
        st.sampled_from(correct).map(lambda signature: signature.rstrip("=")),
        st.sampled_from(correct).map(lambda signature: signature + "===="),
        st.sampled_from(correct).map(lambda signature: signature[:9] + "!-" + signature[9:]),
        st.sampled_from(["", "v1", "v1,", ",", "v2,AAAA", "v1,AAAA", "v1,A", "v1,AAAA,AAAA"]),
        _ODD,
    )
    signatures = " ".join(draw.draw(st.lists(entry, min_size=1, max_size=4)))
    headers = {"id": delivery_id, "timestamp": timestamp, "signature": signatures}
    tampered = draw.draw(st.sampled_from([""] * 6 + ["id", "timestamp", "body"]))
    if tampered == "body":
        body += b" "
    elif tampered:
        headers[tampered] += draw.draw(_ODD)
    family = draw.draw(st.sampled_from(["svix", "webhook"]))
    ours = _we_believe(secrets, {f"{family}-{part}": value for part, value in headers.items()}, body, now)
    theirs = any(_library_believes(secret, headers, body) for secret in secrets)
    assert ours == theirs


@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["svix-id", "svix-timestamp", "svix-signature", "webhook-id", "x-mb-secret", "x-meeting-baas-api-key"]
        ),
        st.text(st.characters()),
    ),
    body=st.binary(),
    secrets=st.lists(st.text(st.characters()), max_size=2).map(tuple),
)
def test_whatever_arrives_is_believed_or_refused(
    headers: dict[str, str], body: bytes, secrets: tuple[str, ...]
) -> None:
    """Nothing a stranger sends may become an error of ours."""
    believer = source(api_keys=secrets, webhook_secrets=secrets, callback_secrets=secrets)
    try:
        proof = verify(believer, arrival(headers, body))
    except ProofRefused:
        return
    assert proof.scheme in {"api-key", "callback-secret"}
    assert any(secret and secret in headers.values() for secret in secrets)


def _signature(secret: str, delivery_id: str, timestamp: str, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
        second = math.floor(float(timestamp))
    except (ValueError, OverflowError):
        key, second = b"none", 0
    digest = hmac.new(key, f"{delivery_id}.{second}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _we_believe(secrets: tuple[str, ...], headers: dict[str, str], body: bytes, now: float) -> bool:
    try:
        verify(source(webhook_secrets=secrets), arrival(headers, body, int(now * 1000)))
    except ProofRefused:
        return False
    return True


def _library_believes(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, {f"webhook-{part}": value for part, value in headers.items()}, json_parse=False)
    except Exception:  # noqa: BLE001  # the library crashes on malformed input: that is its way of refusing it
        return False
    return True
