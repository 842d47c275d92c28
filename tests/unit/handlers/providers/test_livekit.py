"""What LiveKit's webhooks are taken to mean: rooms, participants, tracks, jobs, and what is not known."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Spoken
from handlers.providers.livekit import translate
from handlers.providers.livekit_samples import samples
from handlers.providers.reading import parse_payload
from hub.errors import Unusable
from hub.events import FUTURE_LIMIT_MS, Fact, JobDetail, Kind, NoteDetail, ParticipantDetail, Session, TrackDetail
from hub.settings import Source

FOLDER = Path(__file__).parents[3] / "samples" / "livekit"
SOURCE = Source(provider="livekit", name="lk-eu", path="/api/livekit/webhook", account="acme")
RECEIVED_AT = 1_773_151_300_000
ROOM = "livekit:RM_nHPUfmxXrHry"
DURABLE = "lk-eu@daily-standup"
GUIDE: dict[str, Any] = {  # payloads are what they are
    "event": "participant_joined",
    "room": {"name": "example-room", "numParticipants": 2},
    "participant": {"identity": "user123"},
}

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
    return {"event": "participant_joined", "room": {"sid": "RM_1", "name": "r"}, "participant": participant}


@pytest.mark.parametrize(
    ("name", "kind", "time"),
    [
        ("room_started", Kind.ROOM_STARTED, 1_773_144_000_213),
        ("room_finished", Kind.ROOM_ENDED, 1_773_146_460_000),
        ("participant_joined", Kind.PARTICIPANT_JOINED, 1_773_144_002_087),
        ("participant_left", Kind.PARTICIPANT_LEFT, 1_773_146_400_000),
        ("participant_connection_aborted", Kind.PARTICIPANT_REJECTED, 1_773_144_033_000),
        ("track_published", Kind.TRACK_PUBLISHED, 1_773_144_005_000),
        ("track_unpublished", Kind.TRACK_UNPUBLISHED, 1_773_146_399_000),
        ("egress_started", Kind.RECORDING_UPDATED, 1_773_144_030_000),
        ("egress_updated", Kind.RECORDING_STARTED, 1_773_144_036_120),
        ("egress_ended", Kind.RECORDING_COMPLETED, 1_773_146_401_990),
        ("ingress_started", Kind.STREAM_STARTED, 1_773_144_119_000),
        ("ingress_ended", Kind.STREAM_STOPPED, 1_773_145_500_000),
        ("agent_job_started", Kind.JOB_STARTED, 1_773_144_007_000),
        ("agent_job_ended", Kind.JOB_ENDED, 1_773_146_402_000),
    ],
)
def test_each_event_has_its_kind_its_time_and_its_room(name: str, kind: Kind, time: int) -> None:
    """Recorded payloads of all fourteen events, in the units that each field has."""
    fact = fact_of(read(name))
    assert (fact.kind, fact.time, fact.room, fact.durable) == (kind, time, ROOM, DURABLE)
    assert fact.entity == f"rooms/{ROOM}"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_a_delivery_is_known_by_the_id_in_its_body(name: str) -> None:
    """Retries and second webhooks of one event carry the same id."""
    payload = read(name)
    spoken = translated(payload)
    assert (spoken.delivery_id, spoken.provider_type, spoken.timed) == (payload["id"], name, True)


def test_the_session_is_told_with_its_start() -> None:
    """Whichever event comes first must be enough to show the room."""
    assert fact_of(read("participant_left")).session == Session(
        name="daily-standup", session_id="RM_nHPUfmxXrHry", project="acme", started_at=1_773_144_000_213
    )


def test_old_servers_tell_the_start_in_seconds() -> None:
    """`creationTimeMs` and `joinedAtMs` came later."""
    payload = read("participant_joined")
    del payload["room"]["creationTimeMs"], payload["participant"]["joinedAtMs"]
    fact = fact_of(payload)
    assert (fact.time, fact.session.started_at if fact.session else None) == (1_773_144_002_000, 1_773_144_000_000)


def test_brief_rooms_tell_no_start() -> None:
    """Events of tracks have only the sid and the name of the room."""
    session = fact_of(read("track_published")).session
    assert session == Session(name="daily-standup", session_id="RM_nHPUfmxXrHry", project="acme")


def test_a_room_without_a_name_has_no_durable_room() -> None:
    """Inventing one would throw all nameless sessions together."""
    fact = fact_of({"event": "room_started", "room": {"sid": "RM_1"}})
    assert (fact.room, fact.durable) == ("livekit:RM_1", "")


def test_the_guides_body_speaks_of_the_durable_room() -> None:
    """It names no session, and has neither id nor time."""
    spoken = translated(GUIDE)
    detail = ParticipantDetail(id="identity:user123", identity="user123")
    fact = Fact(
        kind=Kind.PARTICIPANT_JOINED,
        time=RECEIVED_AT,
        durable="lk-eu@example-room",
        session=Session(name="example-room", project="acme"),
        detail=detail,
    )
    assert spoken == Spoken(provider_type="participant_joined", facts=(fact,))


def test_names_and_ids_fit_into_topics() -> None:
    """Rooms are named by users."""
    fact = fact_of({"event": "room_started", "room": {"sid": "RM 1/2", "name": "Größe/…"}})
    assert (fact.room, fact.durable) == ("livekit:RM~201~2f2", "lk-eu@Gr~c3~b6~c3~9fe~2f~e2~80~a6")


@pytest.mark.parametrize("place", ["room", "egressInfo", "ingressInfo"])
def test_a_room_named_by_an_address_hides_it_and_stays_another_than_the_next(place: str) -> None:
    """Documents, events and topics go to everybody who may see rooms."""
    field = "name" if place == "room" else "roomName"
    event = {"room": "room_started", "egressInfo": "egress_started", "ingressInfo": "ingress_started"}[place]
    ids = {"egressId": "EG_1", "ingressId": "IN_1"}
    first, second = (
        fact_of({"event": event, place: {**ids, field: f"john@{where}"}}) for where in ("example.com", "example.org")
    )
    assert "example" not in repr((first, second))
    assert first.session == Session(name="john@…", project="acme")
    assert first.durable != second.durable
    assert first.durable.startswith("lk-eu@john@~e2~80~a6~23")


def test_a_name_that_only_looks_like_an_address_stays_as_it_is() -> None:
    """Without a dot there is no domain, and rooms keep their topics."""
    fact = fact_of({"event": "room_started", "room": {"name": "a@b"}})
    assert (fact.durable, fact.session) == ("lk-eu@a@b", Session(name="a@b", project="acme"))


def test_long_names_stay_different() -> None:
    """Names that differ only at the end are still two rooms."""
    first, second = ({"event": "room_started", "room": {"name": "x" * 300 + end}} for end in "ab")
    assert fact_of(first).durable != fact_of(second).durable


def test_names_that_are_shown_are_short() -> None:
    """An event may not grow with what a user typed."""
    session = fact_of({"event": "room_started", "room": {"sid": "s" * 300, "name": "x" * 300}}).session
    assert session == Session(name="x" * 256, session_id="s" * 256, project="acme")


def test_the_end_of_a_room_closes_its_participants() -> None:
    """LiveKit does not send a leave for everybody when a room is closed."""
    fact = fact_of({**read("room_finished"), "roomEndReason": "ROOM_END_IDLE_TIMEOUT"})
    assert fact.closing_reason == "room_finished"
    assert fact.detail == NoteDetail(said=(("reason", "idle_timeout"),))


def test_an_end_without_a_reason_has_no_note() -> None:
    """Older servers tell none."""
    assert fact_of(read("room_finished")).detail is None


@pytest.mark.parametrize(
    "payload",
    [
        {"event": "room_finished", "room": {"sid": "RM_1", "creationTimeMs": "1773146400213"}},
        {**joined(sid="PA_1", joinedAtMs="1773146400213"), "event": "participant_left"},
    ],
)
def test_an_end_does_not_come_before_its_start(payload: Object) -> None:
    """`createdAt` has whole seconds: what lasts half a second would else end before it began."""
    assert fact_of({**payload, "createdAt": "1773146400"}).time == 1_773_146_400_213


def test_a_leave_tells_the_whole_visit() -> None:
    """When the join was lost, the visit is still counted."""
    assert participant_of(read("participant_left")) == ParticipantDetail(
        id="PA_eU7nwP2s3FcN",
        identity="user-001",
        name="Alice Martin",
        kind="human",
        may_publish=True,
        joined_at=1_773_144_002_087,
        reason="client_initiated",
    )


def test_an_aborted_connection_tells_its_reason() -> None:
    """Somebody could not join, and support is asked why."""
    assert participant_of(read("participant_connection_aborted")).reason == "join_failure"


@pytest.mark.parametrize(
    ("participant", "kind"),
    [
        ({"state": "ACTIVE"}, "human"),
        ({"joinedAt": "1773144002"}, "human"),
        ({"kind": "STANDARD"}, "human"),
        ({"kind": "INGRESS"}, "ingress"),
        ({"kind": "EGRESS"}, "recorder"),
        ({"kind": "SIP"}, "sip"),
        ({"kind": "AGENT"}, "agent"),
        ({"kind": "CONNECTOR"}, "agent"),
        ({"kind": "BRIDGE"}, "agent"),
        ({"kind": "HOLOGRAM", "state": "ACTIVE"}, ""),
        ({"kind": "SIP", "identity": "agent-1"}, "sip"),
        ({"state": "ACTIVE", "identity": "EG_pJTG6WdSWj4H"}, "recorder"),
        ({"state": "ACTIVE", "permission": {"hidden": True, "recorder": True}}, "recorder"),
        ({"kind": "STANDARD", "identity": "EG_pJTG6WdSWj4H"}, "recorder"),
        ({"state": "ACTIVE", "permission": {"hidden": True}}, "human"),
        ({"state": "ACTIVE", "permission": {"recorder": True}}, "human"),
        ({"state": "ACTIVE", "identity": "agent-AJ_Wq3dR5"}, "agent"),
        ({"state": "ACTIVE", "permission": {"agent": True}}, "agent"),
        ({}, ""),
    ],
)
def test_people_are_told_from_machines(participant: Object, kind: str) -> None:
    """Recorders and agents join like people do, but must not be counted as such; old servers send no kind."""
    assert participant_of(joined(**{"sid": "PA_1", **participant})).kind == kind


@pytest.mark.parametrize(
    ("participant", "may_publish"),
    [({"permission": {"canPublish": True}}, True), ({"permission": {}}, False), ({}, None), ({"permission": 1}, None)],
)
def test_who_may_publish_is_told_only_with_a_permission(participant: Object, may_publish: bool | None) -> None:
    """False is left out inside a permission; without one, nothing is known."""
    assert participant_of(joined(sid="PA_1", **participant)).may_publish is may_publish


@pytest.mark.parametrize(("told", "type_"), [({}, "audio"), ({"type": "VIDEO"}, "video"), ({"type": "DATA"}, "data")])
def test_a_track_without_a_type_is_audio(told: Object, type_: str) -> None:
    """AUDIO is the zero value, which is left out."""
    detail = fact_of({"event": "track_published", "room": {"sid": "RM_1"}, "track": {"sid": "TR_1", **told}}).detail
    assert detail == TrackDetail(id="TR_1", type=type_, muted=False)


def test_a_track_names_its_participant() -> None:
    """Tracks are shown beside who publishes them."""
    assert fact_of(read("track_published")).detail == TrackDetail(
        id="TR_VCkqW6ZSvU7ZsE",
        participant="PA_eU7nwP2s3FcN",
        identity="user-001",
        type="video",
        source="camera",
        name="camera",
        muted=False,
    )


def test_a_track_of_an_identity_belongs_to_its_visit() -> None:
    """Where a join names only the identity, so may the tracks: both must mean the same visit."""
    payload = joined(identity="ann")
    track = fact_of({**payload, "event": "track_published", "track": {"sid": "TR_1"}}).detail
    assert isinstance(track, TrackDetail)
    assert track.participant == participant_of(payload).id


def test_a_job_tells_who_works_and_how_it_went() -> None:
    """A failed agent is noticed by its status."""
    assert fact_of(read("agent_job_ended")).detail == JobDetail(id="AJ_Wq3dR5", agent="notetaker", status="success")


def test_a_job_may_name_its_room_alone() -> None:
    """Whether the event has a room of its own beside the job is not documented."""
    payload = read("agent_job_started")
    del payload["room"]
    payload["job"]["room"]["creationTime"] = "1773144000"
    fact = fact_of(payload)
    assert (fact.room, fact.durable) == (ROOM, DURABLE)
    assert fact.session
    assert fact.session.started_at == 1_773_144_000_000


@pytest.mark.parametrize("room", [{}, {"room": {"sid": "RM_1", "name": "r"}}])
def test_unknown_events_are_kept_with_what_they_are_about(room: Object) -> None:
    """LiveKit adds events; they are worth showing before they are understood."""
    spoken = translated({"event": "room_paused", "id": "EV_1", "createdAt": "1773144000", **room})
    (fact,) = spoken.facts
    assert (fact.kind, fact.entity) == (Kind.PROVIDER_EVENT, "rooms/livekit:RM_1" if room else "")
    assert (fact.time, fact.detail) == (1_773_144_000_000, NoteDetail(said=(("event", "room_paused"),)))


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"event": ""},
        {"event": 5},
        {"event": ["room_started"]},
        {"event": "room_started"},
        {"event": "room_finished", "room": {"sid": "", "name": None}},
        {"event": "participant_joined", "room": {"sid": "RM_1"}},
        {"event": "participant_left", "participant": {"sid": "PA_1"}},
        {"event": "track_published", "room": {"sid": "RM_1"}, "participant": {"sid": "PA_1"}},
        {"event": "egress_ended", "room": {"sid": "RM_1"}, "egressInfo": {}},
        {"event": "ingress_ended", "room": {"sid": "RM_1"}},
        {"event": "agent_job_started", "room": {"sid": "RM_1"}, "job": None},
    ],
)
def test_what_says_nothing_is_unusable(payload: Object) -> None:
    """A fact about nobody cannot be shown; the delivery is kept with its reason instead."""
    with pytest.raises(Unusable):
        translated(payload)


def test_the_time_of_the_event_is_the_last_resort_of_the_payload() -> None:
    """A participant without a join time joined when the event was made."""
    payload = {**joined(sid="PA_1", state="ACTIVE"), "createdAt": "1773144003"}
    assert fact_of(payload).time == 1_773_144_003_000


def test_a_clock_far_ahead_is_not_believed() -> None:
    """It would keep the room at the top of every list, and its visits would end before they begin."""
    payload = read("participant_left")
    received_at = 1_773_144_000_000 - 2 * FUTURE_LIMIT_MS
    fact = fact_of(payload, received_at)
    assert (fact.time, fact.skewed) == (received_at, True)
    assert isinstance(fact.detail, ParticipantDetail)
    assert fact.detail.joined_at is None
    assert fact.session
    assert fact.session.started_at is None


def test_the_count_of_the_payload_changes_nothing() -> None:
    """`numParticipants` is stale by design."""
    payload = read("participant_joined")
    counted = {**payload, "room": {**payload["room"], "numParticipants": 99}}
    assert translated(counted) == translated(payload)


SECRETS = ("turnPassword", "streamKey", "metadata", "participantMetadata", "attributes", "url", "urls", "s3", "gcp")


@pytest.mark.parametrize("name", sorted(samples(RECEIVED_AT)))
def test_facts_hold_no_secrets(name: str) -> None:
    """Facts are stored, streamed and logged; the payload is for administrators alone."""
    payload: Object = planted(samples(RECEIVED_AT)[name].payload)
    assert b"hush" not in msgspec.json.encode(translated(payload))


def planted(value: Any) -> Any:  # walks JSON of any shape
    """Put a secret wherever LiveKit's payloads have some, and where future ones may."""
    if isinstance(value, list):
        return [planted(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: planted(item) for key, item in value.items() if key not in SECRETS}
    return {**kept, **dict.fromkeys(SECRETS, "hush-hush")}


CHARACTERS = st.sampled_from('aZ0_-:/ .\0\n"é\ud800\U0001f600')
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(CHARACTERS, max_size=20)
    | st.sampled_from(["EGRESS_ACTIVE", "1773144003", "1" * 30, "x" * 5000, 2**63, -1, 1e308]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=5), inner, max_size=3),
    max_leaves=5,
)
PAYLOADS = [sample.payload for sample in samples(RECEIVED_AT).values()]


@st.composite
def bent_payloads(draw: st.DrawFn) -> Object:
    """Return a sample with up to four of its values replaced by any JSON, or dropped."""
    payload: Object = msgspec.json.decode(msgspec.json.encode(draw(st.sampled_from(PAYLOADS))))
    for _ in range(draw(st.integers(1, 4))):
        holder: Any = payload  # descends through JSON of any shape
        while True:
            at = draw(st.sampled_from(keys_of(holder)))
            if not isinstance(holder[at], dict | list) or not holder[at] or draw(st.integers(0, 3)) == 0:
                break
            holder = holder[at]
        if draw(st.integers(0, 4)) == 0 and len(holder) > 1:
            del holder[at]
        else:
            holder[at] = draw(JSON)
    return payload


def keys_of(holder: Any) -> list[Any]:  # names of an object, places of an array
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))


@given(payload=bent_payloads() | st.dictionaries(st.sampled_from(["event", "room", "id", "createdAt"]), JSON))
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
