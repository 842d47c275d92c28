"""What should be shown follows from the truth: by hand, and not by the hub's own way of counting."""

from collections import Counter
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.story import Captured, Meeting, RoomTruth, Stay
from hub.commands.casting import Performance
from hub.commands.expected import User, rooms_of, used_by, users_of
from tests.unit.hub.commands.playing import HMS_ROOMS, PULSE

MINUTE = 60_000


def stay(began: int, ended: int, identity: str = "ann", role: str = "") -> Stay:
    """Return a stay between two minutes."""
    return Stay(identity=identity, began=began * MINUTE, ended=ended * MINUTE, role=role)


def truth(*stays: Stay, **more: object) -> RoomTruth:
    return RoomTruth(**{"provider": "pulse", "room": "a b", "started": 0, "ended": 0, "stays": stays, **more})


def line(identity: str, joined: str, left: str, watched: int, visits: int, **more: object) -> User:
    return User(identity, more.pop("role", None), joined, left, watched * MINUTE, visits, **more)


def test_two_devices_are_one_user_who_watched_once() -> None:
    """From 1 to 6 by one device, from 4 to 8 by another, and again from 10 to 11: eight minutes, three visits."""
    found = users_of([stay(4, 8, role="guest"), stay(1, 6, role="host"), stay(10, 11, role="speaker")])
    assert found == Counter([line("ann", "1970-01-01T00:01:00Z", "1970-01-01T00:11:00Z", 8, 3, role="speaker")])


def test_who_has_no_identity_is_a_user_of_its_own() -> None:
    """Nobody can tell that two visits were one person's."""
    assert users_of([stay(1, 2, ""), stay(1, 2, "")]) == Counter(
        {User(None, None, "1970-01-01T00:01:00Z", "1970-01-01T00:02:00Z", MINUTE, 1): 2}
    )


def test_who_was_expected_is_marked_and_who_did_not_come_is_there_without_times() -> None:
    """As a schedule shows it."""
    assert users_of([stay(1, 2), stay(1, 2, "bob")], ["ann", "zoe"]) == Counter(
        [
            line("ann", "1970-01-01T00:01:00Z", "1970-01-01T00:02:00Z", 1, 1, expected=True),
            line("bob", "1970-01-01T00:01:00Z", "1970-01-01T00:02:00Z", 1, 1),
            User("zoe", None, None, None, 0, 0, True),
        ]
    )


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), min_size=1, max_size=8))
def test_watching_is_counted_minute_by_minute(spans: list[tuple[int, int]]) -> None:
    """The slowest way to count is the surest."""
    (found,) = users_of([stay(began, began + length) for began, length in spans])
    minutes = {minute for began, length in spans for minute in range(began, began + length)}
    assert found.watched_ms == len(minutes) * MINUTE


def test_usage_counts_every_device_and_takes_what_is_reported_instead() -> None:
    """A provider bills connections; where it reports its own figure, that is what it bills."""
    own, reported = truth(stay(0, 5), stay(2, 9), stay(9, 10)), truth(stay(0, 99), told_present_ms=90_000, told_peak=7)
    assert (used_by([own]).minutes, used_by([own]).peak) == (Fraction(13), 2)
    assert (used_by([own, reported]).minutes, used_by([own, reported]).peak) == (Fraction(29, 2), 7)
    assert (used_by([]).minutes, used_by([]).peak) == (0, 0)


def test_meetings_with_names_are_rooms_of_their_own_and_those_without_are_one() -> None:
    """As far as their payloads can tell them apart."""
    rec = Captured("r", "stopped", placed=False)
    named = [truth(session=session) for session in ("S1", "S2")]
    nameless = [truth(stay(0, 1), captured=(rec,)), truth(stay(2, 3), captured=(rec,), rejected=("x",))]
    found = rooms_of(Performance(PULSE, Meeting((), one)) for one in [*named, *nameless])
    assert [(room.id, room.durable) for room in found] == [
        ("pulse:S1", "pulse@a~20b"),
        ("pulse:S2", "pulse@a~20b"),
        ("pulse@a~20b", "pulse@a~20b"),
    ]
    assert (len(found[2].stays), found[2].captured, found[2].rejected) == (2, (rec,), ("x",))


def test_a_room_is_called_after_the_home_of_its_source() -> None:
    """Several paths of one account speak of the same rooms."""
    (room,) = rooms_of([Performance(HMS_ROOMS, Meeting((), truth(provider="100ms")))])
    assert room.durable == "100ms@a~20b"
