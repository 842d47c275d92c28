"""What a viewer brings with it: what it follows, what it may follow, and until when."""

from hypothesis import given
from hypothesis import strategies as st

from hub.desk import Grant, with_state
from hub.events import covers

TOPICS = st.frozensets(st.sampled_from(["*", "rooms", "bots", "rooms/a", "rooms/b", "bots/a", "deliveries"]))
PERMITTED = frozenset({"rooms", "bots"})


@given(TOPICS)
def test_nothing_that_was_asked_for_is_lost_and_nothing_is_followed_twice(asked: frozenset[str]) -> None:
    """What one topic covers comes back when that topic goes."""
    grant = Grant.of(asked, PERMITTED, None)
    assert grant.asked == asked
    assert all(covers(grant.topics, topic) for topic in asked)
    assert not any(covers(grant.topics - {topic}, topic) for topic in grant.topics)


@given(TOPICS, TOPICS)
def test_asking_for_others_changes_nothing_else(before: frozenset[str], after: frozenset[str]) -> None:
    """Least of all when it ends."""
    grant = Grant.of(before, PERMITTED, 17, "wall").asking(after)
    assert grant == Grant.of(after, Grant.of(before, PERMITTED, 17).permitted, 17, "wall")


@given(TOPICS)
def test_another_permission_leaves_what_is_followed(asked: frozenset[str]) -> None:
    """A token that is renewed is no reason to begin anew."""
    grant = Grant.of(asked, PERMITTED, 17, "wall")
    renewed = grant.renewed(frozenset({"*"}), 99)
    assert (renewed.topics, renewed.asked, renewed.name) == (grant.topics, asked, "wall")
    assert (renewed.expires_at, "*" in renewed.permitted) == (99, True)


def test_deliveries_are_permitted_to_who_follows_them_and_to_nobody_else() -> None:
    """They are in no other topic, so a token for every topic does not bring them."""
    assert "deliveries" in Grant.of(frozenset({"deliveries"}), frozenset({"*"}), None).permitted
    assert "deliveries" not in Grant.of(frozenset({"*"}), frozenset({"*"}), None).permitted


def test_a_permission_is_over_at_its_second_and_not_before() -> None:
    """Not one event later, and not one lost."""
    grant = Grant(frozenset({"rooms"}), 17)
    assert [grant.is_over(now) for now in (16_999, 17_000, 18_000)] == [False, True, True]
    assert not Grant(frozenset({"rooms"})).is_over(10**15)


def test_what_arrives_has_no_state() -> None:
    """It is shown as it arrives."""
    assert with_state(frozenset({"deliveries", "rooms"})) == frozenset({"rooms"})
