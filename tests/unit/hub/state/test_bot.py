"""How far a bot got: by attempt, then rank, then time; why it stopped; and what it brought home."""

from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.events import BotDetail, CaptureDetail, Fact, Kind, Reason, TranscriptDetail, format_time
from hub.state.bot import bot_document, bot_facts, is_over, status_of
from hub.state.capture import Document, capture_facts
from hub.state.facts import NOTHING, Facts, merged
from tests.searching import search

QUEUED, RETRYING, JOINING, WAITING = Kind.BOT_QUEUED, Kind.BOT_RETRYING, Kind.BOT_JOINING, Kind.BOT_WAITING
JOINED, LEAVING, LEFT, PROCESSING = Kind.BOT_JOINED, Kind.BOT_LEAVING, Kind.BOT_LEFT, Kind.BOT_PROCESSING
COMPLETED, FAILED = Kind.BOT_COMPLETED, Kind.BOT_FAILED
STARTED, PAUSED, RESUMED = Kind.RECORDING_STARTED, Kind.RECORDING_PAUSED, Kind.RECORDING_RESUMED
LADDER = [QUEUED, JOINING, WAITING, JOINED, STARTED, LEFT, PROCESSING, FAILED, COMPLETED]
STATUSES = ["queued", "joining", "waiting", "in_call", "recording", "left", "processing", "failed", "completed"]
IDENTITY = "meetingbaas:B1"


def told(kind: Kind, second: float, key: str = "k", **detail: object) -> Facts:
    fact = Fact(kind=kind, time=round(second * 1000), bot=IDENTITY, detail=BotDetail(**detail))
    return bot_facts(fact, key)


def because(kind: Kind, second: float, code: str, key: str = "k") -> Facts:
    return told(kind, second, key, reason=Reason(code=code))


def speech(kind: Kind, second: float, *, whole: bool = False) -> Facts:
    return bot_facts(
        Fact(kind=kind, time=round(second * 1000), bot=IDENTITY, detail=TranscriptDetail(whole=whole)), "k"
    )


def shown(*facts: Facts, capture: Facts | None = None, segments: int = 0) -> Document:
    return bot_document(IDENTITY, reduce(merged, facts, NOTHING), capture, segments)


def statuses(*facts: Facts) -> set[tuple[object, object, object]]:
    documents = [shown(*order) for order in permutations(facts)]
    return {(one["status"], one["status_since"], one["attempt"]) for one in documents}


@pytest.mark.parametrize(("kind", "status"), list(zip(LADDER, STATUSES, strict=True)))
def test_every_step_has_its_status(kind: Kind, status: str) -> None:
    """The words that dashboards show."""
    assert statuses(told(kind, 1)) == {(status, format_time(1000), 1)}


@pytest.mark.parametrize("place", range(len(LADDER) - 1))
def test_a_lower_step_never_takes_back_a_higher_one(place: int) -> None:
    """Each webhook has a queue of its own: `joining` may be told, and even stamped, after `in_call`."""
    higher, lower = LADDER[place + 1], LADDER[place]
    assert statuses(told(higher, 1), told(lower, 2)) == {(STATUSES[place + 1], format_time(1000), 1)}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([(STARTED, 1), (PAUSED, 2)], ("paused", 2), id="paused"),
        pytest.param([(STARTED, 1), (PAUSED, 2), (RESUMED, 3)], ("recording", 3), id="resumed"),
        pytest.param([(STARTED, 1), (RESUMED, 3)], ("recording", 1), id="a lost pause makes no new run"),
        pytest.param([(STARTED, 1), (JOINED, 2), (STARTED, 3)], ("recording", 1), id="a lower step ends no run"),
        pytest.param([(PAUSED, 1), (STARTED, 2), (PAUSED, 3), (PAUSED, 4)], ("paused", 3), id="since its last run"),
        pytest.param([(WAITING, 5), (WAITING, 2)], ("waiting", 2), id="since its first word"),
        pytest.param([(FAILED, 3), (COMPLETED, 2)], ("completed", 2), id="completed beats failed"),
        pytest.param([(COMPLETED, 2), (FAILED, 3)], ("completed", 2), id="also when failed is later"),
        pytest.param([(COMPLETED, 2), (STARTED, 9)], ("completed", 2), id="terminals absorb"),
        pytest.param([(FAILED, 2), (LEFT, 9)], ("failed", 2), id="failed absorbs"),
        pytest.param([(COMPLETED, 2), (COMPLETED, 1)], ("completed", 1), id="an end told twice"),
    ],
)
def test_the_highest_rank_wins_then_the_latest(steps: list[tuple[Kind, int]], expected: tuple[str, int]) -> None:
    """`status_since` is the first fact of the current run of that status."""
    facts = [told(kind, second, f"k{place}") for place, (kind, second) in enumerate(steps)]
    assert statuses(*facts) == {(expected[0], format_time(expected[1] * 1000), 1)}


