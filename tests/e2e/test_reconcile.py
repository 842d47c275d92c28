"""A hub that was down while meetings went on shows the truth soon after its start, though no webhook was sent again."""

import asyncio
import time
from pathlib import Path

from handlers.providers.arrival import Sample
from hub.events import format_time
from tests.meetingbaas_server import Bot, meetingbaas
from tests.processes import HubProcess
from tests.standins import HMS_KEY, HMS_SECRET, HmsStandIn, LiveKitStandIn, Said, serving
from tests.waiting import PATIENCE, until

HOUR = 3_600_000


def livekit(event: str, at: int, sid: str, name: str, **more: object) -> Sample:
    """Return a LiveKit webhook of a time."""
    room = {"sid": sid, "name": name, "creationTimeMs": str(at), "creationTime": str(at // 1000)}
    told = {"event": event, "id": f"EV_{event}_{sid}", "createdAt": str(at // 1000), "room": room, **more}
    return Sample(payload=told, dialect="webhook")


def hms(event: str, at: int, **told: object) -> Sample:
    """Return a 100ms webhook about the session S1."""
    when = format_time(at)
    named = {"room_id": "R1", "room_name": "retro", "session_id": "S1", "session_started_at": when, **told}
    return Sample(payload={"id": event, "type": event, "timestamp": when, "data": named}, dialect="header")


def baas(code: str, at: int) -> Sample:
    """Return a MeetingBaaS webhook about the bot b1."""
    status = {"code": code, "created_at": format_time(at)}
    return Sample(
        payload={"event": "bot.status_change", "data": {"bot_id": "b1", "status": status}, "extra": None}, dialect="v2"
    )


async def test_a_hub_that_was_down_finds_out_what_it_missed(tmp_path: Path) -> None:
    """The meetings that ended end, with attendance; the one that began is there, with who is in it."""
    begun = time.time_ns() // 1_000_000 - HOUR
    async with serving(LiveKitStandIn()) as rooms, serving(HmsStandIn()) as sessions, meetingbaas() as bots:
        asked = {"LIVEKIT_URL": rooms.url, "HMS_ACCESS_KEY": HMS_KEY, "HMS_APP_SECRET": HMS_SECRET}
        bases = {"HUB_HMS__BASE_URL": sessions.url, "HUB_MEETINGBAAS__BASE_URL": bots.url}
        hub = HubProcess(tmp_path, **asked, **bases, HUB_RECONCILE__PERIOD="0.5")
        rooms.start("standup", "RM_1", begun)
        sessions.open("S1", "R1", format_time(begun) or "", P1={"id": "P1", "joined_at": format_time(begun)})
        bots.bots["b1"] = Bot("b1", {}, "in_call_recording", format_time(begun) or "")
        sessions.failed = 2
        await asyncio.to_thread(hub.start)
        try:
            person = {"participant": {"sid": "PA_1", "identity": "ann", "state": "ACTIVE", "joinedAtMs": str(begun)}}
            for provider, sample in (
                ("livekit", livekit("room_started", begun, "RM_1", "standup")),
                ("livekit", livekit("participant_joined", begun, "RM_1", "standup", **person)),
                ("100ms", hms("session.open.success", begun)),
                ("100ms", hms("peer.join.success", begun, peer_id="P1", joined_at=format_time(begun))),
                ("meetingbaas", baas("in_call_recording", begun)),
            ):
                status, _ = await asyncio.to_thread(hub.post, provider, sample)
                assert status == 200
            # Not killed: the lease of a process that was would have to run out first.
            await asyncio.to_thread(hub.stop)
            # What goes on while nobody listens.
            rooms.rooms.clear()
            rooms.start("retro", "RM_2", begun + HOUR // 2)
            rooms.join("retro", "PA_2", begun + HOUR // 2)
            sessions.close("S1", format_time(begun + HOUR // 3) or "")
            bots.bots["b1"] = Bot("b1", {}, "completed", format_time(begun + HOUR // 4) or "")
            await asyncio.to_thread(hub.start)

            async def shown(path: str) -> Said:
                return (await asyncio.to_thread(hub.get, path))[1]

            async def becomes(path: str, **wanted: object) -> Said:
                async with asyncio.timeout(PATIENCE):
                    while True:
                        found = await shown(path)
                        if wanted.items() <= found.items():
                            return found
                        await asyncio.sleep(0.02)

            new = await becomes("/api/rooms/livekit:RM_2", status="live", participant_count=1)
            assert (new["durable_room"], new["started_at"]) == ("livekit@retro", format_time(begun + HOUR // 2))
            old = await becomes("/api/rooms/livekit:RM_1", status="ended")
            assert (old["end_reason"], old["participant_count"]) == ("not_listed", 0)
            session = await becomes("/api/rooms/100ms:S1", status="ended")
            assert session["ended_at"] == format_time(begun + HOUR // 3)
            people = await shown("/api/rooms/100ms:S1/participants")
            assert [one["left_at"] for one in people["items"]] == [format_time(begun + HOUR // 3)]
            await becomes("/api/bots/meetingbaas:b1", status="completed")
            await until(lambda: bool(sessions.replays))
            events = await shown("/api/events?topic=rooms&limit=1000")
            assert "/sources/reconcile" in {event["source"] for event in events["items"]}
            # A round that finds nothing new keeps nothing.
            kept = len((await shown("/api/deliveries?source=reconcile"))["items"])
            rounds = len(rooms.asked)
            await until(lambda: len(rooms.asked) > rounds + 6)
            assert len((await shown("/api/deliveries?source=reconcile"))["items"]) == kept
        finally:
            hub.kill()
