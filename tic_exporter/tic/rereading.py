"""Groups whose label was read before, read again for what their value says now.

Each reader is made once for a label and the rows that read it, and held while a meter uses it; it keeps nothing of that
meter, and those of one kind share it. It answers false where `parse_group` would find another label or a defect, where
the timestamp comes or goes, where anything else than a number changes, and where a row speaks that was silent or is
silent that spoke.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial, wraps
from typing import ParamSpec, TypeVar, cast
from weakref import WeakValueDictionary

from .codecs import Date, Integer, LocalTime, Placed, Stamp, Value, Verdict
from .groups import Dialect
from .schema import Field

Read = Callable[[bytes, list[Value], list[int]], bool]
"""What reads the rest of a group behind its label: it puts what that says into the values of the frame, and its places
into the list of what changed."""

_NO_NUMBER = (Verdict, Placed)
_new = tuple.__new__  # half the cost of calling a named tuple
_STAMP = 13
"""Characters of a timestamp, `SAAMMJJhhmmss` (NOI-CPT_54E 6.2.1.1)."""
_SECONDS = {written: (int(written), sum(written)) for written in (b"%02d" % second for second in range(60))}
"""As written: the number, and what the digits add to a checksum."""


_Asked = ParamSpec("_Asked")
_Made = TypeVar("_Made")


def _held_while_used(make: Callable[_Asked, _Made]) -> Callable[_Asked, _Made]:
    """Give all who ask alike the same, as long as one of them keeps it: after a day of many meters no more is held."""
    held: WeakValueDictionary[tuple[object, ...], _Made] = WeakValueDictionary()

    @wraps(make)
    def give(*words: _Asked.args, **names: _Asked.kwargs) -> _Made:
        key = (*words, *names.values())
        found = held.get(key)
        if found is None:
            found = held[key] = make(*words, **names)
        return found

    return give


class Moving:
    """A group that may change.

    Args:
        head: its label and the separator behind.
        read: reads any rest.
        quick: gives what reads a rest of so many bytes, which `read` has taken before, in less time.
    """

    __slots__ = ("__weakref__", "head", "quick", "read")

    def __init__(self, head: bytes, read: Read, quick: Callable[[int], Read]) -> None:
        self.head = head
        self.read = read
        self.quick = quick


@_held_while_used
def moving(
    head: bytes, dialect: Dialect, start: int, told: tuple[Field, ...], rows: tuple[Field, ...], *, is_stamped: bool
) -> Moving:
    """Make what reads a group whose readings stand for themselves: another number changes them and nothing else.

    Args:
        head: label and separator.
        dialect: that of the frame.
        start: place of its first reading in the frame.
        told: the rows that gave a reading, in order.
        rows: all rows of the label.
        is_stamped: it has a timestamp.
    """
    read = _reader(head, dialect, start, told, rows, is_stamped=is_stamped)
    numbers = {place: row.codec for place, row in enumerate(told, start) if row.is_plain_number}
    if len(numbers) == 1:
        ((place, codec),) = numbers.items()
        if isinstance(codec, Integer) and codec.at_least >= 0 and told == rows and len(told) == 1:
            return Moving(head, read, partial(_digits_reader, head, dialect, codec, place))
        if isinstance(codec, Date | Stamp):
            others = tuple(other for other, _ in enumerate(told, start) if other != place)
            return Moving(
                head,
                read,
                lambda length: _dated_reader(head, dialect, read, place, others, _STAMP if is_stamped else length - 2),
            )
    return Moving(head, read, lambda _length: read)


@lru_cache(maxsize=128)
def _tails(dialect: Dialect, unit: str) -> tuple[bytes, ...]:
    """Give what may stand behind a number, by the six bits of its group's sum: unit, separator and checksum."""
    return tuple(b"%b%b%c" % (unit.encode("ascii"), dialect.separator, 0x20 + bits) for bits in range(64))


def _sum_around(head: bytes, unit: str, dialect: Dialect) -> int:
    """Sum what a group's checksum covers beside the value."""
    return sum(head) + sum(unit.encode("ascii")) + sum(dialect.separator[: 2 - dialect.uncovered])


def _reader(
    head: bytes, dialect: Dialect, start: int, told: tuple[Field, ...], rows: tuple[Field, ...], *, is_stamped: bool
) -> Read:
    """Make what reads any rest, by the codecs."""
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


@_held_while_used
def _digits_reader(head: bytes, dialect: Dialect, codec: Integer, place: int, length: int) -> Read:
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


@_held_while_used
def _dated_reader(head: bytes, dialect: Dialect, read: Read, date: int, others: tuple[int, ...], end: int) -> Read:
    """Make what reads a date quickly where the one before differs from it in the second alone.

    So do most dates of a meter, and those of all meters of a town. What `read` said of the one before is kept: nothing
    but the reading at `date` hangs on the second, which stands before `end` in every form.
    """
    tails, around = _tails(dialect, ""), _sum_around(head, "", dialect)
    begin = end - 2
    before = behind = b""  # as no date stands: something precedes its second
    total = 0
    minute: datetime
    season: str
    same: list[tuple[int, Value]]

    def read_dated(rest: bytes, values: list[Value], changed: list[int]) -> bool:
        nonlocal before, behind, total, minute, season, same
        written = rest[begin:end]
        second = _SECONDS.get(written)
        if second is not None and rest == before + written + behind + tails[(total + second[1]) & 0x3F]:
            for place, value in same:
                if values[place] != value:
                    return False
            values[date] = _new(LocalTime, (minute, season, second[0]))
            changed.append(date)
            return True
        if not read(rest, values, changed):
            return False
        before, behind = rest[:begin], rest[end:-2]
        total = around + sum(before) + sum(behind)
        minute, season, _ = cast("LocalTime", values[date])
        same = [(place, values[place]) for place in others]
        return True

    return read_dated
