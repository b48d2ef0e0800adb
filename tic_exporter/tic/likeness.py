"""The short way for a frame that differs from the last one in numbers alone, as most frames do.

Groups that did not change are not looked at again, and of those that did only numbers are read, by the same codecs.
Whatever else changes (a label, a state, a name, a tariff period to which others are bound), and everything that is not
right, is left to the whole way.
"""

from collections.abc import Iterator, Sequence
from itertools import compress, count
from operator import ne

from .codecs import Placed, Verdict
from .frames import DecodedFrame, Entry
from .groups import Dialect, Group
from .parity import Parity
from .schema import Family, Reading

_NO_NUMBER = (Verdict, Placed)
_READING = Reading.__new__


class Likeness:
    """The last frame that was interpreted, and which of its groups may change without any other meaning another thing.

    Args:
        frame: complete, every group of it right, not a test.
        entries: its groups as its family read them.
        was_complete: of the interpreted frame before it, for what absences tell.
    """

    def __init__(self, frame: DecodedFrame, entries: Sequence[Entry], family: Family, *, was_complete: bool) -> None:
        self.was_complete = was_complete
        self._last = frame
        self._spots = list(_spots(frame, entries, family))

    def decode(self, parts: list[bytes], dialect: Dialect, parity: Parity, *, cooked: bool) -> DecodedFrame | None:
        """Read the groups of a frame, given in 7-bit characters; None: it takes the whole way."""
        last = self._last
        if len(parts) != len(last.parts) or dialect is not last.dialect or parity is not last.parity:
            return None
        readings = list(last.readings)
        changed: list[int] = []
        spots = self._spots
        for index in compress(count(), map(ne, parts, last.parts)):
            spot = spots[index]
            if spot is None or not spot.read(parts[index], readings, changed):
                return None
        # Positions are those of the fields: what stays, then what every frame has of its own.
        self._last = DecodedFrame._make((*last[:11], cooked, parts, readings, changed))
        return self._last


class _Spot:
    """A group whose readings stand for themselves: another number changes them and nothing else."""

    __slots__ = ("_head", "_is_stamped", "_mute", "_rows", "_separator", "_shortest", "_start", "_uncovered")

    def __init__(self, start: int, entry: Entry, group: Group, dialect: Dialect, readings: Sequence[Reading]) -> None:
        label, _, timestamp = group
        self._start = start
        self._is_stamped = timestamp is not None
        self._head = label.encode("ascii") + dialect.separator
        self._separator = dialect.separator[0]
        self._uncovered = -dialect.uncovered
        # A value that ends at SP has one character at least; one that ends at HT may be empty.
        self._shortest = len(self._head) + dialect.uncovered + 1
        self._rows = [(row.codec, row.is_plain_number, quantity, where, row) for quantity, where, _, row in readings]
        speaking = {reading.row for reading in readings}
        self._mute = [row.codec for row in entry.rows or () if row not in speaking]

    def read(self, part: bytes, readings: list[Reading], changed: list[int]) -> bool:
        """Put what another value says into `readings`, and its places into `changed`.

        False where the group is not right, anything else than a number changes, a row speaks that was silent, or one is
        silent that spoke.
        """
        words = self._words(part)
        if words is None:
            return False
        text, timestamp = words
        position = self._start
        for codec, is_number, quantity, where, row in self._rows:
            value = codec(text, timestamp)
            if is_number:
                if isinstance(value, _NO_NUMBER):
                    return False
                readings[position] = _READING(Reading, quantity, where, value, row)
                changed.append(position)
            elif value != readings[position].value:
                return False
            position += 1
        return not self._mute or all(isinstance(codec(text, timestamp), Verdict) for codec in self._mute)

    def _words(self, part: bytes) -> tuple[str, str | None] | None:
        """Give value and timestamp; None where `parse_group` would find another label, another shape or a defect."""
        head = self._head
        if (
            len(part) < self._shortest
            or (sum(part[: self._uncovered]) & 0x3F) + 0x20 != part[-1]
            or part[-2] != self._separator
            or not part.startswith(head)
        ):
            return None
        text = part[len(head) : -2].decode("ascii")
        timestamp = None
        if self._is_stamped:
            timestamp, _, text = text.partition("\t")
            if not timestamp or len(part) != len(head) + len(timestamp) + len(text) + 3 or not timestamp.isprintable():
                return None
        return (text, timestamp) if text.isprintable() else None


def _spots(frame: DecodedFrame, entries: Sequence[Entry], family: Family) -> Iterator[_Spot | None]:
    """Give the spot of each group, None where its change may change more."""
    position = 0
    for entry in entries:
        start = position
        rows = [reading.row for reading in entry.readings]
        position += len(rows)
        for row, _ in entry.bound:
            rows.append(row)
            # A bound reading whose dimension was not known was passed over.
            position += position < len(frame.readings) and frame.readings[position].row is row
        readings, group = frame.readings[start:position], entry.group
        if group is None or not readings or group.label in family.context_labels:
            yield None
        else:
            in_place = [reading.row for reading in readings] == rows
            yield _Spot(start, entry, group, frame.dialect, readings) if in_place else None
