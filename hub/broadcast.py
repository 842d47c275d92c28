"""The same bytes to every member of a group: one write each, in slices."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hub.audience import Audience, Group
from hub.events import Event
from hub.wire import Encoder, Form, Message

# So many are written to before the clock is looked at.
_VIEWERS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Told:
    """What members of a group are written: all the same, but for those who were served beyond `start` already."""

    framed: Callable[[Form], bytes]
    # With how many messages that is.
    unserved: Callable[[Form, int], tuple[bytes, int]]
    start: int
    # How far who has it is served.
    through: int
    # How many messages it is.
    messages: int


def told_of(due: Sequence[Event], encoder: Encoder, start: int, head: int) -> Told:
    """Return how events are told that happened after `start`, up to the head of the feed."""

    def unserved(form: Form, served: int) -> tuple[bytes, int]:
        """Return what a viewer that came in the middle has not got yet."""
        rest = [event for event in due if event.sequence > served]
        return (encoder.joined(rest, form) if rest else b""), len(rest)

    return Told(lambda form: encoder.joined(due, form), unserved, start, head, len(due))


def same_for_all(messages: Sequence[Message], position: int) -> Told:
    """Return how messages are told to everybody, whatever they were served."""
    frames = {form: b"".join(one.framed(form) for one in messages) for form in Form}
    number = len(messages)
    return Told(frames.__getitem__, lambda form, _: (frames[form], number), position, position, number)


async def broadcast(live: Audience, group: Group, told: Told, rest: Callable[[], Awaitable[None]]) -> int:
    """Write to every member of a group; whose connection is full is left behind. Return how many messages that were.

    All that a member costs is in the inner loop: keep it so.
    """
    members, frames = group.members, dict[Form, bytes]()
    viewers = tuple(members)
    # Counted are those who are not written what all are: there are few.
    others = messages = 0
    for first in range(0, len(viewers), _VIEWERS_AT_ONCE):
        for viewer in viewers[first : first + _VIEWERS_AT_ONCE]:
            served = members.get(viewer)
            if served is None:
                # It has left, or was told to go.
                others += 1
                continue
            connection = viewer.connection
            form = connection.form
            if served > told.start:
                data, number = told.unserved(form, served)
                others, messages = others + 1, messages + number
            else:
                data = frames.get(form) or frames.setdefault(form, told.framed(form))
            if data and connection.write(data):
                live.leave(viewer)
                viewer.left_behind(max(told.through, served))
        await rest()
    return messages + (len(viewers) - others) * told.messages
