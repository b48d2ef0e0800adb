"""The short way for a frame that differs from the last one in numbers alone, as most frames do.

Groups that did not change are not looked at again, and of those that did only numbers are read, by the same codecs.
Whatever else changes (a label, a state, a name, a tariff period to which others are bound), and everything that is not
right, is left to the whole way.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import compress, count
from operator import ne
from struct import Struct
from typing import NamedTuple

from .codecs import Integer, Placed, Value, Verdict
from .frames import DecodedFrame, Entry
from .groups import Dialect, split
from .parity import Parity
from .schema import Family, Field

_NO_NUMBER = (Verdict, Placed)
_new = tuple.__new__  # half the cost of calling a named tuple

_OF_EACH = DecodedFrame._fields.index("body")
"""From here on stands what every frame has of its own."""

_Read = Callable[[bytes, list[Value], list[int]], bool]
"""What reads the rest of a group behind its label: it puts what that says into the values of the frame, and its places
into the list of what changed. False: this is for the whole way."""


class _Moving(NamedTuple):
    """A group that may change: what it begins with, and what reads the rest."""

    head: bytes
    read: _Read
    place: int
    digits: Integer | None
    """The codec of the one reading at `place`, where the rest is digits and a unit."""


class Likeness:
    """The last frame that was interpreted, and which of its groups may change without any other meaning another thing.

    While the length of frames stays, they are cut at the places where numbers were seen to change: what stands between
    is compared as it is, whatever groups it holds.

    Args:
        frame: complete, every group of it right, not a test.
        entries: its groups as its family read them.
        was_complete: of the interpreted frame before it, for what absences tell.
    """

    def __init__(self, frame: DecodedFrame, entries: Sequence[Entry], family: Family, *, was_complete: bool) -> None:
        self.was_complete = was_complete
        self._frame = frame
        self._entries = entries
        self._family = family
        self._same = frame[:_OF_EACH]
        self._body = frame.body
        self._values = list(frame.values)
        self._known: dict[int, _Moving | None] = {}
        self._cut: Callable[[bytes], tuple[bytes, ...]] | None = None
        self._pieces: tuple[bytes, ...] = ()
        self._readers: list[_Read | None] = []

    def decode(self, body: bytes, parity: Parity, *, cooked: bool) -> DecodedFrame | None:
        """Read a frame, given in 7-bit characters; None: it takes the whole way."""
        if parity is not self._frame.parity or cooked is not self._frame.cooked:
            return None
        if self._cut is None or len(body) != len(self._body):
            return self._decode_groups(body)
        pieces, readers = self._cut(body), self._readers
        values = self._values.copy()
        changed: list[int] = []
        for place in compress(count(), map(ne, pieces, self._pieces)):
            read = readers[place]
            if read is None:
                return self._decode_groups(body)
            if not read(pieces[place], values, changed):
                return None
        self._pieces = pieces
        return self._follow(body, values, changed)

    def _decode_groups(self, body: bytes) -> DecodedFrame | None:
        """Compare group by group, and learn which of them change."""
        parts, before = split(body), split(self._body)
        if parts is None or before is None or len(parts) != len(before):
            return None
        values = self._values.copy()
        changed: list[int] = []
        places = [place for place, differs in enumerate(map(ne, parts, before)) if differs]
        for place in places:
            if place not in self._known:
                self._known[place] = _moving_at(place, self._frame, self._entries, self._family)
            moving, part = self._known[place], parts[place]
            if moving is None or not part.startswith(moving.head):
                return None
            if not moving.read(part[len(moving.head) :], values, changed):
                return None
        self._cut = None
        if len(body) == len(self._body) == sum(map(len, parts)) + 2 * len(parts):
            self._learn(parts)
            self._pieces = self._cut(body) if self._cut else ()
        return self._follow(body, values, changed)

    def _learn(self, parts: list[bytes]) -> None:
        """Cut frames around what changes: the rest of each such group, from behind its label to before its CR."""
        sizes: list[int] = []
        readers: list[_Read | None] = []
        still = 1
        for place, part in enumerate(parts):
            moving = self._known.get(place)
            if moving is None:
                still += len(part)
            else:
                rest = len(part) - len(moving.head)
                sizes += still + len(moving.head), rest
                readers += None, _quickest(moving, rest, self._frame.dialect)
                still = 0
            still += 2
        sizes.append(still - 1)
        self._readers = [*readers, None]
        self._cut = Struct("".join(f"{size}s" for size in sizes)).unpack

    def _follow(self, body: bytes, values: list[Value], changed: list[int]) -> DecodedFrame:
        self._body, self._values = body, values
        return _new(DecodedFrame, (*self._same, body, values, changed))


@lru_cache(maxsize=128)
def _tails(dialect: Dialect, unit: str) -> tuple[bytes, ...]:
    """Give what may stand behind a number, by the six bits of its group's sum: unit, separator and checksum."""
    return tuple(b"%b%b%c" % (unit.encode("ascii"), dialect.separator, 0x20 + bits) for bits in range(64))


