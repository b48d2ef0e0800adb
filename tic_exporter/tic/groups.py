"""Frame body to groups and back, in the two dialects (NOI-CPT_02E 1.5.2, NOI-CPT_54E 5.3.5).

body  = *(LF group CR), with CR LF tolerated around it
group = label SP value SP checksum                 HISTORIC
group = label HT [timestamp HT] value HT checksum  STANDARD

One form beside these is read, since some CBE send it for as long as an overload lasts:

ADPS  = "ADPS" 3 digits SP checksum                HISTORIC
"""

import re
from enum import Enum
from typing import NamedTuple

_CRLF = b"\r\n"
_GLUED = re.compile(rb"ADPS(\d{3}) [ -_]")


class Dialect(Enum):
    """Separator, whether the checksum covers the last one, and the grammar of a group; `mode` is what people call it.

    A label has at most 9 characters (`SMAXSN1-1`; the specification says 8). With SP as separator the value may itself
    hold spaces, so it ends at the last one; a checksum may be a space too.
    """

    HISTORIC = (b" ", 2, re.compile(r"([!-~]{1,9}) ()([ -~]+) [ -_]"))
    STANDARD = (b"\t", 1, re.compile(r"([!-~]{1,9})\t(?:([ -~]+)\t)?([ -~]*)\t[ -_]"))

    def __init__(self, separator: bytes, uncovered: int, grammar: re.Pattern[str]) -> None:
        self.mode = self.name.lower()
        self.separator = separator
        self.uncovered = uncovered
        self.grammar = grammar


class Defect(Enum):
    """Why something was not interpreted, in the order in which one is counted where several apply."""

    CHECKSUM = "checksum"
    MALFORMED = "malformed"
    INVALID_VALUE = "invalid_value"
    MISSING_CONTEXT = "missing_context"
    UNKNOWN_LABEL = "unknown_label"
    PARITY = "parity"


class Group(NamedTuple):
    """One *groupe d'information*. `timestamp` is None where the group has no such element."""

    # A named tuple, not a dataclass: it is made for every group that changes, and costs a third to make.
    label: str
    value: str
    timestamp: str | None = None


def checksum(covered: bytes) -> int:
    """Six bits of the sum, moved to printable characters: 0x20 to 0x5F."""
    return (sum(covered) & 0x3F) + 0x20


def dialect_of(body: bytes) -> Dialect:
    """All groups of one configuration use one separator; HT occurs in no historic value."""
    return Dialect.STANDARD if b"\t" in body else Dialect.HISTORIC


def split(body: bytes) -> list[bytes] | None:
    """Return what stands between each LF and its CR, or None when the body is not made of such pairs alone."""
    if len(body) > 3 and body[0] == 0x0A and body[1] >= 0x20 and body[-2] >= 0x20 and body[-1] == 0x0D:
        return body[1:-1].split(b"\r\n")  # nothing around it, as hardly ever
    start = len(body) - len(body.lstrip(_CRLF))
    end = len(body.rstrip(_CRLF))
    if not start or start > end or body[start - 1] != 0x0A or body[end : end + 1] != b"\r":
        return None
    return body[start:end].split(b"\r\n")


def pieces(body: bytes) -> list[bytes]:
    """Return whatever stands between line ends: the groups of a frame that is not whole, for counting."""
    return [piece for piece in re.split(rb"[\r\n]+", body) if piece]


def parse_group(raw: bytes, dialect: Dialect) -> Group | Defect:
    """Read one group, given without its LF and CR."""
    if not raw.isascii():
        return Defect.PARITY
    match = dialect.grammar.fullmatch(raw.decode("ascii"))
    if match is None:
        return _glued(raw) if dialect is Dialect.HISTORIC else Defect.MALFORMED
    if (sum(raw[: -dialect.uncovered]) & 0x3F) + 0x20 != raw[-1]:  # `checksum`, without a call for each group
        return Defect.CHECKSUM
    label, timestamp, value = match.groups()
    return Group(label, value, timestamp or None)


def _glued(raw: bytes) -> Group | Defect:
    """Read an ADPS without the separator in front of its value: the one repair, since nothing of it is a guess.

    Label and width of the value are fixed (NOI-CPT_02E 2.3). Such groups were seen, their checksum was not written
    down: whether it covers the separator that is not sent is uncertain [?], so that either fits.
    """
    match = _GLUED.fullmatch(raw)
    if match is None:
        return Defect.MALFORMED
    if raw[-1] not in {checksum(raw[:-2]), checksum(raw[:-1])}:
        return Defect.CHECKSUM
    return Group("ADPS", match[1].decode("ascii"))


def encode_group(group: Group, dialect: Dialect) -> bytes:
    """Write one group with its LF, checksum and CR, as a meter sends it."""
    parts = (group.label, group.timestamp, group.value)
    text = dialect.separator.join(part.encode("ascii") for part in parts if part is not None) + dialect.separator
    covered = text[: len(text) + 1 - dialect.uncovered]
    return b"\n%b%c\r" % (text, checksum(covered))


def encode_frame(groups: list[Group], dialect: Dialect) -> bytes:
    """Write STX, the groups and ETX."""
    return b"\x02%b\x03" % b"".join(encode_group(group, dialect) for group in groups)
