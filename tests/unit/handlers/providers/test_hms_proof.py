"""The proofs of 100ms' webhooks: what is accepted, what is refused, and what is said about it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Arrival, Proof, hashed_secret
from handlers.providers.hms_proof import sign, verify
from hub.errors import ConfigRefused, ProofRefused
from hub.settings import Source

SAMPLES = Path(__file__).parents[3] / "samples"
BODY = b'{"type": "session.open.success",  "data": {"room_id": "r"}}'
HEADER, SIGNING = "header-secret-0123456789", "signing-secret-0123456789"
SOURCE = Source(
    provider="100ms", name="100ms", path="/h", headers={"X-100ms-Key": (HEADER,)}, signing_secrets=(SIGNING,)
)
ANY_TEXT = st.text(st.characters(exclude_categories=()))
VECTORS: dict[str, Any] = {  # vectors are what they are
    vector["provider"]: vector
    for vector in json.loads((SAMPLES / "signing_vectors.json").read_bytes())["vectors"]
    if vector["provider"].startswith("100ms")
}
BY_VECTOR = {
    "100ms": Source(
        provider="100ms",
        name="100ms",
        path="/h",
        headers={VECTORS["100ms"]["config"]["header_name"]: (VECTORS["100ms"]["config"]["header_value"],)},
    ),
    "100ms_hipaa": Source(
        provider="100ms", name="100ms", path="/h", signing_secrets=(VECTORS["100ms_hipaa"]["config"]["auth_secret"],)
    ),
}


def source_with(**secrets: Any) -> Source:  # settings of any type
    return Source(provider="100ms", name="100ms", path="/h", **secrets)


def arrive(*headers: tuple[str, str], body: bytes = BODY, hashed: bool = False) -> Arrival:
    return Arrival(headers=headers, body=body, received_at=1_773_151_300_000, hashed=hashed)


def signed(dialect: str, body: bytes = BODY, source: Source = SOURCE) -> tuple[tuple[str, str], ...]:
    return tuple(sign(source, body, dialect).items())


def refusal(*headers: tuple[str, str], source: Source = SOURCE, body: bytes = BODY) -> str:
    with pytest.raises(ProofRefused) as refused:
        verify(source, arrive(*headers, body=body))
    return str(refused.value)


@pytest.mark.parametrize(("name", "scheme"), [("100ms", "secret-header"), ("100ms_hipaa", "hmac")])
def test_the_published_vectors_are_accepted(name: str, scheme: str) -> None:
    """One is of an ordinary workspace, one of a HIPAA workspace, whose own sample made the signature."""
    vector = VECTORS[name]
    body = (SAMPLES / vector["fixture"]).read_bytes()
    arrival = arrive(*vector["headers"].items(), body=body)
    assert verify(BY_VECTOR[name], arrival) == Proof(scheme=scheme)


@pytest.mark.parametrize(("name", "dialect"), [("100ms", "header"), ("100ms_hipaa", "signature")])
def test_a_signed_sample_has_the_headers_of_the_vector(name: str, dialect: str) -> None:
    """Whoever tries the hub with samples should meet what 100ms will send."""
    vector = VECTORS[name]
    assert sign(BY_VECTOR[name], (SAMPLES / vector["fixture"]).read_bytes(), dialect) == vector["headers"]


@pytest.mark.parametrize(("dialect", "scheme"), [("header", "secret-header"), ("signature", "hmac"), ("guide", "hmac")])
def test_every_dialect_proves_itself(dialect: str, scheme: str) -> None:
    """One of them suffices."""
    assert verify(SOURCE, arrive(*signed(dialect))) == Proof(scheme=scheme)


def test_the_guide_puts_the_algorithm_in_front() -> None:
    """Its signature is that of HIPAA workspaces but for that."""
    bare, guide = (sign(SOURCE, BODY, dialect)["x-100ms-signature"] for dialect in ("signature", "guide"))
    assert guide == f"sha256={bare}"


def test_the_name_of_the_header_is_read_in_any_case() -> None:
    """It is written in the dashboard as one likes, and arrives in lower case."""
    source = source_with(headers={"X-MY-Key": (HEADER,)})
    assert verify(source, arrive(("x-my-key", HEADER))) == Proof(scheme="secret-header")


@pytest.mark.parametrize("value", [HEADER, "old-secret-0123456789"])
def test_each_of_several_values_proves(value: str) -> None:
    """While a value is replaced, both are in use."""
    source = source_with(headers={"X-100ms-Key": ("old-secret-0123456789", HEADER)})
    assert verify(source, arrive(("x-100ms-key", value))) == Proof(scheme="secret-header")


def test_any_of_several_headers_proves() -> None:
    """A room may have a webhook of its own, with other headers."""
    source = source_with(headers={"X-First": ("one-secret-0123456789",), "X-Second": (HEADER,)})
    assert verify(source, arrive(("x-second", HEADER))) == Proof(scheme="secret-header")


def test_a_header_that_came_twice_is_read_twice() -> None:
    """A proxy may have added one."""
    arrival = arrive(("x-100ms-key", "junk"), ("x-100ms-key", HEADER))
    assert verify(SOURCE, arrival) == Proof(scheme="secret-header")


@pytest.mark.parametrize("dialect", ["signature", "guide"])
def test_a_signature_is_of_the_very_bytes(dialect: str) -> None:
    """A body that was changed on its way is none of 100ms'."""
    assert "x-100ms-signature does not match" in refusal(*signed(dialect), body=BODY + b" ")


