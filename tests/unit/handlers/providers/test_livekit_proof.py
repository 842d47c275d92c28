"""The proof of LiveKit's webhooks: what is accepted, what is refused, and what is said about it."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from livekit.api import TokenVerifier, WebhookReceiver

from handlers.providers.arrival import Arrival, Proof
from handlers.providers.livekit_proof import TOKEN_LIMIT, sign, verify
from hub.errors import ConfigRefused, ProofRefused
from hub.settings import Source
from tests.unit.handlers.providers.livekit_tokens import (
    BODY,
    KEY,
    NOW,
    OTHER_SECRET,
    SECRET,
    SOURCE,
    Object,
    arrive,
    claims_at,
    encode,
    mint,
    source_with,
)

SAMPLES = Path(__file__).parents[3] / "samples"


def refusal(arrival: Arrival, source: Source = SOURCE) -> str:
    with pytest.raises(ProofRefused) as refused:
        verify(source, arrival)
    return str(refused.value)


def test_a_webhook_recorded_from_livekit_is_accepted_at_its_time() -> None:
    """The vector was accepted by LiveKit's own library; only its clock has to be the one of then."""
    vector = livekit_vector()
    body = (SAMPLES / vector["fixture"]).read_bytes()
    config = vector["config"]
    source = source_with({config["api_key"]: (config["api_secret"],)})
    arrival = Arrival(headers=tuple(vector["headers"].items()), body=body, received_at=vector["now"] * 1000)
    assert verify(source, arrival) == Proof(scheme="jwt")


def livekit_vector() -> Object:
    vectors = json.loads((SAMPLES / "signing_vectors.json").read_bytes())["vectors"]
    found: Object = next(vector for vector in vectors if vector["provider"] == "livekit")
    return found


def test_a_signed_sample_has_the_headers_of_the_recorded_one() -> None:
    """Whoever tries the hub with samples should meet what LiveKit will send, byte for byte."""
    vector = livekit_vector()
    config = vector["config"]
    source = source_with({config["api_key"]: (config["api_secret"],)})
    assert sign(source, (SAMPLES / vector["fixture"]).read_bytes(), vector["now"] * 1000) == vector["headers"]


def test_livekits_own_receiver_accepts_what_is_signed_here() -> None:
    """Samples that only our own verification accepts would prove nothing."""
    headers = sign(SOURCE, BODY, int(time.time() * 1000))
    receiver = WebhookReceiver(TokenVerifier(KEY, SECRET))
    assert receiver.receive(BODY.decode(), headers["authorization"]).event == "room_started"


def test_signing_takes_the_first_secret_of_the_first_key() -> None:
    """During a rotation the first one is the one in use."""
    headers = sign(source_with({KEY: (SECRET, OTHER_SECRET), "APIother": (OTHER_SECRET,)}), BODY, NOW * 1000)
    assert verify(SOURCE, arrive(headers["authorization"])) == Proof(scheme="jwt")


@pytest.mark.parametrize("keys", [{}, {KEY: ()}, {KEY: ("",)}])
def test_a_source_without_keys_signs_nothing(keys: dict[str, tuple[str, ...]]) -> None:
    """A token signed with nothing would be refused later, and nobody would know why."""
    with pytest.raises(ConfigRefused, match=r"sources\.livekit\.keys"):
        sign(source_with(keys), BODY, NOW * 1000)


def test_bytes_that_are_not_text_are_proved_as_they_came() -> None:
    """The hash is over the received bytes; decoding them first could make others of them."""
    body = b'{"event":"\xff\xfe\x00"}'
    headers = sign(SOURCE, body, NOW * 1000)
    assert verify(SOURCE, arrive(headers["authorization"], body=body)) == Proof(scheme="jwt")


@pytest.mark.parametrize("secrets", [(SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET)])
def test_any_secret_of_the_key_may_match(secrets: tuple[str, ...]) -> None:
    """While a secret is being replaced, servers sign with the old or the new one."""
    assert verify(source_with({KEY: secrets}), arrive(mint(claims_at(NOW)))) == Proof(scheme="jwt")


def test_the_secret_is_chosen_by_the_issuer() -> None:
    """Projects share a path, but not their secrets."""
    source = source_with({KEY: (OTHER_SECRET,), "APIother": (SECRET,)})
    assert "signature" in refusal(arrive(mint(claims_at(NOW))), source)


