"""README.fr.md says what README.md says: same sections, commands, tables, links, pictures and names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from helpers.guides import HAS_DOCS, ROOT, WITHOUT_DOCS

if TYPE_CHECKING:
    from collections.abc import Callable

ENGLISH, FRENCH = ROOT / "README.md", ROOT / "README.fr.md"

pytestmark = pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)


def sections(text: str) -> list[str]:
    return re.split(r"^#+ .*$", without_code(text), flags=re.MULTILINE)


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "```", text, flags=re.MULTILINE | re.DOTALL)


def code(text: str) -> list[str]:
    """What is typed or written into files; comments are in the reader's language."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [language + "\n" + re.sub(r"(^|\s+)# .*$", "", block, flags=re.MULTILINE) for language, block in blocks]


def headings(text: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", without_code(text), re.MULTILINE)]


def links(text: str) -> list[list[str]]:
    """By section, in any order: a sentence may turn round; the switch of languages is not one of them."""
    found = [re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", section) for section in sections(text)]
    return [sorted(mark + target for mark, target in some if not target.startswith("README")) for some in found]


def tables(text: str) -> list[list[int]]:
    """How many cells each row has, by section."""
    return [[line.count("|") for line in section.splitlines() if line.startswith("|")] for section in sections(text)]


def names(text: str) -> list[list[str]]:
    """What is quoted as code, by section: metrics, states, options, labels."""
    found = [re.findall(r"`([^`\n]+)`", section) for section in sections(text)]
    return [sorted(name.replace("hôte", "host") for name in some) for some in found]


def numbers(text: str) -> list[list[str]]:
    """Figures in the prose, by section."""
    prose = [re.sub(r"`[^`\n]+`|\]\([^)]*\)|https?://\S+", "", section) for section in sections(text)]
    return [sorted(re.findall(r"\d+(?:[.,]\d+)?", section)) for section in prose]


@pytest.mark.parametrize("of", [headings, code, links, tables, names, numbers])
def test_both_languages_have_the_same(of: Callable[[str], list[object]]) -> None:
    english, french = (of(readme.read_text(encoding="utf-8")) for readme in (ENGLISH, FRENCH))

    assert len(english) == len(french)
    for number, (said, dit) in enumerate(zip(english, french, strict=True)):
        assert said == dit, f"{of.__name__}, number {number}"


def test_each_leads_to_the_other_from_its_first_lines() -> None:
    heads = [readme.read_text(encoding="utf-8").splitlines()[:3] for readme in (ENGLISH, FRENCH)]

    assert [True, True] == ["(README.fr.md)" in heads[0][2], "(README.md)" in heads[1][2]]


def test_the_french_readme_is_typeset_as_french_is() -> None:
    prose = re.sub(
        r"`[^`\n]*`|https?://\S+|^\|[-|]+$", "", without_code(FRENCH.read_text(encoding="utf-8")), flags=re.MULTILINE
    )

    assert [] == re.findall(r"\w[:;?!](?:\s|$)", prose)
