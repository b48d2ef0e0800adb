"""Many meters live through a day of faults in accelerated time: `python -m benchmarks.soak`.

Twenty simulated meters of all families, in steps of five seconds of their time: overloads, cables pulled, modes
switched, EOT, noise, meters replaced, tariffs that change, jumps of the host's clock, and the change to summer time.
Fourteen speak to `Meter.feed` itself, three over TCP and three over pseudo-terminals to a `Reader` as it serves.
Every five minutes Prometheus' client library writes what a scrape would get.

Status 1 unless, after a warm-up, memory stays within 1 MiB and the number of descriptors where it was, no frame is
lost that arrived undamaged, no register falls (but where a meter without an id was exchanged), and all meters are read
well in the end.
"""

import argparse
import gc
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, generate_latest

from tic_exporter import reader
from tic_exporter.exposition import MeterCollector
from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.sources import PortSettings
from tic_exporter.tic.quantities import Kind
from tic_exporter.tic.schema import Key
from tic_exporter.waiting import LONGEST_REST

from .machine import describe
from .soak_lines import Direct, Line, Pty, Tcp

STEP = 5.0
SCRAPE_STEPS = 60
"""Steps between two scrapes."""
QUIET = 600.0
"""Seconds at the end in which nothing happens, so that everything must heal."""
LARGEST_GROWTH = 1 << 20
LOG_LINES_PER_EVENT = 6

_ZONE = ZoneInfo("Europe/Paris")
_START = datetime(2026, 3, 28, 12)  # noqa: DTZ001 - legal time; summer time begins in the night
_JUMPS_PER_HOUR = 0.5
_JUMPS = (-86400.0, -3600.0, -1.0, 1.0, 3600.0, 86400.0)
_SPEED = 1200

METERS = (
    ("linky-standard", "tcp"), ("pme-pmi", "pty"), ("cbetm", "direct"), ("linky-historic", "direct"),
    ("concentrator", "direct"), ("cbemm", "pty"), ("cbemm-icc", "pty"), ("linky-historic-three-phase", "direct"),
    ("linky-standard-three-phase", "tcp"), ("linky-standard-producer", "direct"),
    ("linky-standard-three-phase-producer", "direct"), ("pme-pmi-2010", "direct"), ("pme-pmi-producer", "direct"),
    ("ice-2q-2.4", "direct"), ("ice-2q", "direct"), ("ice-2q-split", "direct"), ("ice-4q", "tcp"), ("cje", "direct"),
    ("saphir-historic", "direct"), ("saphir-standard", "direct"),
)  # fmt: skip


