"""What a simulated meeting is: what is sent when, and what must be true of it when all of it has been told.

Whoever invents a meeting writes the truth down while inventing it, so that it owes nothing to how the hub counts. Its
times are as fine as a careful reader of the payloads can know them: whole seconds where a provider tells no more.
"""

import random

import msgspec

from handlers.providers.arrival import Sample

# When something is sent, in milliseconds since 1970, and what.
Script = tuple[tuple[int, Sample], ...]


# Who meets in rooms.
PEOPLE = ("Ann Otis", "Bob Reyes", "Chen Wu", "Dora Lind", "Emre Kaya", "Fay Okoro", "Gus Marin", "Hana Ito")


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's presence as a person by one device; recorders and agents are none. Times are milliseconds."""

    # Who it was; empty where the dialect names nobody.
    identity: str
    began: int
    ended: int
    # The role when the stay ended; empty where the dialect has none.
    role: str = ""


class Captured(msgspec.Struct, frozen=True):
    """A recording or a transcript, and how it ended."""

    id: str
    status: str
    # Whether the payloads tell which session it is of.
    placed: bool = True
    # Its id is told apart from those of recordings.
    is_transcript: bool = False


class RoomTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of one meeting in a room."""

    provider: str
    # Id of the durable room, its name where it has none.
    room: str
    # Empty where the dialect gives sessions no ids.
    session: str = ""
    started: int
    ended: int
    stays: tuple[Stay, ...]
    captured: tuple[Captured, ...] = ()
    # Ids of the visits of who could not join.
    rejected: tuple[str, ...] = ()
    # The presence of all added up and the most at once, where the provider reports them: then these are what counts.
    told_present_ms: int | None = None
    told_peak: int | None = None


class BotTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of one bot."""

    provider: str
    bot: str
    status: str
    attempt: int = 1
    # Code of why it failed; empty when it did not.
    reason: str = ""
    # None: it never came in.
    joined: int | None = None
    # None: the dialect does not tell.
    ended: int | None = None
    recording: str
    people: tuple[str, ...] = ()
    # Stretches of speech that are told inline.
    segments: int = 0


class Meeting(msgspec.Struct, frozen=True):
    """A meeting from its beginning to its end, in the order of time."""

    script: Script
    truth: RoomTruth | BotTruth


class Invention:
    """A meeting in the making: when it is, and the dice that decide what happens; equal seeds throw the same."""

    def __init__(self, seed: int, start: int, minutes: float) -> None:
        self.dice = random.Random(seed)
        self.length = max(1, round(minutes * 60_000))
        self.start, self.end = start, start + self.length

    def moment(self, earliest: float, latest: float) -> int:
        """Pick a time between two fractions of the meeting."""
        return self.start + int(self.length * self.dice.uniform(earliest, latest))


def whole_second(time: int) -> int:
    """Return a time as whoever is told whole seconds knows it."""
    return time - time % 1000
