"""What does not work at present, told apart: storage away means refused webhooks, the bus away only slower viewers."""

from hub.feed import Feed
from hub.ingest import Ingest
from hub.ports import Bus

STORAGE, BUS, SPOOL = PARTS = ("storage", "bus", "spool")


class Health:
    """Asks the parts of a hub how they are."""

    def __init__(self, ingest: Ingest, feed: Feed, bus: Bus) -> None:
        self._ingest = ingest
        self._feed = feed
        self._bus = bus

    def troubles(self) -> tuple[str, ...]:
        """Return which parts are in trouble: `storage`, `bus`, and `spool` while anything waits in it or it fails."""
        return tuple(self._sentences())

    def reasons(self) -> list[str]:
        """Return what is wrong, in words; nothing when all is well."""
        return [f"{part}: {sentence}" for part, sentence in self._sentences().items()]

    def _sentences(self) -> dict[str, str]:
        waiting = self._ingest.spooled
        waits = f"{waiting} deliveries wait on this machine for the store" if waiting else ""
        said = {
            STORAGE: self._ingest.problem or self._feed.problem,
            BUS: self._bus.problem,
            SPOOL: self._ingest.spool_problem or waits,
        }
        return {part: sentence for part, sentence in said.items() if sentence}
