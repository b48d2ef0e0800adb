"""What docs/protocol.md and the READMEs say of registers and of kinds of frames is what the recordings show."""

from __future__ import annotations

import re

import pytest

from helpers.guides import DOCS, HAS_DOCS, ROOT, WITHOUT_DOCS, rows

CAPTURES = ROOT / "tests" / "captures"

pytestmark = pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)


def peculiar() -> dict[str, str]:
    """The last column of the table, by family."""
    table = rows(DOCS / "protocol.md", "Families")
    return {family: cells[2] for cells in table for family in re.findall(r"`([\w-]+)`", cells[0])}


def periods(name: str, metric: str) -> int:
    """How many tariff periods one recording, of a frame or two, has told."""
    text = (CAPTURES / f"{name}.prom").read_text(encoding="utf-8")
    return len(set(re.findall(rf'^{metric}\{{.*tariff_period="(\w+)"', text, re.MULTILINE)))


def test_only_a_pme_pmi_shows_nothing_but_the_period_in_force_and_an_ice_where_it_injects() -> None:
    drawn, fed_in = "tic_active_energy_import_joules_total", "tic_active_energy_export_joules_total"
    shown = {name: periods(name, drawn) for name in ("ice-2q/base", "ice-4q/producer", "pme-pmi/consumer")}

    assert {"ice-2q/base": 5, "ice-4q/producer": 5, "pme-pmi/consumer": 1} == shown
    assert 1 == periods("ice-4q/producer", fed_in)
    assert {"pme-pmi"} == {
        family for family, said in peculiar().items() if re.match("registers of the period in force", said)
    }
    assert "injection of an ICE-4Q: that of the period in force" in peculiar()["ice-4q"]
    for name, word in (("README.md", "A PME-PMI or an ICE"), ("README.fr.md", "Un PME-PMI ou un ICE")):
        assert word not in (ROOT / name).read_text(encoding="utf-8")


def test_a_saphir_has_as_many_kinds_of_frames_as_the_page_says() -> None:
    kinds = {
        kind
        for path in (CAPTURES / "saphir").glob("*.tic")
        for kind in re.findall(rb"LG_TRM.(TRM_\w+)", bytes(byte & 0x7F for byte in path.read_bytes()))
    }

    assert {b"TRM_COURTE", b"TRM_LONGUE"} == kinds
    assert "two kinds of frames" in peculiar()["saphir"]
