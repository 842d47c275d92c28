"""Numbers that depend on the clock: computed when somebody asks, from what is stored, and never more than was lived."""

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.events import Kind
from hub.ports import Document
from hub.present import Clockwork, Presented, is_missed, lives_until, presented, visits_of
from hub.state.capture import Artifacts
from hub.state.participant import Presence
from hub.state.presence import Visit
from hub.state.room import Tally
from hub.state.schedule import WINDOW_MS
from tests.memory import MemoryLog
from tests.searching import search
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
        over=over,
        body=orjson.dumps(said),
        hidden=msgspec.msgpack.encode(msgspec.structs.replace(tally, active_at=active_at)),
    )


def participant(*stays: tuple[int, int | None], sid: str = "p", user: str = "", parent: str = "rooms/l:1") -> Document:
    presence = Presence(tuple((start, end, "") for start, end in stays))
    return Document(
        topic=f"{parent}/participants/{sid}",
        collection="participants",
        parent=parent,
        name=user,
        body=b'{"id":"p"}',
        hidden=msgspec.msgpack.encode(presence),
    )


def shown(document: Document, now: int, clockwork: Clockwork = SHORT) -> Shown:
    return orjson.loads(presented(document, clockwork, now).body)


class TestRooms:
    """Durations, minutes and cost of a room."""

    @search(300)
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

    def test_a_silent_room_sinks_as_fast_as_any_other(self):
        """Lists are in the order of scores, so staleness, which is not stored, must not change one."""
        now = BASE + 18 * HOUR
        silent = shown(room(Tally(), active_at=BASE, listener_count=1000), now, Clockwork())
        assert (silent["stale"], silent["trending_score"]) == (True, 125.0)
        ended = shown(room(Tally(), active_at=BASE, listener_count=1000, over=True), now, Clockwork())
        assert (ended["stale"], ended["trending_score"]) == (False, 125.0)

    def test_a_document_shows_its_own_score(self):
        """Counts and feature are the document's; halved every six hours since the last sign of life."""
        document = room(Tally(), active_at=BASE, listener_count=10, speaker_count=2, featured=True)
        assert shown(document, BASE + 6 * HOUR, Clockwork())["trending_score"] == 10.5

    def test_what_the_provider_reports_wins_and_what_we_derived_stands_beside_it(self):
        """It invoices by its own count; where ours differs, one can see by how much."""
        tally = Tally(closed_ms=60 * MINUTE, peak=2, started_at=BASE, ended_at=BASE + HOUR)
        told = msgspec.structs.replace(tally, told_ms=50 * MINUTE, told_present_ms=100 * MINUTE, told_peak=3)
        found = shown(room(told, active_at=BASE, over=True), BASE + 2 * HOUR)
        assert (found["duration"], found["peak_participants"], found["participant_minutes"]) == (3000, 3, 100)
        assert found["cost"] == 0.4
        assert found["derived"] == {"duration": 3600, "peak_participants": 2, "participant_minutes": 60}
        assert shown(room(tally, active_at=BASE, over=True), BASE)["derived"] is None

    def test_a_total_that_is_not_reported_is_ours(self):
        """Each of them by itself; a reported nothing is a report."""
        tally = Tally(closed_ms=60 * MINUTE, peak=2, started_at=BASE, ended_at=BASE + HOUR, told_peak=0)
        found = shown(room(tally, active_at=BASE, over=True), BASE)
        assert (found["duration"], found["peak_participants"], found["participant_minutes"]) == (3600, 0, 60)

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
        stays = [(BASE - closed, BASE), *([] if since is None else [(BASE + since, None)])]
        document = participant(*stays)
        expected = closed + (0 if since is None else max(0, now - since))
        found = shown(document, BASE + now)
        assert found["watch_duration"] == found["duration"] == pytest.approx(expected / 1000, abs=0.00051)

    def test_two_devices_of_one_user_watch_once(self):
        """`watch_duration` is the user's, `duration` the device's own."""
        phone = participant((BASE, BASE + 60 * SECOND), sid="phone", user="ann")
        desk = participant((BASE + 30 * SECOND, None), sid="desk", user="ann")
        visits = visits_of([phone, desk])
        now = BASE + 90 * SECOND
        found = [orjson.loads(presented(one, SHORT, now, visits[one.topic]).body) for one in (phone, desk)]
        assert [(one["watch_duration"], one["duration"]) for one in found] == [(90, 60), (90, 60)]

    def test_visits_of_two_users_and_of_two_rooms_are_kept_apart(self):
        """Who has no identity is a user of its own, and who was in two rooms was in each."""
        people = [
            participant((1, 2), sid="a"),
            participant((1, 3), sid="b"),
            participant((1, 4), sid="c", user="ann"),
            participant((1, 5), sid="d", user="ann", parent="rooms/l:2"),
        ]
        assert visits_of(people) == {one.topic: [Visit(1, end)] for one, end in zip(people, (2, 3, 4, 5), strict=True)}

    def test_who_left_watches_no_longer(self):
        """Facts in, seconds out."""
        log = folded(joined("p", 0), left("p", 90), joined("p", 100))
        document = log.documents[f"{ROOM}/participants/p"]
        assert shown(document, BASE + 100 * SECOND, Clockwork())["watch_duration"] == 90
        assert shown(document, BASE + 160 * SECOND, Clockwork())["watch_duration"] == 150
        gone = folded(joined("p", 0), left("p", 90)).documents[f"{ROOM}/participants/p"]
        assert shown(gone, BASE + HOUR, Clockwork())["watch_duration"] == 90


