"""Which of Pulse's requests are believed: any whose bytes were signed, in either header, in every spelling."""

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.providers.arrival import Arrival, Proof
from handlers.providers.hmac_hex import signature
from handlers.providers.pulse_proof import sign, verify
from hub.errors import ConfigRefused, ProofRefused
from hub.settings import Source

SAMPLES = Path(__file__).parents[3] / "samples"
VECTORS: list[dict[str, Any]] = [  # vectors are what they are
    vector
    for vector in orjson.loads((SAMPLES / "signing_vectors.json").read_bytes())["vectors"]
    if vector["provider"].startswith("pulse")
]
SECRET, OTHER_SECRET = "whs_0123456789abcdef", "whs_fedcba9876543210"
SOURCE = Source(provider="pulse", name="pulse", path="/webhooks/pulse", signing_secrets=(SECRET,))
NOW = 1_773_151_300_000
BODY = b'{"event": "room.started",  "data": {"room_name": "daily"}}'
RIGHT = signature(BODY, SECRET)
HEADERS = ("x-webhook-signature", "x-pulse-signature")
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def arrive(*headers: tuple[str, str], body: bytes = BODY) -> Arrival:
    return Arrival(headers=headers, body=body, received_at=NOW)


def refusal(arrival: Arrival, source: Source = SOURCE) -> str:
    with pytest.raises(ProofRefused) as refused:
        verify(source, arrival)
    return str(refused.value)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["provider"]))
def test_the_vectors_of_both_dialects_are_accepted(vector: dict[str, Any]) -> None:
    """They were made with the guide's own code, and with that of the public sender."""
    source = msgspec.structs.replace(SOURCE, signing_secrets=(vector["config"]["webhook_secret"],))
    body = (SAMPLES / vector["fixture"]).read_bytes()
    headers = tuple(vector["headers"].items())
    assert verify(source, arrive(*headers, body=body)) == Proof(scheme="hmac")
    assert "other bytes" in refusal(arrive(*headers, body=body + b"\n"), source)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("spell", [str, str.upper, "sha256={}".format, "SHA256={}".format, " sha256={}".format])
def test_either_header_holds_it_in_every_spelling(header: str, spell: type[str]) -> None:
    """The guide and the code differ in both; what was signed is the same."""
    assert verify(SOURCE, arrive((header, spell(RIGHT)))) == Proof(scheme="hmac")


@pytest.mark.parametrize("right", [0, 1, 2])
def test_one_right_signature_among_several_suffices(right: int) -> None:
    """A relay may add its own beside it, in the same header or in the other."""
    given = [["x-webhook-signature", "0" * 64], ["x-webhook-signature", "é"], ["x-pulse-signature", "sha256="]]
    given[right][1] = RIGHT
    assert verify(SOURCE, arrive(*((name, value) for name, value in given))) == Proof(scheme="hmac")


@pytest.mark.parametrize("secrets", [(SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET)])
def test_any_secret_of_the_source_may_have_signed(secrets: tuple[str, ...]) -> None:
    """While a secret is replaced, both are in use."""
    assert verify(msgspec.structs.replace(SOURCE, signing_secrets=secrets), arrive((HEADERS[0], RIGHT)))


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_a_source_without_secrets_believes_nobody(secrets: tuple[str, ...]) -> None:
    """Everybody can sign with nothing."""
    source = msgspec.structs.replace(SOURCE, signing_secrets=secrets)
    assert "secret" in refusal(arrive((HEADERS[0], signature(BODY, ""))), source)


def test_a_missing_signature_is_named() -> None:
    """It is the first thing to look for when a webhook fails."""
    told = refusal(arrive(("x-pulse-event", "room_started")))
    assert "X-Webhook-Signature" in told
    assert "X-Pulse-Signature" in told


def test_something_else_than_a_signature_is_named_as_such() -> None:
    """A shell that cuts what openssl prints at the wrong place leaves its label instead of the digits."""
    told = refusal(arrive(("x-webhook-signature", "sha256=(stdin)=")))
    assert "64 hexadecimal digits" in told
    assert "X-Pulse-Signature" not in told


def test_the_guides_curl_is_told_that_it_signs_other_bytes() -> None:
    """It signs `{"event":"room.started"}`, and sends a body with more in it."""
    digits = signature(b'{"event":"room.started"}', SECRET)
    assert "other bytes were signed" in refusal(arrive(("x-webhook-signature", f"sha256={digits}")))


@given(header=st.sampled_from(HEADERS), value=ANY_TEXT, body=st.binary(max_size=50))
@example(header=HEADERS[0], value="sha256=é", body=BODY)
@example(header=HEADERS[1], value="\ud800" * 64, body=BODY)
@example(header=HEADERS[0], value="", body=BODY)
@example(header=HEADERS[0], value=RIGHT[:-1], body=BODY)
def test_whatever_the_header_holds_the_refusal_is_a_refusal(header: str, value: str, body: bytes) -> None:
    """Comparing in constant time raises for some texts: any other error would be answered 500 and retried."""
    assert SECRET not in refusal(arrive((header, value), body=body))


def test_bytes_that_are_not_text_are_proved_as_they_came() -> None:
    """Decoding them first could make others of them."""
    body = b'{"event":"\xff\xfe\x00"}'
    assert verify(SOURCE, arrive(("x-pulse-signature", signature(body, SECRET)), body=body)) == Proof(scheme="hmac")


@pytest.mark.parametrize("dialect", ["guide", "go"])
@pytest.mark.parametrize("body", [BODY, b"", b"no json", b'{"event": 5}', b'{"event": "a\\r\\nx-injected: 1"}'])
def test_what_was_signed_is_accepted_and_fits_into_headers(dialect: str, body: bytes) -> None:
    """Whoever tries the hub may send anything."""
    headers = sign(SOURCE, body, dialect)
    assert verify(SOURCE, arrive(*headers.items(), body=body)) == Proof(scheme="hmac")
    assert not any(character in value for value in headers.values() for character in "\r\n")


def test_the_guides_dialect_has_the_guides_header() -> None:
    """Receivers that follow the guide look nowhere else."""
    assert sign(SOURCE, BODY, "guide") == {
        "x-webhook-signature": f"sha256={RIGHT}",
        "content-type": "application/json",
    }


def test_the_codes_dialect_has_the_codes_headers() -> None:
    """As the public code sends them."""
    assert sign(SOURCE, BODY, "go") == {
        "x-pulse-signature": RIGHT,
        "x-pulse-event": "room.started",
        "content-type": "application/json",
        "user-agent": "Pulse-Webhook/1.0",
    }


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_nothing_can_be_signed_without_a_secret(secrets: tuple[str, ...]) -> None:
    """What is missing is named as in the configuration."""
    with pytest.raises(ConfigRefused, match=r"sources\.pulse\.signing_secrets"):
        sign(msgspec.structs.replace(SOURCE, signing_secrets=secrets), BODY, "guide")
