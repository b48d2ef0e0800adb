"""The references of `benchmarks.decode`: well-written automata in Python that look at one byte after the other.

They do what most decoders of TIC do: find frames and groups, check each checksum, keep label, timestamp and value of
the groups that are right. No parity, no tables, no types, no confirmation. `Automaton` is what the specification
suggests and what decoders for small processors do: every byte moves the state, the sum and the field. `HastyAutomaton`
sums and splits each group at its end, which is no longer one byte at a time but as fast as such a loop gets.
"""

from collections.abc import Sequence

STX, ETX, EOT, LF, CR, HT, SP = 0x02, 0x03, 0x04, 0x0A, 0x0D, 0x09, 0x20
Values = dict[bytes, tuple[bytes, bytes | None]]


class Automaton:
    """Feed it bytes; it gives one dictionary of label to (value, timestamp) for each frame with right groups alone."""

    def __init__(self, separator: int) -> None:
        self._separator = separator
        # The separator before the checksum is covered in mode standard.
        self._uncovered = 0 if separator == HT else separator
        self._in_frame = self._in_group = False
        self._is_right = True
        self._sum = 0
        self._fields: list[bytearray] = []
        self._values: Values = {}

    def feed(self, data: bytes) -> list[Values]:  # noqa: C901 - one state machine
        frames = []
        for byte in data:
            if self._in_group:
                if byte == CR:
                    self._end_group()
                    self._in_group = False
                elif byte == self._separator:
                    self._sum += byte
                    self._fields.append(bytearray())
                elif byte >= SP:
                    self._sum += byte
                    self._fields[-1].append(byte)
                else:
                    self._is_right = self._in_group = False
            elif byte == LF:
                self._in_group, self._sum, self._fields = self._in_frame, 0, [bytearray()]
            elif byte == STX:
                self._values, self._is_right, self._in_frame = {}, True, True
            elif byte == ETX:
                if self._in_frame and self._is_right:
                    frames.append(self._values)
                self._in_frame = False
            elif byte == EOT:
                self._in_frame = False
        return frames

    def _end_group(self) -> None:
        last = self._fields.pop()
        # A checksum that is a space ended a field of its own.
        character = last[0] if last else SP
        if not last and self._separator == SP:
            self._fields.pop()
            self._sum -= SP
        covered = self._sum - (character if last else 0) - self._uncovered
        if len(self._fields) < 2 or (covered & 0x3F) + 0x20 != character:
            self._is_right = False
        else:
            _keep(self._values, self._fields, self._separator)


class HastyAutomaton:
    """The same, with the work of each group left to its end."""

    def __init__(self, separator: int) -> None:
        self._separator = separator
        self._uncovered = 1 if separator == HT else 2
        self._in_frame = self._in_group = False
        self._is_right = True
        self._group = bytearray()
        self._values: Values = {}

    def feed(self, data: bytes) -> list[Values]:  # noqa: C901 - one state machine
        frames = []
        group, append = self._group, self._group.append
        for byte in data:
            if self._in_group and byte >= SP:
                append(byte)
            elif byte == LF:
                group.clear()
                self._in_group = self._in_frame
            elif byte == CR:
                if self._in_group:
                    self._end_group()
                self._in_group = False
            elif byte == HT:
                append(byte)
            elif byte == STX:
                self._values, self._is_right = {}, True
                self._in_frame, self._in_group = True, False
            elif byte == ETX:
                if self._in_frame and self._is_right:
                    frames.append(self._values)
                self._in_frame = self._in_group = False
            elif byte == EOT:
                self._in_frame = self._in_group = False
        return frames

    def _end_group(self) -> None:
        group = self._group
        if len(group) < 4 or (sum(group[: -self._uncovered]) & 0x3F) + 0x20 != group[-1]:
            self._is_right = False
        else:
            _keep(self._values, group[:-2].split(bytes((self._separator,))), self._separator)


def _keep(values: Values, fields: Sequence[bytearray], separator: int) -> None:
    """Keep one group; with SP as separator the value may hold spaces itself."""
    label, *rest = fields
    if separator == SP:
        values[bytes(label)] = b" ".join(rest), None
    else:
        values[bytes(label)] = bytes(rest[-1]), bytes(rest[0]) if len(rest) == 2 else None
