"""docs/architecture.md and the pictures are what the code is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tic_exporter
from helpers.guides import DOCS, HAS_DOCS, ROOT, WITHOUT_DOCS, rows
from tic_exporter.detect import DWELL, REARM_AFTER, SPEEDS
from tic_exporter.meter import LINK_STATES
from tic_exporter.tic.framing import LONGEST_FRAME, Cut

GUIDE = DOCS / "architecture.md"
PACKAGE = Path(tic_exporter.__file__).parent
PICTURES = ("framing.svg", "link-state.svg", "rooms.svg")

pytestmark = pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_pictures_are_drawn_from_the_code_as_it_is(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "diagrams.py"), str(tmp_path)], check=True, timeout=60)

    assert sorted(PICTURES) == sorted(path.name for path in tmp_path.iterdir())
    for name in PICTURES:
        drawn, committed = (folder / name for folder in (tmp_path, DOCS / "images"))
        assert drawn.read_text() == committed.read_text(), f"{name} is stale: run make docs"


def test_the_pictures_show_every_state_and_every_end_of_a_frame() -> None:
    framing, link = ((DOCS / "images" / name).read_text() for name in PICTURES[:2])

    assert [] == [cut for cut in Cut if f"frame {cut.value}" not in framing]
    assert [] == [state for state in LINK_STATES if f">{state}</text>" not in link]


def test_every_module_has_a_row_and_every_row_a_module() -> None:
    said = {name for row in rows(GUIDE, "Rooms") for name in quoted(row[0])}
    parts = {
        path.name + ("/" if path.is_dir() else "")
        for path in PACKAGE.iterdir()
        if (path / "__init__.py").exists() or (path.suffix == ".py" and not path.name.startswith("__"))
    }

    assert parts == {name for name in said if "/" not in name.rstrip("/")}
    assert [] == [name for name in said if not (PACKAGE / name).exists()]


def test_the_files_to_change_exist() -> None:
    tables = rows(GUIDE, "Where to add")
    named = [name for row in tables for name in quoted(row[1]) + quoted(row[2]) if "/" in name]

    assert len(tables) < len(named)
    assert [] == [name for name in named if not (ROOT / name).exists() and not (PACKAGE.parent / name).exists()]


def test_the_numbers_of_the_protocol_page_are_those_of_the_code() -> None:
    text = " ".join((DOCS / "protocol.md").read_text(encoding="utf-8").split())

    assert f"tries {', '.join(map(str, SPEEDS[:-1]))} and {SPEEDS[-1]} in turn, {DWELL:g} seconds each" in text
    assert f"after {REARM_AFTER:g} seconds without a right one" in text
    assert f"given up after {LONGEST_FRAME} bytes" in text