@pytest.mark.parametrize(("pause", "resume", "status"), [("a", "b", "recording"), ("b", "a", "paused")])
def test_equal_times_are_settled_by_the_key(pause: str, resume: str, status: str) -> None:
    """What happens within one millisecond still has one order."""
    assert {one[0] for one in statuses(told(PAUSED, 1, pause), told(RESUMED, 1, resume))} == {status}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([(WAITING, 1), (RETRYING, 2)], ("queued", 2, 2), id="a retry begins again"),
        pytest.param([(FAILED, 1), (RETRYING, 2), (JOINING, 3)], ("joining", 3, 2), id="terminals bind their attempt"),
        pytest.param([(RETRYING, 2), (RETRYING, 4)], ("queued", 4, 3), id="every retry counts"),
        pytest.param([(RETRYING, 2), (STARTED, 1)], ("queued", 2, 2), id="what came before it is of the first"),
        pytest.param([(RETRYING, 2), (QUEUED, 3)], ("queued", 2, 2), id="queued again is still queued"),
        pytest.param([(FAILED, 9), (RETRYING, 2)], ("failed", 9, 2), id="what came after it is of the second"),
    ],
)
def test_an_attempt_is_one_more_than_the_retries_before_it(
    steps: list[tuple[Kind, int]], expected: tuple[str, int, int]
) -> None:
    """Where no payload says which attempt it is of."""
    facts = [told(kind, second, f"k{place}") for place, (kind, second) in enumerate(steps)]
    assert statuses(*facts) == {(expected[0], format_time(expected[1] * 1000), expected[2])}


def test_a_retry_that_was_told_twice_counts_once() -> None:
    """A resend has another key and says the same."""
    assert {one[2] for one in statuses(told(RETRYING, 2, "a"), told(RETRYING, 2, "b"))} == {2}


@pytest.mark.parametrize(
    ("facts", "attempt"),
    [
        pytest.param([told(RETRYING, 2, attempt=3)], 3, id="retries were lost"),
        pytest.param([told(RETRYING, 2, attempt=2), told(RETRYING, 4, attempt=2)], 2, id="one retry told twice"),
        pytest.param([told(JOINING, 2, attempt=2)], 2, id="any step may tell"),
        pytest.param([told(RETRYING, 4, attempt=2), told(RETRYING, 2, attempt=3)], 3, id="the highest counts"),
    ],
)
def test_the_number_that_a_payload_tells_is_believed(facts: list[Facts], attempt: int) -> None:
    """It knows of what was lost."""
    assert {one[2] for one in statuses(*facts)} == {attempt}


def test_a_reason_is_set_without_ending() -> None:
    """Refused, removed or asked to stop: the end follows, and may fail to."""
    document = shown(told(WAITING, 1), because(LEAVING, 2, "bot_rejected"))
    assert document["status"] == "waiting"
    assert document["ended_at"] is None
    assert document["reason"] == {"code": "bot_rejected", "group": "platform", "message": ""}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        pytest.param([because(LEAVING, 5, "leaving"), because(FAILED, 1, "failed")], "failed", id="the end tells most"),
        pytest.param([because(LEAVING, 1, "one"), because(LEAVING, 2, "two")], "two", id="then the latest"),
        pytest.param([because(JOINING, 9, "odd"), because(LEAVING, 1, "asked")], "asked", id="then what led to it"),
    ],
)
def test_of_several_reasons_the_most_telling_is_shown(facts: list[Facts], code: str) -> None:
    """Whatever order they come in."""
    for order in permutations(facts):
        assert shown(*order)["reason"]["code"] == code  # type: ignore[index]


def test_a_retry_clears_the_reason() -> None:
    """Why the first attempt failed is no reason of the second."""
    facts = [because(FAILED, 1, "timeout"), told(RETRYING, 2)]
    assert {shown(*order)["reason"] is None for order in permutations(facts)} == {True}
    late = [*facts, because(LEAVING, 3, "bot_removed")]
    assert {shown(*order)["reason"]["code"] for order in permutations(late)} == {"bot_removed"}  # type: ignore[index]


def test_a_reason_of_the_moment_of_the_retry_is_of_the_attempt_before_it() -> None:
    """Both are stamped with whole seconds, and the key says which of them came first."""
    facts = [because(LEAVING, 2, "waiting_room_timeout", "k1"), told(RETRYING, 2, "k2")]
    assert shown(*facts)["reason"] is None


def test_the_end_is_when_it_was_reported_else_when_it_left_else_when_it_was_announced() -> None:
    """The artifacts take minutes; the meeting was over before."""
    assert shown(told(COMPLETED, 9))["ended_at"] == format_time(9000)
    assert shown(told(LEFT, 5), told(COMPLETED, 9))["ended_at"] == format_time(5000)
    assert shown(told(LEFT, 5), told(COMPLETED, 9, ended_at=4000))["ended_at"] == format_time(4000)
    assert shown(told(JOINED, 5))["ended_at"] is None


