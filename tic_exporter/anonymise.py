"""Takes out of a stream what tells whose meter it is: ids, the metering point, messages. Pure: bytes in, bytes out.

The stream keeps its length, its delimiters and its parity errors, so that framing, timing and damage can be studied.
What stands between two delimiters (STX, ETX, EOT, LF, CR) is judged by itself:

- A group with right checksum and parity whose value its label's table reads is kept.
- If that is an id, a metering point or a message, it gets a pseudonym, the same for the same value.
- A group that is right, but that its table refuses or ignores, is kept unless it has six digits in a row.
- Everything else is masked: digits become 0, letters X, other characters dots. A known label in front stays.
- If it holds characters that no meter sends, all of it becomes 0x7F: a misread line is a picture of what was sent.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import count

from .tic import quantities as q
from .tic.codecs import Codec, Verdict
from .tic.families import FAMILIES
from .tic.framing import SEVEN_BITS
from .tic.groups import Dialect, Group, dialect_of, encode_group, parse_group
from .tic.identity import IDENTIFIER
from .tic.parity import WRONG, Parity, check, count_wrong, with_even_parity

_DELIMITERS = b"\x02\x03\x04\n\r"
_PIECE = re.compile(rb"[^\x02\x03\x04\n\r]+")
_LONGEST_PIECE = 512
"""Bytes without a delimiter after which one is no longer waited for: the longest group has 111."""

_SAMPLE = 512
_SMALLEST_SAMPLE = 64
"""Bytes that tell whether bit 7 is a parity bit: half of the characters have it set then."""

_IDS = "ids"
_POINTS = "metering points"
_MESSAGES = "messages"
_ID_FORMS = frozenset({IDENTIFIER, *(family.id_form for family in FAMILIES)})
_PRIVATE_QUANTITIES = {q.METERING_POINT: _POINTS, q.MESSAGE: _MESSAGES, q.SHORT_MESSAGE: _MESSAGES}
_PRIVATE = {family.id_label: _IDS for family in FAMILIES if family.id_label} | {
    row.label: _PRIVATE_QUANTITIES[row.quantity]
    for family in FAMILIES
    for row in family.all_fields
    if row.quantity in _PRIVATE_QUANTITIES
}
_KNOWN = frozenset().union(*(family.known_labels for family in FAMILIES))

_SERIAL_NUMBER = re.compile(r"\d{6}")
_LABEL_IN_FRONT = re.compile(rb"([!-~]{1,9})[ \t]")
_HARMLESS_LABEL = re.compile(r"(?!.*\d{3})[A-Za-z].*")
_UNPRINTABLE = re.compile(rb"[^\t -~]")


def _mask_of(code: int) -> int:
    character = chr(code)
    if character.isdigit():
        return ord("0")
    return ord("X") if character.isalpha() else code if character in " \t" else ord(".")


_MASK = bytes(_mask_of(code & 0x7F) for code in range(256))
_BLANK = bytes(0x09 if code & 0x7F == 0x09 else 0x7F for code in range(256))


class Anonymiser:
    """Takes one stream. What `feed` holds back comes with a later call, the last of it with `finish`."""

    def __init__(self) -> None:
        self._pending = b""
        self._sample = b""
        self._pseudonyms: dict[tuple[str, str], str] = {}

    def feed(self, data: bytes) -> bytes:
        """Take bytes; give as many as can be judged by now."""
        self._pending += data
        self._sample = (self._sample + data)[-_SAMPLE:]
        if len(self._sample) < _SMALLEST_SAMPLE:
            return b""
        view = self._pending.translate(SEVEN_BITS)
        end = 1 + max(view.rfind(code) for code in _DELIMITERS)
        return self._take(end if len(view) - end <= _LONGEST_PIECE else len(view))

    def finish(self) -> bytes:
        """Give the rest."""
        return self._take(len(self._pending))

    def _take(self, end: int) -> bytes:
        raw, self._pending = self._pending[:end], self._pending[end:]
        is_even = count_wrong(self._sample) * 8 > len(self._sample)
        parts, position = [], 0
        for match in _PIECE.finditer(raw.translate(SEVEN_BITS)):
            start, position, before = match.start(), match.end(), position
            parts += [raw[before:start], self._judge(raw[start:position], is_even=is_even)]
        return b"".join([*parts, raw[position:]])

    def _judge(self, raw: bytes, *, is_even: bool) -> bytes:
        """Rewrite what stands between two delimiters; a wrong parity bit stays wrong."""
        text = check(raw, Parity.EVEN)[0] if is_even else raw
        group = parse_group(text, dialect_of(text))
        new = self._rewrite(text, group) if isinstance(group, Group) else _mask(text)
        if is_even:
            new = with_even_parity(new)
        return bytes(code ^ (old & WRONG) for code, old in zip(new, text, strict=True))

    def _rewrite(self, text: bytes, group: Group) -> bytes:
        kind = _PRIVATE.get(group.label)
        if kind is not None:
            return _encode(group._replace(value=self._pseudonym(kind, group.value)), text)
        if group.label not in _KNOWN:
            return _mask_unknown(group, text)
        if _is_read(group) or not _SERIAL_NUMBER.search(f"{group.timestamp} {group.value}"):
            return text
        # What the tables refuse must not become readable by being masked.
        masked = group._replace(value=_masked(group.value))
        return _mask(text) if _is_read(masked) else _encode(masked, text)

    def _pseudonym(self, kind: str, value: str) -> str:
        known = self._pseudonyms.get((kind, value))
        if known is None:
            taken = {name for (other, _), name in self._pseudonyms.items() if other == kind} | {value}
            candidates = _candidates(kind, value)
            known = next(name for name in candidates if name not in taken or not name.strip(" 0X."))
            self._pseudonyms[kind, value] = known
        return known


def _candidates(kind: str, value: str) -> Iterator[str]:
    """Give names of the same form and length. What says nothing stays."""
    width = len(value)
    for serial in count(1):
        if not value.strip(" 0"):
            yield value
        elif kind == _MESSAGES:
            yield f"TEXT {serial}".ljust(width) if width > 8 else "X" * width
        elif kind == _POINTS and re.fullmatch(r"\d{14}", value):
            yield f"{serial:014}"
        elif kind == _IDS and any(form.fullmatch(value) for form in _ID_FORMS):
            yield f"{value[:6]}{serial:06}"
        else:
            yield _masked(value)


@cache
def _codecs() -> dict[str, tuple[Codec, ...]]:
    """Find who reads a label, under each of its spellings."""
    found: dict[str, list[Codec]] = {}
    for family in FAMILIES:
        for row in family.all_fields:
            spellings = [other for other, label in family.aliases.items() if label == row.label]
            for label in (row.label, *spellings):
                found.setdefault(label, []).append(row.codec)
    return {label: tuple(codecs) for label, codecs in found.items()}


def _is_read(group: Group) -> bool:
    return any(codec(group.value, group.timestamp) is not Verdict.REFUSED for codec in _codecs().get(group.label, ()))


def _encode(group: Group, text: bytes) -> bytes:
    return encode_group(group, dialect_of(text))[1:-1]


def _masked(value: str) -> str:
    return value.encode("ascii").translate(_MASK).decode("ascii")


def _mask_unknown(group: Group, text: bytes) -> bytes:
    """Keep a label that no table has, as far as it can be no part of a number; a right checksum stays right."""
    label = group.label if _HARMLESS_LABEL.fullmatch(group.label) else _masked(group.label)
    timestamp = _masked(group.timestamp) if group.timestamp else group.timestamp
    return _encode(Group(label, _masked(group.value), timestamp), text)


def _mask(text: bytes) -> bytes:
    seven_bits = text.translate(SEVEN_BITS)
    if _UNPRINTABLE.search(seven_bits):
        return text.translate(_BLANK)
    front = _LABEL_IN_FRONT.match(seven_bits)
    kept = front[1] if front and front[1].decode("ascii") in _KNOWN else b""
    masked = kept + seven_bits[len(kept) :].translate(_MASK)
    if any(isinstance(parse_group(masked, dialect), Group) for dialect in Dialect):
        # By chance its checksum is right now: what was no group must not become one.
        masked = masked[:-1] + (b"Y" if masked[-1:] != b"Y" else b"Z")
    return masked
