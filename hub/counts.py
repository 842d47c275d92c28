"""What happens too often to be told one by one: counted where it happens, and looked at by whoever monitors."""

# What viewers are written, by why: an event as it happens; one that was read on from memory or the store; a page of a
# snapshot; a heartbeat; a notice of what just arrived.
EVENT, REPLAYED, SNAPSHOT, HEARTBEAT, NOTICE = WRITTEN = ("event", "replayed", "snapshot", "heartbeat", "notice")
# What was let go, and why.
DROPS = (
    ("viewer", "stalled"),
    ("viewer", "talkative"),
    ("viewer", "expired"),
    ("viewer", "overloaded"),
    ("place", "lagging"),
    ("place", "history_trimmed"),
    ("place", "epoch_changed"),
    ("notice", "full"),
    ("refusal", "rate"),
    ("refusal", "full"),
    ("refusal", "storage"),
)


class Counts:
    """Numbers that only grow. Adding to them is all that anything costs that is counted here."""

    __slots__ = ("dropped", "written")

    def __init__(self) -> None:
        self.written = dict.fromkeys(WRITTEN, 0)
        self.dropped = dict.fromkeys(DROPS, 0)

    def write(self, kind: str, number: int = 1) -> None:
        """Count messages to viewers."""
        self.written[kind] += number

    def drop(self, what: str, reason: str, number: int = 1) -> None:
        """Count what was let go; a reason that DROPS does not name is not counted."""
        if (what, reason) in self.dropped:
            self.dropped[what, reason] += number
