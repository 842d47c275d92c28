"""What monitoring reads, in Prometheus' text format; of this process only, as everything it counts."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hub.events import Delivery
from hub.fanout import Fanout
from hub.feed import Feed
from hub.health import PARTS, Health
from hub.ingest import Ingest
from hub.ports import Outcome


class Metrics:
    """Counts what is settled, and looks at the rest when it is asked."""

    def __init__(self, health: Health, feed: Feed, fanout: Fanout, ingest: Ingest) -> None:
        self._registry = CollectorRegistry()
        self._deliveries = Counter(
            "hub_deliveries", "Deliveries by what became of them.", ["source", "status"], registry=self._registry
        )
        self._registry.register(_Gauges(health, feed, fanout, ingest))

    def count(self, settled: Iterable[tuple[Delivery, Outcome]]) -> None:
        """Count deliveries that are durable."""
        for delivery, outcome in settled:
            self._deliveries.labels(delivery.source, outcome.status.value).inc()

    def text(self) -> bytes:
        """Return everything in the text format."""
        return generate_latest(self._registry)


class _Gauges(Collector):
    """Values that are somewhere already."""

    def __init__(self, health: Health, feed: Feed, fanout: Fanout, ingest: Ingest) -> None:
        self._health = health
        self._feed = feed
        self._fanout = fanout
        self._ingest = ingest

    def collect(self) -> Iterator[Metric]:
        """Yield the values of now."""
        degraded = GaugeMetricFamily("hub_degraded", "1 while a part is in trouble.", labels=["part"])
        troubles = self._health.troubles()
        for part in PARTS:
            degraded.add_metric([part], float(part in troubles))
        yield degraded
        yield GaugeMetricFamily("hub_log_position", "How far this process has seen the log.", value=self._feed.head)
        yield GaugeMetricFamily("hub_viewers", "Viewers of this process.", value=self._fanout.viewers)
        yield GaugeMetricFamily("hub_waiting_deliveries", "Waiting for the store.", value=self._ingest.waiting)
        yield GaugeMetricFamily("hub_spooled_deliveries", "Waiting on the disk.", value=self._ingest.spooled)
