"""The vocabulary: ids, topics, positions and times are what others rely on, whatever a provider sends."""

import re
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hub.errors import BadRequest
from hub.events import (
    COLLECTIONS,
    Delivery,
    Event,
    Fact,
    Kind,
    Position,
    clamp_time,
    covers,
    escape_id,
    format_time,
    parse_time,
    parse_topic,
)

NOON = 1_773_144_000_000
MINUTE = 60_000
LAST_MS = 253_402_300_799_999

any_text = st.text(st.characters(exclude_categories=()))
topics = st.sampled_from(("*", "bots", "rooms", "rooms/a", "rooms/b", "bots/a", "rooms/src@a", "schedules"))


class TestEscapeId:
    """Providers' ids as parts of topics and URLs."""

    @given(text=any_text)
    @example(text="\ud800")
    @example(text="~7e")
    def test_ids_are_plain_ascii_of_bounded_length(self, text: str):
        """They stand in URLs, in topics and in index keys, and no provider promises anything about its own."""
        escaped = escape_id(text)
        assert re.fullmatch(r"(?:[A-Za-z0-9._:@-]|~)*", escaped)
        assert len(escaped) <= 200

    @given(text=any_text)
    def test_ids_are_the_same_every_time(self, text: str):
        """They are never decoded: equal text must find the same document for ever."""
        assert escape_id(text) == escape_id("".join(text))

    @given(first=st.text(), second=st.text())
    @example(first="~20", second=" ")
    @example(first="\x7e", second="~7e")
    @example(first="é", second="~c3~a9")
    def test_short_ids_that_differ_stay_different(self, first: str, second: str):
        """Two rooms must never become one."""
        assume(first != second)
        assert escape_id(first) != escape_id(second)

    @given(text=st.text(min_size=1, max_size=20), repeat=st.integers(150, 250))
    def test_long_ids_that_differ_at_their_end_stay_different(self, text: str, repeat: int):
        """A URL as a room name differs from the next one in its last characters."""
        long = text * repeat
        assert escape_id(long + "a") != escape_id(long + "b")
        assert escape_id(long) != escape_id(long + "b")

    def test_two_hundred_characters_are_kept_and_one_more_is_cut(self):
        """What is cut is marked by two tildes, which no escape has."""
        assert escape_id("a" * 200) == "a" * 200
        assert re.fullmatch("a{150}~~[0-9a-f]{32}", escape_id("a" * 201))

    @given(text=any_text)
    def test_an_id_makes_a_topic(self, text: str):
        """Everything that is stored can be subscribed."""
        assume(text)
        assert parse_topic(f"rooms/livekit:{escape_id(text)}") == f"rooms/livekit:{escape_id(text)}"


class TestTopics:
    """What can be subscribed, and who has what."""

    @pytest.mark.parametrize(
        "topic", ["*", *COLLECTIONS, "rooms/src@a b".replace(" ", "~20"), "bots/meetingbaas:1-2_3"]
    )
    def test_topics_are_everything_collections_and_entities(self, topic: str):
        """They are the same paths as in REST."""
        assert parse_topic(topic) == topic

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "/",
            "rooms/",
            "/rooms",
            "room",
            "rooms/a/b",
            "rooms/a b",
            "rooms/a\n",
            "rooms/é",
            "**",
            "*/a",
            "rooms/" + "a" * 401,
        ],
    )
    def test_anything_else_is_refused(self, text: str):
        """A viewer that mistypes must hear it, not wait for ever."""
        with pytest.raises(BadRequest):
            parse_topic(text)

    @given(text=any_text)
    def test_a_topic_is_read_as_it_is_or_refused(self, text: str):
        """What is asked for is what is looked up."""
        try:
            assert parse_topic(text) == text
        except BadRequest:
            assert text not in ("*", *COLLECTIONS)

    @given(held=st.frozensets(topics), topic=topics)
    def test_a_collection_covers_what_is_beneath_it_and_a_star_everything(self, held: frozenset[str], topic: str):
        """This decides what a token shows."""
        beneath = {"*", topic, topic.split("/")[0]}
        assert covers(held, topic) == bool(held & beneath)

    def test_an_entity_covers_neither_its_collection_nor_its_neighbours(self):
        """A token for one room must not open the others."""
        held = frozenset({"rooms/a"})
        assert not any(covers(held, topic) for topic in ("rooms", "*", "rooms/ab", "rooms/", "bots/a"))


