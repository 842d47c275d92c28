"""Numbers that depend on the clock: computed when somebody asks, from what is stored, and never more than was lived."""

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.events import Kind
from hub.fold.rooms import PresenceTally
from hub.ports import Document
from hub.present import Clockwork, Presented, presented, trending_score
from hub.state.room import Tally
from tests.memory import MemoryLog
from tests.unit.hub.fold.telling import BASE, RECEIVED, delivery, folded, joined, left, named

HOUR, MINUTE, SECOND = 3_600_000, 60_000, 1000
TWELVE_HOURS = 12 * HOUR
# Small enough to walk through second by second.
PRESUMED_SECONDS = 30
SHORT = Clockwork(presume_ended_after_ms=PRESUMED_SECONDS * SECOND)
ROOM = f"rooms/{named(Kind.ROOM_STARTED, 0).room}"

Shown = dict[str, Any]  # whatever a document holds


def room(tally: Tally, *, active_at: int, over: bool = False, **shown: object) -> Document:
    said = {"id": "l:1", "listener_count": 0, "speaker_count": 0, "featured": False, "stale": False} | shown
    return Document(
        topic="rooms/l:1",
        collection="rooms",
        parent="rooms/l:1",
        active_at=active_at,
        over=over,
        body=orjson.dumps(said),
        hidden=msgspec.msgpack.encode(tally),
    )


def participant(closed_ms: int, open_since: int | None) -> Document:
    return Document(
        topic="rooms/l:1/participants/p",
        collection="participants",
        parent="rooms/l:1",
        body=b'{"id":"p"}',
        hidden=msgspec.msgpack.encode(PresenceTally(closed_ms, open_since)),
    )


def shown(document: Document, now: int, clockwork: Clockwork = SHORT) -> Shown:
    return orjson.loads(presented(document, clockwork, now).body)


class TestTrending:
    """Which rooms are worth a look."""

    @pytest.mark.parametrize(
        ("listeners", "speakers", "featured", "hours", "score"),
        [
            (0, 0, False, 0, 0.0),
            (1, 0, False, 0, 1.0),
            (0, 1, False, 0, 3.0),
            (0, 0, True, 0, 5.0),
            (10, 2, True, 0, 21.0),
            (10, 2, True, 6, 10.5),
            (10, 2, True, 12, 5.25),
            (10, 2, True, 3, 14.85),
            (10, 2, True, 1, 18.71),
            (10, 2, True, 24, 1.31),
            (1, 0, False, 48, 0.0),
            (10, 2, False, -1, 16.0),
            (10, 2, False, -1000, 16.0),
            (1_000_000, 0, False, 10_000, 0.0),
        ],
    )
    def test_speakers_count_thrice_and_half_is_gone_every_six_hours(
        self, listeners: int, speakers: int, featured: bool, hours: float, score: float
    ):
        """The formula of the guides; a clock that is ahead makes no room rise."""
        active_at = BASE - round(hours * HOUR)
        found = trending_score(listeners, speakers, featured=featured, active_at=active_at, now=BASE)
        assert found == pytest.approx(score, abs=1e-9)

    @given(
        listeners=st.integers(0, 10_000),
        speakers=st.integers(0, 100),
        featured=st.booleans(),
        hours=st.lists(st.floats(-5, 200), min_size=2, max_size=2).map(sorted),
    )
    def test_a_room_never_rises_by_waiting(self, listeners: int, speakers: int, featured: bool, hours: list[float]):
        """Only what happens in it makes it rise."""
        sooner, later = (
            trending_score(listeners, speakers, featured=featured, active_at=BASE, now=BASE + round(hour * HOUR))
            for hour in hours
        )
        assert 0 <= later <= sooner

    def test_a_document_shows_its_own_score(self):
        """Counts, feature and last sign of life are the document's."""
        document = room(Tally(), active_at=BASE, listener_count=10, speaker_count=2, featured=True)
        assert shown(document, BASE + 6 * HOUR, Clockwork())["trending_score"] == 10.5