class TestOthers:
    """What has no clock in it, or little."""

    def test_a_recording_names_its_artifacts_by_the_hubs_own_addresses(self):
        """The provider's links are presigned: whoever has one has the file."""
        links = Artifacts({"mp4": "https://bucket/x?sig=secret", "chat log": "https://bucket/y"}, BASE)
        recording = Document(
            topic="recordings/100ms:a~2f",
            collection="recordings",
            parent="rooms/l:1",
            body=b'{"id":"100ms:a~2f"}',
            hidden=msgspec.msgpack.encode(links),
        )
        base = "/api/recordings/100ms:a~2f/content?artifact="
        assert shown(recording, BASE)["artifacts"] == [
            {"name": "mp4", "url": f"{base}mp4"},
            {"name": "chat log", "url": f"{base}chat%20log"},
        ]
        assert b"bucket" not in presented(recording, SHORT, BASE).body

    @pytest.mark.parametrize("collection", ["bots", "schedules"])
    def test_what_is_kept_beside_a_bot_or_a_schedule_is_not_shown(self, collection: str):
        """Links and lists of expected people are for those who ask for them."""
        document = Document(topic="x/1", collection=collection, parent="x/1", body=b'{"id":"1"}', hidden=b"\xc0")
        assert presented(document, SHORT, BASE) == Presented(b'{"id":"1"}')

    @pytest.mark.parametrize(
        ("status", "late_ms", "missed"),
        [("SCHEDULED", 0, False), ("SCHEDULED", 1, True), ("LIVE", 1, False), ("COMPLETED", 1, False)],
    )
    def test_a_plan_that_nobody_came_to_is_missed_when_no_meeting_can_be_it_any_more(
        self, status: str, late_ms: int, missed: bool
    ):
        """A meeting may begin up to twelve hours later."""
        plan = Document(topic="schedules/1", collection="schedules", parent="schedules/1", status=status, began_at=BASE)
        assert is_missed(plan, BASE + WINDOW_MS + late_ms) is missed
        assert not is_missed(msgspec.structs.replace(plan, collection="rooms"), BASE + 2 * WINDOW_MS)

    def test_rooms_live_until_they_were_silent_for_long(self):
        """By what was heard or happened last, whichever is later."""
        heard = room(Tally(heard_at=BASE + 5), active_at=BASE)
        assert lives_until([heard, participant((1, 2))], SHORT) == {heard.topic: BASE + 5 + PRESUMED_SECONDS * SECOND}

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
