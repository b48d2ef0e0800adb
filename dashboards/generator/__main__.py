"""Writes the dashboards beside this package; with `--check`, says which are stale and ends with status 1."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from .fleet import fleet
from .line_quality import line_quality
from .meter import meter
from .overview import overview
from .panels import Say

FOLDER = Path(__file__).parent.parent
LANGUAGES: dict[str, Say] = {"": lambda english, _french: english, ".fr": lambda _english, french: french}


def dashboards() -> Iterator[tuple[Path, str]]:
    """Give every file with its text."""
    for name, build in (
        ("overview", overview), ("meter", meter), ("line-quality", line_quality), ("fleet", fleet),
    ):  # fmt: skip
        for suffix, say in LANGUAGES.items():
            board, annotations = build(say)
            content = json.loads(JSONEncoder().encode(board.build()))
            content["annotations"] = {"list": annotations}
            content["schemaVersion"] = 41  # of Grafana 11.6; the SDK leaves it out, and Grafana would migrate from 0
            _number(content)
            text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
            yield FOLDER / f"tic-{name}{suffix}.json", text + "\n"


def _number(content: dict[str, Any]) -> None:
    """Give every panel an id: Grafana would, but not the same each time."""
    panels = content["panels"]
    flat = [nested for panel in panels for nested in (panel, *panel.get("panels", ()))]
    for number, panel in enumerate(flat, 1):
        panel["id"] = number


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dashboards.generator", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    stale = []
    is_check = parser.parse_args().check
    for path, text in dashboards():
        if is_check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(path.name)
        elif not is_check:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.exit(f'{", ".join(stale)}: stale; run "make dashboards" and commit')


if __name__ == "__main__":
    main()
