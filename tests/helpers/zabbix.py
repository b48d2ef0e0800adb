"""What a Zabbix template makes of an exposition: Zabbix 6.0's Prometheus preprocessing and discovery, in Python.

After the manual ("Prometheus checks", "Low-level discovery macros") and zbxprometheus.c. `make test-zabbix` holds this
against the real server: what it expects here is what Zabbix finds there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TEMPLATE = Path(__file__).parent.parent.parent / "examples" / "zabbix" / "tic_exporter.yaml"

_LABEL = r'\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\[\\n"])*)"\s*'
_LABELS = rf"\{{((?:{_LABEL}(?:,|(?=\}})))*)\}}"
_NUMBER = r"[+-]?(?:inf|nan|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)"
# pattern = [metric] ["{" conditions "}"] ["==" number]      (zbxprometheus.c, prometheus_filter_init)
_PATTERN = re.compile(rf"\s*([a-zA-Z_:][\w:]*)?\s*(?:{_LABELS})?\s*(?:==\s*({_NUMBER}))?\s*", re.IGNORECASE)
_ROW = re.compile(rf"([a-zA-Z_:][\w:]*)\s*(?:{_LABELS})?\s+({_NUMBER})(?:\s.*)?", re.IGNORECASE)
_EPSILON = 1e-6
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}
_MACRO = re.compile(r"\{#[A-Z0-9_.]+\}")


class PatternError(ValueError):
    """Zabbix would refuse the pattern, or find no value for the item."""


class Row(NamedTuple):
    """One line of an exposition: the value stays text, as in Zabbix."""

    name: str
    value: str
    labels: dict[str, str]


@dataclass(frozen=True)
class Condition:
    label: str
    operator: str
    text: str

    def holds(self, value: str) -> bool:
        """Regular expressions are searched, not anchored: unlike in Prometheus."""
        if self.operator in {"=", "!="}:
            return (value == self.text) == (self.operator == "=")
        return (re.search(self.text, value) is not None) == (self.operator == "=~")


def _conditions(text: str | None) -> list[Condition]:
    return [
        Condition(label, operator, re.sub(r"\\(.)", lambda escape: _ESCAPED[escape[1]], value))
        for label, operator, value in re.findall(_LABEL, text or "")
    ]


def rows_of(exposition: str) -> list[Row]:
    """Read an exposition; a line that Zabbix cannot read would cost all items their value: PatternError."""
    rows = []
    for line in exposition.splitlines():
        if line.strip() and not line.startswith("#"):
            if (match := _ROW.fullmatch(line)) is None:
                raise PatternError(line)
            rows.append(Row(match[1], match[6], {each.label: each.text for each in _conditions(match[2])}))
    return rows


def select(pattern: str, rows: Sequence[Row]) -> list[Row]:
    """Find the rows that a pattern matches. A condition on a label that a row lacks does not hold, whatever it says."""
    match = _PATTERN.fullmatch(pattern)
    if match is None or not (match[1] or match[2]):
        raise PatternError(pattern)
    name, conditions, wanted = match[1], _conditions(match[2]), match[6]
    return [
        row
        for row in rows
        if name in {None, row.name}
        and all(
            each.label in row.labels and each.holds(row.labels[each.label])
            for each in conditions
            if each.label != "__name__"
        )
        and all(each.holds(row.name) for each in conditions if each.label == "__name__")
        and (wanted is None or abs(float(wanted) - float(row.value)) < _EPSILON)
    ]


def value_of(parameters: Sequence[str], rows: Sequence[Row]) -> str:
    """Do the step "Prometheus pattern": pattern; value, label or function; which. PatternError where it fails."""
    pattern, request, which = parameters
    found = select(pattern, rows)
    if request == "function":
        values = [float(row.value) for row in found]
        if which == "count":
            return str(len(values))
        if which == "sum":
            return str(sum(values))
        raise PatternError(which)
    if len(found) != 1:
        raise PatternError(f"{pattern}: {len(found)} rows")
    if request == "value":
        return found[0].value
    if which not in found[0].labels:
        raise PatternError(f"{pattern}: no label {which}")
    return found[0].labels[which]


def in_pattern(value: str) -> str:
    """Escape what a macro stands for in a pattern, as the server does."""
    return re.sub(r'([\\\n"])', r"\\\1", value)


def in_key(value: str) -> str:
    """Quote what a macro stands for in a key, where it would end the parameter."""
    special = value.startswith((" ", '"', "[")) or "," in value or "]" in value
    return '"' + value.replace('"', '\\"') + '"' if special else value


def filled(text: str, macros: Mapping[str, str], quote: Any = str) -> str:  # noqa: ANN401 - a function of str
    return _MACRO.sub(lambda macro: quote(macros[macro[0]]), text)


@dataclass(frozen=True)
class Rule:
    """A discovery rule of the template."""

    row: dict[str, Any]

    @property
    def pattern(self) -> str:
        return str(self.row["preprocessing"][0]["parameters"][0])

    @property
    def prototypes(self) -> list[dict[str, Any]]:
        return list(self.row["item_prototypes"])

    def discover(self, rows: Sequence[Row]) -> list[dict[str, str]]:
        """Give the macros of each thing found: the steps PROMETHEUS_TO_JSON, JSONPATH of labels, one for each meter."""
        steps = {step["type"] for step in self.row["preprocessing"]}
        paths = {each["lld_macro"]: each["path"].removeprefix("$.") for each in self.row["lld_macro_paths"]}
        found: dict[tuple[str, ...], dict[str, str]] = {}
        for row in select(self.pattern, rows):
            macros = {macro: row.labels[path] for macro, path in paths.items() if path in row.labels}
            key = (macros["{#METER}"],) if "JAVASCRIPT" in steps else tuple(macros.values())
            found.setdefault(key, macros)
        return list(found.values())


@dataclass(frozen=True)
class Found:
    """An item that discovery makes."""

    key: str
    prototype: dict[str, Any]
    macros: dict[str, str]

    @property
    def pattern(self) -> list[str]:
        """Parameters of the first step, macros filled in; of a calculated item none."""
        if self.prototype["type"] != "DEPENDENT":
            return []
        parameters = self.prototype["preprocessing"][0]["parameters"]
        return [filled(text, self.macros, in_pattern) for text in parameters]


class Template:
    """examples/zabbix/tic_exporter.yaml."""

    def __init__(self, path: Path = TEMPLATE) -> None:
        self.text = path.read_text(encoding="utf-8")

    @cached_property
    def export(self) -> dict[str, Any]:
        """`zabbix_export`, the whole of it."""
        export: dict[str, Any] = yaml.safe_load(self.text)["zabbix_export"]
        return export

    @property
    def row(self) -> dict[str, Any]:
        row: dict[str, Any] = self.export["templates"][0]
        return row

    @property
    def items(self) -> list[dict[str, Any]]:
        return list(self.row["items"])

    @property
    def rules(self) -> list[Rule]:
        return [Rule(row) for row in self.row["discovery_rules"]]

    def discover(self, rows: Sequence[Row]) -> list[Found]:
        """List every item that the rules make of an exposition."""
        return [
            Found(filled(prototype["key"], macros, in_key), prototype, macros)
            for rule in self.rules
            for macros in rule.discover(rows)
            for prototype in rule.prototypes
        ]


def walk(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - YAML is what it is
    """Every mapping in an export."""
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending += node.values()
        elif isinstance(node, list):
            pending += node
