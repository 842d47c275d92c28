"""What Pulse's webhooks are taken to mean, in both dialects: rooms, participants, tracks, and what is not known."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Spoken
from handlers.providers.pulse import translate
from handlers.providers.pulse_samples import samples
from handlers.providers.reading import parse_payload
from hub.errors import Unusable
from hub.events import FUTURE_LIMIT_MS, CaptureDetail, Fact, Kind, NoteDetail, ParticipantDetail, Session, TrackDetail
from hub.settings import Source

FOLDER = Path(__file__).parents[3] / "samples"
SOURCE = Source(provider="pulse", name="pulse-eu", path="/webhooks/pulse", account="acme")
RECEIVED_AT = 1_773_151_300_000
SESSION = "rooms/pulse:RM_abc123xyz789"
DURABLE = "rooms/pulse-eu@meeting-room-456"
PROJECT = "507f1f77bcf86cd799439012"

Object = dict[str, Any]  # the tests put every type into payloads


def read(name: str) -> Object:
    return dict(parse_payload((FOLDER / f"{name}.json").read_bytes()))


def translated(payload: Object, received_at: int = RECEIVED_AT) -> Spoken:
    return translate(SOURCE, payload, received_at)


def fact_of(payload: Object, received_at: int = RECEIVED_AT) -> Fact:
    (fact,) = translated(payload, received_at).facts
    return fact


def participant_of(payload: Object) -> ParticipantDetail:
    detail = fact_of(payload).detail
    assert isinstance(detail, ParticipantDetail)
    return detail


def joined(**participant: object) -> Object:
    return {"event": "participant.joined", "data": {"room_sid": "RM_1", "participant": participant}}


TABLE = [
    ("pulse/room.started", Kind.ROOM_STARTED, SESSION, 1_737_282_600_000),
    ("pulse/room.ended", Kind.ROOM_ENDED, SESSION, 1_737_286_200_000),
    ("pulse/participant.joined", Kind.PARTICIPANT_JOINED, SESSION, 1_737_282_660_000),
    ("pulse/participant.left", Kind.PARTICIPANT_LEFT, SESSION, 1_737_285_300_000),
    ("pulse/track.published", Kind.TRACK_PUBLISHED, DURABLE, RECEIVED_AT),
    ("pulse/track.unpublished", Kind.TRACK_UNPUBLISHED, DURABLE, RECEIVED_AT),
    ("pulse/egress.started", Kind.STREAM_STARTED, DURABLE, 1_737_282_900_000),
    ("pulse/egress.ended", Kind.STREAM_STOPPED, DURABLE, 1_737_284_700_000),
    ("pulse/recording.completed", Kind.RECORDING_COMPLETED, DURABLE, RECEIVED_AT),
    ("pulse_go_impl/room_started", Kind.ROOM_STARTED, DURABLE, 1_737_282_600_000),
    ("pulse_go_impl/room_ended", Kind.ROOM_ENDED, DURABLE, 1_737_286_200_000),
    ("pulse_go_impl/participant_joined", Kind.PARTICIPANT_JOINED, DURABLE, 1_737_282_660_000),
    ("pulse_go_impl/participant_left", Kind.PARTICIPANT_LEFT, DURABLE, 1_737_285_300_000),
    ("pulse_go_impl/egress_started", Kind.RECORDING_STARTED, DURABLE, 1_737_282_900_000),
    ("pulse_go_impl/egress_ended", Kind.RECORDING_STOPPED, DURABLE, 1_737_284_700_000),
    ("pulse_go_impl/recording_available", Kind.RECORDING_COMPLETED, DURABLE, 1_737_286_260_000),
    ("pulse_go_impl/ingress_started", Kind.STREAM_STARTED, DURABLE, 1_737_283_000_000),
    ("pulse_go_impl/ingress_ended", Kind.STREAM_STOPPED, DURABLE, 1_737_284_000_000),
]


@pytest.mark.parametrize(("name", "kind", "entity", "time"), TABLE, ids=[row[0] for row in TABLE])
def test_each_event_has_its_kind_its_room_and_its_time(name: str, kind: Kind, entity: str, time: int) -> None:
    """The bodies of the guide and of the code; what names no session is about the durable room."""
    payload = read(name)
    spoken = translated(payload)
    (fact,) = spoken.facts
    assert (fact.kind, fact.entity, fact.time) == (kind, entity, time)
    assert f"rooms/{fact.durable}" == DURABLE
    assert (spoken.provider_type, spoken.delivery_id) == (payload["event"], "")


@pytest.mark.parametrize("name", [row[0] for row in TABLE])
def test_only_bytes_that_hold_a_time_are_one_delivery_for_ever(name: str) -> None:
    """The guide's tracks and recordings hold none: said again on another day they are another fact."""
    untimed = name in ("pulse/track.published", "pulse/track.unpublished", "pulse/recording.completed")
    assert translated(read(name)).timed is not untimed


