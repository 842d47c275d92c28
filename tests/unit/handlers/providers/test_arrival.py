"""A request as it arrived: headers that came twice are there twice."""

from handlers.providers.arrival import Arrival

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
