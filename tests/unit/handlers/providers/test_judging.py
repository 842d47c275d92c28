"""What is judged before it is taken: ids that fit, times that can have been, errors that tell no addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.judging import identify, not_before, past, read_error
from hub.events import FUTURE_LIMIT_MS, ID_LIMIT, NAME_LIMIT

NOW = 1_773_151_300_000
TIMES = st.none() | st.integers(1, 2 * NOW)


@given(st.text(st.characters(exclude_categories=()), max_size=500) | st.integers())
def test_an_id_fits_into_topics_whatever_it_is(told: object) -> None:
    """It becomes a part of URLs and of rows' names."""
    found = identify({"peer": {"id": told}}, "peer", "id")
    assert found.isascii()
    assert len(found) <= ID_LIMIT


def test_long_ids_stay_different() -> None:
    """Two things that differ only at the end are two things."""
    assert identify({"id": "x" * 3000 + "a"}, "id") != identify({"id": "x" * 3000 + "b"}, "id")


@pytest.mark.parametrize(("ahead", "is_kept"), [(-1, True), (FUTURE_LIMIT_MS, True), (FUTURE_LIMIT_MS + 1, False)])
def test_what_lies_far_ahead_has_not_been(ahead: int, is_kept: bool) -> None:
    """A clock may be a little fast."""
    assert past(NOW + ahead, NOW) == (NOW + ahead if is_kept else None)


@given(start=TIMES, end=TIMES)
def test_an_end_is_kept_or_moved_to_its_start(start: int | None, end: int | None) -> None:
    """Of an end that is not known nothing is made up."""
    found = not_before(start, end)
    assert (found is None) == (end is None)
    assert found in (start, end)
    assert start is None or found is None or found >= start


def test_an_error_tells_no_addresses() -> None:
    """The address of a stream ends in its key."""
    said = read_error({"error": "cannot reach rtmps://u:p@live.example/app/key now"})
    assert said == "cannot reach rtmps://… now"


@given(st.text(max_size=600))
def test_an_error_is_short(words: str) -> None:
    """It is shown beside the recording."""
    assert len(read_error({"why": words}, "why")) <= NAME_LIMIT
