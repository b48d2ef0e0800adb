"""The rule files as data, and the metric names that an expression reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from tic_exporter import catalogue

ROOT = Path(__file__).parent.parent.parent
ALERTS = ROOT / "alerts" / "tic_alerts.yml"
RECORDING = ROOT / "alerts" / "tic_recording.yml"
EXAMPLES = ROOT / "alerts" / "examples.yml"
TESTS = ROOT / "alerts" / "tests"
RUNBOOKS = ROOT / "docs" / "runbooks"
ALERTS_PAGE = ROOT / "docs" / "alerts.md"

NIGHT = "hour() >= 1 < 4"
"""What tells the recording rules that it is night, wherever a test must not hang on the hour at which it runs."""

CATALOGUE = {
    metric.name: metric
    for metric in chain(
        catalogue.EXPORTER_METRICS,
        catalogue.LINK_METRICS,
        catalogue.LINK_TOTALS.values(),
        catalogue.READING_METRICS.values(),
    )
}
# Labels that Prometheus gives, and those that the exporter gives all metrics of a meter.
COMMON_LABELS = {"job", "instance", "meter", "meter_id"}

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)?\s*\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_CLAUSE = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_RANGE = re.compile(r"\[[^\]]*\]|\boffset\s+-?\w+")
_NAME = re.compile(r"(?<![\w.])[a-zA-Z_:][\w:]*(?!\w*\s*\()")
_WORDS = {"and", "or", "unless", "bool", "group_left", "group_right", "by", "without"}


@dataclass(frozen=True)
class Rule:
    """One rule. `alert` is empty for a recording rule, `record` for an alert."""

    group: str
    alert: str
    record: str
    expr: str
    wait: str
    keep: str
    labels: dict[str, str]
    annotations: dict[str, str]


def load(path: Path) -> Any:  # noqa: ANN401 - YAML is what it is
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules(path: Path) -> list[Rule]:
    return [
        Rule(
            group=group["name"],
            alert=rule.get("alert", ""),
            record=rule.get("record", ""),
            expr=rule["expr"],
            wait=rule.get("for", ""),
            keep=rule.get("keep_firing_for", ""),
            labels=rule.get("labels", {}),
            annotations=rule.get("annotations", {}),
        )
        for group in load(path)["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[Rule]:
    return [rule for rule in rules(ALERTS) if rule.alert]


def recorded() -> set[str]:
    return {rule.record for path in (ALERTS, RECORDING, EXAMPLES) for rule in rules(path) if rule.record}


def metric_names(expr: str) -> set[str]:
    """List the metrics that an expression reads."""
    code = re.sub(r"#.*", "", expr)
    code = _CLAUSE.sub(" ", code)
    code = re.sub(r"\{[^}]*\}", " ", code)
    code = _RANGE.sub(" ", _STRING.sub(" ", code))
    return {name for name in _NAME.findall(code) if name not in _WORDS}


def selectors(expr: str) -> list[tuple[str, str, str, str]]:
    """List the matchers of an expression: metric, label, operator, value."""
    return [
        (selector[1] or "", *matcher)
        for selector in _SELECTOR.finditer(re.sub(r"#.*", "", expr))
        for matcher in _MATCHER.findall(selector[2])
    ]


def alerts_table() -> str:
    """Write the table of docs/alerts.md: labels of an alert in italics."""
    lines = ["| alert | severity | what | for | stays |", "|---|---|---|---|---|"]
    for rule in alerts():
        what = re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"*\1*", rule.annotations["summary"])
        name = f"[{rule.alert}](runbooks/{rule.alert}.md)"
        lines.append(f"| {name} | {rule.labels['severity']} | {what} | {rule.wait} | {rule.keep} |")
    return "\n".join(lines)