@pytest.mark.parametrize(
    "spelled",
    [
        "2025-01-19T10:30:00Z",
        1_737_282_600,
        1_737_282_600_000,
        1_737_282_600_000_000,
        1_737_282_600_000_000_000,
        "1737282600",
        1_737_282_600.0,
    ],
)
def test_the_time_of_the_envelope_is_read_in_whichever_unit(spelled: object) -> None:
    """The guide writes text; the code has an int64 of a unit that it does not tell."""
    assert fact_of({"event": "room_started", "room_name": "daily", "timestamp": spelled}).time == 1_737_282_600_000


@pytest.mark.parametrize("spelled", [None, 0, -5, "soon", "", True, [], {}])
def test_without_a_time_it_happened_when_it_came(spelled: object) -> None:
    """Zero is what Go sends for a time that nobody set."""
    spoken = translated({"event": "room_started", "room_name": "daily", "timestamp": spelled})
    assert (spoken.facts[0].time, spoken.timed) == (RECEIVED_AT, False)


def test_the_time_in_the_data_goes_before_that_of_the_envelope() -> None:
    """The envelope's is when the webhook was made."""
    payload = read("pulse/room.started")
    payload["timestamp"] = "2025-01-19T10:30:07Z"
    fact = fact_of(payload)
    assert fact.time == 1_737_282_600_000
    assert fact.session
    assert fact.session.started_at == 1_737_282_600_000


def test_a_clock_far_ahead_is_not_believed() -> None:
    """It would keep the room at the top of every list."""
    received_at = 1_737_282_600_000 - 2 * FUTURE_LIMIT_MS
    fact = fact_of(read("pulse/room.started"), received_at)
    assert (fact.time, fact.skewed) == (received_at, True)
    assert fact.session
    assert fact.session.started_at is None


def test_the_end_of_a_room_tells_its_totals() -> None:
    """What Pulse bills by is what Pulse counted."""
    fact = fact_of(read("pulse/room.ended"))
    assert fact.session == Session(
        name="meeting-room-456",
        session_id="RM_abc123xyz789",
        project=PROJECT,
        duration_ms=3_600_000,
        participant_ms=18_000_000,
        peak=5,
    )
    assert fact.closing_reason == "room_ended"


@pytest.mark.parametrize("odd", [-1, "many", None, 10**30, True, [5]])
def test_totals_that_cannot_be_are_left_out(odd: object) -> None:
    """They would win over what was seen."""
    payload = read("pulse/room.ended")
    payload["data"] |= {"duration_seconds": odd, "max_participants": odd, "total_participant_minutes": odd}
    session = fact_of(payload).session
    assert session
    assert (session.duration_ms, session.participant_ms, session.peak) == (None, None, None)


def test_a_room_of_the_code_tells_no_totals() -> None:
    """Nor has it a session: its name is all there is."""
    fact = fact_of(read("pulse_go_impl/room_ended"))
    assert (fact.room, fact.session) == ("", Session(name="meeting-room-456", project=PROJECT))


def test_durations_of_other_things_are_not_those_of_the_room() -> None:
    """A stream's `duration_seconds` stands where a room's does."""
    session = fact_of(read("pulse/egress.ended")).session
    assert session == Session(name="meeting-room-456", project="acme")


def test_without_a_project_the_account_of_the_source_is_named() -> None:
    """The guide's tracks, streams and recordings have no envelope to name one."""
    session = fact_of(read("pulse/track.published")).session
    assert session
    assert session.project == "acme"


