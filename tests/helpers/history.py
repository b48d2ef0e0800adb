"""Thirteen months of seven meters, as a Prometheus would have kept them, made within a minute.

The real simulator, the real `Meter` and the real exposition, with time that jumps: two hours from scrape to scrape,
and fifteen seconds on the last day. promtool makes blocks of the samples, then of the recording rules.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from helpers.history_rules import write_stages
from helpers.program import without_coverage
from helpers.prometheus import Prometheus
from helpers.recorder import Recorder
from tic_exporter.exposition import MeterCollector
from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.simulator import SimulatedMeter, damage, model
from tic_exporter.tic.parity import with_even_parity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

PARIS = ZoneInfo("Europe/Paris")
END = int(datetime(2026, 1, 21, 20, 30, tzinfo=PARIS).timestamp())
"""A winter evening after 20:00, when Tempo's next day is known."""
MINUTE, HOUR, DAY = 60, 3600, 86400
START = END - 400 * DAY
FULL_STEP = END - 26 * HOUR
"""From here on a scrape every 15 s: a day, and what the windows before it look back at."""
STEP, COARSE_STEP = 15, 2 * HOUR
FRAME_STEP = 30
"""Between the frames that are heard on the last day, unless all of them are; well below `stale_after`."""
LOOK_BACK = "125m"
"""Longer than the coarse step, or an instant would find nothing."""
BLOCK = 1458 * HOUR
"""Of the ranges that promtool rounds to (two hours times a power of three), the one of two months."""
BLOCK_OPTION = f"--max-block-duration={BLOCK // HOUR}h"

# Coarse samples know nothing of the energy that begins anew every ten minutes: the registers tell the power then.
_TOO_FAST = "tic_interval_"


@dataclass(frozen=True, slots=True)
class Home:
    """A meter of the history."""

    name: str
    kind: str
    contract: str
    scale: float = 1.0
    option: str | None = None
    since: int = START
    """When it was put into service: full-step meters cost nothing in the coarse months."""


HOMES = (
    Home("home", "linky-standard", "TEMPO"),
    Home("farm", "linky-standard-three-phase-producer", "HC"),
    Home("flat", "linky-historic", "HC", 0.5),
    Home("shop", "pme-pmi", "BT 4 SUP36"),
    Home("workshop", "cje", "BASE", 0.3, "BASE"),
    Home("barn", "cbetm", "HC", since=FULL_STEP),
    Home("plant", "ice-4q", "BASE_A5", 0.15, since=FULL_STEP),
)


class Line:
    """A simulated meter, what its line does to its frames, and the `Meter` that hears them."""

    def __init__(self, home: Home, number: int) -> None:
        self._at = float(home.since - MINUTE)
        start = datetime.fromtimestamp(self._at, PARIS).replace(tzinfo=None)
        self.simulated = SimulatedMeter(home.kind, seed=number, start=start, contract=home.contract, scale=home.scale)
        self.meter = Meter(MeterOptions(home.name, zone=PARIS, contract=home.option))
        # A register is believed when a second frame agrees; a period that ends between two coarse ones would take its
        # last kWh along until it comes again.
        self.shows_one_period = home.kind.startswith(("pme-pmi", "ice"))
        self.port = f"/dev/ttyUSB{number}"
        self.plug(is_in=True)
        self.bit_error_rate = 0.0
        self.is_interrupted = False
        self._random = Random(number)  # noqa: S311 - noise of a line
        for seconds in range(30, MINUTE, 10):  # an id is believed when it was seen three times
            self.hear(home.since - MINUTE + seconds)

    def plug(self, *, is_in: bool) -> None:
        self.is_in = is_in
        if is_in:
            self.meter.opened(port=self.port, baud_rate=str(self.simulated.baud_rate))
        else:
            self.meter.closed()

    def hear(self, unix: float, *, is_dense: bool = False) -> None:
        """Let time go on to `unix` and hear the frame that ends there, or (dense) every frame until then."""
        while is_dense and self._at + 2 * self.simulated.line_time < unix:
            self._say(self._at + self.simulated.line_time)
        self._say(unix)

    def _say(self, unix: float) -> None:
        self.simulated.advance(max(0.0, unix - self._at - self.simulated.line_time))
        if self.is_interrupted and self._random.random() < 0.4:
            self.simulated.interrupt(at_group=3)
        frame = damage(with_even_parity(self.simulated.next_frame()), self._random, self.bit_error_rate)
        self._at = unix
        if self.is_in:
            self.meter.feed(frame, unix, unix)
        else:
            self.meter.open_failed()


def _overload(line: Line, *, is_on: bool) -> None:
    line.simulated.events.overload = is_on


