"""One example of what is answered and asked for: a bot, and a meeting in which Ann speaks, on one morning."""

from collections.abc import Mapping

import msgspec
from msgspec.structs import asdict, replace

from handlers.described import documents, messages, orders
from handlers.tokens import Order

_BOT_ID, _ROOM_ID = "meetingbaas:3d9b5a70-6c1e-4f8a-9b2d-7e4c1a5f0d36", "livekit:RM_4Wc9Sg2y"
_LAUNCH = "launch-23bcc363b5157cc4442da1223c2b5bab"
_MEETING = "https://meet.google.com/abc-defg-hij"
_HUB, _TOKEN = "hub.example.com", "eyJ1c2UiOiJhY2Nlc3MifQ.h0Ldt0ke"
_ASKED, _IN, _NOW, _LATER = (f"2026-03-10T{time}Z" for time in ("08:58:20", "09:00:04", "09:05:04", "10:05:04"))

_BOT = documents.Bot(
    id=_BOT_ID,
    sequence=41,
    launch_id=_LAUNCH,
    provider="meetingbaas",
    name="Notes",
    meeting_url=_MEETING,
    status="recording",
    status_since=_IN,
    attempt=1,
    reason=None,
    created_at=_ASKED,
    joined_at=_IN,
    ended_at=None,
    recording=documents.BotRecording(
        id=_BOT_ID, status="recording", started_at=_IN, ended_at=None, duration=None, error=None
    ),
    transcript=documents.BotTranscript(status="live", segments_count=12),
    participants=[documents.BotParticipant(name="Ann Otis", speaker=True)],
)
_ROOM = documents.Room(
    id=_ROOM_ID,
    sequence=43,
    durable_room="livekit@daily-standup",
    provider="livekit",
    session_id="RM_4Wc9Sg2y",
    room_id=None,
    name="daily-standup",
    project=None,
    status="live",
    started_at=_IN,
    ended_at=None,
    end_reason=None,
    participant_count=1,
    speaker_count=1,
    listener_count=0,
    featured=False,
    last_active_at=_NOW,
    stale=False,
    duration=300.0,
    peak_participants=1,
    participant_minutes=5.0,
    cost=0.02,
    trending_score=3.0,
    derived=None,
)
_ANN = documents.Participant(
    id="PA_Ann7sQ",
    sequence=43,
    room=_ROOM_ID,
    identity="ann",
    name="Ann Otis",
    role=None,
    kind="human",
    active=True,
    joined_at=_IN,
    left_at=None,
    leave_reason=None,
    duration=300.0,
    watch_duration=300.0,
)
_CAME = documents.Attendee(
    identity="ann",
    name="Ann Otis",
    role=None,
    expected=True,
    active=True,
    joined_at=_IN,
    left_at=None,
    watch_duration=300.0,
    leave_reason=None,
    visits=1,
)
_RECORDING = documents.Recording(
    id="livekit:EG_8jWc3T",
    sequence=57,
    room=_ROOM_ID,
    alias=None,
    scope="room_composite",
    status="completed",
    started_at=_IN,
    ended_at=_NOW,
    duration=300.0,
    size=18_874_368,
    truncated=False,
    url="/api/recordings/livekit:EG_8jWc3T/content",
    expires_at=None,
    reason=None,
    error=None,
    artifacts=[documents.Artifact(name="file", url="/api/recordings/livekit:EG_8jWc3T/content?artifact=file")],
)
_PLANNED = documents.ScheduleItem(
    id="d4af7a1fe42c2c14",
    sequence=44,
    title="Daily standup",
    provider="livekit",
    room_id="daily-standup",
    durable_room="livekit@daily-standup",
    starts_at="2026-03-10T09:00:00Z",
    status="LIVE",
    started_at=_IN,
    ended_at=None,
    sessions=[_ROOM_ID],
    expected_count=1,
)
_JOINED = messages.Event(
    specversion="1.0",
    id="d5a1ca32.43",
    source="/sources/livekit",
    type="participant.joined",
    subject=f"rooms/{_ROOM_ID}",
    time=_IN,
    sequence="0000000000000043",
    receivedat=_IN,
    providertype="participant_joined",
    data={"room": msgspec.to_builtins(_ROOM), "participant": msgspec.to_builtins(_ANN)},
)
_ARRIVED = messages.DeliveryItem(
    id="17",
    source="livekit",
    provider_type="participant_joined",
    verdict="accepted",
    reason=None,
    received_at=_IN,
    event_time=_IN,
    late=0.0,
    copies=0,
    last_copy_at=None,
    size=431,
    events=1,
)
_BECAME = messages.DeliveryEvent(id=_JOINED.id, type=_JOINED.type, subject=_JOINED.subject, time=_JOINED.time)
_WATCHED = {
    "token": _TOKEN,
    "expires_at": _LATER,
    "stream_url": f"https://{_HUB}/api/stream?topic=bots/meetingbaas:{_LAUNCH}&token={_TOKEN}",
    "websocket_url": f"wss://{_HUB}/api/ws?topic=bots/meetingbaas:{_LAUNCH}&token={_TOKEN}",
}
_QUEUED = replace(_BOT, status="queued", joined_at=None, recording=None, transcript=None, participants=[])
_PLAN = orders.SchedulePlan(
    title="Daily standup",
    provider="livekit",
    room_id="daily-standup",
    starts_at="2026-03-10T09:00:00Z",
    expected_participants=["ann", orders.Invited(identity="bob", name="Bob Okafor")],
)