def test_somebody_who_joins_is_a_visit_with_a_name() -> None:
    """The guide has the name only in the metadata, beside the address, which is nobody's business."""
    assert participant_of(read("pulse/participant.joined")) == ParticipantDetail(
        id="PA_xyz789", identity="user123", name="John Doe"
    )
    assert b"example.com" not in msgspec.json.encode(translated(read("pulse/participant.joined")))


def test_a_leave_that_tells_its_length_is_a_whole_visit() -> None:
    """When the join was lost, the visit is still counted."""
    assert participant_of(read("pulse/participant.left")) == ParticipantDetail(
        id="PA_xyz789", identity="user123", duration_ms=2_640_000, reason="participant_left"
    )


def test_a_participant_of_the_code_has_an_id_and_a_name() -> None:
    """It calls the sid `id`, and tells no length."""
    assert participant_of(read("pulse_go_impl/participant_joined")) == ParticipantDetail(
        id="PA_xyz789", identity="user123", name="John Doe"
    )
    assert participant_of(read("pulse_go_impl/participant_left")) == ParticipantDetail(
        id="PA_xyz789", identity="user123", name="John Doe", reason="participant_left"
    )


@pytest.mark.parametrize(
    ("participant", "visit"),
    [
        ({"sid": "PA_1", "id": "x", "identity": "ann"}, "PA_1"),
        ({"id": "x", "identity": "ann"}, "x"),
        ({"identity": "ann"}, "identity:ann"),
        ({"sid": "", "id": None, "identity": "Ann B"}, "identity:Ann~20B"),
    ],
)
def test_a_visit_is_named_by_its_sid_else_its_id_else_who_it_is(participant: Object, visit: str) -> None:
    """One identity may come twice, and the second visit must not end with the first."""
    assert participant_of(joined(**participant)).id == visit


@pytest.mark.parametrize(
    ("participant", "name"),
    [
        ({"name": "Ann", "metadata": {"name": "Other"}}, "Ann"),
        ({"metadata": {"name": "Ann"}}, "Ann"),
        ({"metadata": '{"name": "Ann", "email": "ann@example.com"}'}, "Ann"),
        ({"metadata": '{"name": "Ann"'}, ""),
        ({"metadata": '["Ann"]'}, ""),
        ({"metadata": "[" * 5000}, ""),
        ({"metadata": '{"name": "\ud800"}'}, "?"),
        ({"metadata": f'{{"name": "Ann", "more": "{"x" * 70_000}"}}'}, ""),
        ({"metadata": 5}, ""),
        ({"name": "ann@example.com"}, "ann@…"),
        ({}, ""),
    ],
)
def test_a_name_is_found_in_the_metadata_too(participant: Object, name: str) -> None:
    """It is an object in the guide, and text in LiveKit beneath; whatever it is, it is only for the name."""
    assert participant_of(joined(sid="PA_1", **participant)).name == name


def test_identities_that_are_addresses_are_hidden_and_stay_different() -> None:
    """Customers like to use them."""
    first, second = (participant_of(joined(identity=f"ann@{place}.example")) for place in "ab")
    assert "example" not in first.id + first.identity
    assert first.id != second.id


def test_a_track_belongs_to_an_identity_in_the_durable_room() -> None:
    """The guide names neither the session nor the visit."""
    fact = fact_of(read("pulse/track.published"))
    assert (fact.room, fact.durable) == ("", "pulse-eu@meeting-room-456")
    assert fact.detail == TrackDetail(id="TR_abc123", identity="user123", type="video", source="camera")
    assert fact_of(read("pulse/track.unpublished")).detail == TrackDetail(
        id="TR_abc123", identity="user123", type="video"
    )


def test_a_track_may_name_its_visit() -> None:
    """As every other event does."""
    told = {"room_sid": "RM_1", "participant": {"sid": "PA_1", "identity": "ann"}, "track": {"sid": "TR_1"}}
    assert fact_of({"event": "track.published", "data": told}).detail == TrackDetail(
        id="TR_1", participant="PA_1", identity="ann"
    )


def test_all_sources_of_an_account_call_a_durable_room_the_same() -> None:
    """Two paths of one account may tell of one room."""
    source = msgspec.structs.replace(SOURCE, home="first")
    (fact,) = translate(source, read("pulse/track.published"), RECEIVED_AT).facts
    assert fact.durable == "first@meeting-room-456"