def test_an_unknown_issuer_is_refused() -> None:
    """A token of another project says nothing about this source."""
    assert "iss" in refusal(arrive(mint({**claims_at(NOW), "iss": "APIstranger"})))


def test_an_empty_secret_never_matches() -> None:
    """Everybody can sign with nothing."""
    assert "signature" in refusal(arrive(mint(claims_at(NOW), secret="")), source_with({KEY: ("",)}))


def test_one_valid_authorization_among_several_suffices() -> None:
    """Proxies add headers of their own."""
    valid = mint(claims_at(NOW))
    assert verify(SOURCE, arrive("Basic Zm9vOmJhcg==", valid, "junk")) == Proof(scheme="jwt")


def test_without_authorization_the_refusal_names_the_header() -> None:
    """It is the first thing to look for when a webhook fails."""
    assert "Authorization" in refusal(arrive())


def test_a_bearer_prefix_is_refused_and_explained() -> None:
    """LiveKit's receiver refuses it too; whoever adds it has copied it from an API call."""
    assert "raw token" in refusal(arrive(f"Bearer {mint(claims_at(NOW))}"))


@pytest.mark.parametrize("algorithm", ["none", "HS512", "hs256", "RS256", "", None, ["HS256"]])
def test_only_hs256_is_accepted(algorithm: object) -> None:
    """Letting the token choose the algorithm is how JWT libraries were broken."""
    assert "alg" in refusal(arrive(mint(claims_at(NOW), header={"alg": algorithm})))


def test_a_token_must_expire() -> None:
    """One that does not could be replayed for ever."""
    claims = claims_at(NOW)
    del claims["exp"]
    assert "exp" in refusal(arrive(mint(claims)))


def test_a_token_is_good_until_a_minute_after_its_expiry() -> None:
    """Clocks differ; LiveKit allows a minute."""
    assert verify(SOURCE, arrive(mint({**claims_at(NOW), "exp": NOW - 59}))) == Proof(scheme="jwt")
    assert "expired" in refusal(arrive(mint({**claims_at(NOW), "exp": NOW - 60})))


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_token_is_good_from_a_minute_before_its_time(claim: str) -> None:
    """Clocks differ; LiveKit allows a minute."""
    assert verify(SOURCE, arrive(mint({**claims_at(NOW), claim: NOW + 60}))) == Proof(scheme="jwt")
    assert "not valid yet" in refusal(arrive(mint({**claims_at(NOW), claim: NOW + 61})))


def test_an_access_token_is_no_webhook() -> None:
    """Every participant holds a token signed with the same secret."""
    claims = claims_at(NOW)
    del claims["sha256"]
    assert "sha256" in refusal(arrive(mint({**claims, "video": {"roomJoin": True}, "sub": "ann"})))


def test_another_body_is_refused() -> None:
    """Who overhears one webhook must not be able to send others."""
    assert "sha256" in refusal(arrive(mint(claims_at(NOW)), body=BODY + b" "))


def test_a_token_that_is_too_long_is_refused() -> None:
    """The claims have to be read before the signature is known to be right."""
    long = mint({**claims_at(NOW), "metadata": "x" * TOKEN_LIMIT})
    assert "too long" in refusal(arrive(long))


def test_a_deeply_nested_token_is_refused() -> None:
    """Decoders give up on depth with an error of their own."""
    nested = encode(b"[" * 3000)
    assert "JSON object" in refusal(arrive(f"{nested}.{nested}.{nested}"))


@given(token=st.text(st.characters(categories=None)))
@example(token="é.é.é")
@example(token="..")
@example(token="")
@example(token="\ud800.a.b")
def test_whatever_authorization_holds_the_refusal_is_a_refusal(token: str) -> None:
    """Any other error would be answered 500 and retried."""
    refusal(arrive(token))


def test_refusals_tell_neither_tokens_nor_secrets() -> None:
    """They are answered to whoever asks, and logged."""
    token = mint({**claims_at(NOW), "exp": NOW - 3600})
    told = refusal(arrive(token)) + refusal(arrive(token[:-2])) + refusal(arrive(f"Bearer {token}"))
    assert not any(secret in told for secret in (*token.split("."), SECRET, KEY))
