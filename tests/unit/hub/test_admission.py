"""How many viewers there may be: no address takes the places of all, and a place that is free is given away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.admission import Admission

ONE, OTHER = "192.0.2.1", "2001:db8::1"


def test_who_is_over_a_limit_is_told_which() -> None:
    """Whoever reads the log must know what to change."""
    admission = Admission(3, 2)
    said = [admission.enter(address) for address in (ONE, ONE, ONE, OTHER)]
    assert said == ["", "", "stream.max_viewers_per_address", "stream.max_viewers"]


def test_one_customer_is_one_however_its_addresses_are_written() -> None:
    """Whoever has an IPv6 network has more addresses than there are places."""
    admission = Admission(10, 1)
    said = [admission.enter(address) for address in ("192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8::2")]
    assert [bool(limit) for limit in said] == [False, True, False, True]
    assert admission.enter("2001:db8:0:1::1") == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_nobodys_own_address(address: str) -> None:
    """A proxy on the same machine that says nothing of who is behind it would be full at once."""
    admission = Admission(10, 1)
    assert [admission.enter(address) for _ in range(3)] == ["", "", ""]


def test_an_address_that_is_none_is_counted_like_one() -> None:
    """What a proxy puts there is text of somebody else's."""
    admission = Admission(10, 1)
    assert [bool(admission.enter("unknown")) for _ in range(2)] == [False, True]


def test_no_limit_for_an_address_is_none() -> None:
    """Where a proxy is in front that cannot be asked."""
    admission = Admission(5, 0)
    assert [admission.enter(ONE) for _ in range(6)] == ["", "", "", "", "", "stream.max_viewers"]


@given(st.lists(st.sampled_from([ONE, OTHER, "127.0.0.1", ""]), max_size=30))
def test_whoever_leaves_leaves_nothing(addresses: list[str]) -> None:
    """In whichever order they come and go, there is room for as many as before."""
    admission = Admission(4, 2)
    for address in (*addresses, *addresses):
        admission.enter(address)
    for address in (*reversed(addresses), *addresses):
        admission.leave(address)
    assert [admission.enter(address) for address in (ONE, ONE, OTHER, OTHER)] == [""] * 4