class TestRooms:
    """Durations, minutes and cost of a room."""

    @settings(max_examples=300)
    @given(
        stays=st.lists(st.tuples(st.integers(0, 60), st.none() | st.integers(0, 60)), max_size=6),
        last_sign=st.integers(0, 60),
        now=st.integers(0, 150),
        ended=st.none() | st.integers(0, 60),
    )
    def test_minutes_are_those_that_somebody_was_there_for(
        self, stays: list[tuple[int, int | None]], last_sign: int, now: int, ended: int | None
    ):
        """They are invoiced: counted second by second, nobody longer than the room can have lived."""
        stays = [(start, None if end is None else max(start, end)) for start, end in stays]
        if ended is not None:
            # What is over has nobody in it.
            stays = [(start, max(start, ended) if end is None else end) for start, end in stays]
        tally = Tally(
            closed_ms=sum((end - start) * SECOND for start, end in stays if end is not None),
            open_since=tuple(sorted(BASE + start * SECOND for start, end in stays if end is None)),
            peak=3,
            started_at=BASE,
            ended_at=None if ended is None else BASE + ended * SECOND,
        )
        document = room(tally, active_at=BASE + last_sign * SECOND, over=ended is not None)
        presumed_end = last_sign + PRESUMED_SECONDS
        person_seconds = sum(
            1
            for start, end in stays
            for second in range(200)
            if start <= second < (min(now, presumed_end) if end is None else end)
        )
        lasted = min(now, presumed_end) if ended is None else ended
        found = shown(document, BASE + now * SECOND)
        assert found["participant_minutes"] == pytest.approx(person_seconds / 60, abs=0.0051)
        assert found["cost"] == pytest.approx(person_seconds / 60 * 0.004, abs=0.000051)
        assert found["duration"] == lasted
        assert found["peak_participants"] == 3
        assert found["stale"] == (ended is None and now > presumed_end)

    def test_seconds_are_summed_before_they_are_rounded(self):
        """A thousand visits of a third of a minute are 333.33 minutes, not 330."""
        document = room(Tally(closed_ms=1000 * 20 * SECOND), active_at=BASE)
        assert shown(document, BASE)["participant_minutes"] == 333.33
        assert shown(document, BASE)["cost"] == 1.3333

    def test_minutes_have_their_price(self):
        """It is configured."""
        document = room(Tally(closed_ms=100 * MINUTE), active_at=BASE)
        assert shown(document, BASE, Clockwork(price_per_participant_minute=0.01))["cost"] == 1.0

    def test_a_room_is_stale_only_after_twelve_silent_hours(self):
        """Some providers never say that a room ended."""
        document = room(Tally(started_at=BASE, open_since=(BASE,)), active_at=BASE + HOUR, listener_count=1)
        clockwork = Clockwork()
        last = presented(document, clockwork, BASE + HOUR + TWELVE_HOURS)
        assert (last.stale, orjson.loads(last.body)["stale"]) == (False, False)
        late = presented(document, clockwork, BASE + HOUR + TWELVE_HOURS + 1)
        assert (late.stale, orjson.loads(late.body)["stale"]) == (True, True)
        assert orjson.loads(late.body)["duration"] == 13 * 3600
        assert orjson.loads(late.body)["participant_minutes"] == 13 * 60

    def test_a_room_that_must_have_ended_has_no_audience(self):
        """Whoever it still lists went without a word; only being featured counts on."""
        now = BASE + TWELVE_HOURS + MINUTE
        silent = room(Tally(), active_at=BASE, listener_count=1000, speaker_count=9)
        assert shown(silent, now, Clockwork())["trending_score"] == 0
        featured = room(Tally(), active_at=BASE, listener_count=1000, featured=True)
        assert shown(featured, now, Clockwork())["trending_score"] == 1.25

    def test_a_room_that_ended_is_not_stale_however_long_ago(self):
        """Its end is known."""
        document = room(Tally(started_at=BASE, ended_at=BASE + HOUR), active_at=BASE + HOUR, over=True)
        found = shown(document, BASE + 1000 * HOUR)
        assert (found["stale"], found["duration"]) == (False, 3600)

    def test_what_is_stored_is_kept(self):
        """Numbers are added to a document, nothing is taken from it."""
        document = room(Tally(), active_at=BASE, name="é\u2028", participant_count=3)
        found = shown(document, BASE)
        assert (found["name"], found["participant_count"]) == ("é\u2028", 3)

    def test_a_clock_that_is_behind_makes_nothing_negative(self):
        """Event times may be up to five minutes ahead of ours."""
        document = room(Tally(started_at=BASE, open_since=(BASE,)), active_at=BASE)
        found = shown(document, BASE - 5 * MINUTE)
        assert (found["duration"], found["participant_minutes"], found["cost"]) == (0, 0, 0)


