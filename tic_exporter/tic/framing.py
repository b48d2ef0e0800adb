"""Bytes to frames: STX opens a frame, ETX completes it, EOT says that the meter broke off (NOI-CPT_02E 1.5.1).

Characters come as the line gives them, with or without a parity bit; only what is said about delimiters looks at
seven bits, so that both kinds of stream are cut alike.
"""

from enum import Enum
from typing import NamedTuple

STX = 0x02
ETX = 0x03
EOT = 0x04
_STX, _ETX, _EOT = bytes((STX,)), bytes((ETX,)), bytes((EOT,))

LONGEST_FRAME = 8192
"""Bytes after which a frame without an end is given up.

The longest frame that can be computed from a table is SAPHIR's (about 4,500 bytes; the longest seen is a three-phase
Linky's 1,727), so twice that never costs a true frame and bounds the memory that a line without ETX can take.
"""

SEVEN_BITS = bytes(code & 0x7F for code in range(256))


class Cut(Enum):
    """Why a frame ended."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    TRUNCATED = "truncated"
    OVERSIZED = "oversized"


_new = tuple.__new__  # half the cost of calling a named tuple
# Read for every frame, and a member is found slowly.
_COMPLETE, _TRUNCATED = Cut.COMPLETE, Cut.TRUNCATED
# How each delimiter ends the frame that is open; STX opens another one too.
_CUTS = {STX: _TRUNCATED, ETX: _COMPLETE, EOT: Cut.INTERRUPTED}


class RawFrame(NamedTuple):
    """What stood between two delimiters, as received: up to `LONGEST_FRAME` 8-bit characters.

    `cooked` marks a frame that came through a terminal in canonical mode, with its CR restored.
    """

    body: bytes
    cut: Cut
    cooked: bool = False


class Framer:
    """Cuts a stream into frames; how the stream was chopped into chunks never matters.

    What precedes the first STX and what stands between ETX and STX belongs to no frame and is dropped.
    """

    def __init__(self) -> None:
        # The open frame from its STX on, empty where none is open; `_view` is `_raw` in seven bits.
        self._raw = b""
        self._view = b""
        self._saw_etx = False

    def reset(self) -> None:
        """Forget the open frame, as when the line was closed or its speed changed."""
        self._raw = self._view = b""
        self._saw_etx = False

    def feed(self, data: bytes) -> list[RawFrame]:
        seven_bits = data if data.isascii() else data.translate(SEVEN_BITS)
        view = self._view + seven_bits
        # One object serves both while the line has no parity bit.
        raw = view if seven_bits is data and self._raw is self._view else self._raw + data
        end = view.find(_ETX)
        if 0 <= end == len(view) - 1 <= LONGEST_FRAME and not view.rfind(_STX) and EOT not in view:
            # One frame and nothing else, as nearly always when the last piece of one has come.
            self._raw = self._view = b""
            self._saw_etx = True
            return [_new(RawFrame, (raw[1:end], _COMPLETE, False))]
        return self._cut(raw, view)

    def _cut(self, raw: bytes, view: bytes) -> list[RawFrame]:
        frames: list[RawFrame] = []
        stx = view.find(_STX)
        while stx >= 0:
            start = stx + 1
            # Three searches by `memchr` cost a hundredth of a regular expression.
            end = view.find(_ETX, start)
            if end < 0:
                end = len(view)
            stx = view.find(_STX, start, end)
            if stx >= 0:
                end = stx
            eot = view.find(_EOT, start, end)
            if eot >= 0:
                end = eot
            if end - start > LONGEST_FRAME:
                frames.append(RawFrame(b"", Cut.OVERSIZED))
                stx = view.find(_STX, end)
                continue
            if end == len(view):
                self._raw, self._view = raw[start - 1 :], view[start - 1 :]
                if raw is view:
                    self._raw = self._view
                return frames
            cut = _CUTS[view[end]]
            if cut is _COMPLETE:
                self._saw_etx = True
                frames.append(_new(RawFrame, (raw[start:end], cut, False)))
            else:
                frames.append(self._broken(raw[start:end], cut))
            stx = view.find(_STX, end)
        self._raw = self._view = b""
        return frames

    def _broken(self, body: bytes, cut: Cut) -> RawFrame:
        """Recognise what a terminal in canonical mode leaves: CR became LF, and ETX (its interrupt character) is gone.

        Then STX is the only delimiter left. One ETX, or one CR inside the frame, proves that this is not such a stream.
        """
        if cut is _TRUNCATED and not self._saw_etx and b"\n\n" in body and b"\r" not in body and body.isascii():
            lines = (line for line in body.split(b"\n") if line)
            return RawFrame(b"".join(b"\n%b\r" % line for line in lines), Cut.COMPLETE, cooked=True)
        return RawFrame(body, cut)
