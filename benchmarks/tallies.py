"""What is counted while streams are played."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TypeVar

K = TypeVar("K")

COLUMNS = ("checksum", "values", "all")
"""The three readers that are compared: checksum only; strict values, whole frames and plausibility; parity as well."""

GROUPS = "groups"
"""A fourth reader, where it is asked for: as the third, with `on_bad_group: drop_group`."""

EXAMPLES = 4
"""Examples kept for each model, parity, column and class of error in one stream."""


@dataclass(slots=True)
class Tally:
    """Numbers of one reader.

    Args:
        published: frames of which it published something.
        readings: samples in them.
        wrong: samples that are not true.
        registers: wrong samples of registers.
        ids: published frames under an id that is not the meter's.
        behind: right samples for which a value from before stands.
        between: right samples of registers that were never sent, but passed.
        due: undamaged frames from the one on that confirmed the id.
        delivered: those of them that were published.
    """

    published: int = 0
    readings: int = 0
    wrong: int = 0
    registers: int = 0
    ids: int = 0
    behind: int = 0
    between: int = 0
    due: int = 0
    delivered: int = 0

    def add(self, other: "Tally") -> None:
        for entry in fields(self):
            setattr(self, entry.name, getattr(self, entry.name) + getattr(other, entry.name))

    @property
    def frame_yield(self) -> float | None:
        """The part of the undamaged frames that were published, once the id was confirmed."""
        return self.delivered / self.due if self.due else None


@dataclass(frozen=True, slots=True)
class Example:
    """One wrong sample, and the groups of the frame that came otherwise than they were sent."""

    what: str
    column: str
    model: str
    parity: str
    source: str
    round: int
    frame: int
    series: str
    published: str
    true: str
    damaged: str


@dataclass(slots=True)
class Row:
    """Numbers of one model on one kind of line, of all readers; `kinds` counts what the exporter got wrong by kind."""

    sent: int = 0
    undamaged: int = 0
    columns: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in COLUMNS})
    kinds: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Row") -> None:
        self.sent += other.sent
        self.undamaged += other.undamaged
        for kind, number in other.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, 0) + number
        for name, tally in other.columns.items():
            self.columns.setdefault(name, Tally()).add(tally)


@dataclass(slots=True)
class Result:
    """What one stream, or all of them, came to."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    families: dict[str, Row] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        _merge(self.rows, other.rows)
        _merge(self.families, other.families)
        self.examples += other.examples

    @property
    def sent(self) -> int:
        return sum(row.sent for row in self.rows.values())


def _merge(mine: dict[K, Row], other: Mapping[K, Row]) -> None:
    for key, row in other.items():
        mine.setdefault(key, Row()).add(row)
