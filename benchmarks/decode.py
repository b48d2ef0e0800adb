"""Bytes to snapshots, against an automaton that looks at one byte after the other: `python -m benchmarks.decode`.

The stream is a thousand frames of a simulated meter; with all checks of serving, one snapshot per frame.
"""

from datetime import datetime

from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.simulator import SimulatedMeter
from tic_exporter.tic.parity import with_even_parity

from .byte_at_a_time import HT, SP, Automaton
from .machine import describe, medians

KINDS = (
    ("linky-standard", HT),
    ("linky-standard-three-phase-producer", HT),
    ("linky-historic", SP),
    ("linky-historic-three-phase", SP),
    ("pme-pmi", SP),
)
FRAMES = 1000
START = datetime(2026, 1, 15, 18)  # noqa: DTZ001 - legal time, as the simulator takes it


def frames_of(kind: str) -> list[tuple[bytes, float]]:
    """Give the frames, each with the time of its end."""
    meter, now, frames = SimulatedMeter(kind, start=START), 0.0, []
    for _ in range(FRAMES):
        frame = meter.next_frame()
        now += meter.line_time
        frames.append((frame, now))
    return frames


def decode(frames: list[tuple[bytes, float]]) -> Meter:
    meter = Meter(MeterOptions(name="benchmark"))
    for frame, now in frames:
        meter.feed(frame, now, now)
    return meter


def step(frames: list[tuple[bytes, float]], separator: int) -> int:
    automaton = Automaton(separator)
    return sum(len(automaton.feed(frame)) for frame, _ in frames)


def main() -> None:
    print(describe())
    print("\n| meter | bytes a frame | MB/s, 7-bit | MB/s, with parity | byte at a time, MB/s | ratio |")
    print("|---|---|---|---|---|---|")
    for kind, separator in KINDS:
        frames = frames_of(kind)
        with_parity = [(with_even_parity(frame), now) for frame, now in frames]
        size = sum(len(frame) for frame, _ in frames)
        assert len(frames) == step(frames, separator)
        assert len(frames) == decode(frames).snapshot.counts["frames", ""]
        ours, parity, theirs = medians(
            [lambda: decode(frames), lambda: decode(with_parity), lambda: step(frames, separator)]  # noqa: B023
        )
        figures = [f"{size / seconds / 1e6:.1f}" for seconds in (ours, parity, theirs)]
        print(f"| {kind} | {size // len(frames)} | {' | '.join(figures)} | {theirs / ours:.1f} |")


if __name__ == "__main__":
    main()