class TestPosition:
    """Where a viewer is."""

    @given(
        epoch=st.from_regex(r"[A-Za-z0-9._:@~-]+", fullmatch=True),
        sequence=st.integers(0, 10**18 - 1),
    )
    def test_what_is_written_is_read(self, epoch: str, sequence: int):
        """It comes back as Last-Event-ID."""
        position = Position(epoch=epoch, sequence=sequence)
        assert Position.parse(str(position)) == position

    @given(text=any_text)
    @example(text="e.١")
    @example(text="e.-1")
    @example(text="e.+1")
    @example(text="e.1_0")
    @example(text=".1")
    @example(text="e.")
    @example(text="e." + "9" * 19)
    def test_whatever_else_is_sent_is_no_position(self, text: str):
        """A client may send anything; it is told that it lost its place, and the database never sees it."""
        position = Position.parse(text)
        if position is not None:
            assert re.fullmatch(r"\s*[A-Za-z0-9._:@~-]+\.[0-9]{1,18}\s*", text)
            assert 0 <= position.sequence < 2**63

    def test_space_around_it_does_no_harm(self):
        """Proxies fold headers."""
        assert Position.parse(" e1.7 ") == Position(epoch="e1", sequence=7)


class TestParseTime:
    """Times as providers write them."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-03-10T12:00:00Z", NOON),
            ("2026-03-10T12:00:00+00:00", NOON),
            ("2026-03-10T13:30:00+01:30", NOON),
            ("2026-03-10T04:00:00-0800", NOON),
            ("2026-03-10 12:00:00", NOON),
            ("2026-03-10T12:00:00", NOON),
            (" 2026-03-10T12:00:00Z\n", NOON),
            ("2026-03-10T12:00:00.5Z", NOON + 500),
            ("2026-03-10T12:00:00.12Z", NOON + 120),
            ("2026-03-10T12:00:00.123Z", NOON + 123),
            ("2026-03-10T12:00:00.1239Z", NOON + 123),
            ("2026-03-10T12:00:00.12345Z", NOON + 123),
            ("2026-03-10T12:00:00.123456Z", NOON + 123),
            ("2026-03-10T12:00:00.1234567Z", NOON + 123),
            ("2026-03-10T12:00:00.12345678Z", NOON + 123),
            ("2026-03-10T12:00:00.999999999Z", NOON + 999),
            ("2026-03-10T12:00:00.999999999+00:00", NOON + 999),
        ],
    )
    def test_the_ways_of_writing_noon(self, text: str, expected: int):
        """Go writes nine digits, Python six, JavaScript three, and some write offsets."""
        assert parse_time(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00",
            "0001-01-01T00:00:00+14:00",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00Z",
        ],
    )
    def test_zero_times_are_no_time(self, text: str):
        """Go sends its zero time for what has not happened."""
        assert parse_time(text) is None

    @pytest.mark.parametrize(
        "text", ["", "now", "1773144000", "2026-02-30T00:00:00Z", "2026-03-10T25:00:00Z", "12:00:00Z"]
    )
    def test_what_is_no_time_is_none(self, text: str):
        """The delivery still has its own time."""
        assert parse_time(text) is None

    @given(text=any_text | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,10})?([+-]\d\d:?\d\d|Z)?"))
    @example(text="9999-12-31T23:59:59.999-14:00")
    @example(text="9999-12-31T23:59:59.9999Z")
    @example(text="2026-03-10\ud80012:00:00")
    def test_whatever_is_read_can_be_written(self, text: str):
        """One odd time in a payload must not make the whole delivery unreadable."""
        time = parse_time(text)
        if time is not None:
            written = format_time(time)
            assert written is not None
            assert parse_time(written) == time

    @given(
        moment=st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 -- the zone is drawn beside it
        offset=st.integers(-14 * 60, 14 * 60),
        digits=st.integers(2, 9),
    )
    def test_any_moment_in_any_zone_is_read_to_the_millisecond(self, moment: datetime, offset: int, digits: int):
        """What is finer is cut, never rounded up: an event must not seem later than it was."""
        zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
        fraction = f"{zoned.microsecond:06d}999"[:digits]
        text = f"{zoned:%Y-%m-%dT%H:%M:%S}.{fraction}{zoned:%z}"
        exact = zoned.replace(microsecond=int(fraction[:6].ljust(6, "0"))) - datetime(1970, 1, 1, tzinfo=UTC)
        assert parse_time(text) == exact // timedelta(milliseconds=1)


class TestFormatTime:
    """Times as the hub writes them."""

    @pytest.mark.parametrize(
        ("time", "expected"),
        [
            (None, None),
            (0, "1970-01-01T00:00:00Z"),
            (NOON, "2026-03-10T12:00:00Z"),
            (NOON + 5, "2026-03-10T12:00:00.005Z"),
            (NOON + 500, "2026-03-10T12:00:00.500Z"),
            (LAST_MS, "9999-12-31T23:59:59.999Z"),
        ],
    )
    def test_times_are_utc_with_milliseconds_only_where_there_are_some(self, time: int | None, expected: str | None):
        """RFC 3339, which JavaScript reads too."""
        assert format_time(time) == expected

    @given(time=st.integers(1, LAST_MS))
    def test_what_is_written_is_read(self, time: int):
        """Documents are read back when they are merged."""
        written = format_time(time)
        assert written is not None
        assert parse_time(written) == time


class TestClampTime:
    """The time of a fact."""

    @pytest.mark.parametrize(
        ("time", "expected"),
        [
            (None, (NOON, False)),
            (0, (NOON, False)),
            (-1, (NOON, False)),
            (LAST_MS + 1, (NOON, False)),
            (1, (1, False)),
            (NOON - 1, (NOON - 1, False)),
            (NOON, (NOON, False)),
            (NOON + 5 * MINUTE, (NOON + 5 * MINUTE, False)),
            (NOON + 5 * MINUTE + 1, (NOON, True)),
            (LAST_MS, (NOON, True)),
        ],
    )
    def test_a_clock_is_trusted_up_to_five_minutes_ahead(self, time: int | None, expected: tuple[int, bool]):
        """Clocks differ a little; one that is days ahead would keep a room alive for days."""
        assert clamp_time(time, NOON) == expected

    @given(time=st.none() | st.integers(), received_at=st.integers(1, LAST_MS))
    def test_a_settled_time_can_always_be_written(self, time: int | None, received_at: int):
        """It stands in the event."""
        settled, _ = clamp_time(time, received_at)
        assert 0 < settled <= received_at + 5 * MINUTE
        assert format_time(min(settled, LAST_MS))


class TestEvent:
    """An entry of the log."""

    def test_an_event_is_a_cloud_event_of_its_log(self):
        """The epoch belongs to the log that is read: after a restore the same entry has another id."""
        event = Event(sequence=7, topics=("rooms",), body=orjson.dumps({"type": "room.started", "data": {}}))
        assert orjson.loads(event.json("e1")) == {
            "specversion": "1.0",
            "id": "e1.7",
            "type": "room.started",
            "data": {},
        }
        assert orjson.loads(event.json("e2"))["id"] == "e2.7"


class TestFact:
    """What a fact is about."""

    @pytest.mark.parametrize(
        ("about", "entity"),
        [
            ({"bot": "m:1"}, "bots/m:1"),
            ({"room": "l:1"}, "rooms/l:1"),
            ({"durable": "l@a"}, "rooms/l@a"),
            ({"room": "l:1", "durable": "l@a"}, "rooms/l:1"),
            ({"bot": "m:1", "room": "l:1"}, "bots/m:1"),
            ({}, ""),
        ],
    )
    def test_the_most_particular_thing_named_is_what_it_is_about(self, about: dict[str, str], entity: str):
        """A fact that names a session and its durable room tells of the session."""
        assert Fact(kind=Kind.ROOM_STARTED, time=1, **about).entity == entity


class TestDelivery:
    """What a delivery is about."""

    def of(self, *facts: Fact) -> Delivery:
        """Return a delivery of facts."""
        return Delivery(source="lk", scope="livekit/", key="k", received_at=9, body=b"", facts=facts)

    @pytest.mark.parametrize(
        ("about", "subjects"),
        [
            ({"bot": "m:1"}, ("bots/m:1",)),
            ({"room": "l:1", "durable": "l@a"}, ("rooms/l:1", "rooms/l@a")),
            ({"durable": "l@a"}, ("rooms/l@a",)),
            ({}, ("sources/lk",)),
        ],
    )
    def test_it_is_about_everything_that_its_facts_name(self, about: dict[str, str], subjects: tuple[str, ...]):
        """By any of it, it can be looked for, and must be erased."""
        fact = Fact(kind=Kind.ROOM_STARTED, time=1, **about)
        assert self.of(fact, fact).subjects == subjects

    def test_it_is_about_all_of_its_facts(self):
        """Some deliveries tell of several bots."""
        facts = [Fact(kind=Kind.BOT_QUEUED, time=time, bot=f"m:{time}") for time in (3, 1)]
        assert self.of(*facts).subjects == ("bots/m:1", "bots/m:3")
        assert self.of(*facts).event_time == 3

    def test_without_facts_it_is_about_nothing_and_has_no_time(self):
        """It is dead, or says nothing that is known."""
        assert (self.of().subjects, self.of().event_time) == ((), None)


def test_nothing_covers_deliveries_but_themselves():
    """Everything is the log; what arrives is not in it."""
    assert not covers(frozenset({"*", "rooms", "sources"}), "deliveries")
    assert covers(frozenset({"deliveries"}), "deliveries")
    assert not covers(frozenset({"deliveries"}), "rooms")
    with pytest.raises(BadRequest):
        parse_topic("deliveries")
