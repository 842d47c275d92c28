"""Who is live: an event finds exactly those who follow it, whoever came and left before."""

from hypothesis import given
from hypothesis import strategies as st

from hub.audience import Audience
from hub.desk import Grant
from hub.events import Position
from hub.subscriber import Subscriber
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore
from tests.unit.hub.viewing import Clock, Hub, Link

TOPICS = ("*", "rooms", "rooms/a", "rooms/b", "bots")
DESK = Hub(MemoryStore(Folding()), Position(epoch="epoch1", sequence=0), Clock()).desk


def viewer(*topics: str, at: int = 0) -> Subscriber:
    found = Subscriber(DESK, Link(), Grant(frozenset(topics)))
    found.cursor.sequence = at
    return found


@given(
    st.lists(st.tuples(st.frozensets(st.sampled_from(TOPICS)), st.booleans()), max_size=20),
)
def test_whoever_is_live_is_found_by_each_of_its_topics_and_by_no_other(
    comings: list[tuple[frozenset[str], bool]],
) -> None:
    """In whichever order they came, and however many left in between."""
    live, stays = Audience(), []
    for topics, leaves in comings:
        one = viewer(*topics)
        live.join(one)
        live.join(one)
        if leaves:
            live.leave(one)
            live.leave(one)
        else:
            stays.append(one)
    for topic in TOPICS:
        found = [member for group in live.following(topic) for member in group.members]
        assert len(found) == len(set(found))
        assert set(found) == {one for one in stays if topic in one.grant.topics}
    assert {member for group in live.groups for member in group.members} == set(stays)


def test_those_who_follow_the_same_are_one_group() -> None:
    """Ten thousand viewers of one room are looked at as one."""
    live = Audience()
    for _ in range(10):
        live.join(viewer("rooms", "bots"))
    live.join(viewer("rooms"))
    assert sorted(len(group.members) for group in live.following("rooms")) == [1, 10]


def test_it_is_known_how_far_each_had_been_served_when_it_came() -> None:
    """It may be further than what is being delivered."""
    live = Audience()
    first, second = viewer("rooms", at=7), viewer("rooms", at=9)
    live.join(first)
    live.join(second)
    assert (live.served(first), live.served(second), live.served(viewer("rooms"))) == (7, 9, None)
    live.leave(first)
    assert (live.served(first), live.served(second)) == (None, 9)


def test_nothing_is_kept_of_topics_that_nobody_follows_any_more() -> None:
    """Rooms come and go for months."""
    live = Audience()
    for number in range(1000):
        one = viewer(f"rooms/{number}")
        live.join(one)
        live.leave(one)
    assert live.groups == ()
    assert not any(live.following(f"rooms/{number}") for number in range(1000))
