"""What a figure was measured on, and how figures are taken: medians of several runs, ratios of one run."""

import platform
import statistics
import time
from collections.abc import Callable, Sequence

from tic_exporter import __version__


def describe() -> str:
    """Name the machine and the versions in one line."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - one line of a pseudo-file
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    return f"{model}, CPython {platform.python_version()}, tic_exporter {__version__}"


def seconds(work: Callable[[], object]) -> float:
    """Give the processor time of one call: what other programs do counts little."""
    start = time.process_time()
    work()
    return time.process_time() - start


def medians(works: Sequence[Callable[[], object]], runs: int = 7) -> list[float]:
    """Give the median seconds of each, taken in turn so that a drift of the machine touches all alike."""
    samples: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for sample, work in zip(samples, works, strict=True):
            sample.append(seconds(work))
    return [statistics.median(sample) for sample in samples]
