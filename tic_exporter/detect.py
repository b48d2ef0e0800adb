"""Which speed a line has: the one at which groups have right checksums. Pure: bytes and times come as arguments."""

import re
from itertools import cycle

from .tic.framing import SEVEN_BITS
from .tic.groups import Defect, dialect_of, parse_group

SPEEDS = (9600, 1200, 19200, 2400, 4800)
"""In the order in which they are tried: Linky standard, nearly all the rest, then those of PME-PMI and SAPHIR."""

DWELL = 1.5
"""Seconds at one speed: five groups of the slowest line, so that all speeds are heard within 7.5 s."""

VOTES = 3
"""Groups with a right checksum that decide. At a wrong speed one in 64 is right by chance, if it looks like one."""

REARM_AFTER = 20.0
"""Seconds of bytes without a single right group after which the speed is in doubt."""

_GROUP = re.compile(rb"\n([^\r\n]{4,130})\r")
_LONGEST_GROUP = 140


class Votes:
    """Counts groups with right and wrong checksums, wherever they stand, in either dialect, with or without parity."""

    def __init__(self) -> None:
        self.right = 0
        self.wrong = 0
        self.received = 0
        self._tail = b""

    def feed(self, data: bytes) -> None:
        self.received += len(data)
        text = self._tail + data.translate(SEVEN_BITS)
        end = 0
        for match in _GROUP.finditer(text):
            end = match.end()
            verdict = parse_group(match[1], dialect_of(match[1]))
            if isinstance(verdict, Defect):
                self.wrong += 1
            else:
                self.right += 1
        self._tail = text[max(end, len(text) - _LONGEST_GROUP) :]

    @property
    def decided(self) -> bool:
        return self.right >= VOTES and self.right > self.wrong


class SpeedSearch:
    """Tries one speed after the other until the votes decide; a silent line says nothing, and is waited for."""

    def __init__(self, first: int, now: float) -> None:
        self._order = cycle((first, *(speed for speed in SPEEDS if speed != first)))
        self._begin(now)

    def _begin(self, now: float) -> None:
        self.speed = next(self._order)
        self._votes = Votes()
        self._since = now

    def feed(self, data: bytes) -> bool:
        """Take what was heard at `speed`; True once that is the line's speed."""
        self._votes.feed(data)
        return self._votes.decided

    def next_speed(self, now: float) -> int | None:
        """Give the next speed to try when this one had its time."""
        if not self._votes.received:
            self._since = now
        if now - self._since < DWELL:
            return None
        self._begin(now)
        return self.speed
