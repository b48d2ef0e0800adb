"""Streams of the families of which no recording is public, made once by the simulator, and the exposition of each.

The stream is not made again by a test: the simulator may change, what a stream says may not. UPDATE_GOLDEN=1 writes the
missing streams and all expositions; a new exposition is to be read line by line before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers import promtool_check_metrics
from tic_exporter.cli import main

FOLDER = Path(__file__).parent / "captures"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))

# name: what made the stream
STREAMS = {
    "cje/base": ["cje"],
    "ice-2q/base": ["ice-2q"],
    "ice-2q/version-2.4": ["ice-2q-2.4"],
    "ice-2q/split": ["ice-2q-split"],
    "ice-4q/producer": ["ice-4q"],
    "linky/standard-pilot": ["linky-standard-pilot"],
    "linky/standard-tempo": ["linky-standard", "--contract=TEMPO", "--event=color_tomorrow=red"],
    "pme-pmi/palier-2010": ["pme-pmi-2010"],
    "saphir/historic": ["saphir-historic"],
    "saphir/standard": ["saphir-standard"],
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_simulated_stream_has_the_exposition_that_was_reviewed(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, golden = FOLDER / f"{name}.tic", FOLDER / f"{name}.prom"
    if UPDATE and not stream.exists():
        stream.parent.mkdir(parents=True, exist_ok=True)
        main(["simulate", *STREAMS[name], "--file", str(stream), "--frames=6", "--start=2026-01-15T18:00:00"])
        capsys.readouterr()
    monkeypatch.chdir(stream.parent)

    assert 0 == main(["decode", "--format=prometheus", stream.name])
    output = capsys.readouterr()
    assert "6 valid frames\n" == output.err
    if UPDATE:
        golden.write_text(output.out, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == output.out
    assert [] == promtool_check_metrics(output.out)
