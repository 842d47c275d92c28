"""Whatever order, repetition or batches webhooks come in, the same is shown; and viewers show it too."""

from collections.abc import Sequence

import msgspec
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from hub.events import Delivery, format_time
from hub.ports import Document
from hub.state.room import Tally
from tests.memory import MemoryLog
from tests.searching import search
from tests.unit.hub.fold import naive, stories
from tests.unit.hub.fold.telling import body, envelope
from tests.unit.hub.fold.viewer import Viewer

_LARGE = [HealthCheck.too_slow, HealthCheck.data_too_large]
SEARCH = search(200, suppress_health_check=_LARGE)
FEW = search(60, suppress_health_check=_LARGE)
# Whole meetings take as long as many facts.
MEETINGS = search(40, suppress_health_check=_LARGE)
_BY_ALL, _BY_BOTH = (stories.NAMED,), (stories.NAMED, stories.NAMELESS)
_ANYHOW = (stories.NAMED, stories.NAMELESS, stories.SID)
SESSIONS = stories.tellings(stories.room_facts(_BY_ALL))
DURABLE_ROOMS = stories.tellings(stories.room_facts(_BY_BOTH))
ROOMS = stories.tellings(stories.room_facts(_ANYHOW))
RENAMED = stories.tellings(
    st.one_of(stories.room_facts((*_ANYHOW, stories.ALIAS), (*stories.PRESENCE, "recording")), stories.shared_facts)
)
RECORDED = stories.tellings(stories.room_facts(_BY_BOTH, ("start", "start", "end", "recording", "recording")))
PLANNED = stories.tellings(
    st.one_of(stories.room_facts(_BY_BOTH, (*stories.PRESENCE, "recording")), stories.shared_facts)
)
BOTS = stories.tellings(stories.bot_facts)
LAUNCHES = stories.launch_tellings()
COUNTED_SESSIONS = stories.tellings(stories.room_facts(_BY_ALL, stories.PRESENCE))
COUNTED_ROOMS = stories.tellings(stories.room_facts(_BY_BOTH, stories.PRESENCE))
STATUSES = stories.tellings(stories.bot_facts, facts_in_one=1)
OBSERVED = stories.tellings(
    st.one_of(stories.room_facts(_BY_BOTH, stories.PRESENCE), stories.observed_facts, stories.observed_facts)
)
EVERYTHING = stories.tellings(
    st.one_of(stories.room_facts((*_ANYHOW, stories.ALIAS)), stories.shared_facts, stories.bot_facts)
)


def log_of(batches: Sequence[Sequence[Delivery]]) -> MemoryLog:
    """Return the log that got these batches."""
    log = MemoryLog()
    for batch in batches:
        log.commit(batch)
    return log


