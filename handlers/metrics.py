"""What monitoring reads, in Prometheus' text format; of this process only, as everything it counts.

Names, labels and help are the contract of dashboards and alarms: docs/metrics.md lists them all.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hub.counts import Counts
from hub.events import Delivery, Event, parse_time
from hub.fanout import Fanout
from hub.feed import Feed
from hub.health import PARTS, Health
from hub.ingest import Ingest
from hub.ports import REFUSED, Outcome, Status
from hub.wire import Form

# What becomes of a webhook that is not taken, besides `refused`: over the limit of its source; too large; not all of
# it came; told to come again.
LIMITED, OVERSIZED, STALLED, UNAVAILABLE = "limited", "oversized", "stalled", "unavailable"
_STATUSES = (*(status.value for status in Status), REFUSED, LIMITED, OVERSIZED, STALLED, UNAVAILABLE)
_COMMIT_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_COMMIT_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_LATENCY_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30, 300)
_DELAY_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86_400)
# An event's source, its time and that of its arrival stand before its content (hub/fold/compose.py).
_TIMES = re.compile(rb'"source":"/sources/([^"]*)".*?"time":"([^"]*)".*?"receivedat":"([^"]*)"')
_LOOKED_AT = 200


class Metrics:
    """Counts what is settled and told, and looks at the rest when it is asked.

    `now` is in milliseconds since 1970; `worker` is the number of the process among those that share its port, if any.
    """

    def __init__(
        self, now: Callable[[], int], *gauges: Collector, sources: Iterable[str] = (), worker: int = 0
    ) -> None:
        self._now = now
        self._worker = worker
        self._registry = registry = CollectorRegistry()
        self._deliveries = Counter(
            "hub_deliveries",
            "Webhooks and decisions by what became of them: accepted, duplicate, dead; refused (no proof), limited "
            "(rate_limit), oversized (max_body), stalled (its body did not all come) and unavailable (503: the sender "
            "was told to come again).",
            ["source", "status"],
            registry=registry,
        )
        self._delay = Histogram(
            "hub_provider_delay_seconds",
            "From when something happened, as the provider says, to its arrival here, of accepted webhooks.",
            ["source"],
            buckets=_DELAY_SECONDS,
            registry=registry,
        )
        self._latency = Histogram(
            "hub_viewer_latency_seconds",
            "From the arrival of a webhook at any process to when its event was written to the last live viewer of "
            "this one, by the clocks of both. Nothing of events that nobody follows, nor of viewers that are behind.",
            ["source"],
            buckets=_LATENCY_SECONDS,
            registry=registry,
        )
        self._whole_way = Histogram(
            "hub_provider_to_viewer_seconds",
            "From when something happened, as the provider says, to when its event was written to the last live viewer "
            "of this process; from its arrival where the provider does not say when.",
            ["source"],
            buckets=_DELAY_SECONDS,
            registry=registry,
        )
        self._commits = Histogram(
            "hub_commit_seconds", "How long the store took for a commit.", buckets=_COMMIT_SECONDS, registry=registry
        )
        self._sizes = Histogram(
            "hub_commit_deliveries", "How many deliveries a commit held.", buckets=_COMMIT_SIZES, registry=registry
        )
        ProcessCollector(registry=registry)
        for gauge in gauges:
            registry.register(gauge)
        # An alarm on a number that is missing never fires.
        for source in sources:
            self._delay.labels(source), self._latency.labels(source), self._whole_way.labels(source)
            for status in _STATUSES:
                self._deliveries.labels(source, status)

    def count(self, settled: Iterable[tuple[Delivery, Outcome]]) -> None:
        """Count deliveries that are durable."""
        for delivery, outcome in settled:
            self._deliveries.labels(delivery.source, outcome.status.value).inc()
            happened = delivery.event_time
            if outcome.status is Status.ACCEPTED and happened is not None and delivery.redrive is None:
                self._delay.labels(delivery.source).observe(_seconds(delivery.received_at - happened))

    def turned_away(self, source: str, status: str) -> None:
        """Count a webhook that was not taken."""
        self._deliveries.labels(source, status).inc()

    def committed(self, deliveries: int, seconds: float) -> None:
        """Count a commit."""
        self._sizes.observe(deliveries)
        self._commits.observe(seconds)

    def told(self, events: Sequence[Event]) -> None:
        """Note how long ago what viewers were just told of happened, and arrived."""
        now = self._now()
        # Of very many at once some are enough: nobody else runs meanwhile.
        for event in events[:: max(1, len(events) // _LOOKED_AT)]:
            if found := _TIMES.match(event.body, 1):
                source, happened_at, received_at = (part.decode() for part in found.groups())
                self._note(self._whole_way, source, now, happened_at)
                self._note(self._latency, source, now, received_at)

    def _note(self, histogram: Histogram, source: str, now: int, since: str) -> None:
        moment = parse_time(since)
        if moment is not None:
            histogram.labels(source).observe(_seconds(now - moment))

    def text(self) -> bytes:
        """Return everything in the text format."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Yield everything, of a worker with its number: what another one counts is another series."""
        more = {"worker": str(self._worker)} if self._worker else {}
        for metric in self._registry.collect():
            metric.samples = [
                sample._replace(labels={**sample.labels, **more})
                for sample in metric.samples
                # When a counter began tells nothing that the start of the process does not.
                if not sample.name.endswith("_created")
            ]
            yield metric


