"""What a session is derived from: as long as that is the same, nothing is worked out again, and no longer."""

import pytest

from hub.events import Fact, Kind, ParticipantDetail, RoomDetail
from hub.fold.derived import Derived
from hub.fold.household import Household
from hub.fold.recall import Recall
from tests.unit.hub.fold.telling import DURABLE, SESSION, joined, left, named, nameless

CAME = (named(Kind.ROOM_STARTED, 1), joined("ann", 2), joined("bob", 3))


def derived(recall: Recall, *facts: Fact) -> Derived:
    """Return the session as a batch of its own shows it that found these facts."""
    house = Household(DURABLE, frozenset(), recall)
    for place, fact in enumerate(facts):
        house.absorb(fact, f"k{place}", "livekit")
    shown = house.derive(SESSION)
    assert shown
    return shown


def test_equal_facts_are_not_derived_twice() -> None:
    """A room's next webhook finds the room as the last one left it."""
    recall = Recall()
    first = derived(recall, *CAME)
    assert derived(recall, *CAME).people is first.people


@pytest.mark.parametrize(
    "news",
    [
        left("ann", 5),
        named(Kind.ROOM_ENDED, 5),
        nameless(Kind.PARTICIPANT_JOINED, 5, ParticipantDetail(id="eve")),
        nameless(Kind.ROOM_UPDATED, 5, RoomDetail(featured=True)),
    ],
    ids=["leave", "end", "of-the-durable-room", "featured"],
)
def test_whatever_a_session_follows_from_is_looked_at(news: Fact) -> None:
    """What was remembered of other facts is not shown for these."""
    recall = Recall()
    before = derived(recall, *CAME)
    after = derived(recall, *CAME, news)
    assert after != before
    assert after == derived(Recall(), *CAME, news)