def test_a_bot_joined_when_it_says_so_else_when_it_was_first_seen_inside() -> None:
    """Recording without a word of joining is still inside."""
    assert shown(told(JOINED, 5), told(STARTED, 6))["joined_at"] == format_time(5000)
    assert shown(told(STARTED, 6))["joined_at"] == format_time(6000)
    assert shown(told(JOINED, 5), told(COMPLETED, 9, joined_at=4000))["joined_at"] == format_time(4000)
    assert shown(told(WAITING, 5))["joined_at"] is None


def test_a_bot_was_made_when_it_was_first_heard_of() -> None:
    """However late that is told."""
    facts = [told(JOINING, 3), told(QUEUED, 1), told(COMPLETED, 9)]
    assert {shown(*order)["created_at"] for order in permutations(facts)} == {format_time(1000)}


@pytest.mark.parametrize(("kind", "over"), [(COMPLETED, True), (FAILED, True), (LEFT, False), (PROCESSING, False)])
def test_only_terminals_are_over(kind: Kind, over: bool) -> None:
    """Who has left may still bring a recording."""
    assert is_over(shown(told(kind, 1))) is over


def test_enrichment_merges_whenever_it_comes() -> None:
    """Names and people are told with the end, the meeting's address with the beginning."""
    facts = [
        told(COMPLETED, 9, participants=("Ann", "Bob"), speakers=("Bob", "Cy")),
        told(QUEUED, 1, name="Notes", meeting_url="https://meet/x"),
        told(JOINING, 3, name=""),
    ]
    for order in permutations(facts):
        document = shown(*order)
        assert (document["name"], document["meeting_url"]) == ("Notes", "https://meet/x")
        assert document["participants"] == [
            {"name": "Ann", "speaker": False},
            {"name": "Bob", "speaker": True},
            {"name": "Cy", "speaker": True},
        ]


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([speech(Kind.TRANSCRIPT_STARTED, 1)], "started"),
        ([speech(Kind.TRANSCRIPT_STARTED, 2), speech(Kind.TRANSCRIPT_UPDATED, 1)], "live"),
        ([speech(Kind.TRANSCRIPT_FAILED, 1), speech(Kind.TRANSCRIPT_UPDATED, 2)], "failed"),
        ([speech(Kind.TRANSCRIPT_COMPLETED, 1), speech(Kind.TRANSCRIPT_FAILED, 2)], "completed"),
    ],
)
def test_a_transcript_is_as_far_as_its_furthest_word(facts: list[Facts], status: str) -> None:
    """A late update of what is complete begins nothing again."""
    for order in permutations(facts):
        assert shown(*order)["transcript"] == {"status": status, "segments_count": 0}


def test_without_a_word_there_is_no_transcript() -> None:
    """Segments alone are a live one."""
    assert shown(told(JOINED, 1))["transcript"] is None
    assert shown(told(JOINED, 1), segments=3)["transcript"] == {"status": "live", "segments_count": 3}


def test_the_transcript_of_an_attempt_that_was_given_up_is_left_out() -> None:
    """It failed because the attempt did."""
    facts = [speech(Kind.TRANSCRIPT_FAILED, 1), told(RETRYING, 2)]
    assert shown(*facts)["transcript"] is None


def test_the_recording_is_shown_with_the_bot() -> None:
    """A list of bots says which of them recorded."""
    capture = CaptureDetail(id="B1", duration_ms=5000)
    fact = Fact(kind=Kind.RECORDING_COMPLETED, time=9000, bot=IDENTITY, detail=capture)
    recording = shown(bot_facts(fact, "k"), capture=capture_facts(fact, capture, "k"))["recording"]
    assert recording["status"] == "completed"  # type: ignore[index]
    assert recording["duration"] == 5.0  # type: ignore[index]
    assert shown(told(JOINED, 1))["recording"] is None


def test_a_bot_of_which_only_enrichment_is_known_is_unknown() -> None:
    """A status is never guessed."""
    assert statuses(because(LEAVING, 1, "asked")) == {("unknown", None, 1)}


@given(
    steps=st.lists(
        st.tuples(st.sampled_from([*LADDER, RETRYING, PAUSED]), st.integers(0, 6), st.sampled_from([None, 1, 2, 3])),
        min_size=1,
        max_size=8,
    ),
    order=st.randoms(use_true_random=False),
)
@search(500)
def test_a_document_does_not_depend_on_the_order(steps: list[tuple[Kind, int, int | None]], order: object) -> None:
    """Nor on how often something is told."""
    facts = [told(kind, second, f"k{place % 3}", attempt=number) for place, (kind, second, number) in enumerate(steps)]
    shuffled = [*facts, facts[0]]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert shown(*shuffled) == shown(*facts)


def test_the_status_that_a_kind_tells_is_that_of_the_ladder() -> None:
    """Whoever asks a provider must know whether the answer is news."""
    assert [status_of(kind) for kind in LADDER] == STATUSES
    assert status_of(LEAVING) is None
