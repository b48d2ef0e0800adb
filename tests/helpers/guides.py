"""The project's own documents: what they tell people to type, to write into files, and to follow."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
HAS_DOCS = (DOCS / "first-meter.md").exists()
WITHOUT_DOCS = "the tests run from a copy without the project's documents"


def guides() -> list[Path]:
    return sorted(DOCS.glob("*.md"))


def blocks(guide: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def block_with(guide: Path, language: str, text: str) -> str:
    """The one block that holds `text`."""
    (found,) = [block for block in blocks(guide, language) if text in block]
    return found


PROGRAMS = (
    "cd|curl|docker|dpkg-buildpackage|htpasswd|journalctl|kubectl|make|pip|promtool|python3|sudo|systemctl|tic-exporter"
)


def commands(guide: Path) -> list[str]:
    """What `sh` blocks and indented ones say, a command a line: continued lines joined, comments taken off."""
    indented = re.findall(rf"^    ((?:{PROGRAMS}) .*\n)", guide.read_text(encoding="utf-8"), re.MULTILINE)
    lines = "".join([*blocks(guide, "sh"), *indented]).replace("\\\n", " ").splitlines()
    said = [re.split(r"(?:^|\s+)#\s", line)[0].strip() for line in lines]
    return [re.sub(r"\s+", " ", line) for line in said if line]


def rows(guide: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    section = guide.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