def test_a_valid_header_makes_up_for_a_wrong_signature() -> None:
    """Any one proof suffices: workspaces may send both, with one of them not set up here."""
    wrong = ("x-100ms-signature", "0" * 64)
    assert verify(SOURCE, arrive(wrong, ("x-100ms-key", HEADER))) == Proof(scheme="secret-header")


def test_without_any_proof_the_refusal_names_what_is_missing() -> None:
    """Whoever sets up the webhook sees nothing else."""
    assert refusal() == "x-100ms-signature is missing, and X-100ms-Key is missing"


def test_a_wrong_value_is_said_to_be_wrong() -> None:
    """A value that is missing and one that is wrong are mended in different places."""
    assert "X-100ms-Key does not match" in refusal(("x-100ms-key", "wrong"))


def test_a_signature_without_a_secret_to_check_it_is_said_to_be_that() -> None:
    """Guides tell to sign; a hub that was given only the header cannot judge it."""
    source = source_with(headers={"X-100ms-Key": (HEADER,)})
    assert "signing_secrets is empty" in refusal(*signed("signature"), source=source)


def test_a_source_without_secrets_says_so() -> None:
    """It is not the sender who has to mend that."""
    assert "no secret is configured" in refusal(source=source_with())


@pytest.mark.parametrize("secrets", [{}, {"headers": {"X-100ms-Key": ("",)}, "signing_secrets": ("",)}])
@pytest.mark.parametrize("value", ["", "sha256=", hashed_secret("")])
def test_nothing_is_proved_with_an_empty_secret(secrets: Any, value: str) -> None:
    """Everybody knows it, and can sign with it."""
    source = source_with(**secrets)
    empty_signature = sign(source_with(signing_secrets=("x",)), BODY, "signature")
    for name in ("x-100ms-key", "x-100ms-signature"):
        assert refusal((name, value), *empty_signature.items(), source=source)


@given(value=ANY_TEXT, other=ANY_TEXT)
def test_whatever_the_headers_hold_it_is_no_proof_and_no_secret_is_told(value: str, other: str) -> None:
    """Headers hold any bytes, also such as are no text; the refusal is shown to whoever asked."""
    said = refusal(("x-100ms-key", value), ("x-100ms-signature", other))
    assert HEADER not in said
    assert SIGNING not in said


@given(value=ANY_TEXT)
def test_a_secret_that_is_not_ascii_is_compared_like_any_other(value: str) -> None:
    """The comparison in constant time does not take such text by itself."""
    source = source_with(headers={"X-100ms-Key": ("schlüssel",)})
    assert refusal(("x-100ms-key", value), source=source)
    assert verify(source, arrive(("x-100ms-key", "schlüssel"))) == Proof(scheme="secret-header")


def test_the_hash_of_a_secret_proves_only_what_was_kept() -> None:
    """Kept requests hold hashes; who has read one must not get in with it."""
    header = ("x-100ms-key", hashed_secret(HEADER))
    assert "does not match" in refusal(header)
    assert verify(SOURCE, arrive(header, hashed=True)) == Proof(scheme="secret-header")


@pytest.mark.parametrize(
    ("dialect", "setting"), [("header", "headers"), ("signature", "signing_secrets"), ("guide", "signing_secrets")]
)
@pytest.mark.parametrize("empty", [{}, {"headers": {"X-A": ()}}, {"headers": {"X-A": ("",)}, "signing_secrets": ("",)}])
def test_a_source_without_the_secret_signs_nothing(dialect: str, setting: str, empty: Any) -> None:
    """The refusal names what to set."""
    with pytest.raises(ConfigRefused, match=setting):
        sign(source_with(**empty), BODY, dialect)


def test_an_unknown_dialect_is_refused() -> None:
    """It is a mistake in a sample, which should not look like a wrong secret."""
    with pytest.raises(ConfigRefused, match="'jwt'"):
        sign(SOURCE, BODY, "jwt")


@given(body=st.binary(max_size=50))
def test_signing_takes_the_first_secret_there_is(body: bytes) -> None:
    """During a rotation the first one is the one in use."""
    source = source_with(headers={"X-A": ("",), "X-B": (HEADER, "other")}, signing_secrets=("", SIGNING, "other"))
    alone = source_with(headers={"X-B": (HEADER,)}, signing_secrets=(SIGNING,))
    for dialect in ("header", "signature", "guide"):
        assert sign(source, body, dialect) == sign(alone, body, dialect)