def test_names_and_ids_fit_into_topics() -> None:
    """Rooms are named by users."""
    fact = fact_of({"event": "room.started", "data": {"room_sid": "RM 1/2", "room_name": "Größe/…"}})
    assert (fact.room, fact.durable) == ("pulse:RM~201~2f2", "pulse-eu@Gr~c3~b6~c3~9fe~2f~e2~80~a6")


@pytest.mark.parametrize("field", ["room_sid", "room_name"])
def test_a_room_known_by_an_address_hides_it_and_stays_another_than_the_next(field: str) -> None:
    """Documents, events and topics go to everybody who may see rooms."""
    first, second = (
        fact_of({"event": "room.started", "data": {field: f"john@{where}"}}) for where in ("example.com", "example.org")
    )
    assert "example" not in repr((first, second))
    assert first.entity != second.entity
    shown = {"room_sid": "session_id", "room_name": "name"}[field]
    assert first.session == Session(**{shown: "john@…"}, project="acme")


def test_a_name_that_only_looks_like_an_address_stays_as_it_is() -> None:
    """Without a dot there is no domain, and rooms keep their topics."""
    fact = fact_of({"event": "room.started", "data": {"room_sid": "a@b", "room_name": "c@d"}})
    assert (fact.room, fact.durable) == ("pulse:a@b", "pulse-eu@c@d")
    assert fact.session == Session(name="c@d", session_id="a@b", project="acme")


def test_the_room_of_the_code_may_be_named_in_what_the_event_is_about() -> None:
    """Egresses, ingresses and recordings have their own `room_name`."""
    for about in ("egress", "ingress"):
        payload = {"event": f"{about}_started", about: {"id": "X_1", "room_name": "daily"}}
        assert fact_of(payload).durable == "pulse-eu@daily"
    payload = {"event": "recording_available", "recording": {"id": "X_1", "room_name": "daily"}}
    assert fact_of(payload).durable == "pulse-eu@daily"


@pytest.mark.parametrize(
    "payload",
    [
        {"event": "room.started", "room_name": "daily", "room_sid": "RM_1"},
        {"event": "room.started", "room_name": "daily", "data": {"room_sid": "RM_1"}},
        {"event": "room_started", "data": {"room_name": "daily", "room_sid": "RM_1"}},
        {"event": "room_started", "room_name": "daily", "room_sid": "RM_1", "data": ["more"]},
        {
            "event": "room_started",
            "room_name": "b",
            "room_sid": "b",
            "data": {"room_name": "daily", "room_sid": "RM_1"},
        },
    ],
)
def test_the_content_may_stand_in_either_place(payload: Object) -> None:
    """People who try things out mix the two dialects."""
    fact = fact_of(payload)
    assert (fact.kind, fact.room, fact.durable) == (Kind.ROOM_STARTED, "pulse:RM_1", "pulse-eu@daily")


@pytest.mark.parametrize("name", ["room.paused", "track_published", "Room.Started", "room. started"])
def test_unknown_events_are_kept_with_what_they_are_about(name: str) -> None:
    """Both dialects may grow; they are worth showing before they are understood."""
    payload = {"event": name, "timestamp": 1_737_282_600, "data": {"room_sid": "RM_1", "secret": "hush"}}
    fact = fact_of(payload)
    assert (fact.kind, fact.entity, fact.time) == (Kind.PROVIDER_EVENT, "rooms/pulse:RM_1", 1_737_282_600_000)
    assert fact.detail == NoteDetail(said=(("event", name),))


