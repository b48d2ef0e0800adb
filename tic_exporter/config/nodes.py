"""A YAML document with the place and the raw text of everything in it, before anybody has guessed at types."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from .wording import shown


class Mark(NamedTuple):
    """A place in a file; both count from 1."""

    line: int
    column: int


class Scalar(NamedTuple):
    mark: Mark
    text: str
    tag: str  # what YAML 1.1 makes of it: str int float bool null timestamp merge value, or somebody's own tag


class Sequence(NamedTuple):
    mark: Mark
    items: tuple[Node, ...]


class Entry(NamedTuple):
    key_mark: Mark
    value: Node
    mark: Mark  # of the value, or of the `<<` that brought it here


class Fault(NamedTuple):
    """What is wrong with a mapping in itself, whatever its keys mean."""

    mark: Mark
    key: str
    message: str


class Mapping(NamedTuple):
    mark: Mark
    entries: dict[str, Entry]  # merged keys included
    faults: tuple[Fault, ...] = ()


Node: TypeAlias = Scalar | Sequence | Mapping

DESCRIPTIONS = {
    "str": "the text {}",
    "int": "the number {}",
    "float": "the number {}",
    "bool": "the boolean {}",
    "timestamp": "the date {}",
    "merge": "the sign {}",
    "value": "the sign {}",
    "null": "an empty value",
}


def describe(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    form = DESCRIPTIONS.get(node.tag, f"a value with the tag {shown(node.tag)}")
    return form.replace("{}", shown(node.text, '"' if node.tag == "str" else ""))