class TestParticipants:
    """How long somebody watched."""

    @given(
        closed=st.integers(0, 10**9),
        since=st.none() | st.integers(0, 10**6),
        now=st.integers(0, 2 * 10**6),
    )
    def test_watching_is_what_is_over_and_what_is_not_yet(self, closed: int, since: int | None, now: int):
        """A visit that lasts grows with the clock."""
        document = participant(closed, None if since is None else BASE + since)
        expected = closed + (0 if since is None else max(0, now - since))
        assert shown(document, BASE + now)["watch_duration"] == pytest.approx(expected / 1000, abs=0.00051)

    def test_who_left_watches_no_longer(self):
        """Facts in, seconds out."""
        log = folded(joined("p", 0), left("p", 90), joined("p", 100))
        document = log.documents[f"{ROOM}/participants/p"]
        assert shown(document, BASE + 100 * SECOND, Clockwork())["watch_duration"] == 90
        assert shown(document, BASE + 160 * SECOND, Clockwork())["watch_duration"] == 150
        gone = folded(joined("p", 0), left("p", 90)).documents[f"{ROOM}/participants/p"]
        assert shown(gone, BASE + HOUR, Clockwork())["watch_duration"] == 90


class TestOthers:
    """What has no clock in it."""

    @pytest.mark.parametrize("collection", ["bots", "recordings", "rooms", "participants"])
    def test_a_document_without_hidden_numbers_is_shown_as_it_is(self, collection: str):
        """Byte for byte: it was encoded when it was written."""
        document = Document(topic="x/1", collection=collection, parent="x/1", body=b'{"id":"1"}')
        found = presented(document, Clockwork(), BASE)
        assert found == Presented(b'{"id":"1"}')
        assert found.body is document.body


class TestFolded:
    """The numbers of rooms as the fold leaves them."""

    def test_a_meeting_adds_up(self):
        """Two people for two and one minutes, in a room of three."""
        log = folded(
            named(Kind.ROOM_STARTED, 0),
            joined("a", 0),
            joined("b", 60),
            left("a", 120),
            left("b", 120),
            named(Kind.ROOM_ENDED, 180),
        )
        found = shown(log.documents[ROOM], BASE + 1000 * HOUR, Clockwork())
        numbers = ("duration", "peak_participants", "participant_minutes", "cost", "stale", "trending_score")
        assert [found[name] for name in numbers] == [180, 2, 3.0, 0.012, False, 0]

    def test_a_fact_revives_a_room_that_was_taken_for_over(self):
        """It was silent, not over."""
        facts = [named(Kind.ROOM_STARTED, 0), joined("a", 0)]
        log = folded(*facts)
        now = RECEIVED + TWELVE_HOURS + SECOND
        assert presented(log.documents[ROOM], Clockwork(), now).stale
        log.commit([delivery(joined("b", TWELVE_HOURS // SECOND), received_at=now)])
        assert not presented(log.documents[ROOM], Clockwork(), now).stale

    @pytest.mark.parametrize(
        ("told", "received_after"),
        [({"replay": True}, 60), ({}, 13 * 3600), ({"replay": True}, 13 * 3600)],
        ids=["history", "late", "late history"],
    )
    def test_a_sign_of_life_counts_from_when_it_was_received(self, told: dict[str, bool], received_after: int):
        """A provider that was cut off sends hours later what happened, because the meeting is going on."""
        fact = msgspec.structs.replace(joined("a", 0), **told)
        now = BASE + received_after * SECOND
        log = MemoryLog()
        log.commit([delivery(fact, received_at=now)])
        assert not presented(log.documents[ROOM], Clockwork(), now).stale
