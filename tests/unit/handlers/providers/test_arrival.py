"""A request as it arrived: headers that came twice are there twice, and secrets are compared, not trusted."""

from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Arrival, hashed_secret, matches_secret

ARRIVAL = Arrival(
    headers=(("x-mb-secret", "first"), ("host", "hub"), ("x-mb-secret", "second"), ("empty", "")),
    body=b"",
    received_at=0,
)


def test_the_first_value_of_a_header_is_the_header() -> None:
    """Signatures are over one id and one time: which one must not be left to chance."""
    assert ARRIVAL.header("x-mb-secret") == "first"


def test_every_value_can_be_had_in_order() -> None:
    """One valid proof suffices, wherever it stands."""
    assert ARRIVAL.every("x-mb-secret") == ("first", "second")


def test_a_header_that_is_empty_is_not_one_that_is_missing() -> None:
    """A refusal can then say which of the two it was."""
    assert ARRIVAL.header("empty") == ""
    assert ARRIVAL.header("absent") is None
    assert ARRIVAL.every("absent") == ()


KEPT = Arrival(headers=(), body=b"", received_at=0, hashed=True)


def test_a_secret_is_matched_as_it_was_given() -> None:
    """Upper and lower case, spaces, an empty one: only the very same is the same."""
    assert matches_secret(ARRIVAL, "s3cret", "s3cret")
    for other in ("S3CRET", "s3cret ", "", "s3cre"):
        assert not matches_secret(ARRIVAL, other, "s3cret")


def test_an_empty_secret_is_matched_by_nothing() -> None:
    """A setting that was left empty must not let everybody in."""
    assert not matches_secret(ARRIVAL, "", "")
    assert not matches_secret(KEPT, hashed_secret(""), "")


def test_what_was_kept_as_a_hash_is_matched_by_its_secret() -> None:
    """So a request that was refused can be verified again without its secrets having been kept."""
    assert matches_secret(KEPT, hashed_secret("s3cret"), "s3cret")
    assert not matches_secret(KEPT, hashed_secret("other"), "s3cret")
    assert not matches_secret(KEPT, "s3cret", "s3cret")


@given(st.text(st.characters(exclude_categories=())))
def test_a_hash_never_stands_for_its_secret_in_a_live_request(secret: str) -> None:
    """Whoever reads the quarantine, or a backup of it, must not be able to pass as the provider."""
    assert not matches_secret(ARRIVAL, hashed_secret(secret), secret)
    assert matches_secret(KEPT, hashed_secret(secret), secret) == bool(secret)


def test_a_hash_of_a_hash_is_no_match_either() -> None:
    """What somebody sent who had the hash is kept as the hash of that."""
    assert not matches_secret(KEPT, hashed_secret(hashed_secret("s3cret")), "s3cret")
