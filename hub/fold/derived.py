"""A session as it is shown, and all that this follows from."""

import msgspec

from hub.fold.parts import Parts
from hub.state.capture import Capture, Document
from hub.state.participant import Ends, Participant
from hub.state.room import Tally
from hub.state.schedule import Run


class Derived(msgspec.Struct, frozen=True, gc=False):
    """A session as it is shown: its room, its participants, what was captured of it, and its meetings."""

    room: Document
    tally: Tally
    people: dict[str, Participant]
    captures: dict[str, Capture]
    runs: tuple[Run, ...] = ()


class Basis(msgspec.Struct, frozen=True, gc=False):
    """What a session is derived from; the rest of its durable room decides only when its meeting began.

    Equal ones are shown alike. Comparing is quick where the facts are the very same objects.
    """

    parts: Parts
    # When it ended, and the end that named it.
    ends: Ends
    own_end: Ends
    featured: bool
