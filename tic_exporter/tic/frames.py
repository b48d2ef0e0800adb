"""What one frame says: its groups, its readings, its defects."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .codecs import Placed, Value, Verdict
from .framing import Cut
from .groups import Defect, Dialect, Group, parse_group, pieces, split
from .parity import Parity
from .quantities import Kind
from .schema import Dimensions, Family, Field, Reading, Source

_COSTLY = [Defect.CHECKSUM, Defect.MALFORMED, Defect.INVALID_VALUE, Defect.MISSING_CONTEXT, Defect.PARITY]


class Finding(NamedTuple):
    """One defect, and the label or the bytes where it was found."""

    defect: Defect
    where: str


class DecodedFrame(NamedTuple):
    """All that one frame says. A named tuple, not a dataclass: one is made for every frame, and costs a third to make.

    Args:
        cut: why it ended.
        dialect: told by its separator.
        family: None where nothing recognises it.
        meter_id: None where the frame holds none.
        right_checksums: how many of its groups could be read, in frames that were cut too.
        findings: defects in the order of the groups.
        is_complete: not a short frame, nor one that holds the id alone; and without a defect.
        is_test: its values are fictitious.
        is_interpreted: its readings may be used. Without `drop_group` this is `is_valid`.
        parity: what its characters carry.
        parity_errors: characters with the wrong parity.
        cooked: it came through a terminal that translates.
        group_count: how many groups there are, readable or not.
        model: the readings of the last frame that was read whole: this one has the same but for their values. Empty
            unless the frame was interpreted.
        body: what stood between STX and its end, in 7-bit characters but for damaged ones.
        values: those of this frame's readings.
        changed: where values differ from those of the last interpreted frame, if all that differs is numbers and each
            stands where it stood; None: look at all.
    """

    cut: Cut
    dialect: Dialect
    family: Family | None
    meter_id: str | None
    right_checksums: int
    findings: Sequence[Finding]
    is_complete: bool
    is_test: bool
    is_interpreted: bool
    parity: Parity
    parity_errors: int
    cooked: bool
    group_count: int
    model: Sequence[Reading]
    body: bytes
    values: Sequence[Value]
    changed: Sequence[int] | None = None

    @property
    def readings(self) -> Sequence[Reading]:
        """What it says, in the order of its groups; made when asked for, since most frames are folded by `changed`."""
        if self.changed is None:
            return self.model
        told = zip(self.model, self.values, strict=True)
        return [like if like.value is value else like._replace(value=value) for like, value in told]

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups that could be read, in order; read again, since hardly anybody asks."""
        parts = split(self.body) if self.cut is Cut.COMPLETE else None
        parsed = (parse_group(part, self.dialect) for part in parts or pieces(self.body))
        return tuple(group for group in parsed if isinstance(group, Group))

    @property
    def defect(self) -> Defect | None:
        """The one under which a frame is counted: the first in the order of `Defect` that costs it."""
        if not self.findings:
            return None
        found = {finding.defect for finding in self.findings}
        return next((defect for defect in _COSTLY if defect in found), None)

    @property
    def is_valid(self) -> bool:
        """Ended by ETX, with every group right."""
        return self.cut is Cut.COMPLETE and self.defect is None


class Entry:
    """A group that was seen, and what it means to the rows that read it; lines that hear the same share it.

    Without `group`, `defect` says why the bytes of `part` are none.
    """

    __slots__ = ("__weakref__", "bound", "defect", "group", "part", "readings", "rows")

    def __init__(self, part: bytes, group: Group | None, defect: Defect | None) -> None:
        self.part = part
        self.group = group
        self.defect = defect
        self.rows: Sequence[Field] | None = None
        self.readings: tuple[Reading, ...] = ()
        self.bound: tuple[tuple[Field, Value], ...] = ()

    def read(self, rows: Sequence[Field]) -> "Entry":
        """Let the rows of the label read the value, once; without rows it means nothing.

        What other rows have read (of another section or family) stays as it is in the frame that holds it.
        """
        if self.rows is rows or self.group is None:
            return self
        if self.rows is not None:
            return Entry(self.part, self.group, None).read(rows)
        _, value, timestamp = self.group
        values = [(row, row.codec(value, timestamp)) for row in rows]
        self.rows = rows
        refused = bool(rows) and all(value is Verdict.REFUSED for _, value in values)
        self.defect = Defect.INVALID_VALUE if refused else None
        good = [(row, value) for row, value in values if not isinstance(value, Verdict)]
        self.bound = tuple((row, value) for row, value in good if row.is_bound or row.unless)
        self.readings = tuple(
            reading_of(row, value, row.dimensions) for row, value in good if not row.is_bound and not row.unless
        )
        return self


def reading_of(row: Field, value: Value, where: Mapping[str, str | Source] | Mapping[str, str]) -> Reading:
    """Put a value under its dimensions, in the quantity's order; one that a row leaves out is empty."""
    quantity = row.quantity
    given = {name: str(dimension) for name, dimension in where.items()}
    if isinstance(value, Placed):
        given.update(value.dimensions)
        value = value.number
    if quantity.value_dimension in given and quantity.kind is Kind.STATE:
        value = given[quantity.value_dimension]
    dimensions: Dimensions = tuple((name, given.get(name, "")) for name in quantity.dimensions)
    return Reading(quantity, dimensions, value, row)
