"""Even parity, checked in software: 7E1 and 8N1 characters both take ten bit times, so the port is opened 8N1.

The checksum of a group is six bits of a sum and passes 11.7 % of single-bit errors; parity finds every one of them.
"""

from enum import Enum

from .framing import SEVEN_BITS


class Parity(Enum):
    """What is known of bit 7: the even parity of the other seven, or nothing."""

    EVEN = "even"
    NONE = "none"


_EVEN_PARITY, _NO_PARITY = Parity.EVEN, Parity.NONE  # read for every frame, and a member is found slowly
WRONG = 0x80
"""Set on the 7-bit value of a character that came with the wrong parity, so that `isascii()` tells a clean text."""

_EVEN = bytes((code & 0x7F) | (WRONG if code.bit_count() & 1 else 0) for code in range(256))
_ALL_7_BIT_CODES = bytes(range(128))


def check(raw: bytes, expected: Parity | None) -> tuple[bytes, Parity, bool]:
    """Return a frame in 7-bit characters, `WRONG` set on the damaged ones, its parity, and whether none is damaged.

    With `expected` None each frame tells by itself: half of its characters have bit 7 set when it is a parity bit, none
    when a bridge or a port at 7E1 has taken it off. A few set bits in a stream without parity are damage, and stay set.
    With `Parity.NONE` bit 7 is not looked at.
    """
    if expected is not _EVEN_PARITY and raw.isascii():
        return raw, _NO_PARITY, True
    if expected is _NO_PARITY:
        return raw.translate(SEVEN_BITS), _NO_PARITY, True
    if expected is None and count_wrong(raw) * 8 <= len(raw):
        return raw, _NO_PARITY, False
    body = raw.translate(_EVEN)
    return body, _EVEN_PARITY, body.isascii()


def count_wrong(body: bytes) -> int:
    """Count the characters with bit 7 set."""
    return len(body.translate(None, _ALL_7_BIT_CODES))


def with_even_parity(text: bytes) -> bytes:
    """Encode 7-bit characters as the line carries them at 7E1 and an 8N1 port sees them."""
    return text.translate(_ENCODE)


_ENCODE = bytes(code | (0x80 if code.bit_count() & 1 else 0) for code in range(128)) + bytes(range(128, 256))
