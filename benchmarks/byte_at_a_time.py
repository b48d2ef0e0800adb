"""The reference of `benchmarks.decode`: a well-written automaton in Python that looks at one byte after the other.

It does what most decoders of TIC do: find frames and groups, check each checksum, keep label, timestamp and value of
the groups that are right. No parity, no tables, no types, no confirmation.
"""

STX, ETX, EOT, LF, CR, HT, SP = 0x02, 0x03, 0x04, 0x0A, 0x0D, 0x09, 0x20


class Automaton:
    """Feed it bytes; it gives one dictionary of label to (value, timestamp) for each frame with right groups alone."""

    def __init__(self, separator: int) -> None:
        self._separator = separator
        self._covers_last = separator == HT
        self._in_frame = False
        self._in_group = False
        self._is_right = True
        self._group = bytearray()
        self._sum = 0
        self._values: dict[bytes, tuple[bytes, bytes | None]] = {}

    def feed(self, data: bytes) -> list[dict[bytes, tuple[bytes, bytes | None]]]:  # noqa: C901 - one state machine
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
        if len(group) < 4:
            self._is_right = False
            return
        covered = group[:-1] if self._covers_last else group[:-2]
        if (sum(covered) & 0x3F) + 0x20 != group[-1]:
            self._is_right = False
            return
        parts = bytes(group[:-2]).split(bytes((self._separator,)), 1 if self._separator == SP else 2)
        if len(parts) == 3:
            self._values[parts[0]] = (parts[2], parts[1])
        elif len(parts) == 2:
            self._values[parts[0]] = (parts[1], None)
        else:
            self._is_right = False