class _LogCounter(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines = 0

    def emit(self, _record: logging.LogRecord) -> None:
        self.lines += 1


@dataclass(frozen=True, slots=True)
class Sample:
    """The process at an instant at which every port is open: resident bytes after a collection, and descriptors."""

    hour: float
    resident: int
    descriptors: int


@dataclass(slots=True)
class Outcome:
    """What a soak came to. `fallen` names registers that fell, `unwell` meters that were not read in the end."""

    hours: float
    lines: Sequence[Line]
    samples: list[Sample] = field(default_factory=list)
    scrapes: int = 0
    jumps: int = 0
    log_lines: int = 0
    seconds: float = 0.0
    fallen: list[str] = field(default_factory=list)
    unwell: list[str] = field(default_factory=list)

    @property
    def after_warm_up(self) -> list[Sample]:
        """Samples from a sixth of the time on: all kinds of events have happened by then."""
        return [sample for sample in self.samples if sample.hour >= self.hours / 6]

    @property
    def growth(self) -> int:
        """Bytes between the smallest and the largest resident size after the warm-up."""
        sizes = [sample.resident for sample in self.after_warm_up]
        return max(sizes) - min(sizes)

    def misses(self) -> Iterator[str]:
        """Name what was not as it must be."""
        if self.growth > LARGEST_GROWTH:
            yield f"memory moved by {self.growth / 1024:.0f} KiB after the warm-up"
        if len({sample.descriptors for sample in self.after_warm_up}) > 1:
            yield f"descriptors: {[sample.descriptors for sample in self.after_warm_up]}"
        for line in self.lines:
            if line.numbers.lost:
                yield f"{line.kind}: {line.numbers.lost} undamaged frames lost"
        events = sum(sum(line.numbers.events.values()) for line in self.lines)
        if self.log_lines > LOG_LINES_PER_EVENT * (events + len(self.lines)):
            yield f"{self.log_lines} lines of log for {events} events"
        yield from self.fallen
        yield from (f"{name} is not read well in the end" for name in self.unwell)


class Soak:
    """All lines, the clocks that they share, and the reader of those that are not fed directly."""

    def __init__(self, meters: Sequence[tuple[str, str]], *, seed: int, folder: Path) -> None:
        self.now = 0.0
        self._began = _START.replace(tzinfo=_ZONE).timestamp()
        self._jumped = self._waited = 0.0
        self._random = Random(seed)  # noqa: S311 - chance, no secret
        self._turns = 0
        self._turned = threading.Condition()
        self._failure: BaseException | None = None
        self._reader = reader.Reader(
            clocks=reader.Clocks(lambda: self.now + self._waited, lambda: self.times()[1]),
            on_turn=self._count_turn,
            on_failure=self._fail,
        )
        self._lines: list[Line] = []
        self._wires: list[Tcp | Pty] = []
        self._read: dict[str, reader.Line] = {}
        self._registers: dict[tuple[str, int, str, Key], float] = {}
        for number, (kind, wire) in enumerate(meters):
            meter = Meter(MeterOptions(f"{number:02} {kind}", zone=_ZONE))
            self._lines.append(self._line(kind, wire, meter, seed + number, folder))
        self._reader.change(self._read, set())
        self._reader.start()

    def _line(self, kind: str, wire: str, meter: Meter, seed: int, folder: Path) -> Line:
        if wire == "direct":
            return Line(kind, meter, Direct(meter, self.times), _START, seed, parity=bool(seed % 3))
        made = Tcp(meter) if wire == "tcp" else Pty(meter, folder / f"tty{seed}")
        self._wires.append(made)
        speed = _SPEED if wire == "pty" else None
        self._read[meter.options.name] = reader.Line(meter, PortSettings(made.port, baud_rate=speed))
        return Line(kind, meter, made, _START, seed, parity=wire == "pty")

    @property
    def lines(self) -> Sequence[Line]:
        return self._lines

    def times(self) -> tuple[float, float]:
        """Give the steady time and the Unix time, which jumps."""
        return self.now, self._began + self.now + self._jumped

    def close(self) -> None:
        self._reader.stop()
        for wire in self._wires:
            wire.close()

    def run(self, hours: float) -> Outcome:
        outcome = Outcome(hours, self._lines)
        began = time.perf_counter()
        steps = round(hours * 3600 / STEP)
        for step in range(1, steps + 1):
            is_quiet = self.now > hours * 3600 - QUIET
            self.now, self._waited = self.now + STEP, 0.0
            if not is_quiet and self._random.random() < _JUMPS_PER_HOUR * STEP / 3600:
                self._jumped += self._random.choice(_JUMPS)
                outcome.jumps += 1
            for line in self._lines:
                line.step(self.now, STEP, is_quiet=is_quiet)
            self._wait_for_reader()
            for line in self._lines:
                line.settle()
            if not step % SCRAPE_STEPS:
                self._scrape(outcome)
            if step * 24 >= steps * (len(outcome.samples) + 1) and all(wire.is_heard for wire in self._wires):
                outcome.samples.append(self._sample())
        outcome.unwell = [
            line.meter.options.name for line in self._lines if line.meter.snapshot.link_state(self.now) != "ok"
        ]
        outcome.seconds = time.perf_counter() - began
        return outcome

    def _scrape(self, outcome: Outcome) -> None:
        """Write what Prometheus would get, and compare the registers with the scrape before."""
        snapshots = [line.meter.snapshot for line in self._lines]
        registry = CollectorRegistry(auto_describe=False)
        registry.register(MeterCollector(lambda: snapshots, lambda: self.now))
        generate_latest(registry)
        outcome.scrapes += 1
        before, self._registers = self._registers, {}
        for line, snapshot in zip(self._lines, snapshots, strict=True):
            for key, value in snapshot.readings.items():
                if key[0].kind is Kind.REGISTER:
                    name = (snapshot.meter, line.replaced, snapshot.meter_id, key)
                    self._registers[name] = value
                    if value < before.get(name, value) and not line.may_fall:
                        outcome.fallen.append(f"{snapshot.meter}: {key[0].metric}{dict(key[1])} fell at {self.now} s")

    # --- the reader's thread ------------------------------------------------------------------------------------------

    def _count_turn(self) -> None:
        with self._turned:
            self._turns += 1
            self._turned.notify_all()

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self._count_turn()

    def _has_turned_since(self, turns: int) -> bool:
        return self._turns > turns + 1 or self._failure is not None

    def _wait_for_reader(self) -> None:
        """Have the loop turn until it has read what was sent, and seen what was pulled.

        Lines rest in the middle of their frames: some time must go by.
        """
        patience = time.monotonic() + 20
        while True:
            turns = self._turns
            self._waited = min(self._waited + LONGEST_REST, STEP - 0.1)
            self._reader.change({}, set())  # wakes it, and makes it publish what it has counted
            with self._turned:
                self._turned.wait_for(partial(self._has_turned_since, turns), 0.01)
            if self._failure is not None:
                raise RuntimeError("the reader died of a bug") from self._failure
            if all(wire.is_settled for wire in self._wires):
                return
            if time.monotonic() > patience:
                raise TimeoutError("the reader does not read what is there")

    def _sample(self) -> Sample:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        open_now = sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1
        return Sample(self.now / 3600, pages * os.sysconf("SC_PAGESIZE"), open_now)


@contextmanager
def _counting() -> Iterator[_LogCounter]:
    log = logging.getLogger("tic_exporter")
    counter, level, propagate = _LogCounter(), log.level, log.propagate
    log.addHandler(counter)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield counter
    finally:
        log.removeHandler(counter)
        log.setLevel(level)
        log.propagate = propagate


def run(hours: float, meters: int, *, seed: int = 1) -> Outcome:
    """Let the first `meters` of `METERS` live for that long."""
    with ExitStack() as stack:
        counter = stack.enter_context(_counting())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        soak = Soak(METERS[:meters], seed=seed, folder=folder)
        stack.callback(soak.close)
        outcome = soak.run(hours)
        outcome.log_lines = counter.lines
        return outcome


# --- report -----------------------------------------------------------------------------------------------------------


def report(outcome: Outcome) -> str:
    """Write what happened as Markdown."""
    heads = (
        "meter",
        "frames",
        "undamaged",
        "accepted",
        "lost",
        "broken off",
        "damaged",
        "passed",
        "events",
        "connections",
    )
    values = []
    for line in outcome.lines:
        numbers = line.numbers
        values.append((numbers.sent, numbers.whole, line.accepted, numbers.lost, numbers.broken_off, numbers.damaged,
                       numbers.passed, sum(numbers.events.values()), line.connections))  # fmt: skip
    rows = [[line.kind, *row] for line, row in zip(outcome.lines, values, strict=True)]
    rows.append(["all", *map(sum, zip(*values, strict=True))])
    events: dict[str, int] = {}
    for line in outcome.lines:
        for name, number in line.numbers.events.items():
            events[name] = events.get(name, 0) + number
    resident = [f"{sample.resident / (1 << 20):.1f}" for sample in outcome.samples]
    descriptors = sorted({sample.descriptors for sample in outcome.after_warm_up})
    lines = [
        f"{outcome.hours:g} hours of {len(outcome.lines)} meters in {outcome.seconds:.0f} s; {describe()}",
        "| " + " | ".join(heads) + " |\n| --- |" + " ---: |" * (len(heads) - 1),
        *("| " + " | ".join([str(row[0]), *(f"{number:,}" for number in row[1:])]) + " |" for row in rows),
    ]
    table = lines[0] + "\n\n" + "\n".join(lines[1:])
    what = ", ".join(f"{name} {number}" for name, number in sorted(events.items()))
    return "\n\n".join(
        (
            table,
            f"Events: {what}, jumps of the host's clock {outcome.jumps}.",
            f"Resident memory, MiB: {', '.join(resident)}.",
            f"After the warm-up it moved by {outcome.growth / 1024:.0f} KiB.",
            f"Descriptors: {descriptors}. Lines of log: {outcome.log_lines}.",
            "\n\n".join(f"Missed: {miss}" for miss in outcome.misses()) or "All is as it must be.",
        )
    )


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=24.0, help="of simulated time (default: %(default)g)")
    parser.add_argument("--meters", type=int, default=len(METERS), choices=range(1, len(METERS) + 1), metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    flags = parser.parse_args(words)
    outcome = run(flags.hours, flags.meters, seed=flags.seed)
    print(report(outcome))
    return 1 if any(outcome.misses()) else 0


if __name__ == "__main__":
    sys.exit(main())