# By the name of the shape.
EXAMPLES: Mapping[str, object] = {
    type(one).__name__: msgspec.to_builtins(one)
    for one in (
        _BOT,
        documents.BotInFull(**asdict(_BOT), extra={"tenant_id": "acme"}),
        _ROOM,
        _ANN,
        _CAME,
        _RECORDING,
        documents.Segment(
            id="12", bot=_BOT_ID, speaker="Ann Otis", start=61.2, end=63.9, text="Good morning, all.", final=True
        ),
        _PLANNED,
        documents.Schedule(
            **asdict(_PLANNED),
            stale=False,
            expected_participants=[documents.Expected(identity="ann", name="Ann Otis")],
            participants=[_CAME],
        ),
        _JOINED,
        _ARRIVED,
        messages.Delivery(
            **asdict(_ARRIVED) | {"events": [_BECAME]},
            headers={"authorization": "redacted", "content-type": "application/webhook+json"},
            body='{"event":"participant_joined", …}',
        ),
        messages.Source(
            name="livekit",
            provider="livekit",
            path="/api/livekit/webhook",
            url=f"https://{_HUB}/api/livekit/webhook",
            proof="signature",
            is_on=True,
            last_seen=_NOW,
            per_minute=[0] * 55 + [2, 0, 1, 0, 3],
            received=6,
            duplicates=0,
            dead=0,
            refused=1,
            reasons=[messages.SourceReason(verdict="refused", reason="the token is expired", count=1, delivery="q3")],
            test="hub send livekit room_started",
        ),
        messages.UsageItem(
            room="livekit@daily-standup", meetings=20, participant_minutes=940.5, cost=3.762, peak_participants=9
        ),
        messages.Redriven(status="accepted", delivery="18", events=1),
        messages.Erased(status="erased", delivery="19"),
        messages.Token(token=_TOKEN, expires_at=_LATER, topics=["rooms"], scope=["read"], name="wall"),
        messages.Access(scopes=["read"], topics=["rooms"], expires_at=_LATER, name="wall"),
        messages.Viewers(topic=f"rooms/{_ROOM_ID}", viewers=3),
        messages.Launched(bot=_QUEUED, **_WATCHED),
        messages.Leaving(bot=_BOT),
        messages.BotWebhook(
            url=f"https://{_HUB}/api/meeting-bot/webhook/{_LAUNCH}.nbpX1zAGV9",
            key=f"{_LAUNCH}.nbpX1zAGV9",
            launch_id=_LAUNCH,
            bot_id=None,
            topic=f"bots/meetingbaas:{_LAUNCH}",
            **_WATCHED,
        ),
        messages.Taken(status="accepted", delivery="17"),
        messages.Alive(status="ok"),
        messages.Ready(status="ready", degraded=False),
        messages.Problem(type="about:blank", title="Not found", status=404, detail="there is nothing by this id"),
        orders.LaunchOrder(meeting_url=_MEETING, bot_name="Notes", extra={"tenant_id": "acme"}),
        orders.WebhookOrder(bot_id="3d9b5a70-6c1e-4f8a-9b2d-7e4c1a5f0d36"),
        orders.FeatureRoom(featured=True),
        _PLAN,
        orders.ScheduleChange(starts_at="2026-03-10T09:30:00Z"),
        Order(topics=("rooms",), ttl=600, name="wall"),
    )
}
