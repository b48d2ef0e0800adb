"""How checks refuse: with every reason at once, up to a bound, each with its place and its path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .nodes import Mark, Node

    Checker: TypeAlias = Callable[[Node], Any]

MAX_FINDINGS = 1000


class Finding(NamedTuple):
    mark: Mark
    path: str  # relative to the node that was checked: ".key" or "[2].key"
    message: str


class RefusedError(Exception):
    def __init__(self, findings: Iterable[Finding]) -> None:
        super().__init__()
        self.findings = tuple(findings)


def refusal(node: Node, message: str) -> RefusedError:
    return RefusedError([Finding(node.mark, "", message)])


class Findings:
    """Collects the findings of one list or section; the same words about the same place are kept once.

    A shared anchor with one mistake would else be told for every meter that merges it.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[Mark, str], Finding] = {}

    def add(self, findings: Iterable[Finding], step: str = "") -> None:
        for mark, path, message in findings:
            self._found.setdefault((mark, message), Finding(mark, step + path, message))
            if len(self._found) >= MAX_FINDINGS:
                self.refuse()

    def check(self, checker: Checker, node: Node, step: str) -> Any:  # noqa: ANN401 - each checker has its own type
        """What the checker makes of the node; None when it refuses, with its reasons collected."""
        try:
            return checker(node)
        except RefusedError as refused:
            reasons = refused.findings
        self.add(reasons, step)
        return None

    def refuse(self) -> None:
        if self._found:
            raise RefusedError(self._found.values())