def arriving(data: st.DataObject, deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """Let deliveries arrive in some way."""
    batches = data.draw(stories.arrivals(len(deliveries)), label="places")
    return [[deliveries[place] for place in batch] for batch in batches]


def shown_by(log: MemoryLog) -> dict[str, tuple[object, ...]]:
    """Return everything that readers can find: bodies, tallies, and what documents are found and sorted by."""
    return {topic: (body(row), _without_sequence(row)) for topic, row in log.documents.items()}


def _without_sequence(row: Document) -> Document:
    hidden = row.hidden
    if row.collection == "rooms":
        # When the hub last heard of a room is about arrival by its nature.
        tally = msgspec.structs.replace(msgspec.msgpack.decode(hidden, type=Tally), heard_at=None)
        hidden = msgspec.msgpack.encode(tally)
    return msgspec.structs.replace(row, sequence=0, body=b"", hidden=hidden)


def assert_converges(data: st.DataObject, deliveries: Sequence[Delivery]) -> None:
    """Fold in the right order, one by one, and in some other way, and compare what is shown."""
    expected = log_of([[one] for one in stories.in_order(deliveries)])
    actual = log_of(arriving(data, deliveries))
    assert all(kept.status.value == "accepted" for kept in actual.deliveries)
    assert shown_by(actual) == shown_by(expected)


@given(deliveries=SESSIONS, data=st.data())
@SEARCH
def test_sessions_converge(deliveries: list[Delivery], data: st.DataObject) -> None:
    """Providers promise no order, and repeat themselves."""
    assert_converges(data, deliveries)


@given(deliveries=DURABLE_ROOMS, data=st.data())
@SEARCH
def test_durable_rooms_converge(deliveries: list[Delivery], data: st.DataObject) -> None:
    """Facts without a session move when a start comes late; where they end up follows from the facts alone."""
    assert_converges(data, deliveries)


@given(deliveries=RECORDED, data=st.data())
@SEARCH
def test_recordings_of_durable_rooms_converge(deliveries: list[Delivery], data: st.DataObject) -> None:
    """A recording has one document, whichever sessions were on while it was told of."""
    assert_converges(data, deliveries)


@given(deliveries=PLANNED, data=st.data())
@SEARCH
def test_planned_and_featured_rooms_converge(deliveries: list[Delivery], data: st.DataObject) -> None:
    """Which meeting a schedule means, and which session stands for a featured room, follows from the facts alone."""
    assert_converges(data, deliveries)


@given(deliveries=ROOMS, data=st.data())
@SEARCH
def test_sessions_whose_durable_room_is_told_late_converge(deliveries: list[Delivery], data: st.DataObject) -> None:
    """Brief payloads name only the session; which durable room it is part of may come before or after."""
    assert_converges(data, deliveries)


@given(deliveries=RENAMED, data=st.data())
@SEARCH
def test_sessions_that_are_told_of_two_durable_rooms_converge(deliveries: list[Delivery], data: st.DataObject) -> None:
    """A room may be called by its id here and by its name there: what was told last counts, whenever it arrives."""
    assert_converges(data, deliveries)


@given(deliveries=BOTS, data=st.data())
@SEARCH
def test_bots_converge(deliveries: list[Delivery], data: st.DataObject) -> None:
    """Two channels tell of one bot, each in its own order."""
    assert_converges(data, deliveries)


@given(deliveries=LAUNCHES, data=st.data())
@FEW
def test_launches_converge_with_the_bots_that_they_become(deliveries: list[Delivery], data: st.DataObject) -> None:
    """The provider's webhooks overtake its own answer, and a launch that became a bot is shown as that alone."""
    assert_converges(data, deliveries)


@given(deliveries=LAUNCHES, data=st.data())
@FEW
def test_viewers_of_launches_show_what_is_stored(deliveries: list[Delivery], data: st.DataObject) -> None:
    """Who follows the events never has to ask, nor keeps a launch beside its bot."""
    assert_viewers_show_it(arriving(data, deliveries), ("bots", "recordings"))


@given(deliveries=EVERYTHING, data=st.data())
@SEARCH
def test_how_arrivals_are_cut_into_batches_does_not_matter(deliveries: list[Delivery], data: st.DataObject) -> None:
    """How much is committed together depends on how slow the last commit was, and on nothing that was told."""
    batches = arriving(data, deliveries)
    one_by_one, cut = log_of([[one] for batch in batches for one in batch]), log_of(batches)
    assert cut.events == one_by_one.events
    assert cut.documents == one_by_one.documents
    assert cut.states == one_by_one.states


def rooms_shown(log: MemoryLog) -> dict[str, naive.RoomNow]:
    """Return what documents say is going on."""
    rooms = {}
    for row in log.documents.values():
        if row.collection == "rooms":
            room = body(row)
            people = [body(one) for one in log.documents.values() if one.parent == row.topic != one.topic]
            active = frozenset(one["id"] for one in people if one.get("active"))
            counts = room["participant_count"], room["speaker_count"]
            assert room["listener_count"] == counts[0] - counts[1]
            rooms[room["id"]] = naive.RoomNow(room["status"], active, *counts)
    return rooms


def assert_follows_the_model(batches: Sequence[Sequence[Delivery]]) -> None:
    """Fold batch by batch and compare with the model each time."""
    log, known = MemoryLog(), {}
    for batch in batches:
        log.commit(batch)
        known |= {naive.Told(fact, one.key): None for one in batch for fact in one.facts}
        assert rooms_shown(log) == naive.rooms_now(list(known))


@given(deliveries=COUNTED_SESSIONS, data=st.data())
@SEARCH
def test_who_is_in_a_session_follows_from_all_facts(deliveries: list[Delivery], data: st.DataObject) -> None:
    """At every moment the counts are those of somebody who knows all that was told so far, and no more."""
    assert_follows_the_model(arriving(data, deliveries))


@given(deliveries=COUNTED_ROOMS, data=st.data())
@SEARCH
def test_who_is_in_a_durable_room_follows_from_all_facts(deliveries: list[Delivery], data: st.DataObject) -> None:
    """The same, when facts must first be attached to a session."""
    assert_follows_the_model(arriving(data, deliveries))


@given(deliveries=STATUSES, data=st.data())
@SEARCH
def test_how_far_a_bot_is_follows_from_all_facts(deliveries: list[Delivery], data: st.DataObject) -> None:
    """The highest attempt, in it the highest rank, and of these the latest."""
    log, known = MemoryLog(), {}
    for batch in arriving(data, deliveries):
        log.commit(batch)
        known |= {naive.Told(fact, one.key): None for one in batch for fact in one.facts}
        bots = {
            shown["id"]: shown for shown in (body(row) for row in log.documents.values() if row.collection == "bots")
        }
        shown = {bot: (one["status"], one["status_since"], one["attempt"]) for bot, one in bots.items()}
        expected = naive.bots_now(known)
        assert shown == {bot: (one.status, format_time(one.since), one.attempt) for bot, one in expected.items()}


def assert_viewers_show_it(batches: Sequence[Sequence[Delivery]], collections: Sequence[str]) -> None:
    """Let a viewer follow the log, and compare what it shows with the documents each time."""
    log, viewer = MemoryLog(), Viewer()
    for batch in batches:
        changes = log.commit(batch)
        viewer.see(event for event, _ in changes.events)
        # Until when the links are good is told with something else only.
        untold = {"sequence", "expires_at"}
        stored = {
            row.topic: {name: value for name, value in body(row).items() if name not in untold}
            for row in log.documents.values()
            if row.collection in collections
        }
        seen = {
            topic: {name: value for name, value in one.items() if name not in untold}
            for topic, one in viewer.shown.items()
            if not (topic.startswith("recordings/") and "recordings" not in collections)
        }
        assert seen == stored


@given(deliveries=OBSERVED, data=st.data())
@FEW
def test_what_the_hub_saw_when_it_asked_converges(deliveries: list[Delivery], data: st.DataObject) -> None:
    """What a provider tells may come before and after the hub's own conclusion, which counts where it is silent."""
    assert_converges(data, deliveries)


@given(deliveries=OBSERVED, data=st.data())
@FEW
def test_what_the_hub_saw_counts_where_no_provider_refutes_it(deliveries: list[Delivery], data: st.DataObject) -> None:
    """An end that was seen is void as soon as the provider tells another one, or of anything that was later."""
    assert_follows_the_model(arriving(data, deliveries))


@given(deliveries=OBSERVED, data=st.data())
@FEW
def test_viewers_of_rooms_that_the_hub_asks_about_show_what_is_stored(
    deliveries: list[Delivery], data: st.DataObject
) -> None:
    """A room that was taken for over and lives again does so for its viewers too."""
    assert_viewers_show_it(arriving(data, deliveries), ("rooms", "participants", "recordings"))


@given(deliveries=SESSIONS, data=st.data())
@SEARCH
def test_viewers_of_sessions_show_what_is_stored(deliveries: list[Delivery], data: st.DataObject) -> None:
    """Who follows the events never has to ask."""
    assert_viewers_show_it(arriving(data, deliveries), ("rooms", "participants", "recordings"))


@given(deliveries=ROOMS, data=st.data())
@SEARCH
def test_viewers_of_durable_rooms_show_what_is_stored(deliveries: list[Delivery], data: st.DataObject) -> None:
    """What a late start moves is emitted again, in its old place and in its new one."""
    assert_viewers_show_it(arriving(data, deliveries), ("rooms", "participants", "recordings"))


@given(deliveries=PLANNED, data=st.data())
@SEARCH
def test_viewers_of_planned_rooms_show_what_is_stored(deliveries: list[Delivery], data: st.DataObject) -> None:
    """A schedule that is cancelled, or loses its meeting to another, is told of as any other change."""
    assert_viewers_show_it(arriving(data, deliveries), ("rooms", "participants", "recordings", "schedules"))


@given(deliveries=BOTS, data=st.data())
@SEARCH
def test_viewers_of_bots_show_what_is_stored(deliveries: list[Delivery], data: st.DataObject) -> None:
    """Who follows the events never has to ask."""
    assert_viewers_show_it(arriving(data, deliveries), ("bots", "recordings"))


@given(deliveries=EVERYTHING, data=st.data())
@SEARCH
def test_the_log_keeps_its_promises(deliveries: list[Delivery], data: st.DataObject) -> None:
    """Gapless, small, nobody in a room that is over, and nobody told of a room that they did not ask for."""
    log = log_of(arriving(data, deliveries))
    assert [event.sequence for event in log.events] == list(range(1, len(log.events) + 1))
    for event in log.events:
        assert len(event.json("e" * 16)) <= 64 * 1024
        assert_is_about_its_subject(envelope(event))
    for room, now in rooms_shown(log).items():
        assert now.status == "live" or not now.active, room
        assert now.people <= len(now.active)


def assert_is_about_its_subject(event: dict[str, object]) -> None:
    """Whoever may read the subject of an event gets all of its data."""
    data = event["data"]
    documents = [data.get("participant"), data.get("recording"), *data.get("participants", ())]
    for document in filter(None, documents):
        owner = f"rooms/{document['room']}" if "room" in document else f"bots/{document['bot']}"
        assert owner == event["subject"]
    for name in ("room", "bot"):
        assert name not in data or f"{name}s/{data[name]['id']}" == event["subject"]
