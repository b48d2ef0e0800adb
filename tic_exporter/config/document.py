"""YAML text -> nodes, bounded in time and memory whatever the text is.

The tree is composed here from PyYAML's events, not by `yaml.compose`: the depth can then be limited (libyaml's composer
recurses on the C stack), recursive anchors are told at the alias, and a merged key remembers where it was merged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from .nodes import Entry, Fault, Mapping, Mark, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CHARACTERS = 4 * 1024 * 1024
MAX_DEPTH = 20
MAX_NODES = 250_000  # events and merged keys: ten thousand meters with a dozen settings each

# libyaml where it is there: ten times as fast as the same parser in Python.
LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# YAML 1.1, 5.1 "Character Set", less the byte order mark, which nobody would see in the middle of a text.
_NOT_YAML = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_STANDARD_TAG = "tag:yaml.org,2002:"
_NO_TAG = (None, "!")


class UnreadableError(Exception):
    """There is no document to look into: the place and the reason."""

    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.mark = mark
        self.message = message


def mark_at(text: str, position: int) -> Mark:
    return Mark(text.count("\n", 0, position) + 1, position - (text.rfind("\n", 0, position) + 1) + 1)


def compose(text: str, loader: type[Any] = LOADER) -> Node:
    """The one document of the text; an empty text is a null."""
    if len(text) > MAX_CHARACTERS:
        raise UnreadableError(Mark(1, 1), f"is longer than {MAX_CHARACTERS} characters")
    text = text.removeprefix("\ufeff")
    if found := _NOT_YAML.search(text):
        raise UnreadableError(mark_at(text, found.start()), f"the character {found[0]!a} has no place in a YAML file")
    return _Composer(_Events(text, loader)).document()


class _Events:
    """PyYAML's events, counted, with its various exceptions made one."""

    def __init__(self, text: str, loader: type[Any]) -> None:
        self._text = text
        self._events: Iterator[Any] = yaml.parse(text, Loader=loader)
        self._left = MAX_NODES
        self._last = Mark(1, 1)

    def next(self) -> Any:  # noqa: ANN401 - PyYAML's events have no types
        try:
            event = next(self._events)
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(error) from error
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # The Python scanner lets escapes beyond Unicode and endless %YAML versions through to chr() and int().
            raise UnreadableError(self._last, f"not readable as YAML after this place: {error}") from error
        self._last = _mark(event.start_mark)
        self.spend(1)
        return event

    def spend(self, nodes: int) -> None:
        self._left -= nodes
        if self._left < 0:
            raise UnreadableError(self._last, f"holds more than {MAX_NODES} keys and values, merged ones included")

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> UnreadableError:
        found = error.problem_mark or error.context_mark
        mark = _mark(found) if found else self._last
        lines = self._text.splitlines()
        line = lines[mark.line - 1] if mark.line <= len(lines) else ""
        reason = " ".join(part for part in (error.context, error.problem) if part)
        if "\t" in line[: len(line) - len(line.lstrip())] or line[mark.column - 1 : mark.column] == "\t":
            reason += ": a tab stands here; YAML is indented with spaces"
        return UnreadableError(mark, f"YAML syntax: {' '.join(reason.split())}")


class _Composer:
    def __init__(self, events: _Events) -> None:
        self._events = events
        self._resolver: Any = yaml.resolver.Resolver()
        self._anchors: dict[str, Node | None] = {}  # None while the anchored node is still open

    def document(self) -> Node:
        self._events.next()  # start of the stream
        start = self._events.next()
        if isinstance(start, yaml.StreamEndEvent):
            return Scalar(Mark(1, 1), "", "null")
        root = self._node(self._events.next(), MAX_DEPTH)
        self._events.next()  # end of the document
        after = self._events.next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise UnreadableError(_mark(after.start_mark), "a second document begins here; expected only one")
        return root

    def _node(self, event: Any, depth: int) -> Node:  # noqa: ANN401 - PyYAML's events have no types
        mark = _mark(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), mark)
        if not depth:
            raise UnreadableError(mark, f"is nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            tag = event.tag
            if tag in _NO_TAG:
                tag = self._resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
            node = Scalar(mark, event.value, tag.removeprefix(_STANDARD_TAG))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = _untagged(event.tag, "seq", self._sequence(mark, depth - 1))
        else:
            node = _untagged(event.tag, "map", self._mapping(mark, depth - 1))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, anchor: str, mark: Mark) -> Node:
        if anchor not in self._anchors:
            raise UnreadableError(mark, f"*{anchor} has no anchor &{anchor} before it")
        node = self._anchors[anchor]
        if node is None:
            raise UnreadableError(mark, f"*{anchor} stands inside its own anchor &{anchor}")
        return node

    def _sequence(self, mark: Mark, depth: int) -> Sequence:
        items: list[Node] = []
        while not isinstance(event := self._events.next(), yaml.SequenceEndEvent):
            items.append(self._node(event, depth))
        return Sequence(mark, tuple(items))

    def _mapping(self, mark: Mark, depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        faults: list[Fault] = []
        merge: Entry | None = None
        while not isinstance(event := self._events.next(), yaml.MappingEndEvent):
            key = self._node(event, depth)
            value = self._node(self._events.next(), depth)
            if not isinstance(key, Scalar):
                faults.append(Fault(key.mark, "", "expected a text as key, not a list or a mapping"))
            elif key.tag == "merge" and merge is None:
                merge = Entry(key.mark, value, value.mark)
            elif key.tag == "merge":
                faults.append(Fault(key.mark, key.text, "duplicate key; one << takes a list: [*first, *second]"))
            elif key.text in entries:
                first = entries[key.text].key_mark.line
                faults.append(Fault(key.mark, key.text, f"duplicate key; the first one is in line {first}"))
            else:
                entries[key.text] = Entry(key.mark, value, value.mark)
        if merge is not None:
            self._merge(merge, entries, faults)
        return Mapping(mark, entries, tuple(faults))

    def _merge(self, merge: Entry, entries: dict[str, Entry], faults: list[Fault]) -> None:
        """Adds what the mapping does not say itself; of several sources the first one counts."""
        for source in merge.value.items if isinstance(merge.value, Sequence) else (merge.value,):
            if not isinstance(source, Mapping):
                faults.append(Fault(merge.key_mark, "<<", "expected an alias of a mapping, or a list of such aliases"))
                continue
            self._events.spend(len(source.entries) + len(source.faults))
            faults.extend(source.faults)
            for key, entry in source.entries.items():
                if key not in entries:
                    entries[key] = Entry(entry.key_mark, entry.value, merge.key_mark)


def _untagged(tag: str | None, usual: str, node: Sequence | Mapping) -> Node:
    """A list or mapping with a tag of its own is no list or mapping to us: every check refuses it by its tag."""
    if tag in (*_NO_TAG, _STANDARD_TAG + usual):
        return node
    return Scalar(node.mark, "", str(tag).removeprefix(_STANDARD_TAG))


def _mark(mark: Any) -> Mark:  # noqa: ANN401 - two unrelated types, in C and in Python
    return Mark(mark.line + 1, mark.column + 1)
