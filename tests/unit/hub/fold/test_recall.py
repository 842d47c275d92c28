"""What is remembered between batches: the very same as long as the bytes are the same, and never more than that."""

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from hub.events import Kind
from hub.fold import Batch, Rules
from hub.fold.parts import encode
from hub.fold.recall import Recall, Recent
from hub.state.facts import Cell, Facts
from tests.memory import MemoryLog
from tests.searching import search
from tests.unit.hub.fold import stories
from tests.unit.hub.fold.telling import SESSION, body, delivery, joined, left, named

TOLD = stories.tellings(
    st.one_of(stories.room_facts((stories.NAMED, stories.NAMELESS, stories.SID)), stories.shared_facts)
)
KEY = (f"rooms/{SESSION}", "participant/ann")


def facts(time: int) -> Facts:
    return Facts(first={f"join/{time}": Cell(time, "k")})


def test_equal_bytes_are_the_very_same_facts() -> None:
    """What was derived of them is then known to hold."""
    recall, stored = Recall(), encode(facts(1))
    first = recall.decoded(KEY, stored)
    assert first == facts(1)
    assert recall.decoded(KEY, bytes(bytearray(stored))) is first


def test_what_was_written_is_what_is_read() -> None:
    """The next batch does not decode what this one encoded."""
    recall, written = Recall(), facts(2)
    assert recall.decoded(KEY, recall.encoded(KEY, written)) is written


def test_other_bytes_are_decoded_whatever_was_expected() -> None:
    """A transaction was rolled back, or somebody else wrote."""
    recall = Recall()
    recall.encoded(KEY, facts(2))
    assert recall.decoded(KEY, encode(facts(1))) == facts(1)
    assert recall.decoded((KEY[0], "participant/bob"), encode(facts(2))) == facts(2)


@given(keys=st.lists(st.integers(0, 9), max_size=40), limit=st.integers(1, 5))
def test_what_was_not_asked_for_the_longest_is_forgotten(keys: list[int], limit: int) -> None:
    """Memory is bounded; what is in use stays."""
    recent: Recent[int, str] = Recent(limit)
    used: list[int] = []
    for key in keys:
        assert (recent.get(key) is not None) == (key in used[-limit:])
        recent.put(key, "kept")
        used = [*(one for one in used if one != key), key]


@given(kept=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=30), limit=st.integers(1, 9))
def test_heavy_things_take_the_place_of_several(kept: list[tuple[int, int]], limit: int) -> None:
    """A room with thousands of people counts as much as thousands of rooms, and is alone if need be."""
    recent: Recent[int, int] = Recent(limit, weigh=lambda weight: weight)
    for key, weight in kept:
        recent.put(key, weight)
        found = {other: there for other in range(5) if (there := recent.get(other)) is not None}
        assert found[key] == weight
        assert sum(found.values()) <= limit or len(found) == 1


@search(60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_what_is_remembered_changes_nothing(data: st.DataObject) -> None:
    """A process that starts anew writes what one writes that has seen everything."""
    deliveries = data.draw(TOLD)
    remembering, forgetful = MemoryLog(), MemoryLog()
    for batch in data.draw(stories.arrivals(len(deliveries))):
        forgetful.forget()
        some = [deliveries[place] for place in batch]
        assert remembering.commit(some) == forgetful.commit(some)


def test_a_batch_that_was_never_written_leaves_no_trace() -> None:
    """The store said no: what was worked out for it is not taken for what is stored."""
    log, recall = MemoryLog(), Recall()
    log.commit([delivery(joined("ann", 1))])
    lost = [delivery(left("ann", 5))]
    batch = Batch(lost, Rules(), recall)
    batch.fold(log.load(batch.needs))
    again = Batch([delivery(named(Kind.ROOM_STARTED, 2))], Rules(), recall)
    changes = again.fold(log.load(again.needs))
    assert body(changes.documents[f"rooms/{SESSION}"])["participant_count"] == 1
