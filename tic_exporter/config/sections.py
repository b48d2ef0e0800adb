"""Lists and mappings put together from checkers: they go on after a refusal, to say everything at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .checks import nearest
from .findings import Finding, Findings, refusal
from .nodes import Entry, Mapping, Node, Scalar, Sequence, describe
from .wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import TypeAlias

    from .findings import Checker

    Table: TypeAlias = tuple[tuple[str, Checker], ...]
    Rule: TypeAlias = Callable[[Node], list[Finding]]

_PLAIN_KEY = re.compile(r"[\w<-]{1,60}")


def step_to(key: str) -> str:
    """How a path goes on; a key that is no word is shown as a text."""
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f".{shown(key)}"


def entry_of(item: Node, key: str) -> Entry | None:
    return item.entries.get(key) if isinstance(item, Mapping) else None


def no_rule(_: Node) -> list[Finding]:
    return []


def both(*rules: Rule) -> Rule:
    return lambda node: [finding for rule in rules for finding in rule(node)]


def section(
    build: Callable[..., object],
    table: Table,
    elsewhere: Callable[[], dict[str, Table]],
    required: tuple[str, ...] = (),
    rule: Rule = no_rule,
) -> Checker:
    """A mapping with the keys of the table; empty, it is all defaults: `serial:` with every line below commented."""
    checkers = dict(table)

    def check(node: Node) -> object:
        if isinstance(node, Scalar) and node.tag == "null":
            node = Mapping(node.mark, {})
        if not isinstance(node, Mapping):
            raise refusal(node, f"expected a mapping with keys such as {table[0][0]}, not {describe(node)}")
        found = Findings()
        found.add(Finding(fault.mark, step_to(fault.key) if fault.key else "", fault.message) for fault in node.faults)
        values: dict[str, object] = {}
        for key, entry in node.entries.items():
            if key in checkers:
                values[key] = found.check(checkers[key], entry.value, step_to(key))
            else:
                message = f"unknown key{_meant(key, checkers, elsewhere())}"
                found.add([Finding(entry.key_mark, step_to(key), message)])
        missing = (key for key in required if key not in node.entries)
        found.add(Finding(node.mark, step_to(key), f"missing: {key} is required") for key in missing)
        found.add(rule(node))
        found.refuse()
        return build(**values)

    return check


def _meant(key: str, checkers: dict[str, Checker], elsewhere: dict[str, Table]) -> str:
    """The nearest key of this section, else the sections where this key is known, else the keys of this section."""
    places = [place or "the top level" for place, table in elsewhere.items() if key in dict(table)]
    if places:
        return f" here; it belongs to {' or '.join(places)}"
    return nearest(key, checkers) or f"; the keys here are {', '.join(checkers)}"


def list_of(what: str, checker: Checker, rule: Rule = no_rule) -> Checker:
    def check(node: Node) -> tuple[Any, ...]:
        is_null = isinstance(node, Scalar) and node.tag == "null"
        if is_null or (isinstance(node, Sequence) and not node.items):
            raise refusal(node, f"is empty: expected at least one {what}")
        if not isinstance(node, Sequence):
            raise refusal(node, f"expected a list, each {what} after a dash, not {describe(node)}")
        found = Findings()
        values = [found.check(checker, item, f"[{index}]") for index, item in enumerate(node.items)]
        found.add(rule(node))
        found.refuse()
        return tuple(values)

    return check


def unique(key: str | None, checker: Checker, identity: Callable[[str], Hashable], message: str) -> Rule:
    """No two items of a list (with a key: no two values that items have for it) may be the same thing."""

    def rule(node: Node) -> list[Finding]:
        first: dict[Hashable, int] = {}
        findings: list[Finding] = []
        for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
            entry = Entry(item.mark, item, item.mark) if key is None else entry_of(item, key)
            value = Findings().check(checker, entry.value, "") if entry else None
            if entry is None or value is None:
                continue  # absent, or refused elsewhere
            same = identity(value)
            if same in first:
                path = f"[{index}]" + (step_to(key) if key else "")
                findings.append(Finding(entry.mark, path, message.format(shown(value), first[same])))
            else:
                first[same] = entry.mark.line
        return findings

    return rule
