"""Bytes to snapshots, against automata that look at one byte after the other: `python -m benchmarks.decode`.

The stream is what a simulated meter says in an hour, from the first frame on; with all checks of serving, one snapshot
per frame. The automata check sums and give text.
"""

from datetime import datetime
from functools import partial

from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.simulator import SimulatedMeter
from tic_exporter.tic.parity import with_even_parity

from .byte_at_a_time import HT, SP, Automaton, HastyAutomaton
from .machine import describe, medians

KINDS = (
    ("linky-standard", HT),
    ("linky-standard-three-phase-producer", HT),
    ("linky-historic", SP),
    ("linky-historic-three-phase", SP),
    ("pme-pmi", SP),
)
SECONDS = 3600.0
RUNS = 5
START = datetime(2026, 1, 15, 18)  # noqa: DTZ001 - legal time, as the simulator takes it


def frames_of(kind: str, seconds: float = SECONDS) -> list[tuple[bytes, float]]:
    """Give the frames of so much time on the line, each with the time of its end."""
    meter, now, frames = SimulatedMeter(kind, start=START), 0.0, []
    while now < seconds:
        frame = meter.next_frame()
        now += meter.line_time
        frames.append((frame, now))
    return frames


def decode(frames: list[tuple[bytes, float]]) -> Meter:
    meter = Meter(MeterOptions(name="benchmark"))
    for frame, now in frames:
        meter.feed(frame, now, now)
    return meter


def step(frames: list[tuple[bytes, float]], automaton: Automaton | HastyAutomaton) -> int:
    return sum(len(automaton.feed(frame)) for frame, _ in frames)


def main() -> None:
    print(describe())
    print("\n| meter | bytes a frame | MB/s | with parity | automaton | hasty automaton | ratio | to the hasty one |")
    print("|---|---|---|---|---|---|---|---|")
    for kind, separator in KINDS:
        frames = frames_of(kind)
        with_parity = [(with_even_parity(frame), now) for frame, now in frames]
        size = sum(len(frame) for frame, _ in frames)
        assert len(frames) == step(frames, Automaton(separator)) == step(frames, HastyAutomaton(separator))
        assert len(frames) == decode(frames).snapshot.counts["frames", ""]
        ours, parity, theirs, hasty = medians(
            [
                partial(decode, frames),
                partial(decode, with_parity),
                lambda: step(frames, Automaton(separator)),  # noqa: B023
                lambda: step(frames, HastyAutomaton(separator)),  # noqa: B023
            ],
            RUNS,
        )
        figures = [f"{size / seconds / 1e6:.1f}" for seconds in (ours, parity, theirs, hasty)]
        ratios = [f"{seconds / ours:.1f}" for seconds in (theirs, hasty)]
        print(f"| {kind} | {size // len(frames)} | {' | '.join(figures)} | {' | '.join(ratios)} |")


if __name__ == "__main__":
    main()
