"""What 100ms says of peers: visits, who they are, why they ended, and roles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.events import Kind, ParticipantDetail, TrackDetail
from tests.unit.handlers.providers.hms_bodies import (
    PEER,
    Object,
    changed,
    fact_of,
    participant_of,
    read,
    said_in,
    told,
)

JOINED_AT = 1_773_144_001_001


def joined(**inner: object) -> ParticipantDetail:
    return participant_of(told("peer.join.success", peer_id="p", **inner))


def test_a_join_tells_who_came() -> None:
    """`peer_id` names the visit, `user_id` the person."""
    assert participant_of(read("peer.join.success")) == ParticipantDetail(
        id=PEER, identity="user-001", name="Alice Martin", role="host", kind="human", joined_at=JOINED_AT
    )


def test_a_leave_tells_the_whole_visit() -> None:
    """When the join was lost, the visit is still counted. The reason is the guide's word, the cause 100ms' own."""
    detail = participant_of(read("peer.leave.success"))
    assert (detail.reason, detail.cause) == ("peer_left_100ms", "client request")
    assert (detail.joined_at, detail.duration_ms) == (JOINED_AT, 2_404_000)


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"reason": "peer kicked", "message": "see you"}, "peer kicked: see you"),
        ({"reason": "websocket closed"}, "websocket closed"),
        ({"message": "mail ann@example.com"}, "mail ann@…"),
        ({}, ""),
    ],
)
def test_a_cause_is_what_100ms_says_of_it(fields: Object, cause: str) -> None:
    """Who was thrown out is told why by whoever did it."""
    detail = participant_of(told("peer.leave.success", peer_id="p", **fields))
    assert (detail.reason, detail.cause) == ("peer_left_100ms", cause)


def test_a_leave_with_a_length_alone_is_a_whole_visit_too() -> None:
    """Go's zero time says that the join is not known."""
    detail = participant_of(changed("peer.leave.success", joined_at="0001-01-01T00:00:00Z"))
    assert (detail.joined_at, detail.duration_ms) == (None, 2_404_000)


@pytest.mark.parametrize("duration", [0, -1, "long", None, True, 10**10, 1_773_144_000_000])
def test_a_length_that_cannot_be_is_none(duration: object) -> None:
    """Zero is what is not set, and nobody came before 1970."""
    assert participant_of(told("peer.leave.success", peer_id="p", duration=duration)).duration_ms is None


def test_nobody_came_before_times_began() -> None:
    """A visit that starts before 1970 could not even be shown."""
    payload = told("peer.leave.success", peer_id="p", left_at="1970-01-01T01:00:00Z", duration=3_601)
    assert participant_of(payload).duration_ms is None


@pytest.mark.parametrize(
    ("fields", "identity"),
    [
        ({"user_id": "u1", "user_data": '{"userId":"u2"}'}, "u1"),
        ({"user_data": '{"userId":"u2"}'}, "u2"),
        ({"user_data": '{"user_id":"u2"}'}, "u2"),
        ({"user_data": {"userId": "u2"}}, "u2"),
        ({"user_data": {"userId": 7}}, "7"),
        ({"user_id": "", "user_data": '{"userId":"u2"}'}, "u2"),
        ({"user_data": "not json"}, ""),
        ({"user_data": "[" * 5000}, ""),
        ({"user_data": '["u2"]'}, ""),
        ({"user_data": '"u2"'}, ""),
        ({"user_data": "\ud800"}, ""),
        ({"user_data": None}, ""),
        ({"user_data": {"userId": {"userId": "u2"}}}, ""),
    ],
)
def test_a_person_is_known_by_the_customers_id(fields: Object, identity: str) -> None:
    """The schedule guide keeps it in `user_data`, which is text of any form."""
    assert joined(**fields).identity == identity


