"""Snapshots to Prometheus metric families, built afresh at each scrape; nothing else knows the client library."""

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import Metric as ClientMetric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from . import catalogue
from .catalogue import Metric
from .clocks import steady
from .meter import LINK_COUNTERS, LINK_STATES, Snapshot

Rows = list[tuple[dict[str, str], float]]


class MeterCollector(Collector):
    """Exposes what `snapshots` gives at the instant of a scrape; each snapshot is bound once.

    Args:
        snapshots: gives those of the meters to be shown.
        now: the steady clock by which silence is judged.
    """

    def __init__(self, snapshots: Callable[[], Sequence[Snapshot]], now: Callable[[], float] = steady) -> None:
        self._snapshots = snapshots
        self._now = now

    def describe(self) -> Iterable[ClientMetric]:
        metrics = (*catalogue.LINK_METRICS, *catalogue.LINK_TOTALS.values(), *catalogue.READING_METRICS.values())
        return [_family(metric, []) for metric in metrics]

    def collect(self) -> Iterator[ClientMetric]:
        snapshots, now = self._snapshots(), self._now()
        yield from self._link(snapshots, now)
        rows: dict[str, Rows] = {}
        for snapshot in snapshots:
            if not snapshot.is_fresh(now):
                continue
            meter = {"meter": snapshot.meter, "meter_id": snapshot.meter_id}
            for (quantity, dimensions), value in snapshot.readings.items():
                rows.setdefault(quantity.metric, []).append((meter | dict(dimensions), value))
        for name, metric in catalogue.READING_METRICS.items():
            if name in rows:
                yield _family(metric, rows[name])

    def _link(self, snapshots: Sequence[Snapshot], now: float) -> Iterator[ClientMetric]:
        meters = [({"meter": snapshot.meter}, snapshot) for snapshot in snapshots]
        yield _family(catalogue.UP, [(meter, float(snapshot.is_fresh(now))) for meter, snapshot in meters])
        yield _family(
            catalogue.LINK_STATE,
            [
                (meter | {"state": state}, float(snapshot.link_state(now) == state))
                for meter, snapshot in meters
                for state in LINK_STATES
            ],
        )
        yield _family(
            catalogue.LAST_FRAME,
            [(meter, snapshot.last_frame_unix) for meter, snapshot in meters if snapshot.last_frame_unix is not None],
        )
        yield _family(
            catalogue.LINK_INFO, [(meter | dict(snapshot.link), 1.0) for meter, snapshot in meters if snapshot.link]
        )
        yield _family(catalogue.TEST_MODE, [(meter, float(snapshot.is_test)) for meter, snapshot in meters])
        yield _family(catalogue.STALE_AFTER, [(meter, snapshot.stale_after) for meter, snapshot in meters])
        for counter in LINK_COUNTERS:
            rows: Rows = []
            for meter, snapshot in meters:
                for reason in counter.reasons or ("",):
                    labels = meter | {"reason": reason} if reason else meter
                    rows.append((labels, float(snapshot.counts.get((counter.name, reason), 0))))
            yield _family(catalogue.LINK_TOTALS[counter.name], rows)


class ExporterCollector(Collector):
    """Exposes what concerns the process: `numbers` gives the values by metric name."""

    def __init__(self, version: str, revision: str, numbers: Callable[[], dict[str, float]]) -> None:
        self._build = {"version": version, "revision": revision, "python_version": platform.python_version()}
        self._numbers = numbers

    def describe(self) -> Iterable[ClientMetric]:
        return [_family(metric, []) for metric in catalogue.EXPORTER_METRICS]

    def collect(self) -> Iterator[ClientMetric]:
        numbers = self._numbers()
        for metric in catalogue.EXPORTER_METRICS:
            if metric is catalogue.BUILD_INFO:
                yield _family(metric, [(self._build, 1.0)])
            elif metric.name in numbers:
                yield _family(metric, [({}, numbers[metric.name])])


def registry_of(meters: Collector, exporter: Collector | None = None) -> CollectorRegistry:
    """Make the registry of one scrape: the meters alone, or with all that concerns the process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(meters)
    if exporter is not None:
        registry.register(exporter)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
    return registry


def _family(metric: Metric, rows: Rows) -> ClientMetric:
    """Make the library's object; it takes a counter's name without `_total` and its samples with it."""
    family = ClientMetric(
        metric.name.removesuffix("_total") if metric.type == "counter" else metric.name, metric.help, metric.type
    )
    family.samples = [Sample(metric.name, labels, value) for labels, value in rows]
    return family
