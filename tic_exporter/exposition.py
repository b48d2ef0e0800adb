"""Snapshots to Prometheus metric families, built afresh at each scrape."""

import platform
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import Metric as ClientMetric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from . import catalogue, rendering
from .catalogue import Metric
from .clocks import steady
from .meter import LINK_COUNTERS, LINK_STATES, LinkCounter, Snapshot
from .tic.schema import Dimensions

Meter = TypeVar("Meter")
Row_co = TypeVar("Row_co", covariant=True)

_PIECE = 65_536
"""Characters of text that are gathered before they are handed on."""
_STATES: tuple[tuple[Dimensions, str], ...] = tuple(((("state", state),), state) for state in LINK_STATES)


class Form(Protocol[Meter, Row_co]):
    """How samples are made: as objects of the library, or as lines of text."""

    def meter(self, snapshot: Snapshot) -> Meter:
        """Prepare what all rows of a meter have in common."""
        ...

    def link(self, name: str, own: Dimensions, meter: Meter, value: float) -> Row_co: ...
    def reading(self, name: str, own: Dimensions, meter: Meter, value: float) -> Row_co: ...


class Samples:
    """Samples as the library takes them; a meter is its two labels."""

    def meter(self, snapshot: Snapshot) -> tuple[str, str]:
        return snapshot.meter, snapshot.meter_id

    def link(self, name: str, own: Dimensions, meter: tuple[str, str], value: float) -> Sample:
        return Sample(name, {"meter": meter[0], **dict(own)}, value)

    def reading(self, name: str, own: Dimensions, meter: tuple[str, str], value: float) -> Sample:
        return Sample(name, {"meter": meter[0], "meter_id": meter[1], **dict(own)}, value)


class Lines:
    """Samples as text; a meter is its two labels, escaped."""

    def meter(self, snapshot: Snapshot) -> tuple[str, str]:
        return rendering.escaped(snapshot.meter), rendering.escaped(snapshot.meter_id)

    link = staticmethod(rendering.link_line)
    reading = staticmethod(rendering.reading_line)


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
        for metric, samples in self.families(Samples()):
            yield _family(metric, samples)

    def families(self, form: Form[Meter, Row_co]) -> Iterator[tuple[Metric, list[Row_co]]]:
        """Give each metric with its rows, in the order of the catalogue; rows by meter."""
        snapshots, now = self._snapshots(), self._now()
        meters = [(form.meter(snapshot), snapshot) for snapshot in snapshots]
        yield from _link_families(form, meters, now)
        reading = form.reading
        rows: dict[str, list[Row_co]] = defaultdict(list)
        name_of = catalogue.METRIC_OF
        for meter, snapshot in meters:
            if snapshot.is_fresh(now):
                for (quantity, dimensions), value in snapshot.readings.items():
                    name = name_of[quantity]
                    rows[name].append(reading(name, dimensions, meter, value))
        for name, metric in catalogue.READING_METRICS.items():
            if name in rows:
                yield metric, rows.pop(name)  # those of a town are megabytes: none is kept for longer than needed


def _link_families(
    form: Form[Meter, Row_co], meters: Sequence[tuple[Meter, Snapshot]], now: float
) -> Iterator[tuple[Metric, list[Row_co]]]:
    def family(
        metric: Metric, series: Callable[[Snapshot], Iterable[tuple[Dimensions, float]]]
    ) -> tuple[Metric, list[Row_co]]:
        link, name = form.link, metric.name
        return metric, [link(name, own, meter, value) for meter, shown in meters for own, value in series(shown)]

    def counted(counter: LinkCounter) -> Callable[[Snapshot], Iterable[tuple[Dimensions, float]]]:
        keys = [
            ((("reason", reason),) if reason else (), (counter.name, reason)) for reason in counter.reasons or ("",)
        ]
        return lambda shown: [(own, shown.counts.get(key, 0)) for own, key in keys]

    def states(shown: Snapshot) -> list[tuple[Dimensions, float]]:
        current = shown.link_state(now)
        return [(own, 1.0 if state == current else 0.0) for own, state in _STATES]

    yield family(catalogue.UP, lambda shown: [((), float(shown.is_fresh(now)))])
    yield family(catalogue.LINK_STATE, states)
    yield family(
        catalogue.LAST_FRAME,
        lambda shown: [] if shown.last_frame_unix is None else [((), shown.last_frame_unix)],
    )
    yield family(catalogue.LINK_INFO, lambda shown: [(tuple(shown.link.items()), 1.0)] if shown.link else [])
    yield family(catalogue.TEST_MODE, lambda shown: [((), float(shown.is_test))])
    yield family(catalogue.STALE_AFTER, lambda shown: [((), shown.stale_after)])
    for counter in LINK_COUNTERS:
        yield family(catalogue.LINK_TOTALS[counter.name], counted(counter))


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
                yield _family(metric, [Sample(metric.name, self._build, 1.0)])
            elif metric.name in numbers:
                yield _family(metric, [Sample(metric.name, {}, numbers[metric.name])])


class Exposition(Collector):
    """All that one scrape shows: the meters alone, or with what concerns the process."""

    def __init__(self, meters: MeterCollector, process: CollectorRegistry) -> None:
        self._meters = meters
        self._process = process

    def collect(self) -> Iterator[ClientMetric]:
        yield from self._meters.collect()
        yield from self._process.collect()

    def text(self, encode: rendering.Encode) -> Iterator[bytes]:
        """Write it in pieces, byte for byte as `encode` would; that is one of the library's `choose_encoder`."""
        if not rendering.is_plain(encode):
            yield encode(self)
            return
        headers = rendering.headers_of(encode)
        gathered: list[str] = []
        size = 0
        for text in self._families(headers):
            gathered.append(text)
            size += len(text)
            if size > _PIECE:
                yield "".join(gathered).encode()
                gathered.clear()
                size = 0
        yield ("".join(gathered) + headers.ending).encode()

    def _families(self, headers: rendering.Headers) -> Iterator[str]:
        for metric, lines in self._meters.families(Lines()):
            yield headers.of(_client_name(metric), metric.help, metric.type) + "".join(lines)
        for family in self._process.collect():
            yield rendering.family(family, headers)


def registry_of(meters: MeterCollector, exporter: Collector | None = None) -> Exposition:
    """Make what one scrape shows: the meters alone, or with all that concerns the process."""
    process = CollectorRegistry(auto_describe=False)
    if exporter is not None:
        process.register(exporter)
        ProcessCollector(registry=process)
        PlatformCollector(registry=process)
    return Exposition(meters, process)


def _client_name(metric: Metric) -> str:
    """Give the name as the library takes it: that of a counter without `_total`."""
    return metric.name.removesuffix("_total") if metric.type == "counter" else metric.name


def _family(metric: Metric, samples: list[Sample]) -> ClientMetric:
    family = ClientMetric(_client_name(metric), metric.help, metric.type)
    family.samples = samples
    return family