class Gauges(Collector):
    """Values that are somewhere already."""

    def __init__(self, health: Health, feed: Feed, fanout: Fanout, ingest: Ingest, counts: Counts) -> None:
        self._health = health
        self._feed = feed
        self._fanout = fanout
        self._ingest = ingest
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield the values of now."""
        yield from self._of_parts()
        yield from self._of_the_log()
        yield from self._of_viewers()
        dropped = CounterMetricFamily(
            "hub_dropped",
            "What was let go: viewers that were cut off or told to go, places in the log that viewers lost (each "
            "begins anew with the state), notices of arrivals that nobody was told of, refused webhooks that were not "
            "kept.",
            labels=["what", "reason"],
        )
        for drop, number in self._counts.dropped.items():
            dropped.add_metric(drop, number)
        yield dropped

    def _of_parts(self) -> Iterator[Metric]:
        degraded = GaugeMetricFamily("hub_degraded", "1 while a part is in trouble.", labels=["part"])
        troubles = self._health.troubles()
        for part in PARTS:
            degraded.add_metric([part], float(part in troubles))
        yield degraded
        yield GaugeMetricFamily("hub_waiting_deliveries", "Waiting for the store.", value=self._ingest.waiting)
        yield GaugeMetricFamily("hub_spooled_deliveries", "Waiting on the disk.", value=self._ingest.spooled)

    def _of_the_log(self) -> Iterator[Metric]:
        feed = self._feed
        yield GaugeMetricFamily("hub_log_position", "How far this process has seen the log.", value=feed.head)
        yield GaugeMetricFamily(
            "hub_log_head", "How far the log goes, as far as this process knows of it.", value=feed.log_head
        )
        yield GaugeMetricFamily(
            "hub_feed_lag_events", "How many events this process has yet to see.", value=feed.log_head - feed.head
        )
        yield GaugeMetricFamily(
            "hub_feed_unseen_seconds",
            "Since this process last saw the end of the log in the store; it looks every second.",
            value=max(0.0, time.monotonic() - feed.looked_at),
        )

    def _of_viewers(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("hub_viewers", "Viewers of this process.", value=len(self._fanout.roster))
        by_transport = GaugeMetricFamily(
            "hub_viewers_by_transport", "Viewers of this process, by how they are connected.", labels=["transport"]
        )
        viewers = dict.fromkeys((form.transport for form in Form), 0)
        for form, number in self._fanout.roster.forms().items():
            viewers[form.transport] += number
        for transport, number in viewers.items():
            by_transport.add_metric([transport], number)
        yield by_transport
        written = CounterMetricFamily(
            "hub_viewer_messages",
            "What viewers were written: events as they happen, events replayed to who resumes or is behind, pages of "
            "snapshots, heartbeats, notices of arrivals.",
            labels=["kind"],
        )
        for kind, number in self._counts.written.items():
            written.add_metric([kind], number)
        yield written


def _seconds(milliseconds: int) -> float:
    # Clocks differ: what comes before it happened came at once.
    return max(0, milliseconds) / 1000
