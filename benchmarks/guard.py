"""Fails when what was made fast became slow: `python -m benchmarks.guard`, for CI.

It looks at ratios alone, each of two things done in turn in one process, the best run of several: how fast or busy the
machine is touches both. The floors are about half of what it gives on a quiet machine.
"""

import sys
from collections.abc import Callable

from prometheus_client.exposition import choose_encoder

from tic_exporter.exposition import MeterCollector, registry_of

from .byte_at_a_time import HT, SP, Automaton
from .decode import decode, frames_of, step
from .machine import seconds
from .processes import OPENMETRICS
from .scrape import fed

Work = Callable[[], object]

RUNS = 7
SECONDS = 900.0
METERS = 100
DECODING = (("linky-standard", HT, 4.5), ("linky-historic", SP, 1.5), ("pme-pmi", SP, 1.8))
"""Kind of meter, its separator, and how many times faster than a byte at a time it is read at least."""
RENDERING = 3.5
"""How many times faster than the client library a scrape is written at least."""


def ratio(ours: Work, theirs: Work) -> float:
    """Give the best of theirs over the best of ours."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(RUNS)]
    return min(their for _, their in pairs) / min(our for our, _ in pairs)


def _decoding(kind: str, separator: int) -> float:
    frames = frames_of(kind, SECONDS)
    return ratio(lambda: decode(frames), lambda: step(frames, Automaton(separator)))


def _rendering() -> float:
    meters = fed(METERS)
    everything = registry_of(MeterCollector(lambda: [meter.snapshot for meter in meters], now=lambda: 5.0))
    encode, _ = choose_encoder(OPENMETRICS)
    assert b"".join(everything.text(encode)) == encode(everything)
    return ratio(lambda: b"".join(everything.text(encode)), lambda: encode(everything))


def main() -> int:
    found = [
        (f"reading {kind} against an automaton", _decoding(kind, separator), floor)
        for kind, separator, floor in DECODING
    ]
    found.append(("writing a scrape against the client library", _rendering(), RENDERING))
    for what, times, floor in found:
        print(f"{'ok  ' if times >= floor else 'SLOW'} {what}: {times:.1f} times as fast, at least {floor}")
    return 0 if all(times >= floor for _, times, floor in found) else 1


if __name__ == "__main__":
    sys.exit(main())
