"""A reader as most programs are: line by line, a group is believed when its checksum is right.

It knows neither parity nor frames, and reads values as `int()` and `strip()` do; a unit behind a number is taken off,
dates are read as strictly as `strptime` would. The tables say which labels there are and what they measure: a label
that is in none is left aside, so that what is counted as wrong here is a lower bound of what such programs publish.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tic_exporter.tic.codecs import Verdict
from tic_exporter.tic.framing import SEVEN_BITS
from tic_exporter.tic.groups import Dialect, Group, checksum
from tic_exporter.tic.quantities import Kind
from tic_exporter.tic.schema import Family, Field

_LINE_ENDS = re.compile(rb"[\r\n]+")
_DELIMITERS = b"\x02\x03"
_NUMBER = re.compile(r"([+-]?\d[\d_]*(?:[.,]\d+)?)\s*[A-Za-z%]*")

COUNTERS = frozenset({Kind.REGISTER})
_NUMERIC = frozenset({Kind.REGISTER, Kind.INTERVAL, Kind.LEVEL})

Read = tuple[str, str]
"""A label and what was read under it, normalised so that two writings of one number are equal."""


@dataclass(frozen=True, slots=True)
class Line:
    """One group that was believed."""

    read: Read
    readings: int
    registers: int
    is_id: bool


class Reader:
    """Cuts a stream at line ends and gives the groups whose checksum is right."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Give the lines that ended; the checksum is looked at by `believe`."""
        lines = _LINE_ENDS.split(self._rest + data.translate(SEVEN_BITS).translate(None, _DELIMITERS))
        self._rest = lines.pop()
        return [text for text in lines if text]


def believe(text: bytes, family: Family, dialect: Dialect) -> Line | None:
    """Read one line; None where such a program would not publish it."""
    group = _split(text, dialect)
    if group is None:
        return None
    label = family.aliases.get(group.label, group.label)
    rows = _rows(family).get(label, ())
    is_id = label == family.id_label
    if not rows and not is_id:
        return None
    value = _value(group, rows)
    if value is None:
        return None
    registers = sum(row.quantity.kind in COUNTERS for row in rows)
    return Line((label, value), max(1, len(rows)), registers, is_id)


_ROWS: dict[int, Mapping[str, Sequence[Field]]] = {}


def _rows(family: Family) -> Mapping[str, Sequence[Field]]:
    """Give the rows of each label, those of all sections together: a dictionary by label is what such programs keep."""
    rows = _ROWS.get(id(family))
    if rows is None:
        made: dict[str, list[Field]] = {}
        for row in family.all_fields:
            if row.quantity.is_published:
                made.setdefault(row.label, []).append(row)
        rows = _ROWS[id(family)] = made
    return rows


def _split(text: bytes, dialect: Dialect) -> Group | None:
    separator = dialect.separator
    if len(text) < 4 or text[-2:-1] != separator or checksum(text[: -dialect.uncovered]) != text[-1]:
        return None
    label, _, rest = text[:-2].decode("latin-1").partition(separator.decode())
    timestamp, found, value = rest.rpartition("\t") if dialect is Dialect.STANDARD else ("", "", rest)
    return Group(label, value, timestamp if found else None)


def _value(group: Group, rows: Sequence[Field]) -> str | None:
    dates = (row.codec for row in rows if row.quantity.kind is Kind.INSTANT)
    if any(codec(group.value, group.timestamp) is Verdict.REFUSED for codec in dates):
        return None
    text = group.value.strip()
    if any(row.quantity.kind in _NUMERIC for row in rows):
        numbers = [_number(element) for element in text.split(":")]
        if len(numbers) == 1 and numbers[0] is None:
            return None
        text = ":".join(number or element for number, element in zip(numbers, text.split(":"), strict=True))
    return f"{group.timestamp or ''} {text}"


def _number(text: str) -> str | None:
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return repr(float(match[1].replace(",", ".")))
    except ValueError:
        return None