def _sum_around(head: bytes, unit: str, dialect: Dialect) -> int:
    """Sum what a group's checksum covers beside the value."""
    return sum(head) + sum(unit.encode("ascii")) + sum(dialect.separator[: 2 - dialect.uncovered])


@lru_cache(maxsize=512)
def _reader(
    head: bytes, dialect: Dialect, start: int, told: tuple[Field, ...], rows: tuple[Field, ...], *, is_stamped: bool
) -> _Read:
    """Make what reads a group whose readings stand for themselves: another number changes them and nothing else.

    It keeps nothing of a meter, and those of one kind share it. It answers false where `parse_group` would find another
    label or a defect, the timestamp comes or goes, anything else than a number changes, a row speaks that was silent,
    or one is silent that spoke.
    """
    tails, around = _tails(dialect, ""), _sum_around(head, "", dialect)
    # A value that ends at SP has one character at least; one that ends at HT may be empty.
    shortest = dialect.uncovered + 1
    numbers = [(place, row.codec) for place, row in enumerate(told, start) if row.is_plain_number]
    others = [(place, row.codec) for place, row in enumerate(told, start) if not row.is_plain_number]
    mute = [row.codec for row in rows if row not in told]

    def read(rest: bytes, values: list[Value], changed: list[int]) -> bool:
        covered = rest[:-2]
        if len(rest) < shortest or rest != covered + tails[(around + sum(covered)) & 0x3F]:
            return False
        text, timestamp = covered.decode("ascii"), None
        if is_stamped:
            timestamp, tab, text = text.partition("\t")
            if not (tab and timestamp and timestamp.isprintable()):
                return False
        if not text.isprintable():
            return False
        for place, codec in numbers:
            value = codec(text, timestamp)
            if isinstance(value, _NO_NUMBER):
                return False
            values[place] = value
            changed.append(place)
        for place, codec in others:
            if codec(text, timestamp) != values[place]:
                return False
        return not mute or all(isinstance(codec(text, timestamp), Verdict) for codec in mute)

    return read


def _quickest(moving: _Moving, length: int, dialect: Dialect) -> _Read:
    """Make what reads another rest of this length, as `moving.read` does."""
    if moving.digits is None:
        return moving.read
    return _digits_reader(moving.head, dialect, moving.digits, moving.place, length)


@lru_cache(maxsize=512)
def _digits_reader(head: bytes, dialect: Dialect, codec: Integer, place: int, length: int) -> _Read:
    """Make what reads a number of as many digits as one that `codec` has accepted."""
    unit, scale = codec.unit, codec.scale
    tails, around = _tails(dialect, unit), _sum_around(head, unit, dialect)
    behind = len(tails[0])
    digits = length - behind
    # Without leading zeros the shortest number of so many digits is as large as that.
    least = max(codec.at_least, 0 if codec.width or digits == 1 else 10 ** (digits - 1))
    most = codec.most

    def read(rest: bytes, values: list[Value], changed: list[int]) -> bool:
        digits = rest[:-behind]
        if not digits.isdigit() or rest != digits + tails[(around + sum(digits)) & 0x3F]:
            return False
        number = int(digits)
        if not least <= number <= most:
            return False
        values[place] = number * scale
        changed.append(place)
        return True

    return read


def _moving_at(place: int, frame: DecodedFrame, entries: Sequence[Entry], family: Family) -> _Moving | None:
    """Make what reads one group, when it changes for the first time; None where its change may change more."""
    start = sum(_places(frame, entries[:place]))
    entry, group = entries[place], entries[place].group
    rows = [*(reading.row for reading in entry.readings), *(row for row, _ in entry.bound)]
    told = tuple(reading.row for reading in frame.model[start : start + len(rows)])
    if group is None or not rows or group.label in family.context_labels or list(told) != rows:
        return None
    head = group.label.encode("ascii") + frame.dialect.separator
    read = _reader(head, frame.dialect, start, told, tuple(entry.rows or ()), is_stamped=group.timestamp is not None)
    codec = told[0].codec if told == entry.rows and len(told) == 1 and told[0].is_plain_number else None
    return _Moving(head, read, start, codec if isinstance(codec, Integer) and codec.at_least >= 0 else None)


def _places(frame: DecodedFrame, entries: Sequence[Entry]) -> Iterator[int]:
    """Count the readings that each group has in the frame."""
    position = 0
    for entry in entries:
        number = len(entry.readings)
        for row, _ in entry.bound:
            # A bound reading whose dimension was not known was passed over.
            at = position + number
            number += at < len(frame.model) and frame.model[at].row is row
        position += number
        yield number