@pytest.mark.parametrize(
    ("payload", "missing"),
    [
        ({}, "event"),
        ({"event": ""}, "event"),
        ({"event": 5}, "event"),
        ({"event": "room.started"}, "room_sid nor room_name"),
        ({"event": "room.started", "data": {"room_name": None}}, "room_sid nor room_name"),
        ({"event": "room_ended", "room_name": ""}, "room_sid nor room_name"),
        ({"event": "participant.joined", "data": {"participant": {"sid": "PA_1"}}}, "room_sid nor room_name"),
        ({"event": "participant_left", "participant": {"id": "PA_1"}}, "room_sid nor room_name"),
        ({"event": "track.published", "data": {"track": {"sid": "TR_1"}}}, "room_sid nor room_name"),
        ({"event": "participant.joined", "data": {"room_sid": "RM_1"}}, "sid, id nor identity"),
        ({"event": "participant_left", "room_name": "daily", "participant": ["ann"]}, "sid, id nor identity"),
        ({"event": "track.published", "data": {"room_name": "daily", "track": {}}}, "names no track"),
    ],
)
def test_what_says_nothing_is_unusable_and_says_what_is_missing(payload: Object, missing: str) -> None:
    """A fact about nobody cannot be shown; the delivery is kept with its reason instead."""
    with pytest.raises(Unusable, match=missing):
        translated(payload)


SECRETS = ("email", "metadata", "stream_key", "streamKey", "rtmp_url", "storage_access_key", "token", "user_data")


@pytest.mark.parametrize("name", sorted(samples(RECEIVED_AT)))
def test_facts_hold_no_secrets(name: str) -> None:
    """Facts are stored, streamed and logged; the payload is for administrators alone."""
    spoken = translated(planted(samples(RECEIVED_AT)[name].payload))
    assert b"hush" not in msgspec.json.encode(spoken)
    assert b"@example" not in msgspec.json.encode(translated(samples(RECEIVED_AT)[name].payload))


def planted(value: Any) -> Any:  # walks JSON of any shape
    """Put a secret wherever a payload may have one."""
    if isinstance(value, list):
        return [planted(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {**{key: planted(item) for key, item in value.items()}, **dict.fromkeys(SECRETS, "hush-hush")}


CHARACTERS = st.sampled_from('aZ0_-:/ .\0\n"é\ud800\U0001f600')
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(CHARACTERS, max_size=20)
    | st.sampled_from(["RTMP", "1773144003", "1" * 30, "x" * 5000, 2**63, -1, 1e308, '{"name": 5}', "https://a?b=c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=5), inner, max_size=3),
    max_leaves=5,
)
PAYLOADS = [sample.payload for sample in samples(RECEIVED_AT).values()]


EGRESSES = [payload for payload in PAYLOADS if "egress" in str(payload["event"])]


@st.composite
def bent_payloads(draw: st.DrawFn, payloads: list[Object]) -> Object:
    """Return one of the payloads with up to four of its values replaced by any JSON, or dropped."""
    payload: Object = msgspec.json.decode(msgspec.json.encode(draw(st.sampled_from(payloads))))
    for _ in range(draw(st.integers(1, 4))):
        holder = payload
        while isinstance(inner := holder[at := draw(st.sampled_from(sorted(holder)))], dict) and inner:
            if draw(st.integers(0, 3)) == 0:
                break
            holder = inner
        if draw(st.integers(0, 4)) == 0 and len(holder) > 1:
            del holder[at]
        else:
            holder[at] = draw(JSON)
    return payload


@given(
    payload=bent_payloads(PAYLOADS)
    | st.dictionaries(st.sampled_from(["event", "data", "room_name", "timestamp"]), JSON)
)
def test_any_json_is_translated_or_unusable(payload: Object) -> None:
    """Any other error would be answered 500, and the provider would send it again."""
    try:
        spoken = translated(payload)
    except Unusable:
        return
    assert msgspec.json.decode(msgspec.json.encode(spoken), type=Spoken) == spoken
    assert b"\\u0000" not in msgspec.json.encode(spoken)
    for fact in spoken.facts:
        assert 0 < fact.time <= RECEIVED_AT + FUTURE_LIMIT_MS
        assert len(fact.entity) <= 420
        assert fact.entity.isascii()
        # The store takes integers of 64 bits.
        msgspec.msgpack.encode(fact)


@given(payload=bent_payloads(EGRESSES))
def test_an_egress_is_one_thing_in_all_its_events(payload: Object) -> None:
    """Whatever else they say, events of equal type are of one family: documents are found by family and id."""
    facts = []
    for event in ("egress.started", "egress.ended", "egress_started", "egress_ended"):
        try:
            facts.append(fact_of({**payload, "event": event}))
        except Unusable:
            return
    assert len({fact.kind.partition(".")[0] for fact in facts}) == 1
    assert all(isinstance(fact.detail, CaptureDetail) for fact in facts)
