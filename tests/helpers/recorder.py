"""Scrapes written down as OpenMetrics, for `promtool tsdb create-blocks-from openmetrics`."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tic_exporter.exposition import MeterCollector


class Recorder:
    """Keeps the samples of scrapes and writes them as OpenMetrics: by metric, by series, by time."""

    def __init__(self, keep: Collection[str]) -> None:
        self._keep = keep
        self._series: dict[tuple[str, ...], tuple[array[float], array[float]]] = {}
        self._types: dict[str, str] = {}

    def scrape(self, collector: MeterCollector, unix: int, *, leave_out: str = " ") -> None:
        """Take what a scrape at `unix` gives; names that begin with `leave_out` are left out."""
        for family in collector.collect():
            for sample in family.samples:
                if sample.name not in self._keep or sample.name.startswith(leave_out):
                    continue
                key = (sample.name, *sample.labels, *sample.labels.values())
                found = self._series.get(key)
                if found is None:
                    found = self._series[key] = array("d"), array("d")
                    self._types[sample.name] = family.type
                found[0].append(unix)
                found[1].append(sample.value)

    def write(self, path: Path) -> None:
        """Write and forget."""
        with path.open("w", encoding="utf-8") as file:
            name = ""
            for key in sorted(self._series):
                if key[0] != name:
                    name = key[0]
                    kind = self._types[name]
                    file.write(f"# TYPE {name.removesuffix('_total') if kind == 'counter' else name} {kind}\n")
                file.writelines(_lines(key, *self._series[key]))
            file.write("# EOF\n")
        self._series.clear()


def _lines(key: tuple[str, ...], times: array[float], values: array[float]) -> Iterator[str]:
    count = len(key) // 2
    labels = {"job": "tic", "instance": "gateway:15402"} | dict(zip(key[1 : count + 1], key[count + 1 :], strict=True))
    text = ",".join(f'{name}="{value}"' for name, value in labels.items())
    start = f"{key[0]}{{{text}}} "
    for time, value in zip(times, values, strict=True):
        assert math.isfinite(value)
        yield f"{start}{value!r} {time:.0f}\n"
