"""What the hub shows of a provider's sessions, as far as it matters when the provider is asked."""

from hub.present import Clockwork
from hub.reconcile.held import end_of, held_rooms, with_people
from tests.unit.hub.reconcile.asking import BASE, HOUR, hub, person

CLOCKWORK = Clockwork()


async def test_sessions_are_held_with_their_last_sign_of_life() -> None:
    """Whoever gave one just now may not be listed yet; whoever gave none for long is presumed to be over."""
    async with hub() as one:
        await one.hear("room_started", BASE)
        await one.hear("participant_joined", BASE, **person("PA_1", BASE + 5000))
        await one.hear("room_started", BASE, room="RM_2", name="retro")
        await one.hear("room_finished", BASE, room="RM_2", name="retro")
        held = await held_rooms(one.store, "livekit", CLOCKWORK)
        assert held.keys() == {"livekit:RM_1"}
        (room,) = held.values()
        assert (room.durable, room.home, room.active_at) == ("livekit@daily", "livekit", BASE + 5000)
        assert room.lives_until == BASE + 5000 + 12 * HOUR


async def test_a_meeting_that_nothing_identifies_is_not_asked_about() -> None:
    """No provider knows it by the name of its durable room."""
    async with hub() as one:
        await one.hear("room_started", BASE, room="")
        assert one.rooms() == {"livekit@daily": "live"}
        assert await held_rooms(one.store, "livekit", CLOCKWORK) == {}


async def test_people_are_held_with_since_when_they_are_there_or_why_not() -> None:
    """Of those who left, why: who was only missed may turn out to be there."""
    async with hub() as one:
        for sid in ("PA_1", "PA_2"):
            await one.hear("participant_joined", BASE, **person(sid, BASE))
        await one.hear("participant_left", BASE, **person("PA_2", BASE, disconnectReason="CLIENT_INITIATED"))
        held = await with_people(one.store, (await held_rooms(one.store, "livekit", CLOCKWORK)).values())
        assert held["livekit:RM_1"].active == {"PA_1": BASE}
        assert held["livekit:RM_1"].gone == {"PA_2": "client_initiated"}
        assert held["livekit:RM_1"].gone_at == {"PA_2": BASE}


async def test_why_and_when_a_session_ended_is_known_if_it_is() -> None:
    """What the provider ended does not live again because of a list."""
    async with hub() as one:
        await one.hear("room_finished", BASE, roomEndReason="ROOM_END_API_DELETE")
        assert await end_of(one.store, "livekit:RM_1") == ("api_delete", BASE)
        assert await end_of(one.store, "livekit:RM_2") is None
