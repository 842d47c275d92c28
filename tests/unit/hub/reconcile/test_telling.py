"""What the hub finds out is told in deliveries that are the same when they say the same."""

from hub.events import Kind
from hub.reconcile.seen import HeldRoom, Said, SeenRoom
from hub.reconcile.telling import came_and_went, delivery_of, people_gone, room_gone

HELD = HeldRoom(room="livekit:S1", durable="lk@daily", active_at=1, lives_until=2)
SEEN = SeenRoom(
    room="livekit:S1", durable="lk@daily", scope="livekit/", began_at=1, start=Said({"sid": "S1"}, ()), people={}
)


def test_equal_words_are_one_delivery_whenever_they_are_told() -> None:
    """Asking again adds nothing."""
    first, again = (delivery_of("room.listed", "livekit/", {"room": "S1"}, (), now) for now in (1, 2))
    assert (first.scope, first.key, first.window_ms) == (again.scope, again.key, None)


def test_an_end_that_nobody_told_is_marked_as_observed() -> None:
    """It must give way to the provider's own."""
    (fact,) = room_gone(HELD, "livekit/", 1, 2).facts
    assert (fact.kind, fact.observed, fact.time) == (Kind.ROOM_ENDED, True, 1)


def test_many_people_are_told_in_portions() -> None:
    """A commit must stay short, however large a room is."""
    gone = dict.fromkeys((f"PA_{number}" for number in range(401)), 1)
    assert [len(one.facts) for one in people_gone(SEEN, gone, 2)] == [200, 200, 1]


def test_nobody_is_no_delivery() -> None:
    """A round that finds nothing keeps nothing."""
    assert came_and_went(SEEN, {}, 1) == [] == people_gone(SEEN, {}, 1)
