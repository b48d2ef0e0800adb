"""docs/reliability.md: each test that it names exists, each defect that it counts is there, tables can be renewed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from benchmarks.corruption import write_into
from helpers.guides import HAS_DOCS, WITHOUT_DOCS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "reliability.md"
NAMED = re.compile(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`")
ROWS = re.compile(r"^\| ([\d, ]*) ?\| .+ \| .+ \| .+ \|$", re.MULTILINE)
DEFECTS = 25

pytestmark = pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_exists() -> None:
    named = set(NAMED.findall(DOCUMENT.read_text(encoding="utf-8")))
    assert len(named) > 80
    missing = {(file, test) for file, test in named if test not in functions_of(ROOT / "tests" / file)}
    assert set() == missing


def test_every_fault_names_its_test_and_every_defect_has_a_row() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    faults = text[text.index("## Faults") :]
    rows = [row for row in faults.splitlines() if row.startswith("| ") and not row.startswith(("| # ", "| ---"))]
    assert [] == [row for row in rows if not NAMED.search(row)]
    numbers = {int(number) for row in ROWS.findall(faults) for number in row.replace(" ", "").split(",") if number}
    assert set(range(1, DEFECTS + 1)) == numbers


def test_the_tables_of_a_run_take_the_place_of_those_of_the_one_before(tmp_path: Path) -> None:
    copy = tmp_path / "reliability.md"
    copy.write_text(DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    write_into(copy, "the first run")
    once = copy.read_text(encoding="utf-8")
    write_into(copy, "the second run")
    assert once.replace("the first run", "the second run") == copy.read_text(encoding="utf-8")
    assert "## Faults" in once
    with pytest.raises(ValueError, match="no <!-- corruption: begin -->"):
        write_into(Path(__file__), "anything")