def test_an_address_is_no_identity_to_show() -> None:
    """Customers use e-mail addresses as ids; two of them must stay two people."""
    first, second = joined(user_id="ann@example.com"), joined(user_data='{"userId":"ann@example.org"}')
    assert "example" not in first.identity + second.identity
    assert first.identity != second.identity


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"type": "regular", "role": "host"}, "human"),
        ({"type": "sip", "role": "guest"}, "sip"),
        ({"type": "regular", "role": "__internal_recorder"}, "recorder"),
        ({"role": "__internal_recorder"}, "recorder"),
        ({"role": "host"}, ""),
        ({}, ""),
    ],
)
def test_people_are_told_from_machines(fields: Object, kind: str) -> None:
    """A beam joins like people do, but must not be counted as one; brief payloads must not make a person of it."""
    assert joined(**fields).kind == kind


def test_the_type_of_the_event_is_not_the_type_of_the_peer() -> None:
    """Both are called `type`; flat bodies have only the event's."""
    assert participant_of({"type": "peer.joined", "room_id": "r", "peer_id": "p"}).kind == ""


def test_a_role_change_tells_both_roles() -> None:
    """Speakers are counted by role, so that a promotion moves the count."""
    detail = participant_of(read("role.change.success"))
    assert (detail.id, detail.previous_role, detail.role, detail.kind) == (PEER, "guest", "host", "")


@pytest.mark.parametrize("name", ["role.change.failure", "peer.leave.failure"])
def test_what_failed_changes_nobody(name: str) -> None:
    """The role in the payload is the one that was asked for."""
    fact, said = fact_of(read(name)), said_in(read(name))
    assert fact.kind is Kind.PROVIDER_EVENT
    assert (said["event"], said["peer"], said["identity"]) == (name, PEER, "user-001")
    assert said["error"] in ("role limit reached", "Peer not joined")


def test_a_rejection_tells_why_and_no_visit() -> None:
    """Somebody could not join, and support is asked why."""
    detail = participant_of(read("peer.join.failure"))
    assert (detail.reason, detail.joined_at) == ("role not allowed", None)


@pytest.mark.parametrize(
    "place",
    [
        {"peer": {"id": "p", "role": "speaker", "user_id": "u1", "user_name": "Ann"}},
        {"peer_id": "p", "role": "speaker", "user_id": "u1", "user_name": "Ann"},
        {"peer": {"peer_id": "p", "role": "speaker", "user_id": "u1", "user_name": "Ann"}},
        {"peer": {"id": "p"}, "role": "speaker", "user_id": "u1", "user_name": "Ann"},
    ],
)
def test_the_statistics_guide_keeps_the_peer_in_an_object_or_flat(place: Object) -> None:
    """Its own examples are few, and senders fill in the rest."""
    detail = participant_of({"event": "peer.joined", "room_id": "r", **place})
    assert detail == ParticipantDetail(id="p", identity="u1", name="Ann", role="speaker")


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        (
            {"track": {"id": "t", "type": "AUDIO", "source": "regular", "muted": True}, "peer": {"id": "p"}},
            TrackDetail(id="t", participant="p", type="audio", source="regular", muted=True),
        ),
        ({"track_id": "t", "track_type": "video"}, TrackDetail(id="t", type="video")),
        (
            {"peer": {"id": "p/1", "user_id": "u"}},
            TrackDetail(id="peer:p~7e2f1", participant="p~2f1", identity="u"),
        ),
        ({}, TrackDetail(id="track")),
    ],
)
def test_a_track_that_changed_need_not_be_named(fields: Object, detail: TrackDetail) -> None:
    """The room-statistics guide only wants to know that there was life."""
    fact = fact_of({"event": "track.updated", "room_id": "r", **fields})
    assert (fact.kind, fact.detail) == (Kind.TRACK_UPDATED, detail)


@given(
    st.text(st.characters(exclude_categories=()))
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.dictionaries(st.sampled_from(["userId", "user_id", "email"]), inner),
    )
)
def test_whatever_user_data_holds_somebody_has_joined(user_data: object) -> None:
    """It is the customer's own, and 100ms passes on anything."""
    assert joined(user_data=user_data).id == "p"
