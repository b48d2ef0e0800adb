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

from .codecs import Placed, Verdict
from .frames import DecodedFrame, Entry
from .groups import Dialect, split
from .parity import Parity
from .schema import Dimensions, Family, Field, Reading

_NO_NUMBER = (Verdict, Placed)
_new = tuple.__new__  # half the cost of calling a named tuple

_Words = Callable[[bytes], tuple[str, str | None] | None]
_Read = Callable[[bytes, list[Reading], list[int]], bool]


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
        self._last = frame
        self._entries = entries
        self._family = family
        self._known: dict[int, _Read | None] = {}
        self._cut: Callable[[bytes], tuple[bytes, ...]] | None = None
        self._pieces: tuple[bytes, ...] = ()
        self._readers: list[_Read | None] = []

    def decode(self, body: bytes, parity: Parity, *, cooked: bool) -> DecodedFrame | None:
        """Read a frame, given in 7-bit characters; None: it takes the whole way."""
        last = self._last
        if parity is not last.parity:
            return None
        readings = list(last.readings)
        changed: list[int] = []
        if self._cut is None or len(body) != len(last.body):
            return self._decode_groups(body, readings, changed, cooked=cooked)
        pieces = self._cut(body)
        readers = self._readers
        for place in compress(count(), map(ne, pieces, self._pieces)):
            read = readers[place]
            if read is None:
                return self._decode_groups(body, list(last.readings), [], cooked=cooked)
            if not read(pieces[place], readings, changed):
                return None
        self._pieces = pieces
        return self._follow(body, readings, changed, cooked=cooked)

    def _decode_groups(
        self, body: bytes, readings: list[Reading], changed: list[int], *, cooked: bool
    ) -> DecodedFrame | None:
        """Compare group by group, and learn which of them change."""
        parts, before = split(body), split(self._last.body)
        if parts is None or before is None or len(parts) != len(before):
            return None
        places = [place for place, differs in enumerate(map(ne, parts, before)) if differs]
        for place in places:
            if place not in self._known:
                self._known[place] = _reader_at(place, self._last, self._entries, self._family)
            read = self._known[place]
            if read is None or not read(parts[place], readings, changed):
                return None
        self._cut = None
        if len(body) == len(self._last.body) == sum(map(len, parts)) + 2 * len(parts):
            self._learn(parts)
            self._pieces = self._cut(body) if self._cut else ()
        return self._follow(body, readings, changed, cooked=cooked)

    def _learn(self, parts: list[bytes]) -> None:
        """Cut frames around the groups that change, each between LF and CR."""
        sizes: list[int] = []
        readers: list[_Read | None] = []
        still = 1
        for place, part in enumerate(parts):
            if place in self._known:
                sizes += still, len(part)
                readers += None, self._known[place]
                still = 0
            else:
                still += len(part)
            still += 2
        sizes.append(still - 1)
        self._readers = [*readers, None]
        self._cut = Struct("".join(f"{size}s" for size in sizes)).unpack

    def _follow(self, body: bytes, readings: list[Reading], changed: list[int], *, cooked: bool) -> DecodedFrame:
        # Positions are those of the fields: what stays, then what every frame has of its own.
        same = self._last[:11]
        self._last = _new(DecodedFrame, (*same, cooked, body, len(self._entries), readings, changed))
        return self._last


@lru_cache(maxsize=512)
def _words_of(label: str, dialect: Dialect, *, is_stamped: bool) -> _Words:
    """Make what gives value and timestamp of another group with this label, in 7-bit characters.

    It answers None where `parse_group` would find another label or a defect, or the timestamp comes or goes.
    """
    head = label.encode("ascii") + dialect.separator
    behind, uncovered, separator = len(head), -dialect.uncovered, dialect.separator[0]
    # A value that ends at SP has one character at least; one that ends at HT may be empty.
    shortest = behind + dialect.uncovered + 1

    def read(part: bytes) -> tuple[str, str | None] | None:
        if (
            len(part) < shortest
            or (sum(part[:uncovered]) & 0x3F) + 0x20 != part[-1]
            or part[-2] != separator
            or not part.startswith(head)
        ):
            return None
        text = part[behind:-2].decode("ascii")
        if not is_stamped:
            return (text, None) if text.isprintable() else None
        timestamp, tab, text = text.partition("\t")
        return (text, timestamp) if tab and timestamp and timestamp.isprintable() and text.isprintable() else None

    return read


@lru_cache(maxsize=1024)
def _reader(words: _Words, start: int, told: tuple[tuple[Field, Dimensions], ...], rows: tuple[Field, ...]) -> _Read:
    """Make what reads a group whose readings stand for themselves: another number changes them and nothing else.

    It keeps nothing of a meter, and those of one kind share it.

    It puts what the group says now into the readings of the frame and its places into `changed`. It answers false where
    the group is not right, anything else than a number changes, a row speaks that was silent, or one is silent that
    spoke.
    """
    speaking = [
        (start + place, row.codec, row.is_plain_number, row.quantity, where, row)
        for place, (row, where) in enumerate(told)
    ]
    mute = [row.codec for row in rows if row not in {row for row, _ in told}]

    def read(part: bytes, readings: list[Reading], changed: list[int]) -> bool:
        found = words(part)
        if found is None:
            return False
        text, timestamp = found
        for place, codec, is_number, quantity, where, row in speaking:
            value = codec(text, timestamp)
            if is_number:
                if isinstance(value, _NO_NUMBER):
                    return False
                readings[place] = _new(Reading, (quantity, where, value, row))
                changed.append(place)
            elif value != readings[place].value:
                return False
        for codec in mute:  # noqa: SIM110 - a generator would cost more than what it runs
            if not isinstance(codec(text, timestamp), Verdict):
                return False
        return True

    return read


def _reader_at(place: int, frame: DecodedFrame, entries: Sequence[Entry], family: Family) -> _Read | None:
    """Make what reads one group, when it changes for the first time; None where its change may change more."""
    start = sum(_places(frame, entries[:place]))
    entry, group = entries[place], entries[place].group
    rows = [*(reading.row for reading in entry.readings), *(row for row, _ in entry.bound)]
    readings = frame.readings[start : start + len(rows)]
    if group is None or not rows or group.label in family.context_labels or [told.row for told in readings] != rows:
        return None
    words = _words_of(group.label, frame.dialect, is_stamped=group.timestamp is not None)
    return _reader(words, start, tuple((told.row, told.dimensions) for told in readings), tuple(entry.rows or ()))


def _places(frame: DecodedFrame, entries: Sequence[Entry]) -> Iterator[int]:
    """Count the readings that each group has in the frame."""
    position = 0
    for entry in entries:
        number = len(entry.readings)
        for row, _ in entry.bound:
            # A bound reading whose dimension was not known was passed over.
            at = position + number
            number += at < len(frame.readings) and frame.readings[at].row is row
        position += number
        yield number
