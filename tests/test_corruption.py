"""The claim of the project in small: damage may only remove readings, never alter one.

`python -m benchmarks.corruption` measures it on a million frames of every kind. Here a few kinds go through every model
with a fixed seed; what other programs do must fail the same comparison, or the comparison would prove nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks import corruption
from benchmarks.corruption_report import explain, misses
from benchmarks.corruption_report import report as make_report
from benchmarks.damage_models import MILD, MODELS
from benchmarks.streams import simulated
from benchmarks.tallies import Result

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("cbemm-icc", "cbetm", "linky-standard", "pme-pmi", "cje", "saphir-standard")
FRAMES_PER_STREAM = 150


@pytest.fixture(scope="module")
def result() -> Result:
    sources = simulated(KINDS)
    number = len(sources) * len(MODELS) * 2 * FRAMES_PER_STREAM
    return corruption.run(corruption.plan(sources, tuple(MODELS), seed=7, frames=number), processes=1)


def wrong_samples(result: Result, what: str) -> list[str]:
    """What was published wrongly by the exporter, with parity checked or not, as a reader of a failure wants it."""
    chosen = [example for example in result.examples if example.what == what and example.column != "checksum"]
    return explain(chosen, 20).split("\n\n") if chosen else []


def test_every_model_of_damage_was_played_and_an_undamaged_line_loses_and_alters_nothing(result: Result) -> None:
    assert {(model, parity) for model in MODELS for parity in ("even", "7 bits")} == set(result.rows)
    clean = result.rows["clean", "even"]
    assert (clean.sent, 0) == (clean.undamaged, clean.columns["all"].wrong)
    assert 1.0 == clean.columns["all"].frame_yield


def test_no_damaged_id_is_ever_published(result: Result) -> None:
    assert [] == wrong_samples(result, "id")


def test_no_register_is_ever_wrong(result: Result) -> None:
    assert [] == wrong_samples(result, "register")


def test_with_parity_no_reading_is_wrong_up_to_a_thousandth_of_bad_bits(result: Result) -> None:
    wrong = {model: result.rows[model, "even"].columns["all"].wrong for model in MILD}

    assert dict.fromkeys(MILD, 0) == wrong, "\n\n".join(wrong_samples(result, "reading"))


def test_more_than_99_of_100_undamaged_frames_are_published(result: Result) -> None:
    assert [] == [miss for miss in misses(result) if miss.target.startswith("yield")]


def test_the_comparison_can_fail_a_reader_that_trusts_the_checksum_is_wrong_in_every_way(result: Result) -> None:
    trusting = {name: sum(getattr(row.columns["checksum"], name) for row in result.rows.values()) for name in NUMBERS}

    assert all(number > 20 for number in trusting.values()), trusting
    assert 0 < result.rows["bits-1e-3", "even"].columns["checksum"].wrong


NUMBERS = ("wrong", "registers", "ids")


def test_the_report_shows_three_readers_side_by_side_and_every_target(result: Result) -> None:
    report = make_report(result)

    assert f"{result.sent:,} frames" in report
    assert all(f"| {model} | even |" in report for model in MODELS)
    assert ("All targets are met." in report) != ("Missed: " in report)


def test_a_run_is_the_same_again_and_its_status_tells_a_missed_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers.json"
    words = ["--frames=600", "--kinds", "cbemm", "--models", "clean", "swapped", "--processes=1", f"--json={file}"]
    outputs = []
    for _ in range(2):
        status = corruption.main(words)
        outputs.append((status, capsys.readouterr().out, file.read_text(encoding="utf-8")))

    assert outputs[0] == outputs[1]
    assert (0, 600, []) == (outputs[0][0], *(json.loads(outputs[0][2])[name] for name in ("frames", "missed")))
