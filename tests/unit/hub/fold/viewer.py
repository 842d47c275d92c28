"""A viewer that asks for nothing: it keeps what events hold, and replaces it by what later ones hold."""

from collections.abc import Iterable

from hub.events import Event
from tests.unit.hub.fold.telling import Shown, told


class Viewer:
    """What somebody shows who has seen nothing but events."""

    def __init__(self) -> None:
        self.shown: dict[str, Shown] = {}

    def see(self, events: Iterable[Event]) -> None:
        """Take events in."""
        for event in events:
            data = told(event)
            if bot := data.get("bot"):
                self.shown[f"bots/{bot['id']}"] = bot
                if (launch := f"bots/{bot['provider']}:{bot['launch_id']}") != f"bots/{bot['id']}":
                    # What was shown of its launch, until the provider gave it an id.
                    self.shown.pop(launch, None)
            if room := data.get("room"):
                self._see_room(room)
            for person in [*data.get("participants", ()), *filter(None, [data.get("participant")])]:
                self._see_person(person)
            if schedule := data.get("schedule"):
                self._see_schedule(schedule)
            captured = [data.get("recording"), data.get("transcript")]
            for recording in [*data.get("recordings", ()), *filter(None, captured)]:
                self.shown[f"recordings/{recording['id']}"] = recording

    def _see_schedule(self, schedule: Shown) -> None:
        topic = f"schedules/{schedule['id']}"
        if schedule["status"] == "CANCELLED":
            self.shown.pop(topic, None)
        else:
            self.shown[topic] = schedule

    def _see_room(self, room: Shown) -> None:
        topic = f"rooms/{room['id']}"
        if room["end_reason"] == "moved":
            parts = [name for name in self.shown if name == topic or name.startswith(f"{topic}/")]
            for name in parts:
                del self.shown[name]
        else:
            self.shown[topic] = room

    def _see_person(self, person: Shown) -> None:
        topic = f"rooms/{person['room']}/participants/{person['id']}"
        if person["leave_reason"] == "moved":
            self.shown.pop(topic, None)
        else:
            self.shown[topic] = person
