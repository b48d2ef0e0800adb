"""Streams of reference frames, and the whole exposition of each, kept side by side in tests/captures.

UPDATE_GOLDEN=1 writes both; a new exposition is to be read line by line before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers import promtool_check_metrics
from helpers.frames import (
    PMEPMI,
    SINGLE_PHASE_HC,
    SINGLE_PHASE_TEMPO,
    SINGLE_PHASE_WITHOUT_POWER,
    STANDARD_CONSUMER,
    STANDARD_PRODUCER,
    THREE_PHASE_EJP,
    Groups,
    group,
    inserted,
    replaced,
    wire,
    without,
)
from tic_exporter.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).parent / "captures"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))

LINKY_BASE = inserted(
    without(
        replaced(SINGLE_PHASE_HC, "ADCO 041961123456", "OPTARIF BASE", "HCHC 024243439", "PTEC TH.."), "HCHC", "HCHP"
    ),
    "PTEC",
    "BASE 046275644",
)
LINKY_THREE_PHASE = inserted(
    without(
        replaced(
            THREE_PHASE_EJP,
            "ADCO 041976123456",
            "OPTARIF BASE",
            "PTEC TH..",
            "IMAX1 060",
            "IMAX2 060",
            "IMAX3 060",
            "PPOT 04",
        ),
        "EJPHN",
        "EJPHPM",
    ),
    "PTEC",
    "BASE 003333333",
)
OVERLOADED_PHASE = tuple(
    group(text) for text in ("ADIR2 036", "ADCO 000123456789", "IINST1 010", "IINST2 036", "IINST3 008")
)
EJP_PEAK = inserted(replaced(THREE_PHASE_EJP, "PTEC PM.."), "PTEC", "PEJP 30")
CONCENTRATOR = tuple(
    group(text)
    for text in (
        "ADCO 021253123456",
        "OPTARIF HC..",
        "HCHC 12345678",
        "HCHP 23456789",
        "GAZ 0123456",
        "AUTRE 0000789",
        "PTEC HP..",
        "MOTDETAT 000000",
    )
)
PMEPMI_PRODUCER = inserted(
    inserted(
        inserted(
            inserted(
                replaced(
                    PMEPMI,
                    "MESURES1 HTA 5     ",
                    "PTCOUR1 HPH",
                    "CONFIG PROD",
                    "PS 250kW",
                    "PMAX_s 312kW",
                    "MESURES2 HTA 5     ",
                    "PTCOUR2 HP ",
                ),
                "PTCOUR1",
                "EA_i 12Wh",
                "ER+_i 3varh",
                "ER-_i 4varh",
                "EAPP_i 13VAh",
            ),
            "DATEPA2",
            "PA1_i 2kW",
        ),
        "DebP-1",
        "EAP_i 50kWh",
        "ER+P_i 6kvarh",
        "ER-P_i 7kvarh",
    ),
    "PA1MN",
    "PREAVIS DEP ",
)

STREAMS: dict[str, tuple[Groups, ...]] = {
    "cbemm/tempo": (SINGLE_PHASE_WITHOUT_POWER,) * 3,
    "cbemm-icc/hc": (SINGLE_PHASE_HC,) * 3,
    "cbemm-icc/tempo": (SINGLE_PHASE_TEMPO,) * 3,
    "cbetm/ejp": (THREE_PHASE_EJP,) * 3,
    "cbetm/ejp-peak": (EJP_PEAK,) * 3,
    "cbetm/overload": (THREE_PHASE_EJP, THREE_PHASE_EJP, THREE_PHASE_EJP, OVERLOADED_PHASE, OVERLOADED_PHASE),
    "concentrator/hc": (CONCENTRATOR,) * 3,
    "linky/historic-base": (LINKY_BASE,) * 3,
    "linky/historic-three-phase": (LINKY_THREE_PHASE,) * 3,
    "linky/standard-consumer": (STANDARD_CONSUMER,) * 3,
    "linky/standard-producer": (STANDARD_PRODUCER,) * 3,
    "pme-pmi/consumer": (PMEPMI,) * 3,
    "pme-pmi/producer": (PMEPMI_PRODUCER,) * 3,
}


def exposition(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What the command prints; the port in it is the name alone."""
    monkeypatch.chdir(FOLDER / Path(name).parent)
    status = main(["decode", "--format=prometheus", f"{Path(name).name}.tic"])
    output = capsys.readouterr()
    assert (0, f"{len(STREAMS[name])} valid frames\n") == (status, output.err)
    return output.out


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_has_the_exposition_that_was_reviewed(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, golden = FOLDER / f"{name}.tic", FOLDER / f"{name}.prom"
    if UPDATE:
        stream.parent.mkdir(parents=True, exist_ok=True)
        stream.write_bytes(wire(*STREAMS[name]))
    assert wire(*STREAMS[name]) == stream.read_bytes()
    printed = exposition(name, capsys, monkeypatch)
    if UPDATE:
        golden.write_text(printed, encoding="utf-8")

    assert golden.read_text(encoding="utf-8") == printed
    assert [] == promtool_check_metrics(printed)


def test_every_file_in_the_folder_belongs_to_a_pair() -> None:
    def names(files: Iterable[Path]) -> set[str]:
        return {str(file.relative_to(FOLDER).with_suffix("")) for file in files}

    assert set(STREAMS) <= names(FOLDER.glob("*/*.tic"))
    assert names(FOLDER.glob("*/*.tic")) == names(FOLDER.glob("*/*.prom"))
