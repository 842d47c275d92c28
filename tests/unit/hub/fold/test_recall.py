"""What is remembered between batches: the very same as long as the bytes are the same, and never more than that."""

from hypothesis import given
from hypothesis import strategies as st

from hub.events import Kind
from hub.fold import Batch, Rules
from hub.fold.parts import encode
from hub.fold.recall import Recall, Recent
from hub.state.facts import Cell, Facts
from tests.memory import MemoryLog
from tests.unit.hub.fold.telling import SESSION, body, delivery, joined, left, named

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
    recent: Recent[int] = Recent(limit)
    used: list[int] = []
    for key in keys:
        assert (recent.get(("s", str(key))) is not None) == (key in used[-limit:])
        recent.put(("s", str(key)), key)
        used = [*(one for one in used if one != key), key]


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
