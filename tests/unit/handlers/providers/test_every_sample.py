"""Every recorded payload: which facts it states, what they are about, and which documents come of it alone.

A row is `"<file>": "<kinds> -> <documents>"`, in a group of files that are about one thing. That thing has a document
itself, which is not named again; `/…` is beneath it, and the others are recordings by their ids, `=` that of the thing
itself. `none`: what changes nothing does not make it known either. What has no kinds is no webhook's payload: the
delivery is dead, and kept.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from handlers.providers.arrival import Arrival
from handlers.providers.registry import receive
from hub.events import Delivery, Verdict
from hub.fold import Batch, Rules
from hub.ports import Query
from hub.settings import Source
from storage.sqlite import SqliteStore
from tests.hubs import RunningHub, running_hub

FOLDER = Path(__file__).parents[3] / "samples"
NOW = 1_773_151_300_000
# How the payloads of a folder are proved.
DIALECTS = {
    "livekit": "webhook",
    "meetingbaas_v1": "v1",
    "meetingbaas_v2": "v2",
    "100ms": "header",
    "pulse": "guide",
    "pulse_go_impl": "go",
}
COLLECTIONS = ("bots", "rooms", "participants", "recordings")


class Row(NamedTuple):
    """What is expected of one payload."""

    kinds: tuple[str, ...]
    # The topic of what its facts are about, empty for the source, and the durable room.
    about: str
    durable: str
    documents: frozenset[str]


def rows(folder: str, about: str, durable: str, told: Mapping[str, str]) -> dict[str, Row]:
    return {f"{folder}/{name}": row(about, durable, line) for name, line in told.items()}


def row(about: str, durable: str, line: str) -> Row:
    kinds, _, others = line.partition(" -> ")
    if not about or others == "none":
        return Row(tuple(kinds.split()), about, durable, frozenset())
    own_id = about.partition("/")[2]
    named = {
        f"{about}{other}" if other.startswith("/") else f"recordings/{own_id if other == '=' else other}"
        for other in others.split()
    }
    return Row(tuple(kinds.split()), about, durable, frozenset(named | {about}))


ROWS = {
    **rows(
        "livekit",
        "rooms/livekit:RM_nHPUfmxXrHry",
        "livekit@daily-standup",
        {
            "agent_job_ended": "job.ended",
            "agent_job_started": "job.started",
            "egress_ended": "recording.completed -> livekit:EG_pJTG6WdSWj4H",
            "egress_started": "recording.updated -> livekit:EG_pJTG6WdSWj4H",
            "egress_updated": "recording.started -> livekit:EG_pJTG6WdSWj4H",
            "ingress_ended": "stream.stopped",
            "ingress_started": "stream.started",
            "participant_connection_aborted": "participant.rejected -> /participants/PA_cArO1dR2dYtU",
            "participant_joined": "participant.joined -> /participants/PA_eU7nwP2s3FcN",
            "participant_left": "participant.left -> /participants/PA_eU7nwP2s3FcN",
            "room_finished": "room.ended",
            "room_started": "room.started",
            "track_published": "track.published",
            "track_unpublished": "track.unpublished",
        },
    ),
    **rows(
        "meetingbaas_v1",
        "bots/meetingbaas:8f6a2c1e-4b7d-4c39-9a51-2d0e6b7f1c84",
        "",
        {
            "bot.status_change.api_request_stop": "bot.leaving",
            "bot.status_change.bot_denied_entry": "bot.leaving",
            "bot.status_change.bot_rejected": "bot.leaving",
            "bot.status_change.bot_removed": "bot.leaving",
            "bot.status_change.bot_removed_too_early": "bot.leaving",
            "bot.status_change.call_ended": "bot.left",
            "bot.status_change.in_call_not_recording": "bot.joined",
            "bot.status_change.in_call_recording": "recording.started -> =",
            "bot.status_change.in_waiting_room": "bot.waiting",
            "bot.status_change.invalid_meeting_url": "bot.leaving",
            "bot.status_change.joining_call": "bot.joining",
            "bot.status_change.meeting_error": "bot.leaving",
            "bot.status_change.recording_failed": "recording.failed -> =",
            "bot.status_change.recording_paused": "recording.paused -> =",
            "bot.status_change.recording_resumed": "recording.resumed -> =",
            "bot.status_change.recording_succeeded": "recording.stopped -> =",
            "bot.status_change.waiting_room_timeout": "bot.leaving",
            "complete": "bot.completed recording.completed transcript.completed -> =",
            "complete.minimal": "bot.completed recording.completed -> =",
            "failed": "bot.failed",
            "transcription_complete": "transcript.completed",
        },
    ),
    **rows(
        "meetingbaas_v1",
        "",
        "",
        {
            "calendar.sync_events": "calendar.changed",
        },
    ),
    **rows(
        "meetingbaas_v2",
        "",
        "",
        {
            "artifact.output_transcription": "",
            "calendar.connection_created": "calendar.changed",
            "calendar.connection_deleted": "calendar.changed",
            "calendar.connection_error": "calendar.changed",
            "calendar.connection_updated": "calendar.changed",
            "calendar.event_cancelled": "calendar.changed",
            "calendar.event_created": "calendar.changed",
            "calendar.event_updated": "calendar.changed",
            "calendar.events_synced": "calendar.changed",
        },
    ),
    **rows(
        "meetingbaas_v2",
        "bots/meetingbaas:3d9b5a70-6c1e-4f8a-9b2d-7e4c1a5f0d36",
        "",
        {
            "bot.chat_message": "chat.message",
            "bot.completed": "bot.completed recording.completed transcript.completed -> =",
            "bot.completed.no_transcript": "bot.completed recording.completed -> =",
            "bot.failed": "bot.failed",
            "bot.status_change.MEET_LOGIN_REQUIRED": "bot.leaving",
            "bot.status_change.api_request_stop": "bot.leaving",
            "bot.status_change.awaiting_reconciliation": "bot.processing",
            "bot.status_change.bot_rejected": "bot.leaving",
            "bot.status_change.bot_removed": "bot.leaving",
            "bot.status_change.bot_removed_too_early": "bot.leaving",
            "bot.status_change.call_ended": "bot.left",
            "bot.status_change.completed": "bot.completed",
            "bot.status_change.failed": "bot.failed",
            "bot.status_change.in_call_not_recording": "bot.joined",
            "bot.status_change.in_call_recording": "recording.started -> =",
            "bot.status_change.in_waiting_for_host": "bot.waiting",
            "bot.status_change.in_waiting_room": "bot.waiting",
            "bot.status_change.invalid_meeting_url": "bot.leaving",
            "bot.status_change.joining_call": "bot.joining",
            "bot.status_change.meeting_error": "bot.leaving",
            "bot.status_change.pickup_delayed": "bot.queued",
            "bot.status_change.queued": "bot.queued",
            "bot.status_change.recording_failed": "recording.failed -> =",
            "bot.status_change.recording_paused": "recording.paused -> =",
            "bot.status_change.recording_resumed": "recording.resumed -> =",
            "bot.status_change.recording_succeeded": "recording.stopped -> =",
            "bot.status_change.retrying": "bot.retrying",
            "bot.status_change.transcribing": "bot.processing transcript.started",
            "bot.status_change.transcription_failed": "transcript.failed",
            "bot.status_change.waiting_room_timeout": "bot.leaving",
        },
    ),
    **rows(
        "100ms",
        "rooms/100ms:65f0b3d4e5f6a7b8c9d0e1f2",
        "100ms@65f0a1c2d3e4f5a6b7c8d9e0",
        {
            "beam.failure": "recording.failed stream.failed -> 100ms:65f0c4e5f6a7b8c9d0e1f203",
            "beam.recording.success": "recording.completed -> 100ms:65f0c4e5f6a7b8c9d0e1f203",
            "beam.started.success": "recording.started stream.started -> 100ms:65f0c4e5f6a7b8c9d0e1f203",
            "beam.stopped.success": "recording.stopped stream.stopped -> 100ms:65f0c4e5f6a7b8c9d0e1f203",
            "hls.failure": "stream.failed",
            "hls.recording.success": "recording.completed -> 100ms:65f0d5f6a7b8c9d0e1f20314",
            "hls.started.success": "stream.started",
            "hls.stopped.success": "stream.stopped",
            "peer.join.success": "participant.joined -> /participants/c0bbae7e-fbc0-48c3-89aa-83f85427acbf",
            "peer.leave.success": "participant.left -> /participants/c0bbae7e-fbc0-48c3-89aa-83f85427acbf",
            "recording.failed": "recording.failed -> 100ms:sfu-65f0b3d4e5f6a7b8c9d0e1f2",
            "recording.success": "recording.completed -> 100ms:sfu-65f0b3d4e5f6a7b8c9d0e1f2",
            "role.change.failure": "provider.event -> none",
            "role.change.success": "participant.updated -> /participants/c0bbae7e-fbc0-48c3-89aa-83f85427acbf",
            "room.end.failure": "provider.event -> none",
            "room.end.success": "provider.event -> none",
            "session.close.success": "room.ended",
            "session.open.success": "room.started",
            "stream.recording.failure": "recording.failed -> 100ms:65f0d5f6a7b8c9d0e1f20314",
            "stream.recording.success": "recording.completed -> 100ms:65f0d5f6a7b8c9d0e1f20314",
            "track.recording.failure": "recording.failed -> 100ms:3c1e5e95-fdd1-49ba-bb08-66a0b7493b5b",
            "track.recording.started.success": "recording.started -> 100ms:3c1e5e95-fdd1-49ba-bb08-66a0b7493b5b",
            "track.recording.success": "recording.completed -> 100ms:3c1e5e95-fdd1-49ba-bb08-66a0b7493b5b",
            "transcription.failure": "transcript.failed -> 100ms:transcript:65f0e6a7b8c9d0e1f2031425",
            "transcription.started.success": "transcript.started -> 100ms:transcript:65f0e6a7b8c9d0e1f2031425",
            "transcription.success": "transcript.completed -> 100ms:transcript:65f0e6a7b8c9d0e1f2031425",
        },
    ),
    **rows(
        "100ms",
        "rooms/100ms@65f0a1c2d3e4f5a6b7c8d9e0",
        "100ms@65f0a1c2d3e4f5a6b7c8d9e0",
        {
            "ingest.end.success": "stream.stopped",
            "ingest.failure": "stream.failed",
            "ingest.start.failure": "stream.failed",
            "ingest.start.success": "stream.started",
            "peer.join.failure": "participant.rejected -> /participants/c0bbae7e-fbc0-48c3-89aa-83f85427acbf",
            "peer.leave.failure": "provider.event -> none",
        },
    ),
    **rows(
        "pulse",
        "rooms/pulse@meeting-room-456",
        "pulse@meeting-room-456",
        {
            "egress.ended": "stream.stopped",
            "egress.started": "stream.started",
            "recording.completed": "recording.completed -> pulse:REC_abc123",
            "track.published": "track.published",
            "track.unpublished": "track.unpublished",
        },
    ),
    **rows(
        "pulse",
        "rooms/pulse:RM_abc123xyz789",
        "pulse@meeting-room-456",
        {
            "participant.joined": "participant.joined -> /participants/PA_xyz789",
            "participant.left": "participant.left -> /participants/PA_xyz789",
            "room.ended": "room.ended",
            "room.started": "room.started",
        },
    ),
    **rows(
        "pulse_go_impl",
        "rooms/pulse@meeting-room-456",
        "pulse@meeting-room-456",
        {
            "egress_ended": "recording.stopped -> pulse:EG_abc123",
            "egress_started": "recording.started -> pulse:EG_abc123",
            "ingress_ended": "stream.stopped",
            "ingress_started": "stream.started",
            "participant_joined": "participant.joined -> /participants/PA_xyz789",
            "participant_left": "participant.left -> /participants/PA_xyz789",
            "recording_available": "recording.completed -> pulse:REC_abc123",
            "room_ended": "room.ended",
            "room_started": "room.started",
        },
    ),
}


def recorded() -> set[str]:
    return {f"{folder}/{path.stem}" for folder in DIALECTS for path in (FOLDER / folder).glob("*.json")}


def body_of(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def provider_of(name: str) -> str:
    return name.partition("/")[0].partition("_")[0]


def received(name: str) -> Delivery:
    provider = provider_of(name)
    source = Source(provider=provider, name=provider, path="/", proof="none")
    return receive(source, Arrival(headers=(), body=body_of(name), received_at=NOW))


def test_every_payload_has_its_row_and_every_row_its_payload() -> None:
    """A sample that nobody looked at proves nothing."""
    assert set(ROWS) == recorded()
    # The guides' own bodies have a table of their own, by path and proof.
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} - {"guides"} == set(DIALECTS)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_each_payload_states_what_its_row_says(name: str) -> None:
    """The vocabulary is a promise to everybody who reads events, whichever provider they come from."""
    delivery, expected = received(name), ROWS[name]
    assert tuple(fact.kind.value for fact in delivery.facts) == expected.kinds
    assert {fact.entity for fact in delivery.facts} <= {expected.about}
    assert {fact.durable for fact in delivery.facts} <= {expected.durable}
    assert delivery.verdict is (Verdict.ACCEPTED if expected.kinds else Verdict.DEAD)


@pytest.mark.parametrize("name", sorted(ROWS))
async def test_each_payload_alone_makes_the_documents_of_its_row(name: str, tmp_path: Path) -> None:
    """Any of them may be the first that comes, and all that ever does: a real hub must show what it tells."""
    async with running_hub(tmp_path) as hub:
        assert await posted(hub, name) == ("accepted" if ROWS[name].kinds else "dead")
    assert await documents_in(tmp_path) == ROWS[name].documents


async def posted(hub: RunningHub, name: str) -> object:
    status, answer = await hub.post_bytes(provider_of(name), body_of(name), DIALECTS[name.partition("/")[0]])
    assert status == 200
    return answer["status"]


async def documents_in(folder: Path) -> set[str]:
    """Return the topics of everything that a hub, which has stopped, can show."""
    store = await SqliteStore.open(f"sqlite:///{folder}/hub.db", lambda some: Batch(some, Rules()), lambda: "e")
    try:
        readings = [await store.read(Query(collection=collection)) for collection in COLLECTIONS]
    finally:
        await store.close()
    return {document.topic for reading in readings for document in reading.documents}
