"""What one LiveKit event says before it is settled where and when."""

from typing import NamedTuple

from hub.events import Detail, Kind


class Statement(NamedTuple):
    """What an event says, apart from where; `time` is the payload's own time of it."""

    kind: Kind
    time: int | None
    detail: Detail | None = None
    closing_reason: str = ""
