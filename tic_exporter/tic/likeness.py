"""The short way for a frame that differs from the last one in numbers alone, as most frames do.

Groups that did not change are not looked at again, and of those that did only numbers are read (`rereading.py`).
Whatever else changes (a label, a state, a name, a tariff period to which others are bound), and everything that is not
right, is left to the whole way.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import compress, count
from operator import ne
from struct import Struct

from .codecs import Value
from .frames import DecodedFrame, Entry
from .groups import split
from .parity import Parity
from .rereading import Moving, Read, moving
from .schema import Family

_OF_EACH = DecodedFrame._fields.index("body")
"""From here on stands what every frame has of its own."""
_new = tuple.__new__  # half the cost of calling a named tuple


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
        self._parity = frame.parity
        self._cooked = frame.cooked
        self._same = frame[:_OF_EACH]
        self._body = frame.body
        self._values = list(frame.values)
        self._known: dict[int, Moving | None] = {}
        self._cut: Callable[[bytes], tuple[bytes, ...]] | None = None
        self._pieces: tuple[bytes, ...] = ()
        self._readers: list[Read | None] = []

    def decode(self, body: bytes, parity: Parity, *, cooked: bool) -> DecodedFrame | None:
        """Read a frame, given in 7-bit characters; None: it takes the whole way."""
        if parity is not self._parity or cooked is not self._cooked:
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
        if len(body) == sum(map(len, parts)) + 2 * len(parts):
            self._learn(parts)
            self._pieces = self._cut(body) if self._cut else ()
        return self._follow(body, values, changed)

    def _learn(self, parts: list[bytes]) -> None:
        """Cut frames around what changes: the rest of each such group, from behind its label to before its CR."""
        sizes: list[int] = []
        readers: list[Read | None] = []
        still = 1
        for place, part in enumerate(parts):
            moving = self._known.get(place)
            if moving is None:
                still += len(part)
            else:
                rest = len(part) - len(moving.head)
                sizes += still + len(moving.head), rest
                readers += None, moving.quick(rest)
                still = 0
            still += 2
        sizes.append(still - 1)
        self._readers = [*readers, None]
        self._cut = Struct("%ds" * len(sizes) % tuple(sizes)).unpack

    def _follow(self, body: bytes, values: list[Value], changed: list[int]) -> DecodedFrame:
        self._body, self._values = body, values
        return _new(DecodedFrame, self._same + (body, values, changed))  # noqa: RUF005 - half the time of a new tuple


def _moving_at(place: int, frame: DecodedFrame, entries: Sequence[Entry], family: Family) -> Moving | None:
    """Make what reads one group, when it changes for the first time; None where its change may change more."""
    start = sum(_places(frame, entries[:place]))
    entry, group = entries[place], entries[place].group
    rows = [*(reading.row for reading in entry.readings), *(row for row, _ in entry.bound)]
    told = tuple(reading.row for reading in frame.model[start : start + len(rows)])
    if group is None or not rows or group.label in family.context_labels or list(told) != rows:
        return None
    head = group.label.encode("ascii") + frame.dialect.separator
    return moving(head, frame.dialect, start, told, tuple(entry.rows or ()), is_stamped=group.timestamp is not None)


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
