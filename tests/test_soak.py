"""The soak in small: `python -m benchmarks.soak` lets 20 meters live through a day of faults; here 4 and an hour."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import soak
from benchmarks.soak import METERS, Outcome, Sample
from tic_exporter.meter import Meter
from tic_exporter.simulator import KINDS
from tic_exporter.tic.framing import Framer

ROOT = Path(__file__).parent.parent


def test_four_meters_live_through_an_hour_of_faults_without_losing_a_frame_a_descriptor_or_memory() -> None:
    words = [sys.executable, "-m", "benchmarks.soak", "--hours=1", "--meters=4", "--seed=3"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    for event in ("cable pulled", "noise", "EOT", "overload", "tariff changed"):
        assert f"{event} " in done.stdout


def test_the_meters_are_of_all_families_and_some_of_each_way_are_among_the_first() -> None:
    assert len(METERS) == 20
    assert {"direct", "tcp", "pty"} == {wire for _, wire in METERS[:4]}
    left_out = KINDS.keys() - {kind for kind, _ in METERS}
    assert {"linky-standard-pilot", "ice-4q-1.01"} == left_out  # others of their families are there


def test_a_soak_can_fail_a_lost_frame_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    feed, frames = Framer.feed, 0

    def forgetful(framer: Framer, data: bytes) -> list[object]:
        nonlocal frames
        found = feed(framer, data)
        frames += len(found)
        return [] if found and frames % 500 == 0 else list(found)

    monkeypatch.setattr(Framer, "feed", forgetful)
    outcome = soak.run(0.3, 4)

    assert any("undamaged frames lost" in miss for miss in outcome.misses())


def test_a_soak_can_fail_a_leak_and_a_meter_that_is_not_read_are_named() -> None:
    samples = [Sample(hour, (100 << 20) + (hour << 20), 30 + hour) for hour in range(1, 4)]
    outcome = Outcome(3.0, [], samples, unwell=["a"], fallen=["b fell"])

    assert [
        "memory moved by 2048 KiB after the warm-up",
        "descriptors: [31, 32, 33]",
        "b fell",
        "a is not read well in the end",
    ] == list(outcome.misses())


def test_a_register_that_falls_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Meter.feed

    def falling(meter: Meter, *data: object) -> object:
        frames = feed(meter, *data)  # type: ignore[arg-type]
        snapshot = meter.snapshot
        if snapshot.counts.get(("frames", ""), 0) > 400:
            readings = {key: value - 1e6 for key, value in snapshot.readings.items()}
            meter.snapshot = snapshot._replace(readings=readings)
        return frames

    monkeypatch.setattr(Meter, "feed", falling)
    assert any("fell at" in name for name in soak.run(0.4, 4).fallen)
