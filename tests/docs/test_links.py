"""Every link and picture in the project's documents leads somewhere, and every guide is in the index."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from helpers.guides import DOCS, HAS_DOCS, ROOT, WITHOUT_DOCS, guides

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)


def documents() -> list[Path]:
    return sorted(chain(ROOT.glob("*.md"), *(ROOT.glob(f"{folder}/**/*.md") for folder in ("docs", "examples"))))


def prose(document: Path) -> str:
    """Without what stands in code blocks and quotes of code."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "`code`", text)


def targets(document: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(document))


def anchors(document: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(
        r"^#+ (.*)$",
        re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL),
        re.MULTILINE,
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_dead(document: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = document.parent / path if path else document
    return not file.exists() or bool(anchor and file.suffix == ".md" and anchor not in anchors(file))


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    inside = [target for target in targets(document) if "://" not in target and not target.startswith("mailto:")]

    assert [] == [target for target in inside if is_dead(document, target)]


def test_every_guide_is_in_the_index() -> None:
    index = targets(DOCS / "README.md")

    assert [] == [guide.name for guide in guides() if guide.name not in index and guide.name != "README.md"]
    assert len(index) == len(set(index))


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading, and more\n[x](gone.md) [y](#a-heading-and-more) [z](#gone) ![p](gone.png)\n")

    assert ["gone.md", "#gone", "gone.png"] == [target for target in targets(page) if is_dead(page, target)]