def _high_voltage(line: Line, *, is_on: bool) -> None:
    line.simulated.events.voltage = 249.0 if is_on else 230.0


def _noise(line: Line, *, is_on: bool) -> None:
    line.bit_error_rate = 3e-5 if is_on else 0.0


def _interruptions(line: Line, *, is_on: bool) -> None:
    line.is_interrupted = is_on


def _unplug(line: Line, *, is_on: bool) -> None:
    line.plug(is_in=not is_on)


def _red(line: Line, *, is_on: bool) -> None:
    line.simulated.color_tomorrow = "red" if is_on else "white"


# Meter, hours before the end at which it begins and ends, what.
_EVENTS: tuple[tuple[str, float, float, Callable[..., None]], ...] = (
    ("home", 24.0, 0.5, _red),
    ("home", 8.0, 6.5, _high_voltage),
    ("farm", 912.0, 900.0, _overload),
    ("farm", 3.0, 2.8, _overload),
    ("flat", 7.0, 4.5, _noise),
    ("flat", 13.0, 12.8, _interruptions),
    ("workshop", 11.0, 10.6, _unplug),
)


def build(folder: Path, keep: Collection[str], *, is_dense: bool = False) -> None:
    """Fill `folder` with blocks for a Prometheus: `keep` names the metrics that somebody asks for.

    Args:
        folder: to be made.
        keep: names of samples; the others would only take time.
        is_dense: hear every frame of the last day, instead of one every `FRAME_STEP` s. Takes minutes.
    """
    folder.mkdir(parents=True)
    samples, data = folder / "samples.txt", folder / "data"
    for file in _samples(samples, keep, is_dense=is_dense):
        _promtool("openmetrics", BLOCK_OPTION, str(file), str(data))
        file.unlink()
    for coarse, full in write_stages(folder):
        with server(folder) as prometheus:
            for rules, start, end in ((coarse, START, FULL_STEP), (full, FULL_STEP, END)):
                span = (f"--start={start}", f"--end={end}", f"--url=http://127.0.0.1:{prometheus.port}")
                _promtool("rules", BLOCK_OPTION, *span, f"--output-dir={data}", str(rules))


def build_aside(folder: Path, keep: Collection[str]) -> None:
    """Do it in a process of its own, which nobody measures: coverage would double the time."""
    env = without_coverage() | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, "-m", "helpers.history", str(folder), *sorted(keep)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def server(folder: Path) -> Prometheus:
    """Start a Prometheus over the blocks in `folder`; it scrapes nothing."""
    return Prometheus(
        folder,
        [],
        flags=(f"--query.lookback-delta={LOOK_BACK}", "--storage.tsdb.retention.time=10y"),
    )


def _samples(path: Path, keep: Collection[str], *, is_dense: bool) -> Iterator[Path]:
    """Give one file after the other, each within one block."""
    step = model._MINUTE
    model._MINUTE = 30 * step  # the site behind a meter in steps of half an hour, while hours go by
    try:
        lines = {home.name: Line(home, number) for number, home in enumerate(HOMES) if home.since == START}
        recorder, now = Recorder(keep), START
        collector = MeterCollector(lambda: [line.meter.snapshot for line in lines.values()], lambda: now)
        for now in range(START, FULL_STEP, COARSE_STEP):
            _let_happen(lines, now)
            for line in lines.values():
                if line.shows_one_period:
                    line.hear(now - STEP)
                line.hear(now)
            recorder.scrape(collector, now, leave_out=_TOO_FAST)
            if now // BLOCK != (now + COARSE_STEP) // BLOCK:
                recorder.write(path)
                yield path
    finally:
        model._MINUTE = step
    recorder.write(path)
    yield path
    lines |= {home.name: Line(home, number) for number, home in enumerate(HOMES) if home.name not in lines}
    for now in range(FULL_STEP, END + 1, STEP):
        _let_happen(lines, now)
        if is_dense or now % FRAME_STEP == 0:
            for line in lines.values():
                line.hear(now, is_dense=is_dense)
        recorder.scrape(collector, now)
    recorder.write(path)
    yield path


def _let_happen(lines: Mapping[str, Line], now: int) -> None:
    for name, begin, end, happen in _EVENTS:
        for hours, is_on in ((begin, True), (end, False)):
            if now == END - round(hours * HOUR):
                happen(lines[name], is_on=is_on)


def _promtool(*arguments: str) -> None:
    kind, *rest = arguments
    command = ["promtool", "tsdb", "create-blocks-from", kind, *rest]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # promtool says what went wrong with a rule, and ends with status 0.
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    assert "rule failed" not in done.stdout + done.stderr, done.stdout + done.stderr


if __name__ == "__main__":
    build(Path(sys.argv[1]), sys.argv[2:])
