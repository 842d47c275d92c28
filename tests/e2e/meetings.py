"""What tests let happen in meetings, and what the hub then has in its log."""

import time
from itertools import count

from hub.commands.send import sample_for, with_values
from tests.processes import HubProcess

_numbers = count(1)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def send(hub: HubProcess, provider: str, event: str, *assignments: str) -> None:
    """Post a sample and see it accepted."""
    own_id = [f"id=EV_{next(_numbers)}"] if provider == "livekit" else []
    sample = with_values(sample_for(provider, event, now_ms()), [*own_id, *assignments])
    status, answer = hub.post(provider, sample)
    assert (status, answer["status"]) == (200, "accepted")


def join(hub: HubProcess, room: str, person: str) -> None:
    """Let somebody come into a room."""
    named = (f"room.sid=RM_{room}", f"room.name={room}", f"participant.sid=PA_{room}_{person}")
    send(hub, "livekit", "participant_joined", *named, f"participant.identity={person}")


def end(hub: HubProcess, room: str) -> None:
    send(hub, "livekit", "room_finished", f"room.sid=RM_{room}", f"room.name={room}")


def logged(hub: HubProcess) -> list[str]:
    """Return the positions of all events of bots and rooms, as the hub has them."""
    _, answer = hub.get("/api/events?topic=bots&topic=rooms&limit=1000")
    return [event["id"] for event in answer["items"]]  # type: ignore[attr-defined]
