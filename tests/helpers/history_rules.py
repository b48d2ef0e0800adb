"""The recording rules in the order in which promtool can fill them in for the past."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from helpers.rules import ALERTS, RECORDING, load, metric_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COARSE_INTERVAL = "2h"
# With a sample every two hours, a rate needs four to have two of them.
_SHORT_WINDOW = re.compile(r"\[(?:5|10|15|30)m\]")


def write_stages(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Give two rule files for each stage: for samples two hours apart, and as they are.

    promtool asks a Prometheus, which does not know what promtool is about to write: rules that read others come a
    stage later. For the coarse months windows and intervals are longer; nothing else is changed.
    """
    groups = [group for path in (ALERTS, RECORDING) for group in load(path)["groups"]]
    reads = {rule["record"]: metric_names(rule["expr"]) for group in groups for rule in _records(group)}
    done: set[str] = set()
    while len(done) < len(reads):
        stage = {name for name in reads if name not in done and not reads[name] & reads.keys() - done}
        assert stage, "rules that read each other"
        chosen = [
            {**group, "rules": rules}
            for group in groups
            if (rules := [rule for rule in _records(group) if rule["record"] in stage])
        ]
        number = len(done)
        yield (
            _write(folder / f"coarse-{number}.yml", [_coarse(group) for group in chosen]),
            _write(folder / f"full-{number}.yml", chosen),
        )
        done |= stage


def _records(group: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for rule in group["rules"] if "record" in rule]


def _coarse(group: dict[str, Any]) -> dict[str, Any]:
    rules = [{**rule, "expr": _SHORT_WINDOW.sub("[4h]", rule["expr"])} for rule in group["rules"]]
    return {**group, "interval": COARSE_INTERVAL, "rules": rules}


def _write(path: Path, groups: list[dict[str, Any]]) -> Path:
    path.write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    return path
