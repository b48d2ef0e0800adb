"""What the documents count is as many as there are."""

from __future__ import annotations

import re

import pytest

from helpers.guides import HAS_DOCS, ROOT, WITHOUT_DOCS, guides
from helpers.rules import ALERTS, RECORDING, alerts, rules

COUNTED = {
    r"(\d+) alert(?:e?s)\b": len(alerts()),
    r"(\d+) (?:thresholds|seuils)\b": sum(rule.record.endswith(":threshold") for rule in rules(ALERTS)),
    r"(\d+) (?:recording rules|règles d'enregistrement)": len(rules(RECORDING)),
}
DOCUMENTS = [ROOT / "README.md", ROOT / "README.fr.md", ROOT / "CHANGELOG.md", *guides()]

pytestmark = pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)


@pytest.mark.parametrize("counted", COUNTED)
def test_numbers_are_right_wherever_they_are_said(counted: str) -> None:
    said = {
        (document.name, int(number))
        for document in DOCUMENTS
        for number in re.findall(counted, document.read_text(encoding="utf-8"))
    }

    assert said
    assert [] == [(name, number) for name, number in sorted(said) if number != COUNTED[counted]]
